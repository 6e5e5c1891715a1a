"""What the report says of pairs of columns that no patient has together, on the scale of the model and on the columns' own."""

from __future__ import annotations

from typing import Any

import numpy as np

from ddlib.merge.coverage import patients_with_both
from ddlib.merge.estimate import MergeEstimate, Pair
from ddlib.merge.margins import Identity, Margin
from ddlib.merge.own_correlation import own_correlation
from ddlib.merge.panel import Panel
from ddlib.merge.wording import counted

_NAMED = 3
"""Pairs that the summary names."""


def pairs_of(panel: Panel, estimate: MergeEstimate) -> list[dict[str, Any]]:
    """The pairs, in plain numbers.

    ``scale`` says what ``correlation`` and ``bounds`` are of: "own", or "modelled" where a column has a margin. ``own_correlation``
    is the convention's value on the columns' own scales; ``own_bounds`` are the bounds there, where there is one visit, so that
    they are those of one number and a monotone function takes them there; with more visits they are not known.

    Args:
        panel: the patients.
        estimate: the merged estimate.
    """
    names = [*panel.columns, *panel.static]
    margins = estimate.scales.of_entries(1)
    both = patients_with_both(panel)
    found = []
    for pair in estimate.pairs:
        mapped = not all(isinstance(margins[place], Identity) for place in (pair.first, pair.second))
        own, limits = _own(panel, estimate, pair) if mapped else (pair.correlation, [pair.low, pair.high])
        found.append(
            {
                "columns": [names[pair.first], names[pair.second]],
                "patients_with_both": int(both[pair.first, pair.second]),
                "correlation": pair.correlation,
                "bounds": [pair.low, pair.high],
                "scale": "modelled" if mapped else "own",
                "own_correlation": own,
                "own_bounds": limits,
                "sampling_error_included": pair.widened,
            }
        )
    return found


def _own(panel: Panel, estimate: MergeEstimate, pair: Pair) -> tuple[float | None, list[float | None] | None]:
    """The correlation on the columns' own scales, and its bounds where there is one visit."""
    visits, p = int(panel.visits.reported.sum()), len(panel.columns)
    margins = estimate.scales.of_entries(1)
    both: tuple[Margin, Margin] = margins[pair.first], margins[pair.second]
    once = pair.first >= p and pair.second >= p
    times = np.arange(1 if once else visits)
    places = np.stack([_entries(place, times, p, visits) for place in (pair.first, pair.second)], axis=1)
    covariance = estimate.law.covariance.numpy()
    means, deviations = estimate.law.mean.numpy()[places], np.sqrt(covariance.diagonal()[places])
    correlations = covariance[places[:, 0], places[:, 1]] / deviations.prod(1)
    own = _number(own_correlation(both, means, deviations, correlations))
    if len(times) > 1:
        return own, None
    return own, [_number(own_correlation(both, means, deviations, np.array([end]))) for end in (pair.low, pair.high)]


def _entries(place: int, times: np.ndarray, p: int, visits: int) -> np.ndarray:
    """The places of a column at some visits in a patient."""
    return times * p + place if place < p else np.full(len(times), (visits - 1) * p + place)


def _number(value: float) -> float | None:
    return None if np.isnan(value) else value


def in_sentences(pairs: list[dict[str, Any]]) -> list[str]:
    """What a summary says of the pairs: how many there are, and on which scale their correlations are.

    Args:
        pairs: from :func:`pairs_of`.

    >>> in_sentences([])
    []
    """
    if not pairs:
        return []
    number = f"{counted(len(pairs), 'pair')} of columns {'was' if len(pairs) == 1 else 'were'} never measured together."
    mapped = [pair for pair in pairs if pair["scale"] == "modelled"]
    if not mapped:
        return [number]
    said = [
        f"{' and '.join(map(repr, pair['columns']))} {pair['correlation']:.2f}, on their own scales "
        + ("unknown" if pair["own_correlation"] is None else f"{pair['own_correlation']:.2f}")
        for pair in mapped[:_NAMED]
    ]
    more = f"; and {len(mapped) - _NAMED} more in the report" * (len(mapped) > _NAMED)
    limits = "bounds are on that scale" + "; own_bounds are on the columns' own" * (mapped[0]["own_bounds"] is not None)
    return [
        number,
        "Where a column has a scale of its own, their correlations are on the scale on which it is modelled: "
        f"{'; '.join(said)}{more}; {limits}.",
    ]
