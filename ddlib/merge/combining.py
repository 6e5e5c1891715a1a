r"""One result from the results of several tables: Rubin's rules, and those for synthetic data.

Table l of m gave the estimates :math:`q_l` with their squared standard errors :math:`u_l`. With :math:`\bar q` and :math:`\bar u`
their means and :math:`b = \sum_l (q_l - \bar q)^2 / (m - 1)`, and :math:`a = (1 + 1/m)\, b`:

*Completed* tables (Rubin 1987; degrees of freedom of Barnard and Rubin 1999):

.. math::

    T = \bar u + a, \qquad \lambda = a / T, \qquad
    \nu = \Bigl[\frac{\lambda^2}{m - 1} + \frac{\nu_c + 3}{(\nu_c + 1)\, \nu_c\, (1 - \lambda)}\Bigr]^{-1} ,

:math:`\nu_c` being the degrees of freedom that the result would have with complete records.

The intervals are rather too wide where the model is right and knows more than the analysis, for example that transitions are alike
at all visits when only the last visit is looked at (X.-L. Meng, Multiple-imputation inferences with uncongenial sources of input,
Statistical Science 9 (1994) 538–573).

*Synthetic* tables, in which nobody is real (Raghunathan, Reiter and Rubin 2003): what differs between them is the estimate's
uncertainty, which is wanted, *and* the scatter of a finite table, which is not:

.. math::

    T = a - \bar u, \qquad \nu = (m - 1) (1 - \bar u / a)^2 .

This may fall below zero where m is small; then, as in Reiter (2002), :math:`T = (n_s / n)\, \bar u`, with :math:`n_s` patients in
each synthetic table and n in the records, and ν = m − 1. Twenty tables with as many patients as the records or more avoid it.
Student's t with ν is an approximation of theirs to the mixture

.. math::

    q \mid S \sim N\bigl(\bar q,\, (1 + 1/m)\, S - \bar u\bigr), \qquad S \sim (m - 1)\, b / \chi^2_{m-1}, \quad S > \bar u ,

S being the variance of the tables' estimates. It is a rough one: with m = 20 and synthetic tables as large as the records its 95 %
intervals hold the truth in 99 %, and some are endless. The interval is therefore that of the mixture, which holds it in 95 %.

- D. B. Rubin, *Multiple Imputation for Nonresponse in Surveys*, Wiley 1987.
- J. Barnard, D. B. Rubin, Small-sample degrees of freedom with multiple imputation, Biometrika 86 (1999) 948–955.
- T. E. Raghunathan, J. P. Reiter, D. B. Rubin, Multiple imputation for statistical disclosure limitation, Journal of Official
  Statistics 19 (2003) 1–16.
- J. P. Reiter, Satisfying disclosure restrictions with synthetic data sets, Journal of Official Statistics 18 (2002) 531–543.
"""

from __future__ import annotations

from typing import Any, Literal, NamedTuple

import numpy as np
from jaxtyping import Float
from scipy import special, stats

from ddlib.merge.errors import TableError

__all__ = ["Combined", "combine"]


_NODES = 256
"""Quantiles of the mixture."""


class Combined(NamedTuple):
    """The result of several tables; numbers, or arrays of the quantities' shape.

    Attributes:
        estimate: the mean of the tables' estimates.
        error: its standard error.
        df: degrees of freedom ν.
        low, high: the interval.

    >>> Combined._fields
    ('estimate', 'error', 'df', 'low', 'high')
    """

    estimate: Float[np.ndarray, "*Q"]
    error: Float[np.ndarray, "*Q"]
    df: Float[np.ndarray, "*Q"]
    low: Float[np.ndarray, "*Q"]
    high: Float[np.ndarray, "*Q"]


