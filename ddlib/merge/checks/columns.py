"""Columns that no normal law describes: skewed, with few values, one value again and again, codes, or computed from others."""

from __future__ import annotations

import shlex

import numpy as np
from jaxtyping import Bool, Float
from scipy.special import ndtri

from ddlib.merge.checks.codes import code_warning, missing_code
from ddlib.merge.checks.warned import Records
from ddlib.merge.warned import Warned
from ddlib.merge.wording import counted

__all__ = ["column_warnings", "steady"]

_SKEWED = 1.0
"""Skewness, to either side, of a column that is called skewed."""
_MENDED = 0.5
"""Share of the skewness, at most, that a transformation must leave to be advised."""
_EXTREME = 8.0
"""Distance from a column's median, in robust standard deviations, above which a value is pointed out."""
_FEW = 10
"""Distinct values of a column that is called one of few values."""
_OFTEN = 0.15
"""Share of a column's values that are the same one, above which that is pointed out."""
_STEADY = 3
"""Patients with two measurements or more that it takes to say that a column never changes within a patient."""


def column_warnings(records: Records) -> list[Warned]:
    """Columns with extreme values or codes, few distinct values, one value very often, or skewness.

    Args:
        records: the measurements; best those without slips of units (:func:`ddlib.merge.checks.units.unit_warnings`).

    >>> values = np.exp(np.random.default_rng(0).normal(size=(200, 1, 1)))
    >>> [warned.kind for warned in column_warnings(Records(["crp"], ["north"], [values]))]
    ['skewed']
    """
    found = []
    for j, name in enumerate(records.columns):
        everything = records.pooled(j)
        if not len(everything):
            continue
        code = code_warning(name, everything)
        if code is not None:
            found.append(code)
            everything = everything[everything != missing_code(everything)]
        far = _extremes(everything)
        if far.any():
            values = everything[far]
            listed = ", ".join(f"{value:g}" for value in np.unique(values)[:3])
            text = (
                f"{name!r} has {counted(len(values), 'value')} more than {_EXTREME:g} robust standard deviations from its "
                f"median ({np.median(everything):.4g}), for example {listed}: "
                "if that is a code for missing, leave those cells empty."
            )
            found.append(Warned("extreme values", text, (name,)))
        rest = everything[~far]
        distinct = np.unique(rest)
        if len(distinct) <= 5 or (len(distinct) <= _FEW and len(rest) >= 5 * len(distinct)):
            listed = ", ".join(f"{value:g}" for value in distinct)
            text = f"{name!r} takes only the values {listed}; its synthetic values lie between them too."
            found.append(Warned("few values", text, (name,)))
        else:
            found += _repeated(name, rest, "") or [
                warned
                for part, source in zip(records.values, records.sources, strict=True)
                for warned in _repeated(name, part[..., j][np.isin(part[..., j], distinct)], f" in {source}")
            ]
            found += _skewed(records, j, rest)
    return found


def _extremes(values: Float[np.ndarray, " m"]) -> Bool[np.ndarray, " m"]:
    """Which values are far from the median, for their median distance from it; positive ones also on a logarithmic scale."""
    far = _far(values)
    return far & _far(np.log(values)) if (values > 0).all() else far


def _far(values: np.ndarray) -> np.ndarray:
    distance = np.abs(values - np.median(values))
    scale = np.median(distance) / ndtri(0.75)
    if not scale > 0:  # more than half of the values are the same
        scale = np.quantile(distance, 0.9) / ndtri(0.95)
    return (distance > _EXTREME * scale) & (scale > 0)


