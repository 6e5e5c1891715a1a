"""What ``ddbook claims`` prints: verdicts, what has become worse, and where a run leaves the reference."""

from __future__ import annotations

import json
import math
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any, NamedTuple

from pydantic import TypeAdapter, ValidationError
from rich.table import Table

from ddbook.press.claims.compare import Compared, Differing, compare_all
from ddbook.press.claims.ledger import Statistic, read_ledger
from ddbook.press.claims.results import Missing, Results
from ddbook.press.claims.verdict import RANK, Finding, Judged, State, judge, readable, worse_than_recorded
from ddbook.press.digests import file_digest
from ddbook.press.freshness import Today, given_by_hand, reference_marks, require_fresh
from ddbook.press.profiles import check_profile_name
from ddbook.press.project import REFERENCE
from ddlib.files import InputError, finite, write_json
from ddlib.statistics import Estimate

LEDGER = Path("book", "claims.yml")
RECORD = Path(REFERENCE, "claims.json")
MARKS: dict[str, str] = {
    "reproduced": "●",
    "partly": "◐",
    "inconclusive": "?",
    "not reproduced": "○",
    "confounded": "⊗",
    "cannot be judged from here": "∅",
    "not testable": "–",
}
"""A sign beside each verdict, so that none is told by colour alone."""


def results_of(root: Path, profile: str) -> Results:
    """The results of a profile, or those of the folder ``reference`` under its name.

    Raises:
        InputError: if not one chapter of it has a finished run.
    """
    if profile == REFERENCE:
        found, mend = Results(root / REFERENCE, "the reference"), "make it with `make reference`"
    else:
        check_profile_name(profile)
        found = Results(root / "_build" / profile / "runs", f"the {profile} run")
        mend = f"run the chapters with `make book PROFILE={profile}`"
    if not found.chapters:
        raise InputError(f"{found.folder} holds no finished run: {mend}")
    return found


def trusted(root: Path, profile: str) -> dict[str, str]:
    """Refuse results that the present code does not give, or that somebody has edited.

    Returns:
        Of the reference: for each chapter that is older than its code, what has changed since. It is judged all the same.

    Raises:
        InputError: if a run is not fresh, or a file is not what was recorded.
    """
    if profile == REFERENCE:
        return reference_marks(root)
    today, named = Today(root, profile), {claim.chapter for claim in read_ledger(root / LEDGER) if claim.chapter}
    there = {path.parent.name for path in today.runs.glob("*/run.json")}
    require_fresh(today, sorted({*today.parameters, *(named & there)}), good=("fresh", "redraw", "missing"))
    return {}


def verdicts(root: Path, profile: str) -> list[Judged]:
    """The verdict on each claim of the ledger, in its order.

    Raises:
        InputError: if the ledger is wrong or there is no run to judge by.
    """
    claims = read_ledger(root / LEDGER)
    results = results_of(root, profile)
    return [judge(claim, results) for claim in claims]


def recorded(root: Path, profile: str) -> dict[str, State]:
    """The verdicts on record for a profile, by claim; none if there is no record.

    Raises:
        InputError: if the record is not what ``ddbook claims --record`` writes.
    """
    return _read_record(root).get(profile, {})


def record(root: Path, profile: str, judged: Sequence[Judged]) -> Path:
    """Put a profile's verdicts on record; those of other profiles stay, and those that could not be tested for want of data.

    Raises:
        InputError: as for :func:`recorded`.
    """
    before = _read_record(root)
    kept = before.get(profile, {})
    now = {one.claim.id: kept.get(one.claim.id, one.state) if one.lacks_only_data else one.state for one in judged}
    write_json(root / RECORD, before | {profile: now})
    return root / RECORD


def _read_record(root: Path) -> dict[str, dict[str, State]]:
    path = root / RECORD
    if not path.exists():
        return {}
    try:
        return TypeAdapter(dict[str, dict[str, State]]).validate_json(path.read_bytes())
    except ValidationError:
        raise InputError(
            f"{path} is not a record of verdicts: restore it from the repository, or remove it and record anew"
        ) from None


def summary(judged: Sequence[Judged]) -> str:
    """How many claims there are of each verdict, the paper's and ours."""
    parts = []
    for whose, name in (("paper", "The paper's claims"), ("ours", "ours")):
        states = [one.state for one in judged if one.claim.whose == whose]
        parts.append(f"{name}: " + ", ".join(f"{states.count(state)} {state}" for state in RANK if state in states))
    return "; ".join(parts) + "."


def verdict_lines(judged: Sequence[Judged]) -> str:
    """The ledger with its verdicts, a line for each claim and each statistic: it reads in a log as on a screen."""
    lines = []
    for one in judged:
        lines.append(f"{MARKS[one.state]} {one.state:<14}  {one.claim.id}" + ("" if one.findings else f": {one.why}"))
        lines += [
            f"      {MARKS[each.state]} {each.statistic.label}: {measured(each)} ({wanted(each.statistic)})"
            for each in one.findings
        ]
    return "\n".join(lines)


def measured(finding: Finding) -> str:
    """An estimate in words, with what is to be said of it; or why there is none."""
    if finding.estimate is None:
        return finding.why
    return shown(finding.estimate) + (f"; {finding.why}" if finding.why else "")


def shown(found: Estimate) -> str:
    """A number, with its interval and seeds where it has them."""
    interval = "" if math.isnan(found.low) else f" [{readable(found.low, 3)} to {readable(found.high, 3)}]"
    return f"{readable(found.value)}{interval}" + (f", n = {found.n}" if found.n else "")


