"""The pictures of chapter 04."""

from __future__ import annotations

from typing import Any

import matplotlib.pyplot as plt
import numpy as np
import pandas as pd
from matplotlib.axes import Axes
from matplotlib.figure import Figure
from matplotlib.patches import FancyArrowPatch

from ddbook.kit import figures, looks
from ddlib.dbn.model.network import joint, topological_order
from ddlib.dbn.task.merge_task import MergeTask
from ddlib.problem import Distilled
from ddlib.statistics import estimate

DISTILLED = ("first_order", "first_order_loo", "zeroth_order")
LINES = ("em", "clean_all", "truth")


def draw_problem(
    task: MergeTask,
    before: Distilled,
    after: Distilled,
    variable: int | None = None,
    replicate: int = 0,
    directions: int = 10,
) -> Figure:
    """Figure 1: the network, what each source hides, one variable of the set before and after distillation, and Algorithm 1.

    Args:
        task: the merge.
        before, after: the set at the start and at the end.
        variable: which one to follow; by default the one whose entries were filled most often.
        replicate: which network.
        directions: how many Algorithm 1 draws in an update.
    """
    figure = plt.figure(figsize=(figures.TEXT_WIDTH, 7.4), layout="constrained")
    grid = figure.add_gridspec(3, 2, height_ratios=[1.45, 1, 0.72])
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
    _algorithm(figure.add_subplot(grid[2, :]), task, before.budget, directions)
    return figure


def _algorithm(axes: Axes, task: MergeTask, budget: int, directions: int) -> None:
    """Algorithm 1 as a flow from left to right, with the numbers of the run."""
    belongs = task.source_of(budget).tolist()
    sources, chosen = task.sources.values.shape[1], 1
    axes.set(xlim=(0, 100), ylim=(0, 34))
    axes.axis("off")
    axes.set_title(f"(e) One update of Algorithm 1: {budget} trajectories, one part for each of {sources} sources")
    step = 24 / min(sources, 12)
    for k in range(min(sources, 12)):  # more parts than these would not be seen
        look: dict[str, Any] = {
            "facecolor": looks.ORANGE if k == chosen else looks.SKY,
            "edgecolor": looks.BLACK,
            "linewidth": 0.7,
        }
        axes.add_patch(plt.Rectangle((k * step, 14), 0.85 * step, 7, **look))
        if sources <= 7:
            part = "$S_j$" if k == chosen else f"$S_{{{k + 1}}}$"
            axes.text((k + 0.42) * step, 17.5, part, ha="center", va="center", fontsize=8, color=figures.on_color(False))
    least, most = belongs.count(sources - 1), belongs.count(0)
    per = f"{most}" if least == most else f"{least}–{most}"
    axes.text(12, 23, "the set $S$", ha="center", va="bottom", fontsize=8)
    axes.text(12, 12, f"{per} trajectories a part,\nat first rows of its source", ha="center", va="top", fontsize=7)
    boxes = (
        (39, 26, "learn a network\nfrom $S$", "white"),
        (39, 9, "learn a network from $S$\nwith $S_j + \\sigma\\Delta$", looks.ORANGE),
        (65, 17.5, f"score both on\nthe data of the\n{sources - 1} other source{'s' * (sources > 2)}", "white"),
        (90, 17.5, f"gradient: difference\n× $\\Delta / \\sigma$, mean over\n{directions} directions $\\Delta$", "white"),
    )
    for x, y, text, color in boxes:
        box: dict[str, Any] = {"boxstyle": "round,pad=0.4", "facecolor": color, "edgecolor": looks.GREY, "linewidth": 0.8}
        ink = looks.BLACK if color == "white" else figures.on_color(False)
        axes.text(x, y, text, ha="center", va="center", fontsize=7.5, bbox=box, color=ink)
    flow: dict[str, Any] = {"arrowstyle": "-|>", "color": looks.BLACK, "linewidth": 1.0, "shrinkA": 0, "shrinkB": 0}
    for start, end in (
        ((24.5, 19), (30.5, 25)),
        ((24.5, 16), (28, 10)),
        ((47.5, 25), (55.5, 20)),
        ((50, 10), (55.5, 15)),
        ((74.5, 17.5), (79.5, 17.5)),
    ):
        axes.annotate("", end, start, arrowprops=flow)
    back = flow | {"linestyle": "--", "color": looks.VERMILION}
    axes.plot([90, 90, (chosen + 0.42) * step], [9.5, 0.5, 0.5], color=looks.VERMILION, linestyle="--", linewidth=1.0)
    axes.annotate("", ((chosen + 0.42) * step, 4.5), ((chosen + 0.42) * step, 0.3), arrowprops=back)
    axes.text(65, 1.5, "$S_j \\leftarrow S_j - \\eta\\,$gradient", ha="center", va="bottom", fontsize=8, color=looks.VERMILION)


