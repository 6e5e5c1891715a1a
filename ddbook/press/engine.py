"""Snakemake as a child process: resumed after kill -9, ended in good order by Ctrl-C and SIGTERM."""

from __future__ import annotations

import contextlib
import os
import shlex
import signal
import subprocess
import sys
from collections.abc import Callable, Sequence
from pathlib import Path
from typing import IO

import psutil

from ddlib.files import InputError

INTERRUPTED = 130
"""Exit status of an engine that was told to stop."""


def run_engine(
    snakefile: Path,
    folder: Path,
    config: Path,
    arguments: Sequence[str],
    lock: int,
    output: IO[bytes] | None = None,
    tick: Callable[[], None] | None = None,
) -> int:
    """Run Snakemake and wait for it.

    Its own lock outlives a kill -9. Ours does not, and Snakemake inherits ours: who holds ours may therefore lift the other.

    Args:
        snakefile: the rules.
        folder: the working directory of the rules; Snakemake's records are in ``.snakemake`` there.
        config: the configuration file.
        arguments: everything else, the number of cores or jobs included.
        lock: descriptor of our lock.
        output: where Snakemake writes; by default to the terminal.
        tick: called about once a second while it runs.

    Returns:
        Snakemake's exit status, or ``INTERRUPTED``.
    """
    base = [sys.executable, "-m", "snakemake", "--snakefile", str(snakefile), "--directory", str(folder)]
    base += ["--configfile", str(config)]
    environment = os.environ | {"OMP_NUM_THREADS": os.environ.get("OMP_NUM_THREADS", "1")}
    locks = folder / ".snakemake" / "locks"
    if locks.is_dir() and any(locks.iterdir()):
        unlock = [*base, "--cores", "1", "--unlock", "--quiet", "all"]
        subprocess.run(unlock, cwd=folder, env=environment, check=False, capture_output=True)
    command = [*base, *arguments]
    with subprocess.Popen(command, cwd=folder, env=environment, pass_fds=[lock], stdout=output, stderr=output) as process:
        return _wait(process, tick or (lambda: None))


def _wait(process: subprocess.Popen[bytes], tick: Callable[[], None]) -> int:
    interrupted = False

    def stop(number: int, frame: object) -> None:  # on SIGTERM, Snakemake itself would wait for the running jobs
        nonlocal interrupted
        interrupted = True
        _interrupt_children()

    before = signal.signal(signal.SIGTERM, stop)
    try:
        while True:
            try:
                status = process.wait(timeout=1)
                return INTERRUPTED if interrupted else status
            except subprocess.TimeoutExpired:
                tick()
            except KeyboardInterrupt:  # Ctrl-C reaches the children too, which end in good order
                interrupted = True
    finally:
        signal.signal(signal.SIGTERM, before)


def _interrupt_children() -> None:
    """What Ctrl-C in a terminal does for the processes below this one. Kernels are not in its group: each run ends its own."""
    for process in psutil.Process().children(recursive=True):
        with contextlib.suppress(psutil.Error, OSError):
            if os.getpgid(process.pid) == os.getpgrp():
                process.send_signal(signal.SIGINT)


def words(options: str) -> list[str]:
    """Options for Snakemake as a shell would split them.

    Raises:
        InputError: if a quote is not closed.
    """
    try:
        return shlex.split(options)
    except ValueError as error:
        raise InputError(f"the options {options!r} for Snakemake cannot be split into words ({error}): close each quote") from None
