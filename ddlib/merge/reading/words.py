"""Columns of two words, such as f and m, as 0 and 1: the same in all files."""

from __future__ import annotations

from collections.abc import Mapping

import numpy as np

from ddlib.files import InputError

_PAIRS = (
    ({"f", "female", "w", "woman", "weiblich", "femme"}, {"m", "male", "man", "männlich", "maennlich", "homme"}),
    ({"n", "no", "false", "nein", "non"}, {"y", "yes", "true", "j", "ja", "o", "oui"}),
    ({"negative", "neg", "neg.", "negativ", "absent"}, {"positive", "pos", "pos.", "positiv", "present"}),
    ({"normal"}, {"abnormal"}),
    ({"dead", "deceased"}, {"alive"}),
)
"""Words for 0 and words for 1; other pairs are numbered in the order of the alphabet."""


def coding(name: str, words: Mapping[str, np.ndarray], numeric: str | None) -> dict[str, int]:
    """The number of each word of a column.

    Args:
        name: of the column.
        words: for each file, its words in lower case, and None where there is none.
        numeric: a file in which the column holds numbers; None if there is none.

    Raises:
        InputError: if there are not two words, or the column holds numbers elsewhere.
    """
    found = {source: sorted({word for word in column if word is not None}) for source, column in words.items()}
    first = next(iter(found))
    everything = sorted({word for part in found.values() for word in part})
    several = ", ".join(map(repr, everything[:4])) + ", …" * (len(everything) > 4)
    if numeric is not None:
        raise InputError(
            f"the column {name!r} holds text ({several}) in {first} but numbers in {numeric}: write numbers in all tables, or drop "
            "it (--drop)"
        )
    for zero, one in _PAIRS:
        if set(everything) <= zero | one:
            return {word: int(word in one) for word in everything}
    if len(everything) == 2:
        return {word: number for number, word in enumerate(everything)}
    raise InputError(
        f"the column {name!r} of {first} holds text ({several}) and not two words, which alone are read as 0 and 1: write numbers, "
        "say what stands for a missing value (--na), or drop it (--drop)"
    )


def coded(words: np.ndarray, codes: Mapping[str, int]) -> np.ndarray:
    """Words as numbers, not-a-number where there is none."""
    return np.array([np.nan if word is None else codes[word] for word in words], dtype=float)


def told(name: str, codes: Mapping[str, int]) -> str:
    """A coding in words."""
    return f"{name!r}: {', '.join(f'{word} = {number}' for word, number in codes.items())}"
