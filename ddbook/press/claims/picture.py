"""A statistic as a picture: the paper's figure, the reference and this run as dots with intervals, where the claim wants them.

The drawing is inline SVG in the colours of the page, so that it is dark on dark pages, and it says in words what it shows.
"""

from __future__ import annotations

import html
import math
import re
from collections.abc import Callable, Mapping
from typing import NamedTuple

from ddbook.press.claims.command import MARKS, wanted
from ddbook.press.claims.ledger import Statistic
from ddbook.press.claims.verdict import Finding, readable

WIDTH, LEFT, RIGHT, ROW, TOP, FOOT = 340, 72, 318, 18, 12, 18
"""In pixels: the whole, the ends of the axis, the height of a row, the space above and that for the thresholds."""
DECADES = 1000
"""Positive values further apart than by this factor are drawn on a logarithmic axis; ratios always are."""
BEYOND = 1.5
"""So many times the distance between values and thresholds may an interval reach beyond them; the rest of it is an arrow."""
RAISED = str.maketrans("-0123456789", "⁻⁰¹²³⁴⁵⁶⁷⁸⁹")


class Row(NamedTuple):
    """One mark with its line: whose it is, what kind of mark, the value, the ends (or none) and the sign of its verdict."""

    name: str
    kind: str
    value: float
    ends: tuple[float, float] | None
    sign: str


def picture(findings: Mapping[str, Finding]) -> str:
    """The dots and intervals of one statistic; empty if there is nothing to draw.

    Args:
        findings: of the reference and of this run, by these names, as far as there are any.
    """
    statistic = next(iter(findings.values())).statistic
    rows = [row for name, finding in findings.items() for row in _measured(name, finding)]
    if not rows:
        return ""
    if statistic.published is not None:
        rows.insert(0, Row("paper", "paper", statistic.published, None, ""))
    place = _axis(statistic, rows)
    height = TOP + ROW * len(rows) + FOOT
    drawn = [_wanted(statistic, place, height), *(_row(row, TOP + ROW * (i + 0.5), place) for i, row in enumerate(rows))]
    words = html.escape(_words(statistic, rows), quote=True)
    head = (
        f'<svg class="ddlib-dots" role="img" aria-label="{words}" width="{WIDTH}" height="{height}" viewBox="0 0 {WIDTH} {height}">'
    )
    return head + "".join(drawn) + "</svg>"


def printed(text: str) -> str:
    """Numbers as they are printed: a true minus sign, and powers of ten."""
    text = re.sub(r"(?<![\w.])-(?=[\d.])", "−", text)
    return re.sub(r"e([+-]?)0*(\d+)", lambda found: f" × 10{(found[1].strip('+') + found[2]).translate(RAISED)}", text)


def _measured(name: str, finding: Finding) -> list[Row]:
    found = finding.estimate
    if found is None:
        return []
    ends = finding.one_more or (None if math.isnan(found.low) else (found.low, found.high))
    kind = "reference" if name == "reference" else "here"
    return [Row(name, kind, found.value, ends, MARKS[finding.state])]


def _axis(statistic: Statistic, rows: list[Row]) -> Callable[[float], float]:
    """Where a value lies, in pixels; beyond the ends of the axis outside of them."""
    points = [row.value for row in rows] + [end for end in _region(statistic) if end is not None]
    ends = [end for row in rows for end in row.ends or ()]
    positive = min(points) > 0
    ratio = statistic.over is not None or max(points) / min(points) > DECADES if positive else False
    scale: Callable[[float], float] = (lambda value: math.log(value) if value > 0 else -math.inf) if ratio else float
    at = [scale(point) for point in points]
    reach = [scale(end) for end in ends]
    span = max(at) - min(at) or max([abs(end - at[0]) for end in reach if math.isfinite(end)], default=0.0) or abs(at[0]) or 1.0
    low = max(min([*at, *reach]), min(at) - BEYOND * span)
    high = min(max([*at, *reach]), max(at) + BEYOND * span)
    margin = 0.06 * (high - low)
    return lambda value: LEFT + (RIGHT - LEFT) * (scale(value) - low + margin) / (high - low + 2 * margin)


def _region(statistic: Statistic) -> tuple[float | None, float | None]:
    """Where the claim wants the values; for a match as far around the published figure as one more run may be spread."""
    if statistic.published is None or statistic.widest is None:
        return statistic.at_least, statistic.at_most
    return statistic.published - statistic.widest / 2, statistic.published + statistic.widest / 2


def _wanted(statistic: Statistic, place: Callable[[float], float], height: int) -> str:
    """The region, shaded, with its ends named below; for a match the published figure is."""
    ends = _region(statistic)
    low, high = (fallback if end is None else place(end) for end, fallback in zip(ends, (LEFT, RIGHT), strict=True))
    base = height - FOOT
    parts = [f'<rect class="wanted" x="{low:.1f}" y="4" width="{high - low:.1f}" height="{base - 4}"/>']
    for value in [statistic.published] if statistic.matches else ends:
        if value is not None:
            x = place(value)
            anchor = "start" if x < LEFT + 25 else "end" if x > RIGHT - 25 else "middle"
            parts.append(f'<line class="end" x1="{x:.1f}" x2="{x:.1f}" y1="4" y2="{base}"/>')
            parts.append(f'<text x="{x:.1f}" y="{height - 5}" text-anchor="{anchor}">{printed(f"{value:g}")}</text>')
    return "".join(parts)


def _row(row: Row, y: float, place: Callable[[float], float]) -> str:
    x = place(row.value)
    parts = [f'<text x="0" y="{y + 4:.1f}">{row.name}</text>']
    if row.ends:
        low, high = (min(max(place(end), LEFT), RIGHT) for end in row.ends)
        parts.append(f'<line class="interval" x1="{low:.1f}" x2="{high:.1f}" y1="{y:.1f}" y2="{y:.1f}"/>')
        for end, at, tip in ((row.ends[0], LEFT, -1), (row.ends[1], RIGHT, 1)):
            if (place(end) - at) * tip > 0.5:
                points = f"{at - 4 * tip},{y - 3:.1f} {at + tip},{y:.1f} {at - 4 * tip},{y + 3:.1f}"
                parts.append(f'<polyline class="interval" points="{points}"/>')
    if row.kind == "paper":
        parts.append(f'<path class="paper" d="M{x:.1f} {y - 5:.1f}l5 5l-5 5l-5 -5z"/>')
    else:
        parts.append(f'<circle class="{row.kind}" cx="{x:.1f}" cy="{y:.1f}" r="4"/>')
    if row.sign:
        parts.append(f'<text x="{WIDTH - 6}" y="{y + 4:.1f}" text-anchor="middle">{row.sign}</text>')
    return "".join(parts)


def _words(statistic: Statistic, rows: list[Row]) -> str:
    parts = [f"{statistic.label}; wanted {wanted(statistic)}"]
    for row in rows:
        ends = "" if row.ends is None else f", from {readable(row.ends[0], 3)} to {readable(row.ends[1], 3)}"
        verdict = next((f", {state}" for state, sign in MARKS.items() if sign == row.sign), "")
        parts.append(f"{row.name} {readable(row.value)}{ends}{verdict}")
    return printed("; ".join(parts))
