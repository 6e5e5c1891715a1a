"""Invented runs are of no code: whether a run is fresh is tested elsewhere."""

import pytest

from ddbook.press.claims import command


@pytest.fixture(autouse=True)
def _trusting(monkeypatch):
    monkeypatch.setattr(command, "trusted", lambda root, profile: {})
