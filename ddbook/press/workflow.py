"""The whole book: Snakemake runs what is missing or out of date, one build at a time, and resumes after anything."""

from __future__ import annotations

import shlex
import time
from collections.abc import Mapping, Sequence
from pathlib import Path

from pydantic import ValidationError

from ddbook.press.device import check_device
from ddbook.press.engine import idle, run_engine
from ddbook.press.locks import Held, locked
from ddbook.press.parameters import read_schema
from ddbook.press.profiles import check_profile_name, plan
from ddbook.press.project import REFERENCE
from ddbook.press.provenance import Run
from ddbook.press.resources import read_run
from ddbook.press.run import message
from ddlib.files import InputError, tail, write_json

LOG = "snakemake.log"
"""What Snakemake itself says of a build, in the folder of the profile."""
QUIET = ["--quiet", "host", "progress", "reason", "rules"]
"""Errors, and nothing else."""


def build_book(
    root: Path, profile: str, cores: int, given: Mapping[str, Mapping[str, str]] | None = None, options: Sequence[str] = ()
) -> Path | None:
    """Run the chapters of a profile that need it, then build the book.

    Returns:
        The first page; None if the options let Snakemake do something else, such as tell what it would do. For arguments and
        errors see :func:`run_chapters`.
    """
    _make("book", root, profile, cores, given or {}, options)
    return None if idle(options) else root / "_build" / profile / "html" / "index.html"


def run_chapters(
    root: Path, profile: str, cores: int, given: Mapping[str, Mapping[str, str]] | None = None, options: Sequence[str] = ()
) -> None:
    """Run the chapters of a profile that need it.

    Args:
        root: the project.
        profile: the profile.
        cores: how many chapters run side by side.
        given: parameters by hand, per chapter.
        options: more options for Snakemake, for example of an executor plugin.

    Raises:
        InputError: before anything starts, if the profile or a parameter is wrong or another build is running.
        BuildError: if a chapter or the book failed; finished chapters are kept.
    """
    _make("runs", root, profile, cores, given or {}, options)


def _make(
    target: str, root: Path, profile: str, cores: int, given: Mapping[str, Mapping[str, str]], options: Sequence[str]
) -> None:
    """Let Snakemake make a target of the Snakefile."""
    if cores < 1:
        raise InputError(f"{cores} cores cannot run anything: give CORES=1 or more")
    check_profile_name(profile)
    home = root / "_build" / profile
    parameters = plan(root / "notebooks", profile, given)
    if not options:  # with them, chapters may run on other machines
        for stem, values in parameters.items():
            check_device(read_schema(root / "notebooks" / f"{stem}.ipynb"), [values.get("device")])
    by_hand = {stem: {name: parameters[stem][name] for name in values} for stem, values in given.items()}
    try:
        with locked(root / "_build" / ".lock") as lock:
            write_json(home / "workflow.json", {"profile": profile, "given": by_hand})
            started = time.time()
            if _snakemake(target, root, home, cores, options, lock) != 0:
                raise BuildError(_reasons(home, started))
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


def _snakemake(target: str, root: Path, home: Path, cores: int, options: Sequence[str], lock: int) -> int:
    """Snakemake's exit status on the chapters, or the book, of a profile; options that take many words would swallow the target."""
    flags = ["--cores", str(cores), target, "--rerun-incomplete", "--keep-going", "--resources", "gpu=1", *_first(root, home)]
    arguments = (root / "Snakefile", root, home / "workflow.json")
    if idle(options):
        return run_engine(*arguments, [*flags, *options], lock)
    with (home / LOG).open("wb") as log:
        return run_engine(*arguments, [*flags, *QUIET, *options], lock, errors=log)


def _first(root: Path, home: Path) -> list[str]:
    """Options that start chapters of more than the mean length first, by the reference: a long one that comes last runs alone."""
    records = {path.parent.name: read_run(path.parent) for path in (root / REFERENCE).glob("*/run.json")}
    seconds = {stem: run.wall_seconds for stem, run in records.items() if run}
    long = sorted(stem for stem, took in seconds.items() if took > sum(seconds.values()) / len(seconds))
    targets = [str((home / "runs" / stem / "run.json").relative_to(root)) for stem in long]
    return ["--prioritize", *targets] if targets else []


def _reasons(home: Path, started: float) -> str:
    """What failed since the start: chapters from their records, or else what Snakemake says."""
    found = []
    for path in sorted(home.glob("runs/*/run.failed.json")):
        if path.stat().st_mtime >= started - 1:
            try:
                found.append(message(Run.model_validate_json(path.read_text(encoding="utf-8"))))
            except ValidationError:
                found.append(f"{path.parent.name} failed: see {path}")
    if not found:
        return "\n  ".join([f"The book was not built. The end of {home / LOG}:", *tail(home / LOG, 12)])
    kept = len(list(home.glob("runs/*/run.json")))
    return "\n".join([*found, f"The book was not built. Finished chapters kept: {kept}. Mend this and run the same command again."])
