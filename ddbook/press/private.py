"""What of a run's results is private: made of real patients' rows that this project may not hand on."""

from __future__ import annotations

from collections.abc import Iterable

PRIVATE = "distilled_private_"
"""How the file of a distilled set begins that is made of real patients' rows, so that it can be told wherever it goes."""


def is_private(name: str) -> bool:
    """Whether a file or folder of that name stays with whoever ran the chapter.

    The mark counts anywhere in the name: a file that was packed, saved aside or half written holds the same rows.

    >>> [is_private(name) for name in ("distilled_private_a_b_3.csv", ".distilled_private_a_b_3.csv.x1", "distilled_a_b_3.csv")]
    [True, True, False]
    """
    return PRIVATE in name


def private_names(folder: str, names: Iterable[str]) -> list[str]:
    """Those of the names in a folder that are private, as :func:`shutil.copytree` asks for what to ignore."""
    return [name for name in names if is_private(name)]
