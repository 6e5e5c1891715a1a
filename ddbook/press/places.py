"""How the files that a run reads are called in its record, and which of them count."""

from __future__ import annotations

import os
import site
import sys
import sysconfig
import tempfile
from pathlib import Path

from ddbook.press.snapshot import PACKAGES_ROOT, ROOMS

DATA_FOLDER = "DDLIB_DATA_DIR"
"""As in :mod:`ddlib.datasets`, which is too much to import for a notebook that reads nothing."""
CACHES = (
    "XDG_CACHE_HOME",
    "XDG_CONFIG_HOME",
    "MPLCONFIGDIR",
    "IPYTHONDIR",
    "JUPYTER_CONFIG_DIR",
    "TORCH_HOME",
    "TORCHINDUCTOR_CACHE_DIR",
    "TRITON_CACHE_DIR",
)
"""Environment variables that name folders in which programs keep things for themselves."""
SYSTEM = ("/proc", "/sys", "/dev", "/etc", "/usr", "/lib", "/var/cache", "/System", "/Library")
OF_PROGRAMS = (".cache", ".config", ".ipython", ".jupyter", ".matplotlib", ".fonts", ".local/share", ".triton", "Library")
"""Below the user's home."""
MADE_HERE = (".git", "_build/code", "_build/kept")
"""Below the project: made from what has a key of its own."""


def ways(path: str | Path) -> set[str]:
    """A path as it was given, and as links lead: these may come to lead elsewhere."""
    return {os.path.abspath(path), os.path.realpath(path)}  # noqa: PTH100 - resolve follows links


def places_of(folder: Path, root: Path) -> list[tuple[str, str | None]]:
    """Folders with the name that their files begin with, or None where nothing counts; those inside others first."""
    home = Path.home()
    installed = [sys.prefix, sys.base_prefix, *site.getsitepackages(), site.getusersitepackages(), *sysconfig.get_paths().values()]
    ignored: list[str | Path] = [*SYSTEM, *installed, tempfile.gettempdir(), folder, *(home / name for name in OF_PROGRAMS)]
    ignored += [root / name for name in MADE_HERE] + [os.environ[name] for name in CACHES if os.environ.get(name)]
    labelled: list[tuple[str | Path, str | None]] = [(os.sep, os.sep), (home, "~/"), *((path, None) for path in ignored)]
    if os.environ.get(DATA_FOLDER):
        labelled.append((Path(os.environ[DATA_FOLDER]).expanduser(), f"${DATA_FOLDER}/"))
    labelled += [*((PACKAGES_ROOT / room, f"{room}/") for room in ROOMS), (root, "")]
    labels = {way: label for path, label in labelled for way in ways(path)}
    return sorted(labels.items(), key=lambda place: -len(place[0]))


def name_of(path: str, places: list[tuple[str, str | None]]) -> str | None:
    """How a file is called in the record; None if it does not count."""
    start, label = next((place, label) for place, label in places if path.startswith(place.rstrip(os.sep) + os.sep))
    return None if label is None else label + os.path.relpath(path, start).replace(os.sep, "/")
