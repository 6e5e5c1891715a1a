"""Numbers with their nouns."""

from __future__ import annotations


def counted(number: int, noun: str) -> str:
    """A number and its noun, in the plural unless there is one."""
    return f"{number:,} {noun}{'s' * (number != 1)}"


def worth(patients: float, kind: str = "") -> str:
    """An effective number of patients, ``kind`` being an adjective for them."""
    noun = f"{kind} patient".strip()
    return f"less than one {noun}" if patients < 1 else counted(round(patients), noun)
