"""A reference that is older than its code is marked wherever it is drawn or judged, when the book is built."""

from __future__ import annotations

import json
from pathlib import Path

import matplotlib.pyplot as plt
import nbformat
import pytest
from bs4 import BeautifulSoup

from ddbook.press import Recorder
from ddbook.press.claims import read_ledger
from ddbook.press.marks import mark
from ddbook.press.stage import stage
from tests.ddbook.book import fake

STEM, OTHER = "04_merge_hospitals", "06_how_far_from_the_limit"
TEXT = "older than the code: ddlib/a<b>.py changed since"


@pytest.fixture
def root(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """A project with a reference of two chapters, whose figures carry a sentence on it as a recorder writes it."""
    root = fake.make_root(tmp_path)
    monkeypatch.setenv("DDLIB_RUN_DIR", str(tmp_path / "recorded"))
    record = Recorder(STEM)
    figure, axes = plt.subplots()
    axes.plot([0, 1])
    record._notes[id(figure)] = "Small diamonds: the reference run (n < 5)."
    shown = record.figure("curve", figure, alt="A line.", caption="What $x < y$ shows.")._repr_mimebundle_()
    for stem in (STEM, OTHER):
        path = root / "_build" / fake.PROFILE / "runs" / stem / "notebook.ipynb"
        notebook = nbformat.read(path, as_version=4)
        notebook.cells[-1].outputs.append(nbformat.v4.new_output("display_data", data=dict(shown)))
        nbformat.write(notebook, path)
        fake.make_run(root / "reference" / stem, stem)
        (root / "reference" / stem / "notebook.ipynb").unlink()
    return root


def captions(tree: Path, stem: str) -> str:
    page = nbformat.read(tree / "notebooks" / f"{stem}.ipynb", as_version=4)
    shown = "".join(output["data"].get("text/html", "") for cell in page.cells for output in cell.get("outputs", []))
    return "".join(str(caption) for caption in BeautifulSoup(shown, "html.parser").select("figcaption"))


def test_a_chapter_with_a_reference_says_which_run_its_numbers_and_its_verdicts_are_of(root: Path) -> None:
    tree = stage(fake.PROFILE, root)

    def said(stem: str) -> list[str]:
        first = nbformat.read(tree / "notebooks" / f"{stem}.ipynb", as_version=4).cells[0].source
        return [found.get_text() for found in BeautifulSoup(first, "html.parser").select("p.ddlib-runs")]

    others = [path.stem for path in (tree / "notebooks").glob("*.ipynb") if path.stem not in (STEM, OTHER)]
    assert all(f"this run, profile {fake.PROFILE}" in text and "reference" in text for text in said(STEM))
    assert len(said(STEM)) == len(said(OTHER)) == 1
    assert [said(stem) for stem in others] == [[]] * len(others)


def test_the_sentence_in_a_caption_gets_the_mark_and_the_run_stays_as_it_is(root: Path) -> None:
    executed = root / "_build" / fake.PROFILE / "runs" / STEM / "notebook.ipynb"
    before = executed.read_bytes()
    tree = stage(fake.PROFILE, root, {STEM: TEXT})
    (sentence,) = BeautifulSoup(captions(tree, STEM), "html.parser").select(".ddlib-reference")
    assert sentence.get_text() == "Small diamonds: the reference run. (older than the code)"
    assert [found.get_text() for found in sentence.select(".ddlib-mark")] == ["(older than the code)"]
    record = nbformat.read(tree / "notebooks" / f"{STEM}.ipynb", as_version=4).cells[-1].source
    assert "- Figure 4.1. Small diamonds: the reference run (n \\< 5)." in record
    assert "ddlib/a\\<b\\>.py changed since" in record
    assert "ddlib-mark" not in captions(tree, OTHER)
    assert executed.read_bytes() == before
    assert "ddlib-mark" not in captions(stage(fake.PROFILE, root), STEM), "a mark goes when its reason has gone"


def test_verdicts_and_tables_of_the_reference_get_the_mark(root: Path) -> None:
    generated = stage(fake.PROFILE, root, {STEM: TEXT}) / "book" / "generated"
    board = BeautifulSoup((generated / "scoreboard.md").read_text(encoding="utf-8"), "html.parser")
    ledger = read_ledger(root / "book" / "claims.yml")
    marked = {str(each["id"]).removeprefix("claim-") for each in board.select("article") if each.select("p.judged > .ddlib-mark")}
    assert marked == {claim.id for claim in ledger if claim.chapter == STEM}
    verdicts = json.loads((generated / "verdicts.json").read_text(encoding="utf-8"))
    assert {name for name, verdict in verdicts.items() if TEXT in verdict["title"]} == marked
    for name in ("deviations.md", "reference.md"):
        lines = [line for line in (generated / name).read_text(encoding="utf-8").splitlines() if "ddlib-mark" in line]
        assert [STEM in line for line in lines] == [True], name


def test_without_a_reason_there_is_no_mark(root: Path) -> None:
    tree = stage(fake.PROFILE, root)
    assert [path for path in tree.rglob("*.md") if "ddlib-mark" in path.read_text(encoding="utf-8")] == []
    assert mark("") == ""
