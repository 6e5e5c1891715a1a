"""Each column over the visits: what the hospitals observed, against what was fitted."""

from __future__ import annotations

import datetime
import itertools
from collections.abc import Sequence
from typing import Any, NamedTuple

from ddlib.merge.page.drawing import WIDTH, Scale, around, box, fitting, labels, line, mark, path, picture, span, text, ticks
from ddlib.merge.page.hospitals import Sign, signs
from ddlib.merge.page.markup import frame, name, number, plain, shortened, table

_HEIGHT, _TOP, _BOTTOM, _RIGHT = 210, 10, 26, 12
_WIDEST = 1080
"""Width of a picture with many visits and hospitals, which scrolls on a telephone."""
_ROOM = 4.0
"""Pixels for one mark, below which a picture is made wider."""
_LONG = 90.0
"""Pixels for the name of a visit."""
_SLENDER = 2.6
"""Pixels for one mark, below which standard deviations are left to the table."""


class _Panel(NamedTuple):
    """The picture of one column.

    Attributes:
        places: where the visits are, in pixels.
        names: of the visits.
        y: from values to pixels.
        ticks: values of the axis.
        left, width: of the area, and of the whole.
        slot: pixels for one mark.
    """

    places: list[float]
    names: list[str]
    y: Scale
    ticks: list[float]
    left: float
    width: float
    slot: float


def trajectories(report: dict[str, Any]) -> list[str]:
    """One figure for each column that changes."""
    given = signs(report)
    return [_figure(report, column, law, given) for column, law in report["by_visit"].items()]


def visit_names(report: dict[str, Any]) -> list[str]:
    """The reported visits as they are called in the tables."""
    return [label if isinstance(label, str) else number(label, 6) for label in report["visits"]["labels"]]


def positions(visits: Sequence[Any]) -> list[float]:
    """Where visits stand, from 0 to 1: in proportion to their times, evenly if that would put two of them on top of each other."""
    even = [i / max(1, len(visits) - 1) if len(visits) > 1 else 0.5 for i in range(len(visits))]
    try:
        times = [float(datetime.date.fromisoformat(one).toordinal()) if isinstance(one, str) else float(one) for one in visits]
    except ValueError:
        return even
    gaps = [later - earlier for earlier, later in itertools.pairwise(times)]
    if not gaps or min(gaps) < 0.4 * (times[-1] - times[0]) / len(gaps):
        return even
    return [(one - times[0]) / (times[-1] - times[0]) for one in times]


def _figure(report: dict[str, Any], column: str, law: dict[str, Any], given: dict[str, Sign]) -> str:
    marks = max(1, *(len(each["observed"]) for each in report["by_visit"].values()))
    panel = _panel(report, law, marks)
    content = "".join(
        [_axes(panel), _fitted(panel, law), *_hospitals(panel, law, given, report["model"]["hospitals_differ"]["used"])]
    )
    label = f"{shortened(column)}: observed and fitted mean at {len(panel.names)} visits"
    if len(panel.names) == 1:
        label = f"{shortened(column)}: observed and fitted mean"
    described = (
        "Marks: observed means of the hospitals, with standard deviations. Line and band: fitted mean and standard deviation."
    )
    drawn = picture(label, described, panel.width, _HEIGHT, content)
    if panel.width > WIDTH:
        drawn = frame(drawn, label)
    return f'<figure class="panel{" broad" * (panel.width > WIDTH)}"><figcaption><b>{name(column)}</b></figcaption>{drawn}</figure>'


def _panel(report: dict[str, Any], law: dict[str, Any], marks: int) -> _Panel:
    seen = [*law["mean"]]
    for mean, spread in [
        (law["mean"], law["standard_deviation"]),
        *((o["mean"], o["standard_deviation"]) for o in law["observed"].values()),
    ]:
        seen += [m + side * (s or 0.0) for m, s in zip(mean, spread, strict=True) if m is not None for side in (-1, 1)]
    for observed in law["observed"].values():
        seen += [value for value in observed["fitted"] if value is not None]
    low, high = around(seen)
    values = ticks(low, high)
    left = 10 + max(map(span, labels(values)), default=0.0)
    names = visit_names(report)
    width = min(max(WIDTH, left + _RIGHT + _ROOM * (marks + 1) * len(names)), _WIDEST)
    room = width - left - _RIGHT
    rim = room * 0.5 / len(names)
    places = [left + rim + (room - 2 * rim) * share for share in positions(report["visits"]["labels"])]
    near = 0.85 * min((b - a for a, b in itertools.pairwise(places)), default=room)
    return _Panel(
        places,
        names,
        Scale(low, high, _HEIGHT - _BOTTOM, _TOP),
        values,
        left,
        width,
        min(near / max(1, len(law["observed"])), 12.0),
    )


