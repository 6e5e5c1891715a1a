"""The pictures of chapter 05."""

from __future__ import annotations

from typing import Any

import numpy as np
import pandas as pd
from matplotlib.axes import Axes
from matplotlib.figure import Figure
from matplotlib.ticker import FuncFormatter

from ddbook.chapters.merge.published.data import GENERATORS
from ddbook.chapters.merge.published.report import published, score
from ddbook.kit import figures, looks
from ddbook.kit.overlay import NOT_OURS

LINES = ("clean_all", "em", "truth")
SETS = ("start", "clean_subset", "zeroth_order")
TITLES = {"released": "as released: no dynamics", "described": "as described: real dynamics"}
THEIRS = {method: f"published: {looks.label(method)}" for method in ("clean_subset", "zeroth_order")}
THOUSANDS = FuncFormatter(lambda value, _: f"{value / 1000:,.4g} k")


def draw_test_ll(scores: pd.DataFrame, slices: int, budgets: list[int]) -> Figure:
    """Figures 2 and 4: test log-likelihood against the number of distilled rows, one panel per generator.

    Medians with 95 % intervals (with fewer than six seeds: their range), and the published figures as diamonds. The axis ends below
    the lowest median; a longer bar leaves it.
    """
    figure, panels = figures.panels(columns=2, height=3.6)
    places = np.arange(len(budgets))
    for letter, axes, generator in zip("ab", panels, GENERATORS, strict=True):
        shown: list[float] = []
        for method in LINES:
            shown.append(score(slices, generator, method).evaluate(scores).value)
            _line(axes, method, shown[-1])
        for shift, method in zip((-0.08, 0.0, 0.08), SETS, strict=True):
            found = [score(slices, generator, method, budget).evaluate(scores) for budget in budgets]
            middle = [one.value for one in found]
            ends = np.nan_to_num([[one.value - one.low for one in found], [one.high - one.value for one in found]])
            axes.errorbar(places + shift, middle, ends, elinewidth=0.8, **looks.look(method))
            shown += middle
        if generator == "released":
            for shift, method in ((0.16, "clean_subset"), (0.24, "zeroth_order")):
                theirs = [float(published(slices, method, budget) or np.nan) for budget in budgets]
                _diamonds(axes, places + shift, theirs, method)
                shown += theirs
        margin = 0.12 * (max(shown) - min(shown))
        axes.set_ylim(min(shown) - margin, max(shown) + 0.5 * margin)
        axes.set_xticks(places, [str(budget) for budget in budgets])
        axes.set(title=f"({letter}) {TITLES[generator]}", xlabel="distilled rows (IPC)", xlim=(-0.4, len(budgets) - 0.6))
        axes.yaxis.set_major_formatter(THOUSANDS)
        axes.grid(axis="x", visible=False)
    panels[0].set_ylabel("log-likelihood of 1000 test rows")
    figures.legend_below(figure)
    return figure


def _line(axes: Axes, method: str, height: float) -> None:
    """A row of the table without a budget, or at one budget, as a horizontal line."""
    axes.axhline(height, **looks.line(method))


def _diamonds(axes: Axes, x: np.ndarray, y: list[float], method: str) -> None:
    """Published figures, in the colour of their method."""
    look: dict[str, Any] = {"color": looks.color(method), "label": THEIRS[method], "gid": NOT_OURS}
    axes.plot(x, y, "D", markersize=6, markerfacecolor="none", clip_on=False, zorder=5, **look)


def draw_curves(curves: pd.DataFrame, scores: pd.DataFrame, slices: int, budgets: list[int]) -> Figure:
    """Figure 3: test log-likelihood during distillation, one column per budget and one row per generator; medians and the range.

    The axis begins below the lowest median; a wider range leaves it. The published figures stand at the last epoch of this run.
    """
    figure, grid = figures.panels(columns=len(budgets), rows=2, height=2.3, squeeze=False)
    for row, generator in zip(grid, GENERATORS, strict=True):
        for axes, budget in zip(row, budgets, strict=True):
            part = curves[(curves.slices == slices) & (curves.generator == generator) & (curves.budget == budget)]
            path = part.groupby("step").test_ll.agg(["median", "min", "max"])
            look = looks.line("zeroth_order")
            axes.fill_between(path.index, path["min"], path["max"], color=look["color"], alpha=0.12, linewidth=0)
            axes.plot(path.index, path["median"], **look)
            shown = path["median"].tolist()
            for method in ("clean_subset", "clean_all", "em"):
                shown.append(score(slices, generator, method, budget).evaluate(scores).value)
                _line(axes, method, shown[-1])
            if generator == "released":
                for method in THEIRS:
                    shown.append(float(published(slices, method, budget) or np.nan))
                    _diamonds(axes, path.index.to_numpy()[-1:], shown[-1:], method)
            margin = 0.1 * (max(shown) - min(shown))
            axes.set_ylim(min(shown) - margin, max(shown) + margin)
            axes.set_title(f"IPC {budget}, {generator}")
            axes.yaxis.set_major_formatter(THOUSANDS)
        row[0].set_ylabel("test log-likelihood")
    for axes in grid[-1]:
        axes.set_xlabel("epoch")
    figures.legend_below(figure)
    return figure


def draw_defect(weights: pd.DataFrame) -> Figure:
    """Estimated against declared weights on the clean rows: on the diagonal where an edge is alive, at zero where it is not."""
    figure, panels = figures.panels(columns=2, height=3.3, sharex=True, sharey=True)
    parts = {
        "first slice": (looks.GREY, "o"),
        "later slice": (looks.BLUE, "s"),
        "between slices": (looks.VERMILION, "^"),
    }
    limits = [0.0, 1.05 * float(weights.declared.max())]
    for letter, axes, generator in zip("ab", panels, GENERATORS, strict=True):
        axes.plot(limits, limits, color=looks.BLACK, linewidth=0.8, linestyle=":", label="estimate = declared")
        for part, (color, marker) in parts.items():
            rows = weights[(weights.generator == generator) & (weights.part == part)]
            axes.plot(rows.declared, rows.estimated, marker, markersize=3.5, color=color, alpha=0.6, label=part)
        axes.set(title=f"({letter}) {TITLES[generator]}", xlabel="declared weight")
    panels[0].set_ylabel("estimate from the clean rows")
    figures.legend_below(figure, 4)
    return figure
