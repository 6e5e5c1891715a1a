"""Pictures of the digits chapter."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from itertools import product

import matplotlib.pyplot as plt
import numpy as np
import pandas as pd
from matplotlib.axes import Axes
from matplotlib.collections import LineCollection
from matplotlib.figure import Figure
from matplotlib.ticker import LogLocator, NullLocator

from ddbook.chapters.digits.experiment import Digits
from ddbook.chapters.digits.report import means
from ddbook.kit import figures, looks
from ddbook.kit.looks import label
from ddlib.statistics import Estimate, estimate
from ddlib.trial import Trial


def draw_matrix(table: pd.DataFrame, budgets: Sequence[int], methods: Sequence[str], learners: Sequence[str]) -> Figure:
    """Accuracy in per cent of every method's set on every learner, one panel per budget, with half a 95 % interval."""
    fig, panels = figures.panels(1, len(budgets), height=0.62 + 0.235 * (len(methods) + 1), squeeze=False)
    for axes, budget in zip(panels.ravel(), budgets, strict=True):
        _matrix(axes, table, budget, methods, learners)
    return fig


def _matrix(axes: Axes, table: pd.DataFrame, budget: int, methods: Sequence[str], learners: Sequence[str]) -> None:
    names = [*methods, "full"]
    top = int(table[table.method == "full"].budget.iloc[0])
    values = 100 * np.vstack([means(table, budget, methods, learners), means(table, top, ["full"], learners)])
    low, high = np.percentile(values[:-1], 10), values.max()
    axes.imshow(values, cmap="cividis", vmin=low, vmax=high, aspect="auto")
    axes.grid(False)
    axes.tick_params(length=0)
    axes.set_xticks(
        range(len(learners)), [name.replace(", ", "\n").replace(" forest", "\nforest") for name in learners], fontsize=7.5
    )
    axes.xaxis.tick_top()
    axes.set_yticks(range(len(names)), [label(name) for name in names], fontsize=7.5)
    axes.set_title(f"{budget} points", pad=4, fontsize=9)
    best = values[:-1].max(0)
    for (i, j), value in np.ndenumerate(values):
        method, learner = names[i], learners[j]
        rows = table[
            (table.method == method) & (table.learner == learner) & (table.budget == (top if method == "full" else budget))
        ]
        found = estimate(rows.accuracy)
        half = "" if np.isnan(found.low) else f" ±{50 * (found.high - found.low):.1f}"
        color = figures.on_color(value < (low + high) / 2)
        weight = "bold" if i < len(methods) and value == best[j] else "normal"
        axes.text(j, i, f"{value:.1f}{half}", ha="center", va="center", fontsize=6.8, color=color, fontweight=weight)
    axes.axhline(len(methods) - 0.5, color="white", linewidth=2)


