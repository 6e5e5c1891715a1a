"""The pictures of chapter 13."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np
import pandas as pd
from matplotlib.figure import Figure
from scipy.special import expit

from ddbook.chapters.merge.four.calibration import bins
from ddbook.chapters.merge.four.cohort import Cohort
from ddbook.chapters.merge.four.distillation import ALL, FOREST, LOGISTIC, NEAREST
from ddbook.chapters.merge.four.nested import PICKED
from ddbook.chapters.merge.four.tables import POOLED
from ddbook.kit import figures, looks

LEARNERS = {LOGISTIC: "logistic regression", FOREST: "random forest", NEAREST: "nearest neighbour"}
"""The learners that are drawn."""
TITLES = {"within": "area under the curve within hospitals", "log_loss": "log loss"}


def draw_measured(cohort: Cohort, hospitals: Sequence[str]) -> Figure:
    """The share of each hospital's patients of whom each column was measured."""
    seen = ~np.isnan(cohort.values)
    share = np.stack([seen[cohort.hospital == k].mean(0) for k in range(len(hospitals))])
    figure, axes = figures.panels(height=2.0)
    axes.imshow(share, cmap="Blues", vmin=0, vmax=1, aspect="auto")
    for (k, j), value in np.ndenumerate(share):
        axes.text(j, k, f"{100 * value:.0f}", ha="center", va="center", fontsize=8, color=figures.on_color(value > 0.5))
    axes.set_yticks(range(len(hospitals)), hospitals)
    axes.set_xticks(range(len(cohort.names)), cohort.names, rotation=45, ha="right", fontsize=8)
    axes.grid(False)
    return figure


def draw_scores(scores: pd.DataFrame) -> Figure:
    """Both measures of the goals for every row that uses a measurement, with intervals."""
    every = scores[(scores.hospital == POOLED) & (scores.method != "prevalence")]
    names = list(dict.fromkeys(every.method))[::-1]
    figure, axes = figures.panels(2, height=0.24 * len(names) + 0.8, sharey=True)
    for panel, (measure, title) in zip(axes, TITLES.items(), strict=True):
        for height, name in enumerate(names):
            row = every[(every.method == name) & (every.measure == measure)].iloc[0]
            panel.plot([row.low, row.high], [height, height], color=looks.color(name), linewidth=0.9)
            panel.plot(row.value, height, **looks.dots(name))
        control = every[(every.method == "indicators") & (every.measure == measure)].iloc[0]
        panel.axvline(control.value, color=looks.GREY, linewidth=0.8, linestyle=":")
        panel.set_xlabel(title + (" (lower is better)" if measure == "log_loss" else ""))
        panel.set_yticks(range(len(names)), [looks.label(name) for name in names], fontsize=8)
        panel.grid(axis="y", visible=False)
    return figure


def draw_calibration(cohort: Cohort, score: np.ndarray, calibrated: pd.DataFrame, hospitals: Sequence[str]) -> Figure:
    """Share of ill patients against predicted probability in groups of patients, one panel for each hospital."""
    figure, axes = figures.panels(len(hospitals), height=2.2, sharey=True, squeeze=False)
    tint = looks.color(PICKED)
    for k, (panel, hospital) in enumerate(zip(axes[0], hospitals, strict=True)):
        own = cohort.hospital == k
        found = bins(score[:, own], cohort.disease[own])
        panel.plot([0, 1], [0, 1], color=looks.GREY, linewidth=0.8, linestyle=":")
        panel.vlines(found[:, 0], found[:, 2], found[:, 3], color=tint, linewidth=0.9)
        panel.plot(found[:, 0], found[:, 1], **looks.dots(PICKED))
        panel.plot(
            expit(score[:, own].mean(0)), np.where(cohort.disease[own] > 0.5, 1.03, -0.03), "|", color=looks.GREY, markersize=3
        )
        line = calibrated[(calibrated.method == PICKED) & (calibrated.hospital == hospital) & (calibrated.measure == "slope")].iloc[
            0
        ]
        panel.set_title(f"{hospital}\nslope {line.value:.2f} ({line.low:.2f} to {line.high:.2f})", fontsize=8)
        panel.set(xlim=(-0.03, 1.03), ylim=(-0.08, 1.08))
    figures.name_outer(axes, "predicted", "ill")
    return figure


def draw_kept(kept: pd.DataFrame) -> Figure:
    """The area under the curve against the number of patients in the set, one panel for each learner."""
    figure, axes = figures.panels(len(LEARNERS), height=2.6, sharey=True, squeeze=False)
    for panel, (learner, title) in zip(axes[0], LEARNERS.items(), strict=True):
        part = kept[kept.learner == learner]
        whole = part[part.method == ALL].iloc[0]
        panel.axhline(whole.area, **looks.line(ALL))
        for name in dict.fromkeys(part.method[part.method != ALL]):
            row = part[part.method == name]
            panel.vlines(row.budget, row.area_low, row.area_high, color=looks.color(name), linewidth=0.7)
            panel.plot(row.budget, row.area, **looks.look(name))
        panel.set_title(title)
        panel.set_xscale("log")
        budgets = sorted(set(part.budget) - {0})
        panel.set_xticks(budgets, [str(budget) for budget in budgets])
        panel.minorticks_off()
    figures.name_outer(axes, "patients in the set", "area under the curve")
    figures.legend_below(figure, 3)
    return figure


def draw_shift(shifts: pd.DataFrame) -> Figure:
    """Both measures against the shift of a column's missing values."""
    figure, axes = figures.panels(2, height=2.2)
    for panel, (measure, title) in zip(axes, TITLES.items(), strict=True):
        part = shifts[shifts.measure == measure]
        panel.fill_between(part.delta, part.low, part.high, color=looks.color("completed"), alpha=0.2, linewidth=0)
        panel.plot(part.delta, part.value, **looks.look("completed") | {"linestyle": "-"})
        panel.set(xlabel=f"shift of what is missing of {part.column.iloc[0]}, in sd", ylabel=title)
    return figure
