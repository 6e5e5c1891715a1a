"""The picture to touch: one point in the plane of two measurements, and what six learners lose with it in place of the data.

On a page it is live: plain HTML, SVG and JavaScript (``touch.js`` and ``touch.css`` beside this file, which go into the output)
without a request to anybody. In print, and where no script runs, the still picture of the same state stands in its place.
"""

from __future__ import annotations

import html
import json
import math
from pathlib import Path
from typing import Any

import numpy as np
from matplotlib.axes import Axes
from matplotlib.figure import Figure

from ddbook.chapters.one_dataset.plane import LinearTask, Plane
from ddbook.kit import figures
from ddbook.kit.looks import BLACK, BLUE, GREEN, GREY, ORANGE, VERMILION
from ddlib.lens import untrained
from ddlib.problem import Distilled
from ddlib.tasks import LeastAbsoluteTask, LogisticTask

HERE = Path(__file__).parent
LOOKS = [(BLACK, "-"), (BLUE, "-"), (BLUE, "--"), (BLUE, ":"), (VERMILION, (0, (4, 4))), (GREEN, "-")]
"""Colour and line of each learner; the live picture has the same, in ``touch.css``."""
RANGE, MOST = 4.0, 1.5
"""The plane shows measurements from -RANGE to RANGE, the axis of losses shares up to MOST."""
TICKS = (0.0, 0.01, 0.1, 0.25, 0.5, 1.0)


def still(plane: Plane, point: Distilled | None = None) -> Figure:
    """The picture for print: the plane with the solutions of the learners, and what each loses.

    Args:
        plane: the measurements and the learners.
        point: a single point; by default the one that is perfect for the first learner, as on the page at first.
    """
    point = plane.perfect(0) if point is None else point
    figure, (left, right) = figures.panels(2, height=3.3)
    _draw_plane(left, plane, point)
    _draw_losses(right, plane, point)
    return figure


def touch(plane: Plane, shown: Any = None) -> Touch:
    """The live picture.

    Args:
        plane: the measurements and the learners.
        shown: what ``Recorder.figure`` returned for :func:`still`; its caption stands below the live picture, and its image in its
            place in print and where no script runs.
    """
    return Touch(_payload(plane), shown._repr_mimebundle_() if shown is not None else {})


class Touch:
    """The live picture as Jupyter displays it."""

    def __init__(self, payload: dict[str, Any], still: dict[str, str]) -> None:
        self._payload, self._still = payload, still

    def _repr_html_(self) -> str:
        style, script = ((HERE / f"touch.{ending}").read_text(encoding="utf-8") for ending in ("css", "js"))
        data = json.dumps(self._payload, ensure_ascii=False, separators=(",", ":")).replace("<", "\\u003c")
        name = html.escape(self._payload["title"])
        return (
            f'<div class="ddlib-touch" role="group" aria-label="{name}"><style>{style}</style>'
            f'<script type="application/json">{data}</script><div class="live" hidden></div>'
            f"{self._still.get('text/html', '')}<script>{script}</script></div>"
        )

    def _repr_mimebundle_(self, include: Any = None, exclude: Any = None) -> dict[str, str]:
        return {"text/plain": self._payload["title"], **self._still, "text/html": self._repr_html_()}


def _payload(plane: Plane) -> dict[str, Any]:
    """What the script computes from: the data, and of each learner its solution, two risks and a perfect point, by the library."""
    least = math.floor(100 * plane.least_worst()[1])
    return {
        "title": f"No single point serves all six: whatever you choose, one of them loses at least {least} %.",
        "plane": f"The plane of {plane.names[0]} and {plane.names[1]}, with the directions of the solutions and the single point",
        "names": [f"{name} (SDs)" for name in plane.names],
        "x": plane.data.x[0].tolist(),
        "y": plane.data.y[0].tolist(),
        "threshold": float(plane.data.y.quantile(0.5)),
        "learners": [_learner(plane, number, task) for number, task in enumerate(plane.tasks)],
    }


