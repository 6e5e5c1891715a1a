"""Bytes to text: the encoding that a file says or shows."""

from __future__ import annotations

import codecs
from pathlib import Path

from ddlib.files import InputError

_MARKS = (
    (codecs.BOM_UTF8, "utf-8-sig", "UTF-8"),
    (codecs.BOM_UTF32_LE, "utf-32", "UTF-32"),
    (codecs.BOM_UTF32_BE, "utf-32", "UTF-32"),
    (codecs.BOM_UTF16_LE, "utf-16", "UTF-16"),
    (codecs.BOM_UTF16_BE, "utf-16", "UTF-16"),
)
"""Byte-order marks; that of UTF-32 begins with that of UTF-16 and thus comes first."""
_MOSTLY = 0.4
"""UTF-16 without a mark is told by zero bytes, which then are nearly all bytes at odd places, or at even ones."""


def read_text(path: Path, encoding: str | None = None) -> tuple[str, str]:
    """A file's text, and how its encoding is called.

    A byte-order mark decides; else, UTF-16 shows by its zero bytes, and what is no UTF-8 is Latin-1, or Windows-1252 where it has
    signs that Latin-1 lacks.

    Raises:
        InputError: if the bytes are none of that, or not in the given encoding.
    """
    content = path.read_bytes()
    if encoding is not None:
        name, shown = ("utf-8-sig" if codecs.lookup(encoding).name == "utf-8" else encoding), encoding
    else:
        name, shown = _found(content)
    try:
        return content.decode(name), shown
    except UnicodeDecodeError as error:
        odd = error.object[error.start : error.end].hex()
        raise InputError(f"{path} is not in {shown} (it has the byte {odd}): say in which encoding it is (--encoding)") from None
    except UnicodeError as error:
        raise InputError(f"{path} is not in {shown} ({error}): say in which encoding it is (--encoding)") from None


def _found(content: bytes) -> tuple[str, str]:
    for mark, name, shown in _MARKS:
        if content.startswith(mark):
            return name, shown
    if len(content) >= 4 and len(content) % 2 == 0:
        half = len(content) // 2
        even, odd = content[::2].count(0) / half, content[1::2].count(0) / half
        if max(even, odd) > _MOSTLY and min(even, odd) < 0.1:
            return ("utf-16-le" if odd > even else "utf-16-be"), "UTF-16 without a mark"
    try:
        content.decode("utf-8")
        return "utf-8", "UTF-8"
    except UnicodeDecodeError:
        windows = any(0x80 <= byte < 0xA0 for byte in set(content))
        return ("cp1252", "Windows-1252") if windows else ("latin-1", "Latin-1")
