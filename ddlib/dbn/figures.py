"""The pictures of chapter 04."""

from __future__ import annotations

from typing import Any

import matplotlib.pyplot as plt
import numpy as np
import pandas as pd
from matplotlib.axes import Axes
from matplotlib.figure import Figure
from matplotlib.patches import FancyArrowPatch

from ddlib import plotting
from ddlib.dbn.merge import MergeTask
from ddlib.dbn.model import joint, topological_order
from ddlib.problem import Distilled
from ddlib.statistics import estimate

DISTILLED = ("first_order", "first_order_loo", "zeroth_order")
LINES = ("em", "clean_all", "truth")


def draw_problem(task: MergeTask, before: Distilled, after: Distilled, variable: int | None = None, replicate: int = 0) -> Figure:
    """Figure 1: the network, what each source hides, and one variable of the set before and after distillation.

    Args:
        task: the merge.
        before, after: the set at the start and at the end.
        variable: which one to follow; by default the one whose entries were filled most often.
        replicate: which network.
    """
    figure = plt.figure(figsize=(plotting.TEXT_WIDTH, 7.3), layout="constrained")
    grid = figure.add_gridspec(3, 2, height_ratios=[1.45, 1, 0.8])
    _network(figure.add_subplot(grid[0, 0]), task, replicate)
    _pattern(figure.add_subplot(grid[0, 1]), task, replicate)
    filled = ~task.sources.observed[replicate, task.source_of(before.budget)].any(1)
    if variable is None:
        variable = int(filled.sum(0).argmax())
    left = figure.add_subplot(grid[1, 0])
    right = figure.add_subplot(grid[1, 1], sharey=left)
    hidden = filled[:, variable].cpu().numpy()
    titles = (f"(c) $x_{{{variable}}}$ at the start", f"(d) $x_{{{variable}}}$ distilled")
    for axes, sets, title in zip((left, right), (before, after), titles, strict=True):
        _paths(axes, task, sets.x[replicate, :, :, variable].detach().cpu().numpy(), hidden, variable, replicate)
        axes.set_title(title)
    left.set_ylabel("value")
    handles, labels = left.get_legend_handles_labels()
    unique = dict(zip(labels, handles, strict=True))
    right.legend(unique.values(), unique.keys(), loc="upper right", fontsize=6.5)
    _algorithm(figure.add_subplot(grid[2, :]), task.sources.values.shape[1], before.budget)
    return figure


def _algorithm(axes: Axes, sources: int, budget: int) -> None:
    """Algorithm 1 as a flow, with the numbers of the run."""
    axes.set(xlim=(0, 100), ylim=(-12, 42))
    axes.axis("off")
    axes.set_title(f"(e) Algorithm 1: S has {budget} trajectories, one part for each of {sources} sources")
    steps = [
        (9, 24, "pick a part\n$S_j$ of $S$", plotting.SKY),
        (33, 36, "learn a network\nfrom $S$", "#dddddd"),
        (33, 13, r"learn a network from" "\n" r"$S$ with $S_j + \sigma\Delta$", "#dddddd"),
        (61, 24, "log-likelihood of the\ndata of the other\nsources under both", "#f3d9a4"),
        (89, 24, r"move $S_j$ along $\Delta$" "\nby the difference", plotting.SKY),
    ]
    for x, y, text, color in steps:
        box = {"boxstyle": "round,pad=0.5", "facecolor": color, "edgecolor": "#555555", "linewidth": 0.8, "alpha": 0.75}
        axes.text(x, y, text, ha="center", va="center", fontsize=7.5, bbox=box)
    arrow = {"arrowstyle": "-|>", "color": "#333333", "linewidth": 1.0}
    for start, end in [
        ((16, 22), (24, 30)),
        ((16, 18), (22, 10)),
        ((42, 30), (50, 25)),
        ((44, 10), (50, 15)),
        ((72, 20), (79, 20)),
    ]:
        axes.annotate("", end, start, arrowprops=arrow)
    back = arrow | {"connectionstyle": "arc,angleA=-90,angleB=-90,armA=34,armB=34,rad=7", "linestyle": "--"}
    axes.annotate("", (9, 15), (89, 15), arrowprops=back)


