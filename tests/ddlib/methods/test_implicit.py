import pytest
import torch

from ddlib.learners import RBF, KernelRidge, NearestNeighbour, Network, SoftmaxRegression, TrainedNetwork, Training
from ddlib.methods import FirstOrder, Implicit
from ddlib.problem import Distilled, distil
from ddlib.tasks import ClassificationTask, IntervalTask, LeastAbsoluteTask, LogisticTask, RidgeTask
from ddlib.tasks.splits import Splits
from tests.ddlib.worlds import any_set, class_data, generator, random_data


def classification(learner):
    return ClassificationTask(Splits(*(class_data(seed) for seed in range(3))), learner, "cross_entropy")


TASKS = {
    "ridge family": RidgeTask(random_data(0), 2, penalties=(0.1, 10.0)),
    "logistic": LogisticTask(random_data(0), 2),
    "softmax": classification(SoftmaxRegression(soft=True)),
}


def inputs(name, budget=4, seed=1):
    """A set of which all parts are free, but labels that are only read as above or below a threshold."""
    parts = [part.requires_grad_() for part in any_set(TASKS[name].train, budget, seed)]
    parts[1].requires_grad_(name != "logistic")
    return parts


def gradients(method, task, parts):
    free = [part for part in parts if part.requires_grad]
    return torch.autograd.grad(method.surrogate(task, Distilled(*parts), generator()).sum(), free)


def refitted(task, parts, part, index, step):
    """The task's own loss of the learner's own answer to a set of which one number is moved."""
    moved = [other.detach().clone() for other in parts]
    moved[part].view(-1)[index] += step
    model = task.fit(Distilled(*moved))
    return sum(block.risk(model).sum() for block in task.blocks(Distilled(*moved)))


@pytest.mark.parametrize("name", TASKS)
def test_the_gradient_is_the_difference_between_refits(name):
    task, parts = TASKS[name], inputs(name)
    found = iter(gradients(Implicit(), task, parts))
    for part, values in enumerate(parts):
        if not values.requires_grad:
            continue
        ahead, behind = (
            torch.stack([refitted(task, parts, part, i, step) for i in range(values.numel())]) for step in (1e-5, -1e-5)
        )
        torch.testing.assert_close(next(found).flatten(), (ahead - behind) / 2e-5, rtol=1e-4, atol=1e-5)


@pytest.mark.parametrize("name", TASKS)
def test_the_surrogate_is_the_loss_of_the_learners_answer(name):
    task, parts = TASKS[name], inputs(name)
    model = task.fit(Distilled(*(part.detach() for part in parts)))
    expected = torch.stack([block.risk(model) for block in task.blocks(Distilled(*parts))]).mean(0)
    torch.testing.assert_close(Implicit().surrogate(task, Distilled(*parts), generator()).detach(), expected)


@pytest.mark.parametrize("name", ["ridge family", "logistic"])
@pytest.mark.parametrize("budget", [1, 4])
def test_equals_the_gradient_of_a_learner_that_carries_its_own(name, budget):
    task, parts = TASKS[name], inputs(name, budget)
    torch.testing.assert_close(*(gradients(method, task, parts) for method in (Implicit(), FirstOrder())), rtol=1e-7, atol=1e-8)


def test_descends_where_the_learner_itself_has_no_gradient():
    task = TASKS["softmax"]
    with pytest.raises(ValueError, match="no gradient"):
        distil(FirstOrder(), task, 3, 1, generator())
    _, history = distil(Implicit(lr=0.1, learn=("x", "y", "w")), task, 3, 40, generator())
    assert (history[-1].surrogate < 0.7 * history[0].surrogate).all()


@pytest.mark.parametrize("steps", [4, 50])
def test_the_value_is_that_of_the_learners_answer_also_where_it_is_no_optimum(steps):
    """A network that has not finished training: a Newton step from there could end anywhere."""
    learner = TrainedNetwork(Network((4,), "tanh"), Training(steps, 0.1), penalty=0.01)
    task = ClassificationTask(Splits(*(class_data(seed) for seed in range(3))), learner)
    chosen = any_set(task.train, 3, 0)
    expected = task.training_loss(task.fit(chosen, generator(1)))
    free = chosen._replace(x=chosen.x.clone().requires_grad_())
    value = Implicit().surrogate(task, free, generator(1))
    torch.testing.assert_close(value.detach(), expected)
    assert torch.autograd.grad(value.sum(), free.x)[0].isfinite().all()


def test_a_singular_hessian_gives_the_gradient_within_the_span_of_the_rows():
    """Fewer rows than coefficients and no penalty: the risk is finite, and moving the labels keeps to the span."""
    task = RidgeTask(random_data(0, d=5), 2, penalties=(0.0,))
    parts = [part.requires_grad_() for part in any_set(task.train, 2, 3)]
    x, y, w = gradients(Implicit(), task, parts)
    assert all(bool(part.isfinite().all()) for part in (x, y, w)) and x.any()
    expected = gradients(FirstOrder(), task, parts)
    torch.testing.assert_close(y, expected[1])
    torch.testing.assert_close(w, torch.zeros_like(w), rtol=0, atol=1e-6)  # rows that are fitted exactly weigh nothing
    chosen, _ = distil(Implicit(learn=("x", "y")), task, 2, 20, generator())
    assert (task.risk(task.fit(chosen)) < task.risk(task.fit(task.start(2, generator())))).all()


def test_tasks_without_curvature_or_objective_are_refused():
    numbers = Splits(*(random_data(seed) for seed in range(3)))
    with pytest.raises(ValueError, match="the objective of least absolute deviation has no curvature"):
        distil(Implicit(), LeastAbsoluteTask(random_data(0)), 3, 1, generator())
    for task in (IntervalTask(numbers), classification(KernelRidge(RBF(), 0.1)), classification(NearestNeighbour())):
        with pytest.raises(ValueError, match="no objective"):
            distil(Implicit(), task, 3, 1, generator())


def test_models_that_are_too_large_are_refused(monkeypatch):
    monkeypatch.setattr("ddlib.methods.implicit._LARGEST", 11)
    with pytest.raises(ValueError, match=r"12 parameters.*: unroll"):
        distil(Implicit(), TASKS["softmax"], 3, 1, generator())
