"""Times close together are one visit.

All times of all patients, on one line, fall into windows. A stretch of the line is a window if no patient has two rows in it, it
is narrower than the empty space on either side, and no gap within it is more than a quarter of that space. A stretch that is none
is cut at its widest gap, or at all that are as wide, until every stretch is one: days 0, 28, 29, 56 and 57 are three visits, unless
somebody came at days 28 and 29; visits 1, 2 and 3 are three in any case.

Where times are scattered about a schedule so widely that no space is empty, windows are the hills of their density: Gaussian
kernels of a tenth of the median time between a patient's visits, where neighbouring hills are one unless the density between them
falls to half of the lower one.
"""

from __future__ import annotations

import itertools

import numpy as np
from jaxtyping import Float, Int
from scipy.ndimage import gaussian_filter1d

_INNER = 0.25
"""The widest gap within a window, as a share of the empty space beside it."""
_KERNEL, _BINS, _VALLEY = 0.1, 4, 0.5
"""Width of the density's kernel in median times between visits; bins per width; the depth of valleys."""
_MOST_TIMES = 4000
"""If there are more distinct times, they are rounded first, to a fiftieth of the median time between a patient's visits."""


def natural_windows(
    times: Float[np.ndarray, " rows"], before: Float[np.ndarray, " rows"], gap: float
) -> Int[np.ndarray, " rows"] | None:
    """The window of each row, in the order of time; None if there are too many times for any.

    Args:
        times: of the rows.
        before: the time of the same patient's row before; minus infinity for the first.
        gap: the median time between a patient's visits.
    """
    if len(np.unique(times)) > _MOST_TIMES:
        times, before = (np.round(part / gap * 50) for part in (times, before))
        if (before == times).any():
            return None
    distinct, place = np.unique(times, return_inverse=True)
    if len(distinct) > _MOST_TIMES:
        return None
    latest = np.full(len(distinct), -np.inf)
    np.maximum.at(latest, place, before)
    edges = np.concatenate([[-np.inf], distinct, [np.inf]])
    starts, waiting = [], [(0, len(distinct))]
    while waiting:
        start, end = waiting.pop()
        gaps = np.diff(distinct[start:end])
        if not len(gaps) or _is_window(start, end, distinct, latest, edges, gaps.max()):
            starts.append(start)
            continue
        cuts = [start, *(start + 1 + np.flatnonzero(gaps >= (1 - 1e-9) * gaps.max())).tolist(), end]
        waiting += itertools.pairwise(cuts)
    return np.searchsorted(np.sort(starts), place, side="right") - 1


def _is_window(start: int, end: int, distinct: np.ndarray, latest: np.ndarray, edges: np.ndarray, widest: float) -> bool:
    space = min(distinct[start] - edges[start], edges[end + 1] - distinct[end - 1])
    alone = latest[start:end].max() < distinct[start]
    return bool(alone and distinct[end - 1] - distinct[start] < space and widest <= _INNER * space)


def hills(times: Float[np.ndarray, " rows"], gap: float) -> Int[np.ndarray, " rows"] | None:
    """The hill of the times' density on which each row lies, in the order of time; None if there would be too many.

    Args:
        times: of the rows.
        gap: the median time between a patient's visits.
    """
    bin_width, low = _KERNEL * gap / _BINS, times.min()
    if not (times.max() - low) / bin_width < _MOST_TIMES * _BINS:
        return None
    place = ((times - low) / bin_width + 0.5).astype(int)
    density = gaussian_filter1d(np.bincount(place).astype(float), _BINS, mode="constant")
    rising = np.diff(density, prepend=0.0, append=0.0) > 0
    tops = np.flatnonzero(rising[:-1] & ~rising[1:])
    valleys = [int(a + density[a : b + 1].argmin()) for a, b in itertools.pairwise(tops)]
    heights = density[tops].tolist()
    while valleys:
        shares = [density[valley] / min(pair) for valley, pair in zip(valleys, itertools.pairwise(heights), strict=True)]
        worst = int(np.argmax(shares))
        if shares[worst] <= _VALLEY:
            break
        del valleys[worst]
        heights[worst : worst + 2] = [max(heights[worst : worst + 2])]
    return np.searchsorted(valleys, place, side="right")


def wide_windows(times: Float[np.ndarray, " rows"], width: float) -> Int[np.ndarray, " rows"]:
    """The window of each row where the width is given: from the first time on, a new one begins when it would be wider.

    >>> wide_windows(np.array([0.0, 28.0, 29.0, 31.0, 56.0]), 2)
    array([0, 1, 1, 2, 3])
    """
    distinct, place = np.unique(times, return_inverse=True)
    starts, at = [0], 0
    while (at := int(np.searchsorted(distinct, distinct[at] + width * (1 + 1e-12), side="right"))) < len(distinct):
        starts.append(at)
    return np.searchsorted(starts, place, side="right") - 1
