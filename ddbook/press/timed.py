"""Which recorded numbers and columns are measured times: they say something about a machine, and differ from run to run."""

from __future__ import annotations

import re
from collections.abc import Mapping
from typing import Any

TIMED = re.compile(r"(?:^|[ _,])(?:seconds|milliseconds|ms)(?:$|[ _,])|(?:^|_)break_even(?:$|_)")
ANSWER = "answer"
"""The column with the seconds to the first answer, in the table of prices of chapter 12."""
UNITS = {"s", "ms"}


def is_timed_column(name: str) -> bool:
    """Whether a table's column holds measured times.

    >>> is_timed_column("seconds_fit"), is_timed_column("error")
    (True, False)
    """
    return name == ANSWER or bool(TIMED.search(name))


def is_time(name: str, number: Mapping[str, Any]) -> bool:
    """Whether a recorded number is a measured time, by its unit or its name.

    >>> is_time("pinn_seconds_wave", {}), is_time("wait", {"unit": "s"}), is_time("second_moment", {}), is_time("answer", {})
    (True, True, False, False)
    """
    return number.get("unit") in UNITS or bool(TIMED.search(name))
