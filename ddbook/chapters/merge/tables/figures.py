"""The pictures of chapter 08."""

from __future__ import annotations

from typing import Any

import matplotlib.pyplot as plt
import numpy as np
import pandas as pd
from matplotlib.axes import Axes
from matplotlib.figure import Figure

from ddbook.chapters.merge.tables.accuracy import ERRORS
from ddbook.kit import figures, looks
from ddlib.merge.merging import Merged
from ddlib.statistics import estimate

SHOWN = 20
"""Patients of each hospital, and columns, that the first picture has room for."""
LEAST = 1e-12
"""The p-value at which a curve leaves its picture."""
NEVER: dict[str, Any] = {"fill": False, "hatch": "/////", "edgecolor": looks.GREY, "linewidth": 0}
"""What nobody measured."""
NAMES = {"clean_all": "all patients, complete", "limit": "ddlib merge", "available_case": "available-case moments"}
"""The ways of estimating, best first."""


def titled(figure: Figure, finding: str) -> Figure:
    """The figure with what it shows above its panels."""
    figure.suptitle(finding, x=0.01, ha="left", fontsize=10, fontweight="bold")
    return figure


def draw_overview(tables: dict[str, pd.DataFrame], merged: Merged) -> Figure:
    """Tables with gaps, the complete synthetic patients that they became, and which pairs of columns nobody has.

    Args:
        tables: of the hospitals.
        merged: their merge; the columns that change are shown.
    """
    columns = sorted(merged.columns)[:SHOWN]
    visits = merged.report["visits"]
    figure, (left, middle, right) = figures.panels(columns=3, height=3.1, width_ratios=[1, 1, 1])
    given = [_cells(table, columns, visits["id"]) for table in tables.values()]
    pooled = np.concatenate(given)
    centre, spread = np.nanmean(pooled, 0), np.nanstd(pooled, 0)
    gap = np.full((2, len(columns)), np.nan)
    parts = [part for cells in given for part in (cells[:SHOWN], gap)][:-1]
    image = (np.concatenate(parts) - centre) / spread
    ends = np.cumsum([0, *(len(part) for part in parts)])
    for start, part in zip(ends[::2], parts[::2], strict=False):
        for column in np.isnan(part).all(0).nonzero()[0]:
            left.add_patch(plt.Rectangle((column - 0.5, start - 0.5), 1, len(part), **NEVER))
    left.set_facecolor(figures.GRID)
    for end, start in zip(ends[1::2], ends[2::2], strict=False):
        left.axhspan(end - 0.5, start - 0.5, color="white")
    made = (_cells(merged.table, columns, visits["id"])[: len(image)] - centre) / spread
    for axes, cells in ((left, image), (middle, made)):
        axes.imshow(cells, cmap="RdBu_r", vmin=-2.5, vmax=2.5, aspect="auto", interpolation="nearest")
        axes.set_yticks([])
    middles = [start + len(part) / 2 - 0.5 for start, part in zip(ends[::2], parts[::2], strict=False)]
    left.set_yticks(middles, list(tables), rotation=90)
    left.tick_params(axis="y", labelsize=8)
    for label in left.get_yticklabels():
        label.set_verticalalignment("center")
    middle.set_ylabel("synthetic patients")
    left.set_title("(a) What was measured")
    middle.set_title("(b) What comes out")
    right.set_title("(c) Seen together")
    _draw_pairs(right, merged, columns)
    for axes in (left, middle, right):
        crowded = sum(map(len, columns)) > 20
        axes.set_xticks(range(len(columns)), columns, fontsize=8, **({"rotation": 90} if crowded else {}))
        axes.grid(False)
        axes.tick_params(length=0)
        axes.spines[:].set_visible(False)
    return figure


def _cells(table: pd.DataFrame, columns: list[str], patient: str) -> np.ndarray:
    """First rows of patients, as numbers; not-a-number where there is none."""
    first = table.drop_duplicates(patient).reindex(columns=columns)
    return first.apply(pd.to_numeric, errors="coerce").to_numpy(float)


def _draw_pairs(axes: Axes, merged: Merged, columns: list[str]) -> None:
    """Correlations at the first visit, hatched where no patient has both."""
    place = [merged.columns.index(name) for name in columns]
    covariance = merged.law.covariance[0].numpy()[np.ix_(place, place)]
    spread = np.sqrt(covariance.diagonal())
    shown = covariance / np.outer(spread, spread)
    for pair in merged.report["never_together"]:
        if set(pair["columns"]) <= set(columns):
            i, j = (columns.index(name) for name in pair["columns"])
            for row, column in ((i, j), (j, i)):
                shown[row, column] = np.nan
                axes.add_patch(plt.Rectangle((column - 0.5, row - 0.5), 1, 1, **NEVER))
    axes.imshow(shown, cmap="RdBu_r", vmin=-1, vmax=1, aspect="auto", interpolation="nearest")
    axes.set_yticks(range(len(columns)), columns, fontsize=8)


