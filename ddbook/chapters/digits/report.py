"""Tables and numbers of the digits chapter."""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping, Sequence
from itertools import product
from typing import Any

import numpy as np
import pandas as pd
from jaxtyping import Float
from numpy.typing import ArrayLike
from scipy import stats

from ddbook.chapters.digits.chosen import TASK_FREE
from ddbook.chapters.digits.judge import matrix
from ddbook.kit.looks import label
from ddlib.statistics import Estimate, Number, best_set, contrast, crossed, estimate, holm, paired_difference, quoted

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
    """Accuracy above that of k-means for each learner, as shares: at a method's ``home``, and for every other learner.

    ``settled`` says that the difference from zero holds beside those of the method's other learners (two-sided tests over draws and
    images with Holm's correction over the learners, error 5 %).
    """
    learners = list(dict.fromkeys(table.learner))
    rows = []
    for budget, method in product(budgets, methods):
        ahead = np.stack([right(table, method, budget, name) - right(table, BASE, budget, name) for name in learners])
        for name, values, settled in zip(learners, ahead, _settled(ahead), strict=True):
            about = {"method": method, "budget": budget, "learner": name, "home": name == own[method]}
            rows.append(about | crossed(values)._asdict() | {"settled": settled})
    return pd.DataFrame(rows)


def _settled(values: Float[np.ndarray, "rows draws units"], level: float = 0.05) -> list[bool]:
    """Whether the mean of each row differs from zero, after Holm's correction over the rows."""
    mean, error, freedom = contrast(values)
    sizes = np.divide(abs(mean), error, out=np.where(mean != 0, np.inf, 0.0), where=error > 0)
    return [bool(adjusted <= level) for adjusted in holm(2 * stats.t.sf(sizes, freedom))]


def numbers(
    table: pd.DataFrame, found: pd.DataFrame, carried: pd.DataFrame, budgets: Sequence[int], learners: Sequence[str]
) -> dict[str, Number]:
    """Accuracies, differences to k-means, tie sets, settled gains and losses away from home, at the smallest and largest budget.

    Args:
        table: image by image.
        found: its :func:`differences`.
        carried: its :func:`transfer`.
        budgets: of which the smallest and the largest are quoted.
        learners: by name.
    """
    every = {"full_error": quoted(_percent(crossed(1 - right(table, "full", all_rows(table), learners[0]))), "points")}
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
        others = carried[(carried.budget == budget) & carried.settled & ~carried.home]
        for method in carried.method.unique():
            signs = np.sign(others[others.method == method].value)
            every[f"{method}_gains_{place}"], every[f"{method}_losses_{place}"] = (Number(int((signs == s).sum())) for s in (1, -1))
        every |= _against(table, budget, learners[0], place)
    return every


def _against(table: pd.DataFrame, budget: int, learner: str, place: str) -> dict[str, Number]:
    """For one learner, in percentage points: three sets minus all the data, and learned points minus solved labels."""
    pairs = {f"{method}_minus_full": (method, "full") for method in (BASE, "solved_labels", "kernel_inducing_labels")}
    pairs["points_minus_labels"] = ("kernel_inducing", "solved_labels")
    found = {}
    for name, (ours, theirs) in pairs.items():
        size = all_rows(table) if theirs == "full" else budget
        gap = right(table, ours, budget, learner) - right(table, theirs, size, learner)
        found[f"{name}_{place}"] = quoted(_percent(crossed(gap)), "points")
    return found


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
    """Error, coverage and score of each set at one budget, what the beginning changes in those for the mean, and the task."""
    found = {"interval_budget": Number(budget), "exact_points": Number(int(table[table.method == "exact"].budget.iloc[0]))}
    for (method, begin), rows in chosen_sets(table, budget).groupby(["method", "begin"]):
        name = f"{method}_from_{begin}" if begin else str(method)
        for column in ("rmse", "score"):
            found[f"{column}_{name}"] = interval(rows[column])
        found[f"coverage_{name}"] = quoted(crossed(matrix(rows.sort_values("seed").covered)))
    rows = table[(table.method == "first_order_squared") & (table.budget == budget)].sort_values("seed")
    random, k_means = (rows[rows.begin == begin] for begin in ("random", "k_means"))
    for begin, mean in (("random", random), ("k_means", k_means)):
        named = table[(table.method == "first_order_interval") & (table.budget == budget) & (table.begin == begin)]
        found[f"score_difference_{begin}"] = quoted(paired_difference(named.sort_values("seed").score, mean.score))
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
    """The end of each arm at each step size: inside the loop and retrained, and what the warm start costs, there and early."""
    steps = sorted(curves.step.unique())
    found = {"trap_early": Number(int(steps[1]))}
    for place, size in zip(("small", "middle", "large"), sorted(curves.step_size.unique()), strict=True):
        found[f"trap_step_{place}"] = Number(float(size))
        for when, step in (("_early", steps[1]), ("", steps[-1])):
            here = curves[(curves.step_size == size) & (curves.step == step)].sort_values("seed")
            ends = {arm: rows for arm, rows in here.groupby("arm")}
            cost = crossed(matrix(ends["cold"].right) - matrix(ends["warm"].right))
            found[f"warm_costs_{place}{when}"] = quoted(_percent(cost), "points")
        for arm, rows in ends.items():
            found[f"{arm}_inside_{place}"] = interval(rows.inside)
            found[f"{arm}_retrained_{place}"] = quoted(crossed(matrix(rows.right)))
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
