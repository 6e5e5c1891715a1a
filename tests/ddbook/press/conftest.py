"""The small project with its own copy of the packages, run once."""

import shutil

import pytest

from tests.ddbook.press import planted


@pytest.fixture(scope="module")
def planted_run(tmp_path_factory):
    root = planted.house(tmp_path_factory.mktemp("finished"))
    with pytest.MonkeyPatch.context() as patch:
        planted.use(root, patch)
        planted.make(root)
    return root


@pytest.fixture
def planted_house(planted_run, tmp_path, monkeypatch):
    """A project with a fresh run of the smoke profile."""
    root = tmp_path / "house"
    shutil.copytree(planted_run, root)
    planted.use(root, monkeypatch)
    return root
