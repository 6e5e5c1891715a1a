"""What chapter 10 says of its scores: tables, and the numbers that sentences quote."""

from __future__ import annotations

from collections.abc import Mapping, Sequence

import numpy as np
import pandas as pd

from ddbook.chapters.tails.published.experiment import Table
from ddbook.chapters.tails.published.plans import AUTHORS, Effort
from ddbook.kit import looks
from ddlib.statistics import Number, estimate, quoted

METHODS = (
    "random",
    "derivative_free",
    "screened",
    "averaged_search",
    "unrolled",
    "kernel_distillation",
    "kernel_matching",
    "sobol",
    "tensor_grid",
    "sobol_target",
)
"""The rows of the table, in their order."""
LETTERS = {"derivative_free": "a", "averaged_search": "a", "unrolled": "b", "kernel_distillation": "c", "kernel_matching": "d"}
"""By which the text of the chapter refers to them."""
REMARKS = {"unrolled": " in whole"}
"""What is particular to this chapter."""
SEARCHES = ("derivative_free", "averaged_search", "unrolled")  # drawn as curves
CHEATS = ("sobol_target", "floor")


def called(method: str) -> str:
    """How figures and tables of this chapter call a method."""
    return looks.label(method, LETTERS.get(method, ""), REMARKS.get(method, ""))


def values(scores: pd.DataFrame, method: str, points: int, column: str = "error") -> np.ndarray:
    """A method's final sets, each by the median of its networks, in the order of the sets."""
    finals = scores[(scores.method == method) & (scores.points == points) & scores.final]
    return finals.groupby("set")[column].median().sort_index().to_numpy(dtype=float)


def methods(scores: pd.DataFrame) -> list[str]:
    """The methods of a table, in the order of its rows."""
    return [name for name in METHODS if name in set(scores.method)]


def _present(scores: pd.DataFrame, points: int) -> list[str]:
    return [name for name in methods(scores) if values(scores, name, points).size]


def budgets(scores: pd.DataFrame) -> list[int]:
    """The numbers of points, the floor's left out."""
    return sorted(int(points) for points in scores[scores.method != "floor"].points.unique())


def floor(scores: pd.DataFrame) -> np.ndarray:
    """The learner's errors on exactly labelled Sobol points of the test's law."""
    return values(scores, "floor", int(scores[scores.method == "floor"].points.iloc[0]))


def cell(errors: np.ndarray) -> str:
    """Median, and its interval where there are several.

    >>> cell(np.array([0.1, 0.2, 0.3]))
    '0.2 (0.1 to 0.3)'
    """
    if not errors.size:
        return "–"
    middle = estimate(errors, "median")
    return f"{middle.value:.3g}" + (f" ({middle.low:.2g} to {middle.high:.2g})" if middle.n > 1 else "")


def chosen(scores: pd.DataFrame, points: int) -> str:
    """The method that a reader without the test would take: of the least median validation error, those that cheat left out."""
    legal = [name for name in _present(scores, points) if name not in CHEATS]
    return min(legal, key=lambda name: float(np.median(values(scores, name, points, "validation"))))


def error_table(scores: pd.DataFrame) -> pd.DataFrame:
    """Errors of all methods, one column for each number of points."""
    head = ["method", *(f"{points} points" for points in budgets(scores))]
    rows = [[called(name), *(cell(values(scores, name, points)) for points in budgets(scores))] for name in methods(scores)]
    rows.append(["chosen on validation rows", *(called(chosen(scores, points)) for points in budgets(scores))])
    return pd.DataFrame(rows, columns=pd.Index(head)).set_index("method")


def authors_table(scores: pd.DataFrame) -> pd.DataFrame:
    """The authors' figures beside ours."""
    rows = []
    for points in budgets(scores):
        theirs, best = AUTHORS[points], chosen(scores, points)
        ours = [cell(values(scores, name, points)) for name in ("random", "derivative_free", best)]
        rows.append([str(points), f"{theirs.random:g}", ours[0], f"{theirs.distilled:g}", *ours[1:], called(best)])
    head = ["points", "random, authors", "random, ours", "distilled, authors", "(a), ours", "chosen, ours", "namely"]
    return pd.DataFrame(rows, columns=pd.Index(head)).set_index("points")


def cost_table(table: Table) -> pd.DataFrame:
    """Seconds of work for one set, by method and number of points."""
    scores = table.scores[table.scores.final]
    rows = [[called(name), *(_seconds(scores, name, points) for points in budgets(scores))] for name in methods(scores)]
    rows.append(["one inner training alone", *(f"{table.seconds[points]:.2g}" for points in budgets(scores))])
    head = ["seconds for one set", *(f"{points} points" for points in budgets(scores))]
    return pd.DataFrame(rows, columns=pd.Index(head)).set_index(head[0])


