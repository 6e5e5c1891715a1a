"""A project of its own with a copy of the packages, so that a test can edit their code, and a small chapter in it."""

from __future__ import annotations

import shutil
from pathlib import Path

import nbformat
import pytest

from ddbook.press import freshness, inputs, snapshot
from ddbook.press.freshness import Today
from ddbook.press.run import run
from tests import ROOT
from tests.ddbook.press.notebooks import project, write

STEM = "01_small"
PARAMETERS = "answer: int = 1  # the answer\nreplicates: int = 3  # how often"
PLANTED = Path("ddbook", "chapters", "planted")
COMPUTING = '''"""What the chapter computes."""
import pandas as pd

FACTOR = 2


def rows(answer, replicates):
    """A table."""
    extra = 0 if answer < 5 else 1
    return pd.DataFrame({"seed": range(replicates), "score": [answer * FACTOR + seed + extra for seed in range(replicates)]})


def elsewhere():
    return 0
'''
FIGURES = '''"""What the chapter draws."""
from matplotlib.figure import Figure


def draw(table):
    figure = Figure()
    figure.subplots().plot(table.seed, table.score)
    return figure
'''
CELLS = (
    "from ddbook.chapters.planted.computing import rows\n"
    "from ddbook.chapters.planted.figures import draw\n"
    "from ddbook.press import Recorder\n"
    f"record = Recorder('{STEM}')",
    "table = record.table('scores', rows(answer, replicates))\nrecord.number('answer', float(table.score.iloc[0]))",
    "record.figure('scores', record.over_reference(draw, table), alt='A line.')",
)


def packages(root: Path) -> Path:
    """A copy of ddlib and ddbook in a folder, with the chapter's code added."""
    for room in ("ddlib", "ddbook"):
        shutil.copytree(ROOT / room, root / room, ignore=shutil.ignore_patterns("__pycache__"))
    (root / PLANTED).mkdir()
    for name, text in (("__init__", ""), ("computing", COMPUTING), ("figures", FIGURES)):
        (root / PLANTED / f"{name}.py").write_text(text)
    return root


def house(root: Path) -> Path:
    """A project with its own copy of the packages and the small chapter."""
    write(project(packages(root)) / "notebooks" / f"{STEM}.ipynb", *CELLS, parameters=PARAMETERS)
    (root / "notebooks" / "profiles" / "paper.yml").write_text(f"{STEM}: {{replicates: 4, answer: 7}}")
    return root


def use(root: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """Let the press of this process take the packages of a project for its own."""
    for module in (snapshot, freshness, inputs):
        monkeypatch.setattr(module, "PACKAGES_ROOT", root)


def edit(path: Path, old: str, new: str) -> None:
    """Replace a text in a file that has it."""
    text = path.read_text()
    assert old in text
    path.write_text(text.replace(old, new))


def make(root, profile="smoke", **options):
    record = run(root / "notebooks" / f"{STEM}.ipynb", profile=profile, say=lambda _: None, **options)
    assert record.state == "ok", record.failure
    return record


def standing(root, profile="smoke", given=None):
    return Today(root, profile, given).standing(STEM)


def folder(root, profile="smoke"):
    return root / "_build" / profile / "runs" / STEM


def notebook(root):
    return root / "notebooks" / f"{STEM}.ipynb"


def edit_cell(root, old, new):
    content = nbformat.read(notebook(root), as_version=4)
    changed = [cell for cell in content.cells if old in cell.source]
    assert changed
    for cell in changed:
        cell.source = cell.source.replace(old, new)
    nbformat.write(content, notebook(root))
