"""Tables and numbers of the digits chapter."""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping, Sequence
from typing import Any

import numpy as np
import pandas as pd
from jaxtyping import Float
from numpy.typing import ArrayLike

from ddbook.chapters.digits.chosen import TASK_FREE
from ddbook.chapters.digits.judge import matrix
from ddbook.kit.looks import label
from ddlib.statistics import Estimate, Number, best_set, crossed, estimate, paired_difference, quoted

BASE = "k_means"
"""The control that looks at no task: methods are compared with it."""


def slug(name: str) -> str:
    """A learner's name as part of a number's name.

    >>> slug("kernel ridge, RBF")
    'kernel_ridge_rbf'
    """
    return re.sub(r"[^a-z0-9]+", "_", name.lower()).strip("_")


def each_row(table: pd.DataFrame) -> Iterator[Any]:
    """The rows, each with its columns as attributes."""
    return iter(table.itertuples())


def right(table: pd.DataFrame, method: str, budget: int, learner: str) -> Float[np.ndarray, "draws units"]:
    """Which test images a learner gets right after training on a method's set, in the order of the draws; 1 for right.

    Raises:
        ValueError: if the table has no such rows.
    """
    rows = table[(table.method == method) & (table.budget == budget) & (table.learner == learner)].sort_values("seed")
    if rows.empty:
        raise ValueError(f"the table has no rows of {method} with {budget} points on {learner}: judge these sets first")
    return matrix(rows.right)


def all_rows(table: pd.DataFrame) -> int:
    """How many images all the training data are."""
    return int(table[table.method == "full"].budget.iloc[0])


def differences(table: pd.DataFrame, budgets: Sequence[int], methods: Sequence[str], learners: Sequence[str]) -> pd.DataFrame:
    """One row per budget, learner and method: accuracy, what it is above that of k-means, and whether another is better.

    Accuracies and differences are shares of the images, with 95 % intervals over draws and images
    (:func:`ddlib.statistics.crossed`). ``tied`` says that the method cannot be told from the best for this learner
    (:func:`ddlib.statistics.best_set`, Holm's correction over the methods).
    """
    rows = []
    for budget in budgets:
        for learner in learners:
            found = {method: right(table, method, budget, learner) for method in methods}
            tied = best_set(np.stack([*found.values()]))
            for (method, values), best in zip(found.items(), tied, strict=True):
                own, ahead = crossed(values), crossed(values - found[BASE])
                rows.append(
                    {"budget": budget, "learner": learner, "method": method, "accuracy": own.value, "low": own.low}
                    | {"high": own.high, "difference": ahead.value, "difference_low": ahead.low}
                    | {"difference_high": ahead.high, "tied": best, "n": own.n}
                )
    return pd.DataFrame(rows)


def transfer(table: pd.DataFrame, budgets: Sequence[int], methods: Sequence[str], own: Mapping[str, str]) -> pd.DataFrame:
    """Accuracy above that of k-means on a method's own learner (``home``) and on the mean of all others (``away``), as shares."""
    learners = list(dict.fromkeys(table.learner))
    rows = []
    for budget in budgets:
        for method in methods:
            ahead = {name: right(table, method, budget, name) - right(table, BASE, budget, name) for name in learners}
            home = ahead.pop(own[method])
            for place, values in (("home", home), ("away", np.mean([*ahead.values()], axis=0))):
                found = crossed(values)
                rows.append({"method": method, "budget": budget, "place": place} | found._asdict())
    return pd.DataFrame(rows)


def numbers(
    table: pd.DataFrame, found: pd.DataFrame, carried: pd.DataFrame, budgets: Sequence[int], learners: Sequence[str]
) -> dict[str, Number]:
    """Accuracies, differences to k-means, tie sets and what is left away from home, at the smallest and the largest budget.

    Args:
        table: image by image.
        found: its :func:`differences`.
        carried: its :func:`transfer`.
        budgets: of which the smallest and the largest are quoted.
        learners: by name.
    """
    every: dict[str, Number] = {}
    for learner in learners:
        every[f"full_{slug(learner)}"] = quoted(crossed(right(table, "full", all_rows(table), learner)))
    for place, budget in (("small", min(budgets)), ("large", max(budgets))):
        every[f"budget_{place}"] = Number(budget)
        here = found[found.budget == budget]
        for row in each_row(here):
            name = f"{row.method}_{slug(row.learner)}_{place}"
            every[name] = quoted(Estimate(row.accuracy, row.low, row.high, row.n))
            ahead = Estimate(100 * row.difference, 100 * row.difference_low, 100 * row.difference_high, row.n)
            every[f"{row.method}_minus_{BASE}_{slug(row.learner)}_{place}"] = quoted(ahead, "points")
        for learner in learners:
            every[f"tied_{slug(learner)}_{place}"] = Number(int(here[here.learner == learner].tied.sum()))
        every[f"tied_everywhere_{place}"] = Number(int(here.groupby("method").tied.all().sum()))
        for row in each_row(carried[carried.budget == budget]):
            ahead = Estimate(100 * row.value, 100 * row.low, 100 * row.high, row.n)
            every[f"{row.method}_{row.place}_{place}"] = quoted(ahead, "points")
        gap = right(table, "kernel_inducing_labels", budget, learners[0]) - right(table, "full", all_rows(table), learners[0])
        every[f"kernel_inducing_labels_minus_full_{place}"] = quoted(_percent(crossed(gap)), "points")
    return every


