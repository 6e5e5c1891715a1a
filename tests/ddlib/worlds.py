"""Shared truths for the tests: small random data, the diabetes data, every closed-form task, and small tasks with splits."""

from __future__ import annotations

import torch
from hypothesis import strategies as st

from ddlib import datasets
from ddlib.learners import RBF, BayesianLinear, KernelRidge, NearestNeighbour, Network, SoftmaxRegression, TrainedNetwork, Training
from ddlib.problem import Distilled, Method, Task, distil
from ddlib.tasks import (
    ClassificationTask,
    EmpiricalTask,
    IntervalTask,
    LeastAbsoluteTask,
    LogisticTask,
    RidgeTask,
    as_data,
    class_labels,
)
from ddlib.tasks.splits import Splits

PENALTIES = tuple(10.0**k for k in range(-1, 5))
UNEVEN = (5, 9, 6)
"""Sizes of three classes."""


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


def class_data(seed: int, sizes: tuple[int, ...] = (8, 8, 8), d: int = 3, replicates: int = 1) -> Distilled:
    """Rows of so many classes, each about a mean of its own, in an order of its own for each replicate."""
    draw = generator(seed)
    label = torch.repeat_interleave(torch.arange(len(sizes)), torch.tensor(sizes))
    label = torch.stack([label[torch.randperm(len(label), generator=draw)] for _ in range(replicates)])
    means = 2 * torch.randn(len(sizes), d, generator=draw, dtype=torch.float64)
    x = means[label] + torch.randn(*label.shape, d, generator=draw, dtype=torch.float64)
    return Distilled(x, class_labels(label, len(sizes)), torch.ones_like(x[..., 0]))


def noisy_classes(seed: int, count: int = 3, n: int = 60, d: int = 3, replicates: int = 1) -> Distilled:
    """Weighted rows whose class is the largest of noisy linear scores, every class with a row."""
    draw = generator(seed)
    x = torch.cat([random_data(seed + r, n, d).x for r in range(replicates)])
    noise = 3 * torch.randn(replicates, n, count, generator=draw, dtype=torch.float64)
    label = (x @ torch.randn(d, count, generator=draw, dtype=torch.float64) + noise).argmax(-1)
    label[:, :count] = torch.arange(count)
    w = torch.rand(replicates, n, generator=draw, dtype=torch.float64) + 0.1
    return Distilled(x, class_labels(label, count), w)


def any_set(data: Distilled, budget: int, seed: int, replicates: int | None = None) -> Distilled:
    """Units, labels and weights that have nothing to do with the data but their shapes."""
    draw = generator(seed)
    shape = (replicates or data.replicates, budget)
    x = torch.randn(*shape, *data.x.shape[2:], generator=draw, dtype=torch.float64)
    y = torch.randn(*shape, *data.y.shape[2:], generator=draw, dtype=torch.float64)
    return Distilled(x, y, 0.5 + torch.rand(shape, generator=draw, dtype=torch.float64))


def reached(method: Method, data: Distilled, budget: int, replicates: int = 1, seed: int = 0) -> Distilled:
    """The set that a method gives for data without a learner."""
    return distil(method, EmpiricalTask(data, replicates), budget, 0, generator(seed))[0]


def is_row_of(chosen: Distilled, data: Distilled) -> torch.Tensor:
    """Which row of D each row of S is, shape (R, m, n)."""
    same = (chosen.x[..., :, None, :] == data.x[..., None, :, :]).all(-1)
    if data.y.ndim == 2:
        return same & (chosen.y[..., :, None] == data.y[..., None, :])
    return same & (chosen.y.argmax(-1)[..., None] == data.y.argmax(-1)[:, None])


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


def split_tasks(seed: int, replicates: int = 2) -> list[Task]:
    """Tasks that are judged on new cases: three classes with learners of every kind, and predictive intervals."""
    one, two, three = (class_data(seed + part, replicates=replicates) for part in range(3))
    classes = Splits(one, two, three)
    numbers = Splits(*(Distilled(*(p.expand(replicates, *p.shape[1:]) for p in random_data(seed + part, 24))) for part in range(3)))
    network = TrainedNetwork(Network((4,), "tanh"), Training(4, 0.1), penalty=0.01)
    return [
        ClassificationTask(classes, KernelRidge(RBF(2.0), 0.1)),
        ClassificationTask(classes, SoftmaxRegression(), "cross_entropy"),
        ClassificationTask(classes, network),
        ClassificationTask(classes, NearestNeighbour()),
        IntervalTask(numbers, BayesianLinear()),
        IntervalTask(numbers, BayesianLinear(), criterion="squared"),
    ]


seeds = st.integers(0, 2**31 - 1)
