"""From numbers to verdicts: by intervals, and only where a comparison is one of the thing that it names."""

from __future__ import annotations

import math
from collections.abc import Mapping, Sequence
from typing import Any, Literal, NamedTuple, get_args

from ddbook.press.claims.ledger import Claim, Statistic
from ddbook.press.claims.results import Missing, MissingData, Results, apart, measure, spread
from ddlib.statistics import Estimate, median_coverage

State = Literal[
    "reproduced", "partly", "inconclusive", "not reproduced", "confounded", "cannot be judged from here", "not testable"
]
RANK: dict[str, int] = {state: place for place, state in enumerate(get_args(State))}
"""From best to worst; what has become untestable is worse than any verdict, because its evidence is lost."""


class Finding(NamedTuple):
    """What a run says about one statistic: its estimate where there is one, the verdict, and why there is no better one.

    ``without_data`` if it could not be tested because the run had to do without the data; ``one_more`` is where one more run would
    lie with 95 %, for a statistic that is compared with a published figure.
    """

    statistic: Statistic
    estimate: Estimate | None
    state: State
    why: str = ""
    without_data: bool = False
    one_more: tuple[float, float] | None = None


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

    Each statistic is *reproduced* if its whole interval lies where the claim wants it, *not reproduced* if all of it lies
    elsewhere, and *inconclusive* if it holds both; a difference or ratio has to lie beyond the threshold, so that a tie is none. At
    the margin of a claim at most 2.5 % of all studies call it reproduced. A comparison whose arms differ in more than its factor
    is *confounded*.

    A claim is reproduced if all its statistics are, partly if some are, not reproduced if none is and one is refuted, and
    inconclusive otherwise. One confounded comparison makes it *confounded*. One missing number, one estimate from too few seeds,
    one comparison of rows that no trial wrote, or a run on too small a scale makes it *not testable*, which is never a pass. What
    is *undecidable* cannot be judged from here, whatever its statistics say.
    """
    if claim.untestable:
        return Judged(claim, "not testable", [], claim.untestable)
    unfair = _unmet(claim, results)
    if unfair:
        findings = [Finding(each, None, "not testable", unfair) for each in claim.statistics]
    else:
        findings = [_find(statistic, claim, results) for statistic in claim.statistics]
    if claim.undecidable:
        return Judged(claim, "cannot be judged from here", findings, claim.undecidable)
    state = _together({finding.state for finding in findings})
    reasons = [finding.why for finding in findings if finding.state == state and finding.why and not finding.one_more]
    return Judged(claim, state, findings, "; ".join(dict.fromkeys(reasons)))


def _together(states: set[State]) -> State:
    """The verdict on several statistics."""
    for decisive in ("not testable", "confounded"):
        if decisive in states:
            return decisive
    if len(states) == 1:
        return next(iter(states))
    if "reproduced" in states:
        return "partly"
    return "not reproduced"  # beside what is inconclusive


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
        if statistic.middle == "median" and not statistic.compares and median_coverage(found.n) < 0.95:
            raise Missing(f"the median of {found.n} seeds has a range and no interval: six are needed")
        named = apart(statistic, str(claim.chapter), results)
        if named:
            return Finding(statistic, found, "confounded", f"what is compared differs in {', '.join(named)} too")
        if statistic.matches:
            return _matched(statistic, found, str(claim.chapter), results)
    except Missing as missing:
        return Finding(statistic, None, "not testable", str(missing), isinstance(missing, MissingData))
    return Finding(statistic, found, _placed(statistic, found))


def _placed(statistic: Statistic, found: Estimate) -> State:
    """Where an estimate lies; one without an interval counts as its value alone."""
    above = -math.inf if statistic.at_least is None else statistic.at_least
    below = math.inf if statistic.at_most is None else statistic.at_most
    low, high = (found.value if math.isnan(end) else end for end in (found.low, found.high))
    if statistic.compares:
        inside, outside = above < low and high < below, high <= above or below <= low
    else:
        inside, outside = above <= low and high <= below, high < above or below < low
    return "reproduced" if inside else "not reproduced" if outside else "inconclusive"


def _matched(statistic: Statistic, found: Estimate, chapter: str, results: Results) -> Finding:
    """Whether the published figure could be one more of our seeds, and our seeds lie near enough to each other to say so."""
    low, high, _ = spread(statistic, chapter, results)
    state: State = "reproduced"
    why = f"one more run lies between {readable(low, 3)} and {readable(high, 3)}"
    if not low <= float(statistic.published or 0.0) <= high:
        state, why = "not reproduced", f"{why}, the published figure does not"
    elif high - low > float(statistic.widest or 0.0):
        state, why = "inconclusive", f"{why}, which is wider than {statistic.widest:g}"
    return Finding(statistic, found, state, why, one_more=(low, high))


def readable(value: float, digits: int = 4) -> str:
    """A number with so many digits that count; thousands in full, not as powers of ten.

    >>> readable(-50734.2), readable(0.00001234), readable(0.00001234, 3)
    ('-50,734', '1.234e-05', '1.23e-05')
    """
    return f"{value:,.0f}" if 1000 <= abs(value) < 1e7 else f"{value:.{digits}g}"
