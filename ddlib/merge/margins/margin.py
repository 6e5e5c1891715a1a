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
