r"""A column with two or a few values: a latent normal value between thresholds.

The k-th of the ascending values means that the latent value lies between the thresholds :math:`c_{k-1}` and :math:`c_k`, with
:math:`c_k = \Phi^{-1}` of the share of cells that have one of the first k values (Pearson 1900).
"""

from __future__ import annotations

from typing import Any, NamedTuple

import numpy as np
from jaxtyping import Float
from scipy.special import ndtri

from ddlib.merge.margins.distribution import distribution
from ddlib.merge.margins.margin import Cells

__all__ = ["Thresholds", "thresholds"]


class Thresholds(NamedTuple):
    """Values and the thresholds between them.

    Attributes:
        values: ascending.
        cuts: one fewer.
        why: in words.

    >>> margin = Thresholds((0.0, 1.0), (0.0,))
    >>> margin.forward(Cells.of([0.0, 1.0, float("nan")]))
    Cells(lower=array([-inf,   0., -inf]), upper=array([ 0., inf, inf]))
    >>> margin.back(np.array([-0.2, 0.2]))
    array([0., 1.])
    """

    values: tuple[float, ...]
    cuts: tuple[float, ...]
    why: str = "few values"

    def forward(self, cells: Cells) -> Cells:
        """The latent intervals; an interval holds all categories that it touches, a value between two of them both."""
        ends = np.array([-np.inf, *self.cuts, np.inf])
        first = np.searchsorted(self.values, cells.lower, side="left")
        last = np.searchsorted(self.values, cells.upper, side="right") - 1
        first, last = np.minimum(first, last), np.maximum(first, last)
        return Cells(ends[first.clip(0, len(self.cuts))], ends[last.clip(0, len(self.cuts)) + 1])

    def back(self, latent: Float[np.ndarray, " n"]) -> Float[np.ndarray, " n"]:
        """The values."""
        return np.array(self.values)[np.searchsorted(self.cuts, latent)]

    def noise(self, size: float) -> float:
        """Categories are taken as they are.

        Raises:
            ValueError: if there is an error.
        """
        if size > 0:
            raise ValueError("a column with a few values cannot have a measurement error: remove its noise")
        return 0.0

    def as_dict(self) -> dict[str, Any]:
        """In plain numbers."""
        return {"margin": "thresholds", "why": self.why, "values": list(self.values), "cuts": list(self.cuts)}


def thresholds(cells: Cells, why: str = "few values") -> Thresholds:
    """The thresholds of a column's cells.

    Raises:
        ValueError: if fewer than two values occur.

    >>> thresholds(Cells.of([1.0] * 6 + [2.0] * 3 + [3.0])).values
    (1.0, 2.0, 3.0)
    """
    values, _, upto = distribution(cells)
    if len(values) < 2:
        raise ValueError("the column has one value only: drop it")
    cuts = ndtri(np.clip(upto[:-1], 1e-9, 1 - 1e-9))
    return Thresholds(tuple(values.tolist()), tuple(cuts.tolist()), why)
