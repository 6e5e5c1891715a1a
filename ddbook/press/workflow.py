"""The whole book: Snakemake runs the chapters that are not fresh, one build at a time, and resumes after anything."""

from __future__ import annotations

import datetime
import shlex
from collections.abc import Collection, Iterator, Mapping, Sequence
from contextlib import contextmanager
from pathlib import Path

from ddbook.press.book import build
from ddbook.press.device import check_device
from ddbook.press.engine import idle, run_engine
from ddbook.press.freshness import Standing, Today, listed, marks
from ddbook.press.locks import Held, locked
from ddbook.press.parameters import closest, read_schema
from ddbook.press.profiles import check_profile_name
from ddbook.press.project import REFERENCE
from ddbook.press.provenance import Altered, Run
from ddbook.press.resources import read_run
from ddbook.press.run import message
from ddlib.console import say
from ddlib.files import InputError, tail, write_json

LOG = "snakemake.log"
"""What Snakemake itself says of a build, in the folder of the profile."""
QUIET = ["--quiet", "host", "progress", "reason", "rules"]
"""Errors, and nothing else."""

ByHand = Mapping[str, Mapping[str, str]]


def build_book(
    root: Path,
    profile: str,
    cores: int,
    given: ByHand | None = None,
    options: Sequence[str] = (),
    only: Collection[str] = (),
) -> Path | None:
    """Run the chapters of a profile that are not fresh, then build the book.

    Args:
        only: chapters; no other is run. Where another is not fresh, the book is a draft that marks it, beside the published one.

    Returns:
        The first page; None if the options let Snakemake do something else, such as tell what it would do. For the other arguments
        and errors see :func:`run_chapters`.
    """
    today, chosen = _checked(root, profile, cores, given, options, only)
    with _building(root) as lock:
        _run_stale(today, cores, options, chosen, lock)
        return None if idle(options) else build(profile, root, say, draft=bool(only))


def run_chapters(
    root: Path,
    profile: str,
    cores: int,
    given: ByHand | None = None,
    options: Sequence[str] = (),
    only: Collection[str] = (),
) -> None:
    """Run the chapters of a profile that are not fresh.

    Args:
        root: the project.
        profile: the profile.
        cores: how many chapters run side by side.
        given: parameters by hand, per chapter.
        options: more options for Snakemake, for example of an executor plugin.
        only: which chapters; all by default.

    Raises:
        InputError: before anything starts, if the profile, a parameter or a chapter is wrong or another build is running.
        BuildError: if a chapter or the book failed; finished chapters are kept.
    """
    today, chosen = _checked(root, profile, cores, given, options, only)
    with _building(root) as lock:
        _run_stale(today, cores, options, chosen, lock)


@contextmanager
def _building(root: Path) -> Iterator[int]:
    """One build at a time; the lock's descriptor."""
    try:
        with locked(root / "_build" / ".lock") as lock:
            yield lock
    except Held:
        raise InputError(f"another build is running in {root}: wait until it has ended") from None


class BuildError(Exception):
    """The book was not built; the message has each reason."""


def split_parameters(text: str) -> dict[str, dict[str, str]]:
    """``"01_name.seed=1 04_other.ipc=[10]"`` as parameters per chapter; quotes as in a shell.

    Raises:
        InputError: if a word is not of that form, or a parameter of a chapter comes twice.
    """
    found: dict[str, dict[str, str]] = {}
    try:
        words = shlex.split(text)
    except ValueError as error:
        raise InputError(f"PARAMETERS={text!r} cannot be split into words ({error}): close each quote") from None
    for word in words:
        name, equals, value = word.partition("=")
        stem, dot, parameter = name.partition(".")
        if not (equals and dot and stem and parameter):
            raise InputError(
                f"PARAMETERS has the word {word!r}: write chapter.name=value, for example 01_one_dataset_many_tasks.seed=1"
            )
        if parameter in found.get(stem, {}):
            raise InputError(f"PARAMETERS gives {name} twice: give each parameter of a chapter once")
        found.setdefault(stem, {})[parameter] = value
    return found


