"""Waiting for what another process does."""

from __future__ import annotations

import subprocess
import time
from collections.abc import Callable

SECONDS = 240
"""How long: generous, because a loaded machine starts an interpreter ten times more slowly."""


def wait_for(condition: Callable[[], bool], process: subprocess.Popen[str] | None = None) -> None:
    """Wait until something holds; fail if it does not, or with what the process said if that ends before."""
    deadline = time.monotonic() + SECONDS
    while not condition():
        assert time.monotonic() < deadline, f"still not so after {SECONDS} seconds"
        assert process is None or process.poll() is None, process.communicate(timeout=60)[0]
        time.sleep(0.1)
