"""What a computation hands out on its way, as a part of what it returns."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any


def with_exports(function: Callable[..., Any], *args: Any, **kwargs: Any) -> tuple[Any, list[tuple[Any, ...]]]:
    """The function's value, and what it has given to its argument ``export``: one tuple for each call."""
    handed_out: list[tuple[Any, ...]] = []
    return function(*args, **kwargs, export=lambda *given: handed_out.append(given)), handed_out
