"""Sources that have a column in other units than the rest."""

from __future__ import annotations

import math
from itertools import pairwise

import numpy as np

from ddlib.merge.checks.conversions import CONVERSIONS, explain
from ddlib.merge.checks.modes import robust
from ddlib.merge.checks.slip import FEWEST, LEAST, POSITIVE, Slip, seen, temperature
from ddlib.merge.checks.warned import Records

_SAME = 0.5
"""Difference of means, in standard deviations, up to which two sources agree after conversion."""


def other_units(records: Records) -> list[Slip]:
    """Sources that have a column in other units than the rest.

    The unit of most sources is the right one; of two that differ, or of as many in the one as in the other, none can be told.

    Args:
        records: the measurements.
    """
    found = []
    for j in range(len(records.columns)):
        parts = {k: seen(part[..., j]) for k, part in enumerate(records.values)}
        parts = {k: part for k, part in parts.items() if len(part) >= FEWEST and robust(part)[1] > 1e-11}
        if len(parts) > 1:
            found += _other_units(records, j, parts)
    return found


def _other_units(records: Records, j: int, parts: dict[int, np.ndarray]) -> list[Slip]:
    positive = all((part > 0).mean() >= POSITIVE for part in parts.values())
    logs = {k: np.log(part[part > 0]) for k, part in parts.items()} if positive else {}
    place = {k: robust(logs[k])[0] if positive else math.log(robust(part)[1]) for k, part in parts.items()}
    groups = _groups(place, parts)
    norm, tie = groups[0], len(groups) > 1 and len(groups[1]) == len(groups[0])
    middle = float(np.median([place[k] for k in norm]))
    found: list[Slip] = []
    for group in groups[1:]:
        for k in group:
            reference = np.concatenate([parts[m] for m in norm])
            converted = _affine(records.columns[j], parts[k], reference)
            if converted is None:
                own, rest = (logs[k], np.concatenate([logs[m] for m in norm])) if positive else (parts[k], reference)
                size = sum(bool((~np.isnan(row)).any()) for row in records.values[k][..., j])
                converted = _factor(records.columns[j], place[k] - middle, own, rest, size, positive)
            if converted is None:
                continue
            factor, offset, units = converted
            own = records.values[k][..., j]
            text = _other_text(records, k, j, parts, norm, factor, offset, units, tie)
            restored = (own - offset) / factor
            found.append(Slip(k, j, ~np.isnan(own), restored, text, True, (*norm, *group) if tie else ()))
    return found


def _groups(place: dict[int, float], parts: dict[int, np.ndarray]) -> list[list[int]]:
    """Sources by their unit: those whose logarithms are near each other, largest group first."""
    ordered = sorted(place, key=lambda k: place[k])
    groups = [[ordered[0]]]
    for before, after in pairwise(ordered):
        near = place[after] - place[before] < 0.45 and temperature(parts[before]) == temperature(parts[after])
        if near:
            groups[-1].append(after)
        else:
            groups.append([after])
    return sorted(groups, key=len, reverse=True)


def _affine(column: str, own: np.ndarray, rest: np.ndarray) -> tuple[float, float, str] | None:
    """Factor, offset and names of a conversion with an offset that takes the rest's values to a source's."""
    for one in CONVERSIONS:
        if not one.offset or not (one.speaks_for(column) or (one.units[0].endswith("°C") and _both_temperatures(own, rest))):
            continue
        for factor, offset in ((one.factor, one.offset), (1 / one.factor, -one.offset / one.factor)):
            if _agree(own, rest * factor + offset) and not _agree(own, rest):
                return factor, offset, " and ".join(one.units)
    return None


def _both_temperatures(one: np.ndarray, other: np.ndarray) -> bool:
    return {temperature(one), temperature(other)} == {"°C", "°F"}


def _agree(one: np.ndarray, other: np.ndarray) -> bool:
    (middle, spread), (centre, width) = robust(one), robust(other)
    return abs(middle - centre) < 1.5 * _SAME * width and 0.6 < spread / width < 1.67


def _factor(
    column: str, distance: float, own: np.ndarray, rest: np.ndarray, patients: int, positive: bool
) -> tuple[float, float, str] | None:
    """A constant factor between a source and the rest, if that is how they differ."""
    (middle, spread), (centre, width) = robust(own), robust(rest)
    error = min(0.1 + 4 * (spread if positive else 0.9) / math.sqrt(patients), 0.5)
    factor, units, expected = explain(column, math.exp(distance), error)
    if positive:
        shaped, apart = 0.55 < spread / width < 1.8, abs(distance) / width
        clear = (expected and apart > 1.5) or (units and apart > 3) or (apart > 4 and abs(distance) > math.log(3))
        return (factor, 0.0, units) if shaped and clear else None
    shaped = abs(middle / factor - centre) < _SAME * width
    return (factor, 0.0, units) if shaped and abs(distance) > (LEAST if expected else math.log(5)) else None


def _other_text(
    records: Records,
    k: int,
    j: int,
    parts: dict[int, np.ndarray],
    norm: list[int],
    factor: float,
    offset: float,
    units: str,
    tie: bool,
) -> str:
    own, rest = robust(parts[k]), robust(np.concatenate([parts[m] for m in norm]))
    name, source = records.columns[j], records.sources[k]
    elsewhere = " and ".join(records.sources[m] for m in norm) if tie else "the other sources"
    how = f"a factor of {factor if factor > 1 else 1 / factor:.4g}" if not offset else "another unit"
    named = f", as between {units}" if units else ""
    cure = f"one of the two is in other units, which cannot be told from two: give {name!r}" if tie else f"give that of {source}"
    return (
        f"{name!r} is {own[0]:.4g} ± {own[1]:.2g} in {source} but {rest[0]:.4g} ± {rest[1]:.2g} in {elsewhere}, {how}{named}: "
        f"{cure} in the units of the rest (--units), or convert it in the table."
    )
