"""The pictures of chapter 08."""

from __future__ import annotations

from typing import Any

import matplotlib.pyplot as plt
import numpy as np
import pandas as pd
import torch
from matplotlib.figure import Figure

from ddbook.chapters.merge.tables.example import Example, in_order
from ddbook.kit import figures, looks
from ddlib.merge.merging import Merged


def draw_coverage(report: dict[str, Any]) -> Figure:
    """Which source measures what, and for each pair of columns whether any patient has both at one visit.

    Args:
        report: of a merge.
    """
    sources, columns = [source["name"] for source in report["sources"]], list(report["coverage"])
    counts = np.array([[report["coverage"][column][source] for column in columns] for source in sources])
    size = np.array([[source["patients"]] for source in report["sources"]])
    figure, (left, right) = figures.panels(columns=2, height=3.2, width_ratios=[1.25, 1])
    left.imshow(np.where(counts > 0, counts / size, np.nan), cmap="Blues", vmin=0, vmax=1.2, aspect="auto")
    small = len(columns) <= 12
    for (k, i), count in np.ndenumerate(counts):
        if count == 0:
            hatched: dict[str, Any] = {"fill": False, "hatch": "////", "edgecolor": looks.GREY, "linewidth": 0}
            left.add_patch(plt.Rectangle((i - 0.5, k - 0.5), 1, 1, **hatched))
        elif small:
            left.text(i, k, f"{count}", ha="center", va="center", fontsize=7, color=figures.on_color(True))
    left.set(title="(a) Patients with a measurement")
    left.set_yticks(range(len(sources)), sources)
    _name_columns(left.set_xticks, columns)
    apart = np.zeros((len(columns), len(columns)))
    for pair in report["never_together"]:
        i, j = (columns.index(name) for name in pair["columns"])
        apart[i, j] = apart[j, i] = 1
    right.imshow(apart, cmap="Oranges", vmin=0, vmax=1.3, aspect="auto")
    right.set(title="(b) Pairs never observed together")
    right.set_yticks(range(len(columns)), columns)
    _name_columns(right.set_xticks, columns)
    for axes, shape in ((left, counts.shape), (right, apart.shape)):
        axes.grid(False)
        axes.hlines(np.arange(1, shape[0]) - 0.5, -0.5, shape[1] - 0.5, color="white", linewidth=1.5)
        axes.vlines(np.arange(1, shape[1]) - 0.5, -0.5, shape[0] - 0.5, color="white", linewidth=1.5)
        axes.tick_params(length=0)
        axes.spines[:].set_visible(False)
    return figure


def _name_columns(set_ticks: Any, columns: list[str]) -> None:
    crowded = sum(map(len, columns)) > 30
    set_ticks(range(len(columns)), columns, **({"rotation": 60, "ha": "right"} if crowded else {}))


def draw_covariances(merged: Merged, example: Example) -> Figure:
    """Covariances of each visit and of successive visits: the merged estimate against the truth, the table against the estimate.

    Args:
        merged: the merge of an example's tables.
        example: the same.
    """
    visits, columns = merged.report["visits"]["number"], merged.columns
    width = len(columns)
    truth, found = in_order(example, columns).covariance[0], merged.law.covariance[0]
    flat = torch.from_numpy(merged.table[list(columns)].to_numpy().reshape(-1, visits * width))
    table = flat.T.cov(correction=0) if len(flat) > 1 else torch.zeros_like(found)
    time = torch.arange(visits * width) // width
    place = torch.arange(visits * width) % width
    near = ((time.unsqueeze(-1) - time).abs() <= 1).triu()
    apart = torch.zeros(width, width, dtype=torch.bool)
    for pair in merged.report["never_together"]:
        i, j = (columns.index(name) for name in pair["columns"])
        apart[i, j] = apart[j, i] = True
    never = apart[place.unsqueeze(-1), place]
    figure, (left, right) = figures.panels(columns=2, height=3.3)
    seen: dict[str, Any] = {"s": 9, "color": looks.BLUE, "alpha": 0.6, "linewidth": 0, "label": "measured together"}
    lost: dict[str, Any] = {"s": 16, "color": looks.VERMILION, "marker": "D", "linewidth": 0, "label": "never measured together"}
    for axes, x, y in ((left, truth, found), (right, found, table)):
        for look, chosen in ((seen, near & ~never), (lost, near & never)):
            if bool(chosen.any()):
                axes.scatter(x[chosen].numpy(), y[chosen].numpy(), **look)
        ends = [float(min(x[near].min(), y[near].min())), float(max(x[near].max(), y[near].max()))]
        axes.plot(ends, ends, color=looks.GREY, linewidth=0.8, zorder=1)
        axes.set_aspect("equal", adjustable="datalim")
    left.set(title="(a) Merged estimate and truth", xlabel="covariance: truth", ylabel="merged estimate")
    right.set(title="(b) Synthetic table and estimate", xlabel="covariance: merged estimate", ylabel="synthetic table")
    left.legend(loc="upper left")
    return figure


def draw_regret(scores: pd.DataFrame) -> Figure:
    """Regret with and without the prior, and the promised one, a mark for each population; infinite promises are left out."""
    names = {
        "regret": f"merged: {looks.label('em_prior')}",
        "regret_plain": f"merged: {looks.label('em')}",
        "promised": "promised by the report",
    }
    promised = {"color": looks.color("cramer_rao"), "marker": "D"}
    marks = {"regret": looks.look("em_prior"), "regret_plain": looks.look("em"), "promised": promised}
    figure, axes = figures.panels(height=1.9)
    for place, (column, mark) in enumerate(marks.items()):
        values = scores[column][np.isfinite(scores[column])]
        axes.plot(values, np.full(len(values), place), **mark | {"linestyle": "none"})
    axes.set_yticks(range(len(names)), list(names.values()))
    axes.set(xscale="log", xlabel="regret, nats per patient", ylim=(len(names) - 0.5, -0.5))
    return figure