def _network(axes: Axes, task: MergeTask, replicate: int) -> None:
    order = topological_order(task.graph.intra)[replicate].tolist()
    height = {variable: len(order) - 1 - place for place, variable in enumerate(order)}

    def arrow(start: tuple[float, float], end: tuple[float, float], bend: float, color: str) -> None:
        style: dict[str, Any] = {"arrowstyle": "-|>", "mutation_scale": 8, "shrinkA": 6, "shrinkB": 6, "linewidth": 1.0}
        axes.add_patch(FancyArrowPatch(start, end, connectionstyle=f"arc3,rad={bend}", color=color, **style))

    for child, parent in task.graph.inter[replicate].nonzero().tolist():
        arrow((0, height[parent]), (1, height[child]), 0.0, looks.VERMILION if child != parent else looks.ORANGE)
    for child, parent in task.graph.intra[replicate].nonzero().tolist():
        arrow((1, height[parent]), (1, height[child]), -0.5, looks.BLUE)  # bulging outwards
    for x in (0, 1):
        axes.scatter([x] * len(order), list(height.values()), s=150, color="white", edgecolor=looks.BLACK, zorder=3, linewidth=0.9)
        for variable, y in height.items():
            axes.text(x, y, str(variable), ha="center", va="center", fontsize=7.5, zorder=4)
    legend = {"within a slice": looks.BLUE, "to itself": looks.ORANGE, "to another": looks.VERMILION}
    for line, (text, color) in enumerate(legend.items(), start=1):
        axes.text(-0.88, len(order) - line, text, color=color, fontsize=8, ha="left", va="center")
    axes.text(0, -0.95, "slice $t-1$", ha="center", va="top")
    axes.text(1, -0.95, "slice $t$", ha="center", va="top")
    axes.set(xlim=(-0.9, 1.75), ylim=(-1.9, len(order) - 0.3), title="(a) One random network")
    axes.axis("off")


def _pattern(axes: Axes, task: MergeTask, replicate: int) -> None:
    measured = task.sources.observed[replicate].any(1).cpu().numpy()
    sources, variables = measured.shape
    for k, i in np.ndindex(sources, variables):
        look: dict[str, Any] = {"facecolor": looks.SKY} if measured[k, i] else {"facecolor": "white", "hatch": "////"}
        axes.add_patch(plt.Rectangle((i - 0.44, k - 0.44), 0.88, 0.88, edgecolor=looks.GREY, linewidth=0.6, **look))
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
        look: dict[str, Any] = {"color": looks.VERMILION, "linestyle": "--"} if filled else {"color": looks.BLUE}
        label = "began as a filled gap" if filled else "began as noisy measurements"
        axes.plot(times, path, linewidth=1.0, alpha=0.9, label=label, **look)
    axes.set_xticks(times)
    axes.set_xlabel("slice $t$")


def _median(part: pd.DataFrame, by: str, value: str) -> pd.DataFrame:
    found = {key: estimate(rows[value].to_numpy(), "median") for key, rows in part.groupby(by)}
    return pd.DataFrame.from_dict({key: row._asdict() for key, row in found.items()}, orient="index")


