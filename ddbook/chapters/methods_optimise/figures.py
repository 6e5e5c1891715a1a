"""Pictures of the chapter on surrogates: the map, the own path, and the curvature that survives."""

from __future__ import annotations

from typing import Any

import numpy as np
import pandas as pd
from matplotlib.axes import Axes
from matplotlib.figure import Figure

from ddbook.chapters.methods_optimise.checks import SETTINGS, Solved, curvature, principal
from ddbook.chapters.methods_optimise.experiment import AWARE, BLIND, LinearWorld
from ddbook.chapters.methods_optimise.faithful import METHODS
from ddbook.chapters.methods_optimise.limits import ridge_regret_bound, unit_weight_limit
from ddbook.chapters.methods_optimise.regret import Runs
from ddbook.chapters.methods_optimise.report import correlation
from ddbook.kit import figures, looks
from ddlib.statistics import Estimate, estimate

FLOOR = 1e-5
"""Smaller regrets are drawn at the bottom of the map."""

FLAT = 0.3
"""Smaller curvatures are drawn at the bottom of the spectrum."""

SHOWN = ("exact", "first_order", "gradient_matching", "trajectory_matching", "k_means", "truncated_svd", "distribution_matching")
"""The methods whose curvature is drawn."""

LARGER = {"first_order": 11.0, "herding": 10.0, "zeroth_order": 9.0, "distribution_matching": 8.0}
"""Marker sizes of methods that others may cover."""


def draw_map(world: LinearWorld, measured: pd.DataFrame, regrets: pd.DataFrame) -> Figure:
    """Regret against faithfulness, one panel per task; lines for what has no surrogate and for the certified limits."""
    fig, panels = figures.panels(2, height=4.1, sharey=True, sharex=True)
    limits = (ridge_regret_bound(world.family, world.budget), unit_weight_limit(world.classifier, world.budget))
    titles = (f"(a) {len(world.family_penalties)} ridge regressions together", "(b) logistic regression")
    notes = ("no set can be better", "no set with weights of one can be better")
    for axes, key, title, limit, note in zip(panels, world.tasks, titles, limits, notes, strict=True):
        reached = {name: estimate(rows.regret, "median") for name, rows in regrets[regrets.task == key].groupby("method")}
        axes.axvline(0, color=looks.GREY, linewidth=0.8)
        worse = reached["random"].value > 1
        _level(axes, 1.0, {"color": looks.GREY, "linestyle": "-"}, "no data", 0.42, above=not worse)
        _level(axes, reached["random"].value, looks.line("random"), looks.label("random"), 0.42, above=worse)
        _level(axes, reached["exact"].value, looks.line("exact"), looks.label("exact"), -0.46, above=key == "ridge")
        _level(axes, limit, looks.line("bound"), note, -0.46, above=key != "ridge" and limit < 10 * FLOOR)
        for name in METHODS:
            rows = measured[(measured.task == key) & (measured.method == name)]
            _marker(axes, name, correlation(rows.cloud), reached[name])
        axes.set(yscale="log", title=title)
        axes.set_xlabel(r"faithfulness: $\tau_K$ over the common cloud")
    leftmost, top = measured.groupby(["task", "method"]).cloud.mean().min(), regrets.regret.max()
    panels[0].set(xlim=(min(-0.5, leftmost - 0.05), 1.08), ylim=(FLOOR / 2, max(10.0, 2 * top)))
    panels[0].set_ylabel("share of the learnable that is lost")
    figures.legend_below(fig, 4, columnspacing=1.2)
    return fig


def _level(axes: Axes, value: float, style: dict[str, Any], text: str, left: float, above: bool = False) -> None:
    height = max(value, FLOOR)
    axes.axhline(height, color=style["color"], linestyle=style["linestyle"], linewidth=1.1, zorder=1)
    place: dict[str, Any] = {"textcoords": "offset points", "fontsize": 7.5, "va": "bottom" if above else "top"}
    axes.annotate(text, (left, height), (0, 1 if above else -2), color=style["color"], **place)


