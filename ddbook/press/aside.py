"""A finished run and the one that is to take its place: of the two, one is there at any time."""

from __future__ import annotations

import shutil
from pathlib import Path

from ddbook.press.locks import is_held
from ddbook.press.provenance import Altered, Run

MARK = ".ddlib-run"
"""Marks a folder as a run's own, so that nothing else is ever cleared away; also the lock of the folder."""
ASIDE = (".new", ".old", ".failed")
"""How the names of folders end in which a run waits to take the place of another, or has failed to."""


def restore(final: Path) -> None:
    """Put in its place the run that a crash has left aside: a new one that had finished, or else the old one."""
    new, old = (final.with_name(f"{final.name}.{ending}") for ending in ("new", "old"))
    if is_held(new / MARK):  # at work, or just about to take the place
        return
    if (new / "run.json").exists() and _is_of(new, final):
        replace(new, final)
    elif (old / "run.json").exists() and not final.exists():
        old.replace(final)


def _is_of(new: Path, final: Path) -> bool:
    """Whether a finished run is of the notebook whose run stands in the other folder, or of any if none does."""
    try:
        return not (final / "run.json").exists() or Run.read(new / "run.json").notebook == Run.read(final / "run.json").notebook
    except Altered:
        return False


def replace(work: Path, final: Path) -> None:
    """Put a folder in the place of an older one."""
    old = final.with_name(f"{final.name}.old")
    shutil.rmtree(old, ignore_errors=True)
    if final.exists():
        final.replace(old)
    work.replace(final)
    shutil.rmtree(old, ignore_errors=True)