def _axes(panel: _Panel) -> str:
    drawn = []
    for value, label in zip(panel.ticks, labels(panel.ticks), strict=True):
        drawn.append(line(panel.left, panel.y(value), panel.width - _RIGHT, panel.y(value), "grid"))
        drawn.append(text(panel.left - 5, panel.y(value) + 4, label, "axis", "end"))
    drawn += [line(place, _HEIGHT - _BOTTOM, place, _HEIGHT - _BOTTOM + 4, "edge") for place in panel.places]
    for place, visit in _named(panel):
        middle = min(place, panel.width - span(fitting(visit, _LONG)) / 2)
        drawn.append(text(middle, _HEIGHT - _BOTTOM + 17, visit, "axis", "middle", _LONG))
    return "".join([*drawn, line(panel.left, _HEIGHT - _BOTTOM, panel.width - _RIGHT, _HEIGHT - _BOTTOM, "edge")])


def _named(panel: _Panel) -> list[tuple[float, str]]:
    """The visits whose names have room beside each other: all, or every second, or every third …"""
    every = list(zip(panel.places, panel.names, strict=True))
    room = max(span(fitting(visit, _LONG)) for visit in panel.names) + 4
    for step in range(1, len(every)):
        if all(later - earlier >= room for (earlier, _), (later, _) in itertools.pairwise(every[::step])):
            return every[::step]
    return every[:1]


def _fitted(panel: _Panel, law: dict[str, Any]) -> str:
    """The mean and standard deviation of a synthetic patient; a bar where there is one visit."""
    points = list(zip(panel.places, law["mean"], law["standard_deviation"], strict=True))
    if len(points) == 1:
        place, mean, spread = points[0]
        half = 24 + panel.slot * len(law["observed"]) / 2
        band = box(place - half, panel.y(mean + spread), 2 * half, panel.y(mean - spread) - panel.y(mean + spread), "band")
        return band + line(place - half, panel.y(mean), place + half, panel.y(mean), "fitted")
    rim = [(x, panel.y(m + s)) for x, m, s in points] + [(x, panel.y(m - s)) for x, m, s in reversed(points)]
    return path(rim, "band", closed=True) + path([(x, panel.y(m)) for x, m, _ in points], "fitted")


def _hospitals(panel: _Panel, law: dict[str, Any], given: dict[str, Sign], differ: bool) -> list[str]:
    """Of each hospital its fitted mean, if that is its own, and what it observed, beside each other at each visit."""
    drawn = []
    measured = [hospital for hospital in given if hospital in law["observed"]]
    for order, hospital in enumerate(measured):
        observed, sign = law["observed"][hospital], given[hospital]
        aside = (order - (len(measured) - 1) / 2) * panel.slot
        if differ:
            points = [(x, panel.y(value)) for x, value in zip(panel.places, observed["fitted"], strict=True) if value is not None]
            if len(points) == 1:
                points = [(points[0][0] + aside + side * 0.45 * panel.slot, points[0][1]) for side in (-1, 1)]
            drawn.append(path(points, f"own {sign.colour}"))
        for place, mean, spread in zip(panel.places, observed["mean"], observed["standard_deviation"], strict=True):
            if mean is None:
                continue
            x = place + aside
            if spread is not None and panel.slot >= _SLENDER:
                drawn.append(line(x, panel.y(mean - spread), x, panel.y(mean + spread), f"whisker {sign.colour}"))
            drawn.append(mark(sign.shape, x, panel.y(mean), sign.colour, 4.0 if panel.slot > 5 else 2.8, plain(hospital)))
    return drawn


def visit_table(report: dict[str, Any], column: str, law: dict[str, Any]) -> str:
    """The numbers of one picture: for each visit the fitted mean and what each hospital observed."""
    hospitals = [source["name"] for source in report["sources"] if source["name"] in law["observed"]]
    rows = []
    for t, visit in enumerate(visit_names(report)):
        cells = [f"{number(law['mean'][t], 4)} ± {number(law['standard_deviation'][t])}"]
        for hospital in hospitals:
            seen = law["observed"][hospital]
            some = f"{number(seen['mean'][t], 4)} ± {number(seen['standard_deviation'][t])} ({seen['patients'][t]:,})"
            cells.append(some if seen["patients"][t] else "–")
        rows.append([visit, *cells])
    return table(f"{plain(column)} at each visit", [report["visits"]["time"], "fitted", *hospitals], rows, names=True)
