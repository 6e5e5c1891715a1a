"""Margins: how a column's cells become intervals of a standard normal value, and how such a value becomes a cell again.

A cell is an interval in the column's own unit: a number is a point, a missing cell the whole line, "<0.5" a half-line.
:class:`Identity` only changes the unit, :class:`Monotone` serves skewed columns, :class:`Thresholds` those with two or a few
values; :func:`choose_margin` decides, and says why.
"""

from ddlib.merge.margins.choice import choose_margin, is_category
from ddlib.merge.margins.identity import Identity
from ddlib.merge.margins.margin import Cells, Margin
from ddlib.merge.margins.monotone import Monotone, monotone
from ddlib.merge.margins.thresholds import Thresholds, thresholds

__all__ = ["Cells", "Identity", "Margin", "Monotone", "Thresholds", "choose_margin", "is_category", "monotone", "thresholds"]
