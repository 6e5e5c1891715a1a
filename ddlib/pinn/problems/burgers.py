r"""The steady Burgers equation: a boundary layer whose height is the boundary value."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import Any

import torch
from torch import Tensor

from ddlib.pinn.problems.law import Law
from ddlib.pinn.problems.problem import Jet, Problem

__all__ = ["Burgers"]

_NEWTON = 100  # steps at most; five to eight are taken


@dataclass(frozen=True)
class Burgers(Problem):
    r""":math:`u u' = \nu u''` on [0, 1], :math:`u(0) = \alpha > 0`, :math:`u(1) = 0`.

    .. math:: u = -c \tanh \frac{c (x - 1)}{2\nu}, \qquad c \tanh \frac{c}{2\nu} = \alpha

    Attributes:
        nu: the viscosity :math:`\nu`.

    >>> x, alpha = torch.tensor([[0.0], [1.0]], dtype=torch.float64), torch.tensor([0.6, 0.6], dtype=torch.float64)
    >>> Burgers(nu=0.1).exact(x, alpha).round(decimals=4).abs()
    tensor([0.6000, 0.0000], dtype=torch.float64)
    """

    name: str = "Burgers"
    law: Law = field(default_factory=lambda: Law(0.6, 0.2, 0.0))
    box: tuple[tuple[float, float], ...] = ((0.0, 1.0),)
    scale: float = 0.5
    nu: float = 0.15

    def residual(self, u: Jet, x: Tensor, alpha: Tensor) -> Tensor:
        """uu′ − νu″."""
        return u.u * u.u_x - self.nu * u.u_xx

    def ends(self, alpha: Tensor) -> dict[float, Tensor]:
        """u(0) = α, u(1) = 0."""
        return {0.0: alpha, 1.0: torch.zeros_like(alpha)}

    def exact(self, x: Tensor, alpha: Tensor) -> Tensor:
        """−c tanh(c (x − 1) / 2ν); not a number where α is not positive."""
        c = self.speed(alpha)
        return -c * torch.tanh(c * (x[..., 0] - 1) / (2 * self.nu))

    @torch.no_grad()
    def speed(self, alpha: Tensor) -> Tensor:
        """The c > 0 with c tanh(c / 2ν) = α, by Newton's method."""
        good = torch.where(alpha > 0, alpha, torch.nan)
        c = torch.maximum(good, (2 * self.nu * good).sqrt())
        for _ in range(_NEWTON):
            tanh = torch.tanh(c / (2 * self.nu))
            step = (c * tanh - good) / (tanh + c / (2 * self.nu) * (1 - tanh**2))
            c = c - step
            if not bool((step.abs() > 4 * torch.finfo(c.dtype).eps * c).any()):
                break
        return c

    def deepxde(self, dde: Any, z: Tensor, u: Tensor) -> Tensor:
        """The residual by ``dde.grad``."""
        return u * dde.grad.jacobian(u, z, i=0, j=0) - self.nu * dde.grad.hessian(u, z, i=0, j=0)