def interval_note(replicates: int, networks: int) -> str:
    """What the brackets of the tables and the bars of the figures are."""
    what = f"Each set by the median of {networks} freshly trained networks."
    if replicates < 2:
        return f"{what} One draw of the data: no interval."
    kind = "their range" if replicates < 6 else "95 % intervals"
    return f"{what} Medians over {replicates} draws of the data, each with a set of its own, with {kind}."


def _seconds(scores: pd.DataFrame, method: str, points: int) -> str:
    rows = scores[(scores.method == method) & (scores.points == points)]
    return f"{float(rows.seconds.median()):.2g}" if len(rows) else "–"


def numbers(tables: Mapping[str, Table], effort: Effort) -> dict[str, Number]:
    """Errors, counts and ratios for the prose."""
    entries: dict[str, Number] = {}
    for law, table in tables.items():
        scores, sizes = table.scores, budgets(table.scores)
        for points in sizes:
            for name in _present(scores, points):
                entries[f"{law}_{name}_{points}"] = quoted(estimate(values(scores, name, points), "median"))
            best = values(scores, chosen(scores, points), points)
            entries[f"{law}_chosen_{points}"] = quoted(estimate(best, "median"))
        entries[f"{law}_floor"] = quoted(estimate(floor(scores), "median"))
        entries |= {f"{law}_{name}": value for name, value in _counts(scores, sizes).items()}
    return entries | _authors(tables["release"], effort)


def _counts(scores: pd.DataFrame, sizes: Sequence[int]) -> dict[str, Number]:
    """How often methods are better than random subsets of the same data, over sizes and draws, and the extremes."""
    pairs = {"search": "derivative_free", "grid": "tensor_grid", "screened": "screened"}
    entries = {}
    for name, ours in pairs.items():
        wins = [values(scores, ours, points) < values(scores, "random", points) for points in sizes if _both(scores, ours, points)]
        entries[f"{name}_wins"] = Number(int(sum(of_size.sum() for of_size in wins)))
    entries["pairs"] = Number(int(sum(values(scores, "random", points).size for points in sizes)))
    middles = [float(np.median(values(scores, chosen(scores, points), points))) for points in sizes]
    entries |= {"chosen_least": Number(min(middles)), "chosen_most": Number(max(middles))}
    return entries


def _both(scores: pd.DataFrame, ours: str, points: int) -> bool:
    return values(scores, ours, points).size == values(scores, "random", points).size > 0


def _authors(table: Table, effort: Effort) -> dict[str, Number]:
    """Against the authors' figures and this study's goals, on the release's law."""
    scores, sizes = table.scores, budgets(table.scores)
    middle = {
        (name, points): float(np.median(values(scores, name, points))) for points in sizes for name in _present(scores, points)
    }
    best = {points: middle[chosen(scores, points), points] for points in sizes}
    theirs = {points: AUTHORS[points].distilled for points in sizes}

    def below(*names: str) -> Number:
        """At how many sizes one of these methods is below the authors' figure."""
        return Number(sum(any(middle.get((name, points), np.inf) < theirs[points] for name in names) for points in sizes))

    gaps = [float(values(scores, "random", points).max() - values(scores, "random", points).min()) for points in sizes]
    gains = [AUTHORS[points].random - AUTHORS[points].distilled for points in sizes]
    lines = [middle[name, points] for name in ("sobol", "tensor_grid") for points in sizes if (name, points) in middle]
    return {
        "sizes": Number(len(sizes)),
        "search_below_authors": below("derivative_free"),
        "screened_below_authors": below("screened"),
        "chosen_below_authors": Number(sum(best[points] < theirs[points] for points in sizes)),
        "chosen_below_floor": Number(sum(best[points] < float(np.median(floor(scores))) for points in sizes)),
        "goals_met": Number(sum(best[points] <= AUTHORS[points].goal for points in sizes)),
        "spread_exceeds": Number(sum(gap > gain for gap, gain in zip(gaps, gains, strict=True))),
        "design_least": Number(min(lines) if lines else float("nan")),
        "share": Number(effort.share),
        "screen": Number(effort.screen),
        "factor": Number(effort.factor),
        "updates": Number(effort.updates),
        "unrolled": Number(effort.unrolled),
        "networks": Number(effort.networks),
        "alone_least": Number(min(table.seconds.values()), unit="s"),
        "alone_most": Number(max(table.seconds.values()), unit="s"),
        **{f"goal_{points}": Number(AUTHORS[points].goal) for points in sizes},
    }
