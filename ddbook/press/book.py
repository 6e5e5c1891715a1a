"""The book of a profile: staged from its finished runs, built with every warning an error, checked, then published in one move."""

from __future__ import annotations

import shutil
import tempfile
import time
from collections.abc import Callable
from pathlib import Path

from ddbook.press.bookkey import PUBLISHED, book_key, page_checksums, read_left, shared_key
from ddbook.press.chapter import BookError, finished_chapters
from ddbook.press.freshness import STATES, Today, listed, reference_marks, require_fresh
from ddbook.press.git import repository as repository_of
from ddbook.press.locks import BOOK_LOCK, Held, locked
from ddbook.press.profiles import check_profile_name
from ddbook.press.sitecheck import problems
from ddbook.press.typeset import typeset
from ddlib.files import write_json

__all__ = ["BookError", "build"]

FINISHED = "finished.json"
"""Beside Sphinx's cache if and only if the build that left it had no warning: what it shares, and what was found in its pages."""


def build(profile: str, root: Path, say: Callable[[str], None] = lambda _: None, draft: bool = False) -> Path:
    """Build and publish the book of a profile, if it is not what it would be anyway.

    Pages whose text has changed are made anew, and all others if anything has changed that they could show. While another process
    builds the same book, this one waits.

    Args:
        profile: whose runs, below ``_build/<profile>/runs``, the book shows.
        root: the folder of the project.
        say: called with what happens.
        draft: whether runs that are not fresh may be shown, in ``_build/<profile>/draft``, with what has changed on their pages.

    Returns:
        The first page, ``_build/<profile>/html/index.html`` if all runs are fresh.

    Raises:
        InputError: if a run is not fresh, or the reference was edited.
        BookError: if a chapter has no finished run, if the build gave a warning or if a link leads nowhere. The book that was
            published before is still there.
    """
    check_profile_name(profile)
    chapters = finished_chapters(profile, root)
    home = root / "_build" / profile
    try:
        with locked(home / BOOK_LOCK):
            return _build(profile, root, [chapter.stem for chapter in chapters], say, draft)
    except Held:
        say("Waiting for another command that builds or reads this book")
        with locked(home / BOOK_LOCK, wait=True):
            return _build(profile, root, [chapter.stem for chapter in chapters], say, draft)


def _build(profile: str, root: Path, stems: list[str], say: Callable[[str], None], draft: bool) -> Path:
    home = root / "_build" / profile
    clear_away(home)
    before = book_key(profile, root, stems, {})  # first: what is edited from here on is seen at the end
    standings = require_fresh(Today(root, profile), stems, STATES if draft else ("fresh",))
    stale = {stem: listed(one.why) for stem, one in standings.items() if one.state != "fresh"}
    marks = reference_marks(root)
    facts = {"marks": marks, "stale": stale, "repository": repository_of(root)}
    key = book_key(profile, root, stems, facts)
    target, published = (home / "draft", home / "draft.json") if stale else (home / "html", home / PUBLISHED)
    page = target / "index.html"
    if read_left(published) == {"key": key, "files": page_checksums(target)} and page.exists():
        say("The book is as it would be built now")
        return page
    from ddbook.press.stage import stage  # here, because a book that stands needs nothing of it

    say("Building the book from the finished chapters")
    source = stage(profile, root, marks, stale)
    html = _made(source, home / "sphinx", profile, root)
    with tempfile.TemporaryDirectory(prefix="book-", dir=home) as scratch:
        copy = Path(scratch, "html")
        shutil.copytree(html, copy)
        files = page_checksums(copy)
        if book_key(profile, root, stems, {}) != before:
            raise BookError(f"Something that the book of profile {profile} shows was edited while it was built: build it again")
        publish(copy, target)
    write_json(published, {"key": key, "files": files})
    return page


def _made(source: Path, folder: Path, profile: str, root: Path) -> Path:
    """The checked pages of a staged tree, from those of the last build where nothing has changed that all pages share.

    A build that does not end well leaves nothing behind: a cache would hide its warnings from the next.
    """
    shared = shared_key(source)
    last = read_left(folder / FINISHED)
    intact = last.get("files") == page_checksums(folder / "html")
    if last.get("shared") != shared or not intact or (folder / FINISHED).stat().st_mtime > time.time():  # Sphinx compares times
        shutil.rmtree(folder, ignore_errors=True)
        last = {}
    (folder / FINISHED).unlink(missing_ok=True)
    try:
        html = typeset(source, folder)
        for page in (source / "notebooks").glob("*.ipynb"):
            # the page's download button gives the notebook of the repository; the executed one is linked in its record
            shutil.copyfile(root / "notebooks" / page.name, html / "_sources" / "notebooks" / page.name)
        known = last.get("pages", {})
        found = problems(html, source / "_toc.yml", known)
        if found:
            raise BookError(f"The book of profile {profile} is not published, because of:\n  " + "\n  ".join(found))
    except BaseException:
        shutil.rmtree(folder, ignore_errors=True)
        raise
    write_json(folder / FINISHED, {"shared": shared, "pages": known, "files": page_checksums(html)})
    return html


def clear_away(home: Path) -> None:
    """Remove what a build has left that was killed, and put back a published book that it was about to replace."""
    for path in [*home.glob("book-*"), *home.glob("src-*")]:
        shutil.rmtree(path, ignore_errors=True)
    put_back(home / "html")


def put_back(target: Path) -> None:
    """Mend what a crash between two steps of :func:`publish` has left."""
    old = target.with_name(f"{target.name}.old")
    if old.exists() and not target.exists():
        old.rename(target)
    shutil.rmtree(old, ignore_errors=True)


def publish(new: Path, target: Path) -> None:
    """Put a finished folder in the place of the published one."""
    put_back(target)
    old = target.with_name(f"{target.name}.old")
    if target.exists():
        target.rename(old)
    new.rename(target)
    shutil.rmtree(old, ignore_errors=True)
