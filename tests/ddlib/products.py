"""Every method that the product tests run: the public list of :mod:`ddlib.methods`, so that a new method cannot stay out."""

from __future__ import annotations

import inspect
from typing import Any

import torch

import ddlib.methods
from ddlib.methods import Exact, FirstOrder, Implicit, Unrolled, is_exact
from ddlib.problem import Distilled, Method, Optimised, Task, distil
from tests.ddlib.worlds import generator


def public_methods() -> list[Method]:
    """One of each method with its defaults."""
    named = [getattr(ddlib.methods, name) for name in ddlib.methods.__all__]
    return [value() for value in named if inspect.isclass(value) and hasattr(value, "update")]


METHODS: list[Method] = public_methods()


def reach(method: Method, task: Task, budget: int, steps: int = 3, seed: int = 0) -> Distilled:
    return distil(method, task, budget, steps, generator(seed))[0]


def refusal(method: Method, task: Any, budget: int) -> tuple[type[Exception], str] | None:
    """The error that a method owes a task which lacks what it needs; None if it must give a set."""
    if isinstance(method, FirstOrder) and not has_gradient(task):
        return ValueError, "no gradient"
    if isinstance(method, Unrolled | Implicit) and not names_objective(task):
        return ValueError, "no objective"
    if isinstance(method, Implicit) and not is_curved(task):
        return ValueError, "no curvature"
    if isinstance(method, Exact) and not is_exact(task, budget) and not has_construction(task, budget):
        return NotImplementedError, "no exact construction is known"
    return None


def has_gradient(task: Any) -> bool:
    """Whether the learner's risk follows the units of a set."""
    chosen = task.start(4, generator())
    chosen = chosen._replace(x=chosen.x.clone().requires_grad_())
    return bool(task.blocks(chosen)[0].risk(task.fit(chosen, generator())).requires_grad)


def names_objective(task: Any) -> bool:
    """Whether the task, and its learner where it has one, say what is minimised."""
    return isinstance(task, Optimised) and hasattr(getattr(task, "learner", task), "objective")


def is_curved(task: Any) -> bool:
    """Whether a small step changes the slope of the objective."""
    data, model = task.train, task.initial(generator()) + 0.1

    def slope(theta: torch.Tensor) -> torch.Tensor:
        theta = theta.clone().requires_grad_()
        return torch.autograd.grad(task.objective(theta, data).sum(), theta)[0]

    return not torch.equal(slope(model), slope(model + 1e-7))


def has_construction(task: Any, budget: int) -> bool:
    """Whether a closed form, exact or not, is known at this budget."""
    try:
        ddlib.methods.construct(task, budget)
    except NotImplementedError:
        return False
    return True
