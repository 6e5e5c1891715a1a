"""A bar is shown on a terminal once something takes long, and never elsewhere."""

import sys

import pytest

from ddlib import progress
from ddlib.progress import Watch


@pytest.fixture
def shown(monkeypatch):
    """What a bar would have shown."""
    said = []

    class Bar:
        def __init__(self, first):
            said.append(first)

        def __enter__(self):
            return self

        def __exit__(self, *error):
            said.append("gone")

        def show(self, text, share):
            said.append((text, share))

    monkeypatch.setattr(progress, "Bar", Bar)
    return said


@pytest.mark.parametrize("terminal", [True, False])
def test_what_takes_long_is_shown_on_a_terminal(shown, monkeypatch, terminal):
    monkeypatch.setattr(sys.stderr, "isatty", lambda: terminal, raising=False)
    with Watch(4, "herding", patience=0.0) as watch:
        watch.done(1)
        watch.done(2)
    steps = ["herding", ("herding: step 1 of 4", 0.25), ("herding: step 2 of 4", 0.5), "gone"]
    assert shown == (steps if terminal else [])


def test_what_is_quick_is_not_shown(shown, monkeypatch):
    monkeypatch.setattr(sys.stderr, "isatty", lambda: True, raising=False)
    with Watch(4, "herding", patience=3600.0) as watch:
        watch.done(1)
    assert shown == []
