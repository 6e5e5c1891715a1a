"""The scoreboard: paper, reference and this run side by side, claim by claim, as HTML that reads on a telephone too."""

from __future__ import annotations

import html
import itertools
import re
from collections.abc import Callable, Iterable, Mapping, Sequence

from ddbook.press.claims.command import MARKS, measured, wanted
from ddbook.press.claims.compare import Compared, Differing
from ddbook.press.claims.ledger import Claim
from ddbook.press.claims.verdict import RANK, Finding, Judged
from ddbook.press.marks import mark


def totals(columns: Mapping[str, Sequence[Judged]]) -> str:
    """How many claims got which verdict, a table with a row for each of the columns and for whose claims they are."""
    lines = ["| | " + " | ".join(f"{MARKS[state]} {state}" for state in RANK) + " |", "|---" * (1 + len(RANK)) + "|"]
    for name, judged in columns.items():
        for whose, title in (("paper", "the paper's"), ("ours", "ours")):
            states: list[str] = [one.state for one in judged if one.claim.whose == whose]
            lines.append(f"| {name}, {title} | " + " | ".join(str(states.count(state)) for state in RANK) + " |")
    return "\n".join(lines)


def scoreboard(
    here: Sequence[Judged], reference: Sequence[Judged], figure: Callable[[Claim], str | None], marks: Mapping[str, str]
) -> str:
    """An overview with a line for each claim, then every claim with its numbers, by topic.

    Args:
        here: the verdicts on this run.
        reference: those on the reference, in the same order; empty if there is no reference.
        figure: the address of the figure that shows a claim, from the scoreboard's page; None if it has none.
        marks: for each chapter whose reference is older than its code what to say of it.
    """
    there: list[Judged | None] = [*reference] or [None] * len(here)
    pairs = list(zip(here, there, strict=True))
    overview = [_overview(*pair, marks) for pair in pairs]
    blocks = [
        "## Overview",
        _table(("Claim", "Reference", "This run"), overview, "ddlib-claims ddlib-overview"),
    ]
    for topic, group in itertools.groupby(pairs, key=lambda pair: pair[0].claim.topic):
        bodies = [_body(mine, theirs, figure(mine.claim), marks) for mine, theirs in group]
        blocks += [f"## {topic or 'Claims'}", _table(("Claim", "Paper", "Reference", "This run"), bodies, "ddlib-claims")]
    return "\n\n".join(blocks) + "\n"


def _table(titles: Sequence[str], bodies: Iterable[str], classes: str) -> str:
    head = "".join(f'<th scope="col">{title}</th>' for title in titles)
    inner = "\n".join(bodies)
    return f'```{{raw}} html\n<table class="{classes}">\n<thead><tr>{head}</tr></thead>\n{inner}\n</table>\n```'


def _overview(mine: Judged, theirs: Judged | None, marks: Mapping[str, str]) -> str:
    name = f'<a href="#claim-{mine.claim.id}">{mine.claim.id.replace("-", " ")}</a>'
    whose = "paper" if mine.claim.whose == "paper" else "ours"
    states = [("no reference" if each is None else f"{MARKS[each.state]} {each.state}") for each in (theirs, mine)]
    reference = states[0] + _older(theirs, marks)
    return f'<tbody><tr><td>{name} <span class="whose">{whose}</span></td><td>{reference}</td><td>{states[1]}</td></tr></tbody>'


def _body(mine: Judged, theirs: Judged | None, link: str | None, marks: Mapping[str, str]) -> str:
    claim = mine.claim
    whose = "the paper’s claim" if claim.whose == "paper" else "our claim"
    source = f"{html.escape(claim.source)} · {whose}" + (f' · <a href="{link}">see the figure</a>' if link else "")
    facts = [("Wanted", html.escape(claim.threshold_from)), ("A line is refuted by", html.escape(claim.refuted_by))]
    facts += [("Changed", html.escape(reason)) for reason in claim.changed]
    details = "".join(f"<p><b>{name}:</b> {text}.</p>" for name, text in facts if text)
    more = f"<details><summary>How it is judged</summary>{details}</details>" if details else ""
    statement = f'<span class="claim">{html.escape(claim.statement)}</span><span class="source">{source}</span>'
    cells = f"<td></td>{_verdict(theirs, _older(theirs, marks))}{_verdict(mine)}"
    lines = [f'<tr class="statement"><th scope="rowgroup">{statement}{more}</th>{cells}</tr>']
    lines += [_line(i, mine, theirs) for i in range(len(claim.statistics))]
    return f'<tbody id="claim-{claim.id}">\n' + "\n".join(lines) + "\n</tbody>"


