r"""What a family of boundary-value problems is: an equation, its boundary values as a function of α, and the law of α."""

from __future__ import annotations

import math
from abc import ABC, abstractmethod
from dataclasses import dataclass
from typing import Any, NamedTuple

import torch
from jaxtyping import Float
from torch import Tensor

from ddlib.arguments import is_whole, not_given
from ddlib.learners.check import positive_number
from ddlib.pinn.problems.law import Law
from ddlib.problem import Distilled

__all__ = ["Jet", "Problem", "known_problem"]


class Jet(NamedTuple):
    """A function and its derivatives at points, each of shape (R, n).

    Attributes:
        u: its value.
        u_x: its first derivative in x.
        u_xx: its second derivative in x.
        u_t: its first derivative in t; None for a problem without time.

    >>> x = torch.tensor([0.0, 1.0])
    >>> Jet(u=x**2, u_x=2 * x, u_xx=torch.full_like(x, 2.0)).u_x
    tensor([0., 2.])
    """

    u: Float[Tensor, "*R n"]
    u_x: Float[Tensor, "*R n"]
    u_xx: Float[Tensor, "*R n"]
    u_t: Float[Tensor, "*R n"] | None = None

    def __getattr__(self, name: str) -> Any:
        """Only what is not there comes here, so that what is there costs nothing."""
        if name.startswith("u_"):
            raise AttributeError(f"a jet has u, u_x, u_xx and u_t, but no {name}: write the equation with these")
        raise AttributeError(f"{type(self).__name__!r} object has no attribute {name!r}")


@dataclass(frozen=True)
class Problem(ABC):
    """A family of boundary-value problems u(x; α) or u(x, t; α), one problem for each α.

    A *unit* is a row: the coordinates x, or x and t, and then α.

    What is supported: one coordinate x, or two, x and t; one parameter α, with a law; one unknown function u; an equation in u,
    u_x, u_xx and, with time, u_t; values of u at the boundary. Without time these are one value for an equation of order 1 and
    one at each end for order 2, as :meth:`ends` says; with time, :meth:`boundary` gives the beginning and the sides. There are no
    derivatives at the boundary (Neumann), no second coordinate in space, no u_tt and no further parameters. A problem is refused
    when it is constructed if it asks for something else.

    Attributes:
        name: how tables and figures call it.
        law: the law of α.
        box: the lowest and highest value of x, and then those of t if the problem has time.
        order: of the equation in x, 1 or 2.
        scale: the typical size of the equation's terms, which makes residuals of different problems comparable.
        affine: whether the solution is affine in α.

    >>> from ddlib.pinn import PROBLEMS
    >>> growth = PROBLEMS["logistic"]
    >>> growth.ends(torch.tensor([0.5])), growth.timed, growth.order
    ({0.0: tensor([0.5000])}, False, 1)
    """

    name: str
    law: Law
    box: tuple[tuple[float, float], ...]
    order: int = 2
    scale: float = 1.0
    affine: bool = False

    def __post_init__(self) -> None:
        """Refuse what is not supported.

        Raises:
            ValueError: that says in one sentence what is wrong.
            AttributeError: if the residual takes a derivative that no :class:`Jet` has.
        """
        self._check_numbers()
        if not self.timed:
            self._check_ends()
        elif type(self).boundary is Problem.boundary:
            raise ValueError(f"{self.name} has time, so it gives boundary(alpha, count) itself: ends are for x alone")
        self._check_residual()

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
        raise not_given(self, "ends(alpha)")

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

    def _check_numbers(self) -> None:
        """The box, the order, the scale and the law."""
        pairs = isinstance(self.box, tuple | list) and all(isinstance(side, tuple | list) and len(side) == 2 for side in self.box)
        if not pairs or len(self.box) not in (1, 2):
            raise ValueError(
                f"the box of {self.name} is one pair (low, high) for x, or two for x and t, not {self.box!r}: give ((0.0, 1.0),)"
            )
        for coordinate, (low, high) in zip("xt", self.box, strict=False):
            if not (math.isfinite(low) and math.isfinite(high) and low < high):
                raise ValueError(
                    f"{coordinate} of {self.name} lies between two finite numbers, the lower first, but they are {low} and {high}"
                )
        if not is_whole(self.order) or self.order > 2:
            raise ValueError(f"the order of {self.name} in x must be 1 or 2, but it is {self.order!r}")
        positive_number(self.scale, f"the scale of {self.name}")
        if not isinstance(self.law, Law):
            raise ValueError(f"the law of {self.name} must be a Law, but it is {self.law!r}: give one such as Law(0.0, 1.0)")

    def _check_ends(self) -> None:
        """One value for an equation of order 1, one at each end for order 2."""
        ends = None if type(self).ends is Problem.ends else self.ends(self.law.grid("both", 1.0, 3).repeat(3, 1))
        needed = "a value at one end" if self.order == 1 else "a value at each end"
        if not isinstance(ends, dict) or len(ends) != self.order or not set(ends) <= set(self.box[0]):
            given = f"{self.name} gives {sorted(ends) if isinstance(ends, dict) else ends!r}"
            low, high = self.box[0]
            raise ValueError(
                f"an equation of order {self.order} takes {needed}, but {given}: return values by x, which is {low} or {high}"
            )
        for x, value in ends.items():
            if not isinstance(value, Tensor) or value.shape != (3, 3):
                raise ValueError(
                    f"the value of {self.name} at x = {x} must be a tensor of α's shape: return alpha or zeros_like(alpha)"
                )

    def _check_residual(self) -> None:
        """Derivatives that exist, and one number for each unit: tried out at a few units."""
        alpha = self.law.grid("both", 1.0, 3).repeat(3, 1)
        x = alpha.new_tensor(self.box).mean(-1).expand(3, 3, -1)
        one = torch.ones_like(alpha)
        try:
            value = self.residual(Jet(one, one, one, one if self.timed else None), x, alpha)
        except (TypeError, AttributeError) as error:
            if self.timed or "NoneType" not in str(error):
                raise
            raise ValueError(
                f"the equation of {self.name} takes u_t, but its box has x alone: give the box of t as well, or leave u_t out"
            ) from error
        if not isinstance(value, Tensor) or value.shape != alpha.shape:
            shape = tuple(value.shape) if isinstance(value, Tensor) else value
            raise ValueError(
                f"the residual of {self.name} is one number for each unit, of shape (3, 3) here, but it is {shape}: the "
                "coordinate x is x[..., 0], and t is x[..., 1]"
            )


def known_problem(problem: object) -> None:
    """Raise a ValueError unless it is a problem; the name of one is none.

    >>> known_problem("Poisson")
    Traceback (most recent call last):
        ...
    ValueError: 'Poisson' is not a problem: look one up by its name in ddlib.pinn.PROBLEMS, as in PROBLEMS["Poisson"]
    """
    if not isinstance(problem, Problem):
        raise ValueError(f'{problem!r} is not a problem: look one up by its name in ddlib.pinn.PROBLEMS, as in PROBLEMS["Poisson"]')
