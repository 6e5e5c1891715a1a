"""What a run was computed on: processor, memory, accelerator, and the versions of what computes."""

from __future__ import annotations

import importlib.metadata
import os
import platform
import subprocess
import sys
from functools import cache
from pathlib import Path

from pydantic import BaseModel

PACKAGES = (
    "torch",
    "numpy",
    "scipy",
    "scikit-learn",
    "pandas",
    "matplotlib",
    "pgmpy",
    "deepxde",
    "nevergrad",
    "papermill",
    "nbclient",
    "ipykernel",
)


class Hardware(BaseModel):
    """The machine. GPU, driver and CUDA are None where torch sees no GPU."""

    cpu: str
    cores: int
    memory_bytes: int
    gpu: str | None
    driver: str | None
    cuda: str | None
    os: str


def versions() -> dict[str, str]:
    """Python and the packages that figures depend on, where installed."""
    return dict(_versions())


@cache
def _versions() -> dict[str, str]:
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
        cpu=f"{processor()}, {os.cpu_count()} cores",
        cores=os.cpu_count() or 1,
        memory_bytes=psutil.virtual_memory().total,
        gpu=torch.cuda.get_device_name() if has_gpu else None,
        driver=_driver() if has_gpu else None,
        cuda=torch.version.cuda if has_gpu else None,
        os=platform.platform(),
    )


def processor() -> str:
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
