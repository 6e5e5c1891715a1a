"""The kernel of a run: this very interpreter, and the memory that it takes."""

from __future__ import annotations

import contextlib
import os
import re
import sys
import threading
import time
from pathlib import Path
from typing import Any

import psutil
import zmq
from jupyter_client.asynchronous import AsyncKernelClient
from jupyter_client.kernelspec import KernelSpec
from jupyter_client.manager import AsyncKernelManager

LAUNCH = [sys.executable, "-P", str(Path(__file__).with_name("launch.py")), "-f", "{connection_file}"]
"""What starts a kernel; -P, or else the files beside that one could be imported by their bare names."""
LONGEST = 85  # bytes in the name of a folder with sockets: macOS cuts the whole path at 103, and "/kernel-ipc-5" follows


def manager(sockets: Path) -> type:
    """The class of a manager that starts the running interpreter, whatever kernels a user has installed under the same name.

    It talks to its kernel through sockets in the given folder: Jupyter's way to choose TCP ports lets two kernels that start at
    the same time choose the same one, and the second dies.
    """

    class Patient(AsyncKernelClient):
        def connect_iopub(self, identity: bytes | None = None) -> zmq.Socket:
            self.context.setsockopt(zmq.RCVHWM, 0)  # as in launch.py: no output is dropped
            return super().connect_iopub(identity)

    class ThisInterpreter(AsyncKernelManager):
        transport = "ipc" if os.name == "posix" and len(bytes(sockets)) <= LONGEST else "tcp"
        connection_file = str(sockets / "kernel.json")
        client_factory = Patient

        @property
        def kernel_spec(self) -> KernelSpec:
            return KernelSpec(argv=LAUNCH, display_name="Python 3", language="python")

    return ThisInterpreter


class PeakMemory:
    """The most memory, in bytes, that the children of this process held at once in a ``with`` block.

    Looked at twice a second, and more often at first, so that a child of a few tenths of a second is seen too.

    Not ``resource.getrusage``: what Linux reports there for a child includes its parent's memory at the time of the fork.
    """

    def __init__(self) -> None:
        self.peak = 0
        self._stop = threading.Event()
        self._thread = threading.Thread(target=self._watch, daemon=True)

    def __enter__(self) -> PeakMemory:
        self._thread.start()
        return self

    def __exit__(self, *_: Any) -> None:
        self._stop.set()
        self._thread.join()

    def _watch(self) -> None:
        this, started = psutil.Process(), time.monotonic()
        while not self._stop.wait(min(0.5, 0.02 + (time.monotonic() - started) / 10)):
            with contextlib.suppress(psutil.Error):
                children = this.children(recursive=True)
                self.peak = max(self.peak, sum(_resident(child) for child in children), *map(_high_water, children), 0)


def _resident(process: psutil.Process) -> int:
    try:
        return process.memory_info().rss
    except psutil.Error:  # it has ended
        return 0


def _high_water(process: psutil.Process) -> int:
    """The kernel's own account of a process's peak, which no sample misses; only Linux keeps one."""
    with contextlib.suppress(OSError):
        found = re.search(r"^VmHWM:\s+(\d+) kB", Path(f"/proc/{process.pid}/status").read_text(), re.MULTILINE)
        return 1024 * int(found[1]) if found else 0
    return 0