def _reachable(marks: pd.DataFrame, value: str) -> float:
    """The median of the Cramér–Rao regret, or of the test log-likelihood that it leaves; not a number where it is infinite."""
    found = (marks.bound if value == "regret" else -marks.entropy - marks.bound).median()
    return float(found) if np.isfinite(found) else np.nan


def draw_regret(scores: pd.DataFrame, budgets: list[int], marks: pd.DataFrame, expected: pd.DataFrame) -> Figure:
    """Figure 2: test log-likelihood and regret against the number of distilled trajectories, medians with 95 % intervals.

    Args:
        scores: of every method (:func:`ddbook.chapters.merge.corrected.experiment.score`).
        budgets: distilled trajectories in total.
        marks: what the data allow (:func:`ddbook.kit.merge.bounds.bounds`).
        expected: the regret of clean trajectories (:func:`ddbook.kit.merge.bounds.clean_expectation`).
    """
    figure, (left, right) = figures.panels(columns=2, height=3.3)
    for axes, value in ((left, "test_ll"), (right, "regret")):
        axes.axhline(_reachable(marks, value), **looks.line("cramer_rao"))
        for method in (*LINES, "clean_subset", *DISTILLED, "limit"):
            part = scores[scores.method == method]
            if part.empty or (method == "truth" and value == "regret"):
                continue
            if method in LINES:
                axes.axhline(estimate(part[value].to_numpy(), "median").value, **looks.line(method))
                continue
            part = part[part.budget.isin(budgets)]
            if part.empty:  # no budget is large enough for the limit
                continue
            found = _median(part, "budget", value)
            error = np.abs(found[["low", "high"]].to_numpy().T - found.value.to_numpy())
            look = looks.ring(method) | {"linestyle": "none"} if method == "limit" else looks.look(method)
            axes.errorbar(found.index, found.value, error, elinewidth=0.8, **look)
        axes.set_xscale("log")
        axes.set_xticks(budgets, [str(budget) for budget in budgets])
        axes.minorticks_off()
        axes.set_xlabel("distilled trajectories (IPC)")
    right.plot(expected.n, expected.clean_bound, zorder=1, **looks.line("clean_expected"))
    finite = expected[np.isfinite(expected.finite)]
    right.plot(finite.n, finite.finite, zorder=1, **looks.line("clean_expected_finite"))
    left.set(title="(a) Test log-likelihood", ylabel="nats per trajectory")
    right.set(title="(b) Regret", ylabel="nats per trajectory", yscale="log")
    figures.legend_below(figure)
    return figure


def draw_curves(curves: pd.DataFrame, scores: pd.DataFrame, budgets: list[int], marks: pd.DataFrame) -> Figure:
    """Figure 3: test log-likelihood during distillation, one panel per budget; medians, and the range over networks."""
    figure, grid = figures.grid(len(budgets), 2, height=2.3, sharey=True)
    for axes, budget in zip(grid.flat, budgets, strict=False):
        axes.axhline(_reachable(marks, "test_ll"), **looks.line("cramer_rao"))
        for method in DISTILLED:
            part = curves[(curves.method == method) & (curves.budget == budget)]
            if part.empty:
                continue
            path = part.groupby("step").test_ll.agg(["median", "min", "max"])
            steps = path.index + 1
            axes.fill_between(steps, path["min"], path["max"], color=looks.color(method), alpha=0.12, linewidth=0)
            axes.plot(steps, path["median"], **looks.line(method))
        for method in ("clean_subset", "em"):
            here = scores[(scores.method == method) & ((scores.budget == budget) | (method == "em"))]
            axes.axhline(here.test_ll.median(), **looks.line(method))
        axes.set(xscale="log", title=f"IPC {budget}")
    figures.name_outer(grid, "1 + update", "test log-likelihood")
    figures.legend_below(figure, 2)
    return figure
