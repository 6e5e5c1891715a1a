r"""The screened Poisson equation."""

from __future__ import annotations

from dataclasses import dataclass, field
from math import sinh
from typing import Any

import torch
from torch import Tensor

from ddlib.pinn.problems.law import Law
from ddlib.pinn.problems.problem import Jet, Problem

__all__ = ["Screened"]


@dataclass(frozen=True)
class Screened(Problem):
    r""":math:`-u'' + k^2 u = k^2` on [0, 1], :math:`u(0) = 0`, :math:`u(1) = \alpha`.

    .. math:: u = 1 + \frac{(\alpha - 1) \sinh kx - \sinh k(1 - x)}{\sinh k}

    Attributes:
        k: the inverse screening length.

    >>> Screened(k=2.0).exact(torch.tensor([[0.0], [1.0]]), alpha=torch.tensor([0.5, 0.5])).round(decimals=4).abs()
    tensor([0.0000, 0.5000])
    """

    name: str = "screened"
    law: Law = field(default_factory=lambda: Law(0, 1))
    box: tuple[tuple[float, float], ...] = ((0.0, 1.0),)
    scale: float = 9.0
    affine: bool = True
    k: float = 3.0

    def residual(self, u: Jet, x: Tensor, alpha: Tensor) -> Tensor:
        """−u″ + k²u − k²."""
        return -u.u_xx + self.k**2 * u.u - self.k**2

    def ends(self, alpha: Tensor) -> dict[float, Tensor]:
        """u(0) = 0, u(1) = α."""
        return {0.0: torch.zeros_like(alpha), 1.0: alpha}

    def exact(self, x: Tensor, alpha: Tensor) -> Tensor:
        """1 + ((α − 1) sinh kx − sinh k(1 − x)) / sinh k."""
        x = x[..., 0]
        return 1 + ((alpha - 1) * torch.sinh(self.k * x) - torch.sinh(self.k * (1 - x))) / sinh(self.k)

    def deepxde(self, dde: Any, z: Tensor, u: Tensor) -> Tensor:
        """The residual by ``dde.grad``."""
        return -dde.grad.hessian(u, z, i=0, j=0) + self.k**2 * u - self.k**2
