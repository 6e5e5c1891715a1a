"""The page from top to bottom: a list of sections, each a function of the report."""

from __future__ import annotations

from collections.abc import Callable, Collection
from typing import Any, NamedTuple

from ddlib.merge.page import advice
from ddlib.merge.page.hospitals import key
from ddlib.merge.page.intervals import DRAWN, bounds_pictures, offset_pictures, widest
from ddlib.merge.page.markup import (
    escaped,
    figure,
    folded,
    grid,
    hundredths,
    listing,
    name,
    number,
    paragraph,
    percent,
    plain,
    table,
)
from ddlib.merge.page.parts import cards
from ddlib.merge.page.style import SHADES, STYLE
from ddlib.merge.page.trajectories import trajectories, visit_table
from ddlib.merge.wording import counted

__all__ = ["report_page"]

_REMARKS = {"static", "one visit", "own times", "windows", "grid", "dates", "same names", "left out", "few at visits", "few rows"}
"""Kinds of warnings that say what was done; all others are grave."""


class Section(NamedTuple):
    """A part of the page.

    Attributes:
        anchor: where a link to it leads.
        title: its heading.
        content: what it says of a report, as HTML; nothing where the report has nothing of it.
    """

    anchor: str
    title: str
    content: Callable[[dict[str, Any]], str]


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
    found = [(section, section.content(report)) for section in SECTIONS]
    found = [(section, content) for section, content in found if content]
    body = "\n".join(
        f'<section id="{section.anchor}"><h2>{escaped(section.title)}</h2>\n{content}\n</section>' for section, content in found
    )
    head = (
        '<meta charset="utf-8"><meta name="viewport" content="width=device-width, initial-scale=1">'
        f"<title>Merged table: report</title><style>{STYLE}</style>"
    )
    inside = f"{_top(report)}\n<main>{body}</main>"
    return f'<!doctype html>\n<html lang="en"><head>{head}</head>\n<body>\n{inside}\n</body></html>\n'


def _top(report: dict[str, Any]) -> str:
    synthetic, visits = report["synthetic"], report["visits"]
    summary = (
        f"{counted(len(report['sources']), 'source')} with {counted(report['model']['patients'], 'patient')} and "
        f"{counted(len(report['columns']), 'column')} became {counted(synthetic['patients'], 'complete synthetic patient')} "
        f"with {counted(visits['number'], 'visit')}{' each' * (synthetic['patients'] > 1)}."
    )
    boxes = [
        ("good", "What you may trust", advice.trusted(report)),
        ("convention", "What is a convention", advice.conventions(report)),
        ("ask", "What to ask the hospitals for next", advice.questions(report)),
    ]
    drawn = "".join(f'<section class="{kind}"><h2>{title}</h2>{listing(items)}</section>' for kind, title, items in boxes)
    said = paragraph(report["inference"], "inference")
    return f"<header><h1>Merged table: report</h1>{paragraph(summary)}{said}</header>\n<div class='boxes'>{drawn}</div>"


def _warnings(report: dict[str, Any]) -> str:
    """The grave ones first, each group in the report's order."""
    warnings = sorted(report["warnings"], key=lambda one: one["kind"] in _REMARKS)
    items = [
        f'<li class="{"remark" if one["kind"] in _REMARKS else "grave"}"><strong>{escaped(one["kind"].capitalize())}:</strong> '
        f"{escaped(one['text'])}</li>"
        for one in warnings
    ]
    return f'<ul class="warnings">{"".join(items)}</ul>' if items else paragraph("No warnings.")