def _learner(plane: Plane, number: int, task: LinearTask) -> dict[str, Any]:
    point = plane.perfect(number)
    return {
        "name": task.name,
        **_kind(task),
        "solution": task.reference.flatten().tolist(),
        "reference": float(task.risk(task.reference)),
        "untrained": float(task.risk(untrained(task))),
        "perfect": {"x": point.x.flatten().tolist(), "y": float(point.y), "w": float(point.w)},
    }


def _kind(task: LinearTask) -> dict[str, Any]:
    if isinstance(task, LeastAbsoluteTask):
        return {"kind": "absolute", "penalty": 0.0}
    if isinstance(task, LogisticTask):
        return {"kind": "logistic", "penalty": task.penalty}
    return {"kind": "quadratic", "penalty": task.penalties[0]}


def _draw_plane(axes: Axes, plane: Plane, point: Distilled) -> None:
    axes.grid(False)
    axes.plot(*plane.data.x[0].T.numpy(), "o", color=GREY, alpha=0.25, markersize=2, markeredgewidth=0)
    ends = []
    for task, (color, style) in zip(plane.tasks, LOOKS, strict=True):
        end = RANGE * (task.reference / task.reference.norm()).flatten().numpy()
        end = end if end[0] >= 0 else -end
        axes.plot(*np.stack([-end, end]).T, color=color, linestyle=style, linewidth=1.5)
        ends.append((end, task.name, color))
    place = point.x.flatten().numpy()
    axes.plot(*place, "o", color=ORANGE, markeredgecolor=BLACK, markersize=5 + 3 * np.log10(1 + float(point.w)), zorder=5)
    axes.set(xlim=(-RANGE, RANGE), ylim=(-RANGE, RANGE), aspect="equal", xlabel=plane.names[0], ylabel=plane.names[1])
    axes.set_title(f"(a) one point in place of {plane.data.budget}")
    ends.sort(key=lambda each: float(each[0][1]))
    heights = figures.spread([float(end[1]) for end, _, _ in ends], 0.62, -RANGE, RANGE)
    for (end, name, color), height in zip(ends, heights, strict=True):
        arrow = {"arrowstyle": "-", "color": color, "linewidth": 0.6, "relpos": (0, 0.5), "shrinkA": 0, "shrinkB": 1}
        words: dict[str, Any] = {"va": "center", "fontsize": 8, "color": color, "annotation_clip": False}
        axes.annotate(name, end, (RANGE + 0.5, height), arrowprops=arrow, **words)


def _draw_losses(axes: Axes, plane: Plane, point: Distilled) -> None:
    place = np.sqrt
    axes.grid(False, axis="y")
    axes.axvspan(1, place(MOST), color=figures.GRID, linewidth=0)
    direction = point.x.flatten()
    for row, (lost, least, (color, _)) in enumerate(zip(plane.lost(point), plane.bounds(direction), LOOKS, strict=True)):
        axes.barh(row, place(least), height=0.4, color=GREY, alpha=0.45)
        axes.plot([place(least)] * 2, [row - 0.28, row + 0.28], color=GREY, linewidth=1.5)
        far = lost > MOST
        axes.plot(place(min(lost, MOST)), row, ">" if far else "o", color=color, markersize=7, clip_on=False, zorder=5)
        text = "0 %" if lost < 5e-5 else f"{100 * lost:,.{1 if lost < 0.1 else 0}f} %"
        axes.annotate(text, (place(MOST), row), (9, 0), textcoords="offset points", va="center", fontsize=8, annotation_clip=False)
    axes.set(xlim=(0, place(MOST)), xticks=[place(tick) for tick in TICKS], xticklabels=[f"{100 * tick:g}" for tick in TICKS])
    axes.set_yticks(range(len(plane.tasks)), plane.learners)
    axes.set_xlabel("% lost (100: no better than no data)\ngrey: unavoidable in this direction")
    axes.invert_yaxis()
    axes.set_title("(b) no single point serves all six")