def draw_effects(found: pd.DataFrame) -> Figure:
    """Offsets of hospitals, and means of visits: found against true.

    Args:
        found: as :func:`ddbook.chapters.merge.tables.accuracy.effects` makes it.
    """
    figure, panels = figures.panels(columns=2, height=2.7)
    for axes, of, name in zip(panels, ("hospital", "visit"), ("(a) Offsets of hospitals", "(b) Means of visits"), strict=True):
        rows = found[found.of == of]
        reach = 1.1 * float(rows[["truth", "found"]].abs().to_numpy().max())
        axes.plot([-reach, reach], [-reach, reach], color=looks.GREY, linewidth=0.8, zorder=1)
        axes.plot(rows.truth, rows.found, **looks.dots("limit") | {"label": None})
        axes.set(title=name, xlabel="true, in standard deviations", xlim=(-reach, reach), ylim=(-reach, reach))
    panels[0].set_ylabel("found by the merge")
    return figure


def draw_errors(errors: pd.DataFrame) -> Figure:
    """Errors of each way of estimating: a mark with its interval where hospitals differ, a tick where they are alike.

    Args:
        errors: rows of :func:`ddbook.chapters.merge.tables.accuracy.score`.
    """
    figure, panels = figures.panels(columns=3, height=1.9, sharey=True)
    for axes, (column, name) in zip(panels, ERRORS.items(), strict=True):
        for place, method in enumerate(NAMES):
            rows = errors[errors.method == method].sort_values("seed")
            differ, alike = (estimate(rows[rows.hospitals == kind][column].to_numpy()) for kind in ("differ", "alike"))
            color = looks.color(method)
            axes.plot([differ.low, differ.high], [place] * 2, color=color, linewidth=0.9)
            axes.plot([alike.value], [place], marker="|", markersize=13, markeredgewidth=1.6, color=color)
            axes.plot([differ.value], [place], **looks.dots(method) | {"label": None})
        axes.set_title(name[0].upper() + name[1:], fontsize=8)
        axes.set(xlim=(0, None), ylim=(len(NAMES) - 0.5, -0.5))
        axes.set_yticks(range(len(NAMES)), list(NAMES.values()))
    panels[1].set_xlabel("error, in standard deviations")
    return figure


def draw_bounds(halves: pd.DataFrame) -> Figure:
    """Bounds of each pair, the truth, and what is said of it, in the first halving that has the pair.

    Args:
        halves: rows of :func:`ddbook.chapters.merge.tables.halves.halve`.
    """
    merged = halves[halves.way == "merge"].drop_duplicates("pair").sort_values("truth")
    other = halves[halves.way == "one_visit"].set_index(["seed", "pair"]).said
    figure, axes = figures.panels(height=0.9 + 0.145 * len(merged))
    places = np.arange(len(merged))
    axes.axvline(0, color=looks.GREY, linewidth=0.8)
    axes.hlines(places, merged.low, merged.high, color=looks.BLUE, linewidth=0.9, label="bounds of the merge")
    for values, name, look in (
        (merged.said, "its convention", {"marker": "|", "markersize": 9, "markeredgewidth": 1.6, "color": looks.BLUE}),
        (other[list(zip(merged.seed, merged.pair, strict=True))], "one visit at a time", {"marker": "x", "color": looks.ORANGE}),
        (merged.truth, "truth", {"marker": "D", "markersize": 4, "color": looks.BLACK}),
    ):
        axes.plot(values, places, label=name, **look, linestyle="none", zorder=3)
    axes.set_yticks(range(len(merged)), list(merged.pair), fontsize=8)
    axes.set(xlabel="correlation within a visit", xlim=(-1.03, 1.03), ylim=(len(merged) - 0.4, -0.6))
    figures.legend_below(figure, columns=4)
    return figure


def draw_p_values(found: pd.DataFrame) -> Figure:
    """P-value of a slope against the number of synthetic patients, and that of the patients who were measured."""
    figure, axes = figures.panels(height=2.4)
    made = found[found.rows == "synthetic"]
    real = next(found[found.rows == "measured"].itertuples())
    axes.axhline(0.05, color=looks.GREY, linewidth=0.8, linestyle="--")
    axes.text(made.patients.iloc[-1], 0.05, "p = .05", ha="right", va="bottom", fontsize=8, color=looks.GREY)
    axes.plot(made.patients, made.p, **looks.look("limit") | {"label": None})
    axes.plot(real.patients, real.p, marker="D", markersize=6, color=looks.BLACK, linestyle="none")
    beside: dict[str, Any] = {"textcoords": "offset points", "fontsize": 8}
    axes.annotate("patients who were measured", (real.patients, real.p), (0, 7), ha="center", **beside)
    middle = made.iloc[max(0, int((made.p > LEAST**0.7).sum()) - 1)]
    axes.annotate("synthetic patients", (middle.patients, middle.p), (-8, -4), ha="right", va="top", color=looks.BLUE, **beside)
    axes.set(xscale="log", yscale="log", xlabel="patients", ylabel="p-value of the slope")
    axes.set_ylim(max(float(made.p.min()), LEAST) / 3, 4.0)
    return figure
