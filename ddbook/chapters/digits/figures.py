"""Pictures of the digits chapter."""

from __future__ import annotations

import textwrap
from collections.abc import Mapping, Sequence

import matplotlib.pyplot as plt
import numpy as np
import pandas as pd
import torch
from matplotlib.axes import Axes
from matplotlib.figure import Figure
from matplotlib.ticker import MultipleLocator

from ddbook.chapters.digits.chosen import OWN, TASK_FREE
from ddbook.chapters.digits.experiment import Digits
from ddbook.chapters.digits.report import each_row
from ddbook.kit import figures, looks
from ddbook.kit.looks import label
from ddlib.problem import Distilled
from ddlib.statistics import estimate
from ddlib.tasks import IntervalTask
from ddlib.trial import Trial


def titled(figure: Figure, finding: str) -> Figure:
    """The figure with what it shows above its panels."""
    figure.suptitle(finding, x=0.01, ha="left", fontsize=10, fontweight="bold")
    return figure


def draw_transfer(table: pd.DataFrame, budget: int, methods: Sequence[str], learners: Sequence[str]) -> Figure:
    """A dot for what a method is worth to each learner, above k-means, one panel per method; full dots differ from zero.

    Args:
        table: as :func:`ddbook.chapters.digits.report.transfer` makes it.
        budget: of the sets.
        methods: the panels; the dot of the learner that a method looks at is a square.
        learners: the rows.
    """
    fig, axes = figures.panels(len(methods), height=2.5, squeeze=False, sharex=True, sharey=True)
    places = {learner: len(learners) - 1 - row for row, learner in enumerate(learners)}
    for panel, method in zip(axes[0], methods, strict=True):
        panel.axvline(0, color=looks.BLACK, linewidth=1.0)
        for row in each_row(table[(table.budget == budget) & (table.method == method)]):
            color, height = looks.color(method), places[row.learner]
            panel.plot([100 * row.low, 100 * row.high], [height] * 2, color=color, linewidth=0.9)
            fill = color if row.settled else "white"
            panel.plot([100 * row.value], [height], "s" if row.home else "o", color=color, markerfacecolor=fill, gid=row.learner)
        panel.set_title(textwrap.fill(label(method), 15), fontsize=8.5, fontweight="normal")
        panel.tick_params(axis="x", labelsize=8)
        panel.xaxis.set_major_locator(MultipleLocator(10))
    axes[0, 0].set_yticks([*places.values()], [*places], fontsize=8)
    axes[0, 0].set_ylim(-0.6, len(learners) - 0.4)
    fig.supxlabel("accuracy above that of k-means (percentage points)", fontsize=9)
    return fig


def draw_differences(found: pd.DataFrame, budget: int, methods: Sequence[str], learners: Sequence[str]) -> Figure:
    """A dot for each method's accuracy above k-means, one panel per learner; full dots cannot be told from the best.

    Args:
        found: as :func:`ddbook.chapters.digits.report.differences` makes it.
        budget: of the sets.
        methods: the rows.
        learners: the panels; the dot of a method that looks at the learner is a square.
    """
    fig, axes = figures.panels(len(learners), height=0.75 + 0.17 * len(methods), squeeze=False, sharey=True)
    places = {method: len(methods) - 1 - row for row, method in enumerate(methods)}
    for panel, learner in zip(axes[0], learners, strict=True):
        panel.axvline(0, color=looks.BLACK, linewidth=1.0)
        rows = found[(found.budget == budget) & (found.learner == learner) & found.method.isin(methods)]
        for row in each_row(rows):
            color, height = looks.BLUE if row.tied else looks.GREY, places[row.method]
            panel.plot([100 * row.difference_low, 100 * row.difference_high], [height] * 2, color=color, linewidth=0.9)
            home = row.method not in TASK_FREE and OWN[row.method] == learner
            marker, fill = "s" if home else "o", color if row.tied else "white"
            panel.plot([100 * row.difference], [height], marker, color=color, markerfacecolor=fill, gid=row.method)
        panel.set_title(learner.replace(", ", ",\n").replace(" forest", "\nforest"), fontsize=8.5, fontweight="normal")
        panel.tick_params(axis="x", labelsize=8)
    axes[0, 0].set_yticks([*places.values()], [label(method) for method in places], fontsize=8)
    axes[0, 0].set_ylim(-0.6, len(methods) - 0.4)
    fig.supxlabel("accuracy above that of k-means (percentage points)", fontsize=9)
    return fig


