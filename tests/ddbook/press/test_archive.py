"""The book as one file: complete, the same bytes for the same pages, and its checksum tells a change."""

from __future__ import annotations

import hashlib
import os
import shutil
import subprocess
import sys
import zipfile
from pathlib import Path

import pytest

from ddbook.press.archive import archive
from ddbook.press.bookkey import PUBLISHED, page_checksums
from ddbook.press.locks import locked
from ddlib.files import InputError, write_json

PAGES = {
    "index.html": "<a href='book/a.html'>a</a>",
    "book/a.html": "<h1>A</h1>",
    "_static/a b.svg": "<svg/>",
    "Z.txt": "z",
    "a.txt": "a" * 1000,
}


def site(root: Path, pages: dict[str, str] | None = None) -> Path:
    """A published book of profile small."""
    html = root / "_build" / "small" / "html"
    for name, text in (PAGES if pages is None else pages).items():
        (html / name).parent.mkdir(parents=True, exist_ok=True)
        (html / name).write_text(text, encoding="utf-8")
    (html / ".finished").touch()
    write_json(html.parent / PUBLISHED, {"files": page_checksums(html)})
    return html


def test_a_book_that_was_edited_by_hand_is_not_packed(tmp_path: Path) -> None:
    for change in (lambda html: (html / "a.txt").write_text("b"), lambda html: (html / "a.txt").unlink()):
        html = site(tmp_path)
        archive("small", tmp_path)
        change(html)
        with pytest.raises(InputError, match="is not what was published"):
            archive("small", tmp_path)


def test_it_holds_every_page_in_one_folder_and_nothing_else(tmp_path: Path) -> None:
    html = site(tmp_path)
    packed = archive("small", tmp_path)
    assert packed == tmp_path / "_build" / "small" / "ddlib-book-small.zip"
    with zipfile.ZipFile(packed) as opened:
        assert opened.namelist() == [f"ddlib-book-small/{name}" for name in sorted(PAGES)]
        assert opened.read("ddlib-book-small/_static/a b.svg") == (html / "_static" / "a b.svg").read_bytes()
        assert {entry.external_attr >> 16 for entry in opened.infolist()} == {0o644}
    assert packed.stat().st_size < 1500  # compressed


def test_the_same_pages_give_the_same_bytes_wherever_and_whenever_they_were_written(tmp_path: Path) -> None:
    first, second = tmp_path / "one", tmp_path / "two"
    site(first)
    html = site(second, dict(reversed(PAGES.items())))
    for path in html.rglob("*"):
        os.utime(path, (1_000_000_000, 1_000_000_000))
        path.chmod(0o700)
    before = archive("small", first).read_bytes()
    assert archive("small", second).read_bytes() == before
    assert archive("small", first).read_bytes() == before  # the file itself, offered in the book's folder, is not packed again
    site(second, PAGES | {"a.txt": "b"})
    assert archive("small", second).read_bytes() != before


@pytest.mark.skipif(not shutil.which("sha256sum"), reason="sha256sum is not installed")
@pytest.mark.parametrize("folder", [".", "html/download"])
def test_the_checksum_holds_beside_the_book_and_on_the_site_and_finds_a_change(tmp_path: Path, folder: str) -> None:
    site(tmp_path)
    archive("small", tmp_path)
    place = tmp_path / "_build" / "small" / folder
    check = ["sha256sum", "--check", "--strict", "SHA256SUMS"]
    done = subprocess.run(check, cwd=place, capture_output=True, text=True, check=False)
    assert (done.returncode, done.stdout) == (0, "ddlib-book-small.zip: OK\n")
    packed = place / "ddlib-book-small.zip"
    assert hashlib.sha256(packed.read_bytes()).hexdigest() in (place / "SHA256SUMS").read_text()
    packed.write_bytes(packed.read_bytes()[:-1])
    assert subprocess.run(check, cwd=place, capture_output=True, check=False).returncode == 1


def test_without_a_book_it_says_how_to_get_one(tmp_path: Path) -> None:
    with pytest.raises(InputError, match="first give the command make book PROFILE=small"):
        archive("small", tmp_path)
    assert list(tmp_path.iterdir()) == []


def test_it_waits_for_no_build_and_disturbs_none(tmp_path: Path) -> None:
    site(tmp_path)
    with locked(tmp_path / "_build" / ".lock"), pytest.raises(InputError, match="a build is running"):
        archive("small", tmp_path)
    assert not (tmp_path / "_build" / "small" / "SHA256SUMS").exists()


def test_the_command_prints_the_path_and_refuses_in_one_sentence(tmp_path: Path) -> None:
    (tmp_path / "pyproject.toml").touch()
    command = [sys.executable, "-m", "ddbook", "archive", "--profile", "small"]
    refused = subprocess.run(command, cwd=tmp_path, capture_output=True, text=True, check=False)
    assert refused.returncode == 2
    assert refused.stderr.startswith("ddbook: there is no finished book in ")
    site(tmp_path)
    done = subprocess.run(command, cwd=tmp_path, capture_output=True, text=True, check=True)
    assert Path(done.stdout.strip()).read_bytes() == (tmp_path / "_build/small/html/download/ddlib-book-small.zip").read_bytes()
