"""Where the project is, and what of it is committed."""

from __future__ import annotations

from collections.abc import Iterable
from pathlib import Path

REFERENCE = "reference"
"""The folder of the project with the results that are committed."""


def project_root(start: Path | None = None) -> Path:
    """The nearest folder at or above ``start`` (the working directory) with a pyproject.toml; without one, ``start`` itself."""
    here = (start or Path.cwd()).resolve()
    return next((folder for folder in (here, *here.parents) if (folder / "pyproject.toml").exists()), here)


def visible(paths: Iterable[Path], below: Path) -> list[Path]:
    """Those of the paths that are files of the project, sorted.

    Not what editors, systems and Python leave beside them: below the given folder, no name may start with a dot, or be that of a
    cache.
    """
    kept = []
    for path in paths:
        names = path.relative_to(below).parts
        if not any(name.startswith(".") or name == "__pycache__" for name in names) and path.is_file():
            kept.append(path)
    return sorted(kept)
