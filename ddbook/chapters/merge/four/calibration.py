r"""Whether probabilities are right: the slope and the intercept of a logistic regression of the diagnosis on the score.

The estimating equations are averaged over repeats, so that a patient counts once, and the interval is that of the sandwich over
patients (Huber 1967): :math:`H^{-1} \bigl(\sum_i u_i u_i^\top\bigr) H^{-1}`, :math:`u_i` being patient i's mean score function.
"""

from __future__ import annotations

from typing import NamedTuple

import numpy as np
from jaxtyping import Float
from scipy import stats
from scipy.special import expit

from ddlib.statistics import Estimate

_STEPS, _CLOSE = 60, 1e-9


class Calibration(NamedTuple):
    """Slope, one if the scores are neither too extreme nor too timid; intercept at slope one, zero if they are right on average."""

    slope: Estimate
    intercept: Estimate


def calibration(score: Float[np.ndarray, "R n"], disease: Float[np.ndarray, " n"]) -> Calibration:
    """Slope and intercept with 95 % intervals over patients; where the patients do not determine one, it is not a number."""
    both = _regression(np.stack([np.ones_like(score), score], axis=-1), np.zeros_like(score), disease)
    large = _regression(np.ones_like(score)[..., None], score, disease)
    return Calibration(both[1], large[0])


def _regression(
    x: Float[np.ndarray, "R n c"], offset: Float[np.ndarray, "R n"], disease: Float[np.ndarray, " n"]
) -> list[Estimate]:
    """Coefficients with their intervals."""
    theta = np.zeros(x.shape[-1])
    for _ in range(_STEPS):
        share = expit(x @ theta + offset)
        each = (x * (disease - share)[..., None]).mean(0)
        hessian = np.einsum("rni,rn,rnj->ij", x, share * (1 - share), x) / len(x)
        if not np.linalg.cond(hessian) < 1e10:
            return [Estimate(np.nan, np.nan, np.nan, len(disease))] * len(theta)
        step = np.linalg.solve(hessian, each.sum(0))
        theta = theta + step / max(1.0, float(np.abs(step).max()))
        if np.abs(step).max() < _CLOSE:
            break
    else:
        return [Estimate(np.nan, np.nan, np.nan, len(disease))] * len(theta)
    inverse = np.linalg.inv(hessian)
    error = np.sqrt(np.diag(inverse @ (each.T @ each) @ inverse))
    half = float(stats.norm.ppf(0.975)) * error
    ends = zip(theta, theta - half, theta + half, strict=True)
    return [Estimate(float(value), float(low), float(high), len(disease)) for value, low, high in ends]


def bins(score: Float[np.ndarray, "R n"], disease: Float[np.ndarray, " n"], count: int = 5) -> Float[np.ndarray, "count 4"]:
    """Mean probability, share of ill patients and its 95 % interval (Wilson's) for groups of patients of equal size.

    Patients are ordered by their mean score over the repeats.
    """
    mean = score.mean(0)
    found = []
    for group in np.array_split(np.argsort(mean, kind="stable"), count):
        low, high = stats.binomtest(int(disease[group].sum()), len(group)).proportion_ci(method="wilson")
        found.append((float(expit(score[:, group]).mean()), float(disease[group].mean()), float(low), float(high)))
    return np.array(found)
