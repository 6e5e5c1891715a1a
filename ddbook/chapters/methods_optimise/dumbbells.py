"""Pictures of pairs: what two freedoms, two conventions for weights and two tasks make of the same surrogates and points."""

from __future__ import annotations

from typing import Any

import pandas as pd
from matplotlib.axes import Axes
from matplotlib.figure import Figure
from matplotlib.ticker import LogLocator

from ddbook.chapters.methods_optimise.figures import FLOOR, LETTERS, PANELS, percent, titled
from ddbook.chapters.methods_optimise.regret import AS_RUN
from ddbook.chapters.methods_optimise.report import correlation
from ddbook.kit import figures, looks
from ddlib.statistics import estimate

CHOSEN = ("random", "herding", "k_center", "k_means")
"""The methods whose weights are a convention."""


def _span(axes: Axes, values: pd.Series, height: float, color: str, marker: str) -> float:
    """A median as a mark on its line, with its interval; returns the median."""
    found = estimate(values, "median")
    ends = [max(end, FLOOR) for end in (found.low, found.high)]
    axes.plot(ends, [height] * 2, color=color, linewidth=0.8, zorder=2)
    axes.plot([max(found.value, FLOOR)], [height], marker, color=color, markersize=6.5, zorder=4)
    return max(found.value, FLOOR)


def _dumbbell(axes: Axes, pair: tuple[pd.Series, pd.Series], height: float, color: str) -> tuple[float, float]:
    """Two medians on one line, a circle and a square, joined."""
    ends = tuple(_span(axes, values, height, color, marker) for values, marker in zip(pair, "os", strict=True))
    axes.plot(ends, [height] * 2, color=color, linewidth=2.2, alpha=0.35, zorder=1)
    return ends[0], ends[1]


def _above(axes: Axes, spots: tuple[float, float], height: float, texts: tuple[str, str]) -> None:
    """The names of a dumbbell's two ends, above them, turned away from each other; ends at one place have one name."""
    place: dict[str, Any] = {"va": "bottom", "fontsize": LETTERS, "textcoords": "offset points"}
    if max(spots) < 1.2 * min(spots):
        axes.annotate(f"{texts[0]} or {texts[1].removeprefix('labels ')}", (spots[0], height), (0, 6), ha="center", **place)
        return
    for x, text, left in zip(spots, texts, (spots[0] < spots[1], spots[1] <= spots[0]), strict=True):
        axes.annotate(text, (x, height), (3 if left else -3, 6), ha="right" if left else "left", **place)


def draw_clouds(measured: pd.DataFrame) -> Figure:
    """Faithfulness to the ridge regressions (circle) and to the classifier (square) in four clouds, one panel per surrogate."""
    fig, panels = figures.panels(2, height=2.4, sharey=True, sharex=True)
    rows = {"cloud": "common cloud", "left_out": "own path left out", "even": "one weight per method", "rows": "random rows only"}
    for axes, name in zip(panels, ("gradient_matching", "kernel_inducing"), strict=True):
        own = measured[measured.method == name]
        for height, column in enumerate(reversed(rows)):
            spots = []
            for key, marker in (("ridge", "o"), ("logistic", "s")):
                found = correlation(own[own.task == key][column])
                axes.plot([found.low, found.high], [height] * 2, color=looks.color(name), linewidth=0.8, zorder=2)
                axes.plot([found.value], [height], marker, color=looks.color(name), markersize=6.5, zorder=4)
                spots.append(found.value)
            axes.plot(spots, [height] * 2, color=looks.color(name), linewidth=2.2, alpha=0.35, zorder=1)
            if column == "cloud":
                _above(axes, (spots[0], spots[1]), height, ("ridge regressions", "classifier"))
        axes.axvline(0, color=looks.GREY, linewidth=0.8)
        axes.set(title=looks.label(name), xlabel="faithfulness", ylim=(-0.5, len(rows) - 0.3), xlim=(-0.35, 1.2))
    panels[0].set_yticks(range(len(rows)), list(reversed(rows.values())))
    titled(fig, "Over sets that no method made the gap between the tasks closes, or turns round")
    return fig


def draw_freedom(measured: pd.DataFrame, regrets: pd.DataFrame) -> Figure:
    """Two surrogates, each with labels kept (circle) and learned (square): what the sets lose, one panel per task."""
    fig, panels = figures.panels(2, height=2.3, sharey=True, sharex=True)
    arms = {
        "first_order": (("first_order", "labels kept"), ("first_order", AS_RUN)),
        "kernel_inducing": (("kernel_inducing", AS_RUN), ("kernel_inducing_labels", AS_RUN)),
    }
    reached: list[float] = []
    for axes, (key, title) in zip(panels, PANELS.items(), strict=True):
        rows = regrets[regrets.task == key]
        for height, (name, pair) in zip((1, 0), arms.items(), strict=True):
            losses = [rows[(rows.method == method) & (rows.variant == variant)].regret for method, variant in pair]
            spots = _dumbbell(axes, (losses[0], losses[1]), height, looks.color(name))
            reached += spots
            _above(axes, spots, height, ("labels kept", "labels learned"))
            faithful = correlation(measured[(measured.task == key) & (measured.method == name)].cloud).value
            note: dict[str, Any] = {
                "xycoords": ("axes fraction", "data"),
                "va": "top",
                "fontsize": LETTERS,
                "color": looks.color(name),
            }
            axes.annotate(f"faithfulness {faithful:.2f}", (0.02, height - 0.12), **note)
        percent(axes, "x")
        axes.xaxis.set_major_locator(LogLocator(100))  # every decade would not leave room for its label
        axes.set(title=title, xlabel="share of the learnable that is lost", ylim=(-0.6, 1.6))
    panels[0].set_xlim(min(reached) / 90, 6 * max(reached))  # room for the names
    panels[0].set_yticks((1, 0), ["the risk itself\n(first-order)", "kernel inducing\npoints"])
    panels[0].set_ylabel("surrogate")
    titled(fig, "The same surrogate, another freedom: what may move matters too")
    return fig


def draw_weights(regrets: pd.DataFrame) -> Figure:
    """What chosen rows and cluster means lose when each counts for one patient (circle) and for its share of all (square)."""
    fig, panels = figures.panels(2, height=2.7, sharey=True, sharex=True)
    for axes, (key, title) in zip(panels, PANELS.items(), strict=True):
        rows = regrets[regrets.task == key]
        axes.axvline(1, color=looks.GREY, linewidth=1.1)
        for height, name in enumerate(reversed(CHOSEN)):
            own, other = (rows[(rows.method == name) & (rows.variant == variant)].regret for variant in (AS_RUN, "other weights"))
            pair = (other, own) if name == "k_means" else (own, other)
            spots = _dumbbell(axes, pair, height, looks.color(name))
            if height == len(CHOSEN) - 1:
                _above(axes, spots, height, ("each counts for 1", "for its share"))
        percent(axes, "x", (1.0, 3.0))
        axes.set(title=title, xlabel="share of the learnable that is lost", ylim=(-0.5, len(CHOSEN) - 0.3))
        axes.margins(x=0.15)
        axes.annotate("no data", (1, -0.45), (3, 0), textcoords="offset points", fontsize=LETTERS, color=looks.GREY)
    panels[0].set_yticks(range(len(CHOSEN)), [looks.label(name) for name in reversed(CHOSEN)])
    titled(fig, "The same points, other weights: some sets become worse than no data")
    return fig