def _marker(axes: Axes, name: str, x: Estimate, y: Estimate) -> None:
    style = looks.look(name)
    bar = {"color": style["color"], "linewidth": 0.8, "zorder": 2}
    axes.plot([x.low, x.high], [max(y.value, FLOOR)] * 2, **bar)
    axes.plot([x.value] * 2, [max(y.low, FLOOR), max(y.high, FLOOR)], **bar)
    cross = style["marker"] == "x"  # has no edge
    edge = {"markeredgewidth": 1.6, "zorder": 6} if cross else {"markeredgecolor": "white", "markeredgewidth": 0.6, "zorder": 4}
    if name == "herding":  # a ring, for distribution matching has the same surrogate and is often at the same place
        edge = {"markerfacecolor": "none", "markeredgewidth": 1.6, "zorder": 5}
    size = {"linestyle": "none", "markersize": LARGER.get(name, 6.5)}
    axes.plot([x.value], [max(y.value, FLOOR)], **(style | size | edge))


def draw_own_path(measured: pd.DataFrame) -> Figure:
    """Kendall's correlation of each iterative method over the cloud, along its own path and along the path's beginning."""
    fig, panels = figures.panels(2, height=4.0, sharey=True, sharex=True)
    names = [*reversed((*BLIND, *AWARE))]
    kinds = {
        "early": (0.22, "D", 4.5, "along the beginning of its own path"),
        "cloud": (0.0, "o", 6.0, "over the common cloud"),
        "path": (-0.22, "o", 5.5, "along its whole path"),
    }
    for axes, key, title in zip(panels, ("ridge", "logistic"), ("(a) ridge regressions", "(b) logistic regression"), strict=True):
        axes.axvline(0, color=looks.GREY, linewidth=0.8)
        rows = measured[measured.task == key]
        for place, name in enumerate(names):
            color = looks.color(name)
            for column, (shift, marker, size, _) in kinds.items():
                values = rows[rows.method == name][column].dropna()
                if values.empty:
                    continue
                found, fill = correlation(values), color if column == "cloud" else "white"
                axes.plot([found.low, found.high], [place + shift] * 2, color=color, linewidth=0.8, zorder=2)
                axes.plot([found.value], [place + shift], marker, markersize=size, color=color, markerfacecolor=fill, zorder=3)
        axes.set(title=title, xlabel=r"$\tau_K$ of surrogate and risk", xlim=(-1.08, 1.08))
        axes.set_yticks(range(len(names)), [looks.label(name) for name in names])
    for column, (_, marker, size, text) in kinds.items():
        fill = "black" if column == "cloud" else "white"
        panels[0].plot([], [], marker, color="black", markerfacecolor=fill, markersize=size, label=text)
    figures.legend_below(fig, 3)
    return fig


def draw_spectrum(world: LinearWorld, runs: Runs, solved: Solved) -> Figure:
    """The curvature of the squared loss along the data's principal directions: each method's sets, and solved trajectories."""
    fig, (left, right) = figures.panels(2, height=3.6, sharey=True)
    values, _ = principal(world)
    index = np.arange(1, len(values) + 1)
    for axes in (left, right):
        axes.plot(index, values.cpu(), color="black", linewidth=2.4, label="all data")
    for name in SHOWN:
        along = curvature(world, runs["ridge"][name].distilled).median(0).values
        left.plot(index, along.clamp(min=FLAT).cpu(), **looks.look(name))
    for (rate, student, stride), points, marker in zip(SETTINGS, solved.sets, "os^Dv", strict=True):
        text = rf"$\eta\lambda_1$ = {rate:g}, N = {student}, M = {stride}"
        line = {
            "color": looks.color("trajectory_matching"),
            "marker": marker,
            "markerfacecolor": "white",
            "linewidth": 1.0,
            "label": text,
        }
        right.plot(index, curvature(world, points)[0].clamp(min=FLAT).cpu(), **line)
    titles = (f"(a) {_points(world.budget)} from each method", "(b) trajectory matching, solved")
    for axes, title in zip((left, right), titles, strict=True):
        axes.set(yscale="log", ylim=(FLAT, None), xlabel="principal direction of the data", title=title, xticks=index)
        axes.legend(loc="upper center", bbox_to_anchor=(0.5, -0.16), ncols=2, fontsize=7.5, columnspacing=1, handlelength=1.8)
    left.set_ylabel("curvature along the direction")
    return fig


def _points(count: int) -> str:
    return "1 point" if count == 1 else f"{count} points"
