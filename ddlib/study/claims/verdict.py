"""From numbers to verdicts: reproduced, partly, not reproduced, or not testable and why."""

from __future__ import annotations

import math
from collections.abc import Mapping, Sequence
from typing import Literal, NamedTuple

from ddlib.statistics import Estimate
from ddlib.study.claims.ledger import Claim, Statistic
from ddlib.study.claims.results import Missing, Results, measure, spread

State = Literal["reproduced", "partly", "not reproduced", "not testable"]
RANK: dict[str, int] = {"reproduced": 0, "partly": 1, "not reproduced": 2, "not testable": 3}
"""From best to worst; what has become untestable is worse than any verdict, because its evidence is lost."""


class Finding(NamedTuple):
    """What a run says about one statistic: its estimate where there is one, the verdict, and why it could not be tested."""

    statistic: Statistic
    estimate: Estimate | None
    state: State
    why: str = ""


class Judged(NamedTuple):
    """A claim with its verdict."""

    claim: Claim
    state: State
    findings: list[Finding]
    why: str = ""


def judge(claim: Claim, results: Results) -> Judged:
    """The verdict on a claim.

    Each statistic is *reproduced* if its whole interval lies where the claim wants it, *partly* if only its value does, *not
    reproduced* otherwise. A claim is reproduced if all its statistics are, not reproduced if none is even partly, and partly in
    between. One missing number, one estimate from too few seeds, or a run on too small a scale makes it *not testable*, which is
    never a pass.
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


def worse_than_recorded(judged: Sequence[Judged], recorded: Mapping[str, str]) -> list[Judged]:
    """The verdicts that are worse than those on record; a claim that is not on record cannot be worse."""
    return [one for one in judged if one.claim.id in recorded and RANK[one.state] > RANK[recorded[one.claim.id]]]


def _unmet(claim: Claim, results: Results) -> str:
    """Which parameter of the run makes a test unfair; empty if none does."""
    if not claim.requires or claim.chapter not in results.chapters:
        return ""
    here = results.run(claim.chapter).parameters
    for name, least in claim.requires.items():
        number = isinstance(least, int | float) and not isinstance(least, bool)
        if name not in here or (here[name] < least if number else here[name] != least):
            return f"{name} is {here.get(name)} in this run and has to be {f'{least} or more' if number else least}"
    return ""


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
        return Finding(statistic, None, "not testable", str(missing))
    return Finding(statistic, found, _placed(statistic, found))


def _placed(statistic: Statistic, found: Estimate) -> State:
    """Where an estimate lies; one without an interval counts as its value alone."""
    above = -math.inf if statistic.at_least is None else statistic.at_least
    below = math.inf if statistic.at_most is None else statistic.at_most
    low, high = (found.value if math.isnan(end) else end for end in (found.low, found.high))
    if above <= low and high <= below:
        return "reproduced"
    return "partly" if above <= found.value <= below else "not reproduced"


def _matched(statistic: Statistic, chapter: str, results: Results) -> State:
    """Whether the published figure could be one more of our seeds."""
    low, high, _ = spread(statistic, chapter, results)
    return "reproduced" if low <= float(statistic.published or 0.0) <= high else "not reproduced"
