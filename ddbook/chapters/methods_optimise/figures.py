"""Pictures of the chapter on surrogates: the map, a path, effort, and curvature; :mod:`.dumbbells` has those of pairs."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

import numpy as np
import pandas as pd
from matplotlib.axes import Axes
from matplotlib.figure import Figure
from matplotlib.ticker import FuncFormatter, LogLocator, NullFormatter

from ddbook.chapters.methods_optimise.checks import SETTINGS, Solved, curvature, principal
from ddbook.chapters.methods_optimise.experiment import LinearWorld
from ddbook.chapters.methods_optimise.limits import unit_weight_limit
from ddbook.chapters.methods_optimise.regret import AS_RUN, Runs
from ddbook.chapters.methods_optimise.report import correlation
from ddbook.kit import figures, looks
from ddlib.lens import ridge_regret_bound
from ddlib.statistics import Estimate, estimate

FLOOR = 1e-5
"""Smaller regrets are drawn at the bottom."""

FLAT = 0.3
"""Smaller curvatures are drawn at the bottom of the spectrum."""

MARKS = (
    "first_order",
    "kernel_inducing_labels",
    "gradient_matching",
    "gradient_matching_cosine",
    "distribution_matching",
    "k_means",
)
"""The methods of the map: one of each family, and gradient matching by either distance."""

CURVES = ("first_order", "unrolled", "kernel_inducing_labels", "gradient_matching", "trajectory_matching")
"""The methods that are drawn against their steps."""

SPECTRA = ("exact", "first_order", "gradient_matching", "k_means")
"""The methods whose curvature is drawn."""

SOLVED = ((1.0, 1, 2), (0.5, 1, 10), (0.5, 10, 5), (0.5, 5, 5))
"""The settings of trajectory matching that are drawn."""

PANELS = {"ridge": "(a) ridge regressions", "logistic": "(b) classifier"}
GROUND = {"facecolor": "white", "edgecolor": "none", "alpha": 0.8, "pad": 0.5}
"""Behind letters that cross a line."""

SIDES = 0.6
"""The names of methods that are more faithful stand on the left of their marks."""

NEAR = 28.0
"""Names of marks whose heights differ by less, in points, stand in one column."""

LETTERS = 8.0
"""The size of letters beside marks, in points."""


def titled(figure: Figure, finding: str) -> None:
    """The finding above all panels."""
    figure.suptitle(finding, x=0.01, ha="left", fontsize=10, fontweight="bold")


def percent(axes: Axes, along: str, ticks: tuple[float, ...] = (1.0,)) -> None:
    """A logarithmic axis of shares in per cent, with these ticks in each decade."""
    axis = axes.xaxis if along == "x" else axes.yaxis
    axes.set(**{f"{along}scale": "log"})
    axis.set_major_locator(LogLocator(subs=ticks))
    axis.set_major_formatter(FuncFormatter(lambda value, _: f"{100 * value:g} %"))
    axis.set_minor_formatter(NullFormatter())


def _level(axes: Axes, value: float, look: Mapping[str, Any], text: str, above: bool = True) -> None:
    """A line across a panel with its name at the left."""
    height = max(value, FLOOR)
    axes.axhline(height, color=look["color"], linestyle=look["linestyle"], linewidth=1.1, zorder=1)
    place: dict[str, Any] = {"xycoords": ("axes fraction", "data"), "textcoords": "offset points", "fontsize": LETTERS}
    axes.annotate(text, (0.01, height), (0, 2 if above else -2), color=look["color"], va="bottom" if above else "top", **place)


def draw_map(world: LinearWorld, measured: pd.DataFrame, regrets: pd.DataFrame) -> Figure:
    """Loss against faithfulness for some methods, one panel per task; lines for no data and the certified limits."""
    fig, panels = figures.panels(2, height=3.9, sharex=True)
    limits = (ridge_regret_bound(world.family, world.budget), unit_weight_limit(world.classifier, world.budget))
    notes = ("no set does better", "none of weight one does better")
    shown = regrets[regrets.variant == AS_RUN]
    panels[0].set(xlim=(-0.45, 1.4))
    for axes, (key, title), limit, note in zip(panels, PANELS.items(), limits, notes, strict=True):
        places = {}
        for name in MARKS:
            rows = measured[(measured.task == key) & (measured.method == name)]
            loss = estimate(shown[(shown.task == key) & (shown.method == name)].regret, "median")
            places[name] = (correlation(rows.cloud), loss)
            _cross(axes, name, *places[name])
        least, most = (pick([max(loss.value, FLOOR) for _, loss in places.values()]) for pick in (min, max))
        axes.axvline(0, color=looks.GREY, linewidth=0.8)
        percent(axes, "y", (1.0,) if key == "ridge" else (1.0, 3.0))
        axes.set(title=title, xlabel="faithfulness over the common cloud")
        axes.set_ylim(max(min(least, limit), FLOOR) / 2, 2 * max(most, 1.0))
        _level(axes, 1.0, {"color": looks.GREY, "linestyle": "-"}, "no data")
        _level(axes, limit, looks.line("bound"), note, above=False)
        _named(axes, places)
    panels[0].set_ylabel("share of the learnable that is lost")
    titled(fig, "Where a method stands depends on the task")
    return fig


def _cross(axes: Axes, name: str, x: Estimate, y: Estimate) -> None:
    """A mark with the intervals of both numbers."""
    style, height = looks.dots(name), max(y.value, FLOOR)
    bar = {"color": style["color"], "linewidth": 0.8, "zorder": 2}
    axes.plot([x.low, x.high], [height] * 2, gid="interval", **bar)
    axes.plot([x.value] * 2, [max(y.low, FLOOR), max(y.high, FLOOR)], **bar)
    size = {"markersize": 9.0 if style["marker"] == "*" else 6.5, "markeredgecolor": "white", "markeredgewidth": 0.6, "zorder": 4}
    axes.plot([x.value], [height], **(style | size))


def _named(axes: Axes, places: Mapping[str, tuple[Estimate, Estimate]]) -> None:
    """The names of the marks: of faithful methods on their left, of the others in a column on their right; none over another."""
    figure = axes.get_figure(root=True)
    assert figure is not None
    figure.draw_without_rendering()  # only then are the places on the page known
    points = 72 / figure.dpi
    low, high = (float(edge) * points for edge in (axes.bbox.y0, axes.bbox.y1))
    marks = sorted(((max(y.value, FLOOR), x, name) for name, (x, y) in places.items()), key=lambda mark: mark[0])
    spots = axes.transData.transform([(x.value, y) for y, x, _ in marks]) * points
    sides = [x.value > SIDES for _, x, _ in marks]
    ends = [
        np.nanmin([x.value, x.low]) if left else np.nanmax([x.value, x.high]) for (_, x, _), left in zip(marks, sides, strict=True)
    ]
    edges = axes.transData.transform([(end, 1.0) for end in ends])[:, 0] * points
    heights = figures.spread([float(spot) for spot in spots[:, 1]], 1.3 * LETTERS, low, high)
    for place, ((y, x, name), left, height) in enumerate(zip(marks, sides, heights, strict=True)):
        near = [other for other, side in enumerate(sides) if side == left and abs(spots[other, 1] - spots[place, 1]) < NEAR]
        edge = edges[place] - 9 if left else max(edges[near]) + 9
        look: dict[str, Any] = {"ha": "right" if left else "left", "va": "center", "color": looks.color(name)}
        line = {"arrowstyle": "-", "color": looks.color(name), "linewidth": 0.5, "shrinkA": 0, "shrinkB": 4}
        offset: dict[str, Any] = {"xytext": (edge - spots[place, 0], height - spots[place, 1]), "textcoords": "offset points"}
        text = axes.annotate(called(name), (x.value, y), fontsize=LETTERS, bbox=GROUND, arrowprops=line, **look, **offset)
        text.set_in_layout(False)  # or the panel would give way, and the names lie elsewhere


def called(name: str) -> str:
    """The short name of a method in the map, where gradient matching has two marks."""
    return "its cosine" if name == "gradient_matching_cosine" else looks.short(name)


def draw_path(path: pd.DataFrame, name: str) -> Figure:
    """A method's path: loss against steps, and loss against surrogate, there over the common cloud."""
    fig, (left, right) = figures.panels(2, height=3.0, sharey=True)
    walked, cloud = (path[path.kind == kind] for kind in ("path", "cloud"))
    line = {"color": looks.color(name), "linewidth": 1.5}
    left.plot(walked.step.clip(lower=0.5), walked.lost.clip(lower=FLOOR), **line)
    left.set(
        xscale="log", xlabel="step (the start at 0.5)", ylabel="share of the learnable that is lost", title="(a) along the path"
    )
    percent(left, "y")
    right.plot(cloud.surrogate, cloud.lost.clip(lower=FLOOR), "o", color=looks.GREY, markersize=2.5, alpha=0.6)
    right.plot(walked.surrogate, walked.lost.clip(lower=FLOOR), marker=".", markersize=4, **line)
    right.set(xlabel="surrogate", title="(b) over the common cloud")
    start, least = float(walked.surrogate.iloc[0]), float(path.surrogate.min())
    right.set_xlim(least - 0.06 * (start - least), start + 0.6 * (start - least))
    for row, text, shift in ((walked.iloc[0], "start", (6, 6)), (walked.iloc[-1], "end", (8, 10))):
        place: dict[str, Any] = {"textcoords": "offset points", "fontsize": LETTERS, "color": looks.color(name), "bbox": GROUND}
        right.annotate(text, (row.surrogate, row.lost), shift, **place)
    titled(fig, "On this one path the surrogate falls all along, the loss does not")
    return fig


