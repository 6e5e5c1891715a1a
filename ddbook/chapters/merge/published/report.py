"""What chapter 05 reports: the published figures, the tables, and the numbers that its sentences quote."""

from __future__ import annotations

from dataclasses import replace

import numpy as np
import pandas as pd

from ddbook.chapters.merge.published.data import GENERATORS
from ddbook.chapters.merge.published.experiment import DIRECTIONS, PUBLISHED_EPOCHS, algorithm_1
from ddbook.kit import looks
from ddbook.kit.scores import Score, interval_name, quoted_median, shown
from ddlib.statistics import Number, quoted

PUBLISHED_LL = {
    2: {
        "clean_subset": {10: -58_085, 20: -42_319, 50: -38_385, 100: -36_561},
        "zeroth_order": {10: -43_300, 20: -39_786, 50: -37_756, 100: -36_338},
    },
    10: {
        "clean_subset": {10: -232_777, 20: -180_135, 50: -162_529, 100: -155_691},
        "zeroth_order": {10: -178_320, 20: -156_529, 50: -154_272, 100: -154_571},
    },
}
"""Total log-likelihood of 1000 test rows, one seed, no error bars: Figures 2 to 4."""
PUBLISHED_CLEAN_ALL = {2: -35_210, 10: -151_192}
"""The same for all 1000 clean rows."""
TRUTH_ON_RELEASED, EM_ON_RELEASED = -34_686, -35_403
"""What the true generator and EM for a joint Gaussian score on the released rows of two slices: measured for this project."""
WHOLE = ("truth", "em", "clean_all", "clean_all_bic")
"""Rows that have no budget."""
NATS = "nats in 1000 rows"


def score(slices: int, generator: str, method: str, budget: int = 0) -> Score:
    """The median test log-likelihood over seeds; rows without a budget are at every one."""
    rows = {"slices": slices, "generator": generator, "method": method}
    return Score("test_ll", rows if method in WHOLE else rows | {"budget": budget}, statistic="median")


def published(slices: int, method: str, budget: int) -> int | None:
    """The published figure for a row of the table, if there is one."""
    if slices == 2 and method in ("truth", "em"):
        return TRUTH_ON_RELEASED if method == "truth" else EM_ON_RELEASED
    if method == "clean_all":
        return PUBLISHED_CLEAN_ALL[slices]
    return PUBLISHED_LL[slices].get(method, {}).get(budget)


def comparison(scores: pd.DataFrame, slices: int) -> pd.DataFrame:
    """Their figure and ours: one row per method and budget, one column per generator."""
    part = scores[scores.slices == slices]
    lines = {}
    for method, budget in dict.fromkeys(zip(part.method, part.budget, strict=True)):
        theirs = published(slices, method, budget)
        line = {"published, one seed": "–" if theirs is None else f"{theirs:,}"}
        cells = {g: shown(score(slices, g, method, budget).evaluate(scores), ",.0f") for g in GENERATORS}
        lines[method, budget or "–"] = line | cells
    table = pd.DataFrame.from_dict(lines, orient="index")
    labelled = [(looks.label(method), budget) for method, budget in lines]
    table.index = pd.MultiIndex.from_tuples(labelled, names=["", "IPC"])
    seeds = part.seed.nunique()
    ours = {g: f"{g}: median ({interval_name(seeds)} of {seeds} seeds)" for g in GENERATORS}
    return table.rename(columns=ours)


def protocol(runs: list[tuple[int, int, int]], seeds: int) -> pd.DataFrame:
    """What was run: one row per number of slices and budget, epochs beside the published ones.

    Args:
        runs: slices, budget and epochs of each run.
        seeds: per generator.
    """
    rows = []
    for slices, budget, epochs in runs:
        method = algorithm_1(budget, slices)
        full = 1200 if (slices, budget) == (10, 100) else PUBLISHED_EPOCHS[budget]
        searches = epochs * (DIRECTIONS + 1) * seeds * len(GENERATORS)
        rows.append((slices, budget, epochs, full, method.sigma, method.lr, seeds, searches))
    heads = ["slices", "IPC", "epochs here", "epochs published", "σ", "step size", "seeds per generator", "networks learned"]
    return pd.DataFrame(rows, columns=heads)


def numbers(scores: pd.DataFrame, budgets: list[int], long_budgets: list[int]) -> dict[str, Number]:
    """What the chapter's sentences quote: medians over seeds, published figures, paired differences, run times."""
    found = {"seeds": Number(scores.seed.nunique())}
    for slices, prefix, ends in ((2, "", budgets), (10, "long_", long_budgets)):
        for generator in GENERATORS:
            for method in WHOLE[:3]:
                found[f"{prefix}{method}_{generator}"] = quoted_median(score(slices, generator, method).evaluate(scores), NATS)
        found[f"{prefix}published_clean_all"] = Number(PUBLISHED_CLEAN_ALL[slices])
        for end, budget in (("smallest", min(ends)), ("largest", max(ends))):
            found |= {f"{prefix}{name}_{end}": number for name, number in _at(scores, slices, budget).items()}
        found[f"{prefix}seconds"] = Number(_seconds(scores, slices), unit="s")
    found["em_wins_released"] = Number(_share_of_em(scores, budgets))
    return found


def _at(scores: pd.DataFrame, slices: int, budget: int) -> dict[str, Number]:
    """What is said of one budget."""
    row = scores[(scores.slices == slices) & (scores.method == "zeroth_order") & (scores.budget == budget)].iloc[0]
    found = {"ipc": Number(budget), "epochs": Number(int(row.epochs)), "published_epochs": Number(PUBLISHED_EPOCHS[budget])}
    for method in ("clean_subset", "zeroth_order"):
        found[f"published_{method}"] = Number(float(PUBLISHED_LL[slices][method][budget]))
    for generator in GENERATORS:
        for method in ("start", "clean_subset", "clean_subset_bic", "zeroth_order"):
            found[f"{method}_{generator}"] = quoted_median(score(slices, generator, method, budget).evaluate(scores), NATS)
        ours = score(slices, generator, "zeroth_order", budget)
        for other in ("clean_subset", "start", "em"):
            gain = replace(ours, minus=score(slices, generator, other, budget).rows, statistic="mean")
            found[f"gain_over_{other}_{generator}"] = quoted(gain.evaluate(scores), NATS)
    return found


def _seconds(scores: pd.DataFrame, slices: int) -> float:
    part = scores[(scores.slices == slices) & (scores.method == "zeroth_order")]
    return float(part.groupby("budget").seconds.first().sum())


def _share_of_em(scores: pd.DataFrame, budgets: list[int]) -> float:
    """Of all distilled sets of two slices from the released generator, the share that EM on the same sources beats."""
    em = score(2, "released", "em")
    gains = (replace(em, minus=score(2, "released", "zeroth_order", budget).rows).values(scores) for budget in budgets)
    return float(np.mean([gain > 0 for gain in gains]))


def defect_numbers(weights: pd.DataFrame) -> dict[str, Number]:
    """Slope of estimated on declared weights, through the origin, and the largest estimate, per generator and part."""
    found = {}
    for (generator, part), rows in weights.groupby(["generator", "part"]):
        name = f"{str(part).replace(' ', '_')}_{generator}"
        found[f"slope_{name}"] = Number(float((rows.declared * rows.estimated).sum() / (rows.declared**2).sum()))
        found[f"largest_estimate_{name}"] = Number(float(rows.estimated.abs().max()))
        found[f"smallest_declared_{name}"] = Number(float(rows.declared.abs().min()))
    return found
