import pytest
import torch

from ddlib.methods import Exact, RandomRows
from ddlib.problem import Distilled, Task, distil, optimality_gap, regret
from ddlib.tasks import RidgeTask, as_data
from tests.ddlib.worlds import closed_form_tasks, generator, random_data


def test_stored_numbers_count_weights_only_where_there_are_any():
    rows = Distilled(torch.zeros(2, 5, 3), torch.zeros(2, 5), torch.ones(2, 5))
    assert rows.stored_numbers == 5 * 4
    assert rows._replace(w=torch.full((2, 5), 2.0)).stored_numbers == 5 * 5
    trajectories = Distilled(torch.zeros(2, 5, 4, 3), torch.zeros(2, 5, 0), torch.ones(2, 5))
    assert trajectories.stored_numbers == 5 * 12
    directions = Distilled(torch.zeros(7, 2, 5, 3), torch.zeros(7, 2, 5), torch.ones(7, 2, 5))
    assert directions.stored_numbers == 5 * 4


@pytest.mark.parametrize("task", closed_form_tasks(random_data(0)), ids=lambda task: task.name)
def test_every_task_keeps_the_protocol(task):
    assert isinstance(task, Task)
    start = task.start(4, generator())
    assert (start.replicates, start.budget) == (2, 4)
    model = task.fit(start)
    assert task.risk(model).shape == (2,)
    (block,) = task.blocks(start)
    torch.testing.assert_close(block.risk(model), task.risk(model))
    assert block.rows.tolist() == [0, 1, 2, 3]


def test_start_draws_rows_of_the_data_without_replacement():
    task = RidgeTask(random_data(0), replicates=3)
    start = task.start(20, generator())
    torch.testing.assert_close(start.y.sort(-1).values, task.train.y.sort(-1).values)
    assert not torch.equal(start.y[0], start.y[1])
    with pytest.raises(ValueError, match="the budget is 21 rows but the data of ridge have 20"):
        task.start(21, generator())


@pytest.mark.parametrize(
    ("budget", "steps", "message"), [(0, 0, "budget of at least 1"), (-3, 0, "budget of at least 1"), (2, -1, "steps must")]
)
def test_distil_refuses_a_budget_below_one_and_negative_steps(budget, steps, message):
    with pytest.raises(ValueError, match=message):
        distil(RandomRows(), RidgeTask(random_data(0)), budget, steps, generator())


def test_distil_refuses_a_set_that_is_not_finite():
    class Broken(RandomRows):
        def choose(self, task, budget, generator):
            start = super().choose(task, budget, generator)
            return start._replace(x=start.x / 0.0)

    with pytest.raises(FloatingPointError, match="not finite"):
        distil(Broken(), RidgeTask(random_data(0)), 2, 0, generator())


def test_the_callback_sees_every_step_and_history_holds_the_surrogate():
    seen = []
    task = RidgeTask(random_data(0))
    chosen, history = distil(RandomRows(), task, 3, 2, generator(), lambda step, s, value: seen.append((step, s.budget, value)))
    assert [(step, budget) for step, budget, _ in seen] == [(0, 3), (1, 3), (2, 3)] and seen[0][2] is None
    assert all(value is info.surrogate for (*_, value), info in zip(seen[1:], history, strict=True))
    assert len(history) == 2
    torch.testing.assert_close(history[0].surrogate, task.risk(task.fit(chosen)))


def test_the_same_seed_gives_bitwise_the_same_set():
    task = RidgeTask(random_data(0), replicates=2)
    for method in (RandomRows(), Exact()):
        first, second = (distil(method, task, 2, 0, generator(7))[0] for _ in range(2))
        assert all(torch.equal(a, b) for a, b in zip(first, second, strict=True))


def test_gap_and_regret_are_differences_of_risks():
    task = RidgeTask(random_data(0))
    model = task.fit(task.start(4, generator()))
    torch.testing.assert_close(regret(task, model), task.risk(model) - task.risk(task.reference))
    torch.testing.assert_close(optimality_gap(task.risk(model), torch.tensor([1.0]).double()), task.risk(model) - 1.0)


@pytest.mark.parametrize(
    ("x", "y", "message"),
    [
        (torch.zeros(3, 2), torch.zeros(2), "needed, but got"),
        (torch.zeros(0, 2), torch.zeros(0), "needed, but got"),
        (torch.full((3, 2), float("nan")), torch.zeros(3), "hold NaN"),
    ],
)
def test_data_that_cannot_be_used_are_refused(x, y, message):
    with pytest.raises(ValueError, match=message):
        as_data(x, y)


def test_replicates_that_do_not_fit_the_data_are_refused():
    with pytest.raises(ValueError, match="cannot serve 0"):
        RidgeTask(random_data(0), replicates=0)
