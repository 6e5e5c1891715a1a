"""Executing a notebook, and the truth about how that ended."""

from __future__ import annotations

import contextlib
import os
import signal
import tempfile
import time
from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any, Literal

import nbformat
from nbformat import NotebookNode

State = Literal["ok", "failed", "timeout", "kernel_died", "interrupted"]


class Stopped(BaseException):
    """SIGTERM arrived: a scheduler or a person wants the run to end."""


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
) -> Outcome:
    """Execute a notebook with papermill in a kernel of this interpreter.

    Only the exception tells how an execution ended: after a timeout or a dead kernel, papermill's saved notebook claims that every
    cell completed.

    Args:
        notebook: the notebook; its folder is the working directory.
        part: where papermill writes the notebook after each cell.
        parameters: values to inject.
        timeout: seconds for the whole notebook, or None.
        environment: variables for the kernel.
        say: called with a line as each cell starts.
    """
    from ddbook.press.kernel import PeakMemory, manager  # here, because --help and wrong input need no kernel

    outcome = Outcome(cells=len(nbformat.read(notebook, as_version=4).cells) + bool(parameters))

    def start(cell: NotebookNode, cell_index: int) -> None:
        if outcome.reach(cell, cell_index + 1):
            elapsed = time.monotonic() - outcome.started
            say(f"{notebook.stem}  {elapsed:6.1f} s  cell {outcome.cell}/{outcome.cells}  {outcome.heading or outcome.line}")

    sockets = tempfile.TemporaryDirectory(prefix="ddlib-", ignore_cleanup_errors=True)
    with _variables(environment), _sigterm_raises(), sockets as folder, PeakMemory() as memory:
        outcome.state, outcome.error = _outcome(notebook, part, parameters, timeout, start, manager(Path(folder)))
    outcome.wall_seconds = time.monotonic() - outcome.started
    outcome.peak_memory_bytes = memory.peak
    return outcome


def _outcome(
    notebook: Path, part: Path, parameters: Mapping[str, Any], timeout: float | None, start: Callable[..., None], manager: type
) -> tuple[State, str]:
    import papermill
    from nbclient.exceptions import CellTimeoutError, DeadKernelError

    deadline = None if timeout is None else time.monotonic() + timeout
    try:
        done = papermill.execute_notebook(
            notebook,
            part,
            parameters=dict(parameters),
            kernel_name="python3",  # the language, for papermill; which Python it is, the manager says
            kernel_manager_class=manager,
            shutdown_kernel="immediate",  # asked politely in the middle of a cell, a kernel fills the screen with a traceback
            start_timeout=300,  # a cold network disk is slow to import from
            progress_bar=False,
            cwd=notebook.parent,
            on_cell_start=start,
            timeout_func=lambda cell: None if deadline is None else max(0.1, deadline - time.monotonic()),
            extra_arguments=["--log-level=ERROR"],  # silences ipykernel's warning about TCP
        )
    except papermill.PapermillExecutionError as error:
        return "failed", f"{error.ename}: {error.evalue}".strip(": ") or "the cell failed"
    except CellTimeoutError:
        return "timeout", f"the run took longer than {timeout:g} seconds: raise --timeout, or ask for less"
    except DeadKernelError as error:
        return "kernel_died", str(error)
    except (KeyboardInterrupt, Stopped):
        return "interrupted", "stopped from outside: run it again to start over"
    except Exception as error:  # whatever else papermill or a kernel raise: the run has not finished
        return "failed", f"{type(error).__name__}: {error}"
    if any(cell.cell_type == "code" and cell.source.strip() and cell.execution_count is None for cell in done.cells):
        return "failed", "SystemExit: the notebook ended before its last cell"  # papermill takes exit code 0 for success
    return "ok", ""


@contextlib.contextmanager
def _variables(values: Mapping[str, str]) -> Iterator[None]:
    """Environment variables for the time of a run: the kernel inherits them."""
    before = dict(os.environ)
    os.environ.update(values)
    try:
        yield
    finally:
        os.environ.clear()
        os.environ.update(before)


@contextlib.contextmanager
def _sigterm_raises() -> Iterator[None]:
    """SIGTERM becomes an exception, so that the kernel is ended and the end state written."""

    def stop(number: int, frame: Any) -> None:
        raise Stopped

    try:
        before = signal.signal(signal.SIGTERM, stop)
    except ValueError:  # not in the main thread: signals are somebody else's
        yield
        return
    try:
        yield
    finally:
        signal.signal(signal.SIGTERM, before)
