"""What code reaches, remembered on the disk from one command to the next: to read all code takes seconds, each time the same."""

from __future__ import annotations

import contextlib
import json
import os
import sys
from collections.abc import Callable, Sequence
from pathlib import Path

from ddbook.press.digests import digest, sealed, unsealed
from ddbook.press.reach import Code
from ddbook.press.snapshot import checksum
from ddlib.files import write_json

FOLDER = Path("_build", ".cache", "reach")
"""Where it is remembered, below the project."""
MOST = 200
"""So many answers stay, those used last."""


class Remembered(Code):
    """The code of the packages in a folder, which does not change as long as this object lives.

    Args:
        root: the folder that holds the packages.
        project: the project, which keeps the answers.
    """

    def __init__(self, root: Path, project: Path) -> None:
        super().__init__(root)
        self._folder, self._state = project / FOLDER, [checksum(root), sys.version]

    def reached_by_cells(self, cells: Sequence[str]) -> dict[str, str]:
        """As :meth:`Code.reached_by_cells`."""
        return self._recall(["cells", *cells], lambda: super(Remembered, self).reached_by_cells(cells))

    def reached_by(self, module: str, name: str) -> dict[str, str]:
        """As :meth:`Code.reached_by`."""
        return self._recall(["name", module, name], lambda: super(Remembered, self).reached_by(module, name))

    def _recall(self, asked: Sequence[str], find: Callable[[], dict[str, str]]) -> dict[str, str]:
        path = self._folder / f"{digest([*self._state, *asked])}.json"
        with contextlib.suppress(OSError, ValueError):
            known = unsealed(json.loads(path.read_bytes()))
            if known is not None:
                os.utime(path)
                return known
        made = find()
        with contextlib.suppress(OSError):  # a disk that cannot be written to only makes it slower
            write_json(path, sealed(made))
            for old in sorted(self._folder.glob("*.json"), key=lambda one: one.stat().st_mtime)[:-MOST]:
                old.unlink(missing_ok=True)
        return made
