"""The page of claims: statements by topic, each with its verdict and a picture of its numbers, as HTML."""

from __future__ import annotations

import html
import itertools
from collections.abc import Callable, Mapping, Sequence

from ddbook.press.claims.command import MARKS, measured, wanted, written
from ddbook.press.claims.compare import MARGIN, Compared, Differing
from ddbook.press.claims.ledger import Claim, Statistic
from ddbook.press.claims.picture import picture, printed
from ddbook.press.claims.verdict import RANK, Finding, Judged
from ddbook.press.marks import brief, mark

RELATIONS = f"""Two numbers *agree* if they are equal up to rounding, or if the whole 95 % interval of their difference is within
{100 * MARGIN:.0f} % of the reference's number. They *differ* if their intervals are apart, or if exact numbers are not the same.
They are *undecided* if their intervals overlap and are too wide to say more. What has an interval in one run only cannot be
compared, nor can measured times."""
"""What the columns of the comparison with the reference mean."""

OPEN = ("not reproduced", "partly", "inconclusive", "confounded", "cannot be judged from here")
"""The verdicts that a summary names claim by claim, the plainest first."""


def totals(columns: Mapping[str, Sequence[Judged]]) -> str:
    """How many claims got which verdict: a row for each verdict, a column for each run and for whose claims they are."""
    parts = [(name, whose) for name in columns for whose in ("paper", "ours")]
    titles = [f"{name}: {'the paper’s' if whose == 'paper' else 'ours'}" for name, whose in parts]
    lines = ["| Verdict | " + " | ".join(titles) + " |", "|---" * (1 + len(parts)) + "|"]
    for state in RANK:
        counts = [sum(one.state == state for one in columns[name] if one.claim.whose == whose) for name, whose in parts]
        if any(counts):
            lines.append(f"| {MARKS[state]} {state} | " + " | ".join(map(str, counts)) + " |")
    return "\n".join(lines)


def not_held(judged: Sequence[Judged], whose: str) -> str:
    """The statements that were tested and not reproduced, by verdict, as links to their claims from any page in their folder."""
    lines = []
    for state in OPEN:
        found = [one.claim for one in judged if one.state == state and one.claim.whose == whose]
        items = [f'<li><a href="claims.html#claim-{claim.id}">{html.escape(claim.statement)}</a></li>' for claim in found]
        if items:
            lines.append(f"<p><b>{MARKS[state]} {state}</b></p>\n<ul>\n" + "\n".join(items) + "\n</ul>")
    return _raw("\n".join(lines)) if lines else "There is none."


def scoreboard(
    here: Sequence[Judged], reference: Sequence[Judged], figure: Callable[[Claim], str | None], marks: Mapping[str, str]
) -> str:
    """Every claim under its topic: the statement, the verdicts, a picture of each statistic, and the numbers in folded details.

    Args:
        here: the verdicts on this run.
        reference: those on the reference, in the same order; empty if there is no reference.
        figure: the address of the figure that shows a claim, from the scoreboard's page; None if it has none.
        marks: for each chapter whose reference is older than its code what to say of it.
    """
    there: list[Judged | None] = [*reference] or [None] * len(here)
    blocks = []
    for topic, group in itertools.groupby(zip(here, there, strict=True), key=lambda pair: pair[0].claim.topic):
        claims = [_claim(mine, theirs, figure(mine.claim), marks) for mine, theirs in group]
        blocks += [f"## {topic or 'Claims'}", _raw("\n".join(claims))]
    return "\n\n".join(blocks) + "\n"


def _raw(text: str) -> str:
    return f"```{{raw}} html\n{text}\n```"


def _claim(mine: Judged, theirs: Judged | None, link: str | None, marks: Mapping[str, str]) -> str:
    claim = mine.claim
    whose = "the paper’s claim" if claim.whose == "paper" else "our claim"
    source = f"{html.escape(claim.source)} · {whose}" + (f' · <a href="{link}">see the figure</a>' if link else "")
    lines = [
        f'<article class="ddlib-claim" id="claim-{claim.id}">',
        f'<p class="claim">{html.escape(claim.statement)}</p>',
        f'<p class="judged">{_verdicts(mine, theirs, marks)}</p>',
        f'<p class="source">{source}</p>',
        *(_drawn(i, mine, theirs) for i in range(len(claim.statistics))),
        _details(mine, theirs),
        "</article>",
    ]
    return "\n".join(line for line in lines if line)


