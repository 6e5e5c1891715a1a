"""Values of one source in other units than the rest of the same source."""

from __future__ import annotations

import math
import warnings

import numpy as np
from jaxtyping import Float

from ddlib.merge.checks.conversions import CONVERSIONS, Conversion, explain
from ddlib.merge.checks.modes import Split, robust, second_mode, valley
from ddlib.merge.checks.slip import FEWEST, LEAST, POSITIVE, Slip, seen, temperature
from ddlib.merge.checks.warned import Records
from ddlib.merge.wording import counted


def mixed_units(records: Records) -> list[Slip]:
    """Values of one source in other units than the rest of the same source.

    Args:
        records: the measurements.
    """
    found = []
    for j in range(len(records.columns)):
        for k in range(len(records.sources)):
            slip = _mixed(records, k, j)
            if slip is not None:
                found.append(slip)
                records = records.replaced(k, j, slip.restored)
    return found


def _mixed(records: Records, k: int, j: int) -> Slip | None:
    own = records.values[k][..., j]
    values = seen(own)
    others = [seen(part[..., j]) for place, part in enumerate(records.values) if place != k]
    rest = np.concatenate([*others, np.empty(0)])
    if len(values) < 2 * FEWEST:
        return None
    fahrenheit = _mixed_affine(records, k, j)
    if fahrenheit is not None:
        return fahrenheit
    if (values > 0).mean() < POSITIVE or (len(rest) and (rest > 0).mean() < POSITIVE):
        return None
    logs = _logs(own)
    centre = _centre([np.log(part[part > 0]) for part in others], float(np.nanmedian(logs)))
    within = _within(logs, [_logs(part[..., j]) for place, part in enumerate(records.values) if place != k], centre)
    for scale, middle in ((logs, centre), (within, 0.0)):
        cells = None if scale is None else _by_gap(records.columns[j], scale, middle, own, rest, scale is logs)
        if cells is not None:
            return _slip(records, k, j, cells, logs, within)
    for scale, middle in ((logs, centre), (within, 0.0)):
        cells = None if scale is None else _by_valley(records.columns[j], scale, middle, own, rest, scale is logs)
        if cells is not None:
            return _slip(records, k, j, cells, logs, within)
    return None


def _logs(values: Float[np.ndarray, "n T"]) -> Float[np.ndarray, "n T"]:
    """Logarithms, not-a-number where there is none."""
    positive = np.nan_to_num(values) > 0
    return np.where(positive, np.log(np.where(positive, values, 1)), np.nan)


def _centre(others: list[np.ndarray], own: float) -> float | None:
    """The median of most other sources; of two opinions, the one nearer to a source's own."""
    middles = np.array([np.median(part) for part in others if len(part) >= FEWEST])
    if not len(middles):
        return None
    near = np.abs(middles[:, None] - middles) < LEAST
    best = max(range(len(middles)), key=lambda k: (near[k].sum(), -abs(middles[k] - own)))
    return float(np.median(middles[near[best]]))


def _by_gap(
    column: str, scale: np.ndarray, middle: float | None, own: np.ndarray, rest: np.ndarray, direct: bool
) -> np.ndarray | None:
    """The cells of a second mode beyond a gap."""
    split = second_mode(seen(scale), middle)
    if split is None:
        return None
    with np.errstate(invalid="ignore"):
        cells = scale > split.border if split.above else scale < split.border
    known = explain(column, math.exp(split.distance), min(split.error, 0.35))
    return cells if _convincing(split, known.expected, own, cells, rest, direct) else None


def _by_valley(
    column: str, scale: np.ndarray, middle: float | None, own: np.ndarray, rest: np.ndarray, direct: bool
) -> np.ndarray | None:
    """The cells of a second mode at the distance of units that the column may have."""
    values = seen(scale)
    if len(np.unique(own[~np.isnan(own)])) < 20 or not _logarithmic(np.concatenate([seen(own), rest])):
        return None
    for one in CONVERSIONS:
        if one.offset or not (one.speaks_for(column) or not one.names):
            continue
        for distance in (math.log(one.factor), -math.log(one.factor)):
            border = valley(values, float(np.median(values)) if middle is None else middle, distance)
            if border is None:
                continue
            with np.errstate(invalid="ignore"):
                cells = scale > border if distance > 0 else scale < border
            if len(seen(scale[~cells])) > 0.2 * len(values) and _rare_elsewhere(border, distance > 0, cells, own, rest, direct):
                return cells
    return None


def _slip(records: Records, k: int, j: int, cells: np.ndarray, logs: np.ndarray, within: np.ndarray | None) -> Slip | None:
    """Estimate the factor, by differences within patients where they tell it more exactly; none if it is small."""
    error, distance = _distance(logs, cells)
    if within is not None and (~np.isnan(within[cells])).sum() > 2:
        finer, closer = _distance(within, cells)
        if finer < error and abs(closer - distance) < error:
            error, distance = finer, closer
    if abs(distance) < LEAST:
        return None
    known = explain(records.columns[j], math.exp(distance), min(0.03 + error, 0.35))
    own = records.values[k][..., j]
    middle, spread = robust(seen(logs[~cells]))
    step = math.log(known.factor)
    if abs(step) > 4 * spread and cells.sum() > 0.15 * len(seen(own)):  # some patients have no value in the usual units
        cells = cells | (np.nan_to_num((logs - middle) / step, nan=0) > 0.5)
    restored = np.where(cells, own / known.factor, own)
    return Slip(k, j, cells, restored, _mixed_text(records, k, j, cells, known.factor, known.units), whole=False)


