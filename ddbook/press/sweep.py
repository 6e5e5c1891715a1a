"""Many runs of one notebook over a grid of parameters: Snakemake distributes them, and their results become tidy tables."""

from __future__ import annotations

import contextlib
import hashlib
import json
import os
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from functools import cached_property
from pathlib import Path
from typing import Any

from ddbook.press.collect import collect
from ddbook.press.device import check_device
from ddbook.press.engine import INTERRUPTED, run_engine
from ddbook.press.executors import Executor
from ddbook.press.freshness import judged
from ddbook.press.grid import expand, read_grid
from ddbook.press.key import Basis, basis
from ddbook.press.locks import Held, locked
from ddbook.press.machine import versions
from ddbook.press.parameters import read_schema, resolve
from ddbook.press.profiles import read_profile
from ddbook.press.project import project_root
from ddbook.press.provenance import Altered, Run
from ddbook.press.reach import Code
from ddbook.press.resources import read_run, request
from ddbook.press.run import message
from ddbook.press.snapshot import PACKAGES_ROOT
from ddlib.files import InputError, tail, write_json

CONFIG = "sweep.json"
"""What the sweep in a folder is: notebook, profile, parameters, grid; also Snakemake's configuration."""
MARKS = "fresh"
"""The folder of the marks: one for each run that has finished with the present code and parameters, named after its key."""
LOCK = ".lock"
LOG = "snakemake.log"


@dataclass(frozen=True)
class Sweep:
    """A sweep that has been checked.

    Attributes:
        out: its folder.
        notebook: the notebook.
        profile: the profile.
        given: parameters that have one value by hand.
        grid: the values of the others.
        basis: what all runs follow from, with the parameters outside the grid.
    """

    out: Path
    notebook: Path
    profile: str | None
    given: dict[str, Any]
    grid: dict[str, list[Any]]
    basis: Basis

    @cached_property
    def runs(self) -> dict[str, dict[str, Any]]:
        """The values of the grid for each run."""
        return expand(self.grid)

    @property
    def root(self) -> Path:
        """The project."""
        return project_root(self.notebook.parent)

    @property
    def prefix(self) -> str:
        """How the names of its jobs in a queue start."""
        return f"ddlib-{hashlib.sha256(str(self.out).encode()).hexdigest()[:12]}"

    @cached_property
    def marks(self) -> dict[str, str]:
        """The mark of each run, relative to the folder."""
        return {name: f"{MARKS}/{name}.{self._basis(values).key[:16]}" for name, values in self.runs.items()}

    def finished(self) -> dict[str, dict[str, Any]]:
        """The runs that have finished with the present code and parameters, as Snakemake sees it too."""
        return {name: values for name, values in self.runs.items() if (self.out / self.marks[name]).exists()}

    def examine(self) -> None:
        """Put the marks in order: there for each run whose key and files are right, and for no other."""
        (self.out / MARKS).mkdir(parents=True, exist_ok=True)
        right = {name for name, values in self.runs.items() if not judged(self.out / name, self._basis(values), self.root)[1]}
        there = {self.marks[name] for name in right}
        for path in (self.out / MARKS).iterdir():
            if f"{MARKS}/{path.name}" not in there:
                path.unlink(missing_ok=True)
        for mark in there:
            (self.out / mark).touch()

    def _basis(self, values: Mapping[str, Any]) -> Basis:
        return self.basis._replace(parameters={**self.basis.parameters, **values})


@dataclass(frozen=True)
class Outcome:
    """How a sweep ended.

    Attributes:
        status: Snakemake's exit status, 130 if it was interrupted.
        finished: how many runs have finished, now or earlier.
        failed: for each run that failed now, why.
        tables: files with the results of all finished runs.
    """

    status: int
    finished: int
    failed: dict[str, str]
    tables: list[Path]