def _checked(
    root: Path, profile: str, cores: int, given: ByHand | None, options: Sequence[str], only: Collection[str]
) -> tuple[Today, list[str]]:
    """The profile as it is asked for and the chapters that may run, before anything is written."""
    check_profile_name(profile)
    if cores < 1:
        raise InputError(f"{cores} cores cannot run anything: give CORES=1 or more")
    today = Today(root, profile, given or {})
    chosen = _chosen(today, only)
    if not options:  # with them, chapters may run on other machines
        for stem in chosen:
            check_device(read_schema(root / "notebooks" / f"{stem}.ipynb"), [today.parameters[stem].get("device")])
    return today, chosen


def _chosen(today: Today, only: Collection[str]) -> list[str]:
    """The chapters that may run: those named, by their number too, or all."""
    chosen = []
    for word in only:
        named = [stem for stem in today.parameters if word in (stem, stem.partition("_")[0])]
        if not named:
            raise InputError(f"there is no chapter {word!r}{closest(word, today.parameters)}")
        chosen += named
    return chosen or list(today.parameters)


def _run_stale(today: Today, cores: int, options: Sequence[str], chosen: Sequence[str], lock: int) -> None:
    """Let Snakemake run those of the chosen chapters that are not fresh."""
    today.remember()
    named = marks(today)
    wanted = {stem: named[stem] for stem in chosen}
    if all((today.root / mark).exists() for mark in wanted.values()):
        return
    started = datetime.datetime.now(datetime.UTC).isoformat(timespec="seconds")
    if _snakemake(today, wanted, cores, options, lock) != 0:
        raise BuildError(_reasons(today.runs.parent, started))
    if idle(options):
        return
    left = [one for one in Today(today.root, today.profile, today.given).standings(chosen).values() if one.state != "fresh"]
    if left:
        raise BuildError(_edited(left))


def _first(root: Path, wanted: Mapping[str, str]) -> list[str]:
    """Options that start chapters of more than the mean length first, by the reference: a long one that comes last runs alone."""
    records = {stem: read_run(root / REFERENCE / stem) for stem in wanted}
    seconds = {stem: run.wall_seconds + run.kept_seconds for stem, run in records.items() if run}
    long = sorted(stem for stem, took in seconds.items() if took > sum(seconds.values()) / len(seconds))
    return ["--prioritize", *(wanted[stem] for stem in long)] if long else []


def _snakemake(today: Today, wanted: Mapping[str, str], cores: int, options: Sequence[str], lock: int) -> int:
    """Snakemake's exit status on the chapters with these marks; options that take many words would swallow the target."""
    home = today.runs.parent
    write_json(home / "snakemake.json", {"profile": today.profile, "given": today.given, "marks": wanted})
    flags = ["--cores", str(cores), "runs", "--rerun-incomplete", "--keep-going", "--resources", "gpu=1"]
    flags += _first(today.root, wanted)
    arguments = (today.root / "Snakefile", today.root, home / "snakemake.json")
    if idle(options):
        return run_engine(*arguments, [*flags, *options], lock)
    with (home / LOG).open("wb") as log:
        return run_engine(*arguments, [*flags, *QUIET, *options], lock, errors=log)


def _edited(left: Sequence[Standing]) -> str:
    """What was edited while chapters ran: they have finished, with the code that was there when they started."""
    lines = [f"{one.stem} finished, but is not what the present code gives: {listed(one.why)}" for one in left]
    return "\n".join([*lines, "The book was not built. Give the same command again."])


def _reasons(home: Path, started: str) -> str:
    """What failed since the start: chapters from their records, or else what Snakemake says."""
    reasons = []
    for path in sorted(home.glob("runs/*/run.failed.json")):
        try:
            record = Run.read(path)
        except Altered:
            reasons.append(f"{path.parent.name} failed: see {path}")
            continue
        if record.started >= started:
            reasons.append(message(record))
    if not reasons:
        return "\n  ".join([f"The book was not built. The end of {home / LOG}:", *tail(home / LOG, 12)])
    kept = len([path for path in home.glob("runs/*/run.json") if path.parent.suffix == ""])
    end = f"The book was not built. Finished chapters kept: {kept}. Mend this and run the same command again."
    return "\n".join([*reasons, end])
