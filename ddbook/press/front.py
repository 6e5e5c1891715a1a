"""The first page's three pictures: one result of each part of the book, drawn from the reference."""

from __future__ import annotations

import base64
import html
import io
from collections.abc import Callable, Mapping
from pathlib import Path
from typing import TYPE_CHECKING, NamedTuple

from ddbook.press.marks import mark

if TYPE_CHECKING:
    import pandas as pd
    from matplotlib.axes import Axes

WIDTH, HEIGHT = 2.36, 2.3
"""Of a picture in inches: a third of the text's column, so that letters keep their size."""


class Picture(NamedTuple):
    """A result on the first page.

    Attributes:
        stem: the chapter.
        table: of the reference, by its name.
        draw: draws it.
        finding: in a sentence, which is the alternative text as well.
        reading: how to read it.
        claim: of the ledger, which says whether the sentence holds.
    """

    stem: str
    table: str
    draw: Callable[[pd.DataFrame, Axes], None]
    finding: str
    reading: str
    claim: str


def tasks(bounds: pd.DataFrame, axes: Axes) -> None:
    """What any single point that is perfect for one task costs each other task, at least."""
    from ddbook.kit.looks import BLUE

    names = [str(name) for name in bounds.iloc[:, 0]]
    for row, name in enumerate(names):
        lost = bounds.iloc[row, 1:].astype(float)
        others = lost[[other != name for other in bounds.columns[1:]]]
        axes.plot(100 * others, [row] * len(others), "o", color=BLUE, markersize=4)
    axes.set_xscale("log")
    axes.set_xticks([1, 10, 100], ["1 %", "10 %", "100 %"])
    axes.set_xlim(0.3, 130)
    axes.minorticks_off()
    axes.set_yticks(range(len(names)), [name.replace(" regression", "") for name in names])
    axes.invert_yaxis()
    axes.set_xlabel("lost elsewhere, at least")


def hospitals(scores: pd.DataFrame, axes: Axes) -> None:
    """Regret against the number of patients: distilled ones, as many real ones, and the limit."""
    from ddbook.kit.looks import color

    def middle(method: str) -> pd.Series:
        return scores[scores["method"] == method].groupby("budget")["regret"].median()

    for method, name in (("clean_subset", "clean, complete"), ("first_order", "distilled")):
        regret = middle(method)
        axes.plot(regret.index, regret, "o-", color=color(method), markersize=4)
        axes.annotate(name, (regret.index[0], regret.iloc[0]), (6, 4), textcoords="offset points", color=color(method), fontsize=8)
    limit = float(middle("em").iloc[0])
    axes.axhline(limit, color=color("em"), linestyle="--", linewidth=0.9)
    axes.text(100, 0.85 * limit, "all records at once", ha="right", va="top", fontsize=8)
    axes.set(xscale="log", yscale="log", ylim=(limit / 3, 20), xlabel="patients", ylabel="regret, nats")
    axes.set_xticks([10, 20, 50, 100], ["10", "20", "50", "100"])
    axes.set_yticks([0.01, 0.1, 1, 10], ["0.01", "0.1", "1", "10"])
    axes.minorticks_off()


def knowledge(ladder: pd.DataFrame, axes: Axes) -> None:
    """Error of networks on distilled points against what was known when the points were made: one line a problem."""
    from ddbook.kit.looks import GREY, VERMILION

    distilled = ladder[(ladder["method"] == "kernel_matching") & (ladder["learner"] == "network")]
    for problem, rows in distilled.groupby("problem"):
        error = rows.groupby("level")["error"].median()
        mine = problem == "Poisson"  # the paper's
        color, width = (VERMILION, 1.6) if mine else (GREY, 0.8)
        axes.plot(error.index, error, "o-", color=color, linewidth=width, markersize=3.5, zorder=2 + mine)
        if mine:
            axes.text(0, 0.02, "the paper’s\nproblem", color=VERMILION, fontsize=8, va="center")
            axes.plot([0.5, 0.8], [0.035, 0.155], color=VERMILION, linewidth=0.6)
    axes.set(yscale="log", xlabel="information level", ylabel="relative error")
    axes.set_xticks([0, 1, 2, 3], ["I0", "I1", "I2", "I3"])
    axes.set_yticks([0.01, 0.1, 1], ["0.01", "0.1", "1"])
    axes.set_xlim(-0.3, 3.3)
    axes.minorticks_off()


