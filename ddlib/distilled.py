"""A weighted set of units: the one type for data and for what is distilled from them."""

from __future__ import annotations

import pickle
from collections.abc import Sequence
from pathlib import Path
from typing import Any, NamedTuple

import torch
from jaxtyping import Float
from torch import Tensor

__all__ = ["Distilled"]


class Distilled(NamedTuple):
    """A weighted set of units: the distilled set S, and just as well the data D that it stands for.

    A unit is what a budget counts: a row, an image, a trajectory, a collocation point. Weights and free labels are part of the type
    because exact distillation needs them.

    Attributes:
        x: the units, shape (R, m, ...). R counts replicates, which are distilled side by side: one of them is ``x[r]``.
        y: their labels, shape (R, m) for numbers, (R, m, C) for rows such as classes (the largest entry is the class), and
            (R, m, 0) for a task without labels.
        w: their weights, shape (R, m); one everywhere for an ordinary data set.

    >>> rows = Distilled(torch.zeros(2, 5, 3), torch.zeros(2, 5), torch.ones(2, 5))
    >>> rows.replicates, rows.budget, rows.stored_numbers
    (2, 5, 20)
    """

    x: Float[Tensor, "R m *unit"]
    y: Float[Tensor, "R m *label"]
    w: Float[Tensor, "R m"]

    @property
    def budget(self) -> int:
        """The number of units m."""
        return self.w.shape[-1]

    @property
    def replicates(self) -> int:
        """The length R of the replicate axis."""
        return self.w.shape[-2]

    @property
    def unit(self) -> torch.Size:
        """The shape of one unit."""
        return self.x.shape[self.w.ndim :]

    @property
    def label(self) -> torch.Size:
        """The shape of one label: empty for a number."""
        return self.y.shape[self.w.ndim :]

    @property
    def stored_numbers(self) -> int:
        """How many numbers one replicate stores: units and labels, and the weights unless all of them are one."""
        per_unit = self.unit.numel() + self.label.numel()
        return self.budget * (per_unit + int(not bool((self.w == 1).all())))

    def rows(self) -> Distilled:
        """The same with each unit as a row of numbers.

        >>> Distilled(torch.zeros(1, 5, 28, 28), torch.zeros(1, 5), torch.ones(1, 5)).rows().x.shape
        torch.Size([1, 5, 784])
        """
        return self if len(self.unit) == 1 else self._replace(x=self.x.flatten(self.w.ndim))

    def to(self, *args: Any, **options: Any) -> Distilled:
        """The same on another device or of another floating-point type, as :meth:`torch.Tensor.to`.

        >>> Distilled(torch.zeros(1, 2, 3), torch.zeros(1, 2), torch.ones(1, 2)).to(torch.float64).x.dtype
        torch.float64
        """
        return Distilled(*(part.to(*args, **options) for part in self))

    def detach(self) -> Distilled:
        """The same without the graph of how it came about."""
        return Distilled(*(part.detach() for part in self))

    def save(self, path: str | Path) -> None:
        """Write the set to a file that :meth:`load` reads, and plain ``torch.load`` as a dictionary of three tensors."""
        torch.save({name: part.detach().cpu().clone() for name, part in self._asdict().items()}, path)

    @staticmethod
    def load(path: str | Path) -> Distilled:
        """A set that :meth:`save` or ``torch.save`` wrote; no code in the file is run.

        Raises:
            FileNotFoundError: if there is no file.
            ValueError: if the file holds something else.
        """
        try:
            held = torch.load(path, map_location="cpu", weights_only=True)
        except (pickle.UnpicklingError, EOFError, RuntimeError) as error:
            raise ValueError(f"{path} is no file that Distilled.save wrote: write the set with it first") from error
        held = held._asdict() if isinstance(held, Distilled) else held
        if not isinstance(held, dict) or set(held) != {"x", "y", "w"} or not all(map(torch.is_tensor, held.values())):
            raise ValueError(f"{path} holds no distilled set, which is three tensors x, y and w: write it with Distilled.save")
        return Distilled(**held)

    @staticmethod
    def cat(sets: Sequence[Distilled]) -> Distilled:
        """The units of several sets as one set, replicate by replicate.

        Raises:
            ValueError: if there is no set, or their replicates, units or labels have different shapes.

        >>> rows = Distilled(torch.zeros(1, 2, 3), torch.zeros(1, 2), torch.ones(1, 2))
        >>> Distilled.cat([rows, rows, rows]).budget
        6
        """
        shapes = {(data.w.shape[:-1], data.unit, data.label) for data in sets}
        if len(shapes) != 1:
            raise ValueError(f"sets to be joined need the same replicates, units and labels, but theirs are {sorted(shapes)}")
        axis = sets[0].w.ndim - 1
        return Distilled(*(torch.cat(parts, axis) for parts in zip(*sets, strict=True)))


torch.serialization.add_safe_globals([Distilled])  # torch.load(weights_only=True) then reads a set that torch.save wrote
