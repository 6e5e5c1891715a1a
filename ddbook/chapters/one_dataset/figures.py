"""The pictures of chapter 01."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import numpy as np
import pandas as pd
from matplotlib.axes import Axes
from matplotlib.figure import Figure

from ddbook.chapters.one_dataset.closed import look as look_of
from ddbook.chapters.one_dataset.family import is_quick
from ddbook.chapters.one_dataset.theorem import PENALTIES, Turning
from ddbook.kit import figures, looks
from ddlib.statistics import estimate

FLOOR = 1e-7
"""What is smaller is drawn here."""
DRAWN = ("truncated_svd", "krylov", "first_order", "exact_best")


def draw_theorem(found: Turning) -> Figure:
    """One point reaches one line; the best line still misses; two points reach all."""
    figure, (one, best, two) = figures.panels(3, height=2.75)
    solutions, path = found.solutions.numpy(), found.path.numpy()
    for axes, learned in ((one, found.from_one.numpy()), (two, found.from_two.numpy())):
        axes.plot(*path.T, color=looks.GREY, linewidth=1)
        for whole, reached in zip(solutions, learned, strict=True):
            axes.plot(*zip(whole, reached, strict=True), color=looks.VERMILION, linewidth=1.8)
        axes.plot(*solutions.T, "o", color=looks.BLUE)
        axes.plot(*learned.T, "o", color="#000000", markerfacecolor="none", markersize=9, markeredgewidth=1.1)
        axes.set(xlim=(-0.03, 0.33), ylim=(-0.085, 0.085), xlabel="coefficient of total chol.", xticks=(0, 0.1, 0.2, 0.3))
    for axes in (one, two):
        places = ((0, -15), (22, 3) if axes is two else (-10, -22), (-2, 9))
        for penalty, place, offset in zip(PENALTIES, solutions, places, strict=True):
            words = {"textcoords": "offset points", "ha": "center", "fontsize": 8, "color": looks.BLUE}
            axes.annotate(f"λ = {penalty:g}", place, offset, **words)
    _through_zero(one, found.direction.numpy(), 0.4)
    one.set(ylabel="coefficient of LDL chol.")
    one.set_title("(a) One point:\none line")
    two.set_title("(c) Two points:\nthe whole plane")
    two.set_yticklabels([])
    _draw_unit(best, found)
    best.set_title("(b) The best line\nstill misses")
    return figure


def _draw_unit(axes: Axes, found: Turning) -> None:
    """The solutions at length one, the line nearest to them, and what it misses."""
    units = (found.solutions / found.solutions.norm(dim=-1, keepdim=True)).numpy()
    line = found.best.numpy()
    angles = np.linspace(-0.5, 0.95, 60)
    axes.plot(np.cos(angles), np.sin(angles), color=looks.GREY, linewidth=1)
    _through_zero(axes, line, 1.15)
    for direction in units:
        foot = (direction @ line) * line
        axes.plot(*zip(direction, foot, strict=True), color=looks.VERMILION, linewidth=1.8)
    axes.plot(*units.T, "o", color=looks.BLUE)
    text = f"least error of\nany one point:\n{found.bound:.2f}"
    axes.annotate(text, (0.03, 0.55), ha="left", fontsize=8, color=looks.VERMILION)
    axes.set(xlim=(-0.05, 1.15), ylim=(-0.45, 0.85), aspect="equal", xticks=(0, 0.5, 1), yticks=(0, 0.5))
    axes.set_xlabel("solutions at length 1")


def _through_zero(axes: Axes, direction: np.ndarray, length: float) -> None:
    ends = np.outer((-length, length), direction)
    axes.plot(*ends.T, color="#000000", linewidth=1, linestyle="--")


def draw_errors(table: pd.DataFrame, bounds: pd.DataFrame, reached: Sequence[int]) -> Figure:
    """Parameter error and regret against the number of points, each with the certified bound.

    Args:
        table: of the family, descents at their full length.
        bounds: ``budget``, ``error``, ``regret``: what no set can fall below.
        reached: the budgets at which the descents have converged; at others their marks are hollow.
    """
    figure, panels = figures.panels(2, height=3.3, sharex=True)
    budgets = sorted(bounds.budget)
    names = {"exact_best": f"exact, best m of {len(budgets)}", "bound": "lower bound", "truncated_svd": "low-rank rows"}
    for axes, column in zip(panels, ("error", "regret"), strict=True):
        for method in DRAWN:
            own = table[table.method == method]
            look = look_of(method)
            look["label"] = names.get(method, look["label"])
            hollow = [m for m in budgets if m not in reached] if method == "first_order" else []
            _draw_medians(axes, [own[own.budget == m][column] for m in budgets], budgets, look, hollow)
        line = looks.line("bound") | {"label": names["bound"]}
        axes.plot(budgets, bounds[column].clip(lower=FLOOR), **line)
        axes.set(yscale="log", ylim=(FLOOR, 4), xlabel="points in the set", xticks=budgets)
    panels[0].set_title("(a) Error of the coefficients: nothing\ncrosses the bound")
    panels[1].set_title("(b) Share of the learnable lost: with few\npoints, descent is close to it")
    figures.label_ends(panels[1], 8)
    return figure


def draw_effort(descents: pd.DataFrame, yardsticks: Sequence[tuple[str, float]]) -> Figure:
    """What descents of one budget lose against the steps that they took.

    Args:
        descents: of one budget, at several lengths.
        yardsticks: lines to compare with: their names, and the share of the learnable lost.
    """
    figure, axes = figures.panels(height=3.0)
    steps = sorted(descents.steps.unique())
    quick = is_quick(descents)
    colors = {True: looks.color("first_order"), False: looks.VERMILION}
    for own, rows in descents.groupby(quick):
        name = "shorter memory" if own else "usual (chapter 2)"
        look: dict[str, Any] = looks.look("first_order") | {"color": colors[bool(own)], "label": name}
        _draw_medians(axes, [rows[rows.steps == n].regret for n in steps], steps, look, [])
    for name, value in yardsticks:
        axes.plot((steps[0], steps[-1]), (max(value, FLOOR),) * 2, color=looks.GREY, linewidth=1, linestyle="--", label=name)
    axes.set(xscale="log", yscale="log", xlabel="steps of the descent", ylabel="share of the learnable lost")
    axes.set_xticks(steps, [f"{n:,}" for n in steps])
    axes.minorticks_off()
    axes.set_title("Stopped early, descent looks as if it could do no better")
    figures.label_ends(axes, 8)
    return figure


def _draw_medians(
    axes: Axes, values: Sequence[pd.Series], places: Sequence[int], look: dict[str, Any], hollow: Sequence[int]
) -> None:
    """Medians with their intervals as thin lines; the marks at some places hollow."""
    found = [estimate(column, "median") for column in values]
    middle = [max(each.value, FLOOR) for each in found]
    axes.plot(places, middle, **look)
    for place, each in zip(places, found, strict=True):
        if each.n > 1:
            axes.plot((place, place), (max(each.low, FLOOR), max(each.high, FLOOR)), color=look["color"], linewidth=0.9)
    open_ones = [(place, value) for place, value in zip(places, middle, strict=True) if place in hollow]
    if open_ones:
        xs, ys = zip(*open_ones, strict=True)
        axes.plot(xs, ys, **(look | {"linestyle": "none", "markerfacecolor": "white", "label": "_"}))
