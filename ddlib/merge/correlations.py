r"""Correlations that the records show and the estimate does not have.

A correlation is :math:`r = U / \sqrt{VW}`, with :math:`U = \sum_i u_i` and so on the sums over patients of products and squares of
deviations from the means of each hospital and visit, at visits at which the patient has both columns. Leaving a patient out changes
it by about

.. math:: \epsilon_i = \frac{u_i}{\sqrt{VW}} - \frac r2 \Bigl(\frac{v_i}{V} + \frac{w_i}{W}\Bigr),

so that its standard error is :math:`\sqrt{\sum_i \epsilon_i^2}`, whatever the columns' distribution and however a patient's visits
go together; likewise for several correlations at once. The estimate's are those of many patients who are drawn from it.
"""

from __future__ import annotations

from collections.abc import Sequence
from itertools import combinations
from typing import NamedTuple

import numpy as np
import torch
from jaxtyping import Float
from scipy.stats import chi2
from torch import Tensor

from ddlib.merge.estimate import MergeEstimate
from ddlib.merge.margins import Cells, Identity, Margin, Monotone, Thresholds
from ddlib.merge.panel import Panel
from ddlib.merge.warned import Warned
from ddlib.merge.wording import listed

_APART, _ERRORS = 0.1, 3.0
"""The difference of two correlations that matters, and in standard errors."""
_CHANGE, _FALSE_ALARM = 0.15, 0.003
"""The difference at some visit that matters, and the chance that any pair is said to change by visit where none does."""
_DRAWN, _ENOUGH = 4000, 20
"""Patients who are drawn, and patients of the records from whom a correlation is compared."""
_BEYOND = 4.0
"""The normal score beyond which values are not told apart."""
_MOST_NAMED = 3


class _Compared(NamedTuple):
    """A correlation in the records and under the estimate, at one visit or over all.

    Attributes:
        names: of the columns; of one, if it is that of successive visits.
        seen, has: the two correlations.
        misfit: whether they differ.
    """

    names: tuple[str, ...]
    seen: float
    has: float
    misfit: bool


def correlations(panel: Panel, estimate: MergeEstimate) -> list[Warned]:
    """Pairs of columns at one visit, and columns at successive visits, whose correlation the estimate does not have.

    A skewed column is compared by its normal scores, a category as it is; pairs with skewed columns on their own scale too.

    Args:
        panel: the patients.
        estimate: the merged estimate.
    """
    visits, p = int(panel.visits.reported.sum()), len(panel.columns)
    margins, names = [*estimate.scales.moving, *estimate.scales.fixed], [*panel.columns, *panel.static]
    exact = torch.cat([(panel.noise == 0).all(0), (panel.static_noise == 0).all(0)]).nonzero().flatten().tolist()
    root = torch.linalg.cholesky(estimate.law.covariance)
    noise = torch.randn(_DRAWN, len(root), generator=torch.Generator().manual_seed(0), dtype=root.dtype)
    own = estimate.scales.own(estimate.law.mean + noise @ root.mT, visits)
    drawn = [(own[:, : visits * p].view(-1, visits, p), own[:, visits * p :])]
    kept = torch.from_numpy(panel.visits.reported)
    records = [(values[:, kept], fixed) for values, fixed in zip(panel.values, panel.fixed, strict=True)]
    seen, has = _deviations(records, margins), _deviations(drawn, margins)
    pairs = list(combinations(exact, 2))
    together = [_compared((names[i], names[j]), seen, has, i, j) for i, j in pairs]
    if visits > 1:
        lagged = seen[:, :-1], seen[:, 1:], has[:, :-1], has[:, 1:]
        together += [_of((names[i],), *(part[..., i] for part in lagged)) for i in exact if i < p]
    categories = {name for name, margin in zip(names, margins, strict=True) if isinstance(margin, Thresholds)}
    warned = _other([one for one in together if one.misfit], categories)
    told = {one.names for one in together if one.misfit}
    skewed = [(i, j) for i, j in pairs if isinstance(margins[i], Monotone) or isinstance(margins[j], Monotone)]
    if skewed:
        seen_own, has_own = _deviations(records, None), _deviations(drawn, None)
        scaled = [_compared((names[i], names[j]), seen_own, has_own, i, j) for i, j in skewed]
        warned += _own_scale([one for one in scaled if one.misfit and one.names not in told])
    if visits > 1:
        changes = [
            _changing((names[i], names[j]), seen[..., i], seen[..., j], has[..., i], has[..., j], len(pairs)) for i, j in pairs
        ]
        warned += _by_visit([one for one in changes if one])
    return warned


def _deviations(
    sources: Sequence[tuple[Float[Tensor, "n T p"], Float[Tensor, "n q"]]], margins: Sequence[Margin] | None
) -> Float[np.ndarray, "N T p+q"]:
    """Deviations from the mean of each source and visit, static columns at every visit; skewed columns by their normal scores."""
    parts = []
    for moving, fixed in sources:
        both = torch.cat([moving, fixed.unsqueeze(1).expand(-1, moving.shape[1], -1)], dim=-1).numpy().copy()
        for j, margin in enumerate(margins or ()):
            if not isinstance(margin, Identity | Thresholds):
                middle = sum(np.clip(end, -_BEYOND, _BEYOND) for end in margin.forward(Cells.of(both[..., j]))) / 2
                both[..., j] = np.where(np.isnan(both[..., j]), np.nan, middle)
        count = np.maximum((~np.isnan(both)).sum(0), 1)
        parts.append(both - np.nansum(both, axis=0) / count)
    return np.concatenate(parts)


