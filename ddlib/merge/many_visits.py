"""A word before the fit where there are so many visits that it takes long."""

from __future__ import annotations

from ddlib.merge.panel import Panel
from ddlib.merge.warned import Warned
from ddlib.merge.wording import counted

_MOST = 40
"""Visits above which 400 patients with three columns and gaps take more than half a minute on one core."""


def many_visits(panel: Panel) -> list[Warned]:
    """What would make a merge of very many visits quicker.

    Args:
        panel: the patients.
    """
    visits, columns = panel.visits.number, len(panel.columns)
    if visits <= _MOST:
        return []
    reported = int(panel.visits.reported.sum())
    text = (
        f"{visits} visits of {counted(columns, 'column')} are {visits * columns:,} values per patient, which may take minutes: "
        f"round times to a coarser step in the tables, or join them with --window W, for fewer visits; --max-visits N (now "
        f"{reported}) shortens only what comes after the fit."
    )
    return [Warned("many visits", text)]
