"""What every margin can do."""

from __future__ import annotations

from typing import Any, NamedTuple, Protocol

import numpy as np
from jaxtyping import Bool, Float

__all__ = ["Cells", "Margin"]


class Cells(NamedTuple):
    """A column's cells as intervals: points where both ends are the same, infinite ends where nothing is known.

    Attributes:
        lower, upper: the ends.

    >>> Cells.of([5.0, float("nan")]).lower
    array([  5., -inf])
    """

    lower: Float[np.ndarray, " n"]
    upper: Float[np.ndarray, " n"]

    @classmethod
    def of(cls, values: Any) -> Cells:
        """Numbers; missing cells are not-a-number."""
        numbers = np.asarray(values, dtype=float)
        missing = np.isnan(numbers)
        return cls(np.where(missing, -np.inf, numbers), np.where(missing, np.inf, numbers))

    @property
    def known(self) -> Bool[np.ndarray, " n"]:
        """Which cells are not missing."""
        return (self.lower > -np.inf) | (self.upper < np.inf)

    @property
    def exact(self) -> Bool[np.ndarray, " n"]:
        """Which cells are numbers."""
        return self.lower == self.upper

    @property
    def within(self) -> Bool[np.ndarray, " n"]:
        """Which cells lie in an interval and are no numbers."""
        return self.known & ~self.exact

    @property
    def numbers(self) -> Float[np.ndarray, " n"]:
        """The numbers; not-a-number elsewhere."""
        return np.where(self.exact, self.lower, np.nan)

    def take(self, rows: Any) -> Cells:
        """Some of the cells."""
        return Cells(self.lower[rows], self.upper[rows])

    def told(self, row: int) -> str:
        """One cell in words.

        >>> cells = Cells(np.array([5.0, -np.inf, 2.0, 1.0]), np.array([5.0, 0.5, np.inf, 3.0]))
        >>> [cells.told(row) for row in range(4)]
        ['5', '<0.5', '>2', '1 to 3']
        """
        low, high = float(self.lower[row]), float(self.upper[row])
        if low == high:
            return f"{low:g}"
        return f"<{high:g}" if low == -np.inf else f">{low:g}" if high == np.inf else f"{low:g} to {high:g}"


class Margin(Protocol):
    """A monotone map between a column's own unit and a latent value that is about standard normal."""

    @property
    def why(self) -> str:
        """Why this margin was chosen, in words."""
        ...

    @property
    def cuts(self) -> tuple[float, ...]:
        """The thresholds between categories; none where cells are numbers."""
        ...

    def forward(self, cells: Cells) -> Cells:
        """The intervals in which the latent values are."""
        ...

    def back(self, latent: Float[np.ndarray, " n"]) -> Float[np.ndarray, " n"]:
        """The values that belong to latent ones."""
        ...

    def noise(self, size: float) -> float:
        """The standard deviation of a measurement error, in units of the latent value.

        Raises:
            ValueError: if the margin cannot have one.
        """
        ...

    def as_dict(self) -> dict[str, Any]:
        """The margin in plain texts, numbers and lists."""
        ...