def _verdicts(mine: Judged, theirs: Judged | None, marks: Mapping[str, str]) -> str:
    """The reference's verdict and this run's, in one sentence."""
    if theirs is None:
        return f"{_word(mine)}{_why(mine)} <span>in this run; there is no reference</span>"
    older = mark(brief(marks.get(theirs.claim.chapter or "", "")))
    if mine.state == theirs.state:
        return f"{_word(theirs)}{older}{_why(theirs)}"
    if mine.state == "not testable":
        here = f'<span title="{html.escape(mine.why)}">· this run: not testable here</span>'
        return f"{_word(theirs)}{older}{_why(theirs)} {here}"
    return f"{_word(theirs)}{older}{_why(theirs)} <span>· this run:</span> {_word(mine)}{_why(mine)}"


def _word(judged: Judged) -> str:
    return f'<b class="{judged.state.replace(" ", "-")}">{MARKS[judged.state]} {judged.state}</b>'


def _why(judged: Judged) -> str:
    return f'<span class="why"> ({printed(html.escape(judged.why))})</span>' if judged.why else ""


def _drawn(position: int, mine: Judged, theirs: Judged | None) -> str:
    """A statistic in words, and as a picture if anything was measured."""
    judged = {"reference": theirs, "this run": mine}
    findings = {name: one.findings[position] for name, one in judged.items() if one and one.findings}
    drawn = picture(findings)
    label = f'<span class="label">{html.escape(mine.claim.statistics[position].label)}</span>'
    return f'<div class="line">{label}{drawn}</div>' if drawn else ""


def _details(mine: Judged, theirs: Judged | None) -> str:
    """The numbers, and how the claim is judged."""
    claim = mine.claim
    facts = [("Wanted", claim.threshold_from), ("Refuted by", claim.refuted_by), *(("Changed", reason) for reason in claim.changed)]
    words = "".join(f"<p><b>{name}:</b> {html.escape(text)}.</p>" for name, text in facts if text)
    rows = "".join(_numbers(i, mine, theirs) for i in range(len(claim.statistics)))
    head = "".join(f'<th scope="col">{title}</th>' for title in ("Statistic", "Paper", "Reference", "This run"))
    table = f'<table class="ddlib-claims"><thead><tr>{head}</tr></thead><tbody>{rows}</tbody></table>' if rows else ""
    return f"<details><summary>Numbers, and how it is judged</summary>{table}{words}</details>" if table or words else ""


def _numbers(position: int, mine: Judged, theirs: Judged | None) -> str:
    statistic = mine.claim.statistics[position]
    said = "" if statistic.published is None else printed(f"{statistic.published:g}")
    other = _estimate(theirs.findings[position]) if theirs and theirs.findings else "<td></td>"
    label = f'<th scope="row">{html.escape(statistic.label)}<span class="source">{_aim(statistic)}</span></th>'
    return f"<tr>{label}<td>{said}</td>{other}{_estimate(mine.findings[position])}</tr>"


def _aim(statistic: Statistic) -> str:
    factor = f"; may differ in {', '.join(statistic.factor)}" if statistic.factor else ""
    return html.escape(printed(f"wanted: {wanted(statistic)}{factor}"))


def _estimate(finding: Finding) -> str:
    return f"<td>{MARKS[finding.state]} {printed(html.escape(measured(finding)))}</td>"


def deviations(compared: Mapping[str, tuple[list[Differing], list[Compared]]], marks: Mapping[str, str]) -> str:
    """How the numbers of each chapter relate to the reference's, and the numbers that differ."""
    lines = [RELATIONS, "", "| Chapter | agree | undecided | differ | not comparable | parameters that differ |", "|---" * 6 + "|"]
    apart = []
    for chapter, (parameters, numbers) in compared.items():
        relations = [number.relation for number in numbers]
        agree, overlap, differ = (relations.count(one) for one in ("agrees", "intervals overlap", "differs"))
        rest = len(numbers) - agree - overlap - differ
        names = ", ".join(f"`{parameter.name}`" for parameter in parameters) or "none"
        older = mark(brief(marks.get(chapter, "")))
        lines.append(f"| {{doc}}`/notebooks/{chapter}`{older} | {agree} | {overlap} | {differ} | {rest} | {names} |")
        apart += [number for number in numbers if number.relation == "differs"]
    if not apart:
        return "\n".join([*lines, "", "No number differs from the reference beyond its interval."])
    rows = ["| Chapter | number | this run | reference |", "|---|---|---|---|"]
    for number in apart:
        chapter, _, name = number.key.partition(".")
        rows.append(
            f"| {{doc}}`/notebooks/{chapter}` | `{name}` | {printed(written(number.here))} | {printed(written(number.there))} |"
        )
    return "\n".join([*lines, "", "Numbers that differ beyond their intervals:", "", *rows])
