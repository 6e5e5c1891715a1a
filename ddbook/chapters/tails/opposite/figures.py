"""The pictures of chapter 11."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any, NamedTuple

import numpy as np
import pandas as pd
import torch
from jaxtyping import Float
from matplotlib.axes import Axes
from matplotlib.figure import Figure
from matplotlib.ticker import NullFormatter
from torch import Tensor

from ddbook.chapters.tails.opposite.report import LEARNERS, METHODS, OURS, SPREAD, called, median, names
from ddbook.kit import figures, looks
from ddbook.kit.tails.words import label
from ddlib.pinn.task import PinnTask
from ddlib.problem import Distilled

MEASURES = {"error": "error", "residual": "residual", "mismatch": "mismatch"}


def named(method: str) -> dict[str, Any]:
    """Keyword arguments for ``Axes.plot`` of a method, with its name in this chapter."""
    return looks.look(method) | {"linewidth": 1.1, "label": called(method)}


def draw_ladder(climbed: pd.DataFrame) -> Figure:
    """Error, residual and boundary mismatch on the target tail against the level of information, one column per problem."""
    problems, levels = names(climbed), sorted(climbed.level.unique())
    figure, axes = figures.panels(len(problems), len(MEASURES), height=1.55, squeeze=False, sharex=True, sharey="row")
    methods = ("informed", SPREAD, OURS)
    for column, problem in enumerate(problems):
        for row, measure in enumerate(MEASURES):
            panel = axes[row][column]
            for method in methods:
                found = [median(climbed, measure, problem=problem, method=method, level=level) for level in levels]
                panel.plot(levels, found, **named(method) | {"markersize": 3.5})
            panel.set(yscale="log", xticks=levels)
            panel.set_xticklabels([f"I{level}" for level in levels], fontsize=7)
            panel.tick_params(axis="y", labelsize=7)
            if column == 0:
                panel.set_ylabel(MEASURES[measure], fontsize=8)
        axes[0][column].set_title(label(problem).replace(" ", "\n"), fontsize=8)
    figures.legend_below(figure)
    return figure


def draw_budgets(scores: pd.DataFrame, climbed: pd.DataFrame) -> Figure:
    """Error of networks against the number of points, by method, one panel per problem; rows without a set as lines."""
    problems = names(scores)
    sets = scores[(scores.learner == "network") & (scores.method != "full")]
    methods = [method for method in METHODS if method in set(sets.method)]
    figure, axes = figures.grid(len(problems), height=2.1, sharey=True)
    figure.set_figheight(figure.get_figheight() + 1.2)  # room for the legend
    budgets = sorted(sets.budget.unique())
    for panel, problem in zip(axes.flat, problems, strict=False):
        for method in methods:
            here = [median(sets, problem=problem, method=method, budget=budget) for budget in budgets]
            panel.plot(budgets, here, **named(method))
        lines = {"full": median(scores, problem=problem, method="full", learner="network")}
        lines |= {who: median(climbed, problem=problem, method=who, level=3) for who in ("informed",)}
        for who, value in lines.items():
            panel.axhline(value, **looks.line(who) | {"linewidth": 0.9, "label": called(who)})
        panel.set(title=label(problem), yscale="log", xscale="log", xticks=budgets)
        panel.set_xticklabels([f"{budget}" for budget in budgets])
        panel.xaxis.set_minor_formatter(NullFormatter())
        panel.margins(x=0.15)
    figures.name_outer(axes, "points", "relative L2 error")
    figures.legend_below(figure)
    return figure


def draw_course(courses: pd.DataFrame) -> Figure:
    """Error of freshly trained networks, and of the labels, along the descent of kernel matching."""
    problems = names(courses)
    figure, axes = figures.grid(len(problems), height=1.7, sharey=True)
    for panel, problem in zip(axes.flat, problems, strict=False):
        part = courses[courses.problem == problem]
        for _, one in part.groupby("seed"):
            panel.plot(one.step, one.error, color=looks.color(OURS), linewidth=0.6, alpha=0.5)
        middle = part.groupby("step").error.median()
        panel.plot(middle.index, middle, color=looks.color(OURS), marker=looks.LOOKS[OURS].marker)
        panel.set(title=label(problem), yscale="log")
    figures.name_outer(axes, "updates", "relative L2 error")
    return figure


def draw_unseen(scores: pd.DataFrame, budget: int) -> Figure:
    """The error on distilled points over that on as many Sobol points with the teacher's labels, by learner."""
    problems = names(scores)
    figure, axes = figures.panels(height=2.7)
    learners = [one for one in LEARNERS if one in set(scores[scores.method == OURS].learner)]
    shifts = np.linspace(-0.28, 0.28, len(learners))
    colours = (looks.VERMILION, looks.BLACK, looks.BLUE, looks.PURPLE, looks.GREEN)
    for learner, shift, marker, colour in zip(learners, shifts, "sPoDv", colours, strict=False):
        here: dict[str, Any] = {"budget": budget, "learner": learner}
        ratio = [
            median(scores, problem=p, method=OURS, **here) / median(scores, problem=p, method=SPREAD, **here) for p in problems
        ]
        axes.plot(np.arange(len(problems)) + shift, ratio, marker, color=colour, label=LEARNERS[learner])
    axes.axhline(1, color=looks.GREY, linewidth=1)
    axes.axhline(1.5, color=looks.BLACK, linewidth=1, linestyle="--", label="goal for the last three: 1.5")
    axes.set_xticks(range(len(problems)), [label(problem).replace(" ", "\n") for problem in problems])
    axes.set(yscale="log", ylabel="error, distilled / Sobol points")
    ticks = [0.25, 0.5, 1, 1.5, 2]
    axes.set_yticks(ticks, [f"{tick:g}" for tick in ticks])
    axes.yaxis.set_minor_formatter(NullFormatter())
    figures.legend_below(figure)
    return figure


