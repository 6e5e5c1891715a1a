r"""Measures of scores as means of one number for each patient, so that intervals can be taken over patients and repeats.

For the area under the curve the number of an ill patient i is (DeLong, DeLong and Clarke-Pearson 1988)

.. math::

    \theta + \frac{n}{n_1} \bigl[V_i - \theta\bigr], \qquad
    V_i = \frac{1}{n_0} \sum_{j \text{ healthy}} [s_i > s_j] + \tfrac12 [s_i = s_j],

likewise for the healthy: their mean is the area :math:`\theta`, their variance over n the square of its standard error. Within
hospitals a pair is two patients of one hospital; the areas of the hospitals are weighted by their numbers of pairs.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping

import numpy as np
from jaxtyping import Float, Int
from scipy.special import expit
from scipy.stats import rankdata

from ddbook.chapters.merge.four.penalised import log_losses
from ddlib.statistics import Estimate, crossed

Array = Float[np.ndarray, "R n"]


def auc_parts(score: Float[np.ndarray, " n"], disease: Float[np.ndarray, " n"]) -> Float[np.ndarray, " n"]:
    """A number for each patient, whose mean is the area under the curve.

    Raises:
        ValueError: if all are ill, or all healthy.
    """
    ill, n = disease > 0.5, len(disease)
    ones, zeros = int(ill.sum()), n - int(ill.sum())
    if not ones or not zeros:
        raise ValueError("an area under the curve needs ill and healthy patients, but there is one kind alone")
    rank, placed = rankdata(score), np.empty(n)
    placed[ill] = (rank[ill] - rankdata(score[ill])) / zeros
    placed[~ill] = 1 - (rank[~ill] - rankdata(score[~ill])) / ones
    area = placed[ill].mean()
    return area + (placed - area) * np.where(ill, n / ones, n / zeros)


def within_parts(
    score: Float[np.ndarray, " n"], disease: Float[np.ndarray, " n"], hospital: Int[np.ndarray, " n"]
) -> Float[np.ndarray, " n"]:
    """A number for each patient, whose mean is the area under the curve within hospitals."""
    found, n = np.zeros(len(score)), len(score)
    own = [np.flatnonzero(hospital == k) for k in np.unique(hospital)]
    pairs = np.array([disease[rows].sum() * (1 - disease[rows]).sum() for rows in own])
    total = 0.0
    for rows, weight in zip(own, pairs / pairs.sum(), strict=True):
        if weight == 0:
            continue
        parts = auc_parts(score[rows], disease[rows])
        found[rows] = weight * n / len(rows) * (parts - parts.mean())
        total += weight * parts.mean()
    return found + total


def _accuracy(score: Array, disease: Float[np.ndarray, " n"]) -> Array:
    return ((score > 0) == (disease > 0.5)).astype(float)


def _brier(score: Array, disease: Float[np.ndarray, " n"]) -> Array:
    return (expit(score) - disease) ** 2


BY_PATIENT: Mapping[str, Callable[[Array, Float[np.ndarray, " n"]], Array]] = {
    "log_loss": log_losses,
    "brier": _brier,
    "accuracy": _accuracy,
}


def parts_of(measure: str, score: Array, disease: Float[np.ndarray, " n"], hospital: Int[np.ndarray, " n"]) -> Array:
    """A number for each repeat and patient, whose mean is the measure.

    Args:
        measure: ``auc``, ``within`` (the area within hospitals), ``log_loss``, ``brier`` or ``accuracy``.
        score: on the logit scale.
        disease, hospital: of each patient.
    """
    if measure == "auc":
        return np.stack([auc_parts(one, disease) for one in score])
    if measure == "within":
        return np.stack([within_parts(one, disease, hospital) for one in score])
    return BY_PATIENT[measure](score, disease)


MEASURES = ("auc", "within", "log_loss", "brier", "accuracy")


def measured(
    measure: str,
    score: Array,
    disease: Float[np.ndarray, " n"],
    hospital: Int[np.ndarray, " n"],
    against: Array | None = None,
) -> Estimate:
    """A measure, or the difference from other scores of the same patients, with its interval over patients and repeats."""
    parts = parts_of(measure, score, disease, hospital)
    if against is not None:
        parts = parts - parts_of(measure, against, disease, hospital)
    return crossed(parts)
