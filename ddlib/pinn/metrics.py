"""How good a model is on a tail, and the exact solution that it is measured against."""

from __future__ import annotations

from typing import NamedTuple

from jaxtyping import Float
from torch import Tensor

from ddlib.pinn.problems.problem import Problem

__all__ = ["Exact", "Metrics"]


class Exact(NamedTuple):
    """The exact solution in place of a learned model.

    >>> from ddlib.pinn import Poisson
    >>> Exact(Poisson()).problem.name
    'Poisson'
    """

    problem: Problem


class Metrics(NamedTuple):
    """How good a model is on a tail, each of shape (R,).

    Attributes:
        error: relative L2 error against the exact solution.
        residual: root mean square of the residual; not a number for a learner without derivatives.
        mismatch: root mean square of the boundary mismatch.

    >>> import torch
    >>> from ddlib.pinn import PinnTask, Poisson
    >>> task = PinnTask.make(Poisson(), 1, torch.Generator().manual_seed(0), interior=8)
    >>> task.metrics(task.reference).error
    tensor([0.], dtype=torch.float64)
    """

    error: Float[Tensor, " R"]
    residual: Float[Tensor, " R"]
    mismatch: Float[Tensor, " R"]