def draw_effort(world: LinearWorld, tried: pd.DataFrame) -> Figure:
    """The loss after runs of several lengths, one panel per task, with the certified limit."""
    fig, panels = figures.panels(2, height=3.4, sharey=True)
    limits = (ridge_regret_bound(world.family, world.budget), unit_weight_limit(world.classifier, world.budget))
    for axes, (key, title), limit in zip(panels, PANELS.items(), limits, strict=True):
        axes.axhline(max(limit, FLOOR), **looks.line("bound") | {"label": "_limit"})
        for name in CURVES:
            rows = tried[(tried.task == key) & (tried.method == name)]
            found = {steps: estimate(own.regret, "median") for steps, own in rows.groupby("steps")}
            low, high = ([max(getattr(one, end), FLOOR) for one in found.values()] for end in ("low", "high"))
            axes.plot(
                [*found], [max(one.value, FLOOR) for one in found.values()], **looks.look(name) | {"label": looks.short(name)}
            )
            axes.vlines([*found], low, high, color=looks.color(name), linewidth=0.8)
        axes.set(xscale="log", xlabel="steps of the whole run", title=title)
        lengths = sorted(tried.steps.unique())
        axes.set_xticks(lengths, [f"{steps:g}" for steps in lengths], minor=False)
        axes.xaxis.set_minor_formatter(NullFormatter())
        percent(axes, "y")
    panels[0].set_ylabel("share of the learnable that is lost")
    titled(fig, "On the ridge regressions first-order descent gains most from more steps")
    for axes in panels:
        figures.label_ends(axes, size=LETTERS)
    return fig


