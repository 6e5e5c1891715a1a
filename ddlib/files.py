"""Files that are written whole or not at all, and read with one clear sentence where they cannot be."""

from __future__ import annotations

import json
import os
import tempfile
from pathlib import Path
from typing import Any

__all__ = ["InputError", "finite", "read_yaml", "tail", "write_atomically", "write_json"]


class InputError(ValueError):
    """What the user asked for cannot be done; the message is one sentence that says what is wrong and how to mend it.

    >>> raise InputError("there is no file a.csv: give the path of a table")
    Traceback (most recent call last):
        ...
    ddlib.files.InputError: there is no file a.csv: give the path of a table
    """


def write_atomically(path: Path, content: str | bytes) -> None:
    """Write a file so that a reader, or a crash, sees the old content or the new one, never a part.

    >>> with tempfile.TemporaryDirectory() as folder:
    ...     write_atomically(Path(folder) / "new" / "note.txt", "whole or not at all")
    ...     (Path(folder) / "new" / "note.txt").read_text()
    'whole or not at all'
    """
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
    """Write JSON atomically; numbers that are not finite become null, which every JSON reader knows.

    >>> with tempfile.TemporaryDirectory() as folder:
    ...     write_json(Path(folder) / "run.json", {"risk": float("nan")})
    ...     json.loads((Path(folder) / "run.json").read_text())
    {'risk': None}
    """
    write_atomically(path, json.dumps(finite(value), indent=2, ensure_ascii=False) + "\n")


def finite(value: Any) -> Any:
    """A value for JSON, in which every number that is not finite has become None.

    >>> finite({"risk": [0.5, float("inf")], "name": "ridge"})
    {'risk': [0.5, None], 'name': 'ridge'}
    """
    if isinstance(value, dict):
        return {key: finite(item) for key, item in value.items()}
    if isinstance(value, list | tuple):
        return [finite(item) for item in value]
    if isinstance(value, float) and not abs(value) < float("inf"):
        return None
    return value


def read_yaml(path: Path) -> Any:
    """The content of a file that exists, by the core rules of YAML 1.2 (:mod:`ddlib.yaml12`): 010 is 10, and ``no`` is a text.

    Raises:
        InputError: if it is not YAML, gives a key twice, or cannot be read.

    >>> with tempfile.TemporaryDirectory() as folder:
    ...     path = Path(folder) / "noise.yml"
    ...     write_atomically(path, "hb: 0.4")
    ...     read_yaml(path)
    {'hb': 0.4}
    """
    from ddlib import yaml12

    try:
        return yaml12.load(path.read_text(encoding="utf-8"))
    except yaml12.NotYamlError as error:
        if error.reason:
            raise InputError(f"{path}, line {error.line}: {error.reason}") from None
        raise InputError(f"{path} is not YAML: see its line {error.line}") from None
    except (UnicodeDecodeError, PermissionError, RecursionError) as error:
        raise InputError(f"{path} cannot be read ({type(error).__name__}): write it anew") from None


def tail(path: Path, count: int) -> list[str]:
    r"""The last lines of a text that are not empty; none of a file that is not there.

    >>> with tempfile.TemporaryDirectory() as folder:
    ...     write_atomically(Path(folder) / "run.log", "one\ntwo\n\nthree\n")
    ...     tail(Path(folder) / "run.log", 2)
    ['two', 'three']
    """
    try:
        lines = path.read_text(encoding="utf-8", errors="replace").splitlines()
    except OSError:
        return []
    return [line for line in lines if line.strip()][-count:]
