"""Keeping results after a change of code that cannot move them: the code before and after it is run, and must give the same."""

from __future__ import annotations

import contextlib
import datetime
import json
import re
import shutil
import subprocess
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any, NamedTuple

import nbformat

from ddbook.press.freshness import REFERENCE_PROFILE, Today, alterations, judged, listed
from ddbook.press.inputs import read_inputs
from ddbook.press.key import Basis, differences
from ddbook.press.project import REFERENCE
from ddbook.press.provenance import Accepted, Altered, Run
from ddbook.press.repeat import lasting
from ddbook.press.run import Study, carry_out, message
from ddbook.press.snapshot import checksum, committed, place, snapshot
from ddlib.files import InputError

SMALL = "smoke"
"""The profile in which a chapter is run whole."""
SHOWN = ("figures/", "output of cell ")
"""How names begin of what a page shows, besides the results that are recorded."""
NUMBER, SPACES = re.compile(rb"\d+(?:\.\d+)?"), re.compile(rb" +|-{2,}")
REPEATED = ("replicates", "networks", "fits")
"""Parameters that say how often something is computed; with two the branches of a profile are walked all the same."""


class Trial(NamedTuple):
    """What is run with the code before and after a change: a name, and the parameters."""

    name: str
    parameters: dict[str, Any]


def accept(root: Path, stem: str, profile: str, why: str, say: Callable[[str], None] = print) -> Accepted:
    """Keep the results of a chapter under the key of the present code, if that gives the same as the code which made them.

    Both are run with the smoke profile, and with the chapter's own profile at two replicates; tables, numbers, distilled sets,
    figures and what the cells show must be the same, measured times apart. A figure or output that has another form each time is
    not compared, and the record says so.

    Args:
        root: the project.
        stem: the chapter.
        profile: whose run, or ``reference``.
        why: why the change moves no result; goes into the record and onto the page.
        say: called with lines of progress.

    Raises:
        InputError: if there is nothing to accept, more than code has changed, the code before is not at hand, a run fails, or
            something differs.
    """
    if not why.strip():
        raise InputError("say with --why for what reason the change cannot move a result: it stands on the page")
    from_reference = profile == REFERENCE
    today = Today(root, REFERENCE_PROFILE if from_reference else profile, {} if from_reference else None)
    if stem not in today.parameters:
        raise InputError(f"there is no chapter {stem!r}: choose among {', '.join(today.parameters)}")
    folder = root / REFERENCE / stem if from_reference else today.runs / stem
    now = today.basis(stem)
    if from_reference:  # whoever computed it may have had other versions, which the reference is not judged by
        now = now._replace(versions=_record(folder).basis.versions)
    run, changed = _stale(folder, now, root)
    trials = [Trial(SMALL, Today(root, SMALL, {}).parameters[stem]), Trial(today.profile, _twice(today.parameters[stem]))]
    scratch = root / "_build" / "accept" / stem
    shutil.rmtree(scratch, ignore_errors=True)
    with _before(root, folder, run) as (old_code, old_notebook), snapshot(root) as new_code:
        notebook = root / "notebooks" / f"{stem}.ipynb"
        count, apart, inputs = 0, set[str](), dict[str, str]()
        for trial in trials:
            before = Study(notebook, old_notebook, old_code, root, trial.name, trial.parameters, {})
            after = before._replace(source=notebook, code=new_code)
            same, incomparable = _compare(before, after, scratch / trial.name, say)
            count, apart = count + same, apart | incomparable
            inputs |= read_inputs(scratch / trial.name / "after")
    moment = datetime.datetime.now(datetime.UTC).isoformat(timespec="seconds")
    accepted = Accepted(why=why.strip(), when=moment, changed=changed, before=run.key, files=count, apart=sorted(apart))
    known = {
        "inputs": run.inputs | inputs,
        "cells": now.cells,
        "code": now.code,
        "key": now.key,
        "accepted": [*run.accepted, accepted],
    }
    run.model_copy(update=known).write(folder / "run.json")
    return accepted


def _record(folder: Path) -> Run:
    try:
        return Run.read(folder / "run.json")
    except Altered as altered:
        raise InputError(f"{folder}: {altered}: there is no result to keep") from None


def _stale(folder: Path, now: Basis, root: Path) -> tuple[Run, list[str]]:
    """The record of a run of which nothing but code has changed, and what has."""
    run = _record(folder)
    if edited := alterations(folder, run):
        raise InputError(f"{folder}: {listed(edited)}: results that were edited cannot be accepted; run the chapter again")
    changed = differences(run.basis, now)
    if not changed and run.key == now.key:
        raise InputError(f"{folder} is fresh: there is nothing to accept")
    same_code = now._replace(cells=run.cells, code=run.code)
    others = differences(run.basis, same_code) or ([] if folder.parent.name == REFERENCE else judged(folder, same_code, root)[1])
    if others:
        raise InputError(f"{folder}: more than code has changed, {listed(others)}: run the chapter again")
    return run, changed