def draw_spectrum(world: LinearWorld, runs: Runs, solved: Solved) -> Figure:
    """The curvature of the squared loss along the data's principal directions: each method's sets, and solved trajectories."""
    fig, (left, right) = figures.panels(2, height=3.4, sharey=True)
    values, _ = principal(world)
    index = np.arange(1, len(values) + 1)
    for axes in (left, right):
        axes.plot(index, values.cpu(), color="black", linewidth=2.6, label="all data")
    for name in SPECTRA:
        along = curvature(world, runs["ridge"][name].distilled).median(0).values
        left.plot(index, along.clamp(min=FLAT).cpu(), **looks.look(name) | {"label": looks.short(name)})
    for (rate, student, stride), marker in zip(SOLVED, "osDx", strict=True):
        points = solved.sets[SETTINGS.index((rate, student, stride))]
        style = {"color": looks.color("trajectory_matching"), "marker": marker, "linewidth": 1.0}
        text = f"student {student}, expert {stride}" if student != stride else "as many on either side"
        right.plot(index, curvature(world, points)[0].clamp(min=FLAT).cpu(), label=text, **style)
    points_each = "1 point" if world.budget == 1 else f"{world.budget} points"
    for axes, title in zip((left, right), (f"(a) {points_each} of each method", "(b) trajectories matched"), strict=True):
        axes.set(yscale="log", ylim=(FLAT, None), xlabel="principal direction of the data", title=title, xticks=index)
    left.set_ylabel("curvature along the direction")
    titled(fig, "Matched trajectories replace the curvature, unless student and expert take as many steps")
    for axes in (left, right):
        figures.label_ends(axes, size=LETTERS)
    return fig
