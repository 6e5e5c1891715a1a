"""The table of contents, as jupyter-book reads it."""

from __future__ import annotations

import re
from collections.abc import Mapping
from pathlib import Path
from typing import Any

from ddlib.files import read_yaml


def read_toc(path: Path) -> dict[str, Any]:
    """A table of contents as jupyter-book reads it."""
    return read_yaml(path)


def toc_files(node: Any) -> list[str]:
    """All pages of a table of contents, in order."""
    if isinstance(node, list):
        return [page for item in node for page in toc_files(item)]
    if not isinstance(node, dict):
        return []
    own = [node[key] for key in ("root", "file") if key in node]
    return own + [page for key in ("parts", "chapters", "sections") for page in toc_files(node.get(key))]


def number(node: Any, headings: Mapping[str, str]) -> None:
    """Give chapters their numbers in the contents, before their headings; files without a number keep their heading alone.

    Args:
        node: the contents, which are changed.
        headings: of each page that may have a number, by its file.

    >>> toc = {"parts": [{"chapters": [{"file": "notebooks/04_merge"}, {"file": "book/claims"}]}]}
    >>> number(toc, {"notebooks/04_merge": "Merging"})
    >>> toc["parts"][0]["chapters"]
    [{'file': 'notebooks/04_merge', 'title': '4 · Merging'}, {'file': 'book/claims'}]
    """
    if isinstance(node, list):
        for item in node:
            number(item, headings)
    elif isinstance(node, dict):
        heading, found = headings.get(node.get("file", "")), re.search(r"(\d+)_", node.get("file", ""))
        if heading and found:
            node["title"] = f"{int(found[1])} · {heading}"
        for key in ("parts", "chapters", "sections"):
            number(node.get(key), headings)