def written(number: Mapping[str, Any] | None) -> str:
    """A recorded number, as :func:`shown` writes an estimate."""
    if number is None or number["value"] is None:
        return "not finite"
    low, high = (float("nan") if number.get(end) is None else float(number[end]) for end in ("low", "high"))
    return shown(Estimate(number["value"], low, high, number.get("n") or 0))


def wanted(statistic: Statistic) -> str:
    """Where a claim wants a statistic to lie, in words."""
    if statistic.matches:
        return f"to match {statistic.published:g}, within {statistic.widest:g}"
    ends = [("at least", statistic.at_least), ("at most", statistic.at_most)]
    return " and ".join(f"{word} {end:g}" for word, end in ends if end is not None)


def comparison_table(compared: dict[str, tuple[list[Differing], list[Compared]]]) -> Table:
    """For each chapter how its numbers relate to the reference's, and each number that differs."""
    table = Table("chapter", "agree", "undecided", "differ", "not comparable", "parameters that differ", box=None, pad_edge=False)
    for chapter, (parameters, numbers) in compared.items():
        relations = [number.relation for number in numbers]
        agree, overlap, differ = (relations.count(one) for one in ("agrees", "intervals overlap", "differs"))
        rest = len(numbers) - agree - overlap - differ
        names = ", ".join(parameter.name for parameter in parameters) or "none"
        table.add_row(chapter, str(agree), str(overlap), str(differ), str(rest), names)
        for number in numbers:
            if number.relation == "differs" and number.here and number.there:
                table.add_row(f"  {number.key.partition('.')[2]}", written(number.here), "reference:", written(number.there))
    return table


class Report(NamedTuple):
    """What the command has found.

    Attributes:
        profile: whose run was judged.
        judged: the verdict on each claim.
        worse: a sentence for each claim that is worse than on record.
        on_record: whether there are verdicts of this profile to compare with.
        compared: the numbers beside those of another run, by chapter.
        older: for each chapter of the reference that is older than its code, what has changed since.
        by_hand: the parameters that were given by hand; empty if none were.
    """

    profile: str
    judged: list[Judged]
    worse: list[str]
    on_record: bool
    compared: dict[str, tuple[list[Differing], list[Compared]]]
    older: dict[str, str]
    by_hand: str

    def summary(self) -> str:
        """How many claims there are of each verdict."""
        return summary(self.judged)

    def verdicts(self) -> str:
        """What a person reads of the verdicts."""
        return verdict_lines(self.judged)

    def comparison(self) -> Table | None:
        """What a person reads of the comparison, if one was asked for."""
        return comparison_table(self.compared) if self.compared else None

    def as_json(self) -> str:
        """Everything, for programs."""
        chapters = {
            chapter: {
                "parameters": [parameter._asdict() for parameter in parameters],
                "numbers": [number._asdict() for number in numbers],
            }
            for chapter, (parameters, numbers) in self.compared.items()
        }
        found = {"profile": self.profile, "claims": [_claim_as_json(one) for one in self.judged], "worse": self.worse}
        return json.dumps(
            finite(found | {"on record": self.on_record, "against": chapters, "older": self.older, "by hand": self.by_hand}),
            indent=1,
            ensure_ascii=False,
        )


def claims_report(root: Path, profile: str, against: str | None = None, put_on_record: bool = False) -> Report:
    """Judge a run, compare it with its record and with another run.

    Args:
        root: the folder of the project.
        profile: whose run, or ``reference``.
        against: another profile, or ``reference``.
        put_on_record: write the verdicts down afterwards; a worse one is then no longer a complaint.

    Raises:
        InputError: if the ledger is wrong, a run is missing, stale or edited, or two runs have no chapter in common.
    """
    by_hand = {} if profile == REFERENCE else given_by_hand(root, profile)
    if put_on_record and by_hand:
        raise InputError(
            f"{_words(by_hand)} by hand: what is on record is judged by the profile; first make book PROFILE={profile}"
        )
    judged_by = [name for name in (profile, against) if name]
    before = {name: _contents(root, name) for name in judged_by}
    older = {stem: why for name in judged_by for stem, why in trusted(root, name).items()}
    judged = verdicts(root, profile)
    try:
        compared = compare_all(results_of(root, profile), results_of(root, against)) if against else {}
    except Missing as missing:
        raise InputError(f"{missing}: nothing can be compared") from None
    if any(_contents(root, name) != before[name] for name in judged_by):
        raise InputError("something was edited while the claims were judged: give the same command again")
    if put_on_record:
        record(root, profile, judged)
    on_record = recorded(root, profile)
    return Report(profile, judged, worse_than_recorded(judged, on_record), bool(on_record), compared, older, _words(by_hand))


def _words(given: Mapping[str, Mapping[str, Any]]) -> str:
    return ", ".join(f"{stem}.{name}={value}" for stem, values in given.items() for name, value in values.items())


def _contents(root: Path, profile: str) -> dict[Path, str]:
    """The digest of each file by which a profile is judged."""
    return {path: file_digest(path) for path in [root / LEDGER, *results_of(root, profile).folder.rglob("*")] if path.is_file()}


def _claim_as_json(one: Judged) -> dict[str, Any]:
    statistics = [
        {"label": each.statistic.label, "wanted": wanted(each.statistic), "verdict": each.state, "why": each.why}
        | (each.estimate._asdict() if each.estimate else {})
        for each in one.findings
    ]
    claim = one.claim
    about = {"id": claim.id, "statement": claim.statement, "source": claim.source, "whose": claim.whose, "chapter": claim.chapter}
    return about | {"verdict": one.state, "why": one.why, "statistics": statistics}
