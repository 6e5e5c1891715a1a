r"""A travelling wave of the Burgers equation: the problem with time."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import Any

import torch
from torch import Tensor

from ddlib.pinn.problems.law import Law
from ddlib.pinn.problems.problem import Jet, Problem
from ddlib.problem import Distilled

__all__ = ["Wave"]


@dataclass(frozen=True)
class Wave(Problem):
    r""":math:`u_t + u u_x = \nu u_{xx}` for (x, t) in [0, 1]², with the beginning and both ends given.

    .. math:: u = \frac{\alpha}{2} \Bigl(1 - \tanh \frac{\alpha\, (x - x_0 - \alpha t / 2)}{4\nu}\Bigr)

    Attributes:
        nu: the viscosity :math:`\nu`.
        start: :math:`x_0`, where the wave is at t = 0.

    >>> Wave().timed, Wave().boundary(torch.tensor([1.0]), count=4).x.shape
    (True, torch.Size([12, 3]))
    """

    name: str = "wave"
    law: Law = field(default_factory=lambda: Law(1, 0.25))
    box: tuple[tuple[float, float], ...] = ((0.0, 1.0), (0.0, 1.0))
    nu: float = 0.05
    start: float = 0.2

    def residual(self, u: Jet, x: Tensor, alpha: Tensor) -> Tensor:
        """u_t + u u_x − ν u_xx."""
        if u.u_t is None:
            raise ValueError("the wave's equation needs u_t: ask for a jet with time (timed=True)")
        return u.u_t + u.u * u.u_x - self.nu * u.u_xx

    def boundary(self, alpha: Tensor, count: int = 8) -> Distilled:
        """The solution's values at t = 0, at x = 0 and at x = 1, at ``count`` points each."""
        s = torch.linspace(0, 1, count + 1, dtype=alpha.dtype, device=alpha.device)
        s = (s[1:] + s[:-1]) / 2
        zero, one = torch.zeros_like(s), torch.ones_like(s)
        sides = torch.cat([torch.stack(pair, -1) for pair in ((s, zero), (zero, s), (one, s))])
        many = alpha.unsqueeze(-1).expand(*alpha.shape, len(sides)).flatten(-2)
        return self.rows(sides.repeat(alpha.shape[-1], 1).expand(*many.shape, 2), many)

    def exact(self, x: Tensor, alpha: Tensor) -> Tensor:
        """α/2 (1 − tanh(α (x − x₀ − αt/2) / 4ν))."""
        position, t = x[..., 0], x[..., 1]
        return alpha / 2 * (1 - torch.tanh(alpha * (position - self.start - alpha * t / 2) / (4 * self.nu)))

    def deepxde(self, dde: Any, z: Tensor, u: Tensor) -> Tensor:
        """The residual by ``dde.grad``."""
        u_x, u_t = (dde.grad.jacobian(u, z, i=0, j=j) for j in (0, 1))
        return u_t + u * u_x - self.nu * dde.grad.hessian(u, z, i=0, j=0)
