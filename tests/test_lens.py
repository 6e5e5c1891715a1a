import pytest
import torch
from hypothesis import given, settings
from hypothesis import strategies as st

from ddlib.lens import cross_task, one_point_lower_bound, relative_regret, ridge_lower_bound, untrained
from ddlib.methods import Exact, FirstOrder, factor
from ddlib.problem import Distilled, distil, regret
from ddlib.tasks import LeastAbsoluteTask, LogisticTask, RidgeTask
from tests.products import METHODS, reach
from tests.worlds import PENALTIES, closed_form_tasks, diabetes, generator, random_data, seeds


def test_the_bound_has_theorys_values_on_the_diabetes_data():
    task = RidgeTask(diabetes(), penalties=PENALTIES)
    bounds = [ridge_lower_bound(task.reference, m).item() for m in range(1, 7)]
    assert bounds[:5] == pytest.approx([0.41, 0.155, 0.0141, 4.0e-3, 8.1e-5], rel=0.02)
    assert bounds[5] == 0


@pytest.mark.parametrize("method", METHODS, ids=lambda method: method.name)
@given(seed=seeds, m=st.integers(1, 5))
@settings(max_examples=15)
def test_no_method_goes_below_the_bound(method, seed, m):
    task = RidgeTask(random_data(seed, d=4), replicates=2, penalties=(0.1, 1.0, 10.0, 100.0))
    chosen = reach(method, task, m)
    bound = ridge_lower_bound(task.reference, m)
    assert (task.parameter_error(task.fit(chosen)) >= bound - 1e-9).all()


@pytest.mark.parametrize("m", [1, 2, 3])
def test_a_long_search_over_points_labels_and_weights_does_not_go_below_the_bound(m):
    task = RidgeTask(random_data(0, d=4), replicates=2, penalties=(0.1, 1.0, 10.0, 100.0))
    start = task.start(m, generator())
    chosen = reach(FirstOrder(horizon=200, learn=("x", "y", "w")), task, m, steps=200)
    bound, error = ridge_lower_bound(task.reference, m), task.parameter_error(task.fit(chosen))
    assert (error >= bound - 1e-9).all()
    assert (regret(task, task.fit(chosen)) < 0.5 * regret(task, task.fit(start))).all()


@given(seeds)
@settings(max_examples=10)
def test_learning_nothing_loses_everything_and_learning_from_the_data_nothing(seed):
    for task in closed_form_tasks(random_data(seed)):
        assert (untrained(task) == 0).all()
        torch.testing.assert_close(relative_regret(task, task.train), torch.zeros(2).double(), atol=1e-9, rtol=0)


def test_the_best_set_for_one_task_is_poor_for_another():
    """The thesis, exactly: each one-point set has no regret on its own task and some on every other."""
    data = diabetes()
    tasks = [RidgeTask(data, penalties=(p,)) for p in (0.0, 100.0)] + [LeastAbsoluteTask(data), LogisticTask(data)]
    sets = [distil(Exact(), task, 1, 0, generator())[0] for task in tasks]
    matrix = cross_task([*sets, factor(data)], tasks)[..., 0]
    own = torch.eye(4, dtype=torch.bool)
    assert matrix[:4][own].abs().max() < 1e-10
    assert matrix[:4][~own].min() > 1e-3
    assert matrix[4, :2].abs().max() < 1e-10
    assert matrix[4, 2:].min() > 1e-3


def test_regret_does_not_become_negative_for_a_random_model():
    for task in closed_form_tasks(random_data(3)):
        model = torch.randn(task.fit(task.train).shape, generator=generator(), dtype=torch.float64)
        assert (regret(task, model) >= 0).all()


@given(seeds, st.floats(0.01, 100), st.floats(-5, 5), st.floats(0.01, 100))
@settings(max_examples=40)
def test_no_single_point_along_a_solution_goes_below_its_bound(seed, length, label, weight):
    """Whatever length, label and weight the point has; each task's own solution has the bound zero."""
    data = random_data(seed)
    tasks = [RidgeTask(data, penalties=(1.0,)), RidgeTask(data, penalties=(50.0,)), LeastAbsoluteTask(data), LogisticTask(data)]
    for own in tasks:
        solution = own.reference.flatten()
        x = length * solution / solution.norm()
        point = Distilled(x[None, None], torch.tensor([[label]]).double(), torch.tensor([[weight]]).double())
        for other in tasks:
            bound = one_point_lower_bound(other, solution)
            assert relative_regret(other, point).item() >= bound - 1e-7
            assert (abs(bound) < 1e-9) == (other is own)


def test_a_direction_of_zero_or_for_several_solutions_is_refused():
    data = random_data(0)
    with pytest.raises(ValueError, match="not all zero"):
        one_point_lower_bound(LogisticTask(data), torch.zeros(3).double())
    with pytest.raises(ValueError, match="one solution of shape"):
        one_point_lower_bound(RidgeTask(data, penalties=(1.0, 2.0)), torch.ones(3).double())
    with pytest.raises(ValueError, match="at least 1 point"):
        ridge_lower_bound(torch.ones(2, 3), 0)
