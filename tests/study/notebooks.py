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
