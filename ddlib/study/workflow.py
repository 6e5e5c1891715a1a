"""The whole book: Snakemake runs what is missing or out of date, one build at a time, and resumes after anything."""

from __future__ import annotations

import os
import shlex
import subprocess
import sys
import time
from collections.abc import Mapping
from pathlib import Path

from filelock import FileLock, Timeout
from pydantic import ValidationError

from ddlib.study.files import InputError, write_json
from ddlib.study.profiles import plan
from ddlib.study.provenance import Run
from ddlib.study.run import message


def build_book(root: Path, profile: str, cores: int, given: Mapping[str, Mapping[str, str]] | None = None) -> Path:
    """Run the chapters of a profile that need it, then build the book.

    Args:
        root: the project.
        profile: the profile.
        cores: how many chapters run side by side.
        given: parameters by hand, per chapter.

    Returns:
        The first page.

    Raises:
        InputError: before anything starts, if the profile or a parameter is wrong or another build is running.
        BuildError: if a chapter or the book failed; finished chapters are kept.
    """
    if cores < 1:
        raise InputError(f"{cores} cores cannot run anything: give CORES=1 or more")
    home = root / "_build" / profile
    parameters = plan(root / "notebooks", profile, given)
    lock = FileLock(root / "_build" / ".lock", timeout=0)
    try:
        (root / "_build").mkdir(exist_ok=True)
        lock.acquire()
    except Timeout:
        raise InputError(f"another build is running in {root}: wait until it has ended") from None
    try:
        by_hand = {stem: {name: parameters[stem][name] for name in values} for stem, values in (given or {}).items()}
        write_json(home / "workflow.json", {"profile": profile, "parameters": parameters, "given": by_hand})
        started = time.time()
        if _snakemake(root, home, cores).returncode != 0:
            raise BuildError(_reasons(home, started))
    finally:
        lock.release()
    return home / "html" / "index.html"


class BuildError(Exception):
    """The book was not built; the message has each reason."""


def split_parameters(text: str) -> dict[str, dict[str, str]]:
    """``"01_name.seed=1 04_other.ipc=[10]"`` as parameters per chapter; quotes as in a shell.

    Raises:
        InputError: if a word is not of that form.
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
        found.setdefault(stem, {})[parameter] = value
    return found


def _snakemake(root: Path, home: Path, cores: int) -> subprocess.CompletedProcess[bytes]:
    """Snakemake on the targets of a profile. Its own lock outlives a kill -9; ours does not, so that its can be lifted."""
    base = [sys.executable, "-m", "snakemake", "--snakefile", str(root / "Snakefile"), "--directory", str(root)]
    base += ["--configfile", str(home / "workflow.json"), "--cores", str(cores)]
    environment = os.environ | {"OMP_NUM_THREADS": os.environ.get("OMP_NUM_THREADS", "1")}
    locks = root / ".snakemake" / "locks"
    if locks.is_dir() and any(locks.iterdir()):
        subprocess.run([*base, "--unlock", "--quiet", "all"], cwd=root, env=environment, check=False, capture_output=True)
    flags = ["--rerun-incomplete", "--keep-going", "--quiet", "all", "--resources", "gpu=1"]
    return subprocess.run([*base, *flags], cwd=root, env=environment, check=False)


def _reasons(home: Path, started: float) -> str:
    """What failed since the start: chapters from their records, otherwise where Snakemake and jupyter-book have said it."""
    found = []
    for path in sorted(home.glob("runs/*/run.failed.json")):
        if path.stat().st_mtime >= started - 1:
            try:
                found.append(message(Run.model_validate_json(path.read_text(encoding="utf-8"))))
            except ValidationError:
                found.append(f"{path.parent.name} failed: see {path}")
    if not found:
        return "The book was not built; the reason stands above."
    kept = len(list(home.glob("runs/*/run.json")))
    return "\n".join([*found, f"The book was not built. Finished chapters kept: {kept}. Mend this and run the same command again."])
