r"""Does the estimate have the spreads and the correlations that were observed?

Both are taken about the means of each hospital and visit. A column with a margin of its own is compared on that: its categories as
they are, its skewed values as normal scores.
"""

from __future__ import annotations

import numpy as np
import torch
from jaxtyping import Float, Int
from torch import Tensor

from ddlib.merge.estimate import MergeEstimate
from ddlib.merge.margins import Cells, Identity, Margin, Thresholds
from ddlib.merge.panel import Panel
from ddlib.merge.warned import Warned
from ddlib.merge.wording import listed

_ENOUGH, _OFF, _ERRORS = 20, 0.15, 4.0
"""Degrees of freedom from which a spread is compared, and the log ratio, at least and in standard errors, that is a misfit."""
_APART, _SCORES = 0.1, 3.0
"""The difference of two correlations that is a misfit, at least, and in standard errors of Fisher's transformation."""
_PATIENTS, _BEYOND = 4000, 4.0
"""Patients of whom the fitted correlations are, and the normal score beyond which values are not told apart."""
_MOST_NAMED = 3


def misfits(panel: Panel, estimate: MergeEstimate) -> list[Warned]:
    """What the records show and the estimate does not have."""
    return [*_spreads(panel, estimate), *_correlations(panel, estimate)]


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


def _correlations(panel: Panel, estimate: MergeEstimate) -> list[Warned]:
    """Pairs of columns at one visit, and columns at successive visits, whose observed correlation the estimate does not have."""
    visits, p = int(panel.visits.reported.sum()), len(panel.columns)
    margins = [*estimate.scales.moving, *estimate.scales.fixed]
    root = torch.linalg.cholesky(estimate.law.covariance)
    noise = torch.randn(_PATIENTS, len(root), generator=torch.Generator().manual_seed(0), dtype=root.dtype)
    own = estimate.scales.own(estimate.law.mean + noise @ root.mT, visits)
    fitted = _about(own[:, : visits * p].view(-1, visits, p), own[:, visits * p :], margins)
    kept = torch.from_numpy(panel.visits.reported)
    observed = torch.cat([_about(values[:, kept], fixed, margins) for values, fixed in zip(panel.values, panel.fixed, strict=True)])
    names = [*panel.columns, *panel.static]
    exact = torch.cat([(panel.noise == 0).all(0), (panel.static_noise == 0).all(0)])
    found: list[tuple[float, float, int, tuple[str, ...]]] = []
    here, there, patients = _pooled(observed, observed, fitted, fitted)
    for i, j in (exact & exact.unsqueeze(-1)).triu(1).nonzero().tolist():
        found.append((float(here[i, j]), float(there[i, j]), int(patients[i, j]), (names[i], names[j])))
    if visits > 1:
        here, there, patients = _pooled(observed[:, :-1], observed[:, 1:], fitted[:, :-1], fitted[:, 1:])
        for i in exact[:p].nonzero().flatten().tolist():
            found.append((float(here[i, i]), float(there[i, i]), int(patients[i, i]), (names[i],)))
    odd = [one for one in found if one[2] >= _ENOUGH and abs(one[0] - one[1]) > _APART and _far(*one[:3])]
    if not odd:
        return []
    odd.sort(key=lambda one: -abs(one[0] - one[1]))
    texts = [
        f"{listed([repr(name) for name in columns], 2)}{' at successive visits' if len(columns) == 1 else ''} ({seen:.2f}, "
        f"in the table {has:.2f})"
        for seen, has, _, columns in odd
    ]
    text = (
        f"the records have other correlations than the model can: {listed(texts, _MOST_NAMED)}. A category may be tied to other "
        "columns more closely than one cut from a normal value can be: then merge its groups apart, or take --margins normal, "
        "which keeps correlations and not the kind of values."
    )
    return [Warned("correlations", text, tuple(dict.fromkeys(name for one in odd for name in one[3])))]


def _far(observed: float, fitted: float, patients: int) -> bool:
    """Whether two correlations differ by more than chance, by Fisher's transformation."""
    away = np.arctanh(np.clip(observed, -0.999, 0.999)) - np.arctanh(np.clip(fitted, -0.999, 0.999))
    return bool(abs(away) > _SCORES * (1 / (patients - 3) + 1 / _PATIENTS) ** 0.5)


def _about(moving: Float[Tensor, "n T p"], fixed: Float[Tensor, "n q"], margins: list[Margin]) -> Float[Tensor, "n T p+q"]:
    """Values on the scale on which they are compared, about the mean of each visit; static columns at every visit."""
    both = torch.cat([moving, fixed.unsqueeze(1).expand(-1, moving.shape[1], -1)], dim=-1).clone()
    for j, margin in enumerate(margins):
        if not isinstance(margin, Identity | Thresholds):
            ends = margin.forward(Cells.of(both[..., j].numpy()))
            middle = sum(np.clip(end, -_BEYOND, _BEYOND) for end in ends) / 2
            both[..., j] = torch.where(both[..., j].isnan(), torch.nan, torch.from_numpy(middle))
    return both - both.nanmean(0)


def _pooled(
    one: Float[Tensor, "n T P"], two: Float[Tensor, "n T P"], fitted_one: Float[Tensor, "m T P"], fitted_two: Float[Tensor, "m T P"]
) -> tuple[Float[Tensor, "P P"], Float[Tensor, "P P"], Int[Tensor, "P P"]]:
    """Observed correlations, fitted ones over the same visits, and patients who have both."""
    seen = [part.isnan().logical_not().to(part.dtype) for part in (one, two)]
    values = [part.nan_to_num(0.0) for part in (one, two)]
    product = torch.einsum("nti,ntj->ij", *values)
    first = torch.einsum("nti,ntj->ij", values[0].square(), seen[1])
    second = torch.einsum("nti,ntj->ij", seen[0], values[1].square())
    counts = torch.einsum("nti,ntj->tij", *seen)
    patients = (torch.einsum("nti,ntj->nij", *seen) > 0).sum(0)
    spread = [part.square().mean(0) for part in (fitted_one, fitted_two)]
    covariance = torch.einsum("nti,ntj->tij", fitted_one, fitted_two) / len(fitted_one)
    has = (counts * covariance).sum(0) / torch.sqrt(
        (counts * spread[0].unsqueeze(-1)).sum(0) * (counts * spread[1].unsqueeze(-2)).sum(0)
    )
    return product / (first * second).sqrt(), has, patients
