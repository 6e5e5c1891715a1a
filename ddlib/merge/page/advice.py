"""What a reader should know first: what may be trusted, what is a convention, what to ask the hospitals for."""

from __future__ import annotations

import math
from typing import Any, NamedTuple

from ddlib.merge.page.hospitals import offset_of
from ddlib.merge.page.intervals import widest, width_of
from ddlib.merge.page.markup import hundredths, number, shortened
from ddlib.merge.page.trajectories import visit_names
from ddlib.merge.wording import counted, listed

_NOTABLE = 0.2
"""Standard deviations from which an offset is worth a question."""
_RARE = 0.5
"""Share of the patients of the best visited visit, below which a visit is worth a question."""
_WISHES = 3
"""Measurements that are asked for."""
_NAMED = 3
"""Columns or visits that a sentence names."""


class _Wish(NamedTuple):
    """A column that a hospital should measure.

    Attributes:
        hospital, column: which.
        pairs: that would then be measured together, the one of which least is known first.
    """

    hospital: str
    column: str
    pairs: list[dict[str, Any]]


def patients_for(pair: dict[str, Any]) -> int:
    r"""Patients with both columns at one visit after whom 95 % limits of their correlation are half as wide as the bounds.

    By Fisher's z, whose standard error is $1/\sqrt{n - 3}$: limits of the correlation 0, where they are widest, have the width
    $2\tanh(1.96/\sqrt{n - 3})$.

    >>> patients_for({"bounds": [-1.0, 1.0]}), patients_for({"bounds": [0.1, 0.5]})
    (16, 385)
    """
    half = min(max(width_of(pair), 1e-3) / 4, 0.999)
    return 3 + math.ceil((1.96 / math.atanh(half)) ** 2)


def _wishes(report: dict[str, Any]) -> list[_Wish]:
    """The measurements of which one hospital more would settle most: one after the other, by the sum of the bounds' widths."""
    coverage, sizes = report["coverage"], {source["name"]: source["patients"] for source in report["sources"]}
    open_pairs = widest(report)
    found: list[_Wish] = []
    while open_pairs and len(found) < _WISHES:
        possible = [
            _Wish(hospital, column, _settled(coverage, open_pairs, hospital, column))
            for hospital in sizes
            for column in coverage
            if not coverage[column][hospital]
        ]
        possible = [wish for wish in possible if wish.pairs]
        if not possible:
            break
        best = max(possible, key=lambda wish: (sum(map(width_of, wish.pairs)), sizes[wish.hospital]))
        found.append(best)
        open_pairs = [pair for pair in open_pairs if pair not in best.pairs]
    return found


def _settled(coverage: dict[str, dict[str, int]], pairs: list[dict[str, Any]], hospital: str, column: str) -> list[dict[str, Any]]:
    return [pair for pair in pairs if column in pair["columns"] and coverage[_other(pair, column)][hospital]]


def _other(pair: dict[str, Any], column: str) -> str:
    first, second = pair["columns"]
    return str(second if first == column else first)


def trusted(report: dict[str, Any]) -> list[str]:
    """What the records carry."""
    kinds = {warning["kind"] for warning in report["warnings"]}
    columns, pairs = len(report["columns"]), len(report["never_together"])
    every = columns * (columns - 1) // 2
    said = [f"Means and spreads of {counted(columns, 'column')}, as far as cells are missing at random."]
    if every > pairs:
        which = f"all {counted(every, 'pair')}" if not pairs else f"{every - pairs:,} of {counted(every, 'pair')}"
        said.append(f"Correlations within a visit of {which} of columns: some patients have both.")
    if "not converged" in kinds:
        said.insert(0, "Little yet: the fit had not converged. Run it again with more iterations.")
    if "too few patients" in kinds:
        said.append("All this loosely: the patients are few for so many columns.")
    if "not Markov" in kinds:
        said.append("Not what lies several visits apart: patients have a longer memory than the model.")
    said.append(f"The synthetic table repeats the estimate's {report['synthetic']['carried']}, not more.")
    return said


def conventions(report: dict[str, Any]) -> list[str]:
    """What the table says although no record does."""
    pairs, said = widest(report), []
    if pairs:
        first = pairs[0]
        names = " and ".join(shortened(column, 30) for column in first["columns"])
        were = "was" if len(pairs) == 1 else "were"
        said.append(
            f"{counted(len(pairs), 'pair')} of columns {were} never measured together: in the table they are independent "
            "given all else, which no record supports or refutes."
        )
        said.append(
            f"The widest is {names}: by that convention the correlation is {hundredths(first['correlation'])}, anything from "
            f"{hundredths(first['bounds'][0])} to {hundredths(first['bounds'][1])} agrees with the records."
        )
    else:
        said.append("Nothing within a visit: some patients have each pair of columns together.")
    if any(warning["kind"] == "never at successive visits" for warning in report["warnings"]):
        said.append("Some pairs were never measured at successive visits: see the warnings.")
    if report["model"]["hospitals_differ"]["used"]:
        said.append("Synthetic patients are of an average hospital, which none of yours need be.")
    return said


def questions(report: dict[str, Any]) -> list[str]:
    """What to ask the hospitals for next."""
    said = [_asked(report, wish) for wish in _wishes(report)]
    said += [text for text in (_deviant(report), _rare(report)) if text]
    return said or ["Nothing in particular: no pair is missing, no hospital stands out, no visit is rare."]


def _asked(report: dict[str, Any], wish: _Wish) -> str:
    partners = [shortened(_other(pair, wish.column), 30) for pair in wish.pairs]
    needed = patients_for(wish.pairs[0])
    between = " and ".join(shortened(column, 30) for column in wish.pairs[0]["columns"])
    there = next(source["patients"] for source in report["sources"] if source["name"] == wish.hospital)
    enough = "" if there >= needed else f" (more than the {there:,} in its table)"
    return (
        f"{shortened(wish.hospital, 30)}: measure {shortened(wish.column, 30)} beside {listed(partners, _NAMED)}. About "
        f"{counted(needed, 'patient')} with both{enough} would halve what is open between {between}."
    )


def _deviant(report: dict[str, Any]) -> str:
    """The hospital that differs most, if it differs notably."""
    offsets = [
        (offset_of(column, hospital), column["offsets"][hospital], hospital, column["name"])
        for column in report["columns"]
        for hospital in column["offsets"]
    ]
    if not offsets or not report["model"]["hospitals_differ"]["used"]:
        return ""
    share, size, hospital, column = max(offsets, key=lambda each: abs(each[0]))
    if abs(share) < _NOTABLE:
        return ""
    return (
        f"{shortened(hospital, 30)}: how is {shortened(column, 30)} measured, and of whom? It lies {number(abs(size))} "
        f"({number(abs(share), 2)} standard deviations) {'above' if size > 0 else 'below'} the average hospital."
    )


def _rare(report: dict[str, Any]) -> str:
    """Visits of which few patients have a measurement."""
    best = [0] * report["visits"]["number"]
    for law in report["by_visit"].values():
        totals = [sum(counts) for counts in zip(*(seen["patients"] for seen in law["observed"].values()), strict=True)]
        best = [max(pair) for pair in zip(best, totals, strict=True)] if totals else best
    rare = [t for t, count in enumerate(best) if count < _RARE * max(best)]
    if not rare:
        return ""
    names = visit_names(report)
    fewest = min(rare, key=lambda t: best[t])
    return (
        f"All: more patients at {shortened(report['visits']['time'], 30)} {listed([names[t] for t in rare], _NAMED)}: at "
        f"{names[fewest]} no column has more than {best[fewest]:,}, where the best visit has {max(best):,}."
    )
