"""Which files a run reads: noted in its kernel as they are opened, so that a run is known to be stale when its data change.

Python's audit hook sees whatever Python itself opens or lists, and databases of SQLite. It does not see what another process
opens, nor what a library in C or C++ opens by a path, as pyarrow and HDF5 do: hand such a library an open file.
"""

from __future__ import annotations

import contextlib
import hashlib
import importlib
import importlib.util
import inspect
import json
import linecache
import os
import pkgutil
import stat
import sys
import threading
import tokenize
from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import Any

from ddbook.press.places import DATA_FOLDER, name_of, places_of, ways
from ddbook.press.project import project_root
from ddbook.press.snapshot import PACKAGES_ROOT, ROOMS
from ddlib.files import InputError, write_json

INPUTS = "inputs.json"
"""The file in a run's folder with what the run read."""
NOT_AVAILABLE = "not available"
"""Stands in place of a hash for a file or data set that a run looked for in vain."""
BINARY = (".so", ".pyd")
"""Endings of what is installed."""
IMPORTING = ("<frozen importlib", "<frozen zipimport", str(Path(importlib.__file__).parent), pkgutil.__file__)
"""How the names of the files begin whose code looks for modules."""
SHOWING = (linecache.__file__, tokenize.__file__, inspect.__file__)
"""The files whose code reads source to show it."""


def watch(folder: Path) -> None:
    """From now on note every file that this process opens to read, in ``inputs.json`` of a run's folder.

    Folders that it lists are noted too, and files of the project and of the data that it looks for in vain. Not noted are code, the
    installation of Python, the system, temporary files, the caches of programs, the run's own folder, what the process has written
    itself, and what is made from other inputs (kept computations, and the reference under a figure, which is noted as drawn over).
    Tables of :mod:`ddlib.datasets` are noted wherever they lie, under their name; those that are missing too.

    Args:
        folder: the run's.
    """
    global _watching
    _watching = _Watch(folder)
    sys.addaudithook(_watching)


def opened() -> list[str]:
    """The names of all inputs in the order in which this process has opened, listed or looked for them so far, each time."""
    return list(_watching.opened) if _watching else []


@contextlib.contextmanager
def unnoted() -> Iterator[None]:
    """Nothing that this thread reads is noted: for what finds out whether there is anything to compute."""
    before, _quiet.on = getattr(_quiet, "on", False), True
    try:
        yield
    finally:
        _quiet.on = before


def read_inputs(folder: Path) -> dict[str, str]:
    """What a run has read: for each file its SHA-256 when it was first opened; nothing for a run that was not watched.

    Files of the project are named by their path in it and tables of :mod:`ddlib.datasets` by their name; what was looked for in
    vain is ``not available``. A folder, whose name ends with a slash, has the SHA-256 of the names in it.

    Raises:
        InputError: if the file is not what :func:`watch` writes.
    """
    path = folder / INPUTS
    if not path.exists():
        return {}
    with contextlib.suppress(ValueError, OSError):
        inputs = json.loads(path.read_bytes())
        if isinstance(inputs, dict) and all(isinstance(value, str) for value in inputs.values()):
            return inputs
    raise InputError(f"{path} does not say what the run has read: run the chapter again")


def changed(inputs: Mapping[str, str], root: Path | None = None) -> list[str]:
    """The inputs that are not what they were: with other content, gone, or there where the run looked for them in vain.

    A table of :mod:`ddlib.datasets` may have moved to another source, or be gone: whoever reads it gets the same table or none.

    Args:
        inputs: as of :func:`read_inputs`.
        root: the folder of the project; by default that of the working directory.
    """
    root = project_root() if root is None else root
    return [name for name, before in inputs.items() if not _unchanged(name, before, root)]


def _unchanged(name: str, before: str, root: Path) -> bool:
    now = _listing(_path(name, root)) if name.endswith("/") else _sha256(_path(name, root))
    if now is not None:
        return now == before
    if os.environ.get(DATA_FOLDER) and _sha256(Path(os.environ[DATA_FOLDER]).expanduser() / name.rpartition(": ")[2]) == before:
        return True  # a table of a data set lies where it is looked for first
    from ddlib import datasets  # imports torch
    from ddlib.datasets import release

    if name.startswith(release.INPUT):
        path = release.release_at_hand(name.removeprefix(release.INPUT))
        return path is None or _sha256(path) == before
    tables = [table for table in datasets.PINNED if name in (table.name, table.dataset)]
    places = [datasets.at_hand(table) for table in tables]
    if before == NOT_AVAILABLE:
        return not tables or None in places
    return bool(tables) and all(
        path is None or _sha256(path) in (before, table.remote.sha256, *([table.packaged.sha256] if table.packaged else []))
        for table, path in zip(tables, places, strict=True)
    )


def _path(name: str, root: Path) -> Path:
    """The file of that name; paths that are not in the project are absolute."""
    first, _, rest = name.partition("/")
    if first == f"${DATA_FOLDER}":
        return Path(os.environ.get(DATA_FOLDER, root / first)).expanduser() / rest
    return (PACKAGES_ROOT if first in ROOMS else root) / (Path(name).expanduser() if first == "~" else name)