PICTURES = {
    "tasks": Picture(
        "01_one_dataset_many_tasks",
        "cross_task_lower_bound",
        tasks,
        "A point that is perfect for one task loses on each of the others.",
        "Each row is a task that one point serves perfectly; its dots are the five other tasks. The share of what the data could "
        "teach them that any such point loses, at least.",
        "under-specified",
    ),
    "hospitals": Picture(
        "04_merge_hospitals",
        "scores",
        hospitals,
        "Ten distilled patients teach what all hospitals know together.",
        "Simulated hospitals that each measure other things. Regret: how far a learned network is from the true one, in units of "
        "log-likelihood per patient; medians of ten networks. As many undisturbed, complete patients teach less.",
        "merge-reaches-em",
    ),
    "knowledge": Picture(
        "11_opposite_tails",
        "ladder",
        knowledge,
        "Distilled points carry knowledge; they do not make it.",
        "Six differential equations, to be solved where nobody measured, by networks that learn from twenty points. From left to "
        "right more was known when the points were made: at I0 the measurements alone, at I3 the equation and its boundary values "
        "too. Medians of ten seeds.",
        "physics-not-selection",
    ),
}
"""The results, in the order in which the page shows them."""


def page(reference: Path, marks: Mapping[str, str]) -> str:
    """The pictures beside each other, as Markdown; empty without a reference.

    Args:
        reference: its folder.
        marks: for each chapter whose reference is older than its code what to say of it.
    """
    found = {name: picture for name, picture in PICTURES.items() if _table(reference, picture).exists()}
    if not found:
        return ""
    figures = "\n".join(_figure(name, picture, reference, marks) for name, picture in found.items())
    return f'```{{raw}} html\n<div class="ddlib-results">\n{figures}\n</div>\n```\n'


def _table(reference: Path, picture: Picture) -> Path:
    return reference / picture.stem / "results" / f"{picture.table}.csv"


def _figure(name: str, picture: Picture, reference: Path, marks: Mapping[str, str]) -> str:
    source = base64.b64encode(drawn(picture, reference)).decode()
    finding = html.escape(picture.finding)
    older = marks.get(picture.stem, "").partition(":")[0]  # the chapter says what has changed
    said = f"{html.escape(picture.reading)}{mark(older)}"
    links = (
        f'<a href="../notebooks/{picture.stem}.html">The chapter</a> · '
        f'<a href="claims.html#claim-{picture.claim}">the claim and its verdict</a>'
    )
    image = f'<img src="data:image/svg+xml;base64,{source}" alt="{finding}">'
    caption = f'<figcaption class="tex2jax_process mathjax_process"><b>{finding}</b> {said} {links}</figcaption>'
    return f'<figure class="ddlib-figure" id="result-{name}">{image}{caption}</figure>'


def drawn(picture: Picture, reference: Path) -> bytes:
    """A picture as SVG, with inks for light and dark pages."""
    import matplotlib.pyplot as plt
    import pandas as pd

    from ddbook.kit.figures import panels, themed, use_style

    use_style()
    figure, axes = panels(1, 1, HEIGHT, width=WIDTH)
    axes.tick_params(labelsize=8)
    axes.xaxis.label.set_fontsize(8)
    axes.yaxis.label.set_fontsize(8)
    picture.draw(pd.read_csv(_table(reference, picture), low_memory=False), axes)
    stream = io.BytesIO()
    figure.savefig(stream, format="svg", metadata={"Date": None})
    plt.close(figure)
    return themed(stream.getvalue())
