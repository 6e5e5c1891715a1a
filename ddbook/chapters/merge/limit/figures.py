"""The pictures of chapter 06."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import numpy as np
import pandas as pd
from matplotlib.axes import Axes
from matplotlib.figure import Figure

from ddbook.chapters.merge.limit.experiment import at_smallest
from ddbook.kit import figures, looks
from ddbook.kit.looks import label
from ddlib.dbn.likelihood.information import IDENTIFIED
from ddlib.statistics import estimate


def label_with_count(method: str, scores: pd.DataFrame, before: str = ", ") -> str:
    """A method's name, and on how many networks it ran where these are not all."""
    ran = scores[scores.method == method].seed.nunique()
    return label(method) + (f"{before}{ran} network{'s' * (ran != 1)}" if ran < scores.seed.nunique() else "")


def _finite(values: pd.Series) -> np.ndarray:
    return values[np.isfinite(values)].to_numpy()


def _line(axes: Axes, frame: pd.DataFrame, x: str, y: str, look: dict[str, Any]) -> None:
    """Medians with 95 % intervals (ranges for fewer than six networks) against a factor."""
    points = {at: estimate(_finite(part[y]), "median") for at, part in frame.groupby(x) if _finite(part[y]).size}
    if not points:
        return
    middle = np.array([point.value for point in points.values()])
    ends = [[point.value - point.low for point in points.values()], [point.high - point.value for point in points.values()]]
    axes.errorbar(
        np.array(list(points), dtype=float),
        middle,
        np.nan_to_num(np.abs(ends)),
        elinewidth=0.8,
        **({"linewidth": 1.3} | look),
    )


def draw_rows(scores: pd.DataFrame, yardsticks: pd.DataFrame, conditions: Sequence[str], methods: Sequence[str]) -> Figure:
    """Regret of every way of merging, one panel per condition, with the Cramér–Rao regret and dim/(2n) as lines."""
    scores = at_smallest(scores)
    found, panels = figures.panels(columns=len(conditions), height=0.26 * len(methods) + 1.1, sharey=True, squeeze=False)
    for axes, condition in zip(panels.flat, conditions, strict=True):
        for place, method in enumerate(methods):
            values = scores[(scores.condition == condition) & (scores.method == method)].regret
            good = _finite(values)
            if good.size:
                middle = estimate(good, "median")
                error = np.nan_to_num([[middle.value - middle.low], [middle.high - middle.value]])
                axes.errorbar(middle.value, place, xerr=np.abs(error), elinewidth=0.8, **looks.dots(method) | {"label": None})
                axes.plot(good, np.full(good.size, place), "|", color=looks.GREY, markersize=6, zorder=1)
            if good.size < values.size:
                box = {"facecolor": "white", "edgecolor": "none", "pad": 1}
                text = f"fails on {values.size - good.size} of {values.size}"
                axes.annotate(
                    text,
                    (0.03, place),
                    xycoords=("axes fraction", "data"),
                    va="center",
                    fontsize=7,
                    color=looks.PURPLE,
                    bbox=box,
                )
        part = yardsticks[yardsticks.condition == condition]
        axes.axvline(part.bound.median(), **looks.line("cramer_rao"))
        axes.axvline(part.clean_bound.median(), **looks.line("clean_expected"))
        axes.set(xscale="log", xlabel="regret, nats per trajectory", title=condition)
    panels[0, 0].set_yticks(range(len(methods)), [label_with_count(method, scores, "\n") for method in methods])
    panels[0, 0].invert_yaxis()
    figures.legend_below(found, 2)
    return found


