"""How commands speak, and their exit status."""

from __future__ import annotations

import contextlib
import errno
import io
import os
import sys
from collections.abc import Callable
from typing import Any, TextIO, cast

from ddlib.files import InputError

__all__ = ["EXIT", "Tolerant", "say", "show", "speaking"]

EXIT = {"ok": 0, "failed": 1, "kernel_died": 1, "timeout": 124, "interrupted": 130}
"""Exit status for each end state; 2 is wrong input, before anything started."""


_SPENT = {errno.ENOSPC, errno.EDQUOT, errno.EFBIG, errno.EROFS, errno.EIO, errno.EMFILE, errno.ENFILE}
"""Errors of the machine, not of the program: a full or broken disk, no more files."""


def say(text: str, error: bool = False) -> None:
    """Print a line, on the stream for errors if it is one.

    What the stream cannot write is replaced. Nothing that happens to the stream is an error: a reader may have gone (``| head``), a
    terminal may be closed, the disk with a log may be full.

    >>> say("3 of 4 chapters are up to date")
    3 of 4 chapters are up to date
    """
    print(text, file=Tolerant(error), flush=True)


class Tolerant(io.TextIOBase):
    """The stream for output, or that for errors, as :func:`say` writes to it; for what writes by itself, such as rich.

    Args:
        error: which of the two.

    >>> print("100 %", file=Tolerant())
    100 %
    """

    def __init__(self, error: bool = False) -> None:
        self._stream = sys.stderr if error else sys.stdout  # None if it was closed before we began

    @property
    def encoding(self) -> str:  # type: ignore[override]
        """The encoding of the stream."""
        return getattr(self._stream, "encoding", None) or "utf-8"

    def isatty(self) -> bool:
        """Whether it is a terminal."""
        return self._stream is not None and not self._stream.closed and self._stream.isatty()

    def fileno(self) -> int:
        """The stream's descriptor."""
        return self._stream.fileno() if self._stream else super().fileno()

    def write(self, text: str) -> int:
        """Write what can be written."""
        self._try(lambda stream: stream.write(text.encode(self.encoding, "replace").decode(self.encoding)))
        return len(text)

    def flush(self) -> None:
        """Send it on its way."""
        self._try(lambda stream: stream.flush())

    def _try(self, act: Callable[[TextIO], Any]) -> None:
        try:
            if self._stream is not None:
                act(self._stream)
        except (OSError, ValueError):  # ValueError: it is closed
            _silence(self._stream)


def show(*things: Any) -> None:
    """Print tables, or what else rich can draw, as :func:`say` prints a line; needs rich.

    >>> show("[bold]finished[/bold]")
    finished
    """
    from rich.console import Console

    Console(file=cast(TextIO, Tolerant())).print(*things)


def _silence(stream: TextIO | None) -> None:
    """Let what is still written go nowhere, or else Python complains once more when it ends."""
    with contextlib.suppress(AttributeError, OSError, ValueError):
        os.dup2(os.open(os.devnull, os.O_WRONLY), stream.fileno())  # type: ignore[union-attr]


def speaking(name: str, answer: Callable[[], int]) -> int:
    """The exit status of a command: wrong input is one sentence and status 2, Ctrl-C one word and status 130.

    Args:
        name: of the command, before the sentence.
        answer: does the work and returns its status.

    >>> def answer():
    ...     print("merged")
    ...     return EXIT["ok"]
    >>> speaking("ddlib", answer)
    merged
    0
    """
    try:
        return answer()
    except InputError as error:
        say(f"{name}: {error}", error=True)
        return 2
    except KeyboardInterrupt:
        say("Interrupted.", error=True)
        return EXIT["interrupted"]
    except BrokenPipeError:
        _silence(sys.stdout)
        return EXIT["ok"]
    except OSError as error:
        if error.errno not in _SPENT:
            raise
        place = f"{error.filename}: " if error.filename else ""
        say(f"{name}: {place}{os.strerror(error.errno)}: make room there, and give the same command again", error=True)
        return EXIT["failed"]
