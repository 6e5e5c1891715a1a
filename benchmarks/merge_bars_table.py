"""One bar and how a table of them is printed, for ``merge_bars.py``."""

from __future__ import annotations

from typing import NamedTuple

import pandas as pd


class Bar(NamedTuple):
    """What was measured and what it should be.

    Attributes:
        name: what was measured.
        value: the number; none if it could not be measured.
        bar: the number that it is held against; none if it stands there for comparison.
        least: whether the value must be at least the bar, not at most.
        note: a word on it.
    """

    name: str
    value: float | None
    bar: float | None = None
    least: bool = False
    note: str = ""

    @property
    def verdict(self) -> str:
        """Met, missed, or neither."""
        if self.bar is None:
            return ""
        if self.value is None:
            return "not measured"
        return "met" if (self.value >= self.bar if self.least else self.value <= self.bar) else "MISSED"


def show(bars: list[Bar]) -> None:
    """Print a table of bars; a line if there are none, as with other numbers of seeds or patients than before."""
    if not bars:
        print("no bar holds for this choice")
        return
    rows = [
        {
            "measured": bar.name,
            "value": "–" if bar.value is None else f"{bar.value:.3g}",
            "bar": "" if bar.bar is None else f"{'≥' if bar.least else '≤'} {bar.bar:.3g}",
            "verdict": bar.verdict,
            "note": bar.note,
        }
        for bar in bars
    ]
    table = pd.DataFrame([dict(zip(rows[0], rows[0], strict=True)), *rows])
    padded = [table[name].str.ljust(int(table[name].str.len().max())) for name in table]
    print("\n".join("  ".join(line).rstrip() for line in zip(*padded, strict=True)), flush=True)
