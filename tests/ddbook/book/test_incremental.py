"""A build that goes on from an earlier one: the book that a new one would give, page by page and warning by warning."""

from __future__ import annotations

import shutil
from pathlib import Path

import nbformat
import pytest

from ddbook.press.book import BookError
from tests.ddbook.book import fake

PROSE, DIGITS, HOSPITALS, TAILS = "01_one_dataset_many_tasks", "03_digits", "04_merge_hospitals", "09_two_tails"
LABEL = "(a-place-to-link-to)=\n## A place\n\n"


@pytest.fixture(scope="module")
def built(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The small project without the library's pages, built once; one page links to a label of another."""
    root = fake.without_library(fake.make_root(tmp_path_factory.mktemp("built") / "project"))
    page = root / "book" / "notation.md"
    page.write_text(f"{page.read_text(encoding='utf-8')}\n{LABEL}", encoding="utf-8")
    rewrite(root, PROSE, "This invented chapter", "See [there](#a-place-to-link-to). This invented chapter")
    rewrite(root, DIGITS, "This invented chapter", "After {cite:p}`kungurtsev2024`. This invented chapter")
    fake.build(fake.PROFILE, root)
    return root


@pytest.fixture
def root(built: Path) -> Path:
    """That project; what a test edits it puts back by building from the same texts again."""
    return built


def run_of(root: Path, stem: str) -> Path:
    return root / "_build" / fake.PROFILE / "runs" / stem


def rewrite(root: Path, stem: str, old: str, new: str) -> None:
    """Edits the prose of a committed notebook; its run stays."""
    path = root / "notebooks" / f"{stem}.ipynb"
    notebook = nbformat.read(path, as_version=4)
    assert old in notebook.cells[0].source
    notebook.cells[0].source = notebook.cells[0].source.replace(old, new)
    nbformat.write(notebook, path)


def replace(path: Path, old: str, new: str) -> None:
    text = path.read_text(encoding="utf-8")
    assert old in text
    path.write_text(text.replace(old, new), encoding="utf-8")


def append(path: Path) -> None:
    path.write_text(path.read_text(encoding="utf-8") + "\nOne sentence more.\n", encoding="utf-8")


def published(root: Path) -> dict[str, bytes]:
    html = root / "_build" / fake.PROFILE / "html"
    return {path.relative_to(html).as_posix(): path.read_bytes() for path in html.rglob("*") if path.is_file()}


def times(root: Path) -> dict[str, int]:
    """When each page was written by Sphinx."""
    html = root / "_build" / fake.PROFILE / "sphinx" / "html"
    return {path.relative_to(html).as_posix(): path.stat().st_mtime_ns for path in html.rglob("*.html")}


def written_since(root: Path, before: dict[str, int]) -> set[str]:
    return {page for page, time in times(root).items() if time != before.get(page)}


def afresh(root: Path, place: Path) -> dict[str, bytes]:
    """What a build from nothing gives."""
    kept = shutil.ignore_patterns("sphinx", "html", "html.json", "src")
    shutil.copytree(root, place, ignore=kept)
    fake.build(fake.PROFILE, place)
    return published(place)


def differing(one: dict[str, bytes], other: dict[str, bytes]) -> list[str]:
    return sorted(name for name in {*one, *other} if one.get(name) != other.get(name))


def test_after_edits_of_prose_a_number_and_a_figure_only_their_pages_are_made_anew(root: Path, tmp_path: Path) -> None:
    before = times(root)
    rewrite(root, DIGITS, "This invented chapter", "One more sentence. This invented chapter")
    replace(run_of(root, HOSPITALS) / "results" / "numbers.json", "0.0123", "0.0133")
    replace(run_of(root, TAILS) / "notebook.ipynb", "A rising line", "A falling line")
    fake.build(fake.PROFILE, root)
    pages = {f"notebooks/{stem}.html" for stem in fake.CHAPTERS if f"notebooks/{stem}.html" in written_since(root, before)}
    assert pages == {f"notebooks/{stem}.html" for stem in (DIGITS, HOSPITALS, TAILS)}
    shown = published(root)
    assert b"One more sentence" in shown[f"notebooks/{DIGITS}.html"]
    assert b"0.013" in shown[f"notebooks/{HOSPITALS}.html"]
    assert b"A falling line" in shown[f"notebooks/{TAILS}.html"]
    assert differing(shown, afresh(root, tmp_path / "afresh")) == []


def test_after_the_edit_of_a_heading_every_page_shows_it(root: Path, tmp_path: Path) -> None:
    rewrite(root, DIGITS, "# Digits", "# Figures and digits")
    fake.build(fake.PROFILE, root)
    shown = published(root)
    assert b"Figures and digits" in shown["book/notation.html"]
    assert differing(shown, afresh(root, tmp_path / "afresh")) == []


def test_a_page_that_is_gone_leaves_nothing_behind(root: Path, tmp_path: Path) -> None:
    assert "book/outgrowing.html" in published(root)
    replace(root / "book" / "_toc.yml", "      - file: book/outgrowing\n", "")
    (root / "book" / "outgrowing.md").unlink()
    for page in (root / "book").glob("*.md"):
        page.write_text(page.read_text(encoding="utf-8").replace("](outgrowing.md)", "](status.md)"), encoding="utf-8")
    fake.build(fake.PROFILE, root)
    shown = published(root)
    assert [name for name, content in shown.items() if "outgrowing" in name or b"outgrowing.html" in content] == []
    assert differing(shown, afresh(root, tmp_path / "afresh")) == []


def test_warnings_come_back_until_they_are_mended_although_their_pages_do_not_change(root: Path) -> None:
    page, before = root / "book" / "notation.md", published(root)
    replace(page, LABEL, "## A place\n\n")  # another page links to it
    rewrite(root, DIGITS, "This invented chapter", "{res}`digits.no_such_number`. This invented chapter")
    for _ in range(2):
        with pytest.raises(BookError) as caught:
            fake.build(fake.PROFILE, root)
        assert "a-place-to-link-to" in str(caught.value)
        assert "digits.no_such_number" in str(caught.value)
        assert published(root) == before
        append(root / "book" / "status.md")
    replace(page, "## A place\n\n", LABEL)
    rewrite(root, DIGITS, "{res}`digits.no_such_number`. ", "")
    fake.build(fake.PROFILE, root)
