r"""What a family of boundary-value problems is: an equation, its boundary values as a function of α, and the law of α."""

from __future__ import annotations

from abc import ABC, abstractmethod
from dataclasses import dataclass
from typing import Any, NamedTuple

import torch
from jaxtyping import Float
from torch import Tensor

from ddlib.pinn.problems.law import Law
from ddlib.problem import Distilled


class Jet(NamedTuple):
    """A function and its derivatives at points, each of shape (R, n).

    Attributes:
        u: its value.
        u_x: its first derivative in x.
        u_xx: its second derivative in x.
        u_t: its first derivative in t; None for a problem without time.
    """

    u: Float[Tensor, "*R n"]
    u_x: Float[Tensor, "*R n"]
    u_xx: Float[Tensor, "*R n"]
    u_t: Float[Tensor, "*R n"] | None = None


@dataclass(frozen=True)
class Problem(ABC):
    """A family of boundary-value problems u(x; α) or u(x, t; α), one problem for each α.

    A *unit* is a row: the coordinates x, or x and t, and then α.

    Attributes:
        name: how tables and figures call it.
        law: the law of α.
        box: the lowest and highest value of each coordinate.
        order: of the equation in x, 1 or 2.
        scale: the typical size of the equation's terms, which makes residuals of different problems comparable.
        affine: whether the solution is affine in α.
    """

    name: str
    law: Law
    box: tuple[tuple[float, float], ...]
    order: int = 2
    scale: float = 1.0
    affine: bool = False

    @abstractmethod
    def residual(self, u: Jet, x: Float[Tensor, "*R n c"], alpha: Float[Tensor, "*R n"]) -> Float[Tensor, "*R n"]:
        """The equation, everything on one side: zero where u solves it; x are the coordinates."""

    @abstractmethod
    def exact(self, x: Float[Tensor, "*R n c"], alpha: Float[Tensor, "*R n"]) -> Float[Tensor, "*R n"]:
        """The solution at the coordinates x."""

    @abstractmethod
    def deepxde(self, dde: Any, z: Tensor, u: Tensor) -> Tensor:
        """The residual as users of DeepXDE write it: inputs z of shape (n, d), network outputs u of shape (n, 1).

        Args:
            dde: the imported package.
            z: the units.
            u: what the network makes of them.
        """

    def ends(self, alpha: Float[Tensor, "*R k"]) -> dict[float, Float[Tensor, "*R k"]]:
        """The boundary values: at which x the solution has which value. A problem with time gives :meth:`boundary` instead."""
        raise NotImplementedError

    def boundary(self, alpha: Float[Tensor, "*R k"], count: int = 8) -> Distilled:
        """The boundary conditions at each α.

        Args:
            alpha: the boundary values.
            count: points on each side of the domain; a problem without time has one.

        Returns:
            Boundary units of shape (R, k b, d) with the solution's values there, b for each α.
        """
        ends = self.ends(alpha)
        position = alpha.new_tensor(list(ends)).expand(*alpha.shape, -1)
        units = torch.stack([position, alpha.unsqueeze(-1).expand_as(position)], -1)
        values = torch.stack(list(ends.values()), -1).flatten(-2)
        return Distilled(units.flatten(-3, -2), values, torch.ones_like(values))

    @property
    def timed(self) -> bool:
        """Whether the second coordinate is time."""
        return len(self.box) == 2

    @property
    def dimension(self) -> int:
        """The length d of a unit."""
        return len(self.box) + 1

    def split(self, units: Float[Tensor, "*R n d"]) -> tuple[Float[Tensor, "*R n c"], Float[Tensor, "*R n"]]:
        """Units as coordinates and α."""
        if units.shape[-1] != self.dimension:
            raise ValueError(
                f"a unit of {self.name} is {'(x, t, α)' if self.timed else '(x, α)'}, but the units have {units.shape[-1]} columns"
            )
        return units[..., :-1], units[..., -1]

    def join(self, x: Float[Tensor, "*R n c"], alpha: Float[Tensor, "*R n"]) -> Float[Tensor, "*R n d"]:
        """Coordinates and α as units; leading axes broadcast."""
        shape = torch.broadcast_shapes(x.shape[:-1], alpha.shape)
        return torch.cat([x.expand(*shape, -1), alpha.expand(shape).unsqueeze(-1)], -1)

    def residual_at(self, u: Jet, units: Float[Tensor, "*R n d"]) -> Float[Tensor, "*R n"]:
        """The residual at units."""
        return self.residual(u, *self.split(units))

    def exact_at(self, units: Float[Tensor, "*R n d"]) -> Float[Tensor, "*R n"]:
        """The solution at units."""
        return self.exact(*self.split(units))

    def rows(self, x: Float[Tensor, "*R n c"], alpha: Float[Tensor, "*R n"]) -> Distilled:
        """Units with the solution as label and weights of one."""
        units = self.join(x, alpha)
        label = self.exact_at(units)
        return Distilled(units, label, torch.ones_like(label))


def known_problem(problem: object) -> None:
    """Raise a ValueError unless it is a problem; the name of one is none."""
    if not isinstance(problem, Problem):
        raise ValueError(f'{problem!r} is not a problem: look one up by its name in ddlib.pinn.PROBLEMS, as in PROBLEMS["Poisson"]')
