"""The reference: results of the paper profile that are committed, so that any later run can be laid over them."""

from __future__ import annotations

import re
import shutil
import tempfile
from collections.abc import Collection, Mapping
from pathlib import Path
from typing import Any

from ddbook.press.freshness import alterations, listed
from ddbook.press.private import is_private
from ddbook.press.profiles import plan
from ddbook.press.project import REFERENCE
from ddbook.press.provenance import Altered, Run, git
from ddlib.files import InputError

LIMIT = 40 * 10**6
"""The most bytes that the reference may take in the repository: rows carry every setting of their trial, which compresses well."""
SET_UNITS, SET_BYTES = 100, 500_000
"""The most units and the most bytes of a distilled set in the reference; images and long trajectories take more than points do."""


def check(root: Path, given: Mapping[str, Mapping[str, Any]]) -> None:
    """Refuse, before hours of work, what :func:`collect` would refuse after them.

    Args:
        root: the folder of the project.
        given: parameters by hand, per chapter.

    Raises:
        InputError: if files differ from the last commit, or a parameter by hand is no device.
    """
    by_hand = sorted({name for values in given.values() for name in values} - {"device"})
    if by_hand:
        raise InputError(
            f"the reference is the profile as it stands, and {by_hand[0]} was given by hand: leave all but devices away"
        )
    state = git(root)
    if state.sha is None or state.dirty:
        raise InputError(
            "the reference has to be computed from code that a commit holds: commit your changes, and make none meanwhile"
        )


def collect(root: Path, profile: str = "paper", only: Collection[str] = ()) -> Path:
    """Copies what the finished chapters of a profile recorded to ``reference/<chapter>``: ``run.json`` and ``results``.

    Distilled sets are taken where they are small (:func:`keeps`) and made of no real patient's rows: a run makes the others again.
    Notebooks and figures are left out. Nothing of the old reference goes before the new one is complete; other files in the folder
    stay.

    Args:
        root: the folder of the project.
        profile: whose runs are taken.
        only: of these chapters; the others stay as they are in the reference.

    Returns:
        The folder.

    Raises:
        InputError: if a chapter has no finished run of the profile, it was run with other parameters (the device apart), it was
            computed from code that no commit holds, or everything together is too large. The reference is then as it was.
    """
    profiled = plan(root / "notebooks", profile)
    wanted = {stem: values for stem, values in profiled.items() if not only or stem in only}
    runs = {stem: _checked(root / "_build" / profile / "runs" / stem, stem, profile, wanted[stem]) for stem in wanted}
    target = root / REFERENCE
    target.mkdir(exist_ok=True)
    with tempfile.TemporaryDirectory(prefix=".new-", dir=root) as scratch:
        for stem, folder in runs.items():
            _copy(folder, Path(scratch, stem))
        stay = [target / stem for stem in profiled if stem not in runs]
        size = sum(path.stat().st_size for folder in (Path(scratch), *stay) for path in folder.rglob("*") if path.is_file())
        if size > LIMIT:
            raise InputError(f"the reference would take {size / 1e6:.1f} MB and may take {LIMIT / 1e6:g}: record smaller tables")
        for old in target.iterdir():
            if (old / "run.json").exists() and old.name not in profiled:  # a chapter that has got another name
                shutil.rmtree(old)
        for stem in wanted:
            if (target / stem).exists():
                (target / stem).rename(Path(scratch, f"{stem}.old"))
            Path(scratch, stem).rename(target / stem)
    return target


def _checked(folder: Path, stem: str, profile: str, wanted: dict[str, Any]) -> Path:
    """The folder of a run that may become part of the reference."""
    again = f"run `ddbook run notebooks/{stem}.ipynb --profile {profile} --force`"
    if not (folder / "run.json").exists():
        raise InputError(f"{stem} has no finished run of the profile {profile}: {again}, or `make reference`")
    try:
        run = Run.read(folder / "run.json")
        wrong = alterations(folder, run)
    except Altered as altered:
        wrong = [str(altered)]
    if wrong:
        raise InputError(f"{folder}: {listed(wrong)}: {again}")
    other = [name for name, value in (wanted | run.parameters).items() if name != "device" and wanted.get(name, value) != value]
    if other or {*wanted} != {*run.parameters}:
        raise InputError(
            f"{folder} was not run as the profile {profile} has it today ({', '.join(other) or 'new parameters'}): {again}"
        )
    if _uncommitted(run):
        raise InputError(f"{stem} was computed from code that no commit holds, so nobody could check it: commit, then {again}")
    return folder


def _uncommitted(run: Run) -> bool:
    """Whether no commit holds the code of a run."""
    return run.git.sha is None or run.git.dirty


def _copy(folder: Path, target: Path) -> None:
    target.mkdir(parents=True)
    if (folder / "results").exists():
        shutil.copytree(folder / "results", target / "results", ignore=_left_out)
    run = Run.read(folder / "run.json")
    run.results = {name: content for name, content in run.results.items() if (target / name).exists()}
    run.write(target / "run.json")


def keeps(path: Path) -> bool:
    """Whether the reference takes a file of a run's results: any but distilled sets that are private or large.

    A set is private if its name says so (:func:`~ddbook.press.private.is_private`), and large if it has more than :data:`SET_UNITS`
    units or takes more than :data:`SET_BYTES`. A set whose name does not end with its number of units is not taken either.
    """
    if is_private(path.name):
        return False
    if not path.name.startswith("distilled"):
        return True
    units = re.fullmatch(r"distilled_.*_(\d+)\.csv", path.name)
    return units is not None and int(units[1]) <= SET_UNITS and path.stat().st_size <= SET_BYTES


def _left_out(folder: str, names: list[str]) -> list[str]:
    return [name for name in names if not keeps(Path(folder, name))]
