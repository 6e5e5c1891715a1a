"""The runs behind the published figures: their settings and seeds, and one of them repeated with the numbers that R draws."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
import torch
from jaxtyping import Float
from torch import Tensor

from ddbook.chapters.merge.published.r_random import RRandom
from ddbook.chapters.merge.published.task import PublishedMerge, as_rows
from ddlib.dbn.model.network import Dbn
from ddlib.methods import ZerothOrder
from ddlib.problem import Distilled

DIRECTIONS = 10


@dataclass(frozen=True)
class PublishedRun:
    """One run of Algorithm 1 as released.

    Attributes:
        epochs: logged; the figure of the last is that of the set after one update fewer.
        seed: of R; None where the log of the run is not in the release.
        sigma: size of the perturbations.
        lr: step size.
    """

    epochs: int
    seed: int | None
    sigma: float
    lr: float

    @property
    def method(self) -> ZerothOrder:
        """The method with these settings and random numbers of torch."""
        return ZerothOrder(self.sigma, self.lr, DIRECTIONS)


RUNS = {
    (2, 10): PublishedRun(160, 45, 0.1, 4.01e-5),
    (2, 20): PublishedRun(1000, 88, 0.08, 4e-5),
    (2, 50): PublishedRun(4000, 88, 0.08, 4e-5),
    (2, 100): PublishedRun(5500, 88, 0.08, 4e-5),
    (10, 10): PublishedRun(160, 888, 0.08, 8e-6),
    (10, 20): PublishedRun(1000, None, 0.08, 8e-6),
    (10, 50): PublishedRun(4000, 88, 0.08, 8e-6),
    (10, 100): PublishedRun(1200, 88, 0.08, 8e-6),
}
"""By slices and IPC. Seeds were found by what the logs begin with."""


def start_of(task: PublishedMerge, budget: int, numbers: RRandom) -> Float[Tensor, "1 m 2 p"]:
    """The first rows of each source, hidden cells filled column by column with R's normal numbers."""
    rows = task.first_rows(budget)[0].flatten(-2).clone()
    for source in rows:
        hidden = source[0].isnan()
        columns = numbers.normal(len(source) * int(hidden.sum())).reshape(-1, len(source))
        source[:, hidden] = torch.as_tensor(columns.T).to(rows)
    return rows.flatten(0, 1).unflatten(-1, (2, -1)).unsqueeze(0)


@torch.no_grad()
def repeat(task: PublishedMerge, run: PublishedRun, budget: int, epochs: int | None = None) -> tuple[Distilled, np.ndarray]:
    """A run of the release, number by number: the same rows, directions and parts in the same order.

    Args:
        task: on the authors' files, one replicate.
        run: its settings; the seed has to be known.
        budget: distilled rows in total.
        epochs: to stop earlier.

    Returns:
        The set after the last update, and the test log-likelihood before each update: what the release logs.
    """
    assert run.seed is not None and task.train.replicates == 1
    numbers = RRandom(run.seed)
    x = start_of(task, budget, numbers)
    blocks, logged = task.blocks(as_rows(x)), []
    for _ in range(epochs or run.epochs):
        block = blocks[numbers.index(len(blocks))]
        shape = (DIRECTIONS, 2 * x.shape[-1], len(block.rows))
        drawn = torch.as_tensor(numbers.normal(int(np.prod(shape))).reshape(shape)).to(x)
        delta = drawn.mT.unflatten(-1, (2, -1)).unsqueeze(1)
        shifts = torch.cat([torch.zeros_like(delta[:1]), run.sigma * delta])
        moved = x.expand(len(shifts), *x.shape).index_add(2, block.rows, shifts)
        models = task.fit(as_rows(moved))
        logged.append(-task.risk(Dbn(*(part[0] for part in models)), "test").item())
        risks = block.risk(models)
        slope = ((risks[1:] - risks[0]) / run.sigma).view(-1, *(1,) * (delta.ndim - 1))
        x = x.index_add(1, block.rows, -run.lr * (delta * slope).mean(0))
    return as_rows(x), np.array(logged)