def _coverage(report: dict[str, Any]) -> str:
    hospitals = [source["name"] for source in report["sources"]]
    most = max((count for counts in report["coverage"].values() for count in counts.values()), default=0) or 1
    rows = [
        (
            column,
            "".join(
                f'<td class="s{-(-SHADES * counts[each] // most)}">{counts[each]:,}</td>' if counts[each] else "<td></td>"
                for each in hospitals
            ),
        )
        for column, counts in report["coverage"].items()
    ]
    drawn = grid("Who measured what", "column", [name(each, 28) for each in hospitals], rows, "coverage")
    caption = (
        "Patients with at least one measurement of the column, the deeper the more; an empty field: the hospital does not have it."
    )
    return figure(drawn, caption) + _sources(report)


def _sources(report: dict[str, Any]) -> str:
    rows = [
        [each["name"], f"{each['patients']:,}", f"{each['visits']:,}", f"{each['values']:,}", percent(each["missing"])]
        for each in report["sources"]
    ]
    return table("The sources", ["source", "patients", "visits", "values", "missing in its columns"], rows)


def _over_time(report: dict[str, Any]) -> str:
    laws = report["by_visit"]
    if not laws:
        return ""
    differ = report["model"]["hospitals_differ"]["used"]
    caption = (
        "Marks: what each hospital observed, its mean and standard deviation (thin lines, where there is room). "
        "Thick line and band: fitted mean and standard deviation of a synthetic patient"
        + (", who is of an average hospital; thin coloured lines: the fitted mean of each hospital. " if differ else ". ")
        + f"Below: {plain(report['visits']['time'])}."
    )
    numbers = "".join(f"<h3>{name(column)}</h3>{visit_table(report, column, law)}" for column, law in laws.items())
    return (
        paragraph(caption)
        + key(report)
        + f'<div class="panels">{"".join(trajectories(report))}</div>'
        + folded("The numbers: mean ± standard deviation (patients)", numbers)
    )


def _hospitals(report: dict[str, Any]) -> str:
    if not report["model"]["hospitals_differ"]["used"]:
        return paragraph("No difference between hospitals beyond chance, so the model has no offsets.")
    drawn = "".join(f"<figure>{one}</figure>" for one in offset_pictures(report))
    said = "Each hospital's offset from the average one, in standard deviations of the column, shrunk as the records ask for."
    return paragraph(said) + key(report) + f'<div class="panels">{drawn}</div>'


def _pairs(report: dict[str, Any]) -> str:
    pairs = widest(report)
    if not pairs:
        return paragraph("None: every pair of columns was measured of some patient at the same visit.")
    error = (
        "The bounds include the sampling error."
        if all(pair["sampling_error_included"] for pair in pairs)
        else "Where the table says so, the bounds lack the sampling error and are too narrow."
    )
    said = (
        "No patient has both columns of these pairs at one visit. Bars: correlations within a visit that fit all measurements, the "
        f"widest first. {error} Diamonds: the convention of the synthetic table, on the scale on which a column is modelled."
    )
    if len(pairs) > DRAWN:
        said += f" The widest {DRAWN} of {len(pairs):,} are drawn."
    drawn = "".join(f"<figure>{one}</figure>" for one in bounds_pictures(report))
    rows = [
        [
            " · ".join(pair["columns"]),
            f"{pair['patients_with_both']:,}",
            hundredths(pair["correlation"]),
            f"{hundredths(pair['bounds'][0])} to {hundredths(pair['bounds'][1])}",
            "–" if (own := pair.get("own_correlation")) is None else hundredths(own),
            "yes" if pair["sampling_error_included"] else "no",
        ]
        for pair in pairs
    ]
    head = ["pair", "patients with both, at different visits", "correlation by convention", "bounds"]
    head += ["correlation on their own scales", "with sampling error"]
    return paragraph(said) + f'<div class="panels">{drawn}</div>' + folded("The numbers", table("Pairs never together", head, rows))


def _model(report: dict[str, Any]) -> str:
    return paragraph("Each part is used only if the records ask for it.") + cards(report)


