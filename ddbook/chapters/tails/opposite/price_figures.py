"""The pictures of chapter 12."""

from __future__ import annotations

from typing import Any

import numpy as np
import pandas as pd
from matplotlib.axis import Axis
from matplotlib.figure import Figure
from matplotlib.ticker import LogLocator, NullFormatter, StrMethodFormatter

from ddbook.chapters.tails.opposite.price import EXACT, ROWS
from ddbook.chapters.tails.opposite.report import OURS, SPREAD, median, names
from ddbook.kit import figures, looks
from ddbook.kit.tails.words import label

DRAWN = [
    *((method, method) for method in ("solver", "informed", "collocation")),
    *((method, "network") for method in (OURS, SPREAD, "full")),
]
"""The rows that figures show."""


def marks(method: str, learner: str, **options: Any) -> dict[str, Any]:
    """A row as single marks, with its name."""
    return looks.dots(method) | {"label": ROWS[method, learner]} | options


def draw_price(priced: pd.DataFrame) -> Figure:
    """Error against the time to the first answer, one panel per problem; errors below the axis are drawn at its lower end."""
    problems = names(priced)
    figure, axes = figures.grid(len(problems), sharex=True, sharey=True)
    floor = 0.3 * float(priced.error[priced.method != "solver"].min())
    for panel, problem in zip(axes.flat, problems, strict=False):
        for method, learner in DRAWN:
            part = priced[(priced.problem == problem) & (priced.method == method) & (priced.learner == learner)]
            if len(part):
                seconds, small = part.seconds + part.answer, {"markersize": 3, "alpha": 0.5, "markeredgewidth": 0.6, "label": None}
                panel.plot(seconds, part.error.clip(lower=floor), **marks(method, learner, **small))
                panel.plot(seconds.median(), max(part.error.median(), floor), **marks(method, learner, markersize=6.5))
        panel.set(xscale="log", yscale="log", title=label(problem))
    figures.name_outer(axes, "seconds to the first answer", "relative L2 error")
    figures.legend_below(figure)
    return figure


def draw_faithful(priced: pd.DataFrame) -> Figure:
    """Error against residual, and error against boundary mismatch: every way, problem and seed."""
    figure, axes = figures.panels(2, height=2.9, sharey=True)
    for panel, (column, name) in zip(axes, (("residual", "residual, RMS"), ("mismatch", "boundary mismatch, RMS")), strict=True):
        for method, learner in DRAWN:
            part = priced[(priced.method == method) & (priced.learner == learner)]
            if len(part) and part[column].notna().any():
                panel.plot(part[column], part.error, **marks(method, learner, alpha=0.8))
        panel.set(xscale="log", yscale="log", xlabel=name)
        _plain(panel.xaxis)
    axes[0].set_ylabel("relative L2 error")
    figures.legend_below(figure)
    return figure


def draw_chain(priced: pd.DataFrame) -> Figure:
    """From the teacher to the network: the teacher's error, the network's from exact labels at the same points, and from S."""
    problems = names(priced)
    figure, axes = figures.panels(height=0.42 * len(problems) + 1.0)
    for method, learner in (("informed", "informed"), (EXACT, "network"), (OURS, "network")):
        found = [median(priced, problem=problem, method=method, learner=learner) for problem in problems]
        axes.plot(found, np.arange(len(problems))[::-1], **marks(method, learner))
    axes.set_yticks(range(len(problems)), [label(problem) for problem in problems[::-1]])
    axes.set(xscale="log", xlabel="relative L2 error on the target tail", ylim=(-0.5, len(problems) - 0.5))
    _plain(axes.xaxis)
    figures.legend_below(figure)
    return figure


def _plain(axis: Axis) -> None:
    """Ticks of a logarithmic axis at 1 and 3 of each decade, as plain numbers."""
    axis.set_major_locator(LogLocator(subs=(1.0, 3.0)))
    axis.set_major_formatter(StrMethodFormatter("{x:g}"))
    axis.set_minor_formatter(NullFormatter())
