"""One run of a notebook: checked before it starts, written atomically, recorded as it ended."""

from __future__ import annotations

import contextlib
import datetime
import json
import os
import shutil
from collections.abc import Callable, Collection, Iterator, Mapping
from pathlib import Path
from typing import Any, NamedTuple

from ddbook.press.aside import ASIDE, MARK, replace, restore
from ddbook.press.device import check_device
from ddbook.press.digests import file_digest
from ddbook.press.execute import Outcome, execute
from ddbook.press.inputs import read_inputs
from ddbook.press.key import basis
from ddbook.press.locks import Held, locked
from ddbook.press.machine import hardware, versions
from ddbook.press.overlay import read_drawn
from ddbook.press.parameters import read_schema, resolve
from ddbook.press.profiles import read_profile
from ddbook.press.project import project_root
from ddbook.press.provenance import Failure, Kept, Run, describe
from ddbook.press.record import GPU_FILE, RUN_FOLDER, STORE
from ddbook.press.remembered import Remembered
from ddbook.press.signals import on_ending
from ddbook.press.snapshot import checksum, require_own, snapshot
from ddbook.press.surroundings import fixed, recorded
from ddlib.files import InputError, write_atomically

SOURCE = "source"
"""The folder within a run's for the copy of the notebook, as long as it runs."""
OWN = {MARK, "run.json", "run.failed.json"}
NOTES = ("inputs.json", "kept.json", "drawn.json")
"""What a kernel notes for the record while it runs."""

RESERVE, RESERVED = ".reserve", 2**16
"""A file, and its bytes, that makes room for the record when the disk has become full in the meantime."""


def run(
    notebook: Path,
    out: Path | None = None,
    profile: str | None = None,
    given: Mapping[str, Any] | None = None,
    force: bool = False,
    timeout: float | None = None,
    say: Callable[[str], None] = print,
    anew: bool = False,
) -> Run:
    """Run a notebook and leave ``run.json`` behind if, and only if, it finished.

    The notebook and the code that it imports are set aside first: what is edited meanwhile belongs to the next run.

    Args:
        notebook: the notebook.
        out: where the run goes; by default ``_build/<profile or manual>/runs/<stem>`` of the project.
        profile: a profile beside the notebook.
        given: parameters by hand, as text or typed; they go before the profile's.
        force: replace a finished run. It stays until the new one has finished; a failed attempt goes to ``<out>.failed``.
        timeout: seconds for the whole run.
        say: called with each line of progress.
        anew: compute everything, also what was kept from earlier runs.

    Returns:
        The record; its state says how the run ended.

    Raises:
        InputError: before a kernel starts, if something that was asked for cannot be done.
    """
    notebook, given = notebook.resolve(), dict(given or {})
    chosen = read_profile(notebook.parent, profile).get(notebook.stem, {}) if profile is not None else {}
    parameters = resolve(notebook, chosen, given, source=f"profile {profile}")
    check_device(read_schema(notebook), [parameters.get("device")])
    if timeout is not None and not 0 < timeout < float("inf"):
        raise InputError(f"the timeout is {timeout} seconds: give a positive number, or none at all")
    root = project_root(notebook.parent)
    require_own(root)
    out = (out or root / "_build" / (profile or "manual") / "runs" / notebook.stem).resolve()
    restore(out)
    replaces = _check_free(out, force)
    work = out.with_name(f"{out.name}.new") if replaces else out
    with _claimed(work), snapshot(root) as code:
        source = _set_aside(notebook, work)
        study = Study(notebook, source, code, root, profile, parameters, {name: parameters[name] for name in given})
        overrides = {name: parameters[name] for name in (*chosen, *given)}
        signals: list[int] = []
        with on_ending(signals.append):  # a signal ends the notebook, and what follows in seconds is finished
            record = carry_out(study, work, overrides, timeout, say, anew, signals)
            final = work if not replaces else out if record.state == "ok" else out.with_name(f"{out.name}.failed")
            if record.failure:
                record.failure.notebook = str(final / "notebook.failed.ipynb")
            _finish(work, record)
            if replaces:
                replace(work, final)
    if record.state == "ok":
        shutil.rmtree(out.with_name(f"{out.name}.failed"), ignore_errors=True)  # the attempt before this one is history
    return record


class Study(NamedTuple):
    """A notebook that is about to run.

    Attributes:
        notebook: where the project has it; its folder is the working directory.
        source: the copy that runs.
        code: the snapshot of the packages that it imports.
        root: the project.
        profile: the profile.
        parameters: all of them.
        given: those by hand.
    """

    notebook: Path
    source: Path
    code: Path
    root: Path
    profile: str | None
    parameters: dict[str, Any]
    given: dict[str, Any]


