"""Sets of several methods and budgets, drawn one after the other from one stream of random numbers."""

from __future__ import annotations

from collections.abc import Iterable, Sequence

import torch

from ddlib.problem import Distilled, Method, Task, distil


def distil_all(
    methods: Iterable[tuple[Method, int]], task: Task, budgets: Sequence[int], seed: int, device: str = "cpu"
) -> list[tuple[str, Distilled]]:
    """Every method's set at every budget, each with the method's name.

    Args:
        methods: each with its number of steps.
        task: what the sets are for.
        budgets: points of a set.
        seed: of all random draws.
        device: where to draw.
    """
    generator = torch.Generator(device).manual_seed(seed)
    return [(method.name, distil(method, task, m, steps, generator)[0]) for method, steps in methods for m in budgets]