def _correlation(
    one: Float[np.ndarray, "N T"], two: Float[np.ndarray, "N T"]
) -> tuple[float, Float[np.ndarray, " N"], np.ndarray, int]:
    """The correlation, what leaving each patient out changes, the cells per visit that it rests on, and patients."""
    product = one * two
    both = ~np.isnan(product)
    u, v, w = (np.where(both, part, 0.0).sum(1) for part in (product, one**2, two**2))
    scale = v.sum() * w.sum()
    if not scale > 0:
        return 0.0, np.zeros(len(one)), both.sum(0), 0
    value = u.sum() / scale**0.5
    return value, u / scale**0.5 - value / 2 * (v / v.sum() + w / w.sum()), both.sum(0), int(both.any(1).sum())


def _fitted(one: Float[np.ndarray, "N T"], two: Float[np.ndarray, "N T"], cells: np.ndarray) -> float:
    """The estimate's correlation over the visits at which the records have so many cells."""
    u, v, w = (cells @ part.mean(0) for part in (one * two, one**2, two**2))
    return float(u / max(v * w, 1e-300) ** 0.5)


def _of(names: tuple[str, ...], one: np.ndarray, two: np.ndarray, has_one: np.ndarray, has_two: np.ndarray) -> _Compared:
    value, errors, cells, patients = _correlation(one, two)
    fitted = _fitted(has_one, has_two, cells)
    error = float(np.sum(errors**2) + (1 - fitted**2) ** 2 / _DRAWN) ** 0.5
    apart = abs(value - fitted)
    return _Compared(names, value, fitted, patients >= _ENOUGH and apart > _APART and apart > _ERRORS * error)


def _compared(names: tuple[str, ...], seen: np.ndarray, has: np.ndarray, i: int, j: int) -> _Compared:
    return _of(names, seen[..., i], seen[..., j], has[..., i], has[..., j])


def _changing(
    names: tuple[str, ...], one: np.ndarray, two: np.ndarray, has_one: np.ndarray, has_two: np.ndarray, tests: int
) -> tuple[tuple[str, ...], list[tuple[int, float, float]]] | None:
    """The visits, and the correlations there, if these change from visit to visit in a way that the estimate does not have."""
    found = [(t, *_correlation(one[:, [t]], two[:, [t]])) for t in range(one.shape[1])]
    found = [part for part in found if part[4] >= _ENOUGH]
    if len(found) < 2:
        return None
    places, values = [part[0] for part in found], np.array([part[1] for part in found])
    fitted = np.array([_fitted(has_one[:, [t]], has_two[:, [t]], np.ones(1)) for t in places])
    errors = np.stack([part[2] for part in found], axis=1)
    covariance = errors.T @ errors + np.diag((1 - fitted**2) ** 2 / _DRAWN)
    apart = values - fitted
    contrast = np.eye(len(apart))[1:] - np.eye(len(apart))[:-1]
    change = contrast @ apart
    statistic = change @ np.linalg.lstsq(contrast @ covariance @ contrast.T, change, rcond=1e-9)[0]
    significant = chi2.sf(statistic, len(change)) < _FALSE_ALARM / tests
    if not significant or np.abs(apart).max() < _CHANGE:
        return None
    return names, [(t, float(value), float(fit)) for t, value, fit in zip(places, values, fitted, strict=True)]


def _columns(found: Sequence[_Compared]) -> tuple[str, ...]:
    return tuple(dict.fromkeys(name for one in found for name in one.names))


def _texts(found: list[_Compared]) -> str:
    found.sort(key=lambda one: -abs(one.seen - one.has))
    return listed(
        [
            f"{listed([repr(name) for name in one.names], 2)}{' at successive visits' if len(one.names) == 1 else ''} "
            f"({one.seen:.2f}, in the table {one.has:.2f})"
            for one in found
        ],
        _MOST_NAMED,
    )


def _other(found: list[_Compared], categories: set[str]) -> list[Warned]:
    """What is said of correlations that the model has not."""
    if not found:
        return []
    advice = "Patients differ in a way that it does not know: do not rely on relations of these columns."
    if categories & set(_columns(found)):
        advice = (
            "A category may be too rare for its relations to be known, or tied to other columns more closely than one cut from a "
            "normal value can be: do not rely on its relations, merge the groups apart, or take --margins normal, which keeps "
            "correlations and not the kind of values."
        )
    text = f"the records have other correlations than the model can: {_texts(found)}. {advice}"
    return [Warned("correlations", text, _columns(found))]


def _own_scale(found: list[_Compared]) -> list[Warned]:
    if not found:
        return []
    text = (
        f"on their own scales columns have other correlations in the records than in the table: {_texts(found)}. "
        "Ranks go together as they should, the largest values otherwise than on a normal scale: take slopes and covariances "
        "of these columns not from the table as they are, but from completed tables (--complete), or those of their ranks."
    )
    return [Warned("correlations on own scales", text, _columns(found))]


def _by_visit(found: Sequence[tuple[tuple[str, ...], list[tuple[int, float, float]]]]) -> list[Warned]:
    if not found:
        return []
    texts = []
    for names, visits in found:
        t, value, fitted = max(visits, key=lambda part: abs(part[1] - part[2]))
        texts.append(f"{names[0]!r} and {names[1]!r} ({value:.2f} at visit {t + 1}, in the table {fitted:.2f})")
    text = (
        "correlations change from visit to visit, and the model has the same relation at all of them: "
        f"{listed(texts, _MOST_NAMED)}. "
        "What grows or fades over time, such as a treatment's effect, is averaged in the table: do not look for it there."
    )
    return [Warned("changing correlations", text, tuple(dict.fromkeys(name for names, _ in found for name in names)))]
