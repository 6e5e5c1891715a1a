"""All that the records tell before anything is fitted to them."""

from __future__ import annotations

import numpy as np

from ddlib.merge.checks.collinear import collinear
from ddlib.merge.checks.columns import column_warnings
from ddlib.merge.checks.shifts import levels, slopes, spreads
from ddlib.merge.checks.units import unit_warnings
from ddlib.merge.checks.warned import Records
from ddlib.merge.warned import Warned

__all__ = ["before_merge"]


def before_merge(records: Records) -> list[Warned]:
    """What a reader should be warned of before the records are merged.

    Units come first; what comes after looks at the records as they would be without slips of units, so that one cause is told of
    once.

    Args:
        records: the measurements.

    >>> rng = np.random.default_rng(0)
    >>> alike = [rng.normal(10, 1, (80, 3, 2)) for _ in range(3)]
    >>> before_merge(Records(["alb", "hb"], ["north", "south", "west"], alike))
    []
    """
    units, records = unit_warnings(records)
    varied = _varied(records)
    shifts = [*levels(records), *spreads(varied), *slopes(varied)]
    return [*units, *shifts, *column_warnings(records), *collinear(records)]


def _varied(records: Records) -> Records:
    """The records without columns where they are constant: a spread of zero and slopes on it tell nothing more."""
    for k, part in enumerate(records.values):
        for j in range(len(records.columns)):
            seen = part[..., j][~np.isnan(part[..., j])]
            if len(seen) and (seen == seen[0]).all():
                records = records.replaced(k, j, np.full(part.shape[:2], np.nan))
    return records
