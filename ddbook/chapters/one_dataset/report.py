"""Numbers for the prose about one set for several ridge regressions, and the table of all methods."""

from __future__ import annotations

from typing import Any

import numpy as np
import pandas as pd

from ddbook.chapters.one_dataset.closed import CLOSED, look
from ddbook.chapters.one_dataset.family import TOLERANCE, is_quick, lengths, middle_budget, unrest
from ddlib.statistics import Number, estimate, quoted
from ddlib.tasks import RidgeTask

EARLY, SHORT = 1000, 500
"""Too few steps with Adam's usual constants and with the quick ones; the nearest length that was run stands for each."""


def numbers(task: RidgeTask, curves: pd.DataFrame, descents: pd.DataFrame, limits: pd.DataFrame, steps: int) -> dict[str, Number]:
    """Sizes, losses at the middle budget (medians), the certified bounds there, and what effort buys.

    Args:
        task: the family.
        curves: all methods, descents at their full length, as :func:`ddbook.chapters.one_dataset.family.table` makes it.
        descents: all descents.
        limits: ``budget``, ``error``, ``regret``: what no set can fall below.
        steps: the full length.

    Raises:
        ArithmeticError: if a set is below a bound.
    """
    middle = middle_budget(task)
    fewer = max(1, middle - 1)
    at_middle = limits.set_index("budget").loc[middle]
    sizes: dict[str, Any] = {
        "family_size": len(task.penalties),
        "family_least": min(task.penalties),
        "family_largest": max(task.penalties),
        "draws": task.replicates,
        "steps": steps,
        "tolerance": TOLERANCE,
        "middle_budget": middle,
        "one_fewer_budget": fewer,
        "bound_middle": at_middle.error,
        "regret_bound_middle": at_middle.regret,
        **above(curves, limits),
        **effort_numbers(descents[descents.budget == middle], steps),
    }
    found = {name: Number(float(value)) for name, value in sizes.items()}
    for method in (*CLOSED, "first_order", "truncated_svd", "k_means", "random"):
        for column, short in (("regret", "regret_middle"), ("error", "error_middle")):
            found[f"{method}_{short}"] = _median(curves, method, middle, column)
    for method in CLOSED:
        found[f"{method}_over_descent"] = Number(_over_descent(curves, method, middle))
    found["one_point_gain"] = Number(_over_descent(curves, "exact_best", 1) - 1)
    found["unrest_middle"] = Number(unrest(descents, middle), n=task.replicates)
    return found | {"one_fewer_regret": _median(curves, "first_order", fewer, "regret")}


def above(curves: pd.DataFrame, limits: pd.DataFrame) -> dict[str, float]:
    """The nearest that any set came to each bound, as a factor; budgets whose bound is zero to rounding count for nothing.

    Raises:
        ArithmeticError: if a set is below a bound.
    """
    joined = curves.merge(limits, on="budget", suffixes=("", "_bound"))
    found = {}
    for column in ("error", "regret"):
        known = joined[joined[f"{column}_bound"] > 1e-12]
        factor = float((known[column] / known[f"{column}_bound"]).min()) if len(known) else float("inf")
        if factor < 1 - 1e-9:
            raise ArithmeticError(f"a set has a {column} of {factor} times the certified bound, which no set can have")
        if np.isfinite(factor):
            found[f"least_{column}_over_bound"] = factor
    return found


def effort_numbers(effort: pd.DataFrame, steps: int) -> dict[str, float]:
    """What descents of one budget lose when they stop early, and with Adam's usual constants.

    Args:
        effort: descents of one budget, all lengths, both pairs of constants.
        steps: the full length.
    """
    ran = lengths(steps)
    early, short = (min(ran, key=lambda n: abs(n - wanted)) for wanted in (EARLY, SHORT))
    quick, slow = effort[is_quick(effort)], effort[~is_quick(effort)]
    losses = {n: rows.set_index("seed").regret for n, rows in quick.groupby("steps")}
    stopped = float(slow[slow.steps == early].regret.median())
    return {
        "early_steps": early,
        "short_steps": short,
        "usual_regret_early": stopped,
        "usual_over_converged": stopped / float(losses[steps].median()),
        "short_over_converged": float(np.exp(np.log(losses[short] / losses[steps]).mean())),
    }


def method_table(curves: pd.DataFrame) -> pd.DataFrame:
    """The share of the learnable lost, medians: one row per method, one column per number of points."""
    named = curves.assign(method=curves.method.map(lambda method: look(method)["label"]))
    return named.pivot_table(index="method", columns="budget", values="regret", aggfunc="median", sort=False)


def _over_descent(curves: pd.DataFrame, method: str, budget: int) -> float:
    return _median(curves, method, budget, "regret").value / _median(curves, "first_order", budget, "regret").value


def _median(curves: pd.DataFrame, method: str, budget: int, column: str) -> Number:
    """With its interval where draws differ; what is the same in all of them is exact."""
    own = curves[(curves.method == method) & (curves.budget == budget)][column]
    return Number(float(own.iloc[0])) if own.nunique() == 1 else quoted(estimate(own, "median"))
