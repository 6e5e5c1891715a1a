"""Where the released files are for the tests that need them."""

from __future__ import annotations

import os
from pathlib import Path

import pytest

from ddlib.datasets import DATA_FOLDER

RELEASE_FOLDER = Path(os.environ.get(DATA_FOLDER, "")) / "release" / "data"
with_release = pytest.mark.skipif(not RELEASE_FOLDER.is_dir(), reason=f"the released files are not in {DATA_FOLDER}")
