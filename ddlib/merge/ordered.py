"""Numbers that may be names: a column of a few whole numbers along which other columns neither rise nor fall."""

from __future__ import annotations

import numpy as np
import torch
from jaxtyping import Float
from scipy.optimize import isotonic_regression
from scipy.stats import f

from ddlib.merge.margins import Thresholds
from ddlib.merge.panel import Panel
from ddlib.merge.scales import Scales
from ddlib.merge.warned import Warned
from ddlib.merge.wording import listed

_SHARE, _FALSE_ALARM = 0.05, 0.003
"""Share of a column's variance that the order hides, at least, and the chance that any column is named where none should be."""
_FEWEST = 5
"""Patients of a category from whom its mean is taken."""


def unordered(panel: Panel, scales: Scales) -> list[Warned]:
    """Columns that are taken as ordered categories, but may be names: a hospital's number, a species, a marital status.

    The means of another column over the categories are compared with the best means that rise, or fall, all along: an F test of
    what these leave unexplained. A patient counts once, at the first visit at which he has both.

    Args:
        panel: the patients.
        scales: the margins of its columns.
    """
    names, margins = [*panel.columns, *panel.static], scales.of_entries(1)
    ordered = [j for j, margin in enumerate(margins) if isinstance(margin, Thresholds) and len(margin.values) > 2]
    if not ordered:
        return []
    rows = np.concatenate([_deviations(panel, k) for k in range(len(panel.sources))])
    codes = np.concatenate([_cells(panel, k) for k in range(len(panel.sources))])
    warned = []
    for j in ordered:
        others = [i for i in range(len(names)) if i != j and _hidden(codes[..., j], rows[..., i], len(ordered) * len(names))]
        if others:
            text = (
                f"{names[j]!r} is taken as ordered, but {listed([repr(names[i]) for i in others], 3)} neither "
                f"{'rises nor falls' if len(others) == 1 else 'rise nor fall'} along its values: if these are names of groups, "
                "make a column of zeros and ones of each group but one, or the table mixes them up."
            )
            warned.append(Warned("unordered", text, (names[j],)))
    return warned


def _cells(panel: Panel, source: int) -> Float[np.ndarray, "n T c"]:
    """A source's measurements, static columns at every visit."""
    moving, fixed = panel.values[source], panel.fixed[source]
    return torch.cat([moving, fixed.unsqueeze(1).expand(-1, moving.shape[1], -1)], dim=-1).numpy()


def _deviations(panel: Panel, source: int) -> Float[np.ndarray, "n T c"]:
    """The same about the means of each visit."""
    cells = _cells(panel, source)
    count = np.maximum((~np.isnan(cells)).sum(0), 1)
    return cells - np.nansum(cells, axis=0) / count


def _hidden(code: Float[np.ndarray, "n T"], other: Float[np.ndarray, "n T"], tests: int) -> bool:
    """Whether the order of the codes hides how another column differs between them."""
    both = ~np.isnan(code) & ~np.isnan(other)
    some = both.any(1)
    first = both[some].argmax(1)
    x, y = code[some, first], other[some, first]
    values, group, count = np.unique(x, return_inverse=True, return_counts=True)
    enough = np.isin(group, np.flatnonzero(count >= _FEWEST))
    values, group, count = np.unique(x[enough], return_inverse=True, return_counts=True)
    y = y[enough]
    if len(values) < 3 or len(y) <= len(values) + 10:
        return False
    mean = np.bincount(group, y) / count
    inside = float(((y - mean[group]) ** 2).sum())
    left = min(
        float((count * (isotonic_regression(mean, weights=count, increasing=up).x - mean) ** 2).sum()) for up in (True, False)
    )
    total = float(((y - y.mean()) ** 2).sum())
    if not inside > 0 or left < _SHARE * total:
        return False
    freedom = len(values) - 2, len(y) - len(values)
    return bool(f.sf(left / freedom[0] / (inside / freedom[1]), *freedom) < _FALSE_ALARM / tests)
