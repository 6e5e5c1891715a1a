"""Penalised logistic regressions: one with its penalty chosen in folds, and one that recalibrates a score in each hospital."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np
import torch
from jaxtyping import Float, Int
from scipy.special import log_expit

from ddlib.distilled import Distilled
from ddlib.learners import logistic

PENALTIES = (0.3, 1.0, 3.0, 10.0, 30.0, 100.0)
"""Penalties that are tried, against the sum of the losses."""
_FREE = 30.0
"""How much a column is stretched so that its coefficient is as good as free."""
_FOLDS = 5
_SLOPE = 0.5
"""Standard deviation of the hospitals' slopes around the common one, under the prior; that of their intercepts is one."""


def log_losses(score: Float[np.ndarray, "*n"], disease: Float[np.ndarray, "*n"]) -> Float[np.ndarray, "*n"]:
    """The log loss of each patient, for a score on the logit scale."""
    return -log_expit(np.where(disease > 0.5, score, -score))


def coefficients(
    x: Float[np.ndarray, "n p"], disease: Float[np.ndarray, " n"], penalty: float, weights: Float[np.ndarray, "R n"] | None = None
) -> Float[np.ndarray, "R p"]:
    """Coefficients of a logistic regression, one set for each row of weights (one row of ones when not given)."""
    w = torch.ones(1, len(x)).double() if weights is None else torch.as_tensor(weights)
    rows = torch.as_tensor(x, dtype=torch.float64).expand(len(w), -1, -1)
    signs = torch.as_tensor(2 * disease - 1).expand(len(w), -1)
    return logistic(Distilled(rows, signs, w), penalty).numpy()


def with_constant(x: Float[np.ndarray, "n p"]) -> Float[np.ndarray, "n p+1"]:
    """The columns and a constant, whose coefficient is as good as free."""
    return np.column_stack([x, np.full(len(x), _FREE)])


def chosen_penalty(
    x: Float[np.ndarray, "n p"], disease: Float[np.ndarray, " n"], seed: int, penalties: Sequence[float] = PENALTIES
) -> float:
    """The penalty with the least log loss on patients who were held out, in five folds."""
    fold = np.random.default_rng(seed).permutation(len(x)) % _FOLDS
    kept = (fold != np.arange(_FOLDS)[:, None]).astype(float)

    def loss(penalty: float) -> float:
        scores = x @ coefficients(x, disease, penalty, kept).T
        return float(log_losses(scores[np.arange(len(x)), fold], disease).sum())

    return min(penalties, key=loss)


def fitted_logistic(x: Float[np.ndarray, "n p"], disease: Float[np.ndarray, " n"], seed: int) -> Float[np.ndarray, " p+1"]:
    """The coefficients at the chosen penalty, that of the constant last: of the columns of :func:`with_constant`."""
    columns = with_constant(x)
    if len(np.unique(disease)) < 2:
        return coefficients(columns, disease, 1.0)[0]
    return coefficients(columns, disease, chosen_penalty(columns, disease, seed))[0]


class Recalibration:
    r"""Platt's recalibration in each hospital, shrunk towards a common one.

    .. math:: \operatorname{logit} p = a + a_k + (b + b_k)\, s, \qquad a_k \sim N(0, 1), \quad b_k \sim N(0, 0.5^2),

    s being the score on the logit scale. A hospital that was not seen has the common intercept and slope.
    """

    def __init__(
        self, score: Float[np.ndarray, " n"], disease: Float[np.ndarray, " n"], hospital: Int[np.ndarray, " n"], hospitals: int
    ) -> None:
        self.hospitals = hospitals
        self.theta = coefficients(self._columns(score, hospital), disease, 1.0)[0]

    def _columns(self, score: Float[np.ndarray, " n"], hospital: Int[np.ndarray, " n"]) -> Float[np.ndarray, "n c"]:
        own = np.eye(self.hospitals)[hospital]
        common = _FREE * np.column_stack([np.ones(len(score)), score])
        return np.column_stack([common, own, _SLOPE * own * score[:, None]])

    def __call__(self, score: Float[np.ndarray, " n"], hospital: Int[np.ndarray, " n"]) -> Float[np.ndarray, " n"]:
        """Scores of other patients, recalibrated."""
        return self._columns(score, hospital) @ self.theta
