"""Methods on PINN tasks: each runs, twice the same, and none looks at a label of the target tail."""

from dataclasses import replace

import pytest
import torch

from ddlib.learners import RBF, KernelRidge, Training
from ddlib.methods import GradientMatching, KernelInducing, Unrolled
from ddlib.methods.pooled import Pooled
from ddlib.pinn import PROBLEMS, Poisson
from ddlib.problem import Distilled, distil
from tests.ddlib.pinn.world import SMALL, blind, every_problem, tiny
from tests.ddlib.products import METHODS, reach, refusal
from tests.ddlib.worlds import generator

PARTS = [  # methods that the public list does not have in this form
    Pooled(),
    GradientMatching(network=SMALL, per_class=False, learn=("x", "y"), name="gradient_matching_labels"),
    KernelInducing(learner=KernelRidge(RBF(), 0.1), learn=("x", "y"), name="kernel_inducing_labels"),
]


def label(method):
    return method.name


@pytest.mark.parametrize("method", [*METHODS, Pooled()], ids=label)
def test_no_method_needs_a_label_of_the_target_tail(method):
    task, method = tiny(Poisson()), quick(method)
    owed = refusal(method, task, 4)
    if owed is not None:
        with pytest.raises(owed[0], match=owed[1]):
            reach(method, task, 4)
        return
    seen, unseen = reach(method, task, 4), reach(method, blind(task), 4)
    assert all(torch.equal(a, b) for a, b in zip(seen, unseen, strict=True))
    assert seen.x.shape[::2] == (2, 2)
    assert 1 <= seen.budget <= 4


def quick(method):
    """A method with few steps inside; what it computes is otherwise as by default."""
    if isinstance(method, Unrolled):
        return replace(method, learn=("x", "y"), training=Training(4, 0.01), window=2)
    return replace(method, pool=3, models=2, window=2, life=6) if isinstance(method, Pooled) else method


@every_problem
@pytest.mark.parametrize("method", [*METHODS, *PARTS], ids=label)
def test_every_method_on_every_problem(method, problem):
    """Finite sets of at most the budget's size where every label of the target tail is NaN, or the refusal that is owed."""
    task, method = blind(tiny(problem)), quick(method)
    owed = refusal(method, task, 3)
    if owed is not None:
        with pytest.raises(owed[0], match=owed[1]):
            reach(method, task, 3, steps=1)
        return
    chosen = reach(method, task, 3, steps=2)
    assert all(bool(part.isfinite().all()) for part in chosen)
    assert chosen.x.shape == (2, chosen.budget, problem.dimension)
    assert 1 <= chosen.budget <= 3
    assert bool(task.risk(task.fit(chosen, generator()), "validation").isfinite().all())


@pytest.mark.parametrize("method", [PARTS[0], PARTS[1], PARTS[2], Unrolled()], ids=label)
def test_the_same_seed_gives_the_same_set(method):
    task = tiny(PROBLEMS["Burgers"])
    first, again = (distil(quick(method), task, 3, 2, generator(1))[0] for _ in range(2))
    assert all(torch.equal(a, b) for a, b in zip(first, again, strict=True))


def test_the_hyper_gradient_of_the_risk_is_a_finite_difference():
    task = tiny(PROBLEMS["Burgers"], replicates=1)
    chosen, theta = task.start(2, generator()), task.initial(generator())

    def risk(x, y):
        return task.risk(Training(5, 0.02).run(lambda t: task.objective(t, Distilled(x, y, chosen.w)), theta))

    assert torch.autograd.gradcheck(risk, (chosen.x.requires_grad_(), chosen.y.requires_grad_()), eps=1e-6, atol=1e-6, rtol=1e-4)
