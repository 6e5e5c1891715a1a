"""The pictures of chapter 09."""

from __future__ import annotations

from collections.abc import Mapping, Sequence

import numpy as np
import pandas as pd
import torch
from matplotlib.axes import Axes
from matplotlib.figure import Figure
from matplotlib.patches import Patch

from ddbook.chapters.tails.two_tails.experiment import Setting, Slice
from ddbook.chapters.tails.two_tails.report import values
from ddbook.kit import figures, looks
from ddbook.kit.tails.words import label
from ddlib.pinn.problems.problem import Problem
from ddlib.pinn.task import PinnTask
from ddlib.statistics import estimate

TRAIN, TARGET = looks.BLUE, looks.VERMILION
SHADE = 0.25
MARKERS = "osD^v"


def draw_two_tails(tasks: Sequence[PinnTask]) -> Figure:
    """Figure 5: the law of α with both tails, and below it training and test targets, for each problem."""
    columns = min(3, len(tasks))
    blocks = -(-len(tasks) // columns)
    figure, axes = figures.panels(columns, 2 * blocks, height=1.65, squeeze=False, height_ratios=[0.55, 1] * blocks)
    for panel in axes.flat:
        panel.set_visible(False)
    for index, task in enumerate(tasks):
        row, column = divmod(index, columns)
        top, below = axes[2 * row][column], axes[2 * row + 1][column]
        top.set_visible(True)
        below.set_visible(True)
        _law(top, task)
        _targets(below, task)
        top.set_title(label(task.problem.name))
        if column == 0:
            below.set_ylabel("u")
    handles = [
        figures.entry(color=TRAIN, marker=".", linestyle="", label="training: noisy y"),
        figures.entry(color=TARGET, label="test: exact u"),
    ]
    figures.legend_below(figure, 2, handles)
    return figure


def _law(panel: Axes, task: PinnTask) -> None:
    law, tails = task.problem.law, task.data.tails
    alpha = law.quantile(torch.linspace(0.0005, 0.9995, 400, dtype=torch.float64)).numpy()
    density = np.exp(-(((alpha - law.mean) / law.sd) ** 2) / 2)
    panel.plot(alpha, density, color=looks.GREY, linewidth=1)
    for tail, tint in ((tails.train, TRAIN), (tails.target, TARGET)):
        low, high = law.interval(tail, tails.mass)
        panel.fill_between(alpha, density, where=(alpha >= low) & (alpha <= high), color=tint, alpha=2 * SHADE, linewidth=0)
    panel.set(yticks=[], ylim=(0, 1.1))
    panel.grid(visible=False)
    panel.text(1, 0, "α", transform=panel.transAxes, ha="left", va="top")


def _targets(panel: Axes, task: PinnTask) -> None:
    problem, train = task.problem, task.train
    x, y = train.x[0].cpu(), train.y[0].cpu()
    if problem.timed:
        near = (x[:, 1] - _middle(problem)[1]).abs() < 0.15
        x, y = x[near], y[near]
    alpha = problem.law.grid(task.data.tails.target, task.data.tails.mass, 9)
    place = torch.linspace(*problem.box[0], 101, dtype=torch.float64)
    coordinates = _middle(problem).expand(101, -1).clone()
    coordinates[:, 0] = place
    curves = problem.exact(coordinates.expand(9, -1, -1), alpha.unsqueeze(-1).expand(-1, 101))
    panel.plot(place, curves.T, color=TARGET, linewidth=0.8, alpha=0.8)
    panel.plot(x[:, 0], y, ".", color=TRAIN, markersize=3.5, alpha=0.8)
    panel.set_xlabel("x")


def _middle(problem: Problem) -> torch.Tensor:
    return torch.tensor(problem.box, dtype=torch.float64).mean(-1)


def draw_slices(slices: Mapping[str, Slice], problems: Mapping[str, Problem], mass: float) -> Figure:
    """The solution in the middle of the domain against α: exact, and by each network."""
    figure, axes = figures.grid(len(slices))
    for panel, (name, found) in zip(axes.flat, slices.items(), strict=False):
        _shade(panel, problems[name], mass)
        panel.plot(found.alpha, found.predicted.T, color=looks.ORANGE, linewidth=1)
        panel.plot(found.alpha, found.exact, color=looks.BLACK, linestyle="--", linewidth=1.2)
        panel.set_title(label(name))
        panel.set_xlabel("α")
    figures.name_outer(axes, y="u in the middle")
    handles = [
        figures.entry(color=looks.ORANGE, label="networks, one per seed"),
        figures.entry(color=looks.BLACK, linestyle="--", label="exact"),
        *_shades(),
    ]
    figures.legend_below(figure, 4, handles)
    return figure


def draw_errors(scores: pd.DataFrame, masses: Sequence[float], noises: Sequence[float]) -> Figure:
    """Errors on the training tail (open) and the other tail (filled) by noise, one panel per mass; the whole law as a bar."""
    problems = list(scores.problem.unique())[::-1]
    figure, axes = figures.panels(len(masses), height=0.42 * len(problems) + 1.0, sharey=True, sharex=True, squeeze=False)
    shifts = np.linspace(0.24, -0.24, len(noises)) if len(noises) > 1 else [0.0]
    levels = sorted(noises)
    for panel, mass in zip(axes[0], masses, strict=True):
        for height, problem in enumerate(problems):
            for shift, noise, marker in zip(shifts, levels, MARKERS, strict=False):
                for tail, tint, face in (("inside", TRAIN, "white"), ("target", TARGET, TARGET)):
                    _bar(panel, values(scores, problem, Setting(mass, noise), tail), height + shift, tint, face, marker)
            whole = values(scores, problem, Setting(mass, noises[0], "both"), "target")
            if whole.size:
                panel.plot(np.median(whole), height, "|", color=looks.BLACK, markersize=15, markeredgewidth=1.5)
        severity = np.median(scores.severity[scores.mass == mass])
        panel.set(title=f"q = {mass:g}: {severity:.1f} sd apart", xscale="log", xlabel="relative L2 error")
        panel.set_yticks(range(len(problems)), [label(name) for name in problems])
        panel.grid(axis="y", visible=False)
    handles = [
        figures.entry(color=TRAIN, marker="o", markerfacecolor="white", linestyle="", label="training tail"),
        figures.entry(color=TARGET, marker="o", linestyle="", label="other tail"),
        figures.entry(color=looks.BLACK, marker="|", markersize=12, linestyle="", label="other tail, trained on the whole law"),
        *(
            figures.entry(color=looks.GREY, marker=marker, linestyle="", label=f"{100 * noise:g} % noise")
            for noise, marker in zip(levels, MARKERS, strict=False)
        ),
    ]
    figures.legend_below(figure, 3, handles)
    return figure


def _bar(panel: Axes, found: np.ndarray, height: float, tint: str, face: str, marker: str) -> None:
    middle = estimate(found, "median")
    if middle.n > 1:
        panel.plot([middle.low, middle.high], [height, height], color=tint, linewidth=0.9)
    panel.plot(middle.value, height, marker, color=tint, markerfacecolor=face)


def draw_lines(lines: pd.DataFrame, problems: Mapping[str, Problem], mass: float) -> Figure:
    """The error of fits affine in α: closed form, its variance alone, and simulated."""
    names = list(lines.problem.unique())
    figure, axes = figures.grid(len(names), sharey=True)
    for panel, name in zip(axes.flat, names, strict=False):
        part = lines[lines.problem == name]
        _shade(panel, problems[name], mass)
        panel.plot(part.alpha, part.variance_only, color=looks.GREEN, linestyle="--", linewidth=1.2, zorder=3)
        panel.plot(part.alpha, part.closed_form, color=looks.BLACK, linewidth=1.6)
        panel.plot(part.alpha, part.simulated, "o", color=looks.PURPLE, markerfacecolor="none", markersize=4, markeredgewidth=0.8)
        panel.set(title=label(name), xlabel="α", yscale="log")
    figures.name_outer(axes, y="relative error")
    handles = [
        figures.entry(color=looks.PURPLE, marker="o", markerfacecolor="none", linestyle="", label="simulated"),
        figures.entry(color=looks.BLACK, label="closed form"),
        figures.entry(color=looks.GREEN, linestyle="--", label="its variance alone"),
        *_shades(),
    ]
    figures.legend_below(figure, 5, handles)
    return figure


def _shade(panel: Axes, problem: Problem, mass: float) -> None:
    first, last = problem.law.quantile(torch.tensor([0.005, 0.995], dtype=torch.float64)).tolist()
    for tail, tint in (("lower", TRAIN), ("upper", TARGET)):
        low, high = problem.law.interval(tail, mass)  # type: ignore[arg-type]
        panel.axvspan(max(low, first), min(high, last), color=tint, alpha=SHADE * 0.7, linewidth=0)


def _shades() -> list[Patch]:
    return [
        Patch(color=TRAIN, alpha=SHADE * 0.7, linewidth=0, label="training tail"),
        Patch(color=TARGET, alpha=SHADE * 0.7, linewidth=0, label="other tail"),
    ]
