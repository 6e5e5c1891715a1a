"""Which runs are fresh: those whose key is that of the present code, and whose files are those that were recorded.

File times decide nothing. Snakemake sees one mark per chapter, named after the key, that is there if and only if the run is fresh.
"""

from __future__ import annotations

import json
from collections.abc import Collection, Mapping
from functools import cached_property, lru_cache
from pathlib import Path
from typing import Any, Literal, NamedTuple

from ddbook.press.aside import restore
from ddbook.press.inputs import changed
from ddbook.press.key import Basis, basis, differences
from ddbook.press.machine import versions
from ddbook.press.overlay import digest_of
from ddbook.press.profiles import plan
from ddbook.press.project import REFERENCE
from ddbook.press.provenance import Altered, Run
from ddbook.press.reach import Code
from ddbook.press.remembered import Remembered
from ddbook.press.run import checksums
from ddbook.press.snapshot import PACKAGES_ROOT, checksum, require_own
from ddlib.files import InputError, write_json

State = Literal["fresh", "redraw", "stale", "missing"]
STATES = ("fresh", "redraw", "stale", "missing")
MARKS = "fresh"
"""The folder of the marks, below that of the profile."""
NAMED = 3
"""So many changes are named in a sentence."""
REFERENCE_PROFILE = "paper"
"""The profile of which the reference is made."""


class Standing(NamedTuple):
    """What a chapter's finished run is worth today.

    Attributes:
        stem: the chapter.
        state: *redraw* if its results are fresh, but its figures lie over another reference than today's.
        why: what has changed, each in a few words; empty if fresh.
        run: the record, where there is one that can be read.
        key: what a run would have today.
    """

    stem: str
    state: State
    why: list[str]
    run: Run | None
    key: str


class Today:
    """What the runs of a profile would follow from today.

    Args:
        root: the project.
        profile: the profile.
        given: parameters by hand, per chapter; by default those of the last ``ddbook book`` with this profile.

    Raises:
        InputError: if a profile or a parameter is wrong, or code that a chapter reaches is not Python.
    """

    def __init__(self, root: Path, profile: str, given: Mapping[str, Mapping[str, Any]] | None = None) -> None:
        require_own(root)
        self.root, self.profile = root, profile
        self.given = given_by_hand(root, profile) if given is None else given
        self.parameters = plan(root / "notebooks", profile, self.given)
        self.runs = root / "_build" / profile / "runs"

    @cached_property
    def code(self) -> Code:
        """The code as it is now."""
        return code_of(checksum(PACKAGES_ROOT), self.root)

    def basis(self, stem: str) -> Basis:
        """What a run of a chapter would follow from."""
        return basis(self.root / "notebooks" / f"{stem}.ipynb", self.parameters[stem], versions(), self.code)

    def standing(self, stem: str) -> Standing:
        """What the finished run of a chapter is worth."""
        now, folder = self.basis(stem), self.runs / stem
        restore(folder)
        run, why = judged(folder, now, self.root)
        if why or run is None:
            return Standing(stem, "stale" if (folder / "run.json").exists() else "missing", why, run, now.key)
        under = self.root / REFERENCE / stem
        drawn = [name for name, before in run.drawn_over.items() if digest_of(under, name, run.parameters) != before]
        return Standing(stem, "redraw" if drawn else "fresh", [f"{REFERENCE}: {name}" for name in drawn], run, now.key)

    def standings(self, only: Collection[str] | None = None) -> dict[str, Standing]:
        """The standing of each chapter, or of those named."""
        for stem in only or ():
            if stem not in self.parameters:
                raise InputError(
                    f"there is no notebook {stem} in {self.root / 'notebooks'}: choose among {', '.join(self.parameters)}"
                )
        return {stem: self.standing(stem) for stem in self.parameters if only is None or stem in only}

    def remember(self) -> None:
        """Note the parameters by hand, so that a later render judges by them too; the file changes with its content only."""
        path = self.root / "_build" / self.profile / "workflow.json"
        by_hand = {stem: {name: self.parameters[stem][name] for name in values} for stem, values in self.given.items() if values}
        known = {"profile": self.profile, "given": by_hand}
        if not path.exists() or path.read_text(encoding="utf-8") != json.dumps(known, indent=2, ensure_ascii=False) + "\n":
            write_json(path, known)


@lru_cache(maxsize=1)
def code_of(code_sha256: str, root: Path) -> Code:
    """The code of the packages, read once for each state of it."""
    return Remembered(PACKAGES_ROOT, root)


