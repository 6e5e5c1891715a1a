"""From numbers to verdicts: reproduced, partly, not reproduced, or not testable and why."""

from __future__ import annotations

import math
from collections.abc import Mapping, Sequence
from typing import Any, Literal, NamedTuple

from ddbook.press.claims.ledger import Claim, Statistic
from ddbook.press.claims.results import Missing, MissingData, Results, measure, spread
from ddlib.statistics import Estimate

State = Literal["reproduced", "partly", "not reproduced", "not testable"]
RANK: dict[str, int] = {"reproduced": 0, "partly": 1, "not reproduced": 2, "not testable": 3}
"""From best to worst; what has become untestable is worse than any verdict, because its evidence is lost."""


class Finding(NamedTuple):
    """What a run says about one statistic: its estimate where there is one, the verdict, and why it could not be tested.

    ``without_data`` if that is because the run had to do without the data.
    """

    statistic: Statistic
    estimate: Estimate | None
    state: State
    why: str = ""
    without_data: bool = False


class Judged(NamedTuple):
    """A claim with its verdict."""

    claim: Claim
    state: State
    findings: list[Finding]
    why: str = ""

    @property
    def lacks_only_data(self) -> bool:
        """Whether all that could not be tested of it could not for want of data."""
        untested = [finding for finding in self.findings if finding.state == "not testable"]
        return bool(untested) and all(finding.without_data for finding in untested)


def judge(claim: Claim, results: Results) -> Judged:
    """The verdict on a claim.

    Each statistic is *reproduced* if its whole interval lies where the claim wants it, *partly* if only its value does, *not
    reproduced* otherwise; a difference or ratio has to lie beyond the threshold, so that a tie is none.

    A claim is reproduced if all its statistics are, not reproduced if none is even partly, and partly in between. One missing
    number, one estimate from too few seeds, or a run on too small a scale makes it *not testable*, which is never a pass.
    """
    if claim.untestable:
        return Judged(claim, "not testable", [], claim.untestable)
    unfair = _unmet(claim, results)
    if unfair:
        return Judged(claim, "not testable", [Finding(each, None, "not testable", unfair) for each in claim.statistics], unfair)
    findings = [_find(statistic, claim, results) for statistic in claim.statistics]
    states = {finding.state for finding in findings}
    if "not testable" in states:
        reasons = dict.fromkeys(finding.why for finding in findings if finding.why)
        return Judged(claim, "not testable", findings, "; ".join(reasons))
    return Judged(claim, next(iter(states)) if len(states) == 1 else "partly", findings)


def worse_than_recorded(judged: Sequence[Judged], recorded: Mapping[str, str]) -> list[str]:
    """One sentence for each claim whose verdict is worse than the one on record, or that has left the ledger since.

    What could not be tested because the run, by its own record, had to do without data is not held against it.
    """
    found = []
    for one in judged:
        before = recorded.get(one.claim.id)
        if before is not None and RANK[one.state] > RANK[before] and not (one.lacks_only_data and _loses_nothing(before, one)):
            found.append(f"{one.claim.id} is {one.state} and was {before}{f': {one.why}' if one.why else ''}")
    known = {one.claim.id for one in judged}
    return found + [f"{name} was {before} and is no longer in the ledger" for name, before in recorded.items() if name not in known]


def _loses_nothing(before: str, one: Judged) -> bool:
    """Whether no statistic that could be tested is worse than before, as far as a verdict on all of them tells that."""
    return before == "partly" or all(RANK[finding.state] <= RANK[before] for finding in one.findings if not finding.without_data)


def _unmet(claim: Claim, results: Results) -> str:
    """Which parameter of the run makes a test unfair; empty if none does."""
    if not claim.requires or claim.chapter not in results.chapters:
        return ""
    try:
        here = results.run(claim.chapter).parameters
    except Missing as missing:
        return str(missing)
    for name, wanted in claim.requires.items():
        if short := _short_of(here.get(name), wanted):
            return f"{name} is {here.get(name)} in this run and has to be {short}"
    return ""


def _short_of(value: Any, wanted: Any) -> str:
    """What a parameter has to be, where it is not; empty where it is. No number is a truth value: 1 is not True."""
    if isinstance(wanted, dict):
        most = wanted["at_most"]
        return "" if _is_number(value) and value <= most else f"{most} or less"
    if _is_number(wanted):
        return "" if _is_number(value) and value >= wanted else f"{wanted} or more"
    return "" if value == wanted and not _is_number(value) else str(wanted)


def _is_number(value: object) -> bool:
    return isinstance(value, int | float) and not isinstance(value, bool)


def _find(statistic: Statistic, claim: Claim, results: Results) -> Finding:
    try:
        found = measure(statistic, str(claim.chapter), results)
        if found.n < claim.seeds:
            raise Missing(f"{found.n} seed{'s' * (found.n != 1)} where {claim.seeds} are needed")
        if claim.seeds and math.isnan(found.low):
            raise Missing(f"{statistic.label} has no interval")
        if statistic.matches:
            return Finding(statistic, found, _matched(statistic, str(claim.chapter), results))
    except Missing as missing:
        return Finding(statistic, None, "not testable", str(missing), isinstance(missing, MissingData))
    return Finding(statistic, found, _placed(statistic, found))


def _placed(statistic: Statistic, found: Estimate) -> State:
    """Where an estimate lies; one without an interval counts as its value alone."""
    above = -math.inf if statistic.at_least is None else statistic.at_least
    below = math.inf if statistic.at_most is None else statistic.at_most
    low, high = (found.value if math.isnan(end) else end for end in (found.low, found.high))
    if statistic.minus or statistic.over:
        inside = (above < low and high < below, above < found.value < below)
    else:
        inside = (above <= low and high <= below, above <= found.value <= below)
    return "reproduced" if inside[0] else "partly" if inside[1] else "not reproduced"


def _matched(statistic: Statistic, chapter: str, results: Results) -> State:
    """Whether the published figure could be one more of our seeds."""
    low, high, _ = spread(statistic, chapter, results)
    return "reproduced" if low <= float(statistic.published or 0.0) <= high else "not reproduced"
