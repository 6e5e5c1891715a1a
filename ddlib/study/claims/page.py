"""The scoreboard: paper, reference and this run side by side, claim by claim, as HTML that reads on a telephone too."""

from __future__ import annotations

import html
import re
from collections.abc import Callable, Mapping, Sequence

from ddlib.study.claims.command import MARKS, measured, wanted
from ddlib.study.claims.compare import Compared, Parameter
from ddlib.study.claims.ledger import Claim
from ddlib.study.claims.verdict import RANK, Finding, Judged


def totals(columns: Mapping[str, Sequence[Judged]]) -> str:
    """How many claims got which verdict, a table with a row for each of the columns and for whose claims they are."""
    lines = ["| | " + " | ".join(f"{MARKS[state]} {state}" for state in RANK) + " |", "|---" * (1 + len(RANK)) + "|"]
    for name, judged in columns.items():
        for whose, title in (("paper", "the paper's"), ("ours", "ours")):
            states: list[str] = [one.state for one in judged if one.claim.whose == whose]
            lines.append(f"| {name}, {title} | " + " | ".join(str(states.count(state)) for state in RANK) + " |")
    return "\n".join(lines)


def scoreboard(here: Sequence[Judged], reference: Sequence[Judged], figure: Callable[[Claim], str | None]) -> str:
    """The table of all claims.

    Args:
        here: the verdicts on this run.
        reference: those on the reference, in the same order; empty if there is no reference.
        figure: the address of the figure that shows a claim, from the scoreboard's page; None if it has none.
    """
    there: Sequence[Judged | None] = reference or [None] * len(here)
    bodies = "\n".join(_body(mine, theirs, figure(mine.claim)) for mine, theirs in zip(here, there, strict=True))
    titles = "".join(f'<th scope="col">{title}</th>' for title in ("Claim", "Paper", "Reference", "This run"))
    head = f"<thead><tr>{titles}</tr></thead>"
    return f'```{{raw}} html\n<table class="ddlib-claims">\n{head}\n{bodies}\n</table>\n```\n'


def _body(mine: Judged, theirs: Judged | None, link: str | None) -> str:
    claim = mine.claim
    statement = html.escape(claim.statement)
    title = f'<a href="{link}">{statement}</a>' if link else statement
    whose = "the paper’s claim" if claim.whose == "paper" else "our claim"
    facts = [("Wanted", html.escape(claim.threshold_from)), ("Refuted by", html.escape(claim.refuted_by))]
    facts += [("Changed", html.escape(reason)) for reason in claim.changed]
    details = "".join(f"<p><b>{name}:</b> {text}.</p>" for name, text in facts if text)
    more = f"<details><summary>How it is judged</summary>{details}</details>" if details else ""
    head = (
        f'<th scope="rowgroup"><span class="claim">{title}</span>'
        f'<span class="source">{html.escape(claim.source)} · {whose} · <code>{claim.id}</code></span>{more}</th>'
    )
    cells = f"<td></td>{_verdict(theirs)}{_verdict(mine)}"
    lines = [f'<tr class="statement">{head}{cells}</tr>']
    lines += [_line(i, mine, theirs) for i in range(len(claim.statistics))]
    return f'<tbody id="claim-{claim.id}">\n' + "\n".join(lines) + "\n</tbody>"


def _verdict(judged: Judged | None) -> str:
    if judged is None:
        return "<td>no reference</td>"
    why = f'<span class="why">{html.escape(judged.why)}</span>' if judged.why and not judged.findings else ""
    return f'<td class="{judged.state.replace(" ", "-")}"><b>{MARKS[judged.state]} {judged.state}</b>{why}</td>'


def _line(position: int, mine: Judged, theirs: Judged | None) -> str:
    statistic = mine.claim.statistics[position]
    said = "" if statistic.published is None else _number(f"{statistic.published:g}")
    aim = f'<span class="source">wanted: {_number(wanted(statistic))}</span>'
    other = _estimate(theirs.findings[position]) if theirs and theirs.findings else "<td></td>"
    label = f"<td>{html.escape(statistic.label)}{aim}</td>"
    return f'<tr>{label}<td data-of="Paper">{said}</td>{other}{_estimate(mine.findings[position])}</tr>'


def _estimate(finding: Finding) -> str:
    return f"<td>{MARKS[finding.state]} {html.escape(_number(measured(finding)))}</td>"


def _number(text: str) -> str:
    """A number as it is printed: a true minus sign, and powers of ten."""
    text = re.sub(r"(?<![\w.])-(?=[\d.])", "−", text)
    return re.sub(r"e([+-])0*(\d+)", lambda found: f" × 10^{'−' if found[1] == '-' else ''}{found[2]}", text)


def deviations(compared: Mapping[str, tuple[list[Parameter], list[Compared]]]) -> str:
    """How the numbers of each chapter relate to the reference's, and the numbers that differ."""
    lines = ["| Chapter | agree | differ | not comparable | parameters that differ |", "|---|---|---|---|---|"]
    apart = []
    for chapter, (parameters, numbers) in compared.items():
        relations = [number.relation for number in numbers]
        agree, differ = relations.count("agrees"), relations.count("differs")
        names = ", ".join(f"`{parameter.name}`" for parameter in parameters) or "none"
        lines.append(f"| {{doc}}`/notebooks/{chapter}` | {agree} | {differ} | {len(numbers) - agree - differ} | {names} |")
        apart += [number for number in numbers if number.relation == "differs"]
    if not apart:
        return "\n".join([*lines, "", "No number differs from the reference beyond its interval."])
    rows = ["| Number | this run | reference |", "|---|---|---|"]
    rows += [f"| `{number.key}` | {_recorded(number.here)} | {_recorded(number.there)} |" for number in apart]
    return "\n".join([*lines, "", "Numbers that differ beyond their intervals:", "", *rows])


def _recorded(number: Mapping[str, object] | None) -> str:
    if number is None:
        return "–"
    ends = "" if number.get("low") is None else f" [{number['low']:.3g}, {number['high']:.3g}]"
    seeds = f", n = {number['n']}" if number.get("n") else ""
    return _number(f"{number['value']:.4g}{ends}{seeds}")