def given_by_hand(root: Path, profile: str) -> dict[str, dict[str, Any]]:
    """The parameters by hand of the last ``ddbook book`` with a profile."""
    path = root / "_build" / profile / "workflow.json"
    try:
        return dict(json.loads(path.read_bytes())["given"] or {})
    except FileNotFoundError:
        return {}
    except (ValueError, TypeError, KeyError):
        raise InputError(f"{path} cannot be read: remove it, and give the command make book PROFILE={profile}") from None


def judged(folder: Path, now: Basis, root: Path) -> tuple[Run | None, list[str]]:
    """The record of a finished run, if it can be read, and why its results are not what a run would give now; nothing if they are.

    Args:
        folder: of the run.
        now: what a run would follow from.
        root: the project.
    """
    if not (folder / "run.json").exists():
        return None, ["it has no finished run"]
    try:
        run = Run.read(folder / "run.json")
    except Altered as altered:
        return None, [str(altered)]
    why = alterations(folder, run) or [*differences(run.basis, now), *changed(run.inputs, root)]
    return run, why or ([] if run.key == now.key else ["the key in its record is not that of its parts"])


def alterations(folder: Path, run: Run) -> list[str]:
    """The files of a run that are not what it has recorded; none if all are."""
    now = checksums(folder)
    return [
        f"{name} {'is gone' if name not in now else 'was edited' if name in run.results else 'is not from the run'}"
        for name in sorted({**now, **run.results})
        if now.get(name) != run.results.get(name)
    ]


def marks(today: Today) -> dict[str, str]:
    """The mark of each chapter, relative to the project: there if its run is fresh, and not there otherwise."""
    folder = today.runs.parent / MARKS
    folder.mkdir(parents=True, exist_ok=True)
    named = {}
    for stem, standing in today.standings().items():
        mark = folder / f"{stem}.{standing.key[:16]}"
        for other in folder.glob(f"{stem}.*"):
            if other != mark or standing.state != "fresh":
                other.unlink(missing_ok=True)
        if standing.state == "fresh":
            mark.touch()
        named[stem] = mark.relative_to(today.root).as_posix()
    return named


def require_fresh(today: Today, stems: Collection[str] | None = None, good: Collection[str] = ("fresh",)) -> dict[str, Standing]:
    """The standings of chapters, if all are good.

    Args:
        today: the profile.
        stems: which chapters; all by default.
        good: the states that will do.

    Raises:
        InputError: otherwise; it names each chapter and what has changed.
    """
    all_standings = today.standings(stems)
    bad = [one for one in all_standings.values() if one.state not in good]
    if bad:
        lines = [f"  {one.stem}: {listed(one.why)}" for one in bad]
        command = f"make book PROFILE={today.profile}"
        raise InputError(
            "\n".join([f"what stands in {today.runs} is not what the present code gives: give the command {command}", *lines])
        )
    return all_standings


def reference_marks(root: Path) -> dict[str, str]:
    """For each chapter of the reference that is older than its code what has changed since; no chapter that is not.

    Raises:
        InputError: if a file of the reference is not what its run has recorded.
    """
    runs = reference_runs(root)
    if not runs:
        return {}
    today = Today(root, REFERENCE_PROFILE, {})
    older = {}
    for stem, run in runs.items():
        if stem not in today.parameters:
            continue
        now = today.basis(stem)
        changes = differences(run.basis._replace(versions=now.versions), now) + changed(run.inputs, root)
        if not run.code:
            older[stem] = "from before keys were recorded"
        elif changes:
            older[stem] = f"older than the code: {listed(changes)} changed since"
    return older


def reference_runs(root: Path) -> dict[str, Run]:
    """The records of the reference, by chapter.

    Raises:
        InputError: if a file of it is not what its run has recorded.
    """
    runs = {}
    for path in sorted((root / REFERENCE).glob("*/run.json")):
        try:
            runs[path.parent.name] = run = Run.read(path)
            wrong = alterations(path.parent, run)
        except Altered as altered:
            wrong = [str(altered)]
        if wrong:
            raise InputError(
                f"{path.parent}: {listed(wrong)}: restore the folder from the repository, or give the command make reference"
            )
    return runs


def listed(names: list[str]) -> str:
    """Names in a sentence, the first few of many."""
    more = len(names) - NAMED
    return ", ".join(names[:NAMED]) + (f" and {more} more" if more > 0 else "")
