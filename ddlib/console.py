"""How commands speak, and their exit status."""

from __future__ import annotations

import os
import sys
from collections.abc import Callable

from ddlib.files import InputError

EXIT = {"ok": 0, "failed": 1, "kernel_died": 1, "timeout": 124, "interrupted": 130}
"""Exit status for each end state; 2 is wrong input, before anything started."""


def say(text: str, error: bool = False) -> None:
    """Print a line, on the stream for errors if it is one; what the stream cannot write is replaced, a closed pipe is no error."""
    stream = sys.stderr if error else sys.stdout
    try:
        encoding = getattr(stream, "encoding", None) or "utf-8"
        print(text.encode(encoding, "replace").decode(encoding), file=stream, flush=True)
    except BrokenPipeError:
        os.dup2(os.open(os.devnull, os.O_WRONLY), stream.fileno())  # else Python complains once more when it ends


def speaking(name: str, answer: Callable[[], int]) -> int:
    """The exit status of a command: wrong input is one sentence and status 2, Ctrl-C one word and status 130.

    Args:
        name: of the command, before the sentence.
        answer: does the work and returns its status.
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
        os.dup2(os.open(os.devnull, os.O_WRONLY), sys.stdout.fileno())
        return EXIT["ok"]