def _network(axes: Axes, task: MergeTask, replicate: int) -> None:
    order = topological_order(task.graph.intra)[replicate].tolist()
    height = {variable: len(order) - 1 - place for place, variable in enumerate(order)}

    def arrow(start: tuple[float, float], end: tuple[float, float], bend: float, color: str) -> None:
        style: dict[str, Any] = {"arrowstyle": "-|>", "mutation_scale": 8, "shrinkA": 6, "shrinkB": 6, "linewidth": 1.0}
        axes.add_patch(FancyArrowPatch(start, end, connectionstyle=f"arc3,rad={bend}", color=color, **style))

    for child, parent in task.graph.inter[replicate].nonzero().tolist():
        arrow((0, height[parent]), (1, height[child]), 0.0, plotting.VERMILION if child != parent else plotting.ORANGE)
    for child, parent in task.graph.intra[replicate].nonzero().tolist():
        arrow((1, height[parent]), (1, height[child]), -0.5, plotting.BLUE)  # bulging outwards
    for x in (0, 1):
        axes.scatter(
            [x] * len(order), list(height.values()), s=150, color="white", edgecolor=plotting.BLACK, zorder=3, linewidth=0.9
        )
        for variable, y in height.items():
            axes.text(x, y, str(variable), ha="center", va="center", fontsize=7.5, zorder=4)
    legend = {"within a slice": plotting.BLUE, "to itself": plotting.ORANGE, "to another": plotting.VERMILION}
    for line, (text, color) in enumerate(legend.items(), start=1):
        axes.text(-0.72, len(order) - line, text, color=color, fontsize=8, ha="left", va="center")
    axes.text(0, -0.95, "slice $t-1$", ha="center", va="top")
    axes.text(1, -0.95, "slice $t$", ha="center", va="top")
    axes.set(xlim=(-0.75, 1.75), ylim=(-1.9, len(order) - 0.3), title="(a) One random network")
    axes.axis("off")


def _pattern(axes: Axes, task: MergeTask, replicate: int) -> None:
    measured = task.sources.observed[replicate].any(1).cpu().numpy()
    sources, variables = measured.shape
    for k, i in np.ndindex(sources, variables):
        look: dict[str, Any] = {"facecolor": plotting.SKY} if measured[k, i] else {"facecolor": "white", "hatch": "////"}
        axes.add_patch(plt.Rectangle((i - 0.44, k - 0.44), 0.88, 0.88, edgecolor=plotting.GREY, linewidth=0.6, **look))
    axes.set(
        xlim=(-0.6, variables - 0.4),
        ylim=(sources - 0.4, -0.6),
        xlabel="variable",
        title="(b) Hidden variables (hatched)",
    )
    axes.set_xticks(range(variables))
    axes.set_yticks(range(sources), [f"source {k + 1}" for k in range(sources)])
    axes.tick_params(length=0)
    axes.grid(False)
    axes.spines[:].set_visible(False)


def _paths(axes: Axes, task: MergeTask, paths: np.ndarray, hidden: np.ndarray, variable: int, replicate: int) -> None:
    slices = task.slices
    law = joint(task.truth, slices)
    mean = law.mean[replicate].view(slices, -1)[:, variable].cpu().numpy()
    spread = 2 * law.covariance[replicate].diagonal().view(slices, -1)[:, variable].sqrt().cpu().numpy()
    times = np.arange(1, slices + 1)
    axes.fill_between(times, mean - spread, mean + spread, color="#dddddd", linewidth=0, label="truth: mean ± 2 sd")
    for path, filled in zip(paths, hidden, strict=True):
        look: dict[str, Any] = {"color": plotting.VERMILION, "linestyle": "--"} if filled else {"color": plotting.BLUE}
        label = "began as a filled gap" if filled else "began as noisy measurements"
        axes.plot(times, path, linewidth=1.0, alpha=0.9, label=label, **look)
    axes.set_xticks(times)
    axes.set_xlabel("slice $t$")


