"""The report as a web page: one file that needs nothing else."""

from __future__ import annotations

import html
import math
from collections.abc import Iterable, Sequence
from typing import Any

from ddlib.merge.wording import counted, worth

__all__ = ["report_page"]

_STYLE = """
:root {
  --text: #1b1f24; --back: #ffffff; --line: #d0d7de; --have: #0072b2; --on: #ffffff; --warn: #fff4e0; --edge: #b45f00;
}
@media (prefers-color-scheme: dark) {
  :root {
    --text: #e6edf3; --back: #0d1117; --line: #3a424c; --have: #2673a8; --on: #ffffff; --warn: #2f2412; --edge: #e69f00;
  }
}
* { box-sizing: border-box; }
body {
  font: 16px/1.5 system-ui, sans-serif; color: var(--text); background: var(--back);
  max-width: 60rem; margin: 0 auto; padding: 1rem;
}
h1 { font-size: 1.6rem; margin: 0.5rem 0; } h2 { font-size: 1.2rem; margin: 2rem 0 0.5rem; }
p { max-width: 46rem; }
.wide { overflow-x: auto; } table { border-collapse: collapse; font-variant-numeric: tabular-nums; }
th, td { padding: 0.25rem 0.6rem; border-bottom: 1px solid var(--line); text-align: right; white-space: nowrap; }
th:first-child, td:first-child { text-align: left; }
thead th { white-space: normal; vertical-align: bottom; border-bottom: 2px solid var(--line); }
.coverage td { text-align: center; } .coverage td.have { background: var(--have); color: var(--on); border: 2px solid var(--back); }
.warnings { list-style: none; padding: 0; }
.warnings li {
  background: var(--warn); border-left: 4px solid var(--edge); padding: 0.4rem 0.8rem; margin: 0.4rem 0; overflow-wrap: anywhere;
}
"""


def report_page(report: dict[str, Any]) -> str:
    """The report of :func:`ddlib.merge.merge <ddlib.merge.merging.merge>` as HTML.

    Args:
        report: as it stands in :class:`~ddlib.merge.merging.Merged`.

    >>> import pandas as pd
    >>> from ddlib.merge import merge
    >>> north = pd.DataFrame({"id": [1, 1, 2, 2, 3, 3], "time": [0, 1] * 3, "hb": [13.0, 12.0, 11.0, 12.5, 14.0, 13.5]})
    >>> report_page(merge([north, north], "id", "time", rows=5).report).splitlines()[0]
    '<!doctype html>'
    """
    model, synthetic, visits = report["model"], report["synthetic"], report["visits"]
    parts = [
        "<h1>Merged table: report</h1>",
        _paragraph(
            f"{counted(len(report['sources']), 'source')} with {counted(model['patients'], 'patient')} and "
            f"{counted(len(report['columns']), 'column')} became {counted(synthetic['patients'], 'complete synthetic patient')} "
            f"with {counted(visits['number'], 'visit')}{' each' * (synthetic['patients'] > 1)}."
        ),
        _warnings(report["warnings"]),
        "<h2>Who measures what</h2>",
        _paragraph("Patients with at least one measurement of the column; an empty field means that the source does not have it."),
        _coverage(report),
        _sources(report["sources"]),
        "<h2>Pairs never observed together</h2>",
        _pairs(report),
        "<h2>What the records determine</h2>",
        _identifiability(report),
        "<h2>Fit per source</h2>",
        _paragraph(
            "Log-likelihood in nats per patient (columns in units of their standard deviation) under the merged model and under a "
            "model fitted to the source alone. Up to about the expected difference is chance."
        ),
        _fit(report["fit"]),
        "<h2>The synthetic table</h2>",
        _synthetic(report),
        _columns(report),
        "<h2>What was assumed</h2>",
        "<ul>" + "".join(f"<li>{html.escape(text)}</li>" for text in report["assumptions"]) + "</ul>",
    ]
    head = (
        '<meta charset="utf-8"><meta name="viewport" content="width=device-width, initial-scale=1">'
        "<title>Merged table: report</title>"
    )
    return (
        f'<!doctype html>\n<html lang="en"><head>{head}<style>{_STYLE}</style></head>\n<body>\n'
        + "\n".join(parts)
        + "\n</body></html>\n"
    )


def _paragraph(text: str) -> str:
    return f"<p>{html.escape(text)}</p>"


def _table(head: Iterable[str], rows: Iterable[Sequence[str]], kind: str = "") -> str:
    top = "".join(f'<th scope="col">{html.escape(cell)}</th>' for cell in head)
    body = "".join("<tr>" + "".join(f"<td>{html.escape(cell)}</td>" for cell in row) + "</tr>" for row in rows)
    return f'<div class="wide"><table class="{kind}"><thead><tr>{top}</tr></thead><tbody>{body}</tbody></table></div>'


def _number(value: float | None, form: str = ".3g") -> str:
    return "–" if value is None or not math.isfinite(value) else format(value, form)