def combine(
    estimates: Any,
    variances: Any,
    kind: Literal["completed", "synthetic"] = "completed",
    *,
    level: float = 0.95,
    reference: Literal["mixture", "t"] = "mixture",
    complete_df: float = np.inf,
    size_ratio: float = 1.0,
) -> Combined:
    r"""Combine the results of the same analysis of m tables.

    Correlations should be combined as Fisher's :math:`z = \operatorname{artanh} r` with variance 1 / (n − 3), ratios as logarithms.

    Intervals from completed tables are conservative where the model is right and knows more than the analysis: the tables then
    scatter less than :math:`\bar u + a` says. A correlation or a slope at the last visit alone is held by 98 % of the 95 %
    intervals in the project's benchmark ``merge_coverage.py``, because all transitions share one law; the draws of the law
    themselves are calibrated, and so are the intervals from synthetic tables.

    Args:
        estimates: one for each table, (m,) or (m, …) for several quantities.
        variances: their squared standard errors, of the same shape.
        kind: whether the tables are completed records or synthetic patients.
        level: of the interval.
        reference: for synthetic tables, what the interval is taken from: the mixture, or Student's t.
        complete_df: ν_c, for completed tables: for a mean n − 1, for a regression n − number of coefficients.
        size_ratio: n_s / n, for synthetic tables: only of account where the variance would be negative.

    Raises:
        TableError: if there are fewer than two tables, shapes differ, or a number makes no sense.

    >>> result = combine([1.0, 1.2, 1.1], [0.04, 0.04, 0.04])
    >>> round(float(result.estimate), 2), round(float(result.error), 3)
    (1.1, 0.231)
    """
    q, u = np.asarray(estimates, dtype=float), np.asarray(variances, dtype=float)
    _check(q, u, kind, level, reference, complete_df, size_ratio)
    m = len(q)
    mean, within = q.mean(0), u.mean(0)
    between = (1 + 1 / m) * q.var(0, ddof=1)
    if kind == "completed":
        total = within + between
        share = np.divide(between, total, out=np.zeros_like(total), where=total > 0)
        rest = (complete_df + 3) / ((complete_df + 1) * complete_df) if np.isfinite(complete_df) else 0.0
        with np.errstate(divide="ignore"):
            df = 1 / (share**2 / (m - 1) + rest / (1 - share))
    else:
        negative = between <= within
        total = np.where(negative, size_ratio * within, between - within)
        ratio = np.divide(within, between, out=np.zeros_like(between), where=~negative)
        df = (m - 1) * (1 - ratio) ** 2
    error = np.sqrt(total)
    if kind == "synthetic" and reference == "mixture":
        half = _mixture(between * m / (m + 1), within, m, level)
    else:
        half = np.where(error > 0, error * stats.t.ppf((1 + level) / 2, df), 0.0)
    return Combined(mean, error, df, mean - half, mean + half)


def _mixture(b: Float[np.ndarray, "*Q"], u: Float[np.ndarray, "*Q"], m: int, level: float) -> Float[np.ndarray, "*Q"]:
    """Half of the interval of the mixture, by bisection; quantiles of χ² stand for its distribution."""
    b = np.maximum(b, np.maximum(1e-6 * u, np.finfo(float).tiny))
    with np.errstate(divide="ignore"):
        most = stats.chi2.cdf((m - 1) * b / u, m - 1)
    share = ((np.arange(_NODES) + 0.5) / _NODES).reshape(-1, *(1 for _ in b.shape))
    deviation = np.sqrt(np.maximum((1 + 1 / m) * (m - 1) * b / stats.chi2.ppf(share * most, m - 1) - u, 0.0))
    low, high = np.zeros_like(b), special.ndtri((1 + level) / 2) * deviation.max(0)
    for _ in range(40):
        middle = (low + high) / 2
        enough = special.ndtr(middle / deviation).mean(0) > (1 + level) / 2
        low, high = np.where(enough, low, middle), np.where(enough, middle, high)
    return high


def _check(q: np.ndarray, u: np.ndarray, kind: str, level: float, reference: str, complete_df: float, size_ratio: float) -> None:
    if kind not in ("completed", "synthetic"):
        raise TableError(f"tables are 'completed' or 'synthetic', but the kind is {kind!r}")
    if reference not in ("mixture", "t"):
        raise TableError(f"intervals of synthetic tables are taken from the 'mixture' or 't', but the reference is {reference!r}")
    if q.ndim < 1 or len(q) < 2:
        raise TableError(f"results of at least 2 tables can be combined, but there is {len(q) if q.ndim else 1}: draw more tables")
    if q.shape != u.shape:
        raise TableError(f"each estimate needs its variance, but their shapes are {q.shape} and {u.shape}")
    if not (np.isfinite(q).all() and np.isfinite(u).all() and (u >= 0).all()):
        raise TableError("estimates must be finite numbers, and variances (squared standard errors) finite and not negative")
    if not 0 < level < 1:
        raise TableError(f"the level must be between 0 and 1, but it is {level}")
    if not complete_df > 0 or not size_ratio > 0:
        raise TableError(f"degrees of freedom and ratios are above 0, but they are {complete_df} and {size_ratio}")