def _percent(found: Estimate) -> Estimate:
    return Estimate(100 * found.value, 100 * found.low, 100 * found.high, found.n)


def listed(found: pd.DataFrame, budget: int, methods: Sequence[str], learners: Sequence[str]) -> pd.DataFrame:
    """The table for the page: the difference to k-means in percentage points with its interval, and a star for the tie set."""
    cells = {
        (
            row.method,
            row.learner,
        ): f"{100 * row.difference:+.1f} [{100 * row.difference_low:+.1f}, {100 * row.difference_high:+.1f}]" + " ★" * row.tied
        for row in each_row(found[found.budget == budget])
    }
    return pd.DataFrame(
        {learner: [cells[method, learner] for method in methods] for learner in learners}, [label(method) for method in methods]
    )


def interval(values: ArrayLike) -> Number:
    """A mean over draws with its interval."""
    return quoted(estimate(values))


def chosen_sets(table: pd.DataFrame, budget: int) -> pd.DataFrame:
    """The rows of the interval task at one budget, and those of sets of any other size that are exact or all the data."""
    return table[(table.budget == budget) | table.method.isin(["full", "exact", "exact_unweighted"])]


def interval_numbers(table: pd.DataFrame, budget: int) -> dict[str, Number]:
    """Error, coverage and score of each set at one budget, and what the beginning changes in the two that are made for the mean."""
    found = {"interval_budget": Number(budget), "exact_points": Number(int(table[table.method == "exact"].budget.iloc[0]))}
    for (method, begin), rows in chosen_sets(table, budget).groupby(["method", "begin"]):
        name = f"{method}_from_{begin}" if begin else str(method)
        for column in ("rmse", "score"):
            found[f"{column}_{name}"] = interval(rows[column])
        found[f"coverage_{name}"] = quoted(crossed(matrix(rows.sort_values("seed").covered)))
    rows = table[(table.method == "first_order_squared") & (table.budget == budget)].sort_values("seed")
    random, k_means = (rows[rows.begin == begin] for begin in ("random", "k_means"))
    found["rmse_difference"] = quoted(paired_difference(random.rmse, k_means.rmse))
    found["coverage_difference"] = quoted(crossed(matrix(random.covered) - matrix(k_means.covered)))
    return found


def interval_table(table: pd.DataFrame, budget: int) -> pd.DataFrame:
    """The table for the page: error, coverage and score of the four sets that descend, and of all the patients."""
    named = {
        f"{budget} points for the mean, from k-means": ("first_order_squared", "k_means"),
        f"{budget} points for the mean, from random rows": ("first_order_squared", "random"),
        f"{budget} points for the interval, from k-means": ("first_order_interval", "k_means"),
        f"{budget} points for the interval, from random rows": ("first_order_interval", "random"),
        "the exact construction": ("exact", ""),
        "the same without its weights": ("exact_unweighted", ""),
        "all patients": ("full", ""),
    }
    here = chosen_sets(table, budget)
    rows = {}
    for name, (method, begin) in named.items():
        mean = here[(here.method == method) & (here.begin == begin)][["rmse", "coverage", "width", "score"]].mean()
        rows[name] = [f"{mean.rmse:.3f}", f"{mean.coverage:.0%}", f"{mean.width:.2f}", f"{mean.score:.2f}"]
    columns = ["error of the mean", "intervals that are right", "their width", "interval score"]
    return pd.DataFrame(rows, columns).T


def trap_numbers(curves: pd.DataFrame) -> dict[str, Number]:
    """The end of each arm at each step size: inside the loop and retrained, and what the warm start costs."""
    found = {}
    last = curves[curves.step == curves.step.max()].sort_values("seed")
    for place, size in zip(("small", "middle", "large"), sorted(last.step_size.unique()), strict=True):
        found[f"trap_step_{place}"] = Number(float(size))
        ends = {arm: rows for arm, rows in last[last.step_size == size].groupby("arm")}
        for arm, rows in ends.items():
            found[f"{arm}_inside_{place}"] = interval(rows.inside)
            found[f"{arm}_retrained_{place}"] = quoted(crossed(matrix(rows.right)))
        cost = crossed(matrix(ends["cold"].right) - matrix(ends["warm"].right))
        found[f"warm_costs_{place}"] = quoted(_percent(cost), "points")
    start = curves[(curves.step == 0) & (curves.arm == "cold") & (curves.step_size == curves.step_size.min())]
    return found | {"trap_begins": quoted(crossed(matrix(start.right)))}


def costs(table: pd.DataFrame, budgets: Sequence[int], methods: Sequence[str]) -> pd.DataFrame:
    """The learner that was looked at, updates, stored numbers and seconds per set: one row per method, columns per budget."""
    rows = table[table.method.isin(methods) & table.budget.isin(list(budgets))].drop_duplicates(["method", "budget"])
    wide = rows.pivot_table(index="method", columns="budget", values=["stored_numbers", "seconds"]).loc[list(methods)]
    stored = pd.DataFrame({f"stored numbers, {m} points": wide["stored_numbers", m].astype(int) for m in budgets})
    seconds = pd.DataFrame({f"seconds, {m} points": wide["seconds", m].round(2) for m in budgets})
    about = rows.drop_duplicates("method").set_index("method").loc[list(methods)]
    made_for = about.made_for.rename("made with").where(~about.index.isin(TASK_FREE), "–")
    return pd.concat([made_for, about.updates, stored, seconds], axis=1).rename(index=label)