def _listing(path: Path) -> str | None:
    """The SHA-256 of the names in a folder, but for hidden files and what Python has compiled; None if there is none."""
    try:
        names = sorted(one.name for one in path.iterdir() if not one.name.startswith(".") and one.name != "__pycache__")
    except OSError:
        return None
    return hashlib.sha256("\0".join(names).encode(errors="surrogateescape")).hexdigest()


def _sha256(path: Path) -> str | None:
    """Of a regular file; None if there is none that can be read."""
    try:
        if not stat.S_ISREG(path.stat().st_mode):  # to open a pipe would wait for its other end
            return None
        with path.open("rb") as stream:
            return hashlib.file_digest(stream, "sha256").hexdigest()
    except (OSError, ValueError):
        return None


_watching: _Watch | None = None
_quiet = threading.local()


class _Watch:
    """The audit hook: one for a run, in the process that asked for it."""

    def __init__(self, folder: Path) -> None:
        self.file = folder / INPUTS
        self.places = places_of(folder, project_root())
        self.inputs: dict[str, str] = {}
        self.opened: list[str] = []
        self.ours = ways(sys.argv[0])  # what is no input: the program itself, and what it writes
        self.process = os.getpid()
        self.lock = threading.Lock()
        write_json(self.file, self.inputs)

    def __call__(self, event: str, given: tuple[Any, ...]) -> None:
        handle = getattr(self, "_on_" + event.replace(".", "_"), None) if event in EVENTS else None
        if handle is None or os.getpid() != self.process or getattr(_quiet, "on", False):
            return
        asker = sys._getframe(1).f_code.co_filename
        # what is opened below calls this hook again; an error here would forbid the notebook to open its file
        with unnoted(), self.lock, contextlib.suppress(Exception):
            handle(asker, *given)

    def _on_open(self, asker: str, path: Any, mode: Any, flags: int) -> None:
        if isinstance(path, str | bytes):
            path = _source(os.fsdecode(path))
            for place in ways(path):
                self._open(asker, place, flags)

    def _open(self, asker: str, path: str, flags: int) -> None:
        if path in self.ours or path.endswith(BINARY):
            return
        name = name_of(path, self.places)
        new = flags & (os.O_WRONLY | os.O_RDWR) and (flags & os.O_TRUNC or not Path(path).exists())
        if name is None or new:
            self.ours.add(path)
        elif not flags & os.O_WRONLY and not (_is_keyed(name) and asker.startswith((*IMPORTING, *SHOWING))):
            content = self.inputs.get(name) or _sha256(Path(path))
            if content is not None or name[0] not in "~/":
                self._add(name, content or NOT_AVAILABLE)

    def _on_os_rename(self, asker: str, source: Any, target: Any, *_: Any) -> None:
        self.ours |= ways(os.fsdecode(target))  # written under another name

    def _on_os_listdir(self, asker: str, path: Any) -> None:
        if not isinstance(path, int) and not asker.startswith(IMPORTING):
            path = os.path.realpath(os.fsdecode(path or "."))
            content, name = _listing(Path(path)), name_of(path + os.sep, self.places)
            if name and (content is not None or name[0] not in "~/"):
                self._add(f"{name}/", content or NOT_AVAILABLE)

    _on_os_scandir = _on_os_listdir

    def _on_pickle_find_class(self, asker: str, module: str, name: str) -> None:
        """An object of the project that comes out of a file does what the code of its class says, which no cell need mention."""
        place = PACKAGES_ROOT.joinpath(*module.split("."))
        for path in (place / "__init__.py", place.with_name(f"{place.name}.py")):
            if module.split(".")[0] in ROOMS and (content := _sha256(path)):
                self._add(path.relative_to(PACKAGES_ROOT).as_posix(), content)

    def _on_sqlite3_connect(self, asker: str, database: Any) -> None:
        path = os.fsdecode(database).removeprefix("file:").partition("?")[0]
        if Path(path).is_file():  # or it is made now, in memory perhaps
            self._on_open(asker, path, None, os.O_RDONLY)

    def _on_ddbook_reference(self, asker: str, path: str) -> None:
        self.ours |= ways(path)

    def _on_ddlib_datasets_read(self, asker: str, name: str, path: str) -> None:
        self.ours |= ways(path)  # known by its name
        if (content := _sha256(Path(path))) is not None:
            self._add(name, content)

    def _on_ddlib_datasets_missing(self, asker: str, name: str) -> None:
        self._add(name, NOT_AVAILABLE)

    def _add(self, name: str, content: str) -> None:
        self.opened.append(name)
        if name not in self.inputs:
            self.inputs[name] = content
            write_json(self.file, self.inputs)


EVENTS = frozenset(
    {
        *("open", "os.rename", "os.listdir", "os.scandir", "pickle.find_class", "sqlite3.connect"),
        *("ddlib.datasets.read", "ddlib.datasets.missing", "ddbook.reference"),
    }
)


def _is_keyed(name: str) -> bool:
    """Whether a file of the project is code of the packages, which the key holds by what of it is reached."""
    return name.startswith(("ddlib/", "ddbook/")) and name.endswith(".py")


def _source(path: str) -> str:
    """The file from which Python has compiled another, or the file itself."""
    try:
        return importlib.util.source_from_cache(path) if path.endswith(".pyc") else path
    except ValueError:
        return path
