"""Profiles: how large a run is. A profile is a YAML file of parameters per notebook, checked like parameters given by hand."""

from __future__ import annotations

import re
from collections.abc import Mapping
from pathlib import Path
from typing import Any

from ddbook.press.parameters import closest, resolve
from ddbook.press.project import visible
from ddlib.files import InputError, read_yaml

NAME = r"[A-Za-z0-9_][A-Za-z0-9_.-]*"
"""What a profile may be called: a plain file name that no shell has to quote."""

TAKEN = ("accept", "code", "kept", "manual", "reference", "repeat", "sweeps")
"""Names that mean something else below ``_build``, or in a command that takes a profile."""


def chapters(folder: Path) -> list[Path]:
    """The notebooks of a folder that are chapters: two digits, an underscore and a plain word, as in ``01_name.ipynb``.

    So neither hidden files nor copies (``01_name-Copy1.ipynb``, ``01_name (1).ipynb``) nor folders are chapters.
    """
    return [path for path in visible(folder.glob("*.ipynb"), folder) if re.fullmatch(r"\d\d_\w+", path.stem)]


def profile_names(folder: Path) -> list[str]:
    """The profiles beside the notebooks of a folder."""
    return [path.stem for path in visible((folder / "profiles").glob("*.yml"), folder) if re.fullmatch(NAME, path.stem)]


def check_profile_name(name: str) -> None:
    """Refuse a name that is no profile's, wherever one comes in: what is built for a profile goes to a folder of its name.

    Raises:
        InputError: if the name is no plain file name, or is taken.
    """
    if not re.fullmatch(NAME, name):
        raise InputError(f"{name!r} cannot be the name of a profile: give a plain word, for example smoke, laptop or paper")
    if name in TAKEN:
        raise InputError(f"{name!r} cannot be the name of a profile, because it means something else here: give another one")


def read_profile(folder: Path, name: str) -> dict[str, dict[str, Any]]:
    """The parameters of a profile, per notebook.

    Args:
        folder: where the notebooks are; profiles are in ``profiles/<name>.yml`` below it.
        name: the profile.

    Raises:
        InputError: if there is no such profile, it is not a mapping of mappings, or it names a notebook that does not exist.
    """
    check_profile_name(name)
    path = folder / "profiles" / f"{name}.yml"
    if not path.is_file():
        raise InputError(f"there is no profile {name!r} in {path.parent}{closest(name, profile_names(folder))}")
    content = read_yaml(path) or {}
    form = "a profile maps notebooks to parameters, as in `01_name: {seed: 1}`"
    if not isinstance(content, dict) or not all(isinstance(part, dict | None) for part in content.values()):
        raise InputError(f"{path} is not a mapping of mappings: {form}")
    stems = [notebook.stem for notebook in folder.glob("*.ipynb") if not notebook.name.startswith(".")]
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
