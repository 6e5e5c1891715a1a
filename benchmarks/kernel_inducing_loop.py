"""Kernel inducing points: the surrogate and its gradient in one batch against a straightforward loop.

The loop takes one replicate at a time and fills the kernel matrices column by column in Python, one distilled point after another,
with torch's operations on rows; the batch is :class:`ddlib.methods.KernelInducing`. Both are checked to give the same numbers.
Prints the median over repetitions of the loop's time relative to the batch's; both are timed in turn in one process. Run it with
``python benchmarks/kernel_inducing_loop.py``; it takes less than a minute on one core.
"""

from __future__ import annotations

import argparse
import statistics
import time
from collections.abc import Callable

import torch
from torch import Tensor

from ddlib import datasets
from ddlib.learners import RBF, KernelRidge
from ddlib.methods import KernelInducing
from ddlib.problem import Distilled
from ddlib.tasks import ClassificationTask, class_labels, split

REPLICATES, BUDGET, SIZES = 8, 50, (1000, 300, 497)
KERNEL = RBF(3.0)
LEARNER = KernelRidge(KERNEL, 1e-2)
METHOD = KernelInducing(learner=LEARNER)


def draw(seed: int) -> torch.Generator:
    return torch.Generator().manual_seed(seed)


def gram(x: Tensor, points: Tensor) -> Tensor:
    """The kernel between rows and points, one point after another."""
    columns = [torch.exp(-((x - point) ** 2).sum(-1) / (2 * KERNEL.length**2)) for point in points]
    return torch.stack(columns, -1)


def loop(task: ClassificationTask, chosen: Distilled) -> tuple[Tensor, Tensor]:
    """Surrogates and gradients, one replicate at a time."""
    values, gradients = [], []
    for data_x, data_y, x, y in zip(task.train.x, task.train.y, chosen.x, chosen.y, strict=True):
        free = x.detach().requires_grad_()
        dual = torch.linalg.solve(gram(free, free) + LEARNER.penalty * torch.eye(len(free), dtype=x.dtype), y)
        value = ((gram(data_x, free) @ dual - data_y) ** 2).sum(-1).mean()
        gradients.append(torch.autograd.grad(value, free)[0])
        values.append(value.detach())
    return torch.stack(values), torch.stack(gradients)


def batch(task: ClassificationTask, chosen: Distilled) -> tuple[Tensor, Tensor]:
    """Surrogates and gradients of all replicates at once."""
    free = chosen.x.detach().requires_grad_()
    value = METHOD.surrogate(task, chosen._replace(x=free), draw(0))
    return value.detach(), torch.autograd.grad(value.sum(), free)[0]


def main(repeats: int) -> None:
    images = datasets.digits()
    splits = split(images.x, class_labels(images.label, 10), SIZES, REPLICATES, draw(0))
    task = ClassificationTask(splits, LEARNER)
    chosen = task.start(BUDGET, draw(1))
    torch.testing.assert_close(batch(task, chosen), loop(task, chosen), rtol=1e-8, atol=1e-10)

    def seconds(way: Callable[[ClassificationTask, Distilled], object]) -> float:
        begin = time.perf_counter()
        way(task, chosen)
        return time.perf_counter() - begin

    times = [[seconds(way) for way in (batch, loop)] for _ in range(repeats)]
    together, one_by_one = (statistics.median(column) for column in zip(*times, strict=True))
    ratio = statistics.median(slow / fast for fast, slow in times)
    print(f"{REPLICATES} replicates in one batch: {together:.3f} s; plain loop: {one_by_one:.3f} s; ratio {ratio:.2f}")


if __name__ == "__main__":
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--repeats", type=int, default=15, help="how often both ways are timed")
    main(parser.parse_args().repeats)
