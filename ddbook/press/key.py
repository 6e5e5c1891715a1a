"""The key of a run: what its results follow from. Two runs with the same key have the same results."""

from __future__ import annotations

from collections.abc import Mapping
from functools import lru_cache
from pathlib import Path
from typing import Any, NamedTuple

import nbformat

from ddbook.press.digests import digest
from ddbook.press.reach import Code, plain

RUNNERS = ("papermill", "nbclient", "ipykernel")
"""Packages that a record lists although no result depends on their version."""

RUNNING = "from ddbook.press import launch, surroundings\n(launch.RunKernel, surroundings.fixed, surroundings.surroundings)"
"""What every run reaches besides its cells: the kernel and the variables in which it computes."""
KEYING = (
    "annotations",
    "canonical",
    "device",
    "digests",
    "disturbed",
    "inputs",
    "key",
    "machine",
    "parameters",
    "places",
    "project",
    "reach",
    "remembered",
    "snapshot",
    "state",
)
"""Files and folders of ``ddbook.press`` that the recorder reaches and no result follows from: they find out what is fresh."""


class Basis(NamedTuple):
    """What the results of a run follow from, the files that it reads apart: these are known only afterwards.

    Attributes:
        cells: digest of the notebook's code cells but that of the parameters, without comments and formatting.
        code: digest of what the cells reach of each file of the project.
        parameters: all parameters, with their values.
        versions: of Python and the packages that compute.
    """

    cells: str
    code: dict[str, str]
    parameters: dict[str, Any]
    versions: dict[str, str]

    @property
    def key(self) -> str:
        """One SHA-256 over everything."""
        return digest(self._asdict())


def basis(notebook: Path, parameters: Mapping[str, Any], versions: Mapping[str, str], code: Code) -> Basis:
    """What a run of a notebook would follow from.

    Args:
        notebook: the notebook.
        parameters: all parameters of the run.
        versions: of the packages that are installed.
        code: the code of the project.

    Raises:
        InputError: if the code of a cell, or code that it reaches, is not Python.
    """
    cells = tuple(code_cells(notebook))
    return Basis(digest([plain(cell) for cell in cells]), dict(_reached(code, cells)), dict(parameters), computing(versions))


@lru_cache(maxsize=64)
def _reached(code: Code, cells: tuple[str, ...]) -> dict[str, str]:
    """What cells reach of the code from which results follow; the same for all profiles, and asked for often."""
    return {name: content for name, content in code.reached_by_cells([*cells, RUNNING]).items() if not _is_keying(name)}


def _is_keying(name: str) -> bool:
    if name == "ddbook/kit/ranges.py":  # the words of the parameters' types
        return True
    folder, _, rest = name.partition("press/")
    return folder == "ddbook/" and rest.partition("/")[0].removesuffix(".py") in KEYING


def computing(versions: Mapping[str, str]) -> dict[str, str]:
    """Those versions on which a result can depend."""
    return {name: version for name, version in versions.items() if name not in RUNNERS}


def code_cells(notebook: Path) -> list[str]:
    """The code of a notebook, without the cells that hold parameters."""
    given = {"parameters", "injected-parameters"}
    cells = nbformat.read(notebook, as_version=4).cells
    return [cell.source for cell in cells if cell.cell_type == "code" and not given & set(cell.metadata.get("tags", []))]


def differences(before: Basis, now: Basis) -> list[str]:
    """What has changed, each in a few words; files of code first."""
    changed = ["the notebook's code"] if before.cells != now.cells else []
    changed += [name for name in sorted({**before.code, **now.code}) if before.code.get(name) != now.code.get(name)]
    changed += [f"{name} = {is_now!r} instead of {was!r}" for name, is_now, was in _unequal(now.parameters, before.parameters)]
    versions = _unequal(now.versions, before.versions)
    return changed + [f"{name} {is_now or 'missing'} instead of {was or 'none'}" for name, is_now, was in versions]


def _unequal(now: Mapping[str, Any], before: Mapping[str, Any]) -> list[tuple[str, Any, Any]]:
    return [(name, now.get(name), before.get(name)) for name in {**now, **before} if now.get(name) != before.get(name)]
