"""The pictures of chapter 10."""

from __future__ import annotations

from collections.abc import Mapping, Sequence

import numpy as np
from matplotlib.axes import Axes
from matplotlib.figure import Figure
from matplotlib.lines import Line2D

from ddbook.chapters.tails.published.experiment import Table
from ddbook.chapters.tails.published.plans import AUTHORS
from ddbook.chapters.tails.published.report import LABELS, SEARCHES, budgets, chosen, floor, methods, values
from ddbook.kit import plotting
from ddbook.kit.pinn_looks import STYLES
from ddbook.kit.plotting import Look
from ddlib.statistics import estimate

LOOKS = {name: Look(*STYLES[name], label) for name, label in LABELS.items()}
TITLES = {"release": "the release's law of α", "opposite": "opposite tails"}
REFERENCE = plotting.GREY
SHORT = {
    "random": "random subset",
    "derivative_free": "(a) published search",
    "screened": "screened design",
    "averaged_search": "(a) averaged",
    "unrolled": "(b) unrolled",
    "kernel_distillation": "(c) kernel family",
    "kernel_matching": "(d) teacher matching",
    "sobol": "Sobol points",
    "tensor_grid": "tensor grid",
}
TICKS = [0.01, 0.02, 0.05, 0.1, 0.2, 0.5, 1, 2, 5]


def draw_errors(tables: Mapping[str, Table]) -> Figure:
    """Table 1 as a picture: error against the number of points, with the authors' figures and the learner's floor."""
    every = sorted({points for table in tables.values() for points in budgets(table.scores)})
    figure, axes = plotting.figure(len(tables), height=4.4, squeeze=False, sharex=True, sharey=True)
    for panel, (law, table) in zip(axes[0], tables.items(), strict=True):
        scores, sizes = table.scores, budgets(table.scores)
        names = methods(scores)
        for index, name in enumerate(names):
            shift = 1.05 ** (index - (len(names) - 1) / 2)
            _line(panel, [(points, values(scores, name, points)) for points in sizes], LOOKS[name], shift)
        if law == "release":
            theirs = {"color": "black", "markerfacecolor": "white", "markersize": 7, "gid": plotting.NOT_OURS}
            panel.plot(sizes, [AUTHORS[k].random for k in sizes], "^", **theirs)
            panel.plot(sizes, [AUTHORS[k].distilled for k in sizes], "v", **theirs)
        panel.axhline(float(np.median(floor(scores))), color=REFERENCE, linestyle="-.", linewidth=1)
        panel.set(title=TITLES.get(law, law), xscale="log", yscale="log", xlabel="points")
        panel.set_xticks(every, [str(points) for points in every])
    for panel in axes[0]:
        _plain(panel)
    axes[0][0].set_ylabel("relative L2 error, retrained")
    used = [name for name in LOOKS if any(name in methods(table.scores) for table in tables.values())]
    figure.legend(handles=[*_handles(used), *_references()], loc="outside lower center", ncols=2)
    return figure


def _plain(panel: Axes) -> None:
    """Errors as plain numbers along a logarithmic axis."""
    panel.minorticks_off()
    low, high = panel.get_ylim()
    panel.set_yticks(TICKS, [f"{tick:g}" for tick in TICKS])
    panel.set_ylim(low, high)


def _line(panel: Axes, found: Sequence[tuple[int, np.ndarray]], look: Look, shift: float) -> None:
    places = [points * shift for points, part in found if part.size]
    middles = [estimate(part, "median") for _, part in found if part.size]
    panel.plot(
        places, [each.value for each in middles], color=look.color, marker=look.marker, linestyle=look.linestyle, linewidth=1
    )
    for place, each in zip(places, middles, strict=True):
        if each.n > 1:
            panel.plot([place, place], [each.low, each.high], color=look.color, linewidth=0.8, alpha=0.7)


