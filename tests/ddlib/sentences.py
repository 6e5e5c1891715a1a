"""What a refusal must be: one sentence that names what is wrong, of a length that is read."""

from __future__ import annotations

import re
from collections.abc import Callable
from typing import Any

import pytest


def refuses(call: Callable[[], Any], sentence: str) -> None:
    """A call is refused in one sentence."""
    with pytest.raises((TypeError, ValueError, NotImplementedError, FloatingPointError)) as refusal:
        call()
    message = str(refusal.value)
    assert re.search(sentence, message, re.DOTALL), message
    assert "\n" not in message and len(message) < 400