def carry_out(
    study: Study,
    work: Path,
    overrides: Mapping[str, Any],
    timeout: float | None,
    say: Callable[[str], None],
    anew: bool = False,
    signals: Collection[int] = (),
) -> Run:
    """Execute a notebook in a folder of its own; the record of how that went is not yet written.

    Args:
        study: what runs.
        work: the folder of the run.
        overrides: parameters to inject.
        timeout: seconds for the whole run.
        say: called with each line of progress.
        anew: compute everything, also what was kept from earlier runs.
        signals: those that have told this process to end, before or while this function runs.
    """
    always = fixed(os.environ)
    paths = os.pathsep.join(filter(None, [str(study.code), os.environ.get("PYTHONPATH")]))
    environment = always | {RUN_FOLDER: str(work), "PYTHONPATH": paths} | ({STORE: "off"} if anew else {})
    follows = basis(study.source, study.parameters, versions(), Remembered(study.code, study.root))
    known = describe(study.notebook, study.root, study.profile, study.given, follows)
    started = datetime.datetime.now(datetime.UTC).isoformat(timespec="seconds")
    part, folder = work / "notebook.part.ipynb", study.notebook.parent
    outcome = execute(study.source, part, overrides, timeout, environment, say, folder, signals)
    return Run(
        state=outcome.state,
        environment=recorded(os.environ) | always,
        started=started,
        wall_seconds=outcome.wall_seconds,
        peak_memory_bytes=outcome.peak_memory_bytes,
        peak_gpu_memory_bytes=_gpu_memory(work / GPU_FILE),
        hardware=hardware(),
        versions=versions(),
        code_sha256=checksum(study.code),
        notebook_sha256=file_digest(study.source),
        inputs=read_inputs(work),
        kept=_kept(work / "kept.json"),
        drawn_over=read_drawn(work),
        failure=_failure(outcome, work),
        **known,
    )


def _set_aside(notebook: Path, work: Path) -> Path:
    """A copy of the notebook that nobody edits while it runs; it goes when the run has ended."""
    copy = work / SOURCE / notebook.name
    copy.parent.mkdir()
    shutil.copyfile(notebook, copy)
    return copy


def message(record: Run) -> str:
    """How a run ended, in words: for one that did not finish, the cell, the error and where to look."""
    failure = record.failure
    if failure is None:
        return f"{record.notebook} finished in {record.wall_seconds:.1f} s"
    ended = {
        "failed": "failed",
        "timeout": "was stopped at its timeout",
        "kernel_died": "lost its kernel (killed, or out of memory?)",
        "interrupted": "was interrupted",
    }[record.state]
    where = f"in cell {failure.cell} of {failure.cells}" if failure.cell else "before its first cell"
    under = f", under “{failure.heading}”" if failure.heading else ""
    line = f", which starts with\n    {failure.line}" if failure.line else ""
    return f"{record.notebook} {ended} {where}{under}{line}\n  {failure.error}\n  The notebook as far as it ran: {failure.notebook}"


def _check_free(out: Path, force: bool) -> bool:
    """Whether a finished run is to be replaced; refuses what would lose something."""
    if out.exists() and not out.is_dir():
        raise InputError(f"{out} is a file: give a folder for --out")
    if out.suffix in ASIDE:
        raise InputError(f"{out} would be taken for what a run of {out.stem} has left: give a folder whose name ends otherwise")
    known = (out / MARK).exists() or (out / "run.json").exists()  # an unpacked archive may lack the hidden file
    if out.is_dir() and any(out.iterdir()) and not known:
        raise InputError(f"{out} holds files that are no run of ddlib: give an empty or new folder for --out")
    finished = (out / "run.json").exists()
    if finished and not force:
        raise InputError(f"{out} holds a finished run: give --force to replace it, or another folder with --out")
    return finished


@contextlib.contextmanager
def _claimed(folder: Path) -> Iterator[None]:
    """Hold a run's folder against a second run, and clear what an earlier attempt left there."""
    with contextlib.ExitStack() as stack:
        try:
            stack.enter_context(locked(folder / MARK))
        except Held:
            raise InputError(f"another run is writing to {folder}: wait for it, or give another folder with --out") from None
        except OSError as error:
            raise InputError(f"{folder} cannot be written to ({error.strerror}): give another folder with --out") from None
        for path in folder.iterdir():
            if path.is_dir():
                shutil.rmtree(path)
            elif path.name != MARK:
                path.unlink()
        write_atomically(folder / RESERVE, bytes(RESERVED))
        yield


def _failure(outcome: Outcome, final: Path) -> Failure | None:
    if outcome.state == "ok":
        return None
    return Failure(
        cell=outcome.cell,
        cells=outcome.cells,
        heading=outcome.heading,
        line=outcome.line,
        error=outcome.error,
        notebook=str(final / "notebook.failed.ipynb"),
    )


def _gpu_memory(path: Path) -> int | None:
    """What the notebook has said of the GPU's memory; None if it used no GPU."""
    return int(json.loads(path.read_text(encoding="utf-8"))["peak_memory_bytes"]) if path.exists() else None


def _kept(path: Path) -> list[Kept]:
    """What the notebook has noted of computations that outlive a run."""
    return [Kept.model_validate(one) for one in json.loads(path.read_bytes())] if path.exists() else []


def _finish(work: Path, record: Run) -> None:
    """Give the notebook its final name, then write the record: last, so that a finished run has everything else."""
    ok = record.state == "ok"
    (work / RESERVE).unlink(missing_ok=True)
    part = work / "notebook.part.ipynb"
    if part.exists():
        part.replace(work / ("notebook.ipynb" if ok else "notebook.failed.ipynb"))
    for note in (GPU_FILE, *NOTES):  # they stand in the record now
        (work / note).unlink(missing_ok=True)
    shutil.rmtree(work / SOURCE)
    record.results = checksums(work)
    record.write(work / ("run.json" if ok else "run.failed.json"))


def checksums(folder: Path) -> dict[str, str]:
    """The SHA-256 of each file that a run has left, by its path in the run's folder; the record itself and the mark apart."""
    files = [path for path in sorted(folder.rglob("*")) if path.is_file() and path.name not in OWN]
    return {path.relative_to(folder).as_posix(): file_digest(path) for path in files}
