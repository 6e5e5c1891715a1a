"""Rows with a line each: the bounds of pairs that nobody has together, and the offsets of hospitals."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import Any, NamedTuple

from ddlib.merge.page.drawing import WIDTH, Scale, box, fitting, labels, line, mark, picture, span, text, ticks
from ddlib.merge.page.hospitals import offset_of, signs
from ddlib.merge.page.markup import hundredths, number, plain

_ROW, _LEFT, _RIGHT, _FOOT = 40, 14, 14, 24
_MOST = 12
"""Rows of one picture."""
DRAWN = 48
"""Pairs that are drawn; all are in the table."""


class _Row(NamedTuple):
    """One line of a picture.

    Attributes:
        label: what it is of.
        aside: numbers at the end of the line above.
        content: draws on the line at a height.
    """

    label: str
    aside: str
    content: Callable[[Scale, float], str]


def width_of(pair: dict[str, Any]) -> float:
    """How much the records leave open of a pair's correlation."""
    low, high = pair["bounds"]
    return float(high - low)


def widest(report: dict[str, Any]) -> list[dict[str, Any]]:
    """The pairs never together, those of which least is known first."""
    return sorted(report["never_together"], key=width_of, reverse=True)


def bounds_pictures(report: dict[str, Any]) -> list[str]:
    """The bounds of the widest pairs on [−1, 1], with the convention's value as a mark."""
    rows = [_pair(pair) for pair in widest(report)[:DRAWN]]
    label = "Bounds of correlations that nobody measured, widest first"
    return _pictures(
        rows, (-1.0, 1.0), [-1.0, -0.5, 0.0, 0.5, 1.0], label, "Bars: what the records allow. Diamonds: the convention."
    )


def offset_pictures(report: dict[str, Any]) -> list[str]:
    """The hospitals' offsets in each column, in its standard deviations."""
    given = signs(report)
    columns = [column for column in report["columns"] if column["offsets"]]
    reach = max((abs(offset_of(column, each)) for column in columns for each in column["offsets"]), default=0.0) or 1.0
    rows = [_offsets(column, given) for column in columns]
    label = "Offsets of the hospitals in each column, in standard deviations"
    return _pictures(rows, (-1.08 * reach, 1.08 * reach), ticks(-1.08 * reach, 1.08 * reach), label, "One mark for each hospital.")


def _pair(pair: dict[str, Any]) -> _Row:
    low, high = pair["bounds"]
    said = f"{hundredths(low)} to {hundredths(high)}"
    room = (WIDTH - _LEFT - _RIGHT - span(f"{said} · ") - 8) / 2
    first, second = pair["columns"]
    label = f"{fitting(first, 2 * room - span(fitting(second, room)))} · {fitting(second, room)}"
    whole = f"{plain(first)} · {plain(second)}: {said}, convention {hundredths(pair['correlation'])}"

    def content(x: Scale, y: float) -> str:
        return box(x(low), y - 5, x(high) - x(low), 10, "bounds", whole) + mark(
            "diamond", x(pair["correlation"]), y, "value", 5, whole
        )

    return _Row(label, said, content)


def _offsets(column: dict[str, Any], given: dict[str, Any]) -> _Row:
    def content(x: Scale, y: float) -> str:
        return "".join(
            mark(given[each].shape, x(offset_of(column, each)), y, given[each].colour, 4.5, f"{plain(each)}: {number(size)}")
            for each, size in column["offsets"].items()
        )

    return _Row(fitting(column["name"], WIDTH - _LEFT - _RIGHT), "", content)


def _pictures(rows: Sequence[_Row], ends: tuple[float, float], marks: Sequence[float], label: str, described: str) -> list[str]:
    parts = [rows[i : i + _MOST] for i in range(0, len(rows), _MOST)]
    return [
        picture(
            label + f" ({i + 1} of {len(parts)})" * (len(parts) > 1),
            described,
            WIDTH,
            len(part) * _ROW + _FOOT,
            _rows(part, ends, marks),
        )
        for i, part in enumerate(parts)
    ]


def _rows(rows: Sequence[_Row], ends: tuple[float, float], marks: Sequence[float]) -> str:
    x, foot = Scale(*ends, _LEFT, WIDTH - _RIGHT), len(rows) * _ROW
    drawn = [line(x(value), 4, x(value), foot, "zero" if value == 0 else "grid") for value in marks]
    for i, row in enumerate(rows):
        top = i * _ROW
        drawn.append(box(0, top + 2, WIDTH, 17, "ground"))
        drawn.append(text(_LEFT, top + 15, row.label))
        drawn.append(text(WIDTH - _RIGHT, top + 15, row.aside, "faint", "end"))
        drawn.append(line(x(ends[0]), top + 30, x(ends[1]), top + 30, "grid"))
        drawn.append(row.content(x, top + 30))
    drawn += [text(x(value), foot + 16, said, "axis", "middle") for value, said in zip(marks, labels(marks), strict=True)]
    return "".join(drawn)
