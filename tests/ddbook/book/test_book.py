"""The built book: complete, checked, and never replaced by a worse one."""

from __future__ import annotations

import shutil
import sys
from pathlib import Path

import pytest
from bs4 import BeautifulSoup

from ddbook.press import book
from ddbook.press.archive import archive
from ddbook.press.book import BookError, publish
from ddbook.press.sitecheck import problems
from ddbook.press.typeset import typeset
from tests.ddbook.book import fake

STEM = "01_one_dataset_many_tasks"


def test_the_book_is_complete(tiny_book: Path) -> None:
    assert (tiny_book / "index.html").exists()  # published, so that no check of the site has complained
    page = (tiny_book / "notebooks" / f"{STEM}.html").read_text(encoding="utf-8")
    assert "its regret is 0.012 nats per trajectory" in page.replace("\N{NO-BREAK SPACE}", " ")
    assert "How this page was computed" in page
    assert 'property="og:description"' in page


def test_nothing_is_asked_from_other_machines(tiny_book: Path) -> None:
    for path in tiny_book.rglob("*.html"):
        text = path.read_text(encoding="utf-8")
        assert 'src="http' not in text, path
        assert 'stylesheet" href="http' not in text, path


def test_the_download_button_gives_the_notebook_of_the_repository(tiny_book: Path) -> None:
    path = Path("notebooks", f"{STEM}.ipynb")
    assert (tiny_book / "_sources" / path).read_bytes() == (tiny_book.parents[2] / path).read_bytes()
    assert f"_sources/{path}" in (tiny_book / "notebooks" / f"{STEM}.html").read_text(encoding="utf-8")


def test_a_warning_leaves_the_published_book_and_is_told(tmp_path: Path) -> None:
    text = "An unknown {res}`one_dataset_many_tasks.regret_ipc2:.3f` and [a link](nowhere.md)."
    root = fake.without_library(fake.make_root(tmp_path, text=text))
    published = root / "_build" / fake.PROFILE / "html"
    published.mkdir(parents=True)
    (published / "index.html").write_text("published before", encoding="utf-8")
    with pytest.raises(BookError) as caught:
        fake.build(fake.PROFILE, root)
    message = str(caught.value)
    assert "did you mean 'one_dataset_many_tasks.regret_ipc20'?" in message
    assert "nowhere.md" in message
    assert f"notebooks/{STEM}" in message
    assert (published / "index.html").read_text(encoding="utf-8") == "published before"
    left = {path.name for path in published.parent.glob("[!.]*")}
    assert left == {"fragments.json", "html", "runs", "src"}  # no cache, which would hide the warnings from the next build


