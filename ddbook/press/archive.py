"""The book as one file to download, with its checksum: the same pages give the same bytes."""

from __future__ import annotations

import hashlib
import io
import zipfile
from pathlib import Path

from ddbook.press.bookkey import DOWNLOADS, PUBLISHED, page_checksums, read_left
from ddbook.press.locks import BOOK_LOCK, Held, locked
from ddbook.press.private import is_private
from ddbook.press.profiles import check_profile_name
from ddlib.files import InputError, write_atomically

EARLIEST = (1980, 1, 1, 0, 0, 0)
"""The time of every entry: the first that the format knows, because when a page was written is no part of what it says."""


def archive(profile: str, root: Path) -> Path:
    """Pack the published book of a profile into ``_build/<profile>/ddlib-book-<profile>.zip``, with ``SHA256SUMS`` beside it.

    Both are also put into the folder ``download`` of the book, so that they are published with it. A book that is built anew has
    that folder no more: what is offered there is always the book around it.

    Args:
        profile: whose book.
        root: the folder of the project.

    Returns:
        The file; nothing but names and contents of the pages goes into it. How they are compressed depends on the version of
        zlib, the library that Python compresses with.

    Raises:
        InputError: if there is no book, it is not what was published or holds a set made of real patients' rows, or one is being
            built.
    """
    check_profile_name(profile)
    home = root / "_build" / profile
    if not (home / "html" / "index.html").is_file():
        raise InputError(f"there is no finished book in {home / 'html'}: first give the command make book PROFILE={profile}")
    name = f"ddlib-book-{profile}"
    try:
        with locked(root / "_build" / ".lock"), locked(home / BOOK_LOCK):
            packed = _packed(home / "html", name)
            if read_left(home / PUBLISHED).get("files") != page_checksums(home / "html"):
                raise InputError(f"{home / 'html'} is not what was published: give the command make book PROFILE={profile}")
            sums = f"{hashlib.sha256(packed).hexdigest()}  {name}.zip\n"
            for folder in (home / "html" / DOWNLOADS, home):
                write_atomically(folder / f"{name}.zip", packed)
                write_atomically(folder / "SHA256SUMS", sums)
    except Held:
        raise InputError(f"a build is running in {root}: wait until it has ended") from None
    return home / f"{name}.zip"


def _packed(html: Path, name: str) -> bytes:
    """The pages below one folder of that name, in the order of their names; without hidden files, which are marks of the build."""
    files = {path.relative_to(html): path for path in html.rglob("*") if path.is_file()}
    shown = [part for part in files if part.parts[0] != DOWNLOADS and not any(word.startswith(".") for word in part.parts)]
    private = [part.as_posix() for part in files if any(map(is_private, part.parts))]
    if private:
        raise InputError(f"{html} holds {private[0]}, made of real patients' rows: delete the folder and build the book anew")
    buffer = io.BytesIO()
    with zipfile.ZipFile(buffer, "w") as packed:
        for part in sorted(shown, key=lambda part: part.as_posix()):
            entry = zipfile.ZipInfo(f"{name}/{part.as_posix()}", EARLIEST)
            entry.create_system = 3  # Unix on every system, so that the rights below are understood
            entry.external_attr = 0o644 << 16
            packed.writestr(entry, files[part].read_bytes(), zipfile.ZIP_DEFLATED, 9)
    return buffer.getvalue()
