"""Being told to end: by Ctrl-C, by a scheduler, by a terminal that is closed."""

from __future__ import annotations

import contextlib
import signal
from collections.abc import Callable, Iterator
from typing import Any

ENDING = (signal.SIGINT, signal.SIGTERM, signal.SIGHUP)
"""Signals that end a run, a sweep or a build in good order."""


class Stopped(BaseException):
    """A signal arrived: a scheduler or a person wants the work to end."""


@contextlib.contextmanager
def on_ending(answer: Callable[[int], Any]) -> Iterator[None]:
    """Call a function with the number of each signal that tells this process to end; it may raise.

    SIGHUP stays ignored where it was, as under ``nohup``. SIGINT does not: shells ignore it for what a script starts in the
    background, and that has to be told to end, too.
    """
    before = {}
    try:
        for number in ENDING:
            if number != signal.SIGHUP or signal.getsignal(number) != signal.SIG_IGN:
                before[number] = signal.signal(number, lambda number, _: answer(number))
    except ValueError:  # not in the main thread: signals are somebody else's
        pass
    try:
        yield
    finally:
        for number, handler in before.items():
            signal.signal(number, handler)


def ending_raises() -> contextlib.AbstractContextManager[None]:
    """A signal becomes the exception :class:`Stopped`, so that what was started is ended and the end state written."""

    def stop(number: int) -> None:
        raise Stopped

    return on_ending(stop)
