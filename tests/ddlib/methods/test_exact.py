"""Exact to 1e-10 wherever theory says exact, on random data and on the diabetes data."""

import pytest
import torch
from hypothesis import assume, given, settings
from hypothesis import strategies as st

from ddlib.learners import ridge
from ddlib.lens import relative_regret
from ddlib.methods import Exact, construct, factor, is_exact
from ddlib.problem import Distilled, distil, regret
from ddlib.protocols import Constructible
from ddlib.tasks import LeastAbsoluteTask, LogisticTask, RidgeTask, as_data
from tests.ddlib.worlds import PENALTIES, closed_form_tasks, diabetes, generator, random_data, seeds

EXACT = 1e-10


def constructible(data, replicates=2):
    """The tasks that bring an exact set."""
    return [task for task in closed_form_tasks(data, replicates) if isinstance(task, Constructible)]


def well_conditioned(data):
    return torch.linalg.cond(data.x[0].mT @ data.x[0]) <= 1e6


@given(seeds, st.floats(0, 1e4))
@settings(max_examples=40)
def test_the_factor_serves_every_ridge_task(seed, penalty):
    data = random_data(seed)
    assume(well_conditioned(data))
    task = RidgeTask(data, penalties=(penalty,))
    assert task.parameter_error(task.fit(factor(data))).item() < EXACT
    for theta in torch.randn(3, 3, generator=generator(seed), dtype=torch.float64):
        loss = ((data.y - data.x @ theta) ** 2).sum()
        kept = factor(data)
        torch.testing.assert_close(((kept.y - kept.x @ theta) ** 2).sum(), loss, rtol=1e-12, atol=1e-12)


@given(seeds, st.sampled_from([0.0, 0.1, 1.0, 100.0]))
@settings(max_examples=40)
def test_one_point_serves_one_ridge_task(seed, penalty):
    data = random_data(seed)
    assume(well_conditioned(data))
    task = RidgeTask(data, penalties=(penalty,))
    one = construct(task, 1)
    assert one.budget == 1
    assert task.parameter_error(task.fit(one)).item() < EXACT


def test_six_points_serve_six_ridge_tasks_on_real_data():
    task = RidgeTask(diabetes(), penalties=PENALTIES)
    six = construct(task, 6)
    assert six.budget == 6
    assert task.parameter_error(task.fit(six)).item() < EXACT


@given(seeds)
@settings(max_examples=20)
def test_one_point_serves_median_regression_and_one_weighted_point_logistic_regression(seed):
    data = random_data(seed)
    for task in (LeastAbsoluteTask(data), LogisticTask(data)):
        one = construct(task, 1)
        assert one.budget == 1
        torch.testing.assert_close(task.fit(one), task.reference, rtol=EXACT, atol=EXACT)


def test_the_factor_does_not_serve_median_regression():
    """Theory's figures on the diabetes data: coefficients 13 % off, risk 0.5 %."""
    task = LeastAbsoluteTask(diabetes())
    theta = task.fit(factor(task.data))
    assert ((theta - task.reference).norm() / task.reference.norm()).item() == pytest.approx(0.13, abs=0.005)
    assert (regret(task, theta) / task.risk(task.reference)).item() == pytest.approx(0.005, abs=0.0005)


def test_a_hard_label_of_unit_weight_cannot_always_do_what_a_weighted_point_does():
    """A unit-weight point exists only if λ ≤ max_t t·σ(−t‖w‖²); on these data it does not, the weighted one does."""
    task = LogisticTask(diabetes(), penalty=1.0)
    length = (task.reference**2).sum()
    scale = torch.linspace(0, 50, 100_001, dtype=torch.float64) / length
    reachable = (scale * torch.sigmoid(-scale * length)).max()
    assert task.penalty > reachable
    assert reachable.item() == pytest.approx(0.2784645427610738 / length.item(), rel=1e-6)  # max_u u·σ(−u)
    assert regret(task, task.fit(construct(task, 1))).abs().item() < 1e-9


def learned_share(theta, penalty, step, label=1.0, weight=1.0):
    """What a ridge learner makes of one point step · θ, as a multiple of θ."""
    one = torch.ones(len(step), 1).double()
    points = Distilled(step[:, None, None] * theta, label * one, weight * one)
    return ridge(points, penalty) @ theta / (theta @ theta)


@given(seeds, st.floats(0.1, 3), st.booleans())
@settings(max_examples=40)
def test_label_one_and_weight_one_serve_a_ridge_task_only_up_to_a_limit(seed, length, below):
    """The limit is λ ≤ 1/(4‖θ‖²); above it no step will do, but another label or another weight will."""
    theta = torch.randn(3, generator=generator(seed), dtype=torch.float64)
    theta = theta * length / theta.norm()
    penalty = (0.9 if below else 1.1) / (4 * length**2)
    steps = torch.linspace(0, 10, 10_001, dtype=torch.float64) / (2 * length**2)
    assert bool((learned_share(theta, penalty, steps) >= 1).any()) == below
    label = length**2 + penalty  # at step 1
    assert learned_share(theta, penalty, steps.new_ones(1), label=label).item() == pytest.approx(1, rel=1e-9)
    step = steps.new_full((1,), 0.5 / length**2)
    assert learned_share(theta, penalty, step, weight=4 * penalty * length**2).item() == pytest.approx(1, rel=1e-9)


def low_rank(seed, n=20, d=5, rank=2):
    """Rows in a subspace."""
    data = random_data(seed, n, d)
    return data._replace(x=data.x[..., :rank] @ torch.randn(rank, d, generator=generator(seed), dtype=torch.float64))


