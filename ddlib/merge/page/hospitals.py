"""Which hospital has which mark, the same in every picture."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any, NamedTuple

from ddlib.merge.page.drawing import SHAPES, mark
from ddlib.merge.page.markup import name
from ddlib.merge.wording import counted

_MANY = len(SHAPES)
"""Hospitals that can have a mark of their own."""


class Sign(NamedTuple):
    """How a hospital is drawn.

    Attributes:
        shape: of its mark.
        colour: class of its colour.
        own: whether no other hospital is drawn so.
    """

    shape: str
    colour: str
    own: bool


def _deviation(report: dict[str, Any], hospital: str) -> float:
    """The largest offset of a hospital, in standard deviations of the column."""
    return max((abs(offset_of(column, hospital)) for column in report["columns"]), default=0.0)


def offset_of(column: dict[str, Any], hospital: str) -> float:
    """A hospital's offset in standard deviations of the column; zero where it has none."""
    spread = column["standard_deviation"]
    return (column["offsets"].get(hospital) or 0.0) / spread if spread else 0.0


def signs(report: dict[str, Any]) -> dict[str, Sign]:
    """A mark for each hospital; where there are many, only for those that differ most, and one for all others."""
    hospitals = {source["name"]: source["patients"] for source in report["sources"]}
    chosen = set(hospitals)
    if len(hospitals) > _MANY:
        chosen = set(sorted(hospitals, key=lambda each: (-_deviation(report, each), -hospitals[each]))[: _MANY - 1])
    own = [each for each in hospitals if each in chosen]
    found = {each: Sign(SHAPES[i], f"h{i}", True) for i, each in enumerate(own)}
    return {each: found.get(each, Sign("ring", "rest", False)) for each in hospitals}


def key(report: dict[str, Any], drawn: Callable[[Sign], bool] = lambda sign: True) -> str:
    """The marks and their hospitals as a list."""
    given = signs(report)
    items = [f"<li>{_swatch(sign)}{name(each, 36)}</li>" for each, sign in given.items() if sign.own and drawn(sign)]
    rest = sum(not sign.own for sign in given.values())
    if rest:
        items.append(f"<li>{_swatch(Sign('ring', 'rest', False))}{counted(rest, 'other hospital')}, which differ least</li>")
    return f'<ul class="key">{"".join(items)}</ul>'


def _swatch(sign: Sign) -> str:
    return f'<svg aria-hidden="true" class="swatch" viewBox="0 0 16 16">{mark(sign.shape, 8, 8, sign.colour, 5)}</svg>'