def _median(part: pd.DataFrame, by: str, value: str) -> pd.DataFrame:
    found = {key: estimate(rows[value].to_numpy(), "median") for key, rows in part.groupby(by)}
    return pd.DataFrame.from_dict({key: row._asdict() for key, row in found.items()}, orient="index")


def draw_regret(scores: pd.DataFrame, budgets: list[int]) -> Figure:
    """Figure 2: test log-likelihood and regret against the number of distilled trajectories, medians with 95 % intervals."""
    figure, (left, right) = plotting.figure(columns=2, height=3.3)
    for axes, value in ((left, "test_ll"), (right, "regret")):
        for method in (*LINES, "clean_subset", *DISTILLED, "limit"):
            part = scores[scores.method == method]
            if part.empty or (method == "truth" and value == "regret"):
                continue
            look = plotting.look(method)
            if method in LINES:
                middle = estimate(part[value].to_numpy(), "median")
                axes.axhline(middle.value, color=look["color"], linestyle=look["linestyle"], label=look["label"], linewidth=1.2)
                continue
            part = part[part.budget.isin(budgets)]
            if part.empty:  # no budget is large enough for the limit
                continue
            found = _median(part, "budget", value)
            error = np.abs(found[["low", "high"]].to_numpy().T - found.value.to_numpy())
            size = {"markersize": 8, "markerfacecolor": "none", "linestyle": "none"} if method == "limit" else {}
            axes.errorbar(found.index, found.value, error, elinewidth=0.8, **(look | size))
        axes.set_xscale("log")
        axes.set_xticks(budgets, [str(budget) for budget in budgets])
        axes.minorticks_off()
        axes.set_xlabel("distilled trajectories (IPC)")
    left.set(title="(a) Test log-likelihood", ylabel="nats per trajectory")
    right.set(title="(b) Regret", ylabel="nats per trajectory", yscale="log")
    handles, labels = left.get_legend_handles_labels()
    figure.legend(handles, labels, loc="outside lower center", ncols=2)
    return figure


def draw_curves(curves: pd.DataFrame, scores: pd.DataFrame, budgets: list[int]) -> Figure:
    """Figure 3: test log-likelihood during distillation, one panel per budget; medians, and the range over networks."""
    rows = -(-len(budgets) // 2)
    figure, grid = plotting.figure(columns=2, rows=rows, height=2.3, squeeze=False, sharey=True)
    for axes, budget in zip(grid.flat, budgets, strict=False):
        for method in DISTILLED:
            part = curves[(curves.method == method) & (curves.budget == budget)]
            if part.empty:
                continue
            look = plotting.look(method)
            path = part.groupby("step").test_ll.agg(["median", "min", "max"])
            steps = path.index + 1
            axes.fill_between(steps, path["min"], path["max"], color=look["color"], alpha=0.12, linewidth=0)
            axes.plot(steps, path["median"], color=look["color"], linestyle=look["linestyle"], label=look["label"])
        for method in ("clean_subset", "em"):
            here = scores[(scores.method == method) & ((scores.budget == budget) | (method == "em"))]
            look = plotting.look(method)
            axes.axhline(
                here.test_ll.median(), color=look["color"], linestyle=look["linestyle"], label=look["label"], linewidth=1.2
            )
        axes.set(xscale="log", title=f"IPC {budget}")
    for axes in grid.flat[len(budgets) :]:
        axes.set_visible(False)
    for axes in grid[:, 0]:
        axes.set_ylabel("test log-likelihood")
    for axes in grid[-1]:
        axes.set_xlabel("1 + update")
    handles, labels = grid[0, 0].get_legend_handles_labels()
    figure.legend(handles, labels, loc="outside lower center", ncols=2)
    return figure
