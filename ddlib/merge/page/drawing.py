"""Pictures as inline SVG: scales, ticks, lines, marks. Colours are classes, so that a picture is dark in the dark."""

from __future__ import annotations

import math
import unicodedata
from collections.abc import Sequence
from typing import NamedTuple

from ddlib.merge.page.markup import escaped, number, plain, shortened

WIDTH = 340
"""Width of a picture, that of a telephone: its letters are never scaled down."""
SHAPES = ("circle", "square", "triangle", "diamond", "cross", "wedge", "plus", "ring")
"""Marks of hospitals, in the order in which these are given: they differ in shape, not in colour alone."""


class Scale(NamedTuple):
    """From values to pixels.

    Attributes:
        low, high: the ends in values.
        start, end: in pixels.

    >>> Scale(0.0, 2.0, 100.0, 0.0)(0.5)
    75.0
    """

    low: float
    high: float
    start: float
    end: float

    def __call__(self, value: float) -> float:
        return self.start + (value - self.low) / ((self.high - self.low) or 1.0) * (self.end - self.start)


def around(values: Sequence[float], margin: float = 0.06) -> tuple[float, float]:
    """A range that holds some values and a margin."""
    low, high = min(values), max(values)
    rim = margin * (high - low) or 0.5 * abs(high) or 0.5
    return low - rim, high + rim


def ticks(low: float, high: float, most: int = 5) -> list[float]:
    """Round numbers within a range.

    >>> ticks(0.3, 9.2)
    [2.0, 4.0, 6.0, 8.0]
    """
    step = 10.0 ** math.floor(math.log10((high - low) / most))
    while (high - low) / step > most:
        step *= 2.5 if f"{step:e}".startswith("2") else 2
    first, last = math.ceil(low / step - 1e-9), math.floor(high / step + 1e-9)
    return [float(f"{k * step:.12g}") for k in range(first, last + 1)]


def line(x1: float, y1: float, x2: float, y2: float, kind: str) -> str:
    """A straight line."""
    return f'<line class="{kind}" x1="{x1:.1f}" y1="{y1:.1f}" x2="{x2:.1f}" y2="{y2:.1f}"/>'


def path(points: Sequence[tuple[float, float]], kind: str, closed: bool = False) -> str:
    """A line through points, or the area within."""
    joined = "L".join(f"{x:.1f} {y:.1f}" for x, y in points)
    return f'<path class="{kind}" d="M{joined}{"Z" * closed}"/>'


def box(x: float, y: float, width: float, height: float, kind: str, title: str = "") -> str:
    """A rectangle; with a title it says what it is where the pointer rests."""
    inside = f"<title>{escaped(title)}</title>" if title else ""
    return f'<rect class="{kind}" x="{x:.1f}" y="{y:.1f}" width="{max(width, 0.5):.1f}" height="{height:.1f}">{inside}</rect>'


def span(content: str) -> float:
    """Width of a text in pixels, on the wide side: fonts differ, and none is measured here."""
    return sum(map(_letter, content))


def _letter(letter: str) -> float:
    if letter in "WM@%mw…—" or unicodedata.east_asian_width(letter) in "WF":
        return 12.5
    if letter in "iIljtfr.,:;'|!()[] ":
        return 5.2
    return 9.6 if letter.isupper() or ord(letter) > 0x24F else 7.7


def fitting(content: object, room: float) -> str:
    """A text, with its middle left out if it is wider than the room.

    >>> fitting("haemoglobin", 60), fitting("haemoglobin", 100)
    ('hae…bin', 'haemoglobin')
    """
    most = min(len(plain(content)), 200)
    while most > 1 and span(shortened(content, most)) > room:
        most -= 1
    return shortened(content, most)


def text(x: float, y: float, content: object, kind: str = "", anchor: str = "start", room: float = math.inf) -> str:
    """A text in so much room, with the whole of it in the title where it is shortened."""
    short = fitting(content, room)
    title = f"<title>{escaped(content)}</title>" if short != plain(content) else ""
    return f'<text class="{kind}" x="{x:.1f}" y="{y:.1f}" text-anchor="{anchor}">{title}{escaped(short)}</text>'


def mark(shape: str, x: float, y: float, kind: str, size: float = 4.0, title: str = "") -> str:
    """A mark around a point."""
    r, s = size, 0.8 * size
    outlines = {
        "circle": f"M{x - r:.1f} {y:.1f}a{r:.1f} {r:.1f} 0 1 0 {2 * r:.1f} 0a{r:.1f} {r:.1f} 0 1 0 {-2 * r:.1f} 0Z",
        "square": f"M{x - s:.1f} {y - s:.1f}h{2 * s:.1f}v{2 * s:.1f}h{-2 * s:.1f}Z",
        "triangle": f"M{x:.1f} {y - r:.1f}l{r:.1f} {1.8 * r:.1f}h{-2 * r:.1f}Z",
        "wedge": f"M{x:.1f} {y + r:.1f}l{r:.1f} {-1.8 * r:.1f}h{-2 * r:.1f}Z",
        "diamond": f"M{x:.1f} {y - 1.2 * r:.1f}l{r:.1f} {1.2 * r:.1f}l{-r:.1f} {1.2 * r:.1f}l{-r:.1f} {-1.2 * r:.1f}Z",
        "cross": f"M{x - s:.1f} {y - s:.1f}l{2 * s:.1f} {2 * s:.1f}m0 {-2 * s:.1f}l{-2 * s:.1f} {2 * s:.1f}",
        "plus": f"M{x - r:.1f} {y:.1f}h{2 * r:.1f}m{-r:.1f} {-r:.1f}v{2 * r:.1f}",
    }
    hollow = " open" if shape in ("cross", "plus", "ring") else ""
    inside = f"<title>{escaped(title)}</title>" if title else ""
    return f'<path class="mark{hollow} {kind}" d="{outlines.get(shape, outlines["circle"])}">{inside}</path>'


def labels(values: Sequence[float]) -> list[str]:
    """Numbers beside an axis, with as many digits as tell them apart."""
    for digits in range(2, 13):
        found = [number(value, digits) for value in values]
        if len(set(found)) == len(found) and all(abs(float(f"{v:.{digits}g}") - v) <= 1e-9 * abs(v) for v in values):
            break
    return found


def picture(label: str, description: str, width: float, height: float, content: str, kind: str = "") -> str:
    """An SVG that says what it shows.

    Args:
        label: the finding, in a few words, for who cannot see it.
        description: how it is drawn.
        width, height: in pixels. It is drawn up to a quarter larger; a picture wider than a telephone as it is.
        content: what is drawn.
    """
    size = f"max-width:{1.25 * width:.0f}px" if width <= WIDTH else f"width:{width:.0f}px"
    return (
        f'<svg class="{kind}" role="img" aria-label="{escaped(label)}" viewBox="0 0 {width:.0f} {height:.0f}" '
        f'style="{size}"><desc>{escaped(description)}</desc>{content}</svg>'
    )
