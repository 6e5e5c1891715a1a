"""A book that is built again: not at all if nothing changed, never half, and one build at a time."""

from __future__ import annotations

import shutil
import threading
from pathlib import Path

import pytest

from ddbook.press import book
from ddbook.press.book import BookError
from ddbook.press.contents import read_toc, toc_files
from ddbook.press.locks import BOOK_LOCK, locked
from tests.ddbook.book import fake
from tests.ddbook.press.waiting import wait_for


class Press:
    """Stands in for Sphinx: pages without links, each with the source that it was made from; counts its work."""

    def __init__(self) -> None:
        self.built = 0
        self.breaks = False

    def typeset(self, source: Path, folder: Path) -> Path:
        self.built += 1
        html = folder / "html"
        (html / "_sources" / "notebooks").mkdir(parents=True, exist_ok=True)
        for page in toc_files(read_toc(source / "_toc.yml")):
            (html / page).parent.mkdir(parents=True, exist_ok=True)
            text = next(path for path in source.glob(f"{page}.*") if path.suffix in (".md", ".ipynb"))
            (html / f"{page}.html").write_bytes(b"<!-- " + text.read_bytes().replace(b"-->", b"") + b" -->")
        (html / "index.html").touch()
        if self.breaks:
            raise BookError("a warning")
        return html


@pytest.fixture
def press(monkeypatch: pytest.MonkeyPatch) -> Press:
    press = Press()
    monkeypatch.setattr(book, "typeset", press.typeset)
    return press


