"""One built book for all tests, shared between the processes of pytest-xdist."""

from __future__ import annotations

import os
from pathlib import Path

import pytest
from filelock import FileLock

from tests.ddbook.book import fake


@pytest.fixture(scope="session")
def tiny_book(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The folder of a book made of the real pages and invented runs."""
    shared = tmp_path_factory.getbasetemp()
    shared = shared.parent if "PYTEST_XDIST_WORKER" in os.environ else shared
    root = shared / "tiny-project"
    html = root / "_build" / fake.PROFILE / "html"
    with FileLock(shared / "tiny-project.lock"):
        if not html.exists():
            fake.build(fake.PROFILE, fake.make_root(root))
    return html
