"""Pieces of HTML: texts that cannot break out, numbers that can be read, tables that scroll."""

from __future__ import annotations

import html
import math
from collections.abc import Iterable, Sequence

_LONGEST = 48
"""Letters of a name that are shown; the whole name stands in its title."""


def plain(text: object) -> str:
    """A text in one line without control characters, which could reverse or hide what follows."""
    return "".join(letter if letter.isprintable() else "·" for letter in str(text))


def shortened(text: object, most: int = _LONGEST) -> str:
    """A name with its middle left out where it is long: the beginning and the end are what tells names apart.

    >>> shortened("hospital_records_2021_north.csv", 16)
    'hospital…rth.csv'
    """
    name = plain(text)
    if len(name) <= most:
        return name
    head = most // 2
    return f"{name[:head]}…{name[len(name) - (most - head - 1) :]}"


def escaped(text: object) -> str:
    """A text as HTML or as an attribute."""
    return html.escape(plain(text))


def name(text: object, most: int = _LONGEST) -> str:
    """A name as HTML, with the whole of it in the title where it is shortened."""
    short = shortened(text, most)
    title = f' title="{escaped(text)}"' if short != plain(text) else ""
    return f"<bdi{title}>{escaped(short)}</bdi>"


def number(value: float | None, digits: int = 3, sign: bool = False) -> str:
    """A number with so many significant digits, and without an exponent where it is of a common size.

    >>> number(-1234.56), number(0.5, sign=True), number(None), number(2e-9)
    ('−1,235', '+0.5', '–', '2e−9')
    """
    if value is None or not math.isfinite(value):
        return "–"
    size = abs(value)
    if size >= 10**digits and size < 1e7:
        text = f"{size:,.0f}"
    elif 1e-4 <= size < 10**digits or not size:
        places = max(0, digits - 1 - (math.floor(math.log10(size)) if size else 0))
        text = f"{size:.{places}f}"
        text = text.rstrip("0").rstrip(".") if "." in text else text
    else:
        digit, _, power = f"{size:.{digits - 1}e}".partition("e")
        text = f"{digit.rstrip('0').rstrip('.') if '.' in digit else digit}e{int(power)}".replace("-", "−")
    zero = text == "0"
    return ("−" if value < 0 and not zero else "+" if sign and not zero else "") + text


def hundredths(value: float) -> str:
    """A correlation.

    >>> hundredths(-0.004), hundredths(0.318)
    ('0.00', '+0.32')
    """
    text = f"{abs(value):.2f}"
    return text if text == "0.00" else ("−" if value < 0 else "+") + text


def percent(share: float) -> str:
    """A share in percent."""
    return f"{share:.1%}"


def paragraph(text: str, kind: str = "") -> str:
    """A text as a paragraph."""
    return f'<p class="{kind}">{escaped(text)}</p>' if kind else f"<p>{escaped(text)}</p>"


def listing(items: Iterable[str], kind: str = "") -> str:
    """Texts as a list."""
    return f'<ul class="{kind}">' + "".join(f"<li>{escaped(item)}</li>" for item in items) + "</ul>"


def frame(content: str, label: str) -> str:
    """What may be wider than the screen: it scrolls in a frame, by keyboard too."""
    return f'<div class="frame" role="region" tabindex="0" aria-label="{escaped(label)}">{content}</div>'


def grid(label: str, first: str, heads: Iterable[str], rows: Sequence[tuple[str, str]], kind: str = "") -> str:
    """A table in a frame, whose first column has names out of the records.

    Args:
        label: what it shows.
        first: heading of the names, which has as much room as these ask for, up to a part of the screen.
        heads: the other headings, as HTML.
        rows: each a name, and the row's other cells as HTML.
        kind: a class.
    """
    letters = min(max((len(plain(each)) for each, _ in rows), default=0), 24) + 3
    top = f'<th scope="col" style="min-width:min({letters}ch, 40vw)">{escaped(first)}</th>'
    top += "".join(f'<th scope="col">{head}</th>' for head in heads)
    body = "".join(f'<tr><th scope="row">{name(each)}</th>{cells}</tr>' for each, cells in rows)
    return frame(f'<table class="{kind}"><thead><tr>{top}</tr></thead><tbody>{body}</tbody></table>', label)


def table(label: str, head: Sequence[str], rows: Iterable[Sequence[str]], names: bool = False) -> str:
    """A table of texts.

    Args:
        label: what it shows.
        head: its headings; those after the first are names out of the records where ``names``.
        rows: the cells, of which the first is a name.
    """
    heads = [name(cell, 32) if names else escaped(cell) for cell in head[1:]]
    cells = [(row[0], "".join(f"<td>{escaped(cell)}</td>" for cell in row[1:])) for row in rows]
    return grid(label, head[0], heads, cells)


def folded(summary: str, content: str) -> str:
    """Something that is shown when asked for, and on paper."""
    return f"<details><summary>{escaped(summary)}</summary>{content}</details>"


def figure(content: str, caption: str, kind: str = "") -> str:
    """A picture and how to read it."""
    return f'<figure class="{kind}">{content}<figcaption>{escaped(caption)}</figcaption></figure>'
