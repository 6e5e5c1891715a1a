"""The table of contents, as jupyter-book reads it."""

from __future__ import annotations

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
