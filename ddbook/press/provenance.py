"""What computed a run: code, packages, machine, parameters. The record that makes a figure believable."""

from __future__ import annotations

import hashlib
import importlib.metadata
import os
import platform
import shlex
import subprocess
import sys
from pathlib import Path
from typing import Any

from pydantic import BaseModel

import ddbook
from ddbook.press.execute import State
from ddbook.press.git import Git, git
from ddbook.press.project import visible

PACKAGES_ROOT = Path(ddbook.__file__).parents[1]
"""The folder that holds the packages ddlib and ddbook."""
PACKAGES = (
    "torch",
    "numpy",
    "scipy",
    "scikit-learn",
    "pandas",
    "matplotlib",
    "pgmpy",
    "deepxde",
    "papermill",
    "nbclient",
    "ipykernel",
)


RUNNER = {"__init__", "execute", "git", "kernel", "launch", "locks", "overlay", "parameters", "private", "profiles", "project"}
RUNNER |= {"provenance", "record", "run", "signals", "surroundings"}
"""Files of ``ddbook.press`` on which a run depends; the others make pages, verdicts and sweeps from runs, or start them."""


class Hardware(BaseModel):
    """The machine. GPU, driver and CUDA are None where torch sees no GPU."""

    cpu: str
    cores: int
    memory_bytes: int
    gpu: str | None
    driver: str | None
    cuda: str | None
    os: str


class Failure(BaseModel):
    """Where and why a run ended early.

    Attributes:
        cell: position of the cell among all, from 1; 0 if none had started.
        cells: how many there are.
        heading: the heading above the cell.
        line: the first line of its code.
        error: type and message.
        notebook: the notebook as far as it ran.
    """

    cell: int
    cells: int
    heading: str
    line: str
    error: str
    notebook: str


class Run(BaseModel):
    """The record of a run: ``run.json`` if it finished, ``run.failed.json`` otherwise."""

    state: State
    notebook: str
    profile: str | None
    parameters: dict[str, Any]
    seeds: list[int]
    command: str
    git: Git
    ddlib_version: str
    ddlib_sha256: str
    notebook_sha256: str
    versions: dict[str, str]
    hardware: Hardware
    environment: dict[str, str]
    started: str
    wall_seconds: float
    peak_memory_bytes: int
    peak_gpu_memory_bytes: int | None = None
    failure: Failure | None = None


def describe(notebook: Path, root: Path, profile: str | None, parameters: dict[str, Any], given: dict[str, Any]) -> dict[str, Any]:
    """The fields of a record that are known before the run; read then, because files may be edited while it lasts."""
    name = str(notebook.relative_to(root)) if notebook.is_relative_to(root) else str(notebook)
    return {
        "notebook": name,
        "profile": profile,
        "parameters": parameters,
        "seeds": seeds(parameters),
        "command": command(name, profile, given),
        "git": git(root),
        "ddlib_version": importlib.metadata.version("ddlib"),
        "ddlib_sha256": hash_library(),
        "notebook_sha256": hash_files([notebook]),
        "versions": versions(),
    }


def seeds(parameters: dict[str, Any]) -> list[int]:
    """The values of the parameters whose name says that they are seeds."""
    found = [value for name, value in parameters.items() if name in ("seed", "seeds") or name.endswith(("_seed", "_seeds"))]
    return [seed for value in found for seed in (value if isinstance(value, list) else [value]) if isinstance(seed, int)]


def command(notebook: str, profile: str | None, given: dict[str, Any]) -> str:
    """The line that runs a notebook again with the same parameters."""
    words = ["ddbook", "run", notebook] + (["--profile", profile] if profile else [])
    for name, value in given.items():
        words += ["-p", f"{name}={value}"]
    return shlex.join(words)


def hash_files(paths: list[Path]) -> str:
    """One sha256 over the contents of files, in the order given."""
    digest = hashlib.sha256()
    for path in paths:
        digest.update(hashlib.sha256(path.read_bytes()).digest())
    return digest.hexdigest()


def run_sources(root: Path) -> list[Path]:
    """The files of library and study on which a run can depend: all but those of the press that are not its runner's.

    Args:
        root: the folder that holds the packages ddlib and ddbook.
    """
    press = root / "ddbook" / "press"
    return [path for path in code_files(root) if press not in path.parents or (path.parent == press and path.stem in RUNNER)]


def code_files(root: Path) -> list[Path]:
    """The source of library and study, in a fixed order."""
    return [path for room in ("ddlib", "ddbook") for path in visible((root / room).rglob("*.py"), root)]


def hash_library() -> str:
    """The sha256 of the source of ddlib and ddbook, whether it is under version control or not."""
    return hash_files(code_files(PACKAGES_ROOT))


def versions() -> dict[str, str]:
    """Python and the packages that figures depend on, where installed."""
    found = {"python": platform.python_version()}
    for name in PACKAGES:
        try:
            found[name] = importlib.metadata.version(name)
        except importlib.metadata.PackageNotFoundError:
            continue
    return found


def hardware() -> Hardware:
    """Processor, memory and, if torch sees one, the GPU."""
    import psutil
    import torch

    has_gpu = torch.cuda.is_available()
    return Hardware(
        cpu=f"{_processor()}, {os.cpu_count()} cores",
        cores=os.cpu_count() or 1,
        memory_bytes=psutil.virtual_memory().total,
        gpu=torch.cuda.get_device_name() if has_gpu else None,
        driver=_driver() if has_gpu else None,
        cuda=torch.version.cuda if has_gpu else None,
        os=platform.platform(),
    )


def _processor() -> str:
    """The processor's name; Python alone knows only the architecture on Linux."""
    information = Path("/proc/cpuinfo")
    if information.exists():
        for line in information.read_text(errors="replace").splitlines():
            if line.startswith("model name"):
                return line.partition(":")[2].strip()
    if sys.platform == "darwin":
        return subprocess.run(
            ["sysctl", "-n", "machdep.cpu.brand_string"], capture_output=True, text=True, check=False
        ).stdout.strip()
    return platform.processor() or platform.machine()


def _driver() -> str | None:
    query = ["nvidia-smi", "--query-gpu=driver_version", "--format=csv,noheader"]
    try:
        lines = subprocess.run(query, capture_output=True, text=True, check=True).stdout.split()
    except (OSError, subprocess.CalledProcessError):
        return None
    return lines[0] if lines else None
