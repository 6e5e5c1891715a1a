"""Where the project is, and what of it is committed."""

from __future__ import annotations

from pathlib import Path

REFERENCE = "reference"
"""The folder of the project with the results that are committed."""


def project_root(start: Path | None = None) -> Path:
    """The nearest folder at or above ``start`` (the working directory) with a pyproject.toml; without one, ``start`` itself."""
    here = (start or Path.cwd()).resolve()
    return next((folder for folder in (here, *here.parents) if (folder / "pyproject.toml").exists()), here)
