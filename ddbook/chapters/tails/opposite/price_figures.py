"""The pictures of chapter 12."""

from __future__ import annotations

import numpy as np
import pandas as pd
from matplotlib.axis import Axis
from matplotlib.figure import Figure
from matplotlib.ticker import LogLocator, NullFormatter, StrMethodFormatter

from ddbook.chapters.tails.opposite.price import EXACT, ROWS
from ddbook.chapters.tails.opposite.report import OURS, SPREAD, median, names
from ddbook.kit import plotting
from ddbook.kit.pinn_looks import STYLES
from ddbook.kit.tails.words import label

MARKS: dict[tuple[str, str], tuple[str, str]] = {
    ("solver", "solver"): (plotting.GREEN, "*"),
    **{(method, method): STYLES[method][:2] for method in ("informed", "collocation")},
    **{(method, "network"): STYLES[method][:2] for method in (OURS, SPREAD, "full")},
}


def draw_price(priced: pd.DataFrame) -> Figure:
    """Error against the time to the first answer, one panel per problem; errors below the axis are drawn at its lower end."""
    problems = names(priced)
    columns = min(3, len(problems))
    figure, axes = plotting.figure(columns, -(-len(problems) // columns), height=2.0, squeeze=False, sharex=True, sharey=True)
    floor = 0.3 * float(priced.error[priced.method != "solver"].min())
    for panel in list(axes.flat)[len(problems) :]:
        panel.set_visible(False)
    for panel, problem in zip(axes.flat, problems, strict=False):
        for (method, learner), (colour, marker) in MARKS.items():
            part = priced[(priced.problem == problem) & (priced.method == method) & (priced.learner == learner)]
            if len(part):
                seconds = part.seconds + part.answer
                name = ROWS[method, learner]
                panel.plot(
                    seconds, part.error.clip(lower=floor), marker, color=colour, markersize=3, alpha=0.5, markeredgewidth=0.6
                )
                panel.plot(seconds.median(), max(part.error.median(), floor), marker, color=colour, markersize=6.5, label=name)
        panel.set(xscale="log", yscale="log", title=label(problem))
    for row in axes:
        row[0].set_ylabel("relative L2 error")
    for panel in axes[-1]:
        panel.set_xlabel("seconds to the first answer")
    found = {name: handle for panel in axes.flat for handle, name in zip(*panel.get_legend_handles_labels(), strict=True)}
    figure.legend(found.values(), found.keys(), loc="outside lower center", ncols=3)  # not every problem has a solver
    return figure


def draw_faithful(priced: pd.DataFrame) -> Figure:
    """Error against residual, and error against boundary mismatch: every way, problem and seed."""
    figure, axes = plotting.figure(2, height=2.9, sharey=True)
    for panel, (column, name) in zip(axes, (("residual", "residual, RMS"), ("mismatch", "boundary mismatch, RMS")), strict=True):
        for (method, learner), (colour, marker) in MARKS.items():
            part = priced[(priced.method == method) & (priced.learner == learner)]
            if len(part) and part[column].notna().any():
                panel.plot(part[column], part.error, marker, color=colour, label=ROWS[method, learner], alpha=0.8)
        panel.set(xscale="log", yscale="log", xlabel=name)
        _plain(panel.xaxis)
    axes[0].set_ylabel("relative L2 error")
    figure.legend(*axes[0].get_legend_handles_labels(), loc="outside lower center", ncols=3)
    return figure


def draw_chain(priced: pd.DataFrame) -> Figure:
    """From the teacher to the network: the teacher's error, the network's from exact labels at the same points, and from S."""
    problems = names(priced)
    figure, axes = plotting.figure(height=0.42 * len(problems) + 1.0)
    ways = {
        ("informed", "informed"): (*MARKS["informed", "informed"], "the teacher's own error"),
        (EXACT, "network"): (plotting.GREEN, "^", "network, same points, exact labels"),
        (OURS, "network"): (*MARKS[OURS, "network"], "network, distilled points"),
    }
    for (method, learner), (colour, marker, name) in ways.items():
        found = [median(priced, problem=problem, method=method, learner=learner) for problem in problems]
        axes.plot(found, np.arange(len(problems))[::-1], marker, color=colour, label=name)
    axes.set_yticks(range(len(problems)), [label(problem) for problem in problems[::-1]])
    axes.set(xscale="log", xlabel="relative L2 error on the target tail", ylim=(-0.5, len(problems) - 0.5))
    _plain(axes.xaxis)
    figure.legend(loc="outside lower center", ncols=3)
    return figure


def _plain(axis: Axis) -> None:
    """Ticks of a logarithmic axis at 1 and 3 of each decade, as plain numbers."""
    axis.set_major_locator(LogLocator(subs=(1.0, 3.0)))
    axis.set_major_formatter(StrMethodFormatter("{x:g}"))
    axis.set_minor_formatter(NullFormatter())
