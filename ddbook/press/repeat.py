"""The same chapter again: the same seed twice on the processor, and once on a GPU where there is one."""

from __future__ import annotations

import contextlib
import io
import json
from collections.abc import Callable, Mapping, Sequence
from pathlib import Path

import pandas as pd
from pydantic import BaseModel

from ddbook.press.digests import sealed, unsealed
from ddbook.press.machine import Hardware, hardware
from ddbook.press.parameters import read_schema
from ddbook.press.profiles import chapters, read_profile
from ddbook.press.project import REFERENCE
from ddbook.press.run import message, run
from ddbook.press.timed import is_time, is_timed_column
from ddlib.files import InputError, write_json

RESULT = Path(REFERENCE, "repeat.json")


class Change(BaseModel):
    """A number that is another on the GPU; None is an infinite value.

    Attributes:
        name: of the number.
        cpu, gpu: its value on either.
        overlap: whether its 95 % intervals overlap; None where it has none.
    """

    name: str
    cpu: float | None
    gpu: float | None
    overlap: bool | None


class Repeated(BaseModel):
    """A chapter run again.

    Attributes:
        chapter: the notebook.
        files: how many recorded files were compared.
        different: those that were not the same to the last bit, measured times apart.
        gpu: the numbers that differ on the GPU; None if there was none.
        failed: what stopped one of its runs, so that nothing was compared.
    """

    chapter: str
    files: int
    different: list[str]
    gpu: list[Change] | None = None
    failed: str | None = None


class Repeats(BaseModel):
    """All chapters run again, and on which machine."""

    profile: str
    hardware: Hardware
    chapters: list[Repeated]


def repeat(root: Path, profile: str, stems: Sequence[str] = (), say: Callable[[str], None] = print) -> Repeats:
    """Runs chapters twice on the processor with the same seeds, once on the GPU if torch sees one, and compares what they record.

    Args:
        root: the folder of the project.
        profile: the scale; the smallest is enough to see whether a result depends on anything but its seeds.
        stems: which chapters; all by default.
        say: called with a line of progress for each run.

    Raises:
        InputError: if there is no such chapter or profile, one is given twice, or somebody interrupted a run.
    """
    import torch

    read_profile(root / "notebooks", profile)
    notebooks = {path.stem: path for path in chapters(root / "notebooks")}
    for stem in stems:
        if stem not in notebooks:
            raise InputError(f"there is no chapter {stem!r}: choose among {', '.join(notebooks)}")
        if stems.count(stem) > 1:
            raise InputError(f"the chapter {stem!r} is given twice: give each once")
    ways = {"once": {"device": "cpu"}, "again": {"device": "cpu"}}
    if torch.cuda.is_available():
        ways["gpu"] = {"device": "cuda"}
    found = [_again(root, notebooks[stem], profile, ways, say) for stem in stems or notebooks]
    return Repeats(profile=profile, hardware=hardware(), chapters=found)


def _again(root: Path, notebook: Path, profile: str, ways: Mapping[str, Mapping[str, str]], say: Callable[[str], None]) -> Repeated:
    """One chapter, run in each of the ways; the others do not suffer if it fails."""
    folders = {way: root / "_build" / "repeat" / way / notebook.stem for way in ways}
    for way, given in ways.items():
        known = given if "device" in read_schema(notebook) else {}
        done = run(notebook, folders[way], profile, known, force=True, say=lambda _: None, anew=True)
        say(message(done))
        if done.state == "interrupted":
            raise InputError(f"{notebook.stem} was interrupted, and nothing was written: start again, or name the chapters to run")
        if done.state != "ok":
            return Repeated(chapter=notebook.stem, files=0, different=[], failed=message(done).splitlines()[0])
    return _compared(notebook.stem, folders)


def write(root: Path, repeats: Repeats) -> Path:
    """Puts the outcome beside the reference."""
    write_json(root / RESULT, sealed(repeats.model_dump()))
    return root / RESULT


def read(root: Path) -> Repeats | None:
    """The outcome that is committed, if there is one.

    Raises:
        InputError: if it is not what was written.
    """
    path = root / RESULT
    if not path.exists():
        return None
    with contextlib.suppress(ValueError):
        if (known := unsealed(json.loads(path.read_bytes()))) is not None:
            return Repeats.model_validate(known)
    raise InputError(f"{path} was edited: restore it from the repository, or give the command ddbook repeat")


def lasting(name: str, content: bytes) -> bytes:
    """What a recorded file holds besides measured times."""
    if name.endswith(".json"):
        numbers = {key: value for key, value in json.loads(content).items() if not is_time(key, value)}
        return json.dumps(numbers).encode()
    try:
        table = pd.read_csv(io.BytesIO(content), dtype=str)
    except pd.errors.EmptyDataError:
        return content
    return table.drop(columns=[column for column in table if is_timed_column(str(column))]).to_csv(index=False).encode()


def _compared(stem: str, folders: dict[str, Path]) -> Repeated:
    once, again = ({path.name: path for path in sorted((folders[way] / "results").iterdir())} for way in ("once", "again"))
    both = sorted({*once, *again})
    different = [
        name
        for name in both
        if name not in once
        or name not in again
        or lasting(name, once[name].read_bytes()) != lasting(name, again[name].read_bytes())
    ]
    gpu = _changes(folders["once"], folders["gpu"]) if "gpu" in folders else None
    return Repeated(chapter=stem, files=len(both), different=different, gpu=gpu)


def _changes(cpu: Path, gpu: Path) -> list[Change]:
    mine, theirs = (json.loads((folder / "results" / "numbers.json").read_bytes()) for folder in (cpu, gpu))
    found = []
    for name, here in mine.items():
        there = theirs.get(name)
        if there is None or is_time(name, here) or here["value"] == there["value"]:
            continue
        ends = [each.get(end) for each in (here, there) for end in ("low", "high")]
        overlap = None if None in ends else here["low"] <= there["high"] and there["low"] <= here["high"]
        found.append(Change(name=name, cpu=here["value"], gpu=there["value"], overlap=overlap))
    return found
