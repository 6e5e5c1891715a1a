"""Files that are there whole or not at all, and where the project is."""

from __future__ import annotations

import json
import os
import tempfile
from pathlib import Path
from typing import Any

REFERENCE = "reference"
"""The folder of the project with the results that are committed."""


class InputError(ValueError):
    """What the user asked for cannot be done; the message is one sentence that says what is wrong and how to mend it."""


def write_atomically(path: Path, content: str | bytes) -> None:
    """Write a file so that a reader, or a crash, sees the old content or the new one, never a part."""
    path.parent.mkdir(parents=True, exist_ok=True)
    data = content.encode() if isinstance(content, str) else content
    handle, name = tempfile.mkstemp(dir=path.parent, prefix=f".{path.name}.")
    try:
        with os.fdopen(handle, "wb") as stream:
            stream.write(data)
            stream.flush()
            os.fsync(stream.fileno())
        Path(name).chmod(0o644)
        Path(name).replace(path)
    except BaseException:
        Path(name).unlink(missing_ok=True)
        raise


def write_json(path: Path, value: Any) -> None:
    """Write JSON atomically; numbers that are not finite become null, which every JSON reader knows."""
    write_atomically(path, json.dumps(finite(value), indent=2, ensure_ascii=False) + "\n")


def finite(value: Any) -> Any:
    """A value for JSON, in which every number that is not finite has become None."""
    if isinstance(value, dict):
        return {key: finite(item) for key, item in value.items()}
    if isinstance(value, list | tuple):
        return [finite(item) for item in value]
    if isinstance(value, float) and not abs(value) < float("inf"):
        return None
    return value


def project_root(start: Path | None = None) -> Path:
    """The nearest folder at or above ``start`` (the working directory) with a pyproject.toml; without one, ``start`` itself."""
    here = (start or Path.cwd()).resolve()
    return next((folder for folder in (here, *here.parents) if (folder / "pyproject.toml").exists()), here)
