"""The pictures of chapter 05. All but the first draw regret: nats per patient below the true network, on a logarithmic axis."""

from __future__ import annotations

import numpy as np
import pandas as pd
from matplotlib.axes import Axes
from matplotlib.figure import Figure

from ddbook.chapters.merge.published import published
from ddbook.chapters.merge.published.data import FILES
from ddbook.chapters.merge.published.experiment import BUDGETS
from ddbook.chapters.merge.published.learners import LABELS, LEARNERS
from ddbook.chapters.merge.published.report import KINDS, WHOLE, found_budgets, gain, score
from ddbook.kit import figures, looks
from ddbook.kit.overlay import NOT_OURS

AGAINST = "nats per patient below the true network"
LINES = ("clean_all", "em")
METHODS = ("clean_subset", "clean_subset_moderated", "zeroth_order")
SECOND = "their second run"
TITLES = {
    2: "At ten patients mended variances give most of the lead",
    10: "Ten visits: at a hundred patients their two runs disagree",
}
FINDINGS = {"released": "as released: no dynamics", "described": "as described: EM beats all clean rows"}


def draw_repeated(repeated: pd.DataFrame) -> Figure:
    """Figure 3: test log-likelihood over the epochs of the repeated runs, and the published points."""
    runs = list(repeated[repeated.slices == 2].groupby("budget"))
    figure, panels = figures.panels(columns=len(runs), height=2.9, squeeze=False)
    for axes, (budget, run) in zip(panels[0], runs, strict=True):
        axes.plot(run.epoch, run.test_ll / 1000, **looks.line("zeroth_order") | {"label": "repeated here"})
        points = run.dropna(subset="published")
        look = looks.ring("published_set", 6) | {"linestyle": "none", "label": "published", "gid": NOT_OURS}
        axes.plot(points.epoch, points.published / 1000, **look)
        axes.set(title=f"{budget} distilled patients", xlabel="epoch", xscale="log")
    panels[0, 0].set_ylabel("test log-likelihood, thousands")
    figures.legend_below(figure)
    return figure


def draw_regret(scores: pd.DataFrame, slices: int = 2) -> Figure:
    """Figures 2 and 4 on the authors' rows: regret against the number of rows; means over seeds and their range."""
    figure, axes = figures.panels(height=3.8)
    part = scores[(scores.data == FILES) & (scores.slices == slices)]
    places = {budget: place for place, budget in enumerate(BUDGETS)}
    best = score("truth", 0, slices).evaluate(part).value
    for shift, method in zip((-0.06, 0.0, 0.06), METHODS, strict=True):
        budgets = [m for m in BUDGETS if method != "zeroth_order" or m in found_budgets(scores, slices)]
        _dots(axes, part, method, budgets, [places[m] + shift for m in budgets], slices)
    theirs = {looks.label("published_set"): ("D", published.SETS[slices])}
    if slices > 2:
        theirs[SECOND] = ("s", published.SECOND_SETS)
    for name, (marker, values) in theirs.items():
        look = looks.ring("published_set", 7) | {"marker": marker, "linestyle": "none", "label": name, "gid": NOT_OURS}
        axes.plot([places[m] + 0.12 for m in values], [(best - value) / 1000 for value in values.values()], **look)
    if slices == 2:
        axes.plot(
            [places[100] + 0.18], [score("first_order", 100, value="regret").evaluate(part).value], **looks.dots("first_order")
        )
    for method in LINES:
        axes.axhline(score(method, 0, slices, value="regret").evaluate(part).value, **looks.line(method))
    axes.set(yscale="log", xlabel="patients that are learned from (IPC)", ylabel=AGAINST, xlim=(-0.4, 3.6))
    axes.set_title(TITLES[slices])
    axes.set_xticks(list(places.values()), list(map(str, places)))
    _plain(axes)
    axes.grid(axis="x", visible=False)
    figures.legend_below(figure)
    return figure


def _dots(axes: Axes, part: pd.DataFrame, method: str, budgets: list[int], at: list[float], slices: int, data: str = FILES) -> None:
    """Means over seeds, a thin line from the smallest to the largest."""
    found = [score(method, m, slices, data, value="regret").values(part) for m in budgets]
    look = looks.look(method)
    for x, values in zip(at, found, strict=True):
        axes.plot([x, x], [values.min(), values.max()], color=look["color"], linewidth=0.8)
    axes.plot(at, [values.mean() for values in found], **look)


