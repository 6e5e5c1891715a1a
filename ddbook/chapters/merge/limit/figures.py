"""The pictures of chapter 06."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import numpy as np
import pandas as pd
from matplotlib.axes import Axes
from matplotlib.figure import Figure

from ddbook.chapters.merge.limit.experiment import at_smallest
from ddbook.kit import plotting
from ddbook.kit.merge.bounds import BOUND, BOUND_LABEL, CLEAN, CLEAN_LABEL
from ddlib.dbn.likelihood.information import IDENTIFIED
from ddlib.dbn.rivals import RIVAL_LABELS
from ddlib.statistics import estimate

LABELS = {
    **RIVAL_LABELS,
    "em_stopped": "EM stopped early",
    "em_ridge": "EM with a ridge",
    "first_order_ridge": "first-order with a ridge",
    "first_order_stopped": "first-order, stopped early",
    "first_order_loo": "first-order, leave-one-source-out",
    "em_pairs": "EM on pairs of visits",
    "em_levels": "EM, network with levels",
    "first_order_pairs": "first-order on pairs of visits",
    "best_network": "best network of the graph",
    "zeroth_order": "zeroth-order (Algorithm 1)",
    "em": "EM",
    "first_order": "first-order",
    "clean_subset": "clean rows, same number",
    "clean_all": "all clean rows",
    "limit": "EM carried exactly",
}
LOOKS: dict[str, dict[str, Any]] = {
    "em": {"color": plotting.BLACK, "marker": "o", "markerfacecolor": "none", "markersize": 7},
    "first_order": {"color": plotting.GREEN, "marker": "s"},
    "available_case": {"color": plotting.SKY, "marker": "X"},
    "em_pairs": {"color": plotting.ORANGE, "marker": "o", "markerfacecolor": "none", "markersize": 7},
    "first_order_pairs": {"color": plotting.ORANGE, "marker": "s"},
    "em_levels": {"color": plotting.BLUE, "marker": "D"},
    "best_network": {"color": plotting.GREY, "marker": ""},
    "clean_all": {"color": plotting.GREY, "marker": "", "linestyle": ":"},
}


def label(method: str) -> str:
    """How a figure or table calls a method; the ending says that the noise is left in."""
    return LABELS.get(method.removesuffix("_noisy"), method) + (", noise ignored" if method.endswith("_noisy") else "")


def label_with_count(method: str, scores: pd.DataFrame, before: str = ", ") -> str:
    """The same, and on how many networks the method ran where these are not all."""
    ran = scores[scores.method == method].seed.nunique()
    return label(method) + (f"{before}{ran} network{'s' * (ran != 1)}" if ran < scores.seed.nunique() else "")


def _finite(values: pd.Series) -> np.ndarray:
    return values[np.isfinite(values)].to_numpy()


def _line(axes: Axes, frame: pd.DataFrame, x: str, y: str, look: dict[str, Any], text: str) -> None:
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
        label=text,
        **({"linewidth": 1.3} | look),
    )


def draw_rows(scores: pd.DataFrame, yardsticks: pd.DataFrame, conditions: Sequence[str], methods: Sequence[str]) -> Figure:
    """Regret of every way of merging, one panel per condition, with the Cramér–Rao regret and dim/(2n) as lines."""
    scores = at_smallest(scores)
    found, panels = plotting.figure(columns=len(conditions), height=0.26 * len(methods) + 1.1, sharey=True, squeeze=False)
    for axes, condition in zip(panels.flat, conditions, strict=True):
        for place, method in enumerate(methods):
            values = scores[(scores.condition == condition) & (scores.method == method)].regret
            good = _finite(values)
            if good.size:
                middle = estimate(good, "median")
                error = np.nan_to_num([[middle.value - middle.low], [middle.high - middle.value]])
                axes.errorbar(middle.value, place, xerr=np.abs(error), color=plotting.BLACK, marker="o", elinewidth=0.8)
                axes.plot(good, np.full(good.size, place), "|", color=plotting.GREY, markersize=6, zorder=1)
            if good.size < values.size:
                box = {"facecolor": "white", "edgecolor": "none", "pad": 1}
                text = f"fails on {values.size - good.size} of {values.size}"
                axes.annotate(
                    text,
                    (0.03, place),
                    xycoords=("axes fraction", "data"),
                    va="center",
                    fontsize=7,
                    color=plotting.PURPLE,
                    bbox=box,
                )
        part = yardsticks[yardsticks.condition == condition]
        axes.axvline(part.bound.median(), label=BOUND_LABEL, **BOUND)
        axes.axvline(part.clean_bound.median(), label=CLEAN_LABEL, **CLEAN)
        axes.set(xscale="log", xlabel="regret, nats per trajectory", title=condition)
    panels[0, 0].set_yticks(range(len(methods)), [label_with_count(method, scores, "\n") for method in methods])
    panels[0, 0].invert_yaxis()
    found.legend(*panels[0, 0].get_legend_handles_labels(), loc="outside lower center", ncols=2)
    return found


def draw_slices(scores: pd.DataFrame, yardsticks: pd.DataFrame) -> Figure:
    """Figure 4: regret against the number of slices, and the share of information kept in the worst direction."""
    scores = at_smallest(scores)
    found, (left, middle, right) = plotting.figure(columns=3, height=3.2)
    for axes, hiding, title in ((left, "random", "(a) Hidden at random"), (middle, "never_together", "(b) Pairs never together")):
        part, marks = scores[scores.hiding == hiding], yardsticks[yardsticks.hiding == hiding]
        for method in ("em", "first_order", "available_case"):
            _line(axes, part[part.method == method], "slices", "regret", LOOKS[method], label(method))
        lines = marks.replace(np.inf, np.nan).groupby("slices")[["bound", "clean_bound"]].median()
        axes.plot(lines.index, lines.bound, label=BOUND_LABEL, **BOUND)
        axes.plot(lines.index, lines.clean_bound, label=CLEAN_LABEL, **CLEAN)
        axes.set(yscale="log", title=title, xlabel="slices $T$")
        axes.set_xticks(sorted(part.slices.unique()))
    left.set_ylabel("regret, nats per trajectory")
    for hiding, color, marker in (("random", plotting.BLUE, "o"), ("never_together", plotting.ORANGE, "^")):
        part = yardsticks[yardsticks.hiding == hiding]
        right.plot(part.slices, part.kept.clip(lower=1e-17), marker, color=color, alpha=0.6, label=hiding.replace("_", " "))
    right.axhspan(1e-18, IDENTIFIED, color="#dddddd", linewidth=0)
    right.text(0.97, 0.05, "not identified", transform=right.transAxes, ha="right", fontsize=8)
    right.set(yscale="log", ylim=(1e-18, 2), title="(c) Information kept", xlabel="slices $T$")
    right.set_xticks(sorted(yardsticks.slices.unique()))
    right.legend(loc="center", fontsize=7)
    found.legend(*left.get_legend_handles_labels(), loc="outside lower center", ncols=3)
    return found


def draw_noise(scores: pd.DataFrame, yardsticks: pd.DataFrame) -> Figure:
    """Regret against the noise, when it is known, estimated or ignored."""
    scores = at_smallest(scores)
    found, axes = plotting.figure(height=3.2, width=4.8)
    for knowledge, color in (("known", plotting.BLACK), ("estimated", plotting.BLUE), ("ignored", plotting.PURPLE)):
        for method, marker in (("em", "o"), ("first_order", "s")):
            part = scores[(scores.knowledge == knowledge) & (scores.method == method)]
            style = "-" if method == "em" else "none"
            look = {"color": color, "marker": marker, "linestyle": style, "markerfacecolor": "none" if method == "em" else color}
            _line(
                axes,
                part,
                "noise_sd",
                "regret",
                look | {"markersize": 8 if method == "em" else 4},
                f"{label(method)}, noise {knowledge}",
            )
    lines = yardsticks.groupby("noise_sd")[["bound", "clean_bound"]].median()
    single = {"marker": "_", "markersize": 14} if len(lines) == 1 else {}
    axes.plot(lines.index, lines.bound, label=BOUND_LABEL, **(BOUND | single))
    axes.plot(lines.index, lines.clean_bound, label=CLEAN_LABEL, **(CLEAN | single))
    axes.set(yscale="log", xlabel="standard deviation of the noise", ylabel="regret, nats per trajectory")
    axes.legend(loc="center left", bbox_to_anchor=(1, 0.5), fontsize=7)
    return found


def draw_ratios(ratios: pd.DataFrame, goal: float = 1.05) -> Figure:
    """First-order regret over EM's with the same knowledge: every network, condition and budget."""
    conditions = list(dict.fromkeys(ratios.condition))
    found, axes = plotting.figure(height=0.22 * len(conditions) + 1.1, width=5.6)
    markers = dict(zip(sorted(ratios.budget.unique()), "osD^vP", strict=False))
    for place, condition in enumerate(conditions):
        for budget, marker in markers.items():
            part = ratios[(ratios.condition == condition) & (ratios.budget == budget)].ratio
            first = place == 0
            axes.plot(
                part,
                np.full(len(part), place),
                marker,
                color=plotting.GREEN,
                alpha=0.5,
                markersize=4,
                label=f"IPC {budget}" * first or None,
            )
    axes.axvline(1, color=plotting.BLACK, linewidth=0.8)
    axes.axvline(goal, color=plotting.VERMILION, linestyle="--", linewidth=1, label=f"{goal:g} times EM")
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
    found, panels = plotting.figure(columns=len(conditions), height=0.3 * len(methods) + 1.2, sharey=True, squeeze=False)
    for axes, condition in zip(panels.flat, conditions, strict=True):
        part = scores[scores.condition == condition].pivot(index="seed", columns="method", values="regret")
        for place, method in enumerate(methods):
            logs = _finite(np.log(part[method] / part.em))
            axes.plot(np.exp(logs), np.full(len(logs), place), "|", color=plotting.GREY)
            middle, low, high, _ = np.exp(estimate(logs))
            error = np.nan_to_num([[middle - low], [high - middle]])
            axes.errorbar(middle, place, xerr=error, marker="o", color=plotting.BLACK, elinewidth=1)
        axes.axvline(1, color=plotting.BLACK, linewidth=1, label="the converged maximum (EM)")
        bound = yardsticks[yardsticks.condition == condition].set_index("seed").bound
        logs = _finite(np.log(bound / part.em))
        if logs.size:
            axes.axvline(np.exp(logs.mean()), label=BOUND_LABEL, **BOUND)
        axes.set(xscale="log", title=condition, xlabel="regret over the maximum's")
        _round_ticks(axes)
    panels[0, 0].set_yticks(range(len(methods)), [label(method) for method in methods])
    panels[0, 0].invert_yaxis()
    found.legend(*panels[0, 0].get_legend_handles_labels(), loc="outside lower center", ncols=2)
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
    found, (left, right) = plotting.figure(columns=2, height=3.2)
    for method in ("em", "first_order", "em_pairs", "first_order_pairs", "available_case", "em_levels"):
        part = scores[scores.method == method]
        look = LOOKS[method] | ({"linestyle": "none"} if method.startswith("first_order") else {})
        _line(left, part, "level", "regret", look, label(method))
        _line(right, part, "level", "forecast", look, label(method))
    clean = scores[scores.method == "clean_all"]
    for axes, column in ((left, "regret"), (right, "forecast")):
        _line(axes, clean, "level", column, LOOKS["clean_all"], label("clean_all"))
    _line(right, scores[scores.method == "best_network"], "level", "forecast", LOOKS["best_network"], "best network of the graph")
    history = scores[scores.method == "em_levels"]
    _line(right, history, "level", "history", {"color": plotting.BLUE, "linestyle": ":"}, "network with levels, all visits before")
    left.set(yscale="log", title="(a) Regret", xlabel="standard deviation of the levels", ylabel="nats per trajectory")
    right.set(title="(b) Forecast of the last visit", xlabel="standard deviation of the levels", ylabel="standardised RMSE")
    found.legend(*right.get_legend_handles_labels(), loc="outside lower center", ncols=2)
    return found
