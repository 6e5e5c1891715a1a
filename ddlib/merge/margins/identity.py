"""A column that is normal as it is."""

from __future__ import annotations

from typing import Any, NamedTuple

import numpy as np
from jaxtyping import Float

from ddlib.merge.margins.margin import Cells

__all__ = ["Identity"]


class Identity(NamedTuple):
    """Another unit, nothing else.

    Attributes:
        centre, spread: of the column.
        why: in words.
        otherwise: why it would have another margin but for its measurement error; nothing if it would not.

    >>> Identity(10.0, 2.0).back(Identity(10.0, 2.0).forward(Cells.of([13.0])).lower)
    array([13.])
    """

    centre: float
    spread: float
    why: str = "about normal"
    otherwise: str = ""

    @property
    def cuts(self) -> tuple[float, ...]:
        """None: cells are numbers."""
        return ()

    def forward(self, cells: Cells) -> Cells:
        """The latent intervals."""
        return Cells(*((end - self.centre) / self.spread for end in cells))

    def back(self, latent: Float[np.ndarray, " n"]) -> Float[np.ndarray, " n"]:
        """The values."""
        return self.centre + self.spread * latent

    def noise(self, size: float) -> float:
        """The error in units of the spread."""
        return size / self.spread

    def as_dict(self) -> dict[str, Any]:
        """In plain numbers."""
        return {"margin": "normal", "why": self.why, "centre": self.centre, "spread": self.spread}