def _handles(names: Sequence[str]) -> list[Line2D]:
    return [Line2D([], [], **LOOKS[name]._asdict(), linewidth=1) for name in names]


def _references() -> list[Line2D]:
    return [
        Line2D([], [], color="black", marker="^", markerfacecolor="white", linestyle="", label="authors: random subset"),
        Line2D([], [], color="black", marker="v", markerfacecolor="white", linestyle="", label="authors: distilled"),
        Line2D([], [], color=REFERENCE, linestyle="-.", label="many exact points, not chosen"),
    ]


def draw_compute(table: Table, sizes: Sequence[int]) -> Figure:
    """Retrained error against seconds of work for one set, one panel for each number of points."""
    scores, columns = table.scores, min(2, len(sizes))
    figure, axes = plotting.figure(
        columns, -(-len(sizes) // columns), height=4.0 if len(sizes) < 3 else 3.0, squeeze=False, sharey=True
    )
    for panel in axes.flat[len(sizes) :]:
        panel.set_visible(False)
    for panel, points in zip(axes.flat, sizes, strict=False):
        for name in methods(scores):
            part = scores[(scores.method == name) & (scores.points == points)]
            steps = part.groupby("seconds").error.median()
            style = LOOKS[name] if name in SEARCHES else LOOKS[name]._replace(linestyle="")
            above = 2 if name in SEARCHES else 3  # a search may begin at a design's mark
            panel.plot(np.maximum(steps.index, 1e-2), steps, **style._asdict(), linewidth=1, zorder=above)
        spent = AUTHORS[points].trainings * table.seconds[points]
        panel.axvline(spent, color=REFERENCE, linestyle=":", linewidth=1)
        panel.plot(spent, AUTHORS[points].distilled, "v", color="black", markerfacecolor="white", markersize=7)
        panel.axhline(float(np.median(floor(scores))), color=REFERENCE, linestyle="-.", linewidth=1)
        panel.set(title=f"{points} points", xscale="log", yscale="log", xlabel="seconds of work for one set")
    for panel in axes.flat[: len(sizes)]:
        _plain(panel)
    for row in axes:
        row[0].set_ylabel("relative L2 error")
    budget = Line2D([], [], color=REFERENCE, linestyle=":", label="the authors' number of trainings, one by one")
    figure.legend(handles=[*_handles(methods(scores)), *_references()[1:], budget], loc="outside lower center", ncols=2)
    return figure


def draw_sets(table: Table, points: int, names: Sequence[str]) -> Figure:
    """The first draw's sets in the plane of x and α, coloured by their labels (triangles up: positive), over the training data."""
    finals = {each.method: each.distilled for each in table.found if each.final and each.points == points}
    shown = [name for name in dict.fromkeys(names) if name in finals]
    columns = min(3, len(shown))
    figure, axes = plotting.figure(columns, -(-len(shown) // columns), height=2.1, squeeze=False, sharex=True, sharey=True)
    data = table.task.train
    levels = float(data.y[0].abs().max())
    for index, panel in enumerate(axes.flat):
        panel.set_visible(index < len(shown))
        panel.xaxis.set_tick_params(labelbottom=index + columns >= len(shown))
    for panel, name in zip(axes.flat, shown, strict=False):
        x, y = finals[name].x[0].cpu().numpy(), finals[name].y[0].cpu().numpy()
        panel.plot(*data.x[0].T.cpu().numpy(), ",", color=REFERENCE, alpha=0.5)
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
        panel.set_title(SHORT[name])
        panel.set_xlabel("x")
    for row in axes:
        row[0].set_ylabel("α")
    figure.colorbar(dots, ax=axes, label="label y", shrink=0.8)
    return figure


def shown_sets(table: Table, points: int) -> list[str]:
    """The sets worth a picture: where the search begins, where it ends, the grid, and what validation rows choose."""
    return ["random", "derivative_free", "screened", "unrolled", "tensor_grid", chosen(table.scores, points)]