@given(seeds)
@settings(max_examples=20)
def test_more_penalties_than_dimensions_need_only_as_many_points_as_there_are_dimensions(seed):
    for data, dimensions in ((low_rank(seed), 2), (random_data(seed, 20, 3), 3), (random_data(seed, 3, 6), 3)):
        rows = data.x[0]
        singular = torch.linalg.svdvals(rows)
        assume(singular[0] < 1e3 * singular[dimensions - 1])
        task = RidgeTask(data, penalties=(0.1, 1.0, 10.0, 100.0, 1000.0))
        assert is_exact(task, dimensions)
        assert not is_exact(task, dimensions - 1)
        chosen = construct(task, dimensions)
        assert chosen.budget <= dimensions
        assert task.parameter_error(task.fit(chosen)).item() < EXACT
        assert construct(task, dimensions - 1).budget == dimensions - 1


def test_replicates_whose_data_differ_in_rank_are_served_side_by_side():
    flat, full = low_rank(0, d=3, rank=1), random_data(1, d=3)
    both = Distilled(*(torch.cat(parts) for parts in zip(flat, full, strict=True)))
    task = RidgeTask(both, 2, penalties=(0.1, 1.0, 10.0))
    chosen = construct(task, 3)
    assert (task.parameter_error(task.fit(chosen)) < EXACT).all()
    assert (chosen.x[0, 1:] == 0).all() and (chosen.y[0, 1:] == 0).all()


def test_solutions_that_rounding_moved_out_of_the_rows_span_need_no_more_points():
    task = RidgeTask(low_rank(0), penalties=(1e-6, 1e-5, 1e-4, 1.0, 10.0))
    chosen = construct(task, 5)
    assert chosen.budget == 2
    assert task.parameter_error(task.fit(chosen)).item() < 1e-7


@given(seeds)
@settings(max_examples=10)
def test_weighted_rows_are_served_too(seed):
    data = random_data(seed)
    data = data._replace(w=torch.rand(data.w.shape, generator=generator(seed), dtype=torch.float64) + 0.1)
    assume(well_conditioned(data))
    for task in constructible(data):
        assert relative_regret(task, construct(task, 3)).abs().max().item() < 1e-9


def test_how_many_points_are_enough():
    for task in constructible(random_data(0)):
        least = len(getattr(task, "penalties", (1.0,)))
        assert [is_exact(task, budget) for budget in range(5)] == [budget >= least for budget in range(5)]
    assert not is_exact(object(), 10)


def test_a_budget_of_zero_is_refused():
    for task in closed_form_tasks(random_data(0)):
        with pytest.raises(ValueError, match="at least 1 unit"):
            construct(task, 0)


def test_labels_that_say_nothing_give_a_set_that_teaches_nothing():
    data = random_data(0)
    silent = data._replace(y=torch.zeros_like(data.y))
    for task in (task for task in constructible(silent) if not isinstance(task, LogisticTask)):  # whose label is -1 or 1
        chosen = construct(task, 1)
        assert all(bool(part.isfinite().all()) for part in chosen)
        assert (task.fit(chosen) == 0).all()


def test_rows_that_say_nothing_give_a_classifier_that_says_nothing():
    data = random_data(0)
    task = LogisticTask(data._replace(x=torch.zeros_like(data.x)))
    chosen = construct(task, 1)
    assert all(bool(part.isfinite().all()) for part in chosen)
    assert (task.fit(chosen) == 0).all()


@pytest.mark.parametrize("label", [0.0, 0.1, -3.0, 1e20])
def test_one_point_serves_logistic_regression_when_all_labels_are_the_same(label):
    data = random_data(0)
    task = LogisticTask(data._replace(y=torch.full_like(data.y, label)))
    chosen = construct(task, 1)
    assert (chosen.y > task.threshold).all()
    torch.testing.assert_close(task.fit(chosen), task.reference, rtol=EXACT, atol=EXACT)


def test_one_point_serves_a_single_row():
    data = as_data(torch.tensor([[1.0, 2.0]]).double(), torch.tensor([3.0]).double())
    for task in (RidgeTask(data), LeastAbsoluteTask(data), LogisticTask(data)):
        torch.testing.assert_close(task.fit(construct(task, 1)), task.reference, rtol=EXACT, atol=EXACT)


def test_one_point_serves_logistic_regression_with_a_long_solution():
    """At full length the weight would be beyond what a float can hold."""
    data = random_data(0)
    task = LogisticTask(data._replace(x=1e-3 * data.x), penalty=1e-4)
    assert (task.reference**2).sum() > 800
    chosen = construct(task, 1)
    assert chosen.w.isfinite().all()
    torch.testing.assert_close(task.fit(chosen), task.reference, rtol=1e-9, atol=1e-9)


def test_the_one_point_of_median_regression_has_the_datas_curvature():
    data = random_data(0)
    task = LeastAbsoluteTask(data)
    theta, chosen = task.reference[0], construct(task, 1)
    torch.testing.assert_close(((chosen.x[0] @ theta) ** 2).sum(), ((data.x[0] @ theta) ** 2).sum())
    torch.testing.assert_close(chosen.x[0] @ theta, chosen.y[0])


def test_replicates_are_copies_of_the_same_exact_set():
    for task in constructible(random_data(0), replicates=3):
        chosen, _ = distil(Exact(), task, 3, 0, generator())
        assert chosen.replicates == 3
        assert relative_regret(task, chosen).abs().max().item() < 1e-9


def test_an_unknown_task_has_no_closed_form():
    with pytest.raises(NotImplementedError, match="use an iterative method"):
        construct(object(), 1)