def _repeated(name: str, values: np.ndarray, where: str) -> list[Warned]:
    """One value that stands out among many: a limit of detection, or what was put in for missing cells."""
    distinct, number = np.unique(values, return_counts=True)
    if len(distinct) <= _FEW:
        return []
    place, share = int(number.argmax()), number.max() / number.sum()
    if share < _OFTEN or number.max() < 10 or number.max() < 5 * np.sort(number)[-2]:
        return []
    value = distinct[place]
    if value in (distinct[0], distinct[-1]):
        what = "if that is a limit of what can be measured, its spread is understated, and synthetic values lie beyond the limit"
    else:
        what = "if that was put in for missing cells, leave them empty"
    return [Warned("repeated value", f"{name!r} is exactly {value:g} in {share:.0%} of its measurements{where}: {what}.", (name,))]


def _skewed(records: Records, j: int, kept: np.ndarray) -> list[Warned]:
    """Skewness about the mean of each visit, beyond what so few patients may have by chance."""
    name, low, high = records.columns[j], kept.min(), kept.max()
    parts = [np.where((part[..., j] >= low) & (part[..., j] <= high), part[..., j], np.nan) for part in records.values]
    whole = np.concatenate(parts)
    skewness = _skewness(whole)
    if abs(skewness) < max(_SKEWED, 4.5 * np.sqrt(6 / max((~np.isnan(whole)).any(1).sum(), 1))):
        return []
    side = "right" if skewness > 0 else "left"
    return [Warned("skewed", f"{name!r} is skewed to the {side} (skewness {skewness:.1f}): {_cure(whole, skewness)}.", (name,))]


def _skewness(whole: Float[np.ndarray, "n T"]) -> float:
    """Skewness about the mean of each visit; zero where nothing varies."""
    seen = ~np.isnan(whole)
    away = (whole - np.nansum(whole, 0) / np.maximum(seen.sum(0), 1))[seen]
    spread = away.std()
    return float(((away / spread) ** 3).mean()) if spread > 0 else 0.0


def _cure(whole: Float[np.ndarray, "n T"], skewness: float) -> str:
    """The transformation that takes half of the skewness away, if one of the usual ones does."""
    least, greatest = np.nanmin(whole), np.nanmax(whole)
    if skewness < 0:
        mirrored = np.log(greatest + 0.1 * (greatest - least) - whole)
        if abs(_skewness(mirrored)) < _MENDED * -skewness:
            return "the logarithm of its distance from an upper limit is not; take that in all tables before merging"
    elif least > 0:
        if abs(_skewness(np.log(whole))) < _MENDED * skewness:
            return "take its logarithm in all tables before merging, also so that synthetic values stay positive"
    elif least == 0 and abs(_skewness(np.sqrt(whole))) < _MENDED * skewness:
        return "take its square root (it has zeros, so not its logarithm) in all tables before merging"
    return "no usual transformation mends that, so do not rely on the tails of its synthetic values"


def steady(records: Records) -> list[Warned]:
    """Columns that never change within a patient, such as age at entry or sex.

    Args:
        records: the measurements.

    >>> ages = np.repeat(np.arange(40.0, 44.0), 2).reshape(4, 2, 1)
    >>> steady(Records(["age"], ["north"], [ages]))[0].columns
    ('age',)
    """
    names = []
    for j, name in enumerate(records.columns):
        repeated, changed = 0, False
        for part in records.values:
            values = part[..., j]
            several = (~np.isnan(values)).sum(1) > 1
            low, high = np.nan_to_num(values, nan=np.inf).min(1), np.nan_to_num(values, nan=-np.inf).max(1)
            repeated, changed = repeated + int(several.sum()), changed or bool((several & (high > low)).any())
        if repeated >= _STEADY and not changed:
            names.append(name)
    if not names:
        return []
    alone = len(names) == 1
    listed, options = ", ".join(map(repr, names)), " ".join(f"--drop {shlex.quote(name)}" for name in names)
    text = (
        f"{listed} never change{'s' * alone} within a patient in the data, but {'its' if alone else 'their'} synthetic values "
        f"will: leave {'it' if alone else 'them'} out with {options}, or use {'its' if alone else 'their'} first visit only."
    )
    return [Warned("never changes", text, tuple(names))]