def _columns(report: dict[str, Any]) -> str:
    rows = [
        [
            column["name"],
            "once a patient" if column["static"] else "at each visit",
            f"{number(column['least'], 4)} to {number(column['greatest'], 4)}{_beyond(column)}",
            number(column["mean"], 4),
            number(column["standard_deviation"]),
            _span(column["noise"].values()),
        ]
        for column in report["columns"]
    ]
    head = ["column", "measured", "range", "mean of all measurements", "standard deviation", "noise (sd)"]
    return table("The columns", head, rows) + _offset_table(report)


def _beyond(column: dict[str, Any]) -> str:
    return f", {column['beyond_limits']:,} beyond a limit" if column.get("beyond_limits") else ""


def _span(sizes: Collection[float]) -> str:
    """From the least to the greatest, or the one that there is."""
    ends = [number(size) for size in (min(sizes), max(sizes))] if sizes else ["–"]
    return " to ".join(dict.fromkeys(ends))


def _offset_table(report: dict[str, Any]) -> str:
    if not report["model"]["hospitals_differ"]["used"]:
        return ""
    hospitals = [source["name"] for source in report["sources"]]
    rows = [
        [column["name"], *(number(column["offsets"].get(each), sign=True) for each in hospitals)] for column in report["columns"]
    ]
    said = paragraph("Offsets of the hospitals, in the columns' own units:")
    return said + table("Offsets of the hospitals", ["column", *hospitals], rows, names=True)


def _synthetic(report: dict[str, Any]) -> str:
    found, visits = report["synthetic"], report["visits"]
    reading = (
        "equal times are the same visit"
        if visits["reading"] == "values"
        else "a patient's rows are numbered in time, and the times in the table are typical ones"
    )
    carry = "carry" if found["patients"] > 1 else "carries"
    difference = found["largest_difference"]
    return listing(
        [
            f"{counted(found['patients'], 'patient')} ({counted(found['rows'], 'row')}) {carry} the merged estimate's "
            f"{found['carried']}.",
            f"{found['needed_for_successive_visits']:,} patients carry the covariances of each visit and of successive visits, "
            f"{found['needed_for_all_covariances']:,} all covariances.",
            f"Largest difference from the estimate, in standard deviations: {number(difference['means'], 1)} in the means, "
            f"{number(difference['successive_visits'], 1)} in covariances of successive visits, "
            f"{number(difference['everything'], 1)} in any covariance.",
            f"Visits in {plain(visits['time'])!r}: {reading}.",
        ]
    )


def _assumptions(report: dict[str, Any]) -> str:
    return listing(report["assumptions"])


def _fit(report: dict[str, Any]) -> str:
    model = report["model"]
    ended = "converged" if model["converged"] else "was stopped before it had converged"
    said = [
        f"The fit {ended} after {counted(model['iterations'], 'iteration')}, at {number(model['log_likelihood'], 5)} nats per "
        "patient.",
        f"{counted(model['parameters'], 'parameter')} were estimated from {counted(model['patients'], 'patient')}.",
    ]
    directions = model["undetermined_directions"]
    if directions is None:
        said.append("How many directions of the parameters the records leave open was not computed.")
    elif directions:
        said.append(
            f"{counted(directions, 'direction')} of the parameters rest{'s' * (directions == 1)} on the prior: no record tells."
        )
    else:
        said.append("The records tell of all directions of the parameters.")
    return listing(said)


SECTIONS = [
    Section("warnings", "Warnings", _warnings),
    Section("coverage", "Who measured what", _coverage),
    Section("visits", "Observed and fitted", _over_time),
    Section("hospitals", "How the hospitals differ", _hospitals),
    Section("pairs", "Pairs never observed together", _pairs),
    Section("model", "What the model is made of", _model),
    Section("columns", "The columns", _columns),
    Section("synthetic", "The synthetic table", _synthetic),
    Section("assumptions", "What was assumed", _assumptions),
    Section("fit", "How the fit ended", _fit),
]
"""All sections in order; a new one is a function and a line here."""
