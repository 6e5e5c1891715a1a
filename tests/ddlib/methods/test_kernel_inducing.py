from dataclasses import replace

import numpy as np
import pytest
import torch
from hypothesis import given, settings
from hypothesis import strategies as st
from sklearn.kernel_ridge import KernelRidge as Oracle

from ddlib.learners import NTK, RBF, KernelRidge, Linear
from ddlib.methods import FirstOrder, KernelInducing, KMeans, SolvedLabels, solved_labels
from ddlib.problem import Distilled, distil
from ddlib.tasks import ClassificationTask, EmpiricalTask
from ddlib.tasks.splits import Splits
from tests.ddlib.worlds import any_set, class_data, generator, random_data, seeds

LEARNER = KernelRidge(RBF(2.0), 0.1)


def data_of(kind, seed=0, replicates=1):
    """Rows with weights, and labels of either kind."""
    data = random_data(seed) if kind == "numbers" else class_data(seed, replicates=replicates)
    return data._replace(w=torch.rand(data.w.shape, generator=generator(seed), dtype=torch.float64) + 0.1)


KINDS = ["numbers", "classes"]


@pytest.mark.parametrize("kind", KINDS)
@given(seed=seeds, budget=st.integers(1, 6), length=st.sampled_from([0.5, 3.0]), penalty=st.sampled_from([1e-2, 1.0]))
@settings(max_examples=10)
def test_the_surrogate_is_scikit_learns_prediction_error(kind, seed, budget, length, penalty):
    data, chosen = data_of(kind, seed), any_set(data_of(kind, seed), budget, seed)
    x, y, w = (part[0].numpy() for part in chosen)
    oracle = Oracle(alpha=penalty, kernel="rbf", gamma=1 / (2 * length**2)).fit(x, y, sample_weight=w)
    error = ((oracle.predict(data.x[0].numpy()) - data.y[0].numpy()) ** 2).reshape(data.budget, -1).sum(-1)
    value = KernelInducing(learner=KernelRidge(RBF(length), penalty)).surrogate(EmpiricalTask(data), chosen, generator())
    np.testing.assert_allclose(value.item(), np.average(error, weights=data.w[0].numpy()), rtol=1e-8)


@pytest.mark.parametrize("kind", KINDS)
@pytest.mark.parametrize("kernel", [Linear(0.5), RBF(2.0), NTK(1)], ids=["linear", "rbf", "ntk"])
@pytest.mark.parametrize("relative", [False, True])
def test_the_surrogate_has_the_gradient_of_its_values(kind, kernel, relative):
    method, data = KernelInducing(learner=KernelRidge(kernel, 0.1, relative)), data_of(kind)
    parts = [part.requires_grad_() for part in any_set(data, 3, 1)]
    assert torch.autograd.gradcheck(lambda *parts: method.surrogate(EmpiricalTask(data), Distilled(*parts), generator()), parts)


@pytest.mark.parametrize("kind", KINDS)
@given(seed=seeds, budget=st.integers(1, 5))
@settings(max_examples=10)
def test_solved_labels_cannot_be_improved(kind, seed, budget):
    data = data_of(kind, seed)
    task, method, points = EmpiricalTask(data), KernelInducing(learner=LEARNER), any_set(data, budget, seed)
    y = solved_labels(data, points, LEARNER).requires_grad_()
    best = method.surrogate(task, points._replace(y=y), generator())
    scale = (data.w.unsqueeze(-1) * data.y.view(*data.w.shape, -1) ** 2).sum() / data.w.sum()
    assert torch.autograd.grad(best.sum(), y)[0].abs().max() * y.detach().abs().max() < 1e-8 * scale
    for size in (1e-3, 0.1, 1.0):
        other = y.detach() + size * torch.randn(y.shape, generator=generator(seed), dtype=torch.float64)
        assert (method.surrogate(task, points._replace(y=other), generator()) >= best * (1 - 1e-12)).all()


def test_of_all_optimal_labels_those_of_least_norm_are_solved():
    """Two points in the same place count by the sum of their labels: it is split evenly."""
    data = data_of("numbers")
    points = any_set(data, 3, 0)
    twice = points._replace(x=points.x[:, [0, 0, 1]], w=torch.ones_like(points.w))
    y = solved_labels(data, twice, LEARNER)
    torch.testing.assert_close(y[:, 0], y[:, 1])


@pytest.mark.parametrize("learn", [("x",), ("x", "y", "w")])
def test_equals_first_order_on_the_same_learners_task(learn):
    splits = Splits(*(class_data(seed, replicates=2) for seed in range(3)))
    task = ClassificationTask(splits, LEARNER)
    ours, theirs = KernelInducing(learner=LEARNER, learn=learn), FirstOrder(learn=learn)
    chosen = any_set(task.train, 4, 0)
    torch.testing.assert_close(ours.surrogate(task, chosen, generator()), task.training_loss(task.fit(chosen)))
    torch.testing.assert_close(*(distil(method, task, 4, 8, generator())[0] for method in (ours, theirs)), rtol=1e-8, atol=1e-10)


def test_labels_that_are_learned_or_solved_do_better_than_labels_that_are_kept():
    task = EmpiricalTask(class_data(0, replicates=3), 3)
    kept = KernelInducing(horizon=60, learner=LEARNER)
    variants = (kept, replace(kept, learn=("x", "y")), replace(kept, learn=("x", "y"), solve_first=True))
    end = [kept.surrogate(task, distil(method, task, 3, 60, generator())[0], generator()) for method in variants]
    assert (end[1] < end[0]).all() and (end[2] < end[0]).all()
    chosen = distil(kept, task, 3, 60, generator())[0]
    assert torch.equal(chosen.y, task.start(3, generator()).y)
    solved = chosen._replace(y=solved_labels(task.train, chosen, LEARNER))
    assert (kept.surrogate(task, solved, generator()) <= end[0]).all()


@pytest.mark.parametrize("kind", KINDS)
def test_begins_with_solved_labels_when_asked_to(kind):
    task = EmpiricalTask(data_of(kind))
    for begin in (None, KMeans()):
        method = KernelInducing(learner=LEARNER, solve_first=True, begin=begin)
        state = method.init(task, 4, generator())
        points = replace(method, solve_first=False).init(task, 4, generator()).current
        expected = points._replace(y=solved_labels(task.train, points, LEARNER))
        torch.testing.assert_close(state.current, expected)
        torch.testing.assert_close(state.distilled, expected)
        after, info = method.update(task, state, generator())
        torch.testing.assert_close(info.surrogate, method.surrogate(task, expected, generator()))
        assert (after.current.x != state.current.x).any() and torch.equal(after.current.y, state.current.y)
    closed = distil(SolvedLabels(KMeans(), LEARNER), task, 4, 0, generator())[0]
    torch.testing.assert_close(closed, expected)