def _twice(parameters: dict[str, Any]) -> dict[str, Any]:
    """Parameters with two replicates in place of many."""
    return parameters | {name: min(2, parameters[name]) for name in REPEATED if isinstance(parameters.get(name), int)}


@contextlib.contextmanager
def _before(root: Path, folder: Path, run: Run) -> Iterator[tuple[Path, Path]]:
    """The code and the notebook that made a run: its snapshot, or what its commit holds."""
    executed, code = folder / "notebook.ipynb", place(root, run.code_sha256)
    if executed.exists() and code.exists() and checksum(code) == run.code_sha256:
        yield code, executed
        return
    if run.git.sha is None or run.git.dirty:
        raise InputError(f"the code that made {folder} is not at hand, and no commit holds it: run the chapter again")
    notebook = root / "_build" / "accept" / f"{folder.name}.ipynb"
    shown = subprocess.run(["git", "show", f"{run.git.sha}:{run.notebook}"], cwd=root, capture_output=True, check=False)
    if shown.returncode != 0:
        raise InputError(f"the repository has no {run.notebook} of the commit {run.git.sha[:12]}: run the chapter again")
    notebook.parent.mkdir(parents=True, exist_ok=True)
    notebook.write_bytes(shown.stdout)
    with committed(root, run.git.sha) as code:
        yield code, notebook


def _compare(before: Study, after: Study, scratch: Path, say: Callable[[str], None]) -> tuple[int, set[str]]:
    """How many results are the same with the code before and after, and which cannot be compared."""
    old, new = (_contents(_carried_out(study, scratch / name, say)) for study, name in ((before, "before"), (after, "after")))
    moved, apart = {name for name in {**old, **new} if old.get(name) != new.get(name)}, set[str]()
    if any(name.startswith(SHOWN) for name in moved):  # what shows measured times is never the same twice
        again = _contents(_carried_out(before, scratch / "again", say))
        shown = {name for name in moved if name.startswith(SHOWN) and name in old and name in new and name in again}
        apart = {name for name in shown if _skeleton(old[name]) != _skeleton(again[name])}
        moved -= apart | {name for name in shown - apart if _same_besides(old[name], new[name], again[name])}
    if moved:
        names = listed(sorted(moved))
        raise InputError(f"with the profile {before.profile} the change moves {names}: run the chapter again ({scratch} has both)")
    return len(old) - len(apart), apart


def _skeleton(text: bytes) -> list[bytes]:
    """A text without its numbers, and without the spaces that bring these into line."""
    return NUMBER.split(SPACES.sub(b" ", text))


def _same_besides(old: bytes, new: bytes, again: bytes) -> bool:
    """Whether two texts differ only in numbers in which two runs with the same code differ too, as measured times do."""
    same = _skeleton(old) == _skeleton(new)
    numbers = zip(*(NUMBER.findall(text) for text in (old, new, again)), strict=same)
    return same and all(one == other or one != repeated for one, other, repeated in numbers)


def _carried_out(study: Study, work: Path, say: Callable[[str], None]) -> Path:
    """The folder in which a study has been carried out, without anything kept from earlier runs."""
    shutil.rmtree(work, ignore_errors=True)
    work.mkdir(parents=True)
    source = work / "source.ipynb"
    _bare(study.source, source)
    record = carry_out(study._replace(source=source), work, study.parameters, None, lambda _: None, anew=True)
    say(f"{study.notebook.stem}, {study.profile}, code {work.name}: {record.state}, {record.wall_seconds:.0f} s")
    if record.state != "ok":
        raise InputError(f"nothing was accepted, because a run did not finish: {message(record)}")
    return work


def _bare(notebook: Path, target: Path) -> None:
    """A notebook without outputs and without the parameters that were injected into it."""
    content = nbformat.read(notebook, as_version=4)
    content.cells = [cell for cell in content.cells if "injected-parameters" not in cell.metadata.get("tags", [])]
    nbformat.write(content, target)


def _contents(folder: Path) -> dict[str, bytes]:
    """What a run has recorded, drawn and shown, by name, measured times in tables apart."""
    paths = [path for name in ("results", "figures") for path in sorted((folder / name).rglob("*")) if path.suffix != ".png"]
    contents = {path.relative_to(folder).as_posix(): _content(path) for path in paths if path.is_file()}
    cells = nbformat.read(folder / "notebook.part.ipynb", as_version=4).cells
    for position, cell in enumerate(cell for cell in cells if cell.cell_type == "code"):
        shown = [{name: value for name, value in output.items() if name != "execution_count"} for output in cell.outputs]
        contents[f"output of cell {position + 1}"] = json.dumps(shown, sort_keys=True).encode()
    return contents


def _content(path: Path) -> bytes:
    return path.read_bytes() if path.parent.name == "figures" else lasting(path.name, path.read_bytes())
