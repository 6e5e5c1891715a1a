"""What even the best of several rivals loses: "no one method is the best for all learners", with an interval."""

from __future__ import annotations

import numpy as np
import pandas as pd
from jaxtyping import Float
from scipy import stats

from ddbook.kit.scores import ScoreError, select
from ddbook.press.claims.ledger import Statistic
from ddbook.press.claims.units import digits_of
from ddlib.statistics import Estimate, contrast


def least_loss(statistic: Statistic, table: pd.DataFrame) -> Estimate:
    r"""The least, over rivals, of the largest lead that another one has on some judge, and its 95 % interval; n counts the draws.

    With :math:`v_k(l)` the score of rival k under judge l it is :math:`\min_k \max_{l, j} v_j(l) - v_k(l)`: zero if one rival is
    best under all judges. Each end misses with at most 2.5 %, by a bound over the comparisons that could carry it (that of Holm's
    first step): for the lower end the leads over the best all-rounder, for the upper one lead for each rival.

    Raises:
        ScoreError: if a rival lacks a judge or a draw, if rows are double, or there are fewer than two draws or rivals.
    """
    values = _values(statistic, table)
    rivals, _, draws, _ = values.shape
    if rivals < 2 or draws < 2:
        raise ScoreError(f"rivals are compared over draws: two of both are needed, but there are {rivals} and {draws}")
    return loss_of(values)


def loss_of(values: Float[np.ndarray, "rivals judges draws units"]) -> Estimate:
    """:func:`least_loss` of an array."""
    rivals, judges, draws, _ = values.shape
    leads = [contrast(values - own) for own in values]  # of every rival over this one, judge by judge
    lower, upper = 1 - 0.025 / ((rivals - 1) * judges), 1 - 0.025 / rivals
    low = [_largest(mean - stats.t.ppf(lower, freedom) * error) for mean, error, freedom in leads]
    high = [_largest(mean + stats.t.ppf(upper, freedom) * error) for mean, error, freedom in leads]
    return Estimate(min(_largest(one.mean) for one in leads), min(low), min(high), draws)


def _largest(values: Float[np.ndarray, "rivals judges"]) -> float:
    return float(values.max())  # at least 0: the lead of a rival over itself


def _values(statistic: Statistic, table: pd.DataFrame) -> Float[np.ndarray, "rivals judges draws units"]:
    conditions = [statistic.rows] if isinstance(statistic.rows, str) else statistic.rows or []
    rows = pd.concat([select(table, condition) for condition in conditions])
    value, axes = str(statistic.value), [str(statistic.rivals), str(statistic.judges)]
    for column in [value, *axes, *statistic.seed]:
        if column not in rows:
            raise ScoreError(f"the table has no column {column}")
    rows = rows.assign(draw=rows.groupby(statistic.seed).ngroup()).set_index([*axes, "draw"]).sort_index()
    if rows.index.has_duplicates:
        raise ScoreError(f"several rows have the same {', '.join([*axes, *statistic.seed])}: narrow the rows")
    shape = tuple(rows.index.get_level_values(name).nunique() for name in [*axes, "draw"])
    if len(rows) != int(np.prod(shape)):
        raise ScoreError(f"some {axes[0]} lacks a row that others have: give each every {axes[1]} and {', '.join(statistic.seed)}")
    scores = digits_of(rows, value) if statistic.units else rows[[value]].to_numpy(float)
    if not np.isfinite(scores).all():
        raise ScoreError(f"{value} is not finite in some row")
    return scores.reshape(*shape, -1)
