"""Every method that the product tests run: the public list of :mod:`ddlib.methods`, so that a new method cannot stay out."""

from __future__ import annotations

import inspect
from dataclasses import replace

import ddlib.methods
from ddlib.learners import Network, Training
from ddlib.methods import (
    DerivativeFree,
    DistributionMatching,
    FirstOrder,
    GradientMatching,
    Implicit,
    KernelInducing,
    TrajectoryMatching,
    Unrolled,
    ZerothOrder,
)
from ddlib.problem import Distilled, Method, Task, distil
from tests.ddlib.worlds import generator


def public_methods() -> list[Method]:
    """One of each method with its defaults."""
    named = [getattr(ddlib.methods, name) for name in ddlib.methods.__all__]
    return [value() for value in named if inspect.isclass(value) and hasattr(value, "update")]


def quick(method: Method) -> Method:
    """The method; unrolled training with a tenth of its steps, which is all that it takes to see whether it works."""
    return replace(method, training=replace(method.training, steps=5)) if isinstance(method, Unrolled) else method


def on_batches(size: int, of_class: int) -> list[Method]:
    """Every method that has a batch, with one: so many units of the data, or of each class."""
    small, keep = Network((16,)), {"lr": 0.1, "keep": "last"}
    return [
        FirstOrder(batch=size, **keep),
        Unrolled(batch=size, training=Training(5, 0.1), **keep),
        GradientMatching(batch=of_class, network=Network((4,)), **keep),
        DistributionMatching(batch=of_class, network=small, **keep),
        KernelInducing(batch=size, **keep),
        TrajectoryMatching(batch=size, learn=("x", "y"), **keep),
        Implicit(batch=size, **keep),
        ZerothOrder(0.05, 0.05, batch=size),
        DerivativeFree(120, generation=4, spread=0.3, batch=size),
    ]


METHODS: list[Method] = [quick(method) for method in public_methods()]


def reach(method: Method, task: Task, budget: int, steps: int = 3, seed: int = 0) -> Distilled:
    return distil(method, task, budget, steps, generator(seed))[0]


def refusal(method: Method, task: Task, budget: int) -> tuple[type[Exception], str] | None:
    """The error that a method owes a task which lacks what it requires; None if it must give a set."""
    lacking = next((need for need in method.requires if not need.met(method, task, budget)), None)
    return None if lacking is None else (lacking.error, f"no {lacking.name}")
