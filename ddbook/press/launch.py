"""The kernel of a run: IPython's, but that it loses no output and reads nobody's settings. Executed as a file, never imported.

It imports the code of the project only to note which files the notebook reads.
"""

import os
import sys
import time
from pathlib import Path
from typing import Any

import zmq
from ipykernel.iostream import OutStream
from ipykernel.kernelapp import IPKernelApp

RUN_FOLDER = "DDLIB_RUN_DIR"
"""As in :mod:`ddbook.press.record`."""


class RunStream(OutStream):
    """Sends what a notebook flushes ten times a second at most: each piece takes milliseconds to arrive."""

    _sent = 0.0

    def flush(self) -> None:
        """Send what was written, if that was asked for by the kernel, by a forked process, or some time after the last one."""
        asker = sys._getframe(1).f_globals.get("__name__", "")
        now = time.monotonic()
        if now - self._sent >= 0.1 or asker.startswith(("ipykernel", "IPython")) or not self._is_master_process():
            self._sent = now
            super().flush()


class RunKernel(IPKernelApp):
    """The application around the kernel."""

    exec_PYTHONSTARTUP = False
    outstream_class = "__main__.RunStream"

    def load_config_file(self, *_: Any, **__: Any) -> None:
        """Read no ``ipython_config.py``, wherever it lies."""

    def _run_startup_files(self) -> None:
        """Execute no start-up files, wherever they lie."""

    def init_iopub(self, context: zmq.Context) -> None:
        """Let output queue without end: by default ZeroMQ drops it once a thousand messages wait, without a word."""
        context.setsockopt(zmq.SNDHWM, 0)
        super().init_iopub(context)


if __name__ == "__main__":
    if RUN_FOLDER in os.environ:  # from the first cell on, before there is a recorder
        from ddbook.press.inputs import watch

        watch(Path(os.environ[RUN_FOLDER]))
    RunKernel.launch_instance()
