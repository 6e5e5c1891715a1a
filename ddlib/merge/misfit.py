"""Does the estimate have the spreads and the correlations that were observed?"""

from __future__ import annotations

import numpy as np

from ddlib.merge.correlations import correlations
from ddlib.merge.estimate import MergeEstimate
from ddlib.merge.margins import Identity
from ddlib.merge.panel import Panel
from ddlib.merge.warned import Warned

_ENOUGH, _OFF, _ERRORS = 20, 0.15, 4.0
"""Degrees of freedom from which a spread is compared, and the log ratio, at least and in standard errors, that is a misfit."""


def misfits(panel: Panel, estimate: MergeEstimate) -> list[Warned]:
    """What the records show and the estimate does not have."""
    return [*_spreads(panel, estimate), *correlations(panel, estimate)]


def _spreads(panel: Panel, estimate: MergeEstimate) -> list[Warned]:
    """Columns whose spread at some visit the model does not have: observed about the hospitals' own means, noise removed."""
    kept = panel.visits.reported
    visits, p = int(kept.sum()), len(panel.columns)
    fitted = estimate.law.covariance.diagonal()[: visits * p].view(visits, p)
    warned = []
    for i, name in enumerate(panel.columns):
        margin = estimate.scales.moving[i]
        if not isinstance(margin, Identity):
            continue
        odd = []
        for t, place in enumerate(np.flatnonzero(kept)):
            parts = [values[:, place, i] for values in panel.values]
            parts = [part[~part.isnan()] for part in parts]
            square = sum(float((part - part.mean()).square().sum()) for part in parts if len(part) > 1)
            free = sum(len(part) - 1 for part in parts if len(part) > 1)
            noise = float((panel.noise[:, i] ** 2).mean())
            observed = square / max(free, 1) - noise
            expected = float(fitted[t, i]) * margin.spread**2
            if free >= _ENOUGH and observed > 0:
                off = 0.5 * np.log(observed / expected)
                if abs(off) > max(_OFF, _ERRORS / (2 * free) ** 0.5):
                    odd.append((abs(off), t, observed**0.5, expected**0.5))
        if odd:
            _, t, observed, expected = max(odd)
            text = (
                f"{name!r} has a standard deviation of {observed:.3g} at visit {t + 1} where the model has {expected:.3g}: "
                "patients differ in a way that it does not know, such as in their slopes; do not rely on its spreads and "
                "covariances."
            )
            warned.append(Warned("misfit", text, (name,)))
    return warned