def _warnings(warnings: list[dict[str, str]]) -> str:
    if not warnings:
        return _paragraph("No warnings.")
    items = "".join(
        f"<li><strong>{html.escape(one['kind'].capitalize())}.</strong> {html.escape(one['text'])}</li>" for one in warnings
    )
    return f'<h2>Warnings</h2><ul class="warnings">{items}</ul>'


def _coverage(report: dict[str, Any]) -> str:
    sources = [source["name"] for source in report["sources"]]
    top = "".join(f'<th scope="col">{html.escape(name)}</th>' for name in ["", *sources])
    rows = []
    for column, counts in report["coverage"].items():
        cells = "".join(f'<td class="have">{counts[name]:,}</td>' if counts[name] else "<td></td>" for name in sources)
        rows.append(f'<tr><th scope="row">{html.escape(column)}</th>{cells}</tr>')
    return f'<div class="wide"><table class="coverage"><thead><tr>{top}</tr></thead><tbody>{"".join(rows)}</tbody></table></div>'


def _sources(sources: list[dict[str, Any]]) -> str:
    rows = [[s["name"], f"{s['patients']:,}", f"{s['visits']:,}", f"{s['values']:,}", f"{s['missing']:.1%}"] for s in sources]
    return "<p></p>" + _table(["source", "patients", "visits", "values", "missing in its columns"], rows)


def _pairs(report: dict[str, Any]) -> str:
    pairs = report["never_together"]
    if not pairs:
        return _paragraph("None: every pair of columns was measured of some patient at the same visit.")
    text = (
        "No patient has both columns at one visit, so what is said of their relation rests on the other columns and visits. "
        "The correlation is that within a visit under the merged estimate; a dash stands for an error that the records do not "
        "determine."
    )
    rows = [
        [
            " · ".join(pair["columns"]),
            f"{pair['patients_at_other_visits']:,}",
            _number(pair["correlation"], "+.2f"),
            _number(pair["standard_error"], ".2g"),
        ]
        for pair in pairs
    ]
    return _paragraph(text) + _table(["pair", "patients with both, at different visits", "correlation", "standard error"], rows)


def _identifiability(report: dict[str, Any]) -> str:
    found, model = report["identifiability"], report["model"]
    if not found["computed"]:
        return _paragraph("Not examined: the model has too many parameters.")
    verdict = (
        f"The records determine all {model['parameters']:,} parameters, to first order around the estimate."
        if found["identified"]
        else f"The records do not determine all {model['parameters']:,} parameters: other estimates fit them just as well."
    )
    value = (
        f"For an unbiased estimate they are worth as much as those of {worth(found['effective_patients'])} measured completely "
        "and without error."
        if found["identified"]
        else ""
    )
    share = (
        f"In the direction that they determine least they keep {found['smallest_eigenvalue']:.2g} of the information of complete "
        "records (smallest eigenvalue of the observed information, relative to the complete one)."
    )
    sampled = f"Computed from {counted(found['patterns'], 'pattern')} of missing cells."
    return _paragraph(" ".join(filter(None, (verdict, share, value, sampled))))


def _fit(fits: list[dict[str, Any]]) -> str:
    rows = [
        [
            one["source"],
            f"{one['patients']:,}",
            f"{one['merged']:.3f}",
            f"{one['own']:.3f}",
            f"{one['difference']:+.3f}",
            f"{one['expected_difference']:.3f}",
        ]
        for one in fits
    ]
    return _table(["source", "patients", "merged model", "own model", "difference", "expected"], rows)


def _synthetic(report: dict[str, Any]) -> str:
    found, visits = report["synthetic"], report["visits"]
    reading = (
        "equal times are the same visit"
        if visits["reading"] == "values"
        else "a patient's rows are numbered in time, and the times in the table are typical ones"
    )
    carry = "carry" if found["patients"] > 1 else "carries"
    return _paragraph(
        f"{counted(found['patients'], 'patient')} ({counted(found['rows'], 'row')}) {carry} the merged estimate's "
        f"{found['carried']}. "
        f"{found['needed_for_successive_visits']:,} patients carry the covariances of each visit and of successive visits, "
        f"{found['needed_for_all_covariances']:,} all covariances. Largest difference, in standard deviations: "
        f"{found['largest_difference']['means']:.1g} in the means, {found['largest_difference']['successive_visits']:.1g} in "
        f"covariances of successive visits, {found['largest_difference']['everything']:.1g} in any covariance. "
        f"Visits in {visits['time']!r}: {reading}."
    )


def _columns(report: dict[str, Any]) -> str:
    rows = [
        [
            one["name"],
            _number(one["mean"], ".4g"),
            _number(one["standard_deviation"]),
            ", ".join(sorted({_number(size) for size in one["noise"].values()})),
            _number(one["correlation_of_errors"], "+.2f"),
        ]
        for one in report["columns"]
    ]
    head = [
        "column",
        "mean of all measurements",
        "standard deviation",
        "noise",
        "correlation of prediction errors, ≥ 2 visits apart",
    ]
    return _table(head, rows)
