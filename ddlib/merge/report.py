"""The report of a merge: plain dictionaries, lists, texts and numbers."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any, NamedTuple

import torch
from jaxtyping import Float
from torch import Tensor

from ddlib.dbn.model.network import Gaussian, joint
from ddlib.merge.coverage import count_coverage, never_together
from ddlib.merge.diagnosis import (
    Persistence,
    Warned,
    collinear,
    column_warnings,
    not_markov,
    persistence,
    steady,
    too_few,
    visit_warnings,
)
from ddlib.merge.fit import Fit
from ddlib.merge.information import Information, information
from ddlib.merge.panel import Panel
from ddlib.merge.patterns import Group
from ddlib.merge.rows import deviation, patients_needed
from ddlib.merge.sources_fit import SourceFit, fit_sources
from ddlib.merge.wording import counted

_ASSUMPTIONS = [
    "Patients of all sources are from one population; the same id in two tables is two patients.",
    "Whether a cell is missing depends on nothing but what was measured (missing at random).",
    "The next visit depends on the past through the present one, in the same linear way at every step; errors are normal.",
    "Measurement errors are independent, of the sizes that were given, and none where no size was given.",
]


class Findings(NamedTuple):
    """All that a report is made of.

    Attributes:
        id, time: names of the columns.
        panel: the patients.
        groups: the same, in groups.
        fit: the merged estimate, in standard units.
        patients: the synthetic patients, in the columns' own units and the order of the output.
        law: of a trajectory, likewise.
        ridge: λ of the fit.
        tolerance, cycles: of EM.
    """

    id: str
    time: str
    panel: Panel
    groups: list[Group]
    fit: Fit
    patients: Float[Tensor, "n T p"]
    law: Gaussian
    ridge: float
    tolerance: float
    cycles: int


def make_report(found: Findings, say: Callable[[str, float], None]) -> dict[str, Any]:
    """Compute what the report says.

    Args:
        found: the merge.
        say: called with what is being done and the share of the whole work that is done.
    """
    panel, visits = found.panel, found.panel.visits.number
    standard = joint(found.fit.model, visits)
    say("information of the records", 0.65)
    known = information(found.fit.model, found.groups, visits)
    count = len(panel.sources)

    def watch(source: int) -> None:
        say(f"fitting each source alone: {panel.sources[source]}", 0.8 + 0.18 * source / count)

    belongs = [group.source for group in found.groups]
    fits = fit_sources(panel, found.fit, belongs, standard, found.ridge, found.tolerance, found.cycles, watch)
    say("writing the report", 0.98)
    coverage = count_coverage(panel)
    apart = never_together(panel, coverage, standard, known)
    memory = persistence(standard, found.groups, visits)
    warnings = _warnings(found, known, fits, memory, apart)
    order = [panel.columns[place] for place in panel.order]
    return {
        "sources": [
            {
                "name": source,
                "patients": len(panel.values[k]),
                "visits": int((~panel.values[k].isnan()).any(-1).sum()),
                "values": int((~panel.values[k].isnan()).sum()),
                "missing": _missing(panel.values[k]),
            }
            for k, source in enumerate(panel.sources)
        ],
        "columns": [_column(panel, name, memory) for name in order],
        "coverage": {
            name: dict(zip(panel.sources, coverage.single[:, panel.columns.index(name)].tolist(), strict=True)) for name in order
        },
        "visits": {
            "id": found.id,
            "time": found.time,
            "number": visits,
            "reading": panel.visits.reading,
            "labels": [str(label)[:10] if panel.visits.labels.dtype.kind == "M" else float(label) for label in panel.visits.labels],
        },
        "synthetic": _synthetic(found),
        "model": {
            "parameters": 2 * len(order) * (len(order) + 1) + len(order),
            "patients": sum(len(values) for values in panel.values),
            "log_likelihood": float(found.fit.likelihood.sum()) / sum(len(values) for values in panel.values),
            "cycles": len(found.fit.path),
            "converged": found.fit.converged,
            "ridge": found.ridge,
        },
        "identifiability": _identifiability(known),
        "never_together": apart,
        "fit": [
            {**one._asdict(), "difference": one.difference, "expected_difference": one.expected, "differs": one.differs}
            for one in fits
        ],
        "warnings": [warning._asdict() for warning in warnings],
        "assumptions": _ASSUMPTIONS,
    }


def _missing(values: Float[Tensor, "n T p"]) -> float:
    """Share of cells that are missing among the columns that a source measures, over all visits."""
    measured = values[..., (~values.isnan()).any(0).any(0)]
    return float(measured.isnan().to(torch.float64).mean())


def _column(panel: Panel, name: str, memory: Persistence | None) -> dict[str, Any]:
    place = panel.columns.index(name)
    return {
        "name": name,
        "mean": float(panel.centre[place]),
        "standard_deviation": float(panel.spread[place]),
        "noise": dict(zip(panel.sources, panel.noise[:, place].tolist(), strict=True)),
        "correlation_of_errors": None if memory is None else float(memory.correlation[place]),
    }


def _synthetic(found: Findings) -> dict[str, Any]:
    number, visits, variables = found.patients.shape
    needed = patients_needed(variables, visits)
    carried = "means"
    if number > 1:
        carried = "means and variances"
    if number >= needed.pairs:
        carried = "means and covariances of each visit and of successive visits"
    if number >= needed.everything:
        carried = "means and all covariances"
    return {
        "patients": number,
        "rows": number * visits,
        "carried": carried,
        "needed_for_successive_visits": needed.pairs,
        "needed_for_all_covariances": needed.everything,
        "largest_difference": deviation(found.patients, found.law),
    }


def _identifiability(known: Information | None) -> dict[str, Any]:
    if known is None:
        return {"computed": False, "identified": None, "smallest_eigenvalue": None, "effective_patients": None, "patterns": 0}
    return {
        "computed": True,
        "identified": known.identified,
        "smallest_eigenvalue": float(known.kept[0]),
        "effective_patients": known.effective,
        "patterns": known.patterns,
    }


def _warnings(
    found: Findings,
    known: Information | None,
    fits: list[SourceFit],
    memory: Persistence | None,
    apart: list[dict[str, Any]],
) -> list[Warned]:
    panel, visits = found.panel, found.panel.visits.number
    variables = len(panel.columns)
    patients = sum(len(values) for values in panel.values)
    parameters = 2 * variables * (variables + 1) + variables
    warnings = []
    if known is None:
        warnings.append(Warned("not computed", f"identifiability was not examined: {parameters:,} parameters are too many."))
    elif not known.identified:
        pairs = "; ".join(" and ".join(map(repr, pair["columns"])) for pair in apart[:5]) or "none"
        warnings.append(
            Warned(
                "not identified",
                "the records do not determine the merged estimate: other estimates fit them just as well, and the synthetic "
                "table shows "
                f"one of them. Pairs never measured at the same visit: {pairs}{' and others' if len(apart) > 5 else ''}.",
            )
        )
    if not found.fit.converged:
        warnings.append(
            Warned("not converged", f"EM was stopped after {counted(len(found.fit.path), 'cycle')} before it had converged.")
        )
    warnings += too_few(known.effective if known is not None and known.identified else patients, parameters, visits * variables)
    warnings += collinear(panel)
    warnings += not_markov(memory, panel.columns)
    for one in fits:
        if one.differs:
            warnings.append(
                Warned(
                    "source differs",
                    f"the merged model fits {one.source} worse than a model of its own by {one.difference:.2f} nats per patient, "
                    "where "
                    f"{one.expected:.2f} would be chance: its patients or its measurements may not be comparable with the others'.",
                )
            )
    warnings += column_warnings(panel)
    warnings += steady(panel)
    warnings += visit_warnings(panel)
    needed = patients_needed(variables, visits).pairs
    if len(found.patients) < needed:
        warnings.append(
            Warned(
                "few rows",
                f"{counted(len(found.patients), 'synthetic patient')} cannot carry the covariances of "
                f"{counted(variables, 'column')} at successive visits: {needed} would (--rows {needed}).",
            )
        )
    return warnings
