"""Small notebooks, written on the spot, and a project that holds them."""

from __future__ import annotations

from pathlib import Path

import nbformat
from nbformat.v4 import new_code_cell, new_markdown_cell, new_notebook

PARAMETERS = """\
from typing import Literal
seed: int = 0  # seed of all draws
scale: float = 1.5  # a factor
sizes: list[int] = [1, 2]  # how many
mode: Literal["fast", "slow"] = "fast"  # how
label: str = "x"  # a name
limit: float | None = None  # an upper end"""


def write(path: Path, *cells: str, parameters: str = PARAMETERS) -> Path:
    """A notebook with a heading, a parameters cell and the given code cells; a cell that starts with # and a space is Markdown."""
    made = [new_markdown_cell("# A small notebook"), new_code_cell(parameters, metadata={"tags": ["parameters"]})]
    made += [new_markdown_cell(cell) if cell.startswith("## ") else new_code_cell(cell) for cell in cells]
    kernel = {"kernelspec": {"name": "python3", "display_name": "Python 3", "language": "python"}}
    path.parent.mkdir(parents=True, exist_ok=True)
    nbformat.write(new_notebook(cells=made, metadata=kernel), path)
    return path


def project(root: Path) -> Path:
    """A folder that counts as a project, with an empty profile."""
    (root / "notebooks" / "profiles").mkdir(parents=True)
    (root / "pyproject.toml").write_text("")
    (root / "notebooks" / "profiles" / "smoke.yml").write_text("")
    return root


SWEPT = """\
seed: int = 0  # seed
ipc: list[int] = [10]  # budgets
scale: float = 1.0  # a factor
device: str = "cpu"  # where it computes"""
SWEPT_CELL = """\
import pathlib, time
import pandas as pd
from ddbook.press.record import Recorder
root = pathlib.Path("..").resolve()
with (root / "started").open("a") as stream:
    stream.write(f"{seed} {ipc[0]}\\n")
while (root / f"hold{seed}").exists():
    time.sleep(0.1)
assert not (root / f"bad{seed}").exists(), "unlucky"
record = Recorder("01_small")
record.table("scores", pd.DataFrame({"seed": [0, 1], "score": [scale * seed / 3, ipc[0] / 7]}))
record.number("score", seed / 3 + ipc[0] / 7, low=0.1, n=2)"""


def swept(root: Path) -> Path:
    """A notebook for sweeps in a project.

    It adds a line to the file ``started``, waits while there is a file ``hold<seed>``, and fails while there is a ``bad<seed>``.
    """
    return write(project(root) / "notebooks" / "01_small.ipynb", SWEPT_CELL, parameters=SWEPT)


def started(root: Path) -> list[str]:
    """Seed and budget of each run of that notebook that has started, sorted."""
    log = root / "started"
    return sorted(log.read_text().splitlines()) if log.exists() else []
