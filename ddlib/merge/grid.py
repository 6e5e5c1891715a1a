r"""Irregular times on a grid, and the time between visits in whole steps.

A patient's rows go to strictly increasing places of the grid, as near to their times as can be: with :math:`u_k` the time of the
k-th row since the patient's first in units of the step, places :math:`s_0 < s_1 < \ldots` minimise :math:`\sum_k (s_k - u_k)^2`.
Where rounding gives two rows one place, :math:`s_k - k` is the isotonic regression of :math:`u_k - k`, rounded.
"""

from __future__ import annotations

from typing import NamedTuple

import numpy as np
from jaxtyping import Float, Int

_CROWDED = 0.1
"""Share of rows that may share a place with another row of their patient, above which the step is halved (twice at most)."""
DISTORTED = 0.15
"""Largest share by which a gap between visits may be off for a base step to be taken."""
MOST_STEPS = 60
"""Base steps from the first visit to the last, where it can be."""


class Grid(NamedTuple):
    """Rows on a grid.

    Attributes:
        step: between two places, in the unit of the times.
        place: of each row, 0 being the patient's first visit or near to it.
        moved: how many rows would have shared a place with another of their patient and were moved to the next free one.
    """

    step: float
    place: Int[np.ndarray, " rows"]
    moved: int


def put_on_grid(people: Int[np.ndarray, " rows"], since: Float[np.ndarray, " rows"], gap: float) -> Grid:
    """Put rows on a grid whose step is the median gap, or a half or a quarter of it.

    Args:
        people: the patient of each row; sorted.
        since: the time since the patient's first row; sorted within patients, without ties.
        gap: the median time between a patient's rows.
    """
    same = people[1:] == people[:-1]
    for halved in range(3):
        step = gap / 2**halved
        place = np.minimum(np.floor(since / step + 0.5), 1e9).astype(int)
        crowded = same & (place[1:] <= place[:-1])
        if crowded.sum() <= _CROWDED * len(place):
            break
    before = place.copy()
    for person in np.unique(people[1:][crowded]):
        start, end = np.searchsorted(people, [person, person + 1])
        rank = np.arange(end - start)
        place[start:end] = rank + np.floor(np.maximum(_isotonic(since[start:end] / step - rank), 0) + 0.5).astype(int)
    return Grid(step, place, int((place != before).sum()))


def _isotonic(values: Float[np.ndarray, " n"]) -> Float[np.ndarray, " n"]:
    """The nearest values that never decrease (least squares), by pooling adjacent violators."""
    means: list[float] = []
    sizes: list[int] = []
    for value in values.tolist():
        mean, size = value, 1
        while means and means[-1] > mean:
            other, number = means.pop(), sizes.pop()
            mean, size = (mean * size + other * number) / (size + number), size + number
        means.append(mean)
        sizes.append(size)
    return np.repeat(means, sizes)


class Steps(NamedTuple):
    """Time between successive visits in whole base steps.

    Attributes:
        number: of base steps from each visit to the next.
        size: of a base step, in the unit of the times.
        off: the largest share by which a gap is longer or shorter than its steps.
    """

    number: Int[np.ndarray, " T-1"]
    size: float
    off: float


def whole_steps(gaps: Float[np.ndarray, " T-1"]) -> Steps:
    """Gaps between visits as whole numbers of a base step.

    The base step is the longest of the shortest gap and its parts (a half, a third, ..., a tenth) for which no gap is off by more
    than 15 % and all together are 60 steps at most. If there is none, it is the shortest gap.

    Args:
        gaps: all above zero; there may be none.

    >>> whole_steps(np.array([7.0, 23.0, 60.0, 90.0, 180.0])).number
    array([ 1,  3,  9, 13, 26])
    >>> whole_steps(np.array([10.0, 14.0])).number
    array([2, 3])
    """
    if not len(gaps):
        return Steps(np.zeros(0, dtype=int), 1.0, 0.0)
    found = [_in_steps(gaps, gaps.min() / parts) for parts in range(1, 11)]
    good = [steps for steps in found if steps.off <= DISTORTED and steps.number.sum() <= MOST_STEPS]
    return good[0] if good else found[0]


def _in_steps(gaps: np.ndarray, size: float) -> Steps:
    number = np.clip(np.floor(gaps / size + 0.5), 1, 1e6).astype(int)
    fitted = float(gaps @ number) / float(number @ number)  # of least squared error for these numbers
    off = [float((np.abs(gaps - length * number) / gaps).max()) for length in (size, fitted)]
    return Steps(number, fitted, off[1]) if off[1] <= off[0] else Steps(number, size, off[0])
