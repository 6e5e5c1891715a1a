"""Every method that the product tests run: the public list of :mod:`ddlib.methods`, so that a new method cannot stay out."""

from __future__ import annotations

import inspect

import ddlib.methods
from ddlib.problem import Distilled, Method, Task, distil
from tests.worlds import generator

METHODS: list[Method] = [
    value() for name in ddlib.methods.__all__ if inspect.isclass(value := getattr(ddlib.methods, name)) and hasattr(value, "update")
]


def reach(method: Method, task: Task, budget: int, steps: int = 3, seed: int = 0) -> Distilled:
    return distil(method, task, budget, steps, generator(seed))[0]