def draw_slices(scores: pd.DataFrame, yardsticks: pd.DataFrame) -> Figure:
    """Figure 4: regret against the number of slices, and the share of information kept in the worst direction."""
    scores = at_smallest(scores)
    found, (left, middle, right) = figures.panels(columns=3, height=3.2)
    for axes, hiding, title in ((left, "random", "(a) Hidden at random"), (middle, "never_together", "(b) Pairs never together")):
        part, marks = scores[scores.hiding == hiding], yardsticks[yardsticks.hiding == hiding]
        for method in ("em", "first_order", "available_case"):
            look = looks.ring(method) if method == "em" else looks.look(method)
            _line(axes, part[part.method == method], "slices", "regret", look)
        lines = marks.replace(np.inf, np.nan).groupby("slices")[["bound", "clean_bound"]].median()
        axes.plot(lines.index, lines.bound, **looks.line("cramer_rao"))
        axes.plot(lines.index, lines.clean_bound, **looks.line("clean_expected"))
        axes.set(yscale="log", title=title, xlabel="slices $T$")
        axes.set_xticks(sorted(part.slices.unique()))
    left.set_ylabel("regret, nats per trajectory")
    for hiding, color, marker in (("random", looks.BLUE, "o"), ("never_together", looks.ORANGE, "^")):
        part = yardsticks[yardsticks.hiding == hiding]
        right.plot(part.slices, part.kept.clip(lower=1e-17), marker, color=color, alpha=0.6, label=hiding.replace("_", " "))
    right.axhspan(1e-18, IDENTIFIED, color="#dddddd", linewidth=0)
    right.text(0.97, 0.05, "not identified", transform=right.transAxes, ha="right", fontsize=8)
    right.set(yscale="log", ylim=(1e-18, 2), title="(c) Information kept", xlabel="slices $T$")
    right.set_xticks(sorted(yardsticks.slices.unique()))
    right.legend(loc="center", fontsize=7)
    handles, _ = left.get_legend_handles_labels()
    figures.legend_below(found, 3, handles)
    return found


def draw_noise(scores: pd.DataFrame, yardsticks: pd.DataFrame) -> Figure:
    """Regret against the noise, when it is known, estimated or ignored."""
    scores = at_smallest(scores)
    found, axes = figures.panels(height=3.2, width=4.8)
    for knowledge, line in (("known", "-"), ("estimated", "--"), ("ignored", ":")):
        for method in ("em", "first_order"):
            part = scores[(scores.knowledge == knowledge) & (scores.method == method)]
            look = looks.ring(method) if method == "em" else looks.look(method)
            text = looks.label(method, remark=f", noise {knowledge}")
            _line(axes, part, "noise_sd", "regret", look | {"linestyle": line, "label": text})
    lines = yardsticks.groupby("noise_sd")[["bound", "clean_bound"]].median()
    single = {"marker": "_", "markersize": 14} if len(lines) == 1 else {}
    axes.plot(lines.index, lines.bound, **looks.line("cramer_rao") | single)
    axes.plot(lines.index, lines.clean_bound, **looks.line("clean_expected") | single)
    axes.set(yscale="log", xlabel="standard deviation of the noise", ylabel="regret, nats per trajectory")
    figures.label_ends(axes)
    return found


def draw_ratios(ratios: pd.DataFrame, goal: float = 1.05) -> Figure:
    """First-order regret over EM's with the same knowledge: every network, condition and budget."""
    conditions = list(dict.fromkeys(ratios.condition))
    found, axes = figures.panels(height=0.22 * len(conditions) + 1.1, width=5.6)
    markers = dict(zip(sorted(ratios.budget.unique()), "osD^vP", strict=False))
    for place, condition in enumerate(conditions):
        for budget, marker in markers.items():
            part = ratios[(ratios.condition == condition) & (ratios.budget == budget)].ratio
            first = place == 0
            axes.plot(
                part,
                np.full(len(part), place),
                marker,
                color=looks.color("first_order"),
                alpha=0.5,
                markersize=4,
                label=f"IPC {budget}" * first or None,
            )
    axes.axvline(1, color=looks.BLACK, linewidth=0.8)
    axes.axvline(goal, color=looks.VERMILION, linestyle="--", linewidth=1, label=f"{goal:g} times EM")
    axes.set_yticks(range(len(conditions)), conditions)
    axes.invert_yaxis()
    axes.set(xlabel="regret of first-order distillation over EM's")
    low, high = axes.get_xlim()
    if high > 2 or low < 0.5:
        axes.set_xscale("log")
        _round_ticks(axes)
    else:
        axes.set_xlim(min(low, 0.93), max(high, 1.1))
    axes.legend(loc="center left", bbox_to_anchor=(1, 0.5))
    return found