def draw_labels(found: pd.DataFrame, budgets: Sequence[int], learner: str, full: float) -> Figure:
    """Accuracy with the labels of the rows and with labels that are solved for or learned, a line for each choice of points.

    Args:
        found: as :func:`ddbook.chapters.digits.report.differences` makes it.
        budgets: one panel each.
        learner: whose accuracy.
        full: its accuracy from all training images, a dotted line.
    """
    lines = {
        "points learned": ("kernel_inducing", "kernel_inducing_labels"),
        "k-means points": ("k_means", "solved_labels"),
        "random rows": ("random", "solved_labels_random"),
    }
    fig, axes = figures.panels(len(budgets), height=2.9, squeeze=False)
    for panel, budget in zip(axes[0], budgets, strict=True):
        rows = found[(found.budget == budget) & (found.learner == learner)].set_index("method")
        panel.plot([-0.15, 1], [100 * full] * 2, color=looks.GREY, linestyle=":", label="all training images")
        for name, ends in lines.items():
            values, color = 100 * rows.loc[list(ends)], looks.color(ends[0])
            panel.plot([0, 1], values.accuracy, "o-", color=color, label=name)
            panel.vlines([0, 1], values.low, values.high, color=color, linewidth=0.7)
        panel.set_xticks([0, 1], ["labels of\nthe rows", "labels solved\nor learned"])
        panel.set(xlim=(-0.15, 1.05))
        panel.set_title(f"{budget} points", fontweight="normal")
        panel.grid(axis="x", visible=False)
    axes[0, 0].set_ylabel(f"accuracy of {learner} (%)")
    for panel in axes[0]:
        figures.label_ends(panel, 8)
    return fig


def draw_gallery(digits: Digits, sets: Mapping[tuple[str, int], Trial], methods: Sequence[str], budget: int) -> Figure:
    """Images of the first draw's sets that begin at k-means, and beside each what was added to (blue) or taken from it (red)."""
    base = sets["k_means", budget].distilled
    order = _ten(base.y[0].argmax(-1).cpu().numpy())
    begun = base.x[0, order].cpu().numpy().reshape(-1, 8, 8)
    mean = digits.mean[0].cpu().numpy().reshape(1, 8, 8)
    fig, axes = plt.subplots(
        1 + len(methods), 2, figsize=(figures.TEXT_WIDTH, 0.44 * (1 + len(methods)) + 0.3), layout="constrained", squeeze=False
    )
    for row, method in enumerate(["k_means", *methods]):
        points = sets[method, budget].distilled.x[0, order].cpu().numpy().reshape(-1, 8, 8)
        axes[row, 0].imshow(_strip(1 - (points + mean).clip(0, 1), 1.0), cmap="gray", vmin=0, vmax=1, interpolation="nearest")
        axes[row, 0].set_ylabel(label(method).replace(", ", ",\n"), rotation=0, ha="right", va="center", fontsize=8)
        change = points - begun
        axes[row, 1].imshow(_strip(change, 0.0), cmap="RdBu", vmin=-1, vmax=1, interpolation="nearest")
        axes[row, 1].set_ylabel(f"{np.sqrt(np.mean(change**2)):.2f}", rotation=0, ha="left", va="center", fontsize=8)
        axes[row, 1].yaxis.set_label_position("right")
    for panel in axes.flat:
        panel.set(xticks=[], yticks=[])
        panel.grid(False)
        panel.spines[:].set_visible(False)
    axes[0, 0].set_title("the images", fontsize=9, fontweight="normal")
    axes[0, 1].set_title("what was changed in those of k-means", fontsize=9, fontweight="normal")
    return fig


