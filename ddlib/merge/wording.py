"""Numbers with their nouns, and lists."""

from __future__ import annotations

from collections.abc import Sequence


def counted(number: int, noun: str) -> str:
    """A number and its noun, in the plural unless there is one."""
    return f"{number:,} {noun}{'s' * (number != 1)}"


def listed(items: Sequence[str], most: int, last: str = "and") -> str:
    """Some items in a sentence: at most so many, with the word that stands before the last."""
    shown = list(items[:most])
    if len(items) > most:
        return f"{', '.join(shown)} {last} {counted(len(items) - most, 'other')}"
    return shown[0] if len(shown) == 1 else f"{', '.join(shown[:-1])} {last} {shown[-1]}"
