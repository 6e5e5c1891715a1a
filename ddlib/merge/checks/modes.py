r"""Two groups of values a constant factor apart, on a logarithmic scale.

A slip of units leaves a second mode of the same shape at a distance. What is looked for is a gap: the widest between two
neighbouring values of which neither is among the few most extreme ones. Of a single normal mode such a gap is a small part of a
standard deviation; between modes six deviations apart it is more than one.

Where the modes overlap there is no gap, but a valley. A density that falls from its mode on has at least 3/10 of what lies from
0.35 to 1.35 of a distance in the first 3/10 of that stretch; whether there are fewer is a test without assumptions on tails.
"""

from __future__ import annotations

from typing import NamedTuple

import numpy as np
from jaxtyping import Float
from scipy.special import bdtr

_SHARE = 0.015
"""Share of the values that a mode has at least."""
_FEWEST = 3
"""Values that a mode has at least."""
_ENOUGH = 20
"""Values that it takes to look for modes."""
_VALLEY = 1e-5
"""Chance of a valley that is none: there are many sources, columns and factors to look at."""


class Split(NamedTuple):
    """Values in two groups.

    Attributes:
        border: between them.
        above: whether the second mode is the upper one.
        distance: of the medians, second less first.
        error: how far the distance may be off.
        gap: width of the gap in standard deviations of the first mode.
        separation: the distance in standard deviations of the first mode.
        spread: standard deviation of the second mode by that of the first.
        size: values in the second mode.
        lone: the gap by the widest one inside the first mode on the side of the second.
        compact: the gap by the distance from the second mode's 10 % to its 90 % quantile.
    """

    border: float
    above: bool
    distance: float
    error: float
    gap: float
    separation: float
    spread: float
    size: int
    lone: float
    compact: float


def robust(values: Float[np.ndarray, " m"]) -> tuple[float, float]:
    """Median and robust standard deviation: the larger of those by the quartiles and by the 10 % and 90 % quantiles.

    >>> robust(np.array([1.0, 2.0, 3.0, 4.0, 5.0]))[0]
    3.0
    """
    low, first, middle, third, high = np.quantile(values, [0.1, 0.25, 0.5, 0.75, 0.9])
    return float(middle), float(max((third - first) / 1.349, (high - low) / 2.563, 1e-12))


def second_mode(values: Float[np.ndarray, " m"], centre: float | None) -> Split | None:
    """Split one source's values at their widest gap; nothing if there are too few.

    Args:
        values: on the scale on which the groups have the same shape.
        centre: of the other sources' values: the first mode is the one nearer to it. Without it, the larger one is.

    >>> split = second_mode(np.r_[np.linspace(-1, 1, 100), np.linspace(5, 7, 30)], 0.0)
    >>> split.above, split.size, round(split.distance, 9)
    (True, 30, 6.0)
    """
    ordered = np.sort(values)
    number = len(ordered)
    fewest = max(_FEWEST, int(_SHARE * number))
    if number < max(_ENOUGH, 2 * fewest + 1):
        return None
    gaps = np.diff(ordered)[fewest - 1 : number - fewest]
    place = fewest + int(gaps.argmax())
    low, high = ordered[:place], ordered[place:]
    first_low = len(low) >= len(high)
    (middle_low, spread_low), (middle_high, spread_high) = robust(low), robust(high)
    if centre is not None and abs(abs(centre - middle_low) - abs(centre - middle_high)) > 0.5 * (middle_high - middle_low):
        first_low = abs(centre - middle_low) < abs(centre - middle_high)
    spread, other = (spread_low, spread_high) if first_low else (spread_high, spread_low)
    size = len(high) if first_low else len(low)
    if number - size < 10:  # too few of them to tell their spread
        spread = max(spread, other)
    first, second = (low, high) if first_low else (high, low)
    half = first[len(first) // 2 :] if first_low else first[: len(first) // 2 + 1]
    inside = np.diff(half).max() if len(half) > 1 else np.inf
    distance = (middle_high - middle_low) * (1 if first_low else -1)
    return Split(
        border=float((low[-1] + high[0]) / 2),
        above=first_low,
        distance=distance,
        error=float(0.03 + 3 * spread * np.sqrt(1 / len(low) + 1 / len(high))),
        gap=float(gaps.max() / spread),
        separation=abs(distance) / spread,
        spread=other / spread,
        size=size,
        lone=float(gaps.max() / max(inside, 1e-12)),
        compact=float(gaps.max() / max(np.ptp(np.quantile(second, [0.1, 0.9])), 1e-12)),
    )


def valley(values: Float[np.ndarray, " m"], centre: float, distance: float) -> float | None:
    """The border between a mode at the centre and one at a distance, if the values have a valley between them.

    Args:
        values: on the scale on which the groups have the same shape.
        centre: of the first mode.
        distance: of the second, upwards if positive.

    >>> two = np.r_[np.linspace(-1, 1, 100), np.linspace(2, 4, 50)]
    >>> valley(two, 0.0, 3.0), valley(np.linspace(-1, 5, 300), 0.0, 3.0)
    (1.5, None)
    """
    away = (values - centre) / distance
    between = int(((away > 0.35) & (away < 0.65)).sum())
    beyond = away[(away >= 0.65) & (away < 1.35)]
    if len(beyond) < 2 * _ENOUGH or bdtr(between, between + len(beyond), 0.3) > _VALLEY:
        return None
    return centre + 0.5 * distance if abs(np.median(beyond) - 1) < 0.12 else None
