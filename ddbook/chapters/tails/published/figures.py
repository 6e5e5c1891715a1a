"""The pictures of chapter 10."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from typing import Any

import numpy as np
from matplotlib.axes import Axes
from matplotlib.figure import Figure
from matplotlib.lines import Line2D

from ddbook.chapters.tails.published.experiment import Table
from ddbook.chapters.tails.published.plans import AUTHORS
from ddbook.chapters.tails.published.report import SEARCHES, budgets, called, chosen, floor, methods, values
from ddbook.kit import figures, looks
from ddbook.kit.overlay import NOT_OURS
from ddlib.statistics import estimate

TITLES = {"release": "the release's law of α", "opposite": "opposite tails"}
THEIRS = {"color": "black", "markerfacecolor": "white", "linestyle": "none", "gid": NOT_OURS}
"""How figures of the authors are drawn."""
TICKS = [0.01, 0.02, 0.05, 0.1, 0.2, 0.5, 1, 2, 5]


def look(method: str) -> dict[str, Any]:
    """How a method is drawn, with its name in this chapter."""
    return looks.look(method) | {"label": called(method), "linewidth": 1}


def draw_errors(tables: Mapping[str, Table]) -> Figure:
    """Table 1 as a picture: error against the number of points, with the authors' figures and the learner's floor."""
    every = sorted({points for table in tables.values() for points in budgets(table.scores)})
    figure, axes = figures.panels(len(tables), height=4.4, squeeze=False, sharex=True, sharey=True)
    for panel, (law, table) in zip(axes[0], tables.items(), strict=True):
        scores, sizes = table.scores, budgets(table.scores)
        names = methods(scores)
        for index, name in enumerate(names):
            shift = 1.05 ** (index - (len(names) - 1) / 2)
            _line(panel, [(points, values(scores, name, points)) for points in sizes], name, shift)
        if law == "release":
            panel.plot(sizes, [AUTHORS[k].random for k in sizes], marker="^", markersize=7, **THEIRS)
            panel.plot(sizes, [AUTHORS[k].distilled for k in sizes], marker="v", markersize=7, **THEIRS)
        panel.axhline(float(np.median(floor(scores))), **looks.line("floor"))
        panel.set(title=TITLES.get(law, law), xscale="log", yscale="log", xlabel="points")
        panel.set_xticks(every, [str(points) for points in every])
    for panel in axes[0]:
        _plain(panel)
    axes[0][0].set_ylabel("relative L2 error, retrained")
    used = dict.fromkeys(name for table in tables.values() for name in methods(table.scores))
    figures.legend_below(figure, 2, [*_handles(used), *_references()])
    return figure


def _plain(panel: Axes) -> None:
    """Errors as plain numbers along a logarithmic axis."""
    panel.minorticks_off()
    low, high = panel.get_ylim()
    panel.set_yticks(TICKS, [f"{tick:g}" for tick in TICKS])
    panel.set_ylim(low, high)


def _line(panel: Axes, found: Sequence[tuple[int, np.ndarray]], method: str, shift: float) -> None:
    places = [points * shift for points, part in found if part.size]
    middles = [estimate(part, "median") for _, part in found if part.size]
    panel.plot(places, [each.value for each in middles], **look(method))
    for place, each in zip(places, middles, strict=True):
        if each.n > 1:
            panel.plot([place, place], [each.low, each.high], color=looks.color(method), linewidth=0.8, alpha=0.7)


def _handles(names: Iterable[str]) -> list[Line2D]:
    return [figures.entry(**look(name)) for name in names]


def _references() -> list[Line2D]:
    return [
        figures.entry(marker="^", label="authors: random rows", **THEIRS),
        figures.entry(marker="v", label="authors: distilled", **THEIRS),
        figures.entry(**looks.line("floor")),
    ]


def draw_compute(table: Table, sizes: Sequence[int]) -> Figure:
    """Retrained error against seconds of work for one set, one panel for each number of points."""
    scores = table.scores
    figure, axes = figures.grid(len(sizes), 2, height=4.0 if len(sizes) < 3 else 3.0, sharey=True)
    for panel, points in zip(axes.flat, sizes, strict=False):
        for name in methods(scores):
            part = scores[(scores.method == name) & (scores.points == points)]
            steps = part.groupby("seconds").error.median()
            over = {} if name in SEARCHES else {"linestyle": "none", "zorder": 3}  # a search may begin at a design's mark
            panel.plot(np.maximum(steps.index, 1e-2), steps, **look(name) | over)
        spent = AUTHORS[points].trainings * table.seconds[points]
        panel.axvline(spent, color=looks.GREY, linestyle=":", linewidth=1)
        panel.plot(spent, AUTHORS[points].distilled, marker="v", markersize=7, **THEIRS)
        panel.axhline(float(np.median(floor(scores))), **looks.line("floor"))
        panel.set(title=f"{points} points", xscale="log", yscale="log", xlabel="seconds of work for one set")
    for panel in axes.flat[: len(sizes)]:
        _plain(panel)
    figures.name_outer(axes, "seconds of work for one set", "relative L2 error")
    budget = figures.entry(color=looks.GREY, linestyle=":", label="the authors' number of trainings, one by one")
    figures.legend_below(figure, 2, [*_handles(methods(scores)), *_references()[1:], budget])
    return figure


def draw_sets(table: Table, points: int, names: Sequence[str]) -> Figure:
    """The first draw's sets in the plane of x and α, coloured by their labels (triangles up: positive), over the training data."""
    finals = {made.method: made.distilled for made in table.sets if made.final and made.points == points}
    shown = [name for name in dict.fromkeys(names) if name in finals]
    figure, axes = figures.grid(len(shown), height=2.1, sharex=True, sharey=True)
    data = table.task.train
    levels = float(data.y[0].abs().max())
    for panel, name in zip(axes.flat, shown, strict=False):
        x, y = finals[name].x[0].cpu().numpy(), finals[name].y[0].cpu().numpy()
        panel.plot(*data.x[0].T.cpu().numpy(), ",", color=looks.GREY, alpha=0.5)
        for marker, part in (("^", y >= 0), ("v", y < 0)):
            dots = panel.scatter(
                *x[part].T,
                c=y[part],
                marker=marker,
                cmap="coolwarm",
                vmin=-levels,
                vmax=levels,
                s=36,
                edgecolor="black",
                linewidth=0.6,
                zorder=3,
            )
        panel.set_title(looks.short(name))
    figures.name_outer(axes, "x", "α")
    figure.colorbar(dots, ax=axes, label="label y", shrink=0.8)
    return figure


def shown_sets(table: Table, points: int) -> list[str]:
    """The sets worth a picture: where the search begins, where it ends, the grid, and what validation rows choose."""
    return ["random", "derivative_free", "screened", "unrolled", "tensor_grid", chosen(table.scores, points)]
