"""The page of a chapter: present prose and code, and outputs only of the very code that is shown."""

from __future__ import annotations

from pathlib import Path

import nbformat
import pytest
from nbformat.v4 import new_code_cell, new_markdown_cell, new_notebook, new_output

from ddbook.press.chapter import BookError, Chapter, finished_chapters, with_outputs
from tests.ddbook.book import fake

STEM = "03_digits"
CODE = "def f(x):\n    return x  # the same\n\n\nf(1)"


def notebook(*cells, **metadata):
    return new_notebook(cells=list(cells), metadata=metadata)


def executed(*sources):
    """A run of these cells, of which each has put out its position."""
    outputs = [[new_output("stream", name="stdout", text=str(position))] for position in range(len(sources))]
    return notebook(*(new_code_cell(source, outputs=out, execution_count=1) for source, out in zip(sources, outputs, strict=True)))


def said(page):
    return [cell.outputs[0].text for cell in page.cells if cell.cell_type == "code"]


@pytest.mark.parametrize(
    "present",
    [
        CODE,
        "# A remark.\ndef f(x):\n    return x\n\n\nf(1)",
        'def f(x):\n    """Says something."""\n    return (x)\nf( 1 )',
    ],
)
def test_what_changes_no_output_keeps_it(present):
    page = with_outputs(notebook(new_code_cell(present)), executed(CODE))
    assert said(page) == ["0"]
    assert page.cells[0].source == present


@pytest.mark.parametrize(
    "present",
    [
        [CODE.replace("f(1)", "f(2)")],
        [f"{CODE};"],  # hides the value
        [CODE, "g()"],
        [],
        ["%time f(1)"],
        ["'a text that is shown'"],
    ],
)
def test_outputs_of_other_code_are_never_shown(present):
    with pytest.raises(LookupError):
        with_outputs(notebook(*map(new_code_cell, present)), executed(CODE))


def test_two_cells_that_changed_places_are_other_code():
    with pytest.raises(LookupError, match="code cell 1"):
        with_outputs(notebook(new_code_cell("b()"), new_code_cell("a()")), executed("a()", "b()"))


def test_magics_are_compared_as_they_stand():
    magic = "%%time\nf(1)"
    assert said(with_outputs(notebook(new_code_cell(magic)), executed(magic))) == ["0"]


def test_prose_order_and_tags_are_the_present_ones():
    ran = executed("n: int = 1", "draw()")
    ran.cells.insert(1, new_code_cell("n = 7", metadata={"tags": ["injected-parameters"], "papermill": {"duration": 1}}))
    ran.cells.insert(0, new_markdown_cell("# Old words"))
    ran.metadata.language_info = {"name": "python", "version": "3"}
    present = notebook(
        new_markdown_cell("# New words"),
        new_code_cell("n: int = 1  # how many", metadata={"tags": ["parameters"]}),
        new_markdown_cell("Another paragraph."),
        new_code_cell("draw()", metadata={"tags": ["hide-input"]}),
    )
    page = with_outputs(present, ran)
    assert [cell.source for cell in page.cells] == [
        "# New words",
        "n: int = 1  # how many",
        "n = 7",
        "Another paragraph.",
        "draw()",
    ]
    assert page.cells[2].metadata == {"tags": ["injected-parameters", "hide-input"]}
    assert page.cells[4].metadata == {"tags": ["hide-input"]}
    assert page.cells[4].outputs[0].text == "1"
    assert page.metadata.language_info.name == "python"
    assert not present.cells[3].outputs, "the notebook itself stays as it is"


def test_two_chapters_whose_results_would_have_one_name_are_refused(tmp_path: Path):
    root = fake.make_root(tmp_path)
    other = "13_" + STEM.partition("_")[2]
    (root / "notebooks" / f"{STEM}.ipynb").with_name(f"{other}.ipynb").write_bytes(
        (root / "notebooks" / f"{STEM}.ipynb").read_bytes()
    )
    fake.make_run(root / "_build" / fake.PROFILE / "runs" / other, other)
    toc = root / "book" / "_toc.yml"
    toc.write_text(toc.read_text().replace(f"notebooks/{STEM}\n", f"notebooks/{STEM}\n      - file: notebooks/{other}\n", 1))
    with pytest.raises(BookError, match="differ only in their numbers"):
        finished_chapters(fake.PROFILE, root)


def test_the_same_page_is_the_same_file(tmp_path: Path):
    root = fake.make_root(tmp_path)
    path, folder = root / "notebooks" / f"{STEM}.ipynb", root / "_build" / fake.PROFILE / "runs" / STEM
    old = nbformat.read(path, as_version=4)
    old.nbformat_minor = 4  # cells had no names then
    for cell in old.cells:
        del cell["id"]
    nbformat.write(old, path)
    assert nbformat.writes(Chapter(STEM, path, folder).page) == nbformat.writes(Chapter(STEM, path, folder).page)


def test_a_run_of_other_code_is_named_with_the_command_that_mends_it(tmp_path: Path):
    root = fake.make_root(tmp_path)
    path = root / "notebooks" / f"{STEM}.ipynb"
    path.write_text(path.read_text(encoding="utf-8").replace("a_very_long_argument_name=1", "a_very_long_argument_name=2"))
    with pytest.raises(BookError, match=rf"(?s)code cell 2.*ddbook run notebooks/{STEM}.ipynb --profile {fake.PROFILE}"):
        _ = Chapter(STEM, path, root / "_build" / fake.PROFILE / "runs" / STEM).page
