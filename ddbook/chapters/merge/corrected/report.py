"""What chapter 04 reports of its scores: tables, and the numbers that its sentences quote."""

from __future__ import annotations

from collections.abc import Callable, Iterable
from dataclasses import replace

import numpy as np
import pandas as pd
import torch

from ddbook.kit.merge.finite import effective_trajectories
from ddbook.kit.scores import Score, grid, interval_name, quoted_median, shown
from ddlib.dbn.model.network import Graph
from ddlib.statistics import Number, estimate, quoted

METHODS = ("first_order", "first_order_loo", "zeroth_order")
WHOLE = ("truth", "em", "clean_all")
"""Rows that have no budget."""
NATS = "nats per trajectory"
PAIRS = (("first_order", "clean_subset"), ("first_order", "zeroth_order"), ("zeroth_order", "clean_subset"))
"""Which methods the sentences compare."""


def rows(method: str, budget: int) -> dict[str, str | int]:
    """A method's rows at a budget; rows without a budget are at every one."""
    return {"method": method} if method in WHOLE else {"method": method, "budget": budget}


def score(method: str, budget: int, column: str = "regret") -> Score:
    """A method's median over networks at a budget."""
    return Score(column, rows(method, budget), statistic="median")


def ratio_to_em(method: str, budget: int) -> Score:
    """The median over networks of a method's regret over EM's on the same network."""
    return replace(score(method, budget), over=rows("em", budget))


def _table(scores: pd.DataFrame, methods: Iterable[str], budgets: list[int], of: Callable[[str, int], Score]) -> pd.DataFrame:
    columns = {f"IPC {budget}": budget for budget in budgets}
    return grid(methods, columns, lambda method, budget: shown(of(method, budget).evaluate(scores), between="–"))


def summary(scores: pd.DataFrame, budgets: list[int]) -> pd.DataFrame:
    """Median regret with the interval that its heading names, one row per method and one column per budget."""
    networks = scores.seed.nunique()
    table = _table(scores, scores.method.unique(), budgets, score)
    return table.rename_axis(f"regret, {NATS}: median ({interval_name(networks)} of {networks} networks)")


def clean_worth(scores: pd.DataFrame, budgets: list[int], graph: Graph, slices: int) -> pd.Series:
    """How many complete, clean trajectories leave each method's regret at the largest budget on average: medians over networks.

    Solved from the finite-n form (:func:`ddbook.kit.merge.finite.effective_trajectories`); a dash where there is no regret or no
    score.
    """
    largest = max(budgets)

    def worth(method: str, budget: int) -> str:
        regrets = torch.tensor(score(method, budget).values(scores).to_numpy(), device=graph.first.device)
        trajectories = float(effective_trajectories(graph, regrets, slices).median())
        return f"{trajectories:,.0f}" if np.isfinite(trajectories) else "–"

    name = f"worth in clean patients, IPC {largest}"
    return grid(scores.method.unique(), {name: largest}, worth)[name]


def ratios(scores: pd.DataFrame, budgets: list[int]) -> pd.DataFrame:
    """Median over networks of each method's regret over EM's, one row per method and one column per budget."""
    networks = scores.seed.nunique()
    table = _table(scores, METHODS, budgets, ratio_to_em)
    return table.rename_axis(f"regret over EM's: median ({interval_name(networks)} of {networks} networks)")


def numbers(scores: pd.DataFrame, budgets: list[int]) -> dict[str, Number]:
    """What the chapter's sentences quote: medians over networks of regret and of its ratio to EM's, differences, seconds, sizes."""
    found = {name: Number(value) for name, value in _sizes(scores).items()}
    for method in ("em", "clean_all"):
        found[f"{method}_regret"] = quoted_median(score(method, 0).evaluate(scores), NATS)
    for method in METHODS:
        each = [ratio_to_em(method, budget) for budget in budgets]
        found[f"{method}_worst_median_ratio"] = Number(max(ratio.evaluate(scores).value for ratio in each))
        found[f"{method}_worst_ratio"] = Number(max(float(ratio.values(scores).max()) for ratio in each))
        part = scores[(scores.method == method) & (scores.seed == 0)]
        found[f"{method}_seconds"] = Number(float(part.seconds.sum()), unit="s")
    found["em_seconds"] = Number(_first(scores, "em", 0, "seconds"), unit="s")
    found["lowest_risk_minus_em"] = Number(_lowest_risk(scores, budgets), unit=NATS)
    for budget in budgets:
        found |= _at(scores, budget, f"ipc{budget}")
    for end, budget in (("smallest", min(budgets)), ("largest", max(budgets))):
        found |= _at(scores, budget, end) | _ends(scores, budget, end)
    return found


def _at(scores: pd.DataFrame, budget: int, name: str) -> dict[str, Number]:
    """Regrets and ratios at one budget, under the name of the budget."""
    regrets = {f"{method}_regret_{name}": score(method, budget).evaluate(scores) for method in (*METHODS, "clean_subset")}
    over_em = {f"{method}_ratio_{name}": ratio_to_em(method, budget).evaluate(scores) for method in METHODS}
    found = {key: quoted_median(regret, NATS) for key, regret in regrets.items()}
    return found | {key: quoted_median(ratio) for key, ratio in over_em.items()}


def _ends(scores: pd.DataFrame, budget: int, end: str) -> dict[str, Number]:
    """What is said only of the smallest and the largest budget."""
    stored = int(_first(scores, "first_order", budget, "stored_numbers"))
    found = {f"ipc_{end}": Number(budget), f"stored_{end}": Number(stored)}
    for ours, theirs in PAIRS:
        difference = Score("regret", rows(ours, budget), minus=rows(theirs, budget))
        found[f"{ours}_minus_{theirs}_{end}"] = quoted(difference.evaluate(scores), NATS)
    best = score("clean_all", budget, "test_ll").values(scores)
    for method in (*METHODS, "clean_subset"):
        over_clean = replace(score(method, budget), over=rows("clean_all", budget))
        found[f"{method}_over_clean_all_{end}"] = quoted_median(over_clean.evaluate(scores))
        shortfall = (best - score(method, budget, "test_ll").values(scores)) / best.abs()
        found[f"{method}_ll_shortfall_{end}"] = quoted_median(estimate(shortfall, "median"))
    return found


def _lowest_risk(scores: pd.DataFrame, budgets: list[int]) -> float:
    """The lowest training risk of any distilled set minus EM's on the same network: negative only by EM's tolerance."""
    above = (Score("train_risk", rows(method, budget), minus=rows("em", budget)) for method in METHODS for budget in budgets)
    return min(float(difference.values(scores).min()) for difference in above)


def _first(scores: pd.DataFrame, method: str, budget: int, column: str) -> float:
    """A column on the first network."""
    return float(score(method, budget, column).values(scores).iloc[0])


def _sizes(scores: pd.DataFrame) -> dict[str, int]:
    return {
        "networks": scores.seed.nunique(),
        "stored_sources": int(_first(scores, "em", 0, "stored_numbers")),
        "limit_trajectories": int(scores[scores.method == "limit"].budget.min()),
    }
