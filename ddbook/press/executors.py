"""Who executes the runs of a sweep: cores of this machine, a Slurm queue, or any other executor plugin of Snakemake."""

from __future__ import annotations

import contextlib
import importlib.util
import subprocess
import time
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from pathlib import Path

from ddbook.press.aside import MARK
from ddbook.press.locks import Held, locked
from ddlib.files import InputError

# A run.json is there whole or not at all: it is never "incomplete", also when Snakemake was killed before it saw it. Whether it is
# up to date, its time says alone, so that we and Snakemake cannot differ.
COMMON = ["--keep-going", "--ignore-incomplete", "--rerun-triggers", "mtime", "--max-checksum-file-size", "0", "--nocolor"]


@dataclass(frozen=True)
class Executor:
    """How runs are distributed.

    Attributes:
        name: ``local``, or an executor plugin of Snakemake such as ``slurm``.
        width: how many runs go side by side: cores of this machine, or jobs in a queue.
        options: more options for Snakemake.

    Raises:
        InputError: if there is no such plugin, or no run could go.
    """

    name: str = "local"
    width: int = 1
    options: Sequence[str] = ()

    def __post_init__(self) -> None:
        if self.width < 1:
            raise InputError(f"{self.width} runs side by side are none: give --cores or --jobs 1 or more")
        plugin = f"snakemake_executor_plugin_{self.name.replace('-', '_')}"
        if not self.local and importlib.util.find_spec(plugin) is None:
            package = "'ddbook[cluster]'" if self.name == "slurm" else plugin.replace("_", "-")
            raise InputError(
                f"there is no executor {self.name!r} here: install its plugin, pip install {package}, or drop --executor"
            )

    @property
    def local(self) -> bool:
        """Whether runs stay on this machine."""
        return self.name == "local"

    def arguments(self, prefix: str) -> list[str]:
        """Snakemake's options; in a Slurm queue, the names of jobs start with the prefix."""
        if self.local:
            return [*COMMON, "--cores", str(self.width), "--resources", "gpu=1", *self.options]
        remote = [*COMMON, "--executor", self.name, "--jobs", str(self.width), "--latency-wait", "60"]
        if self.name != "slurm":
            return [*remote, *self.options]
        # sacct, the plugin's first choice, is waited for without end on a cluster that keeps no accounts
        return [*remote, "--slurm-status-command", "squeue", *self.options, "--slurm-jobname-prefix", prefix]

    def wait_for_earlier(self, folder: Path, prefix: str, say: Callable[[str], None]) -> None:
        """Wait for runs that outlived a Snakemake that was killed: started again beside them, each would be done twice.

        Args:
            folder: where the folders of the runs are.
            prefix: how the names of their jobs in a Slurm queue start.
            say: called with a line of text.

        Raises:
            InputError: if the queue cannot be asked.
        """
        said = 0
        while going := self._queued(prefix) or _held(folder):
            if going != said:
                say(f"Waiting for {going} {'run' if going == 1 else 'runs'} of this sweep that an earlier command has started")
            said = going
            time.sleep(1)

    def _queued(self, prefix: str) -> int:
        """How many jobs of the sweep wait or run in a Slurm queue, if there is one."""
        try:
            command = ["squeue", "--noheader", "--format=%j"]
            asked = subprocess.run(command, capture_output=True, text=True, check=True, timeout=60)
        except (OSError, subprocess.SubprocessError) as error:
            if self.name != "slurm":
                return 0
            reason = (getattr(error, "stderr", "") or str(error)).strip()
            raise InputError(f"squeue does not answer ({reason}): give the command where jobs can be submitted") from None
        return sum(name.startswith(f"{prefix}_") for name in asked.stdout.split())


def _held(folder: Path) -> int:
    """How many runs have their folder locked. Asked only while the queue is empty: a run that starts must not find our lock."""
    held = 0
    for path in folder.glob(f"*/{MARK}"):
        with contextlib.suppress(OSError):
            try:
                with locked(path):
                    pass
            except Held:
                held += 1
    return held
