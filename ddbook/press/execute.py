"""Executing a notebook, and the truth about how that ended."""

from __future__ import annotations

import contextlib
import logging
import os
import tempfile
import time
from collections.abc import Callable, Collection, Iterator, Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any, Literal

import nbformat
from nbformat import NotebookNode

from ddbook.press.project import project_root
from ddbook.press.signals import Stopped, ending_raises
from ddbook.press.surroundings import surroundings

State = Literal["ok", "failed", "timeout", "kernel_died", "interrupted"]

FOREVER = 10**9
"""Seconds."""
INTERRUPTED = "stopped from outside: run it again to start over"


@dataclass
class Outcome:
    """How an execution went, up to the last cell that started.

    Attributes:
        state: how it ended.
        error: type and message, empty if ok.
        cell: position of the last cell with code that started, from 1; 0 if none did.
        cells: how many there are, that of the injected parameters included.
        heading: the heading above that cell.
        line: the first line of its code.
        wall_seconds: from the start of the kernel to its end.
        peak_memory_bytes: the most that the kernel and what it started held at once.
    """

    state: State = "failed"
    error: str = ""
    cell: int = 0
    cells: int = 0
    heading: str = ""
    line: str = ""
    wall_seconds: float = 0.0
    peak_memory_bytes: int = 0
    started: float = field(default_factory=time.monotonic)

    @property
    def ended(self) -> bool:
        """Whether it is known how the execution ended."""
        return self.wall_seconds > 0

    def end(self, state: State, error: str) -> None:
        """Take note of how the execution ended, now."""
        self.state, self.error, self.wall_seconds = state, error, time.monotonic() - self.started

    def reach(self, cell: NotebookNode, position: int) -> bool:
        """Take note of a cell that starts; whether it has code to run."""
        if cell.cell_type == "markdown":
            self.heading = next(
                (line.lstrip("# ") for line in cell.source.splitlines()[::-1] if line.startswith("#")), self.heading
            )
        if cell.cell_type != "code" or not cell.source.strip():
            return False
        lines = [line for line in cell.source.splitlines() if line.strip() and not line.startswith(("#", "%%"))]
        self.cell, self.line = position, lines[0].strip() if lines else ""
        return True


def execute(
    notebook: Path,
    part: Path,
    parameters: Mapping[str, Any],
    timeout: float | None,
    environment: Mapping[str, str],
    say: Callable[[str], None],
    folder: Path,
    signals: Collection[int] = (),
) -> Outcome:
    """Execute a notebook with papermill in a kernel of this interpreter.

    Only the exception tells how an execution ended: after a timeout or a dead kernel, papermill's saved notebook claims that every
    cell completed.

    Args:
        notebook: the notebook.
        part: where papermill writes the notebook after each cell.
        parameters: values to inject.
        timeout: seconds for the whole notebook, or None.
        environment: variables for the kernel, besides those that :func:`ddbook.press.surroundings.surroundings` lets through.
        say: called with a line as each cell starts.
        folder: the working directory.
        signals: those that told this process to end before: then nothing is executed.
    """
    outcome = Outcome()
    try:
        with ending_raises():
            if signals:
                raise Stopped
            _execute(outcome, notebook, part, parameters, timeout, environment, say, folder)
    except Stopped:  # before the kernel was there, or after it had gone
        if not outcome.ended:
            outcome.end("interrupted", INTERRUPTED)
    return outcome


def _execute(
    outcome: Outcome,
    notebook: Path,
    part: Path,
    parameters: Mapping[str, Any],
    timeout: float | None,
    environment: Mapping[str, str],
    say: Callable[[str], None],
    folder: Path,
) -> None:
    from ddbook.press.kernel import PeakMemory, manager  # here, because --help and wrong input need no kernel

    outcome.cells = len(nbformat.read(notebook, as_version=4).cells) + bool(parameters)

    def start(cell: NotebookNode, cell_index: int) -> None:
        if outcome.reach(cell, cell_index + 1):
            elapsed = time.monotonic() - outcome.started
            say(f"{notebook.stem}  {elapsed:6.1f} s  cell {outcome.cell}/{outcome.cells}  {outcome.heading or outcome.line}")

    scratch = tempfile.TemporaryDirectory(prefix="ddlib-", ignore_cleanup_errors=True)
    cache = project_root(folder) / "_build" / ".cache"
    with scratch as own, PeakMemory() as memory, _variables(surroundings(os.environ, environment, Path(own), cache)):
        try:
            ended = _outcome(notebook, part, parameters, timeout, start, manager(Path(own)), folder)
        finally:
            outcome.peak_memory_bytes = memory.peak
        outcome.end(*ended)


def _outcome(
    notebook: Path,
    part: Path,
    parameters: Mapping[str, Any],
    timeout: float | None,
    start: Callable[..., None],
    manager: type,
    folder: Path,
) -> tuple[State, str]:
    import papermill
    from nbclient.exceptions import CellTimeoutError, DeadKernelError

    logging.getLogger("papermill").setLevel(logging.ERROR)  # that saving takes long is nothing to tell a user
    deadline = None if timeout is None else time.monotonic() + timeout
    try:
        done = papermill.execute_notebook(
            _verbatim(notebook),
            _verbatim(part),
            parameters=dict(parameters),
            kernel_name="python3",  # the language, for papermill; which Python it is, the manager says
            kernel_manager_class=manager,
            shutdown_kernel="immediate",  # asked politely in the middle of a cell, a kernel fills the screen with a traceback
            start_timeout=300,  # a cold network disk is slow to import from
            progress_bar=False,
            cwd=folder,
            on_cell_start=start,
            iopub_timeout=FOREVER if timeout is None else max(1, int(timeout)),  # output may have to queue
            timeout_func=lambda cell: None if deadline is None else max(0.1, deadline - time.monotonic()),
            extra_arguments=["--log-level=ERROR"],  # silences ipykernel's warning about TCP
        )
    except papermill.PapermillExecutionError as error:
        return "failed", f"{error.ename}: {error.evalue}".strip(": ") or "the cell failed"
    except CellTimeoutError:
        return "timeout", f"the run took longer than {timeout or FOREVER:g} seconds: raise --timeout, or ask for less"
    except DeadKernelError as error:
        return "kernel_died", str(error)
    except (KeyboardInterrupt, Stopped):
        return "interrupted", INTERRUPTED
    except Exception as error:  # whatever else papermill or a kernel raise: the run has not finished
        return "failed", f"{type(error).__name__}: {error}"
    if any(cell.cell_type == "code" and cell.source.strip() and cell.execution_count is None for cell in done.cells):
        return "failed", "SystemExit: the notebook ended before its last cell"  # papermill takes exit code 0 for success
    return "ok", ""


def _verbatim(path: Path) -> str:
    """A path for papermill, which fills what stands in braces with parameters."""
    return str(path).replace("{", "{{").replace("}", "}}")


@contextlib.contextmanager
def _variables(values: Mapping[str, str]) -> Iterator[None]:
    """These environment variables and no others, for the time of a run: the kernel inherits them."""
    before = dict(os.environ)
    os.environ.clear()
    os.environ.update(values)
    try:
        yield
    finally:
        os.environ.clear()
        os.environ.update(before)
