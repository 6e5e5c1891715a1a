"""How commands speak, and their exit status."""

from __future__ import annotations

import sys

EXIT = {"ok": 0, "failed": 1, "kernel_died": 1, "timeout": 124, "interrupted": 130}
"""Exit status for each end state; 2 is wrong input, before anything started."""


def say(text: str, error: bool = False) -> None:
    """Print a line, on the stream for errors if it is one."""
    print(text, file=sys.stderr if error else sys.stdout, flush=True)
