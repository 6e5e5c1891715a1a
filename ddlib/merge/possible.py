"""Whether the values of new patients are any that the merge knows: categories, signs, limits, and the range that was measured."""

from __future__ import annotations

import numpy as np
from jaxtyping import Bool, Float

from ddlib.merge.columns import shown
from ddlib.merge.errors import TableError
from ddlib.merge.margins import Cells, Margin, Monotone, Thresholds
from ddlib.merge.newcomers import Newcomers
from ddlib.merge.panel import Panel
from ddlib.merge.scales import Scales

_MOST_NAMED = 12
"""Categories that a sentence names."""


def check_possible(panel: Panel, scales: Scales, new: Newcomers) -> list[str]:
    """Refuse values that cannot be, and say of those that are far from all that was measured.

    A value cannot be if it is no category of a column with few values, negative where the merge knows none that is, or above a
    hundred where that is the limit. It is far if it is farther outside the measured range than that is wide; of positive values,
    also on a logarithmic scale.

    Args:
        panel: of the merge.
        scales: of its estimate.
        new: the patients.

    Returns:
        A sentence for each column with values that are far.

    Raises:
        TableError: naming the first patient with a value that cannot be.
    """
    visits, p = int(panel.visits.reported.sum()), len(panel.columns)
    lower, upper = Cells.of(new.values.numpy()) if new.limits is None else (end.numpy() for end in new.limits)
    said = []
    for place, (name, margin) in enumerate(zip([*panel.columns, *panel.static], scales.of_entries(1), strict=True)):
        static = place >= p
        entries = [(visits - 1) * p + place] if static else slice(place, visits * p, p)
        cells = Cells(lower[:, entries], upper[:, entries])
        parts = panel.fixed if static else panel.values
        known = np.concatenate([part[..., place - p * static].numpy().ravel() for part in parts])
        known = known[~np.isnan(known)]
        wrong = _impossible(cells, margin, known)
        if wrong.any():
            row, visit = np.argwhere(wrong)[0]
            raise TableError(
                f"the column {name!r} of the table is {_shown(cells, row, visit)} for the patient {shown(new.names[row])}, but "
                f"{_rule(margin, known)}: mend that, or leave the cell empty"
            )
        far = _far(cells, known) if not isinstance(margin, Thresholds) else np.zeros(cells.lower.shape, dtype=bool)
        if far.any():
            row, visit = np.argwhere(far)[0]
            said.append(
                f"{name!r} is {_shown(cells, row, visit)} for the patient {shown(new.names[row])}, far from all that the merge "
                f"knows ({known.min():.4g} to {known.max():.4g}): what follows from it is extrapolated."
            )
    return said


def _percentage(margin: Margin) -> bool:
    return isinstance(margin, Monotone) and margin.low == 0.0 and margin.high == 100.0


def _shown(cells: Cells, row: int, visit: int) -> str:
    """A cell in words; the end of an interval may be a rounding away from what was written."""
    low, high = float(cells.lower[row, visit]), float(cells.upper[row, visit])
    if low == high:
        return f"{low:g}"
    low, high = (0.0 if abs(end) < np.finfo(float).tiny else end for end in (low, high))
    return f"below {high:g}" if low == -np.inf else f"above {low:g}" if high == np.inf else f"between {low:g} and {high:g}"


def _impossible(cells: Cells, margin: Margin, known: Float[np.ndarray, " m"]) -> Bool[np.ndarray, "n t"]:
    """Cells of whose values, one or all in an interval, none can be."""
    if isinstance(margin, Thresholds):
        values = np.array(margin.values)
        possible = (cells.lower[..., None] <= values) & (values <= cells.upper[..., None])
        return np.logical_not(possible.any(axis=-1))
    wrong = np.zeros(cells.lower.shape, dtype=bool)
    if known.min() >= 0:
        wrong |= cells.upper < 0
    if _percentage(margin):
        wrong |= cells.lower > 100
    return wrong


def _rule(margin: Margin, known: Float[np.ndarray, " m"]) -> str:
    if isinstance(margin, Thresholds):
        more = f" and {len(margin.values) - _MOST_NAMED} others" * (len(margin.values) > _MOST_NAMED)
        return f"the merge knows only the values {', '.join(f'{value:g}' for value in margin.values[:_MOST_NAMED])}{more}"
    return "the merge knows only values from 0 to 100" if _percentage(margin) else "the merge knows no negative value of it"


def _far(cells: Cells, known: Float[np.ndarray, " m"]) -> Bool[np.ndarray, "n t"]:
    """Cells all of whose values are far; the nearest of them decides."""
    nearest = np.clip(np.median(known), cells.lower, cells.upper)
    far = _outside(nearest, known)
    if not far.any() or known.min() <= 0:
        return far
    with np.errstate(divide="ignore", invalid="ignore"):
        return far & (_outside(np.log(nearest), np.log(known)) | (nearest <= 0))


def _outside(cells: Float[np.ndarray, "n t"], known: Float[np.ndarray, " m"]) -> Bool[np.ndarray, "n t"]:
    low, high = known.min(), known.max()
    return (cells < low - (high - low)) | (cells > high + (high - low))
