"""The pictures of chapter 07."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

import numpy as np
import pandas as pd
from matplotlib.axes import Axes
from matplotlib.figure import Figure

from ddbook.chapters.merge.hospitals.lags import Lags
from ddbook.chapters.merge.hospitals.report import IGNORED, LOWER_IS_BETTER, METRICS, ordered, values
from ddbook.kit import figures, looks
from ddbook.kit.looks import label
from ddbook.kit.overlay import NOT_OURS

OFF = 4.0
"""Nats per visit below the lowest of the complete records at which a log-likelihood leaves the axis."""


def draw_scores(scores: pd.DataFrame, metrics: Sequence[str]) -> Figure:
    """Median and range over splits of every row, one panel per measure; filled without added noise, open with it.

    Values beyond twice the distance between the best row and the clean subset, or a failed row, stand at the worse edge as arrows.
    """
    methods = [m for m in ordered(scores) if not m.endswith(IGNORED)][::-1]
    noises = sorted(scores.noise.unique())
    figure, axes = figures.panels(len(metrics), height=0.24 * len(methods) + 0.9, sharey=True, squeeze=False)
    for panel, metric in zip(axes[0], metrics, strict=True):
        low, high = _window(scores, metric)
        for height, method in enumerate(methods):
            for noise in noises:
                found = values(scores, method, noise, metric) if metric in scores else np.empty(0)
                if found.size and not (method == "carried_forward" and metric != "rmse"):
                    offset = 0.16 if noise == noises[0] else -0.16
                    _dot(panel, found, height + offset, method, noise == noises[0], (low, high), metric)
        panel.set_xlim(low, high)
        panel.set_xlabel(METRICS[metric] + (" (lower is better)" if metric in LOWER_IS_BETTER else ""))
        panel.set_yticks(range(len(methods)), [label(m) for m in methods])
        panel.grid(axis="y", visible=False)
    return figure


def _window(scores: pd.DataFrame, metric: str) -> tuple[float, float]:
    """The part of the axis that holds the better half of the rows with room for as much again, and the best row's range."""
    found = [values(scores, method, noise, metric) for method in ordered(scores) for noise in scores.noise.unique()]
    found = [each for each in found if each.size and np.isfinite(each).all()]
    if not found:
        return 0.0, 1.0
    sign = -1.0 if metric in LOWER_IS_BETTER else 1.0
    middles = np.array([sign * float(np.median(each)) for each in found])
    best = float(max((sign * each).max() for each in found))
    spread = 2.2 * float(np.median(middles.max() - middles)) or 1.0
    ends = (middles.max() - spread, best + 0.05 * spread)
    return (ends[0], ends[1]) if sign > 0 else (-ends[1], -ends[0])


def _dot(
    panel: Axes, found: np.ndarray, height: float, method: str, filled: bool, window: tuple[float, float], metric: str
) -> None:
    tint = looks.color(method)
    face = tint if filled else "white"
    middle = np.median(found) if np.isfinite(found).all() else np.nan
    if not window[0] <= middle <= window[1]:
        worse, marker = (window[1], ">") if metric in LOWER_IS_BETTER else (window[0], "<")
        arrow: dict[str, Any] = {
            "color": tint,
            "markerfacecolor": face,
            "clip_on": False,
            "markersize": 5,
            "gid": NOT_OURS,
        }
        panel.plot(worse, height, marker, **arrow)
        return
    panel.plot([found.min(), found.max()], [height, height], color=tint, linewidth=0.9)
    panel.plot(middle, height, **looks.dots(method) | {"markerfacecolor": face})


def draw_lags(found: Mapping[str, Lags]) -> Figure:
    """How fast correlations fade over visits, one panel per table."""
    figure, axes = figures.panels(len(found), height=2.6, squeeze=False, sharey=True)
    for panel, (name, lags) in zip(axes[0], found.items(), strict=True):
        at = np.arange(1, len(lags.data) + 1)
        panel.plot(at, lags.data, "o", color=looks.GREY, label="data")
        panel.plot(at, lags.network, **looks.line("em") | {"label": "network (Markov)"})
        panel.plot(at, lags.levels, **looks.line("em_levels") | {"label": "network with static levels"})
        panel.set(title=name, xlabel="visits apart", xticks=at)
    axes[0][0].set_ylabel("correlation of a value with itself")
    axes[0][0].set_ylim(bottom=0)
    figures.label_ends(axes[0][-1])
    return figure


def draw_visits(found: Mapping[str, pd.DataFrame]) -> Figure:
    """Held-out log-likelihood per visit and next-visit error against the number of visits, one column of panels per table.

    Values below the axis stand at its lower edge as open triangles.
    """
    figure, axes = figures.panels(len(found), 2, height=2.3, squeeze=False, sharex="col")
    for column, (name, scores) in enumerate(found.items()):
        drawn: list[tuple[pd.Series, str]] = []
        for method in ordered(scores):
            part = scores[scores.method == method]
            for row, measure in enumerate((part.test_ll / part.slices, part.rmse)):
                middle = measure.groupby(part.slices).median()
                axes[row][column].plot(middle.index, middle, **looks.look(method))
                if row == 0:
                    drawn.append((middle, looks.color(method)))
        clean = scores[scores.method == "clean_all"]
        top = (clean.test_ll / clean.slices).groupby(clean.slices).median()
        lowest = float(top.min()) - OFF
        axes[0][column].set_ylim(lowest, float(top.max()) + 0.5)
        for middle, tint in drawn:
            off = middle[~(middle >= lowest)]
            if len(off):  # an unclipped line without points would take the layout to the figure's corner
                axes[0][column].plot(off.index, [lowest] * len(off), "v", color=tint, mfc="white", clip_on=False, zorder=3)
        axes[0][column].set_title(name)
        axes[1][column].set_xlabel("visits")
        axes[1][column].set_xticks(sorted(scores.slices.unique()))
    axes[0][0].set_ylabel("log-likelihood per visit")
    axes[1][0].set_ylabel("next-visit error")
    figures.legend_below(figure, 2)
    return figure
