"""A progress bar on the terminal's error stream."""

from __future__ import annotations

import sys
import time
from importlib.util import find_spec
from types import TracebackType
from typing import TextIO, cast

from ddlib.console import Tolerant

__all__ = ["Bar", "Watch"]


class Bar:
    """A bar that shows what is being done and how much of the whole work is done; needs the extra ``merge`` (rich).

    Args:
        first: what is done first.
        lines: where the stream is no terminal, print a line each time that what is done changes, instead of nothing.

    >>> with Bar("reading") as bar:
    ...     bar.show("fitting", 0.5)
    """

    def __init__(self, first: str = "reading the tables", lines: bool = False) -> None:
        from rich.console import Console
        from rich.progress import BarColumn, Progress, TextColumn, TimeElapsedColumn

        columns = (BarColumn(), TextColumn("{task.percentage:>3.0f} %"), TimeElapsedColumn(), TextColumn("{task.description}"))
        console = Console(file=cast(TextIO, Tolerant(error=True)))
        self._progress = Progress(*columns, console=console, transient=True, disable=not console.is_terminal)
        self._task = self._progress.add_task(first, total=1.0)
        self._console = console if lines and not console.is_terminal else None
        self._said = first

    def __enter__(self) -> Bar:
        self._progress.start()
        return self

    def __exit__(self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None) -> None:
        self._progress.stop()

    def show(self, text: str, share: float) -> None:
        """Say what is being done, and the share of the whole work that is done."""
        self._progress.update(self._task, description=text, completed=share)
        if self._console and text != self._said:
            self._console.print(text, markup=False, highlight=False, soft_wrap=True)
        self._said = text


class Watch:
    """Shows a :class:`Bar` once something takes long, on a terminal and where rich is installed; otherwise nothing.

    Args:
        total: how many steps there are.
        title: what takes them.
        patience: seconds before the bar is shown.

    >>> with Watch(2, "counting") as watch:
    ...     watch.done(1)
    """

    def __init__(self, total: int, title: str, patience: float = 5.0) -> None:
        self._total, self._title = total, title
        self._due = time.monotonic() + patience if sys.stderr and sys.stderr.isatty() and find_spec("rich") else float("inf")
        self._bar: Bar | None = None

    def __enter__(self) -> Watch:
        return self

    def __exit__(self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None) -> None:
        if self._bar is not None:
            self._bar.__exit__(kind, error, trace)

    def done(self, step: int) -> None:
        """So many steps are done."""
        if self._bar is None and time.monotonic() >= self._due:
            self._bar = Bar(self._title).__enter__()
        if self._bar is not None:
            self._bar.show(f"{self._title}: step {step} of {self._total}", step / self._total)
