"""Snakemake as a child process: resumed after kill -9, ended in good order by Ctrl-C and SIGTERM."""

from __future__ import annotations

import contextlib
import io
import os
import re
import shlex
import signal
import subprocess
import sys
import time
from collections.abc import Callable, Sequence
from pathlib import Path
from typing import IO

import psutil

from ddbook.press.signals import on_ending
from ddbook.press.surroundings import neutral
from ddlib.files import InputError

INTERRUPTED = 130
"""Exit status of an engine that was told to stop."""
OWN = [
    *("--profile", "none", "--workflow-profile", "none"),  # a user's profile could change what is done again
    *("--shared-fs-usage", "persistence", "input-output", "software-deployment", "sources", "storage-local-copies"),
]
"""Options that come first. All is shared but the cache of sources, which would lie in a home that may be read-only."""
IDLE = re.compile(
    r"dryrun|touch|lint|dag|rulegraph|filegraph|d3dag|summary|detailed_summary|archive|unlock|until|omit_from|report|containerize"
    r"|export_cwl|generate_unit_tests|print_compilation|list_.*|cleanup_.*|delete_.*|.*_notebook|conda_create_envs_only"
    r"|conda_cleanup_envs|container_cleanup_images|batch"
)
"""Snakemake's options that do something else than to make the whole of what was asked for."""


def run_engine(
    snakefile: Path,
    folder: Path,
    config: Path,
    arguments: Sequence[str],
    lock: int,
    output: IO[bytes] | None = None,
    errors: IO[bytes] | None = None,
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
        output: where Snakemake and what it starts write; by default to the terminal.
        errors: where Snakemake itself writes, and jobs to their stderr; by default where the output goes.
        tick: called about once a second while it runs.

    Returns:
        Snakemake's exit status, or ``INTERRUPTED``.
    """
    base = [sys.executable, "-m", "snakemake", *OWN, "--snakefile", str(snakefile), "--directory", str(folder)]
    base += ["--configfile", str(config)]
    environment = {"OMP_NUM_THREADS": "1"} | neutral(os.environ)
    environment.pop("SNAKEMAKE_PROFILE", None)
    locks = folder / ".snakemake" / "locks"
    if locks.is_dir() and any(locks.iterdir()):
        unlock = [*base, "--cores", "1", "--unlock", "--quiet", "all"]
        subprocess.run(unlock, cwd=folder, env=environment, check=False, capture_output=True)
    command = [*base, *arguments]
    ending = _Ending()
    # handled from before the child is there: it would inherit that SIGINT is ignored, but not that it is handled
    with (
        on_ending(ending.note),
        subprocess.Popen(command, cwd=folder, env=environment, pass_fds=[lock], stdout=output, stderr=errors or output) as process,
    ):
        while True:
            try:
                status = process.wait(timeout=1)
                return INTERRUPTED if ending.due else status
            except subprocess.TimeoutExpired:
                ending.pass_on()
                if tick:
                    tick()


class _Ending:
    """A signal to end, for the processes below this one, which Ctrl-C and a closed terminal reach too, but nothing that is sent."""

    GRACE = 5.0
    """Seconds for those that a signal has reached already; a second one would disturb them."""

    def __init__(self) -> None:
        self.due = 0.0
        self._passed_on = False

    def note(self, number: int) -> None:
        self.due = self.due or time.monotonic() + (0.0 if number == signal.SIGTERM else self.GRACE)

    def pass_on(self) -> None:
        """Interrupt them, once, when it is time; on SIGTERM, Snakemake itself would wait for the running jobs."""
        if self.due and not self._passed_on and time.monotonic() >= self.due:
            self._passed_on = True
            _interrupt_children()


def _interrupt_children() -> None:
    """What Ctrl-C in a terminal does for these processes. Kernels are not in its group: each run ends its own."""
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


def idle(options: Sequence[str]) -> bool:
    """Whether options let Snakemake do something else than its work: tell what it would do, draw it, tidy up, stop half-way."""
    if not options:
        return False
    from snakemake.cli import get_argument_parser

    parser = get_argument_parser()
    try:
        with contextlib.redirect_stderr(io.StringIO()):
            given, _ = parser.parse_known_args(list(options))
    except SystemExit:  # wrong options, or --help: Snakemake itself says it best
        return False
    return any(value != parser.get_default(name) for name, value in vars(given).items() if IDLE.fullmatch(name))