def plan_sweep(
    notebook: Path, grid: Sequence[str], profile: str | None = None, given: Mapping[str, str] | None = None, out: Path | None = None
) -> Sweep:
    """Check a sweep before anything starts.

    Args:
        notebook: the notebook.
        grid: ``name=values``, see :func:`ddbook.press.grid.read_grid`.
        profile: a profile beside the notebook.
        given: parameters by hand that hold for all runs.
        out: the sweep's folder; by default ``_build/sweeps/<stem>[-<profile>]`` of the project.

    Raises:
        InputError: if the notebook, a name or a value is wrong.
    """
    notebook, given = notebook.resolve(), given or {}
    values = read_grid(read_schema(notebook), grid, given)
    chosen = read_profile(notebook.parent, profile).get(notebook.stem, {}) if profile is not None else {}
    fixed = resolve(notebook, chosen, given, source=f"profile {profile}")
    follows = basis(notebook, fixed, versions(), Code(PACKAGES_ROOT))
    name = f"{notebook.stem}-{profile}" if profile else notebook.stem
    out = (out or project_root(notebook.parent) / "_build" / "sweeps" / name).resolve()
    return Sweep(out, notebook, profile, {name: fixed[name] for name in given}, values, follows)


def run_sweep(
    sweep: Sweep, executor: Executor, say: Callable[[str], None] = print, show: Callable[[str, float], None] | None = None
) -> Outcome:
    """Run what is missing of a sweep, and collect the results of all runs that have finished.

    Args:
        sweep: the plan.
        executor: who runs it.
        say: called with a line of text.
        show: called about once a second with what is done, and the share.

    Returns:
        How it ended. Runs that failed are done again by the next call, and only those.

    Raises:
        InputError: before anything starts, if the folder is another sweep's, in use, or cannot be written to, or if local runs
            are to use a GPU that is not there.
    """
    if executor.local:
        check_device(read_schema(sweep.notebook), sweep.grid.get("device", [sweep.basis.parameters.get("device")]))
    _check_folder(sweep)
    total = len(sweep.runs)

    def tick() -> None:
        done = len(sweep.finished())
        if show:
            show(f"{done} of {total} runs finished", done / total)

    try:
        with locked(sweep.out / LOCK) as lock:
            executor.wait_for_earlier(sweep.out, sweep.prefix, say)
            sweep.examine()
            started = _write(sweep, executor, say)
            with (sweep.out / LOG).open("wb") as output:
                rules, config = Path(__file__).with_name("sweep.smk"), sweep.out / CONFIG
                status = run_engine(rules, sweep.out, config, executor.arguments(sweep.prefix), lock, output, tick=tick)
            tick()
            sweep.examine()
            finished = sweep.finished()
            tables = collect(sweep.out, finished)
    except Held:
        raise InputError(f"another sweep is running in {sweep.out}: wait until it has ended") from None
    except OSError as error:
        raise InputError(
            f"{error.filename or sweep.out} cannot be used ({error.strerror}): give another folder with --out"
        ) from None
    if basis(sweep.notebook, sweep.basis.parameters, versions(), Code(PACKAGES_ROOT)) != sweep.basis:
        say("The code changed while the sweep ran: the same command will do again what that concerns")
    reasons = {name: _reason(sweep, name, started) for name in sweep.runs if name not in finished}
    return Outcome(status, len(finished), {name: reason for name, reason in reasons.items() if reason}, tables)


