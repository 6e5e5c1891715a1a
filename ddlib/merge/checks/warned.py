"""What all checks share: the records that they look at."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any, NamedTuple

import numpy as np
from jaxtyping import Float

from ddlib.merge.warned import Warned

__all__ = ["Records", "Warned"]


class Records(NamedTuple):
    """The measurements of all sources on one grid of visits.

    Attributes:
        columns: names.
        sources: names.
        values: for each source, its patients' measurements in the columns' own units; not-a-number where missing.

    >>> Records(["hb"], ["north"], [np.array([[[13.0], [np.nan]], [[12.0], [11.5]]])]).measured(0)
    [2]
    """

    columns: list[str]
    sources: list[str]
    values: list[Float[np.ndarray, "n T p"]]

    @classmethod
    def of(cls, panel: Any) -> Records:
        """The records of a panel; columns that do not change within a patient come last and count at the first visit only.

        Args:
            panel: with ``columns``, ``sources`` and ``values``, and with ``static`` and ``fixed`` where it has such columns.

        >>> import torch
        >>> from types import SimpleNamespace
        >>> panel = SimpleNamespace(columns=["hb"], sources=["north"], values=[torch.ones(1, 2, 1)], static=["age"],
        ...                         fixed=[torch.full((1, 1), 60.0)])
        >>> Records.of(panel).values[0].tolist()
        [[[1.0, 60.0], [1.0, nan]]]
        """
        values = [np.asarray(part, dtype=float) for part in panel.values]
        static: Sequence[str] = getattr(panel, "static", [])
        if static:
            whole = []
            for part, fixed in zip(values, panel.fixed, strict=True):
                once = np.full((*part.shape[:2], len(static)), np.nan)
                once[:, 0] = np.asarray(fixed, dtype=float)
                whole.append(np.concatenate([part, once], axis=-1))
            values = whole
        return cls([*panel.columns, *static], list(panel.sources), values)

    def measured(self, column: int) -> list[int]:
        """How many patients of each source have at least one measurement of a column."""
        return [int((~np.isnan(part[..., column])).any(1).sum()) for part in self.values]

    def pooled(self, column: int) -> Float[np.ndarray, " m"]:
        """All measurements of a column."""
        parts = [part[..., column].ravel() for part in self.values]
        everything = np.concatenate(parts)
        return everything[~np.isnan(everything)]

    def replaced(self, source: int, column: int, values: Float[np.ndarray, "n T"]) -> Records:
        """The same with other measurements of one column in one source."""
        changed = list(self.values)
        changed[source] = changed[source].copy()
        changed[source][..., column] = values
        return self._replace(values=changed)