def _older(theirs: Judged | None, marks: Mapping[str, str]) -> str:
    """The mark of a verdict on a reference that is older than the code."""
    return mark(marks.get(theirs.claim.chapter or "", "")) if theirs else ""


def _verdict(judged: Judged | None, older: str = "") -> str:
    if judged is None:
        return "<td>no reference</td>"
    why = f'<span class="why">{html.escape(judged.why)}</span>' if judged.why and not judged.findings else ""
    return f'<td class="{judged.state.replace(" ", "-")}"><b>{MARKS[judged.state]} {judged.state}</b>{why}{older}</td>'


def _line(position: int, mine: Judged, theirs: Judged | None) -> str:
    statistic = mine.claim.statistics[position]
    said = "" if statistic.published is None else _number(f"{statistic.published:g}")
    aim = f'<span class="source">wanted: {_number(wanted(statistic))}</span>'
    other = _estimate(theirs.findings[position]) if theirs and theirs.findings else "<td></td>"
    label = f"<td>{html.escape(statistic.label)}{aim}</td>"
    return f'<tr>{label}<td data-of="Paper">{said}</td>{other}{_estimate(mine.findings[position])}</tr>'


def _estimate(finding: Finding) -> str:
    return f"<td>{MARKS[finding.state]} {_number(html.escape(measured(finding)))}</td>"


def _number(text: str) -> str:
    """A number as it is printed: a true minus sign, and powers of ten."""
    text = re.sub(r"(?<![\w.])-(?=[\d.])", "−", text)
    return re.sub(r"e([+-])0*(\d+)", lambda found: f" × 10<sup>{'−' if found[1] == '-' else ''}{found[2]}</sup>", text)


def deviations(compared: Mapping[str, tuple[list[Differing], list[Compared]]], marks: Mapping[str, str]) -> str:
    """How the numbers of each chapter relate to the reference's, and the numbers that differ."""
    lines = ["| Chapter | agree | differ | not comparable | parameters that differ |", "|---|---|---|---|---|"]
    apart = []
    for chapter, (parameters, numbers) in compared.items():
        relations = [number.relation for number in numbers]
        agree, differ = relations.count("agrees"), relations.count("differs")
        names = ", ".join(f"`{parameter.name}`" for parameter in parameters) or "none"
        older = mark(marks.get(chapter, ""))
        lines.append(f"| {{doc}}`/notebooks/{chapter}`{older} | {agree} | {differ} | {len(numbers) - agree - differ} | {names} |")
        apart += [number for number in numbers if number.relation == "differs"]
    if not apart:
        return "\n".join([*lines, "", "No number differs from the reference beyond its interval."])
    rows = ["| Chapter | number | this run | reference |", "|---|---|---|---|"]
    for number in apart:
        chapter, _, name = number.key.partition(".")
        rows.append(f"| {{doc}}`/notebooks/{chapter}` | `{name}` | {_recorded(number.here)} | {_recorded(number.there)} |")
    return "\n".join([*lines, "", "Numbers that differ beyond their intervals:", "", *rows])


def _recorded(number: Mapping[str, object] | None) -> str:
    if number is None or number.get("value") is None:
        return "–"
    ends = "" if number.get("low") is None else f" [{number['low']:.3g}, {number['high']:.3g}]"
    seeds = f", n = {number['n']}" if number.get("n") else ""
    return _number(f"{number['value']:.4g}{ends}{seeds}")