def test_a_bad_link_is_found_after_the_build(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    def write(source: Path, folder: Path) -> Path:
        html = folder / "html"
        for name in ("book", "notebooks", "_sources/notebooks"):
            (html / name).mkdir(parents=True)
        (html / "book" / "index.html").write_text('<article><a href="gone.html">x</a></article>', encoding="utf-8")
        return html

    monkeypatch.setattr(book, "typeset", write)
    with pytest.raises(BookError, match=r"book/index.html links to gone.html, which does not exist"):
        fake.build(fake.PROFILE, fake.make_root(tmp_path))
    assert not (tmp_path / "_build" / fake.PROFILE / "html").exists()


def contents(folder: Path) -> dict[Path, bytes]:
    """Every file but the hidden ones, which are marks of the build."""
    files = [path for path in folder.rglob("*") if path.is_file() and not path.name.startswith(".")]
    return {path.relative_to(folder): path.read_bytes() for path in files}


def test_the_archive_holds_the_whole_book(tiny_book: Path, tmp_path: Path) -> None:
    home = tmp_path / "_build" / "tiny"
    shutil.copytree(tiny_book, home / "html")
    shutil.copyfile(tiny_book.with_name("html.json"), home / "html.json")
    shutil.unpack_archive(archive("tiny", tmp_path), tmp_path / "elsewhere")
    assert contents(tmp_path / "elsewhere" / "ddlib-book-tiny") == contents(tiny_book)


def test_publishing_mends_what_a_crash_left(tmp_path: Path) -> None:
    for name in ("new", "html.old"):
        (tmp_path / name).mkdir()
    publish(tmp_path / "new", tmp_path / "html")
    assert [path.name for path in tmp_path.iterdir()] == ["html"]


SITE = {
    "index.html": "<a href='book/a.html'>a</a>",
    "book/a.html": "<article><h1 id='top'>A</h1><a href='b.html#there'>b</a> <a href='#top'>up</a> <a href='https://example.org/x'>x</a></article>",
    "book/b.html": "<article><p id='there'>B</p><img src='../_static/p.svg'><pre><code>{res}`shown` as code</code></pre></article>",
    "_static/p.svg": "<svg/>",
}


def written(folder: Path, **changes: str | None) -> list[str]:
    """The complaints about a small site, some pages of which are changed or left out."""
    for name, text in (SITE | {key.replace("__", "/") + ".html": text for key, text in changes.items()}).items():
        if text is not None:
            (folder / "html" / name).parent.mkdir(parents=True, exist_ok=True)
            (folder / "html" / name).write_text(text, encoding="utf-8")
    (folder / "_toc.yml").write_text("root: book/a\nchapters: [{file: book/b}]\n", encoding="utf-8")
    return problems(folder / "html", folder / "_toc.yml")


def test_a_good_site_has_no_problems(tmp_path: Path) -> None:
    assert written(tmp_path) == []


def test_an_example_in_a_docstring_may_show_a_refusal(tmp_path: Path) -> None:
    example = "<div id='there' class='doctest notranslate'><pre>>>> distil()\nTraceback (most recent call last):</pre></div>"
    assert written(tmp_path, book__b=example) == []


@pytest.mark.parametrize(
    ("changes", "complaint"),
    [
        ({"index": None}, "index.html is missing"),
        ({"book__b": None}, "book/b.html is in the table of contents, but was not built"),
        ({"book__c": "<p>C</p>"}, "book/c.html was built, but is not in the table of contents"),
        ({"book__b": "<p>no anchor</p>"}, "book/a.html links to b.html#there, but that page has no anchor 'there'"),
        ({"book__b": "<p id='there'><img src='gone.png'></p>"}, "book/b.html links to gone.png, which does not exist"),
        ({"book__b": "<p id='there'>{res}`left`</p>"}, "book/b.html shows a number role that was not replaced"),
        ({"book__b": "<pre id='there'>Traceback (most recent call last)</pre>"}, "book/b.html shows the traceback of an error"),
        ({"book__b": "<p id='there' class='system-message'>bad</p>"}, "book/b.html shows an error of its source: bad"),
    ],
)
def test_problems_are_told(tmp_path: Path, changes: dict[str, str | None], complaint: str) -> None:
    assert complaint in written(tmp_path, **changes)


def test_a_typesetter_that_is_killed_is_told_from_one_with_warnings(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    killed = tmp_path / "python"
    killed.write_text("#!/bin/sh\nkill -9 $$\n")
    killed.chmod(0o755)
    monkeypatch.setattr(sys, "executable", str(killed))
    with pytest.raises(BookError, match="SIGKILL"):
        typeset(tmp_path, tmp_path / "folder")


def test_links_to_figures_show_their_numbers_on_the_same_page_and_on_others(tiny_book: Path) -> None:
    page = BeautifulSoup((tiny_book / "notebooks" / "01_one_dataset_many_tasks.html").read_text(encoding="utf-8"), "html.parser")
    links = {str(link["href"]): link.get_text() for link in page.select("article a.reference[href$='#figure-regret']")}
    assert links == {"#figure-regret": "Figure 1.1", "04_merge_hospitals.html#figure-regret": "Figure 4.1"}
