"""Locks that end with their holder, whatever ends it: nothing to clear away after a kill -9."""

from __future__ import annotations

import contextlib
import fcntl
from collections.abc import Iterator
from pathlib import Path

BOOK_LOCK = ".book.lock"
"""The lock of a profile's book, in its folder: held while the book is built, packed or read."""


class Held(Exception):
    """Another process holds the lock."""


@contextlib.contextmanager
def locked(path: Path, shared: bool = False, wait: bool = False) -> Iterator[int]:
    """Hold the lock of a file, which is created if need be and stays.

    Args:
        path: the file.
        shared: whether others may hold it too, if they share it.
        wait: until another process has let it go.

    Yields:
        Its descriptor: a child that inherits it holds the lock too, also after this process is gone.

    Raises:
        Held: if another process has it.
        OSError: if the file cannot be created.
    """
    path.parent.mkdir(parents=True, exist_ok=True)
    with path.open("a") as stream:
        try:
            fcntl.flock(stream, (fcntl.LOCK_SH if shared else fcntl.LOCK_EX) | (0 if wait else fcntl.LOCK_NB))
        except BlockingIOError:
            raise Held(path) from None
        yield stream.fileno()


def is_held(path: Path) -> bool:
    """Whether a process holds the lock of a file; the file is not created."""
    if not path.exists():
        return False
    try:
        with locked(path):
            return False
    except Held:
        return True
    except OSError:  # not ours to open: nobody of ours holds it
        return False
