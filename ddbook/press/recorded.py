"""A table of the reference in place of one whose data are not on this machine."""

from __future__ import annotations

from typing import TYPE_CHECKING

from ddbook.press.project import REFERENCE, project_root
from ddlib.files import InputError

if TYPE_CHECKING:
    import pandas as pd


def recorded(stem: str, name: str) -> pd.DataFrame:
    """The table that the reference of a chapter has under a name; results follow from it, so it is an input of the run.

    Args:
        stem: the chapter.
        name: of the table.

    Raises:
        InputError: if the reference has no such table.
    """
    import pandas as pd

    path = project_root() / REFERENCE / stem / "results" / f"{name}.csv"
    if not path.is_file():
        raise InputError(f"the reference of {stem} has no table {name} to stand in, so that the data are needed: see the notice")
    return pd.read_csv(path, low_memory=False)
