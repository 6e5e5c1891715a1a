"""What the model is made of: a card for each part, with whether it is used and why."""

from __future__ import annotations

from typing import Any, NamedTuple

from ddlib.merge.page.drawing import SHAPES, line, mark, path, picture
from ddlib.merge.page.markup import escaped, number
from ddlib.merge.page.trajectories import positions, visit_names
from ddlib.merge.wording import counted

_WIDE, _HIGH = 220, 76


class _Part(NamedTuple):
    """One part of the model.

    Attributes:
        title: what it is.
        used: whether the model has it.
        why: one sentence.
        drawing: what it looks like.
    """

    title: str
    used: bool
    why: str
    drawing: str


def cards(report: dict[str, Any]) -> str:
    """All parts, those that are not used too."""
    model = report["model"]
    found = [_means(model["visits_differ"]), _offsets(model["hospitals_differ"]), _levels(model["levels"]), _steps(report)]
    return '<div class="cards">' + "".join(map(_card, found)) + "</div>"


def _card(part: _Part) -> str:
    state = "used" if part.used else "not used"
    drawn = picture(f"{part.title}: {state}", f"A sketch. {part.why}", _WIDE, _HIGH, part.drawing, "" if part.used else "unused")
    sign = "✓" if part.used else "✗"
    return (
        f'<div class="card{"" if part.used else " without"}"><h3>{escaped(part.title)} '
        f'<span class="state">{sign} {state}</span></h3>{drawn}<p>{escaped(part.why)}</p></div>'
    )


def _size(part: dict[str, Any], effect: str) -> str:
    if not part["used"]:
        return f"The records show no {effect} beyond chance and what the rest of the model allows."
    return f"They differ by {number(part['standard_deviation'], 2)} of a column's standard deviation, on the whole."


def _means(part: dict[str, Any]) -> _Part:
    heights = [50, 22, 34, 58] if part["used"] else [38] * 4
    points = [(30.0 + 53 * i, float(y)) for i, y in enumerate(heights)]
    drawing = path(points, "fitted") + "".join(mark("circle", x, y, "value", 4) for x, y in points)
    return _Part("A mean for each visit", part["used"], _size(part, "difference of visits"), drawing)


def _offsets(part: dict[str, Any]) -> _Part:
    heights = [16, 34, 56] if part["used"] else [38] * 3
    drawing = "".join(
        path([(20, y), (200, y)], f"own strong h{i}" if part["used"] else "fitted") + mark(SHAPES[i], 60 + 50 * i, y, f"h{i}", 5)
        for i, y in enumerate(heights)
    )
    return _Part("An offset for each hospital", part["used"], _size(part, "difference of hospitals"), drawing)


def _levels(part: dict[str, Any]) -> _Part:
    gain = part["held_out_gain"]
    if gain is None:
        why = "Not tried: there are too few visits or patients to hold some out."
    elif part["used"]:
        why = f"Patients who were held out are predicted better with it, by {number(gain)} nats of log-likelihood."
    else:
        why = f"Patients who were held out are not predicted better with it ({number(gain, sign=True)} nats of log-likelihood)."
    waves = [(20.0, 4), (70.0, -5), (120.0, 5), (170.0, -3), (200.0, 2)]
    heights = [18, 38, 58] if part["used"] else [38, 38, 38]
    drawing = "".join(
        line(20, y, 200, y, "grid") + path([(x, y + move * (1 - 2 * (i == 1))) for x, move in waves], "fitted thin")
        for i, y in enumerate(heights)
    )
    return _Part("A level that stays with each patient", part["used"], why, drawing)


def _steps(report: dict[str, Any]) -> _Part:
    visits = report["visits"]
    steps, labels = visits["steps"], visits["labels"]
    places = [20 + 180 * share for share in positions(labels)]
    drawing = line(12, 44, 208, 44, "edge") + "".join(mark("circle", x, 44, "value", 4) for x in places)
    if not steps:
        why = "There is one visit, so nothing is said of time."
    elif len(set(steps)) == 1:
        why = f"{counted(len(labels), 'visit')}, each {counted(steps[0], 'step')} of {visits['unit']} after the one before."
    else:
        span = f"{min(steps)} to {counted(max(steps), 'step')} of {visits['unit']}"
        why = f"{counted(len(labels), 'visit')}, {span} apart: memory fades with the time between them."
    if len(places) > 1:
        names = visit_names(report)
        why += f" From {names[0]} to {names[-1]}."
    return _Part("Steps of time", bool(steps), why, drawing)
