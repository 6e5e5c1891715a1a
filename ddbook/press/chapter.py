"""A chapter of the book: the notebook as it is committed now, with what its run has put out."""

from __future__ import annotations

import copy
import html
import json
import re
from dataclasses import dataclass
from functools import cached_property
from pathlib import Path
from typing import Any

import nbformat
from nbformat import NotebookNode

from ddbook.press.contents import read_toc, toc_files
from ddbook.press.provenance import Run
from ddbook.press.reach import plain
from ddlib.files import InputError

INJECTED = "injected-parameters"
"""The tag of the cell that papermill adds below the parameters."""


class BookError(InputError):
    """The book cannot be built; the message says why and how to mend it."""


@dataclass(frozen=True)
class Chapter:
    """A notebook of the book together with its finished run.

    Attributes:
        stem: the notebook's name without its ending.
        notebook: the notebook as it is committed.
        folder: of the run.
        stale: in a draft, what has changed since the run; empty if nothing has.
    """

    stem: str
    notebook: Path
    folder: Path
    stale: str = ""

    @property
    def name(self) -> str:
        """The stem without its number: the first part of the names of its results."""
        return re.sub(r"^\d+_", "", self.stem)

    @cached_property
    def run(self) -> Run:
        """The record of the run."""
        return Run.read(self.folder / "run.json")

    @property
    def numbers(self) -> dict[str, dict[str, Any]]:
        """What the chapter recorded for the text, by full name."""
        path = self.folder / "results" / "numbers.json"
        recorded = json.loads(path.read_text(encoding="utf-8")) if path.exists() else {}
        return {f"{self.name}.{name}": number for name, number in recorded.items()}

    @property
    def heading(self) -> str:
        """The page's heading; empty if it does not begin with one."""
        first = str(self.page.cells[0].source).partition("\n")[0] if self.page.cells else ""
        return first.removeprefix("# ") if first.startswith("# ") else ""

    @cached_property
    def page(self) -> NotebookNode:
        """The notebook's present cells with the outputs of the run.

        Raises:
            BookError: if the run was of other code.
        """
        committed = nbformat.read(self.notebook, as_version=4)
        executed = nbformat.read(self.folder / "notebook.ipynb", as_version=4)
        if self.stale:
            return _warned(executed, self.stale)
        try:
            return with_outputs(committed, executed)
        except LookupError as difference:
            again = f"ddbook run notebooks/{self.notebook.name} --profile {self.run.profile} --force"
            raise BookError(f"The run of {self.stem} is not of its notebook: {difference}. First run {again}") from None


def finished_chapters(profile: str, root: Path) -> list[Chapter]:
    """The chapters in the table of contents, each with its run; a BookError names the ones without."""
    if not (root / "book" / "_toc.yml").exists():
        raise BookError(f"{root} has no book/_toc.yml: give the command in the folder of the project")
    toc = read_toc(root / "book" / "_toc.yml")
    stems = [Path(entry).name for entry in toc_files(toc) if entry.startswith("notebooks/")]
    runs = root / "_build" / profile / "runs"
    missing = [stem for stem in stems if not (runs / stem / "run.json").exists()]
    if missing:
        commands = "; ".join(f"ddbook run notebooks/{stem}.ipynb --profile {profile}" for stem in missing)
        raise BookError(f"The book of profile {profile} waits for a finished run of {' and '.join(missing)}: first run {commands}")
    chapters = [Chapter(stem, root / "notebooks" / f"{stem}.ipynb", runs / stem) for stem in stems]
    same = [one.stem for one in chapters if [other.name for other in chapters].count(one.name) > 1]
    if same:
        raise BookError(f"{' and '.join(same)} differ only in their numbers, by which no result is told apart: rename one")
    return chapters


def with_outputs(committed: NotebookNode, executed: NotebookNode) -> NotebookNode:
    """The cells of a notebook with the outputs of a run, of which only papermill's own cell is kept besides.

    Args:
        committed: gives the prose, the code as it is formatted, its comments and tags.
        executed: gives the outputs.

    Raises:
        LookupError: if the code of the two differs in anything but comments, docstrings and format; it names the first such cell.
    """
    page = copy.deepcopy(committed)
    shown = [cell for cell in page.cells if cell.cell_type == "code"]
    ran = [cell for cell in executed.cells if cell.cell_type == "code" and INJECTED not in _tags(cell)]
    for position, cell in enumerate(shown):
        if position == len(ran) or plain(cell.source) != plain(ran[position].source):
            raise LookupError(f"its code cell {position + 1}, `{_first_line(cell)}`, has changed since")
        cell.outputs, cell.execution_count = ran[position].outputs, ran[position].execution_count
    if len(ran) > len(shown):
        raise LookupError(f"the run had one more code cell, `{_first_line(ran[len(shown)])}`")
    below = next((i + 1 for i, cell in enumerate(page.cells) if "parameters" in _tags(cell)), 0)
    page.cells[below:below] = [_folded(cell) for cell in executed.cells if INJECTED in _tags(cell)]
    page.nbformat_minor = max(page.nbformat_minor, 5)
    for position, cell in enumerate(page.cells):
        cell.id = f"cell-{position}"  # older notebooks have none, and random ones would change the page at each build
    if "language_info" in executed.metadata:
        page.metadata.language_info = executed.metadata.language_info
    return page


def _warned(executed: NotebookNode, why: str) -> NotebookNode:
    """An executed notebook that says below its heading what has changed since it ran."""
    page = copy.deepcopy(executed)
    page.cells = [_folded(cell) if INJECTED in _tags(cell) else cell for cell in page.cells]
    page.nbformat_minor = max(page.nbformat_minor, 5)
    heading, _, rest = page.cells[0].source.partition("\n")
    note = f":::{{warning}}\nThis page is older than the project: {html.escape(why)} changed since it was computed.\n:::"
    page.cells[0].source = f"{heading}\n\n{note}\n{rest}"
    for position, cell in enumerate(page.cells):
        cell.id = f"cell-{position}"
    return page


def _tags(cell: NotebookNode) -> list[str]:
    return cell.metadata.get("tags", [])


def _folded(injected: NotebookNode) -> NotebookNode:
    """Papermill's cell, closed as the cell of the defaults above it is."""
    cell = copy.deepcopy(injected)
    cell.metadata = nbformat.from_dict({"tags": [*_tags(injected), "hide-input"]})
    return cell


def _first_line(cell: NotebookNode) -> str:
    return str(cell.source).strip().partition("\n")[0]
