"""What chapter 04 reports of its scores: tables, and the numbers that its sentences quote."""

from __future__ import annotations

from collections.abc import Callable

import numpy as np
import pandas as pd
import torch

from ddbook.kit.merge.finite import effective_trajectories
from ddlib.dbn.model.network import Graph
from ddlib.statistics import Number, estimate, median_coverage, paired_difference, quoted

METHODS = ("first_order", "first_order_loo", "zeroth_order")
WHOLE = ("truth", "em", "clean_all")
"""Rows that have no budget."""
NATS = "nats per trajectory"
PAIRS = (("first_order", "clean_subset"), ("first_order", "zeroth_order"), ("zeroth_order", "clean_subset"))
"""Which methods the sentences compare."""


def values(scores: pd.DataFrame, method: str, budget: int, column: str = "regret") -> np.ndarray:
    """A method's scores at a budget, one number per network in the order of the seeds; rows without a budget are at every one."""
    part = scores[scores.method == method]
    if method not in WHOLE:
        part = part[part.budget == budget]
    return part.sort_values("seed")[column].to_numpy()


def ratio_to_em(scores: pd.DataFrame, method: str, budget: int) -> np.ndarray:
    """A method's regret over EM's on the same network, one number per network."""
    return values(scores, method, budget) / values(scores, "em", budget)


def interval_name(networks: int) -> str:
    """What stands between the brackets after a median: fewer than six networks give their range, not a 95 % interval."""
    return "95 % interval" if median_coverage(networks) >= 0.95 else "range"


def _table(scores: pd.DataFrame, methods: list[str], budgets: list[int], of: Callable[[str, int], np.ndarray]) -> pd.DataFrame:
    def cell(found: np.ndarray) -> str:
        if not found.size:
            return "–"
        middle = estimate(found, "median")
        return f"{middle.value:.3g}" + (f" ({middle.low:.3g}–{middle.high:.3g})" if middle.n > 1 else "")

    rows = {method: {f"IPC {budget}": cell(of(method, budget)) for budget in budgets} for method in methods}
    return pd.DataFrame(rows).T


def summary(scores: pd.DataFrame, budgets: list[int]) -> pd.DataFrame:
    """Median regret with the interval that its heading names, one row per method and one column per budget."""
    networks = scores.seed.nunique()
    table = _table(scores, list(scores.method.unique()), budgets, lambda method, budget: values(scores, method, budget))
    return table.rename_axis(f"regret, {NATS}: median ({interval_name(networks)} of {networks} networks)")


def clean_worth(scores: pd.DataFrame, budgets: list[int], graph: Graph, slices: int) -> pd.Series:
    """How many complete, clean trajectories leave each method's regret at the largest budget on average: medians over networks.

    Solved from the finite-n form (:func:`ddbook.kit.merge.finite.effective_trajectories`); a dash where there is no regret or no
    score.
    """
    largest = max(budgets)

    def cell(method: str) -> str:
        found = torch.tensor(values(scores, method, largest), device=graph.first.device)
        worth = float(effective_trajectories(graph, found, slices).median()) if len(found) else np.inf
        return f"{worth:,.0f}" if np.isfinite(worth) else "–"

    methods = list(scores.method.unique())
    return pd.Series([cell(method) for method in methods], index=methods, name=f"worth in clean patients, IPC {largest}")


def ratios(scores: pd.DataFrame, budgets: list[int]) -> pd.DataFrame:
    """Median over networks of each method's regret over EM's, one row per method and one column per budget."""
    networks = scores.seed.nunique()
    table = _table(scores, list(METHODS), budgets, lambda method, budget: ratio_to_em(scores, method, budget))
    return table.rename_axis(f"regret over EM's: median ({interval_name(networks)} of {networks} networks)")


def _median(found: np.ndarray, unit: str = "") -> Number:
    """A median, with an interval only where it is one of 95 %."""
    middle = estimate(found, "median")
    if middle.n > 1 and median_coverage(middle.n) >= 0.95:
        return quoted(middle, unit)
    return Number(middle.value, n=middle.n, unit=unit)


def numbers(scores: pd.DataFrame, budgets: list[int]) -> dict[str, Number]:
    """What the chapter's sentences quote: medians over networks of regret and of its ratio to EM's, differences, seconds, sizes."""
    found = {name: Number(value) for name, value in _sizes(scores).items()}
    for method in ("em", "clean_all"):
        found[f"{method}_regret"] = _median(values(scores, method, 0), NATS)
    for method in METHODS:
        each = {budget: ratio_to_em(scores, method, budget) for budget in budgets}
        found[f"{method}_worst_median_ratio"] = Number(max(float(np.median(ratio)) for ratio in each.values()))
        found[f"{method}_worst_ratio"] = Number(max(float(ratio.max()) for ratio in each.values()))
        part = scores[(scores.method == method) & (scores.seed == 0)]
        found[f"{method}_seconds"] = Number(float(part.seconds.sum()), unit="s")
    found["em_seconds"] = Number(float(values(scores, "em", 0, "seconds")[0]), unit="s")
    found["lowest_risk_minus_em"] = Number(_lowest_risk(scores, budgets), unit=NATS)
    for budget in budgets:
        found |= _at(scores, budget, f"ipc{budget}")
    for end, budget in (("smallest", min(budgets)), ("largest", max(budgets))):
        found |= _at(scores, budget, end) | _ends(scores, budget, end)
    return found


def _at(scores: pd.DataFrame, budget: int, name: str) -> dict[str, Number]:
    """Regrets and ratios at one budget, under the name of the budget."""
    found = {f"{method}_regret_{name}": _median(values(scores, method, budget), NATS) for method in (*METHODS, "clean_subset")}
    return found | {f"{method}_ratio_{name}": _median(ratio_to_em(scores, method, budget)) for method in METHODS}


def _ends(scores: pd.DataFrame, budget: int, end: str) -> dict[str, Number]:
    """What is said only of the smallest and the largest budget."""
    found = {f"ipc_{end}": Number(budget), f"stored_{end}": Number(int(values(scores, "first_order", budget, "stored_numbers")[0]))}
    for ours, theirs in PAIRS:
        difference = paired_difference(values(scores, ours, budget), values(scores, theirs, budget))
        found[f"{ours}_minus_{theirs}_{end}"] = quoted(difference, NATS)
    clean, best = values(scores, "clean_all", budget), values(scores, "clean_all", budget, "test_ll")
    for method in (*METHODS, "clean_subset"):
        found[f"{method}_over_clean_all_{end}"] = _median(values(scores, method, budget) / clean)
        shortfall = (best - values(scores, method, budget, "test_ll")) / np.abs(best)
        found[f"{method}_ll_shortfall_{end}"] = _median(shortfall)
    return found


def _lowest_risk(scores: pd.DataFrame, budgets: list[int]) -> float:
    """The lowest training risk of any distilled set minus EM's on the same network: negative only by EM's tolerance."""
    optimum = values(scores, "em", 0, "train_risk")
    return min(float((values(scores, method, b, "train_risk") - optimum).min()) for method in METHODS for b in budgets)


def _sizes(scores: pd.DataFrame) -> dict[str, int]:
    return {
        "networks": scores.seed.nunique(),
        "stored_sources": int(values(scores, "em", 0, "stored_numbers")[0]),
        "limit_trajectories": int(scores[scores.method == "limit"].budget.min()),
    }
