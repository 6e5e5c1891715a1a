"""Tables and numbers of the digits chapter."""

from __future__ import annotations

import re
from collections.abc import Sequence
from dataclasses import replace

import numpy as np
import pandas as pd
import torch
from numpy.typing import ArrayLike

from ddbook.chapters.digits.experiment import TASK_FREE
from ddbook.kit.scores import Score
from ddlib.settings import settings_last
from ddlib.statistics import Number, estimate, quoted
from ddlib.trial import efficiency


def slug(name: str) -> str:
    """A learner's name as part of a number's name.

    >>> slug("kernel ridge, RBF")
    'kernel_ridge_rbf'
    """
    return re.sub(r"[^a-z0-9]+", "_", name.lower()).strip("_")


def with_efficiency(table: pd.DataFrame) -> pd.DataFrame:
    """The table of :func:`ddlib.trial.transfer_table` with a column for accuracy and one for efficiency on the same seed.

    Not a number where random rows did as well as all the data on that seed. The columns of settings stay the last.
    """
    keys = ["learner", "seed"]
    full = table[table.method == "full"].set_index(keys).risk
    random = table[table.method == "random"].set_index(["budget", *keys]).risk
    rest = table[table.method != "full"]
    base = random.loc[rest.set_index(["budget", *keys]).index].to_numpy()
    top = full.loc[rest.set_index(keys).index].to_numpy()
    gains = np.full(len(rest), np.nan)
    can = base > top
    columns = (torch.as_tensor(values[can]) for values in (rest.risk.to_numpy(), base, top))
    gains[can] = efficiency(*columns).numpy()
    return settings_last(table.assign(accuracy=1 - table.risk, efficiency=pd.Series(gains, rest.index)))


def accuracy(method: str, budget: int, learner: str) -> Score:
    """Mean accuracy over seeds."""
    return Score("accuracy", {"method": method, "budget": budget, "learner": learner})


def numbers(table: pd.DataFrame, budgets: Sequence[int], methods: Sequence[str], learners: Sequence[str]) -> dict[str, Number]:
    """Accuracies, differences to k-means, winners and costs at the smallest and the largest budget."""
    found: dict[str, Number] = {}
    top = int(table[table.method == "full"].budget.iloc[0])
    for learner in learners:
        found[f"full_{slug(learner)}"] = quoted(accuracy("full", top, learner).evaluate(table))
    for place, budget in (("small", min(budgets)), ("large", max(budgets))):
        found[f"budget_{place}"] = Number(budget)
        for method in methods:
            cost = table.query("method == @method and budget == @budget").iloc[0]
            found[f"stored_{method}_{place}"] = Number(float(cost.stored_numbers))
            found[f"seconds_{method}_{place}"] = Number(float(cost.seconds), unit="s")
            for learner in learners:
                ours = accuracy(method, budget, learner)
                gain = replace(ours, minus=accuracy("k_means", budget, learner).rows)
                found[f"{method}_{slug(learner)}_{place}"] = quoted(ours.evaluate(table))
                found[f"{method}_minus_k_means_{slug(learner)}_{place}"] = quoted(gain.evaluate(table))
        wins = winners(table, budget, methods, learners)
        found[f"winners_{place}"] = Number(wins.nunique())
        worst = worst_rank(table, budget, methods, learners)
        for method in methods:
            found[f"worst_rank_{method}_{place}"] = Number(float(worst[method]))
    return found


def means(
    table: pd.DataFrame, budget: int, methods: Sequence[str], learners: Sequence[str], column: str = "accuracy"
) -> pd.DataFrame:
    """Means over seeds: one row per method, one column per learner.

    To twelve decimals: sums of the same numbers in another order differ by rounding, and that must not break a tie.
    """
    rows = table[(table.budget == budget) & table.method.isin(methods)]
    return rows.pivot_table(index="method", columns="learner", values=column).loc[list(methods), list(learners)].round(12)


def winners(table: pd.DataFrame, budget: int, methods: Sequence[str], learners: Sequence[str]) -> pd.Series:
    """The method of the highest mean accuracy for each learner, the first of them where several tie."""
    return means(table, budget, methods, learners).idxmax()


def worst_rank(table: pd.DataFrame, budget: int, methods: Sequence[str], learners: Sequence[str]) -> pd.Series:
    """For each method the worst of its ranks over the learners, 1 for the best; methods that tie share the better rank."""
    return means(table, budget, methods, learners).rank(ascending=False, method="min").max(axis=1)


def interval(values: ArrayLike) -> Number:
    """A mean over seeds with its interval."""
    return quoted(estimate(values))


def interval_numbers(table: pd.DataFrame, budget: int) -> dict[str, Number]:
    """Error, coverage and score of each method at one budget, and what separates the two first-order sets."""
    found = {"interval_budget": Number(budget), "exact_points": Number(int(table[table.method == "exact"].budget.iloc[0]))}
    chosen = table[(table.budget == budget) | table.method.isin(["full", "exact", "exact_unweighted"])]
    for method, rows in chosen.groupby("method"):
        for column in ("rmse", "coverage", "score"):
            found[f"{column}_{method}"] = interval(rows[column])
    squared, by_interval = ({"method": f"first_order_{name}", "budget": budget} for name in ("squared", "interval"))
    for column in ("rmse", "score"):
        found[f"{column}_difference"] = quoted(Score(column, squared, minus=by_interval).evaluate(table))
    return found


def costs(table: pd.DataFrame, budgets: Sequence[int], methods: Sequence[str]) -> pd.DataFrame:
    """The learner that was looked at, stored numbers and seconds per set: one row per method, columns per budget."""
    rows = table[table.method.isin(methods) & table.budget.isin(list(budgets))].drop_duplicates(["method", "budget"])
    wide = rows.pivot_table(index="method", columns="budget", values=["stored_numbers", "seconds"]).loc[list(methods)]
    stored = pd.DataFrame({f"stored numbers, {m} points": wide["stored_numbers", m].astype(int) for m in budgets})
    seconds = pd.DataFrame({f"seconds, {m} points": wide["seconds", m].round(2) for m in budgets})
    made_for = rows.drop_duplicates("method").set_index("method").made_for.loc[list(methods)].rename("made with")
    made_for = made_for.where(~made_for.index.isin(TASK_FREE), "–")
    return pd.concat([made_for, stored, seconds], axis=1)
