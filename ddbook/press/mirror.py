"""A folder made equal to another one by content: what is the same stays untouched, so that its time says when it last changed."""

from __future__ import annotations

import filecmp
import os
import shutil
from pathlib import Path


def mirror(new: Path, target: Path) -> None:
    """Make a folder equal to a new one, whose files are moved; each file has the old content or the new one at any time.

    Args:
        new: the folder as it shall be, on the same file system; it is used up.
        target: the folder to change; it need not exist.
    """
    target.mkdir(parents=True, exist_ok=True)
    wanted = {path.relative_to(new): path for path in sorted(new.rglob("*"))}
    for path in sorted(target.rglob("*"), reverse=True):  # what is in a folder before the folder
        known = wanted.get(path.relative_to(target))
        if known is None or known.is_dir() != path.is_dir() or path.is_symlink():
            shutil.rmtree(path) if path.is_dir() and not path.is_symlink() else path.unlink()
    for name, path in wanted.items():
        there = target / name
        if path.is_dir():
            there.mkdir(exist_ok=True)
        elif not there.exists() or not filecmp.cmp(path, there, shallow=False):
            os.utime(path)  # changed now, whenever its content was written
            path.replace(there)
