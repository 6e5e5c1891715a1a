"""Checksums of values and files."""

from __future__ import annotations

import hashlib
import json
from pathlib import Path
from typing import Any


def digest(value: Any) -> str:
    """The SHA-256 of a value that JSON can hold."""
    return hashlib.sha256(json.dumps(value, sort_keys=True, ensure_ascii=False, separators=(",", ":")).encode()).hexdigest()


def sealed(content: dict[str, Any]) -> dict[str, Any]:
    """A value with a seal that shows whether it was edited afterwards."""
    return content | {"seal": digest(content)}


def unsealed(content: Any) -> dict[str, Any] | None:
    """What was sealed; None if it is not that."""
    if not isinstance(content, dict):
        return None
    seal = content.pop("seal", None)
    return content if seal == digest(content) else None


def file_digest(path: Path) -> str:
    """The SHA-256 of a file's content."""
    with path.open("rb") as stream:
        return hashlib.file_digest(stream, "sha256").hexdigest()