def draw_scarce(scores: pd.DataFrame, yardsticks: pd.DataFrame) -> Figure:
    """Regret over that of the converged maximum on the same network: each network, and geometric means with 95 % intervals.

    So is the Cramér–Rao regret, as a line.
    """
    conditions = list(dict.fromkeys(scores.condition))
    methods = [m for m in dict.fromkeys(scores.method) if m != "em"]
    found, panels = figures.panels(columns=len(conditions), height=0.3 * len(methods) + 1.2, sharey=True, squeeze=False)
    for axes, condition in zip(panels.flat, conditions, strict=True):
        part = scores[scores.condition == condition].pivot(index="seed", columns="method", values="regret")
        for place, method in enumerate(methods):
            logs = _finite(np.log(part[method] / part.em))
            axes.plot(np.exp(logs), np.full(len(logs), place), "|", color=looks.GREY)
            middle, low, high, _ = np.exp(estimate(logs))
            error = np.nan_to_num([[middle - low], [high - middle]])
            axes.errorbar(middle, place, xerr=error, elinewidth=1, **looks.dots(method) | {"label": None})
        axes.axvline(1, **looks.line("em") | {"label": "EM: the converged maximum"})
        bound = yardsticks[yardsticks.condition == condition].set_index("seed").bound
        logs = _finite(np.log(bound / part.em))
        if logs.size:
            axes.axvline(np.exp(logs.mean()), **looks.line("cramer_rao"))
        axes.set(xscale="log", title=condition, xlabel="regret over the maximum's")
        _round_ticks(axes)
    panels[0, 0].set_yticks(range(len(methods)), [label(method) for method in methods])
    panels[0, 0].invert_yaxis()
    figures.legend_below(found, 2)
    return found


def _round_ticks(axes: Axes) -> None:
    """Round numbers on a logarithmic axis of ratios, few enough to be read."""
    low, high = axes.get_xlim()
    low, high = min(low, 0.45), max(high, 2.2)
    fine = [digit * 10.0**power for power in range(-3, 6) for digit in (1, 2, 5) if low <= digit * 10.0**power <= high]
    ticks = fine if len(fine) < 7 else [tick for tick in fine if round(np.log10(tick), 9) % 1 == 0]
    axes.set_xlim(low, high)
    axes.set_xticks(ticks, [f"{tick:g}" for tick in ticks])
    axes.minorticks_off()


def draw_levels(scores: pd.DataFrame) -> Figure:
    """Regret and forecasting error against the size of stable patient levels."""
    scores = at_smallest(scores)
    found, (left, right) = figures.panels(columns=2, height=3.2)
    for method in ("em", "first_order", "em_pairs", "first_order_pairs", "available_case", "em_levels"):
        part = scores[scores.method == method]
        look = looks.dots(method) if method.startswith("first_order") else looks.look(method)
        if method in ("em", "em_pairs"):  # the first-order sets lie inside their rings
            look = looks.ring(method)
        _line(left, part, "level", "regret", look)
        _line(right, part, "level", "forecast", look)
    clean = scores[scores.method == "clean_all"]
    for axes, column in ((left, "regret"), (right, "forecast")):
        _line(axes, clean, "level", column, looks.look("clean_all"))
    _line(right, scores[scores.method == "best_network"], "level", "forecast", looks.look("best_network"))
    history = looks.line("em_levels") | {"linestyle": ":", "label": looks.label("em_levels", remark=", all visits before")}
    _line(right, scores[scores.method == "em_levels"], "level", "history", history)
    left.set(yscale="log", title="(a) Regret", xlabel="standard deviation of the levels", ylabel="nats per trajectory")
    right.set(title="(b) Forecast of the last visit", xlabel="standard deviation of the levels", ylabel="standardised RMSE")
    figures.legend_below(found, 2)
    return found
