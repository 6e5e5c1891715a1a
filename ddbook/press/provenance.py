"""What computed a run: code, packages, machine, parameters. The record that makes a figure believable."""

from __future__ import annotations

import importlib.metadata
import json
import shlex
from pathlib import Path
from typing import Any

from pydantic import BaseModel

from ddbook.press.digests import sealed, unsealed
from ddbook.press.execute import State
from ddbook.press.git import Git, git
from ddbook.press.key import Basis, computing
from ddbook.press.machine import Hardware
from ddlib.files import finite, write_json


class Failure(BaseModel):
    """Where and why a run ended early.

    Attributes:
        cell: position of the cell among all, from 1; 0 if none had started.
        cells: how many there are.
        heading: the heading above the cell.
        line: the first line of its code.
        error: type and message.
        notebook: the notebook as far as it ran.
    """

    cell: int
    cells: int
    heading: str
    line: str
    error: str
    notebook: str


class Kept(BaseModel):
    """A computation that a run took from an earlier one, or left behind for later ones.

    Attributes:
        function: what was computed.
        key: of its code, arguments, versions and processor.
        computed: when, in UTC.
        seconds: how long that took then.
        peak_memory_bytes: the most memory that its process had held by then.
        replayed: whether an earlier run had computed it.
    """

    function: str
    key: str
    computed: str
    seconds: float
    peak_memory_bytes: int
    replayed: bool


class Accepted(BaseModel):
    """A change of code after which the results were kept, because code before and after it gave the same.

    Attributes:
        why: the reason that a person gave.
        when: in UTC.
        changed: what of the run's basis had changed.
        before: the key until then.
        files: how many files of results were the same with the code before and after.
        apart: what could not be compared, because two runs with the same code differ in more than numbers there.
    """

    why: str
    when: str
    changed: list[str]
    before: str
    files: int
    apart: list[str] = []


class Altered(Exception):
    """What is on the disk is not what a run has recorded; the message says which file."""


class Run(BaseModel):
    """The record of a run: ``run.json`` if it finished, ``run.failed.json`` otherwise.

    Attributes:
        key: SHA-256 over cells, code, parameters and versions (:class:`~ddbook.press.key.Basis`).
        cells, code: see there.
        code_sha256: of all code of library and study, which names its snapshot.
        inputs: SHA-256 of each file that the run read, or what it looked for in vain.
        results: SHA-256 of each file that it left, by its path in the run's folder.
        drawn_over: digests of what of the reference lies under its figures; no part of the key.
        kept: computations that can be taken over from one run to the next.
        accepted: changes of code since, that moved no result.
    """

    state: State
    notebook: str
    profile: str | None
    parameters: dict[str, Any]
    seeds: list[int]
    command: str
    git: Git
    key: str
    cells: str
    code: dict[str, str]
    ddlib_version: str
    code_sha256: str
    notebook_sha256: str
    versions: dict[str, str]
    hardware: Hardware
    environment: dict[str, str]
    started: str
    wall_seconds: float
    peak_memory_bytes: int
    peak_gpu_memory_bytes: int | None = None
    inputs: dict[str, str] = {}
    results: dict[str, str] = {}
    drawn_over: dict[str, str] = {}
    kept: list[Kept] = []
    accepted: list[Accepted] = []
    failure: Failure | None = None

    @property
    def basis(self) -> Basis:
        """What the results follow from."""
        return Basis(self.cells, self.code, self.parameters, computing(self.versions))

    @property
    def kept_seconds(self) -> float:
        """What the computations took when they were done that this run took over."""
        return sum(one.seconds for one in self.kept if one.replayed)

    def write(self, path: Path) -> None:
        """Write the record, with a seal that shows whether it was edited afterwards."""
        write_json(path, sealed(finite(self.model_dump())))

    @classmethod
    def read(cls, path: Path) -> Run:
        """A record as it was written.

        Raises:
            Altered: if there is none that can be read, or it was edited.
        """
        try:
            content = json.loads(path.read_bytes())
            known = unsealed(content)
            record = cls.model_validate(content)
        except (OSError, ValueError):  # pydantic's and json's errors are ValueErrors
            raise Altered(f"{path.name} is no record of a run") from None
        if known is None:
            raise Altered(f"{path.name} was edited")
        return record


def describe(notebook: Path, root: Path, profile: str | None, given: dict[str, Any], basis: Basis) -> dict[str, Any]:
    """The fields of a record that are known before the run; read then, because files may be edited while it lasts.

    Args:
        notebook: the notebook.
        root: the project.
        profile: the profile.
        given: parameters by hand.
        basis: what the results will follow from.
    """
    name = str(notebook.relative_to(root)) if notebook.is_relative_to(root) else str(notebook)
    return {
        "notebook": name,
        "profile": profile,
        "parameters": basis.parameters,
        "seeds": seeds(basis.parameters),
        "command": command(name, profile, given),
        "git": git(root),
        "ddlib_version": importlib.metadata.version("ddlib"),
        "key": basis.key,
        "cells": basis.cells,
        "code": basis.code,
    }


def seeds(parameters: dict[str, Any]) -> list[int]:
    """The values of the parameters whose name says that they are seeds."""
    found = [value for name, value in parameters.items() if name in ("seed", "seeds") or name.endswith(("_seed", "_seeds"))]
    return [seed for value in found for seed in (value if isinstance(value, list) else [value]) if isinstance(seed, int)]


def command(notebook: str, profile: str | None, given: dict[str, Any]) -> str:
    """The line that runs a notebook again with the same parameters."""
    words = ["ddbook", "run", notebook] + (["--profile", profile] if profile else [])
    for name, value in given.items():
        words += ["-p", f"{name}={value}"]
    return shlex.join(words)