def draw_gallery(digits: Digits, sets: Mapping[tuple[str, int], Trial], methods: Sequence[str], budget: int) -> Figure:
    """Ten images of each method's set in the first replicate, ordered by class, the label that is largest; classes take turns."""
    columns, count = 2, min(10, budget)
    rows = -(-len(methods) // columns)
    fig, panels = plt.subplots(rows, columns, figsize=(figures.TEXT_WIDTH, 0.5 * rows + 0.1), layout="constrained", squeeze=False)
    for axes in panels.ravel():
        axes.set_axis_off()
    for axes, method in zip(panels.T.ravel(), methods, strict=False):
        distilled = sets[method, budget].distilled
        order = _ten(distilled.y[0].argmax(-1).cpu().numpy())
        pixels = (distilled.x[0, order] + digits.mean[0]).cpu().numpy().reshape(count, 8, 8)
        strip = np.full((8, 9 * count - 1), 1.0)
        for k, image in enumerate(pixels):
            strip[:, 9 * k : 9 * k + 8] = 1 - image.clip(0, 1)
        axes.imshow(strip, cmap="gray", vmin=0, vmax=1, interpolation="nearest")
        axes.set_title(label(method), fontsize=7.5, fontweight="normal", pad=2)
    return fig


def _ten(classes: np.ndarray) -> np.ndarray:
    """Which ten points to show, ordered by class: no class has a second one before each that can has a first."""
    turn = np.array([(classes[:k] == own).sum() for k, own in enumerate(classes)])
    shown = np.lexsort((classes, turn))[:10]
    return shown[np.argsort(classes[shown], kind="stable")]


def draw_transfer(table: pd.DataFrame, budgets: Sequence[int], methods: Sequence[str], own: Mapping[str, str]) -> Figure:
    """Efficiency on the learner that a set was made with, against the mean over all other learners.

    A method without an efficiency on any seed, because random rows do as well as all the data, is named but has no marker.
    """
    fig, panels = figures.panels(len(budgets), height=3.4, squeeze=False)
    for axes, budget in zip(panels.ravel(), budgets, strict=True):
        for method in methods:
            rows = table.query("budget == @budget and method == @method")
            mine = rows[rows.learner == own[method]].groupby("seed").efficiency.mean()
            others = rows[rows.learner != own[method]].groupby("seed").efficiency.mean()
            x, y = _percent(mine), _percent(others)
            style = looks.dots(method)
            axes.plot([x.value], [y.value], **style)
            if not np.isnan(x.low):
                ends = dict(color=style["color"], linewidth=0.7, alpha=0.45)
                segments = [[(x.low, y.value), (x.high, y.value)], [(x.value, y.low), (x.value, y.high)]]
                axes.add_collection(LineCollection(segments, **ends), autolim=False)  # markers set the limits
        axes.axline((0, 0), slope=1, color=looks.GREY, linewidth=0.8, linestyle=":")
        axes.set(title=f"{budget} points", xlabel="efficiency on its own learner (%)")
        axes.set_xlim(axes.get_xlim()[0] - 3, max(104, axes.get_xlim()[1]))
        axes.set_ylim(axes.get_ylim()[0] - 3, max(104, axes.get_ylim()[1]))
    panels[0, 0].set_ylabel("mean on the other learners (%)")
    figures.legend_below(fig, 4, fontsize=7.2)
    return fig


def _percent(values: pd.Series) -> Estimate:
    """The mean of the seeds that have a number, in per cent; not a number if none has."""
    if len(values) and values.isna().all():
        return Estimate(np.nan, np.nan, np.nan, 0)
    return estimate(100 * values.dropna())


def draw_trap(curves: pd.DataFrame) -> Figure:
    """Validation accuracy inside the loop and after retraining, warm and cold."""
    fig, panels = figures.panels(2, height=3.1, sharey=True)
    titles = {"warm": "(a) the network is kept (warm start)", "cold": "(b) a fresh network each time (cold start)"}
    colors = dict(zip(sorted(curves.step_size.unique()), (looks.BLUE, looks.VERMILION), strict=True))
    kinds = {"retrained": ("-", "retrained from fresh seeds"), "inside": ("--", "the network inside the loop")}
    for (axes, start), (size, color) in product(zip(panels, titles, strict=True), colors.items()):
        rows = curves[(curves.start == start) & (curves.step_size == size)]
        for column, (line, kind) in kinds.items():
            found = [(step, estimate(part[column])) for step, part in rows.groupby("step")]
            steps = [step for step, _ in found]
            axes.plot(steps, [100 * value.value for _, value in found], line, color=color, label=f"{kind}, step size {size:g}")
            low, high = ([100 * getattr(value, end) for _, value in found] for end in ("low", "high"))
            axes.fill_between(steps, low, high, color=color, alpha=0.12, linewidth=0)
        axes.set(title=titles[start], xlabel="updates of the set", ylim=(0, 100))
    panels[0].set_ylabel("validation accuracy (%)")
    figures.legend_below(fig, 2)
    return fig


def draw_intervals(table: pd.DataFrame, budget: int, methods: Sequence[str], level: float) -> Figure:
    """Coverage and interval score against the error of the means."""
    fig, (left, right) = figures.panels(2, height=3.3)
    for method in methods:
        chosen = table[table.method == method]
        rows = chosen[chosen.budget == budget] if (chosen.budget == budget).any() else chosen
        style = looks.dots(method)
        if method == "full":  # a ring round the exact construction, which gives the same model
            style |= {"marker": "o", "markersize": 9, "markerfacecolor": "none"}
        x, coverage, score = (estimate(rows[column]) for column in ("rmse", "coverage", "score"))
        for axes, y, scale in ((left, coverage, 100), (right, score, 1)):
            axes.plot([x.value], [scale * y.value], **style)
            if not np.isnan(x.low):
                ends = dict(color=style["color"], linewidth=0.8, alpha=0.7)
                axes.plot([x.low, x.high], [scale * y.value] * 2, **ends)
                axes.plot([x.value] * 2, [scale * y.low, scale * y.high], **ends)
    left.axhline(100 * level, color=looks.BLACK, linewidth=1, linestyle=":")
    left.set(title="(a) how often the interval is right", ylabel="coverage (%)", ylim=(0, 103))
    right.set(title="(b) interval score, lower is better", yscale="log")
    right.yaxis.set_major_locator(LogLocator(subs=(1, 2, 3, 5)))
    right.yaxis.set_major_formatter("{x:g}")
    right.yaxis.set_minor_locator(NullLocator())
    for axes in (left, right):
        axes.set_xlabel("root mean squared error of the predictive mean")
    figures.legend_below(fig, 3, fontsize=7.5)
    return fig