def _strip(pictures: np.ndarray, between: float) -> np.ndarray:
    """Pictures side by side, a column apart."""
    strip = np.full((8, 9 * len(pictures) - 1), between)
    for place, picture in enumerate(pictures):
        strip[:, 9 * place : 9 * place + 8] = picture
    return strip


def _ten(classes: np.ndarray) -> np.ndarray:
    """Which ten points to show, ordered by class: no class has a second one before each that can has a first."""
    turn = np.array([(classes[:k] == own).sum() for k, own in enumerate(classes)])
    shown = np.lexsort((classes, turn))[:10]
    return shown[np.argsort(classes[shown], kind="stable")]


TRAP = {
    ("warm", "inside"): ("kept network, inside", looks.VERMILION, "--"),
    ("warm", "retrained"): ("kept network", looks.VERMILION, "-"),
    ("cold", "retrained"): ("fresh network", looks.BLUE, "-"),
    ("cold_long", "retrained"): ("fresh, trained longer", looks.GREEN, "-"),
}
"""The curves of the trap: their names, colours and lines."""


def draw_trap(curves: pd.DataFrame) -> Figure:
    """Accuracy over the updates of the set for each arm, one panel per step size."""
    sizes = sorted(curves.step_size.unique())
    fig, axes = figures.panels(len(sizes), height=3.0, squeeze=False, sharey=True)
    for panel, size in zip(axes[0], sizes, strict=True):
        for (arm, column), (name, color, line) in TRAP.items():
            rows = curves[(curves.arm == arm) & (curves.step_size == size)]
            found = [(step, estimate(part[column])) for step, part in rows.groupby("step")]
            steps = [step for step, _ in found]
            panel.plot(steps, [100 * value.value for _, value in found], line, color=color, label=name)
            low, high = ([100 * getattr(value, end) for _, value in found] for end in ("low", "high"))
            panel.fill_between(steps, low, high, color=color, alpha=0.12, linewidth=0)
        panel.set(xlabel="updates of the set", ylim=(0, 100))
        panel.set_title(f"step size {size:g}", fontweight="normal")
    axes[0, 0].set_ylabel("accuracy on the locked images (%)")
    figures.label_ends(axes[0, -1], 8)
    return fig


def draw_intervals(task: IntervalTask, sets: Mapping[str, Distilled], every: int = 2) -> Figure:
    """Predictive intervals over the test labels of the first draw, one panel for each set; intervals that miss are orange.

    Args:
        task: judged by its intervals.
        sets: by the title of their panel.
        every: so many patients apart, in the order that all the training data put them in.
    """
    fig, axes = figures.panels(len(sets), height=2.9, squeeze=False, sharey=True)
    test = task.splits.test
    with torch.no_grad():
        order = task.learner.predict(task.reference, test.x)[0].argsort()[::every]
        for panel, (title, distilled) in zip(axes[0], sets.items(), strict=True):
            low, high = (end[0].cpu().numpy() for end in task.learner.interval(task.fit(distilled), test.x, task.level))
            _intervals(panel, low, high, test.y[0].cpu().numpy(), order.cpu().numpy())
            inside = int(((low <= test.y[0].cpu().numpy()) & (test.y[0].cpu().numpy() <= high)).sum())
            panel.set_title(f"{title}:\n{inside} of {len(low)} are right".replace(", ", ",\n"), fontsize=8.5, fontweight="normal")
            panel.set_xticks([])
            panel.set_xlabel("patients, by predicted course", fontsize=8.5)
    axes[0, 0].set_ylabel("disease progression\n(standard deviations)")
    return fig


def _intervals(panel: Axes, low: np.ndarray, high: np.ndarray, label: np.ndarray, order: np.ndarray) -> None:
    """Intervals as lines and labels as dots, patient by patient."""
    low, high, label, place = low[order], high[order], label[order], np.arange(len(order))
    hit = (low <= label) & (label <= high)
    for chosen, color in ((hit, looks.BLUE), (~hit, looks.VERMILION)):
        panel.vlines(place[chosen], low[chosen], high[chosen], color=color, linewidth=1.2)
        panel.plot(place[chosen], label[chosen], ".", color=color, markersize=4)
