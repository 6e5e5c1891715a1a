"""What was noticed and a reader should know, beside what is refused."""

from __future__ import annotations

from typing import NamedTuple

__all__ = ["Warned"]


class Warned(NamedTuple):
    """One warning.

    Attributes:
        kind: a word for programs.
        text: a sentence or two for readers.
        columns, sources: the names that it is about, where it is about some.

    >>> Warned("skewed", "'crp' is skewed to the right: take its logarithm.", ("crp",)).columns
    ('crp',)
    """

    kind: str
    text: str
    columns: tuple[str, ...] = ()
    sources: tuple[str, ...] = ()
