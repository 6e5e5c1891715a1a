"""The verdict of each claim as sentences quote it, by the role ``verdict`` of the book."""

from __future__ import annotations

import json
from collections.abc import Mapping, Sequence

from ddbook.press.claims.command import MARKS
from ddbook.press.claims.verdict import Judged


def quotes(here: Sequence[Judged], reference: Sequence[Judged], marks: Mapping[str, str]) -> str:
    """For each claim what stands in a sentence, as JSON: sign, verdict, what this run has to say to it, and a title.

    It is the reference's verdict where there is a reference. A run that comes to another one says so; a run that cannot test the
    claim, for want of seeds or data, says so in the title only.

    Args:
        here: the verdicts on this run.
        reference: those on the reference, in the same order; empty if there is no reference.
        marks: for each chapter whose reference is older than its code what to say of it.
    """
    there = reference or here
    return json.dumps({mine.claim.id: _quote(mine, theirs, marks) for mine, theirs in zip(here, there, strict=True)}, indent=1)


def _quote(mine: Judged, theirs: Judged, marks: Mapping[str, str]) -> dict[str, str]:
    other = mine.state != theirs.state
    testable = mine.state != "not testable"
    older = marks.get(theirs.claim.chapter or "", "") if theirs is not mine else ""
    unable = f"This run cannot test it: {mine.why}." if other and not testable else ""
    return {
        "verdict": theirs.state,
        "sign": MARKS[theirs.state],
        "here": f"{MARKS[mine.state]} {mine.state}" if other and testable else "",
        "title": " ".join(part for part in (mine.claim.statement, unable, f"({older})" if older else "") if part),
    }
