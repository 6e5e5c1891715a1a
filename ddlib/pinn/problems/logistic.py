r"""Logistic growth from an unknown beginning."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import Any

import torch
from torch import Tensor

from ddlib.pinn.problems.law import Law
from ddlib.pinn.problems.problem import Jet, Problem

__all__ = ["Logistic"]


@dataclass(frozen=True)
class Logistic(Problem):
    r""":math:`u' = \rho\, u (1 - u)` on [0, 1], :math:`u(0) = \alpha`; :math:`u = (1 + (1/\alpha - 1)\, e^{-\rho x})^{-1}`.

    Attributes:
        rate: :math:`\rho`.

    >>> Logistic().exact(torch.tensor([[0.0], [1.0]]), alpha=torch.tensor([0.5, 0.5])).round(decimals=4)
    tensor([0.5000, 0.9933])
    """

    name: str = "logistic"
    law: Law = field(default_factory=lambda: Law(0.4, 0.15, 0.0, 1.0))
    box: tuple[tuple[float, float], ...] = ((0.0, 1.0),)
    order: int = 1
    rate: float = 5.0

    def residual(self, u: Jet, x: Tensor, alpha: Tensor) -> Tensor:
        """u′ − ρ u (1 − u)."""
        return u.u_x - self.rate * u.u * (1 - u.u)

    def ends(self, alpha: Tensor) -> dict[float, Tensor]:
        """u(0) = α."""
        return {0.0: alpha}

    def exact(self, x: Tensor, alpha: Tensor) -> Tensor:
        """α / (α + (1 − α) exp(−ρx))."""
        return alpha / (alpha + (1 - alpha) * torch.exp(-self.rate * x[..., 0]))

    def deepxde(self, dde: Any, z: Tensor, u: Tensor) -> Tensor:
        """The residual by ``dde.grad``."""
        return dde.grad.jacobian(u, z, i=0, j=0) - self.rate * u * (1 - u)
