"""A run beside the reference, number by number: by intervals, not by equality."""

from __future__ import annotations

import math
from typing import Any, Literal, NamedTuple

from ddbook.press.claims.results import Missing, Results
from ddbook.press.timed import is_time

Relation = Literal["agrees", "intervals overlap", "differs", "only here", "only there", "no interval", "a time"]
MARGIN = 0.1
"""Numbers with intervals agree if their difference is within this share of the reference's number, with its whole interval."""
ROUNDING = 1e-6
"""Exact numbers agree within this share of the larger one, or within this size: other processors round differently."""


class Compared(NamedTuple):
    """A number of a chapter in a run and in the reference, as recorded; None where one of them lacks it."""

    key: str
    relation: Relation
    here: dict[str, Any] | None
    there: dict[str, Any] | None


class Differing(NamedTuple):
    """A parameter in which a run and the reference differ."""

    name: str
    here: Any
    there: Any


def compare(chapter: str, run: Results, reference: Results) -> tuple[list[Differing], list[Compared]]:
    """The parameters in which a chapter's run differs from the reference, and every number of both.

    Two numbers *agree* if they are equal up to rounding, or if the interval of their difference lies within :data:`MARGIN` of the
    reference's. With intervals they *differ* if these are apart; between the two they only overlap, and the seeds are too few to
    tell. Without intervals they differ where the same parameters must give the same exact number, and cannot be compared otherwise.
    Nor can measured times.

    Raises:
        Missing: if one of them has no finished run of the chapter.
    """
    here, there = run.numbers(chapter), reference.numbers(chapter)
    mine, theirs = run.run(chapter).parameters, reference.run(chapter).parameters
    differing = [
        Differing(name, mine.get(name), theirs.get(name)) for name in {**mine, **theirs} if mine.get(name) != theirs.get(name)
    ]
    return differing, [
        Compared(
            f"{chapter}.{name}", _relation(name, here.get(name), there.get(name), not differing), here.get(name), there.get(name)
        )
        for name in {**here, **there}
    ]


def compare_all(run: Results, reference: Results) -> dict[str, tuple[list[Differing], list[Compared]]]:
    """The comparison for each chapter that both have.

    Raises:
        Missing: if they have none in common.
    """
    both = [chapter for chapter in run.chapters if chapter in reference.chapters]
    if not both:
        raise Missing(f"{run.name} and {reference.name} have no chapter in common")
    return {chapter: compare(chapter, run, reference) for chapter in both}


def _relation(name: str, here: dict[str, Any] | None, there: dict[str, Any] | None, same_parameters: bool) -> Relation:
    if here is None or there is None:
        return "only there" if here is None else "only here"
    if is_time(name, here):
        return "a time"
    if here.get("value") is None or there.get("value") is None:  # an infinite value is written as null
        return "agrees" if here.get("value") == there.get("value") else "differs"
    if _equal(here["value"], there["value"]):
        return "agrees"
    if _has_interval(here) and _has_interval(there):
        return _by_intervals(here, there)
    exact = not (here.get("n") or there.get("n"))
    return "differs" if exact and same_parameters else "no interval"


def _by_intervals(here: dict[str, Any], there: dict[str, Any]) -> Relation:
    """The interval of the difference is Newcombe's: the distances of the ends from the values, added as squares."""
    if here["low"] > there["high"] or there["low"] > here["high"]:
        return "differs"
    difference, margin = here["value"] - there["value"], MARGIN * abs(there["value"])
    low = difference - math.hypot(here["value"] - here["low"], there["high"] - there["value"])
    high = difference + math.hypot(here["high"] - here["value"], there["value"] - there["low"])
    return "agrees" if -margin <= low and high <= margin else "intervals overlap"


def _has_interval(number: dict[str, Any]) -> bool:
    return number.get("low") is not None and number.get("high") is not None


def _equal(here: float, there: float) -> bool:
    return math.isclose(here, there, rel_tol=ROUNDING, abs_tol=ROUNDING)
