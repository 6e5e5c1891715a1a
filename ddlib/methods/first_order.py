"""First-order distillation: the gradient of the risk through the learner."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import Any

import torch
from jaxtyping import Float
from torch import Tensor

from ddlib.methods.descent import Descent, Piece
from ddlib.methods.needs import LEARNABLE, learned
from ddlib.problem import Block, Distilled, Task
from ddlib.requirement import Requirement

__all__ = ["FirstOrder"]


@dataclass(frozen=True)
class FirstOrder(Descent):
    r"""Gradient descent on the risk :math:`R(A(S))` itself, by automatic differentiation through the learner A.

    Where A is a training run this is full unrolling; where A is a solver that carries its own gradient it is implicit
    differentiation. One update takes the gradient of one block's risk with respect to that block's units; blocks take turns, and a
    task with one block updates the whole set. (Maclaurin et al. 2015; Wang et al. 2018.)

    The set that is handed out is the best of the iterates judged so far, per replicate, by the *training* risk: with one block
    every iterate but the last is judged, with K blocks every K-th, by the mean of the block risks.

    >>> from ddlib import distil
    >>> from ddlib.tasks import RidgeTask, as_data
    >>> task = RidgeTask(as_data([[1.0], [2.0], [3.0], [4.0]], [1.0, 2.0, 3.0, 5.0]))
    >>> run = distil(FirstOrder(), task, 1, 20, torch.Generator().manual_seed(0))
    >>> bool(run.history[-1].surrogate < run.history[0].surrogate)
    True
    """

    name: str = "first_order"

    @property
    def requires(self) -> tuple[Requirement, ...]:
        """A learner that learns from the set, and a gradient through it."""
        *before, gradient = super().requires
        return (*before, LEARNABLE, gradient)

    def surrogate(self, task: Task, distilled: Distilled, generator: torch.Generator, memory: Any = None) -> Float[Tensor, " R"]:
        """The mean of the block risks of the model learned from the set."""
        model = learned(task, distilled, generator)
        return torch.stack([block.risk(model) for block in task.blocks(distilled)]).mean(0)

    def pieces(self, task: Task, distilled: Distilled, generator: torch.Generator, memory: Any) -> Sequence[Piece]:
        """One piece per block of the task, all with the same model."""
        model = learned(task, distilled, generator)

        def value(block: Block) -> Callable[[], Tensor]:
            return lambda: block.risk(model)

        return [Piece(block.rows, value(block)) for block in task.blocks(distilled)]