def _plain(axes: Axes) -> None:
    """Plain numbers on a logarithmic axis."""
    axes.yaxis.set_major_formatter(lambda value, _: f"{value:g}")
    low, high = axes.get_ylim()
    ticks = [value for value in (0.2, 0.5, 1, 2, 5, 10, 20, 50, 100) if low <= value <= high]
    axes.set_yticks(ticks)
    axes.minorticks_off()


def draw_learners(scores: pd.DataFrame) -> Figure:
    """The authors' distilled rows against as many clean rows, under each learner: one panel per budget."""
    part = scores[(scores.data == FILES) & (scores.slices == 2) & (scores.seed == 0)]
    budgets = sorted(map(int, part[part.method == "published_set"].budget.unique()))
    figure, panels = figures.panels(columns=len(budgets), height=2.4, squeeze=False, sharey=True)
    for axes, budget in zip(panels[0], budgets, strict=True):
        leads = [gain("published_set", "clean_subset", budget, learner=name).evaluate(part).value / 1000 for name in LEARNERS]
        heights = np.arange(len(leads))[::-1]
        colours = [looks.BLUE if lead > 0 else looks.VERMILION for lead in leads]
        axes.barh(heights, leads, color=colours, height=0.55)
        axes.axvline(0, color=looks.BLACK, linewidth=0.8)
        for height, lead in zip(heights, leads, strict=True):
            axes.annotate(
                f"{lead:+.2f}".replace("-", "−"),
                (max(lead, 0), height),
                (3, 0),
                textcoords="offset points",
                va="center",
                fontsize=8,
            )
        axes.set_yticks(heights, [LABELS[name] for name in LEARNERS])
        axes.set(title=f"{budget} patients", xlabel="nats per patient")
        axes.margins(x=0.3)
        axes.grid(axis="y", visible=False)
    figure.suptitle("At a hundred patients only their own learner gains", x=0.01, ha="left", fontsize=9.5, fontweight="bold")
    return figure


def draw_rebuilt(scores: pd.DataFrame) -> Figure:
    """Regret on rebuilt data, as released and as described: one panel for each, a place for each budget."""
    kinds = [kind for kind in KINDS if kind != FILES]
    figure, panels = figures.panels(columns=len(kinds), height=3.2, sharey=True)
    for axes, kind in zip(panels, kinds, strict=True):
        part = scores[(scores.data == kind) & (scores.slices == 2)]
        budgets = found_budgets(scores, 2, kind)
        for shift, method in zip((-0.1, 0.0, 0.1), METHODS, strict=True):
            _dots(axes, part, method, budgets, [place + shift for place in range(len(budgets))], 2, kind)
        for method in (each for each in WHOLE if each != "truth"):
            axes.axhline(score(method, 0, 2, kind, value="regret").evaluate(part).value, **looks.line(method))
        axes.set(title=FINDINGS[kind], xlabel="patients (IPC)", yscale="log", xlim=(-0.5, len(budgets) - 0.5))
        axes.set_xticks(range(len(budgets)), [str(budget) for budget in budgets])
        _plain(axes)
        axes.grid(axis="x", visible=False)
    panels[0].set_ylabel(AGAINST)
    figures.legend_below(figure)
    return figure


def draw_slopes(slopes: pd.DataFrame) -> Figure:
    """Slope of estimated on declared weights: one where an edge is alive, zero where it is not."""
    figure, axes = figures.panels(height=2.4)
    part = slopes[slopes.slices == 2]
    names = list(dict.fromkeys(part.part))[::-1]
    for shift, (kind, colour, marker) in zip(
        (0.16, 0.0, -0.16), zip(KINDS, (looks.VERMILION, looks.GREY, looks.BLUE), "Dos", strict=True), strict=True
    ):
        for place, name in enumerate(names):
            values = part[(part.data == kind) & (part.part == name)].slope
            axes.plot([values.min(), values.max()], [place + shift] * 2, color=colour, linewidth=0.8)
            axes.plot(values.mean(), place + shift, marker, color=colour, linestyle="none", label=KINDS[kind])
    axes.set_yticks(range(len(names)), names)
    axes.set(xlabel="slope of estimated on declared weights", xlim=(-0.1, 1.15))
    axes.set_title("In the authors' files no visit depends on the one before")
    axes.grid(axis="y", visible=False)
    figures.legend_below(figure)
    return figure
