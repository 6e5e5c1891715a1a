"""Shared truths for the tests: small random data, the diabetes data, and every closed-form task on them."""

from __future__ import annotations

import torch
from hypothesis import strategies as st

from ddlib import datasets
from ddlib.problem import Distilled, Task
from ddlib.tasks import LeastAbsoluteTask, LogisticTask, RidgeTask, as_data

PENALTIES = tuple(10.0**k for k in range(-1, 5))


def generator(seed: int = 0) -> torch.Generator:
    return torch.Generator().manual_seed(seed)


def random_data(seed: int, n: int = 20, d: int = 3) -> Distilled:
    """Correlated columns of unequal scale and a noisy, skewed linear label."""
    draw = generator(seed)
    mixing = torch.randn(d, d, generator=draw, dtype=torch.float64) + 2 * torch.eye(d, dtype=torch.float64)
    x = torch.randn(n, d, generator=draw, dtype=torch.float64) @ mixing
    noise = torch.randn(n, generator=draw, dtype=torch.float64)
    theta = torch.randn(d, generator=draw, dtype=torch.float64)
    return as_data(x, x @ theta + noise + 0.3 * noise**2)


def diabetes() -> Distilled:
    """The real data of theory's figures."""
    table = datasets.diabetes()
    return as_data(table.x, table.y)


def closed_form_tasks(data: Distilled, replicates: int = 2) -> list[Task]:
    return [
        RidgeTask(data, replicates, "least squares", (0.0,)),
        RidgeTask(data, replicates, "ridge", (1.0,)),
        RidgeTask(data, replicates, "ridge family", (0.1, 1.0, 10.0)),
        LeastAbsoluteTask(data, replicates),
        LogisticTask(data, replicates),
    ]


seeds = st.integers(0, 2**31 - 1)