def _distance(scale: np.ndarray, cells: np.ndarray) -> tuple[float, float]:
    """How far the distance of two groups of values may be off, and the distance."""
    odd, main = seen(scale[cells]), seen(scale[~cells])
    error = 4 * robust(main)[1] * math.hypot(1 / math.sqrt(len(odd)), 1 / math.sqrt(len(main)))
    return error, float(np.median(odd) - np.median(main))


def _within(logs: Float[np.ndarray, "n T"], others: list[np.ndarray], centre: float | None) -> Float[np.ndarray, "n T"] | None:
    """Each value less that of the same patient that is nearest to the visit's middle, without the latter."""
    if logs.shape[1] < 2 or ((~np.isnan(logs)).sum(1) > 1).sum() < FEWEST:
        return None
    with warnings.catch_warnings():
        warnings.simplefilter("ignore", RuntimeWarning)  # visits without values
        courses = [_course(part) for part in (logs, *others)]
        # of two sources, that without the jumps which a mixture makes; of more, the middle one
        course = np.nanmedian(courses, axis=0) if len(courses) > 2 else min(courses, key=lambda one: np.nansum(np.abs(one)))
    away = logs - np.nan_to_num(course) - (np.nanmedian(logs) if centre is None else centre)
    distance = np.where(np.isnan(away), np.inf, np.abs(away))
    nearest = distance.argmin(1)
    found = away - away[np.arange(len(away)), nearest][:, None]
    found[np.arange(len(away)), nearest] = np.nan
    return found


def _course(logs: Float[np.ndarray, "n T"]) -> Float[np.ndarray, " T"]:
    """The median of each visit about that of all."""
    return np.nanmedian(logs, 0) - np.nanmedian(logs)


def _convincing(split: Split, known: bool, own: np.ndarray, cells: np.ndarray, rest: np.ndarray, direct: bool) -> bool:
    """Whether two groups of values are a slip of units and not a tail, a code, or how the column is everywhere."""
    odd, main = own[cells], own[~cells & ~np.isnan(own)]
    if abs(split.distance) < LEAST or len(main) < FEWEST or len(np.unique(odd)) < 3 or cells.any(1).sum() < 3:
        return False
    if split.spread > 2 or split.lone < 2 or (split.size >= 8 and split.spread < 0.2):
        return False
    if known:
        clear = split.gap > 1 and split.separation > 3.5 and split.compact > 0.4
    else:
        clear = split.gap > (2 if split.size >= 8 else 4) and split.separation > 6 and split.compact > 0.8
    if not clear:
        return False
    if split.distance < 0 and not _logarithmic(np.concatenate([main, rest])):
        low, spread = main.min(), robust(main)[1]  # values near nought are far away on a logarithmic scale only
        if low - odd.max() < spread:
            return False
    return _rare_elsewhere(split.border, split.above, cells, own, rest, direct)


def _rare_elsewhere(border: float, above: bool, cells: np.ndarray, own: np.ndarray, rest: np.ndarray, direct: bool) -> bool:
    """Whether the other sources have fewer values beyond the border."""
    if not direct or not len(rest):  # differences within patients have no counterpart elsewhere
        return True
    value = math.exp(border)
    elsewhere = float((rest > value).mean() if above else (rest < value).mean())
    return elsewhere < 0.5 * float(cells.sum()) / max(len(seen(own)), 1)


def _logarithmic(values: np.ndarray) -> bool:
    """Whether a column is not skewed to the left on a logarithmic scale, on which values near nought would be far away."""
    low, middle, high = np.quantile(np.log(values[values > 0]), [0.05, 0.5, 0.95])
    return bool(high + low - 2 * middle > -0.2 * (high - low))


def _mixed_text(records: Records, k: int, j: int, cells: np.ndarray, factor: float, units: str) -> str:
    own = records.values[k][..., j]
    odd, main = np.median(own[cells]), np.median(own[~cells & ~np.isnan(own)])
    named = f", as between {units}" if units else ""
    size = factor if factor > 1 else 1 / factor
    return (
        f"{records.columns[j]!r}: {counted(int(cells.sum()), 'value')} of {len(seen(own)):,} in {records.sources[k]} lie around "
        f"{odd:.3g} and the others around {main:.3g}, a factor of {size:.4g}{named}: convert them to one unit in the table (a unit "
        f"for the whole of {records.sources[k]} would not do)."
    )


def _mixed_affine(records: Records, k: int, j: int) -> Slip | None:
    """Body temperatures in two scales within one source."""
    own = records.values[k][..., j]
    with np.errstate(invalid="ignore"):
        warm, hot = (own > 30) & (own < 45), (own > 86) & (own < 113)
    if warm.sum() < 3 or hot.sum() < 3 or (warm | hot).sum() < POSITIVE * len(seen(own)):
        return None
    if temperature(own[warm]) != "°C" or temperature(own[hot]) != "°F":
        return None
    others = [seen(part[..., j]) for place, part in enumerate(records.values) if place != k]
    scales = [temperature(part) for part in others if len(part) >= FEWEST]
    celsius = scales.count("°C") > scales.count("°F") or (scales.count("°C") == scales.count("°F") and warm.sum() >= hot.sum())
    cells = hot if celsius else warm
    one: Conversion = next(one for one in CONVERSIONS if one.units[0].endswith("°C"))
    restored = np.where(cells, (own - one.offset) / one.factor if celsius else own * one.factor + one.offset, own)
    text = (
        f"{records.columns[j]!r}: {counted(int(cells.sum()), 'value')} of {len(seen(own)):,} in {records.sources[k]} lie around "
        f"{np.median(own[cells]):.4g} and the others around {np.median(own[~cells & ~np.isnan(own)]):.4g}, as between "
        f"{' and '.join(one.units)}: convert them to one unit in the table."
    )
    return Slip(k, j, cells, restored, text, whole=False)
