"""A recorded number, checked: what a sentence or a claim can quote."""

from __future__ import annotations

import math
import operator
from typing import Any

from ddlib.files import InputError


def entry(name: str, *given: Any) -> dict[str, Any]:
    """A number as it stands in ``results/numbers.json``: Python's own numbers, whatever numbers were given."""
    if not 1 <= len(given) <= 5:
        raise InputError(f"the number {name} was given as {len(given)} things: give value, low, high, n, unit or the first of them")
    defaults: tuple[Any, ...] = (None, None, None, None, "")
    value, low, high, n, unit = given + defaults[len(given) :]
    value = _real(name, value)
    low, high = (None if end is None else _real(name, end) for end in (low, high))
    if not math.isfinite(value):
        raise InputError(f"the number {name} is {value}: record only finite values, and handle the case where there is none")
    if (low is not None and low > value) or (high is not None and high < value):  # an end that is not a number is none
        raise InputError(f"the number {name} is {value}, outside its interval from {low} to {high}: give low ≤ value ≤ high")
    try:
        n = None if n is None else operator.index(n)
    except TypeError:
        raise InputError(f"the number {name} rests on {n!r} replicates: give n as a whole number") from None
    if not isinstance(unit, str):
        raise InputError(f"the number {name} has the unit {unit!r}: give it as text")
    return {"value": value, "low": low, "high": high, "n": n, "unit": unit}


def _real(name: str, given: Any) -> float:
    """A Python float of any one number (of NumPy or torch as well); text is none, even if it reads as one."""
    try:
        if not isinstance(given, str | bytes):
            return float(given)
    except (TypeError, ValueError, RuntimeError, OverflowError):
        pass
    raise InputError(f"the number {name} was given as {type(given).__name__}: give one real number")
