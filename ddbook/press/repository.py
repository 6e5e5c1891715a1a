"""Where the book of a repository is on the web."""

from __future__ import annotations


def pages_address(repository: str) -> str:
    """Where GitHub Pages publishes the site of a repository."""
    owner, name = repository.rstrip("/").split("/")[-2:]
    site = f"{owner.lower()}.github.io"
    return f"https://{site}/" if name.lower() == site else f"https://{site}/{name}/"
