import pytest
import torch
from hypothesis import given, settings
from hypothesis import strategies as st
from scipy.optimize import minimize

from ddbook.chapters.methods_optimise.limits import MARGIN, unit_weight_limit
from ddlib.lens import relative_regret
from ddlib.methods import FirstOrder
from ddlib.problem import distil
from ddlib.tasks import LogisticTask
from tests.ddlib.worlds import any_set, generator, random_data, seeds


@given(seeds, st.integers(1, 4), st.floats(0.05, 20))
@settings(max_examples=30)
def test_no_set_with_weights_of_one_loses_less_than_the_limit(seed, m, penalty):
    task = LogisticTask(random_data(seed), 3, penalty=penalty)
    limit = unit_weight_limit(task, m)
    chosen = any_set(task.train, m, seed)
    for points in (chosen._replace(w=torch.ones_like(chosen.w)), task.start(m, generator(seed))):
        assert (relative_regret(task, points) >= limit - 1e-9).all()


def test_the_margin_is_the_largest_pull():
    u = torch.linspace(0, 5, 500_001, dtype=torch.float64)
    assert (u * torch.sigmoid(-u)).max().item() == pytest.approx(MARGIN, abs=1e-9)


@pytest.mark.parametrize(("m", "penalty"), [(1, 1.0), (2, 1.0), (3, 5.0)])
def test_the_limit_is_the_least_risk_over_a_ball_by_scipy(m, penalty):
    task = LogisticTask(random_data(0), penalty=penalty)
    start = 0.1 * task.reference[0].numpy()

    def risk(theta):
        return float(task.risk(torch.as_tensor(theta)[None]))

    ball = {"type": "ineq", "fun": lambda theta: MARGIN * m / penalty - (theta**2).sum()}
    least = minimize(risk, start, constraints=ball, method="SLSQP", options={"ftol": 1e-14}).fun
    best, nothing = risk(task.reference[0].numpy()), risk(0 * start)
    limit = unit_weight_limit(task, m)
    assert limit > 0.01
    assert limit == pytest.approx((least - best) / (nothing - best), abs=1e-6)


def test_descent_with_weights_of_one_ends_at_the_limit_and_with_free_weights_below():
    task = LogisticTask(random_data(3), 2, penalty=2.0)
    limit = unit_weight_limit(task, 2)
    kept, _ = distil(FirstOrder(0.3, 400), task, 2, 400, generator())
    free, _ = distil(FirstOrder(0.3, 400, learn=("x", "w")), task, 2, 400, generator())
    assert limit > 0.01
    torch.testing.assert_close(relative_regret(task, kept), torch.full((2,), limit).double(), rtol=0, atol=1e-4)
    assert (relative_regret(task, free) < 0.2 * limit).all()


def test_a_weak_penalty_costs_nothing():
    assert unit_weight_limit(LogisticTask(random_data(0), penalty=1e-3), 3) == 0


def test_no_points_are_refused():
    with pytest.raises(ValueError, match="at least 1 point"):
        unit_weight_limit(LogisticTask(random_data(0)), 0)
