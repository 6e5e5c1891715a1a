"""Zeroth-order distillation: the published Algorithm 1."""

from __future__ import annotations

import math
from collections.abc import Callable
from dataclasses import dataclass
from typing import NamedTuple

import torch
from jaxtyping import Float
from torch import Tensor

from ddlib.arguments import check_batch
from ddlib.methods.needs import LEARNABLE, batched, first_set, judged
from ddlib.problem import ClosedForm, Distilled, Info, Task
from ddlib.requirement import Requirement, inherited

__all__ = ["ZerothOrder", "ZerothOrderState"]


class ZerothOrderState(NamedTuple):
    """The set that has been reached.

    >>> ZerothOrderState(Distilled(torch.zeros(1, 2, 3), torch.zeros(1, 2), torch.ones(1, 2))).distilled.budget
    2
    """

    distilled: Distilled


@dataclass(frozen=True)
class ZerothOrder:
    r"""Gaussian smoothing in random directions (Algorithm 1 of Kungurtsev et al. 2024, as released).

    One update takes a random block j, the same in all replicates, and moves it by

    .. math::

        g = \frac1K \sum_{k=1}^{K} \Delta_k \, \frac{R_j(A(S_j + \sigma\Delta_k)) - R_j(A(S))}{\sigma}, \quad \Delta_k \sim N(0, I),
        \quad S_j \leftarrow S_j - \eta\, g,

    with the difference :math:`[R_j(S_j + \sigma\Delta_k) - R_j(S_j - \sigma\Delta_k)] / 2\sigma` when ``antithetic``. The
    last iterate is the result, as published.

    The published step size multiplies the gradient of a log-likelihood *summed* over the rows of the other sources. A task whose
    risk is a mean over N rows has a gradient N times smaller: lr here = published lr × N. (4e-5 × 800 rows = 0.032.)

    Attributes:
        sigma: the size σ of the perturbation, in the units of x.
        lr: the step size η.
        directions: the number K of directions.
        antithetic: evaluate both ways along each direction.
        begin: a closed-form method whose set the descent begins at; None: rows of the training data.
        batch: units of the training data that an update looks at, drawn with replacement; None: all of them.
        one_batch: learn from all perturbed sets in one batch, along a leading axis; set to false for a task that cannot.
        name: how tables call the method.

    >>> from ddlib import distil
    >>> from ddlib.tasks import LeastAbsoluteTask, as_data
    >>> task = LeastAbsoluteTask(as_data([[1.0], [2.0], [3.0], [4.0]], [1.0, 2.0, 3.0, 5.0]))
    >>> run = distil(ZerothOrder(sigma=0.1, lr=0.01), task, 2, 5, torch.Generator().manual_seed(0))
    >>> run.distilled.x.shape, len(run.history)
    (torch.Size([1, 2, 1]), 5)
    """

    sigma: float = 0.08
    lr: float = 0.032
    directions: int = 10
    antithetic: bool = False
    one_batch: bool = True
    name: str = "zeroth_order"
    begin: ClosedForm | None = None
    batch: int | None = None

    def __post_init__(self) -> None:
        if not (0 < self.sigma < math.inf and 0 < self.lr < math.inf and self.directions >= 1):
            raise ValueError(
                f"sigma and lr must be positive and directions at least 1, not {self.sigma}, {self.lr} and {self.directions}"
            )
        if self.batch is not None:
            check_batch(self.batch)

    @property
    def requires(self) -> tuple[Requirement, ...]:
        """What ``begin`` requires, and a learner that learns from its set."""
        return (*(inherited(self.begin) if self.begin else ()), LEARNABLE)

    def init(self, task: Task, budget: int, generator: torch.Generator) -> ZerothOrderState:
        """Begin at the task's own start, or at the set of ``begin``."""
        start = first_set(self.begin, task, budget, generator)
        return ZerothOrderState(start)

    def surrogate(self, task: Task, distilled: Distilled, generator: torch.Generator) -> Float[Tensor, " R"]:
        r"""The smoothed risk :math:`\mathbb{E}_\Delta R(A(S + \sigma\Delta))`, over K directions (both ways if ``antithetic``)."""
        shape = (self.directions, *distilled.x.shape)
        delta = torch.randn(shape, dtype=distilled.x.dtype, device=generator.device, generator=generator).to(distilled.x.device)
        shifts = self.sigma * (torch.cat([delta, -delta]) if self.antithetic else delta)
        rows = torch.arange(distilled.budget, device=distilled.w.device)
        risks = [self._risks(task, distilled, rows, block.risk, shifts, generator) for block in task.blocks(distilled)]
        return torch.stack(risks).mean((0, 1))

    @torch.no_grad()
    def update(self, task: Task, state: ZerothOrderState, generator: torch.Generator) -> tuple[ZerothOrderState, Info]:
        """One step on a random block."""
        task, distilled = batched(task, self.batch, generator), state.distilled
        blocks = task.blocks(distilled)
        turn = torch.randint(len(blocks), (), device=generator.device, generator=generator)
        block = blocks[int(turn) if len(blocks) > 1 else 0]  # to read a number, the CPU waits for the device
        shape = (self.directions, distilled.replicates, len(block.rows), *distilled.x.shape[2:])
        delta = torch.randn(shape, dtype=distilled.x.dtype, device=generator.device, generator=generator).to(distilled.x.device)
        base = torch.zeros_like(delta[:1])
        shifts = torch.cat([base, delta, -delta] if self.antithetic else [base, delta])
        risks = self._risks(task, distilled, block.rows, block.risk, self.sigma * shifts, generator)
        if self.antithetic:
            ahead, behind = risks[1:].split(self.directions)
            slope = (ahead - behind) / (2 * self.sigma)
        else:
            slope = (risks[1:] - risks[0]) / self.sigma
        gradient = (delta * slope.view(*slope.shape, *(1,) * (delta.ndim - 2))).mean(0)
        moved = distilled.x.index_add(1, block.rows, -self.lr * gradient)
        return ZerothOrderState(distilled._replace(x=moved)), Info(risks[0])

    def _risks(
        self,
        task: Task,
        distilled: Distilled,
        rows: Tensor,
        risk: Callable[..., Float[Tensor, " R"]],
        shifts: Float[Tensor, "K R b *unit"],
        generator: torch.Generator,
    ) -> Float[Tensor, "K R"]:
        """The block's risk at each shifted set."""
        if not self.one_batch:
            sets = (distilled._replace(x=distilled.x.index_add(1, rows, shift)) for shift in shifts)
            return torch.stack([judged(task, risk, shifted, generator) for shifted in sets])
        many = len(shifts)
        x = distilled.x.expand(many, *distilled.x.shape).index_add(2, rows, shifts)
        y, w = (part.expand(many, *part.shape) for part in (distilled.y, distilled.w))
        return judged(task, risk, Distilled(x, y, w), generator)
