from dataclasses import replace

import pytest
import torch

from ddlib.learners import RBF, KernelRidge, Network, SoftmaxRegression, TrainedNetwork, Training
from ddlib.methods import FirstOrder, Unrolled
from ddlib.problem import Distilled, distil
from ddlib.tasks import ClassificationTask, IntervalTask, LogisticTask, RidgeTask
from ddlib.tasks.splits import Splits
from tests.ddlib.worlds import any_set, class_data, generator, random_data

NETWORK = TrainedNetwork(Network((3,), "tanh"), Training(5, 0.1), penalty=0.01)


def classification(learner, loss="squared", replicates=1):
    return ClassificationTask(Splits(*(class_data(seed, replicates=replicates) for seed in range(3))), learner, loss)


TASKS = {
    "ridge family": RidgeTask(random_data(0), 2, penalties=(0.1, 10.0)),
    "logistic": LogisticTask(random_data(0), 2),
    "softmax": classification(SoftmaxRegression(soft=True), "cross_entropy"),
    "network": classification(NETWORK),
}


def slope(method, task, distilled, seed=0):
    parts = [part.detach().requires_grad_() for part in distilled]
    value = method.surrogate(task, Distilled(*parts), generator(seed))
    return value, torch.autograd.grad(value.sum(), parts, allow_unused=True, materialize_grads=True)


@pytest.mark.parametrize("name", TASKS)
@pytest.mark.parametrize("training", [Training(4, 1e-3, "sgd"), Training(4, 0.1, "adam")], ids=["sgd", "adam"])
def test_the_gradient_is_that_of_the_trained_models_risk(name, training):
    task, method = TASKS[name], Unrolled(training=training)
    parts = [part.requires_grad_() for part in any_set(task.train, 3, 1)]
    if name == "logistic":  # reads a label as above or below a threshold
        parts[1].requires_grad_(False)
    assert torch.autograd.gradcheck(lambda *parts: method.surrogate(task, Distilled(*parts), generator()), parts)


def test_the_surrogate_is_the_risk_after_plain_descent():
    task, lr = RidgeTask(random_data(0), 2, penalties=(0.5,)), 1e-3
    chosen, theta = any_set(task.train, 4, 2), torch.zeros(2, 3, dtype=torch.float64)
    for _ in range(6):
        residual = chosen.y - (chosen.x @ theta.unsqueeze(-1)).squeeze(-1)
        theta = theta - lr * (-2 * (chosen.x.mT @ (chosen.w * residual).unsqueeze(-1)).squeeze(-1) + 2 * 0.5 * theta)
    value = Unrolled(training=Training(6, lr, "sgd")).surrogate(task, chosen, generator())
    torch.testing.assert_close(value, task.risk(theta.unsqueeze(-2)))


def test_a_training_that_converges_gives_the_gradient_through_the_solution():
    task = RidgeTask(random_data(0), penalties=(2.0,))
    chosen = any_set(task.train, 4, 3)
    curvature = torch.linalg.matrix_norm(chosen.x * chosen.w.sqrt().unsqueeze(-1), 2).square().item() + 2
    unrolled = Unrolled(training=Training(300, 0.5 / curvature, "sgd"))
    (value, ours), (expected, theirs) = slope(unrolled, task, chosen), slope(FirstOrder(), task, chosen)
    torch.testing.assert_close((value, ours), (expected, theirs), rtol=1e-7, atol=1e-7)


@pytest.mark.parametrize("optimiser", ["sgd", "adam"])
def test_a_network_unrolled_is_the_network_differentiated(optimiser):
    learner = TrainedNetwork(Network((3,), "tanh"), Training(5, 0.1, optimiser), penalty=0.01)
    task, unrolled = classification(learner, replicates=2), Unrolled(training=learner.training, learn=("x", "y", "w"))
    first = FirstOrder(learn=("x", "y", "w"), keep="last")
    torch.testing.assert_close(*(slope(method, task, any_set(task.train, 4, 1), 7) for method in (unrolled, first)))
    many = [distil(method, task, 3, 4, generator(5))[0] for method in (replace(unrolled, keep="last"), first)]
    torch.testing.assert_close(*many)


def test_the_window_changes_the_gradient_but_not_the_value():
    task, chosen = TASKS["network"], any_set(class_data(0), 4, 1)
    whole, full, short = (slope(Unrolled(training=NETWORK.training, window=k), task, chosen) for k in (None, 5, 2))
    assert torch.equal(whole[0], short[0])
    torch.testing.assert_close(whole, full)
    assert all(((a - b).norm() > 1e-3 * a.norm()) for a, b in zip(whole[1], short[1], strict=True))


@pytest.mark.parametrize("window", [None, 3])
def test_a_random_end_is_uniform_between_one_window_and_all_steps(window):
    task, chosen = RidgeTask(random_data(0)), any_set(random_data(0), 3, 1)
    method = Unrolled(training=Training(6, 1e-3, "sgd"), window=window, random_end=True)
    after = [Unrolled(training=Training(n, 1e-3, "sgd")).surrogate(task, chosen, generator()).item() for n in range(1, 7)]
    allowed = after if window is None else after[2:]
    met = [method.surrogate(task, chosen, generator(seed)).item() for seed in range(240)]
    assert set(met) == set(allowed)
    assert all(0.5 < met.count(value) * len(allowed) / 240 < 1.6 for value in allowed)


def test_a_cold_start_is_fresh_and_a_warm_one_goes_on():
    task, training = TASKS["network"], NETWORK.training
    cold = Unrolled(training=training)
    assert cold.init(task, 3, generator()).memory.model is None
    a, b = (cold.surrogate(task, any_set(task.train, 3, 0), generator(seed)) for seed in (0, 1))
    assert (a != b).all()
    warm, draw = Unrolled(training=training, warm=True), generator(4)
    state = warm.init(task, 3, draw)
    for _ in range(3):
        before = state.memory.model
        end = training.run(lambda theta, s=state.current: task.objective(theta, s), before).detach()
        after, info = warm.update(task, state, draw)
        torch.testing.assert_close(info.surrogate, task.training_loss(end))
        trained = training.run(lambda theta, s=after.current: task.objective(theta, s), before).detach()
        torch.testing.assert_close(after.memory.model, trained)
        assert not after.memory.model.requires_grad
        state = after


def test_descent_lowers_the_surrogate():
    for task in (TASKS["ridge family"], TASKS["softmax"]):
        _, history = distil(Unrolled(training=Training(20, 0.1)), task, 3, 40, generator())
        assert (history[-1].surrogate < 0.9 * history[0].surrogate).all()


@pytest.mark.parametrize("options", [{"training": Training(0)}, {"window": 0}, {"window": 51}])
def test_windows_that_do_not_fit_are_refused(options):
    with pytest.raises(ValueError, match="a window of 1 to all steps"):
        Unrolled(**options)


def test_tasks_without_an_objective_are_refused():
    numbers = Splits(*(random_data(seed) for seed in range(3)))
    for task in (IntervalTask(numbers), classification(KernelRidge(RBF(), 0.1))):
        for warm in (False, True):
            with pytest.raises(ValueError, match=r"no objective.*: choose a method that needs none"):
                distil(Unrolled(warm=warm), task, 3, 1, generator())
