"""The code of a run, set aside under its checksum: what a run imports is what its key was computed from, whatever is edited since.

A folder that is named after its content also has fresh bytecode: Python itself trusts file times and sizes.
"""

from __future__ import annotations

import contextlib
import hashlib
import io
import json
import shutil
import subprocess
import tarfile
import tempfile
from collections.abc import Iterator
from pathlib import Path

import ddbook
from ddbook.press.locks import Held, locked
from ddlib.files import InputError

PACKAGES_ROOT = Path(ddbook.__file__).parents[1]
"""The folder that holds the packages ddlib and ddbook."""
ROOMS = ("ddlib", "ddbook")
FOLDER = Path("_build", "code")
"""Where snapshots lie, below the project."""
SPARE = 3
"""So many snapshots stay that no run names: their bytecode saves seconds when an edit is taken back."""


def code_files(folder: Path) -> list[Path]:
    """The files of library and study in a fixed order; hidden files and bytecode are no code.

    Args:
        folder: the folder that holds the packages.
    """
    files = [path for room in ROOMS for path in sorted((folder / room).rglob("*")) if path.is_file()]
    return [path for path in files if not any(_is_foreign(name) for name in path.relative_to(folder).parts)]


def _is_foreign(name: str) -> bool:
    return name.startswith(".") or name == "__pycache__" or name.endswith((".pyc", ".egg-info", "~"))


def checksum(folder: Path) -> str:
    """The SHA-256 of the code in a folder: of the names of its files and their contents."""
    digest = hashlib.sha256()
    for path in code_files(folder):
        digest.update(f"{path.relative_to(folder).as_posix()}\0{hashlib.sha256(path.read_bytes()).hexdigest()}\n".encode())
    return digest.hexdigest()


@contextlib.contextmanager
def snapshot(root: Path, source: Path | None = None) -> Iterator[Path]:
    """A folder with the code as it is now; it stays as long as it is held, and as long as a run names it.

    Args:
        root: the project.
        source: the folder that holds the packages; by default that of the packages which run.

    Yields:
        The folder, named after the first digits of its checksum.
    """
    home = root / FOLDER
    home.mkdir(parents=True, exist_ok=True)
    with contextlib.ExitStack() as stack:
        scratch = Path(stack.enter_context(tempfile.TemporaryDirectory(prefix=".new-", dir=home)))
        copy = scratch / "code"
        _copy(source or PACKAGES_ROOT, copy)
        target = place(root, checksum(copy))
        stack.enter_context(locked(_lock(target), shared=True))
        if not target.exists() or checksum(target) != checksum(copy):
            shutil.rmtree(target, ignore_errors=True)
            with contextlib.suppress(OSError):  # another run was as fast, and has put the same there
                copy.rename(target)
        _prune(home)
        yield target


def require_own(root: Path) -> None:
    """Refuse to work on a project with the code of another one, as a copied environment does.

    Raises:
        InputError: if the project has the packages, and those that run lie elsewhere.
    """
    if (root / "ddbook" / "__init__.py").exists() and PACKAGES_ROOT.resolve() != root.resolve():
        raise InputError(
            f"the code that runs is that of {PACKAGES_ROOT}, not of the project {root}: use its own environment, "
            "which make book makes there; delete one that was copied"
        )


def place(root: Path, code_sha256: str) -> Path:
    """Where the snapshot with a checksum lies, if it is still there."""
    return root / FOLDER / code_sha256[:16]


@contextlib.contextmanager
def committed(root: Path, commit: str) -> Iterator[Path]:
    """A snapshot of the code that a commit of the project holds.

    Raises:
        InputError: if the repository does not have it.
    """
    done = subprocess.run(["git", "archive", "--format=tar", commit, *ROOMS], cwd=root, capture_output=True, check=False)
    if done.returncode != 0:
        raise InputError(
            f"the repository has no code of the commit {commit[:12]}: fetch its whole history with git fetch --unshallow"
        )
    with tempfile.TemporaryDirectory(prefix="ddlib-") as scratch:
        with tarfile.open(fileobj=io.BytesIO(done.stdout)) as archive:
            archive.extractall(scratch, filter="data")
        with snapshot(root, Path(scratch)) as folder:
            yield folder


def _copy(source: Path, target: Path) -> None:
    for path in code_files(source):
        copy = target / path.relative_to(source)
        copy.parent.mkdir(parents=True, exist_ok=True)
        shutil.copyfile(path, copy)


def _lock(target: Path) -> Path:
    return target.with_name(f"{target.name}.lock")


def _prune(home: Path) -> None:
    """Remove snapshots that no run names and nobody holds, but for the newest."""
    named = {name for path in home.parent.glob("*/runs/*/run.json") if (name := _named(path))}
    spare = [path for path in home.iterdir() if path.is_dir() and not path.name.startswith(".") and path.name not in named]
    for old in sorted(spare, key=lambda path: path.stat().st_mtime)[:-SPARE]:
        with contextlib.suppress(Held, OSError), locked(_lock(old)):
            shutil.rmtree(old)


def _named(record: Path) -> str:
    with contextlib.suppress(OSError, ValueError, AttributeError):
        return str(json.loads(record.read_bytes()).get("code_sha256", ""))[:16]
    return ""
