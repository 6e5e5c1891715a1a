"""Locks that end with their holder, whatever ends it: nothing to clear away after a kill -9."""

from __future__ import annotations

import contextlib
import fcntl
from collections.abc import Iterator
from pathlib import Path


class Held(Exception):
    """Another process holds the lock."""


@contextlib.contextmanager
def locked(path: Path) -> Iterator[int]:
    """Hold the lock of a file, which is created if need be and stays.

    Yields:
        Its descriptor: a child that inherits it holds the lock too, also after this process is gone.

    Raises:
        Held: if another process has it.
        OSError: if the file cannot be created.
    """
    path.parent.mkdir(parents=True, exist_ok=True)
    with path.open("a") as stream:
        try:
            fcntl.flock(stream, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except BlockingIOError:
            raise Held(path) from None
        yield stream.fileno()
