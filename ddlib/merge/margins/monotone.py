r"""A skewed column: normal scores, linear between knots.

A value x with the probability F(x−) of less and F(x) of that or less has the score :math:`\Phi^{-1}(\tfrac12 [F(x-) + F(x)])`. The
map is linear between some values that are spread evenly over the scores. Beyond the first and the last value it goes on with the
same slope towards a limit that it never reaches,

.. math:: x = a - (a - \text{low}) \bigl(1 - e^{s (z - z_a) / (a - \text{low})}\bigr) \quad (z < z_a),

a the first value, s the slope; where there is no room, at the limit itself. So no synthetic value leaves the limits: those that are
observed, or zero for a column that is never negative.
"""

from __future__ import annotations

from typing import Any, NamedTuple

import numpy as np
from jaxtyping import Float
from scipy.special import ndtri

from ddlib.merge.margins.distribution import distribution
from ddlib.merge.margins.margin import Cells

__all__ = ["Monotone", "monotone"]

_KNOTS = 41
"""Values at which the map bends, at most."""
_TIED, _FEWEST = 0.05, 10
"""Share and number of the cells from which equal values are a tie."""
_ROOM = 10.0
"""Room for cells that are known to be beyond all values, in the range of these."""
_FARTHEST = 6.0
"""How far beyond the last score a value at or beyond a limit is put."""


class Monotone(NamedTuple):
    """A monotone map, given by knots and limits.

    Attributes:
        values, scores: of the knots, ascending.
        low, high: limits of the values.
        why: in words.
        ties: values that many cells have, each with the scores between which it stands: an interval, like a category.

    >>> margin = Monotone((1.0, 2.0, 4.0, 8.0, 16.0), (-1.3, -0.5, 0.0, 0.5, 1.3), low=0.0, high=16.0)
    >>> margin.back(margin.forward(Cells.of([4.0, 8.0])).lower)
    array([4., 8.])
    >>> margin.back(np.array([-9.0, 0.0, 9.0])).round(2)  # between zero and the largest value
    array([ 0.,  4., 16.])
    """

    values: tuple[float, ...]
    scores: tuple[float, ...]
    low: float
    high: float
    why: str = "skewed"
    ties: tuple[tuple[float, float, float], ...] = ()

    @property
    def cuts(self) -> tuple[float, ...]:
        """None: cells are numbers."""
        return ()

    def forward(self, cells: Cells) -> Cells:
        """The latent intervals."""
        lower, upper = (np.where(np.isfinite(end), self._score(end), end) for end in cells)
        for value, low, high in self.ties:
            here = (cells.lower == value) & (cells.upper == value)
            least, most = (low, high) if np.isfinite(low + high) else (max(low, -_FARTHEST), min(high, _FARTHEST))
            lower, upper = (
                np.where(end < value, np.minimum(score, least), np.where(end > value, np.maximum(score, most), score))
                for end, score in zip(cells, (lower, upper), strict=True)
            )
            lower, upper = np.where(here, low, lower), np.where(here, high, upper)
        return Cells(lower, upper)

    def _score(self, values: Float[np.ndarray, " n"]) -> Float[np.ndarray, " n"]:
        inner = np.interp(values, self.values, self.scores)
        for sign, end, limit in ((-1, 0, self.low), (1, -1, self.high)):
            beyond = np.maximum(sign * (values - self.values[end]), 0.0)
            room, slope = abs(limit - self.values[end]), self._slope(end)
            with np.errstate(invalid="ignore", divide="ignore", over="ignore"):
                away = -room / slope * np.log1p(-np.minimum(beyond / room, 1.0)) if room > 0 else beyond / slope
            inner = inner + sign * np.minimum(away, _FARTHEST)
        return inner

    def _slope(self, end: int) -> float:
        """Values per score in the first or the last piece."""
        one, two = (0, 1) if end == 0 else (-2, -1)
        return (self.values[two] - self.values[one]) / (self.scores[two] - self.scores[one])

    def back(self, latent: Float[np.ndarray, " n"]) -> Float[np.ndarray, " n"]:
        """The values."""
        inner = np.interp(latent, self.scores, self.values)
        for sign, end, limit in ((-1, 0, self.low), (1, -1, self.high)):
            away, room = np.maximum(sign * (latent - self.scores[end]), 0.0), abs(limit - self.values[end])
            if room > 0:
                inner = inner - sign * room * np.expm1(-self._slope(end) * away / room)
        for value, low, high in self.ties:
            inner = np.where((latent >= low) & (latent <= high), value, inner)
        return inner

    def noise(self, size: float) -> float:
        """The error in scores, where the map has its median slope."""
        return float(size * np.median(np.diff(self.scores) / np.diff(self.values)))

    def as_dict(self) -> dict[str, Any]:
        """In plain numbers."""
        return {"margin": "monotone", "why": self.why} | {
            "values": list(self.values),
            "scores": list(self.scores),
            "low": self.low,
            "high": self.high,
            "ties": [list(tie) for tie in self.ties],
        }


def monotone(cells: Cells, low: float | None = None, high: float | None = None, why: str = "skewed") -> Monotone:
    """The map of a column's cells.

    Args:
        cells: of all patients.
        low, high: limits of the values; when not given, zero for a column that is never negative, and what is observed; where cells
            are known to be beyond that, there is room for them.
        why: in words.

    Raises:
        ValueError: if fewer than two values occur, or some are beyond the limits.

    >>> margin = monotone(Cells.of(np.arange(5) ** 2), high=20.0)
    >>> margin.low, margin.high
    (0.0, 20.0)
    """
    values, before, upto = distribution(cells)
    if len(values) < 2:
        raise ValueError("the column has one value only: drop it")
    ends = np.concatenate([values, *(end[cells.known & np.isfinite(end)] for end in cells)])
    lowest, highest = float(ends.min()), float(ends.max())
    part, room = cells.within, _ROOM * (highest - lowest)
    below, above = bool((cells.upper[part] <= lowest).any()), bool((cells.lower[part] >= highest).any())
    low = (0.0 if lowest > 0 or (lowest == 0 and not below) else lowest - room * below) if low is None else low
    high = highest + room * above if high is None else high
    if low > values[0] or high < values[-1]:
        raise ValueError(f"the column has values from {values[0]:g} to {values[-1]:g}, beyond its limits {low:g} and {high:g}")
    scores = ndtri(np.clip(0.5 * (before + upto), 1e-9, 1 - 1e-9))
    even = np.linspace(scores[0], scores[-1], _KNOTS)
    kept = np.unique(np.concatenate([[0, len(scores) - 1], np.searchsorted(scores, even[1:-1])]))
    kept = kept[np.concatenate([[True], np.diff(scores[kept]) > 1e-9])]
    tied = [
        (float(value), float(ndtri(one)), float(ndtri(two)))
        for value, one, two in zip(values, before, upto, strict=True)
        if two - one >= max(_TIED, _FEWEST / cells.exact.sum())
    ]
    return Monotone(tuple(values[kept].tolist()), tuple(scores[kept].tolist()), low, high, why, tuple(tied))