def report(sweep: Sweep, outcome: Outcome) -> str:
    """How a sweep ended, in words: each run that failed with its error, where the results are, and what to do."""
    total = len(sweep.runs)
    lines = [f"{name}: {reason}" for name, reason in outcome.failed.items()]
    if not lines and outcome.finished < total and outcome.status not in (0, INTERRUPTED):
        lines += [f"Snakemake stopped; the end of {sweep.out / LOG}:", *tail(sweep.out / LOG, 12)]
    failed = f", {len(outcome.failed)} failed" if outcome.failed else ""
    lines.append(f"{outcome.finished} of {total} runs finished{failed}")
    if outcome.tables:
        names = [path.name for path in outcome.tables if not path.name.startswith("distilled_")]
        more = f" and {len(outcome.tables) - len(names)} of distilled sets" if len(names) < len(outcome.tables) else ""
        lines.append(f"Tables of the finished runs, in {sweep.out}: {', '.join(names)}{more}")
    if outcome.finished < total:
        lines.append("The same command does the others, and only those")
    return "\n".join(lines)


def _identity(sweep: Sweep) -> dict[str, Any]:
    """What is the same in all sweeps of a folder."""
    return {"notebook": os.path.relpath(sweep.notebook, sweep.root), "profile": sweep.profile, "set of -p": sweep.given}


def _check_folder(sweep: Sweep) -> None:
    """Refuse a folder of something else; a sweep may get more runs, but none that has finished may drop out of its tables."""
    config, out = sweep.out / CONFIG, sweep.out
    if out.exists() and not out.is_dir():
        raise InputError(f"{out} is a file: give a folder for --out")
    if out.is_dir() and not config.exists() and any(path.name != LOCK for path in out.iterdir()):
        raise InputError(f"{out} holds files that are no sweep of ddlib: give an empty or new folder for --out")
    before = json.loads(config.read_text(encoding="utf-8")) if config.exists() else {}
    for name, value in _identity(sweep).items():
        if before and before.get(name) != value:
            was, now = (
                ", ".join(f"{k}={v}" for k, v in x.items()) if isinstance(x, dict) else x for x in (before.get(name), value)
            )
            raise InputError(
                f"{out} holds a sweep with another {name}: {was or 'none'}, not {now or 'none'}; give another folder with --out"
            )
    left = sorted(path.parent.name for path in out.glob("*/run.json") if path.parent.name not in sweep.runs)
    if left:
        runs = f"{len(left)} finished runs, such as {left[0]}," if len(left) > 1 else f"the finished run {left[0]},"
        raise InputError(
            f"{out} holds {runs} which this grid leaves out: add their values to it, or give another folder with --out"
        )


def _write(sweep: Sweep, executor: Executor, say: Callable[[str], None]) -> int:
    """Write what the sweep is; returns the time, by the clock of the folder's disk."""
    (sweep.out / "logs").mkdir(exist_ok=True)
    own = [record for name in sweep.finished() if (record := read_run(sweep.out / name))]
    needs = request(own, sweep.root, sweep.notebook.stem, sweep.profile)
    known = {"path": os.path.relpath(sweep.notebook, sweep.out), "device": sweep.basis.parameters.get("device", "cpu")}
    write_json(
        sweep.out / CONFIG,
        {**_identity(sweep), **known, "needs": needs._asdict(), "grid": sweep.grid, "runs": sweep.runs, "marks": sweep.marks},
    )
    say(f"{len(sweep.runs)} runs in {sweep.out}, finished before: {len(sweep.finished())}")
    if not executor.local:
        say(f"Each asks for {needs.mem_mb} MB and {needs.runtime} minutes: {needs.reason}")
    return _changed(sweep.out / CONFIG)


def _reason(sweep: Sweep, name: str, started: int) -> str:
    """Why a run that has started has not finished; its own record says it best."""
    record, log = sweep.out / name / "run.failed.json", sweep.out / "logs" / f"{name}.log"
    if _changed(record) >= started:
        with contextlib.suppress(Altered):
            return message(Run.read(record))
    if _changed(log) >= started:
        return "\n  ".join([f"It ended without a record, killed perhaps. The end of {log}:", *tail(log, 1)])
    return ""


def _changed(path: Path) -> int:
    """When a file was last written, in nanoseconds; -1 if there is none."""
    try:
        return path.stat().st_mtime_ns
    except OSError:
        return -1
