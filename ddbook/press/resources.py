"""How much memory and time a run takes, from the records of earlier ones: requests to a cluster, and a table for the book."""

from __future__ import annotations

import math
from collections.abc import Iterable, Sequence
from pathlib import Path
from typing import NamedTuple

from ddbook.press.pages import code, memory, peak, seconds, table, took
from ddbook.press.provenance import Altered, Run


class Request(NamedTuple):
    """What a job asks of a cluster.

    Attributes:
        mem_mb: memory in MB.
        runtime: minutes.
        reason: where the two numbers are from.
    """

    mem_mb: int
    runtime: int
    reason: str


GUESS = Request(4000, 120, "a guess: no finished run with this profile was found")


def request(own: Sequence[Run], root: Path, stem: str, profile: str | None) -> Request:
    """What a run of a notebook should ask for.

    One and a half times the most memory that was measured, and 1 GB for the processes around the kernel; three times the longest
    time, and ten minutes.

    Args:
        own: finished runs of the same sweep, which go before all others.
        root: the project; then come its run for the book, and for the paper profile the reference.
        stem: the notebook.
        profile: the profile.
    """
    places = [root / "_build" / (profile or "manual") / "runs" / stem, *([root / "reference" / stem] if profile == "paper" else [])]
    found = [(place, record) for place in places if (record := read_run(place)) and record.profile == profile]
    if not own and not found:
        return GUESS
    where = f"measured in {len(own)} runs of this sweep" if own else f"measured in {found[0][0]}"
    return Request(*_needs(list(own) or [found[0][1]]), where)


def _needs(records: Sequence[Run]) -> tuple[int, int]:
    """Megabytes and minutes, with a margin."""
    megabytes = 1.5 * max(map(peak, records)) / 1e6 + 1000
    minutes = 3 * max(map(seconds, records)) / 60 + 10
    return 100 * math.ceil(megabytes / 100), math.ceil(minutes)


def read_run(folder: Path) -> Run | None:
    """The record of a finished run, or None where there is none that can be read."""
    try:
        return Run.read(folder / "run.json")
    except Altered:
        return None


def page(built: Iterable[tuple[str, Run]], reference: Path) -> str:
    """What each chapter took in this build, and in the reference results where there are some, as a Markdown table.

    Args:
        built: chapters and their records.
        reference: the folder of the reference results.
    """
    rows = [(f"{{doc}}`/notebooks/{stem}`", "", run) for stem, run in built]
    committed = {path.parent.name: read_run(path.parent) for path in sorted(reference.glob("*/run.json"))}
    rows += [(code(stem), ", reference", run) for stem, run in committed.items() if run]
    head = ("Chapter", "Profile", "Time", "Peak memory", "A job asks for")
    return table(head, ((stem, *_measured(run, which)) for stem, which, run in rows))


def _measured(run: Run, which: str) -> tuple[str, ...]:
    megabytes, minutes = _needs([run])
    return (
        (code(run.profile) if run.profile else "none") + which,
        took(run),
        memory(run),
        f"{megabytes} MB, {minutes} min",
    )
