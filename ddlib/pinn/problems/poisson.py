r"""The Poisson equation that the authors study."""

from __future__ import annotations

from dataclasses import dataclass, field
from math import pi
from typing import Any

import torch
from torch import Tensor

from ddlib.pinn.problems.law import Law
from ddlib.pinn.problems.problem import Jet, Problem

__all__ = ["Poisson"]


@dataclass(frozen=True)
class Poisson(Problem):
    r""":math:`-u'' = \pi^2 \sin \pi x` on [−1, 1], :math:`u(\pm 1) = \alpha`; :math:`u = \sin \pi x + \alpha`.

    >>> Poisson().exact(torch.tensor([[0.0], [0.5]]), alpha=torch.tensor([2.0, 2.0])).round(decimals=4)
    tensor([2., 3.])
    """

    name: str = "Poisson"
    law: Law = field(default_factory=lambda: Law(0, 1))
    box: tuple[tuple[float, float], ...] = ((-1.0, 1.0),)
    scale: float = pi**2
    affine: bool = True

    def residual(self, u: Jet, x: Tensor, alpha: Tensor) -> Tensor:
        """−u″ − π² sin πx."""
        return -u.u_xx - pi**2 * torch.sin(pi * x[..., 0])

    def ends(self, alpha: Tensor) -> dict[float, Tensor]:
        """u(±1) = α."""
        return {-1.0: alpha, 1.0: alpha}

    def exact(self, x: Tensor, alpha: Tensor) -> Tensor:
        """sin πx + α."""
        return torch.sin(pi * x[..., 0]) + alpha

    def deepxde(self, dde: Any, z: Tensor, u: Tensor) -> Tensor:
        """The residual by ``dde.grad``."""
        return -dde.grad.hessian(u, z, i=0, j=0) - pi**2 * torch.sin(pi * z[:, 0:1])
