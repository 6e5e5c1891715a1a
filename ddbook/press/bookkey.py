"""What a book follows from, as checksums: whether there is anything to build, and whether a build can go on from an earlier one."""

from __future__ import annotations

import hashlib
import json
import os
import sys
from collections.abc import Iterable, Mapping
from pathlib import Path
from typing import Any

import ddbook

CODE = Path(ddbook.__file__).parents[1]
"""The folder that holds the packages ddlib and ddbook."""
DOWNLOADS = "download"
"""The folder of the site with the archive and its checksum; it is no part of what was published."""
PUBLISHED = "html.json"
"""What the published book follows from, and the checksums of its files."""


def book_key(profile: str, root: Path, stems: Iterable[str], facts: Mapping[str, object]) -> str:
    """Everything that a published book follows from.

    Args:
        profile: the profile.
        root: the folder of the project.
        stems: the chapters.
        facts: what stands in no file of the project.
    """
    runs = [path for stem in stems for path in _below(root / "_build" / profile / "runs" / stem)]
    files = [root / "_config.yml", *_below(root / "book"), *_below(root / "notebooks"), *_below(root / "reference"), *runs]
    code = [path for room in ("ddlib", "ddbook") for path in _below(CODE / room) if path.suffix == ".py"]
    return _digest([profile, facts, _environment(), _checksums(root, files), _checksums(CODE, code)])


def shared_key(source: Path) -> str:
    """What can change any page of a staged tree: if it has changed, nothing that was built before is used again.

    Sphinx itself knows which pages depend on which texts; this is all that it does not know: configuration, extensions, templates,
    styles, the bibliography, versions, which files there are, and where.
    """
    book = source / "book"
    folders = [path for name in ("_ext", "_templates", "_static") for path in _below(book / name)]
    files = [source / "_config.yml", source / "_toc.yml", *sorted(book.glob("*.bib")), *folders]
    names = [path.relative_to(source).as_posix() for path in _below(source)]
    ours = [Path(__file__), Path(__file__).with_name("typeset.py"), Path(__file__).with_name("sitecheck.py")]
    return _digest([str(source), _environment(), names, _checksums(source, files), _checksums(CODE, ours)])


def page_checksums(html: Path) -> dict[str, str]:
    """The checksum of each file of a book; hidden files are marks, and the archive is added later."""
    return _checksums(html, [path for path in _below(html) if path.relative_to(html).parts[0] != DOWNLOADS])


def read_left(path: Path) -> dict[str, Any]:
    """A file that a build has left; nothing if there is none that can be read."""
    try:
        content = json.loads(path.read_bytes())
    except (OSError, ValueError):
        return {}
    return content if isinstance(content, dict) else {}


def _below(folder: Path) -> list[Path]:
    """The files in a folder and all below it, through links too, without hidden ones and what Python has compiled."""
    files = [Path(above, name) for above, _, names in os.walk(folder, followlinks=True) for name in names]
    shown = [
        path for path in files if not any(word.startswith(".") or word == "__pycache__" for word in path.relative_to(folder).parts)
    ]
    return sorted(path for path in shown if path.is_file())


def _checksums(root: Path, files: Iterable[Path]) -> dict[str, str]:
    return {path.relative_to(root).as_posix(): hashlib.sha256(path.read_bytes()).hexdigest() for path in files}


def _environment() -> list[str]:
    """Python, and everything that is installed, with its version."""
    installed = {path.name for folder in map(Path, sys.path) for path in folder.glob("*.dist-info")}
    return [sys.version, *sorted(installed)]


def _digest(value: object) -> str:
    return hashlib.sha256(json.dumps(value, sort_keys=True).encode()).hexdigest()