@pytest.fixture(scope="module")
def made(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A project whose book is built."""
    root = fake.without_library(fake.make_root(tmp_path_factory.mktemp("made") / "project"))
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(book, "typeset", Press().typeset)
        fake.build(fake.PROFILE, root)
    return root


@pytest.fixture
def root(made: Path, tmp_path: Path, press: Press) -> Path:
    """A copy of it for each test."""
    return shutil.copytree(made, tmp_path / "project")


def html(root: Path) -> Path:
    return root / "_build" / fake.PROFILE / "html"


def written(root: Path) -> dict[Path, tuple[int, bytes]]:
    """The published files: when they were written, and what they hold."""
    return {path: (path.stat().st_mtime_ns, path.read_bytes()) for path in html(root).rglob("*") if path.is_file()}


def test_a_book_that_stands_is_left_alone(root: Path, press: Press) -> None:
    before = written(root)
    said: list[str] = []
    assert fake.build(fake.PROFILE, root, said.append) == html(root) / "index.html"
    assert (written(root), press.built, len(said)) == (before, 0, 1)


EDITS = {
    "prose": lambda root: append(root / "book" / "notation.md"),
    "configuration": lambda root: append(root / "_config.yml", "# remark"),
    "profile": lambda root: append(root / "notebooks" / "profiles" / "laptop.yml", "# remark"),
    "numbers": lambda root: replace(root, "results/numbers.json", "0.0123", "0.0124"),
    "table": lambda root: append(root / "_build" / fake.PROFILE / "runs" / "03_digits" / "results" / "regret.csv", "b,1,0,0.1\n"),
    "record": lambda root: fake.settle(
        root / "_build" / fake.PROFILE / "runs" / "03_digits", fake.record("03_digits").model_copy(update={"wall_seconds": 84.2})
    ),
    "page by hand": lambda root: append(html(root) / "book" / "status.html"),
    "page lost": lambda root: (html(root) / "book" / "status.html").unlink(),
    "page too many": lambda root: (html(root) / "book" / "more.html").write_text("x"),
}


def append(path: Path, text: str = "\nA sentence more.\n") -> None:
    path.write_text(path.read_text(encoding="utf-8") + text, encoding="utf-8")


def replace(root: Path, name: str, old: str, new: str) -> None:
    path = root / "_build" / fake.PROFILE / "runs" / "03_digits" / name
    text = path.read_text(encoding="utf-8")
    assert old in text
    path.write_text(text.replace(old, new), encoding="utf-8")


@pytest.mark.parametrize("edit", EDITS)
def test_whatever_the_book_follows_from_builds_it_again(root: Path, press: Press, edit: str) -> None:
    EDITS[edit](root)
    fake.build(fake.PROFILE, root)
    assert press.built == 1
    assert {path for path in html(root).rglob("more.html")} == set()
    fake.build(fake.PROFILE, root)
    assert press.built == 1


def test_what_lies_behind_a_link_counts_too(root: Path, press: Press, tmp_path: Path) -> None:
    (tmp_path / "elsewhere").mkdir()
    (root / "book" / "elsewhere").symlink_to(tmp_path / "elsewhere")
    for number in (1, 2):
        (tmp_path / "elsewhere" / "picture.svg").write_text(f"<svg>{number}</svg>")
        fake.build(fake.PROFILE, root)
        assert press.built == number


def test_what_is_edited_while_the_book_is_built_is_not_published(root: Path, press: Press, monkeypatch: pytest.MonkeyPatch) -> None:
    before = written(root)
    append(root / "book" / "notation.md")

    def typeset(source: Path, folder: Path) -> Path:
        EDITS["numbers"](root)
        return press.typeset(source, folder)

    monkeypatch.setattr(book, "typeset", typeset)
    with pytest.raises(BookError, match="was edited while it was built"):
        fake.build(fake.PROFILE, root)
    assert written(root) == before


def test_a_mark_of_the_reference_builds_it_again(root: Path, press: Press, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(book, "reference_marks", lambda _: {"03_digits": "older than the code"})
    fake.build(fake.PROFILE, root)
    assert press.built == 1


def test_after_a_failed_build_nothing_is_taken_from_it(root: Path, press: Press) -> None:
    before = written(root)
    append(root / "book" / "notation.md")
    press.breaks = True
    for _ in range(2):
        with pytest.raises(BookError):
            fake.build(fake.PROFILE, root)
        assert not (root / "_build" / fake.PROFILE / "sphinx").exists()
        assert written(root) == before
    press.breaks = False
    fake.build(fake.PROFILE, root)
    assert b"A sentence more." in (html(root) / "book" / "notation.html").read_bytes()


@pytest.mark.parametrize("step", ["stage", "copytree", "publish", "write_json"])
def test_an_interruption_anywhere_leaves_a_whole_book(root: Path, monkeypatch: pytest.MonkeyPatch, step: str) -> None:
    before = {path: content for path, (_, content) in written(root).items()}
    append(root / "book" / "notation.md")

    def interrupt(*_: object, **__: object) -> None:
        raise KeyboardInterrupt

    with monkeypatch.context() as patch:
        place = {"stage": "ddbook.press.stage.stage", "copytree": "ddbook.press.book.shutil.copytree"}
        patch.setattr(place.get(step, f"ddbook.press.book.{step}"), interrupt)
        with pytest.raises(KeyboardInterrupt):
            fake.build(fake.PROFILE, root)
    assert {path: content for path, (_, content) in written(root).items()} == before
    fake.build(fake.PROFILE, root)
    assert b"A sentence more." in (html(root) / "book" / "notation.html").read_bytes()


def test_what_a_killed_build_left_is_put_in_order(root: Path, press: Press) -> None:
    home = root / "_build" / fake.PROFILE
    before = written(root)
    html(root).rename(home / "html.old")  # killed between the two steps of publishing
    for name in ("book-x", "src-x"):
        (home / name).mkdir()
    fake.build(fake.PROFILE, root)
    assert (written(root), press.built) == (before, 0)
    assert sorted(path.name for path in home.glob("[!.]*")) == ["fragments.json", "html", "html.json", "runs", "sphinx", "src"]


def test_a_build_that_was_killed_is_not_gone_on_from(root: Path) -> None:
    sphinx = root / "_build" / fake.PROFILE / "sphinx"
    (sphinx / "finished.json").unlink()
    (sphinx / "html" / "left.txt").write_text("by the killed build", encoding="utf-8")
    append(root / "book" / "notation.md")
    fake.build(fake.PROFILE, root)
    assert not (html(root) / "left.txt").exists()
    assert (sphinx / "finished.json").exists()


def test_of_two_builds_at_once_the_second_waits_and_says_so(root: Path, press: Press) -> None:
    append(root / "book" / "notation.md")
    said: list[str] = []
    second = threading.Thread(target=fake.build, args=(fake.PROFILE, root, said.append))
    with locked(root / "_build" / fake.PROFILE / BOOK_LOCK):
        second.start()
        wait_for(lambda: bool(said))
        assert "Waiting" in said[0]
        assert press.built == 0
    second.join()
    assert press.built == 1
    assert b"A sentence more." in (html(root) / "book" / "notation.html").read_bytes()
