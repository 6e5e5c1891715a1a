"""Profiles: how large a run is. A profile is a YAML file of parameters per notebook, checked like parameters given by hand."""

from __future__ import annotations

import re
from collections.abc import Mapping
from pathlib import Path
from typing import Any

from ddbook.press.parameters import closest, resolve
from ddbook.press.project import visible
from ddlib.files import InputError, read_yaml


def chapters(folder: Path) -> list[Path]:
    """The notebooks of a folder that are chapters: their names start with two digits."""
    return [path for path in visible(folder.glob("*.ipynb"), folder) if re.match(r"\d\d_", path.name)]


def profile_names(folder: Path) -> list[str]:
    """The profiles beside the notebooks of a folder."""
    return [path.stem for path in visible((folder / "profiles").glob("*.yml"), folder)]


def read_profile(folder: Path, name: str) -> dict[str, dict[str, Any]]:
    """The parameters of a profile, per notebook.

    Args:
        folder: where the notebooks are; profiles are in ``profiles/<name>.yml`` below it.
        name: the profile.

    Raises:
        InputError: if there is no such profile, it is not a mapping of mappings, or it names a notebook that does not exist.
    """
    path = folder / "profiles" / f"{name}.yml"
    if not path.is_file():
        raise InputError(f"there is no profile {name!r} in {path.parent}{closest(name, profile_names(folder))}")
    content = read_yaml(path) or {}
    form = "a profile maps notebooks to parameters, as in `01_name: {seed: 1}`"
    if not isinstance(content, dict) or not all(isinstance(part, dict | None) for part in content.values()):
        raise InputError(f"{path} is not a mapping of mappings: {form}")
    stems = [notebook.stem for notebook in folder.glob("*.ipynb")]
    for stem in content:
        if stem not in stems:
            raise InputError(f"{path}: there is no notebook {stem!r}{closest(str(stem), stems)}")
    return {stem: part or {} for stem, part in content.items()}


def plan(folder: Path, name: str, given: Mapping[str, Mapping[str, str]] | None = None) -> dict[str, dict[str, Any]]:
    """Every chapter's parameters under a profile, checked.

    Args:
        folder: where the notebooks are.
        name: the profile.
        given: values by hand, per chapter, that go before the profile's.

    Raises:
        InputError: for anything in the profile or in ``given`` that a chapter does not accept.
    """
    profile, by_hand = read_profile(folder, name), given or {}
    notebooks = {notebook.stem: notebook for notebook in chapters(folder)}
    for stem in by_hand:
        if stem not in notebooks:
            raise InputError(f"there is no chapter {stem!r}{closest(stem, notebooks)}")
    return {
        stem: resolve(notebook, profile.get(stem), by_hand.get(stem), source=f"profile {name}")
        for stem, notebook in notebooks.items()
    }