class Pictured(NamedTuple):
    """A distilled set of the first seed, and what networks predict.

    Attributes:
        task: the problem and its data.
        distilled: the set.
        curves: along x for a few α of the target tail, by method.
        place: x.
        exact: the solutions.
    """

    task: PinnTask
    distilled: Distilled
    curves: Mapping[str, Float[Tensor, "k n"]]
    place: Float[Tensor, " n"]
    exact: Float[Tensor, "k n"]


def pictured(task: PinnTask, distilled: Distilled, models: Mapping[str, Tensor], count: int = 3) -> Pictured:
    """Predictions of the first seed's plain networks along x, in the middle of other coordinates."""
    problem = task.problem
    middle = torch.tensor(problem.box, dtype=torch.float64).mean(-1)
    x = middle.expand(101, -1).clone()
    x[:, 0] = torch.linspace(*problem.box[0], 101, dtype=torch.float64)
    alpha = problem.law.grid(task.data.tails.target, task.data.tails.mass, count)
    units = problem.join(x.expand(count, -1, -1), alpha.unsqueeze(-1).expand(-1, 101)).to(task.train.x)
    flat = units.flatten(0, 1).unsqueeze(0)
    curves = {name: task.predict(model[:1], flat).view(count, 101).cpu() for name, model in models.items()}
    return Pictured(task, distilled, curves, x[:, 0], problem.exact_at(units).cpu())


def draw_sets(each: Sequence[Pictured]) -> Figure:
    """Figure 6: where the distilled points lie, and what networks predict that learned from them."""
    figure, axes = figures.panels(len(each), 2, height=2.0, squeeze=False)
    for column, found in enumerate(each):
        top, below = axes[0][column], axes[1][column]
        _points(top, found)
        below.plot(found.place, found.exact.T, color=looks.BLACK, linestyle="--", linewidth=1)
        for method, curves in found.curves.items():
            below.plot(found.place, curves.T, **looks.line(method))
        top.set_title(label(found.task.problem.name))
        below.set_xlabel("x")
    axes[0][0].set_ylabel("α")
    axes[1][0].set_ylabel("u")
    handles = [figures.entry(color=looks.BLACK, linestyle="--", label="exact")]
    handles += [figures.entry(**looks.line(method) | {"label": f"network from {called(method)}"}) for method in each[0].curves]
    handles.append(figures.entry(color=looks.BLUE, marker=".", linestyle="", label="noisy rows"))
    handles.append(figures.entry(**looks.dots(OURS) | {"label": "distilled points"}))
    figures.legend_below(figure, 3, handles)
    return figure


def _points(panel: Axes, found: Pictured) -> None:
    rows, units = found.task.train.x[0].cpu(), found.distilled.x[0].cpu()
    tails, law = found.task.data.tails, found.task.problem.law
    low, high = law.interval(tails.target, tails.mass)
    top = float(law.at(tails.target, tails.mass, torch.tensor([0.995], dtype=torch.float64)))
    panel.axhspan(low, min(high, top), color=looks.VERMILION, alpha=0.12, linewidth=0)
    panel.plot(rows[:, 0], rows[:, -1], ".", color=looks.BLUE, markersize=3, alpha=0.7)
    panel.plot(units[:, 0], units[:, -1], **looks.dots(OURS) | {"markersize": 4})
