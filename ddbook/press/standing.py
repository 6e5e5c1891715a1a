"""What ``ddbook status`` shows: for each chapter whether its run is fresh, what has changed, and how long it took."""

from __future__ import annotations

from pathlib import Path
from typing import NamedTuple

from ddbook.press.aside import MARK
from ddbook.press.freshness import Standing, Today, listed
from ddbook.press.locks import is_held
from ddbook.press.pages import duration
from ddbook.press.provenance import Altered, Run
from ddbook.press.run import message


class Line(NamedTuple):
    """A chapter in the list: its state, why it is so, and how long its last finished run took."""

    chapter: str
    state: str
    why: str
    took: str


def lines(root: Path, profile: str) -> list[Line]:
    """The list of chapters.

    Raises:
        InputError: if the profile or a parameter is wrong.
    """
    today = Today(root, profile)
    return [_line(today.runs / stem, standing) for stem, standing in today.standings().items()]


def _line(folder: Path, standing: Standing) -> Line:
    took = _took(standing.run)
    if is_held(folder / MARK) or is_held(folder.with_name(f"{folder.name}.new") / MARK):
        return Line(standing.stem, "running", "", took)
    failed = _failure(folder)
    if failed is not None and standing.state != "fresh":
        return Line(standing.stem, "failed", message(failed).splitlines()[0], took)
    return Line(standing.stem, standing.state, listed(standing.why), took)


def _failure(folder: Path) -> Run | None:
    """The record of the last attempt, if it failed: beside the finished run, or in its place where there is none."""
    for place in (folder.with_name(f"{folder.name}.failed"), folder):
        try:
            return Run.read(place / "run.failed.json")
        except Altered:
            continue
    return None


def _took(run: Run | None) -> str:
    """The time of a run, and of what it took over from earlier ones."""
    if run is None:
        return ""
    return duration(run.wall_seconds) + (f", and {duration(run.kept_seconds)} kept" if run.kept_seconds else "")
