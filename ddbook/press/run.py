"""One run of a notebook: checked before it starts, written atomically, recorded as it ended."""

from __future__ import annotations

import contextlib
import datetime
import json
import os
import shutil
from collections.abc import Callable, Iterator, Mapping
from pathlib import Path
from typing import Any

from ddbook.press.device import check_device
from ddbook.press.execute import Outcome, execute
from ddbook.press.locks import Held, locked
from ddbook.press.parameters import read_schema, resolve
from ddbook.press.profiles import read_profile
from ddbook.press.project import project_root
from ddbook.press.provenance import Failure, Run, describe, hardware
from ddbook.press.record import GPU_FILE, RUN_FOLDER
from ddbook.press.signals import on_ending
from ddbook.press.surroundings import recorded
from ddlib.files import InputError, write_atomically, write_json

MARK = ".ddlib-run"
"""Marks a folder as a run's own, so that nothing else is ever cleared away; also the lock of the folder."""

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
) -> Run:
    """Run a notebook and leave ``run.json`` behind if, and only if, it finished.

    Args:
        notebook: the notebook.
        out: where the run goes; by default ``_build/<profile or manual>/runs/<stem>`` of the project.
        profile: a profile beside the notebook.
        given: parameters by hand, as text or typed; they go before the profile's.
        force: replace a finished run. It stays until the new one has finished; a failed attempt goes to ``<out>.failed``.
        timeout: seconds for the whole run.
        say: called with each line of progress.

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
    out = (out or root / "_build" / (profile or "manual") / "runs" / notebook.stem).resolve()
    _restore(out)
    replaces = _check_free(out, force)
    work = out.with_name(f"{out.name}.new") if replaces else out
    with _claimed(work):
        environment = {"OMP_NUM_THREADS": os.environ.get("OMP_NUM_THREADS", "1"), "PYTHONHASHSEED": "0"}
        known = describe(notebook, root, profile, parameters, {name: parameters[name] for name in given})
        started = datetime.datetime.now(datetime.UTC).isoformat(timespec="seconds")
        overrides = {name: parameters[name] for name in (*chosen, *given)}
        variables = environment | {RUN_FOLDER: str(work)}
        with on_ending(lambda number: None):  # a signal ends the notebook, and what follows in seconds is finished
            outcome = execute(notebook, work / "notebook.part.ipynb", overrides, timeout, variables, say)
            final = work if not replaces else out if outcome.state == "ok" else out.with_name(f"{out.name}.failed")
            record = Run(
                state=outcome.state,
                environment=recorded(os.environ) | environment,
                started=started,
                wall_seconds=outcome.wall_seconds,
                peak_memory_bytes=outcome.peak_memory_bytes,
                peak_gpu_memory_bytes=_gpu_memory(work / GPU_FILE),
                hardware=hardware(),
                failure=_failure(outcome, final),
                **known,
            )
            _finish(work, record)
            if replaces:
                _replace(work, final)
    return record


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
    """What the notebook has said of the GPU's memory, moved from its file to the record; None if it used no GPU."""
    if not path.exists():
        return None
    found = json.loads(path.read_text(encoding="utf-8"))["peak_memory_bytes"]
    path.unlink()
    return int(found)


def _finish(work: Path, record: Run) -> None:
    """Give the notebook its final name, then write the record: last, so that a finished run has everything else."""
    ok = record.state == "ok"
    (work / RESERVE).unlink(missing_ok=True)
    part = work / "notebook.part.ipynb"
    if part.exists():
        part.replace(work / ("notebook.ipynb" if ok else "notebook.failed.ipynb"))
    write_json(work / ("run.json" if ok else "run.failed.json"), record.model_dump())


def _restore(final: Path) -> None:
    """Bring back the run that a crash in the middle of ``_replace`` has left aside: the new one, or else the old one."""
    for ending in ("new", "old"):
        aside = final.with_name(f"{final.name}.{ending}")
        if (aside / "run.json").exists() and not final.exists():
            aside.replace(final)


def _replace(work: Path, final: Path) -> None:
    """Put a folder in the place of an older one."""
    old = final.with_name(f"{final.name}.old")
    shutil.rmtree(old, ignore_errors=True)
    if final.exists():
        final.replace(old)
    work.replace(final)
    shutil.rmtree(old, ignore_errors=True)
