r"""Heat conduction with a conductivity that grows with temperature."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import Any

import torch
from torch import Tensor

from ddlib.pinn.problems.law import Law
from ddlib.pinn.problems.problem import Jet, Problem

__all__ = ["Conduction"]


@dataclass(frozen=True)
class Conduction(Problem):
    r""":math:`u'' + \beta u'^2 = 0` on [0, 1], :math:`u(0) = 0`, :math:`u(1) = \alpha`.

    .. math:: u = \ln\bigl(1 + (e^{\beta\alpha} - 1)\, x\bigr) / \beta

    Attributes:
        beta: :math:`\beta`; the conductivity is :math:`e^{\beta u}`.

    >>> Conduction().exact(torch.tensor([[0.0], [1.0]]), alpha=torch.tensor([0.5, 0.5])).round(decimals=4)
    tensor([0.0000, 0.5000])
    """

    name: str = "conduction"
    law: Law = field(default_factory=lambda: Law(0, 1))
    box: tuple[tuple[float, float], ...] = ((0.0, 1.0),)
    beta: float = 0.7

    def residual(self, u: Jet, x: Tensor, alpha: Tensor) -> Tensor:
        """u″ + βu′²."""
        return u.u_xx + self.beta * u.u_x**2

    def ends(self, alpha: Tensor) -> dict[float, Tensor]:
        """u(0) = 0, u(1) = α."""
        return {0.0: torch.zeros_like(alpha), 1.0: alpha}

    def exact(self, x: Tensor, alpha: Tensor) -> Tensor:
        """ln(1 + (exp(βα) − 1) x) / β."""
        return torch.log1p(torch.expm1(self.beta * alpha) * x[..., 0]) / self.beta

    def deepxde(self, dde: Any, z: Tensor, u: Tensor) -> Tensor:
        """The residual by ``dde.grad``."""
        return dde.grad.hessian(u, z, i=0, j=0) + self.beta * dde.grad.jacobian(u, z, i=0, j=0) ** 2
