"""The report of a merge: plain dictionaries, lists, texts and numbers."""

from __future__ import annotations

from typing import Any, NamedTuple

import numpy as np
import torch
from jaxtyping import Float, Int
from torch import Tensor

from ddlib.merge.checks.inference import NO_INFERENCE
from ddlib.merge.coverage import patients_with
from ddlib.merge.estimate import MergeEstimate
from ddlib.merge.margins import Identity
from ddlib.merge.model.law import means, size
from ddlib.merge.model.persistence import persistence
from ddlib.merge.never_together import pairs_of
from ddlib.merge.panel import Panel
from ddlib.merge.rows import deviation, patients_needed
from ddlib.merge.scales import own_moments
from ddlib.merge.warnings import warnings_of
from ddlib.merge.within import cells_within, drawn_within, scored_limits

__all__ = ["Findings", "make_report"]


_WITHIN = (
    "Of a cell beyond a limit of detection no more is known than that; observed means and spreads in this report count it with a "
    "value that was drawn there under the estimate, as completed tables do."
)


class Findings(NamedTuple):
    """All that a report is made of.

    Attributes:
        id, time: names of the columns.
        panel: the patients.
        counts: patients who have both of two entries.
        estimate: the merged estimate.
        patients: the synthetic patients, on the latent scales, columns sorted by name and static ones last.

    >>> Findings._fields[:3]
    ('id', 'time', 'panel')
    """

    id: str
    time: str
    panel: Panel
    counts: Int[Tensor, "D D"]
    estimate: MergeEstimate
    patients: Float[Tensor, "n E"]


def make_report(found: Findings) -> dict[str, Any]:
    """Compute what the report says.

    >>> import pandas as pd
    >>> from ddlib.merge.merging import merge
    >>> from ddlib.merge.together import counts
    >>> north = pd.DataFrame({"id": [1, 1, 2, 2, 3, 3], "time": [0, 1] * 3, "hb": [13.0, 12.0, 11.0, 12.5, 14.0, 13.5]})
    >>> merged = merge([north, north.assign(hb=north.hb + 0.5)], "id", "time", rows=5)
    >>> patients = merged.estimate.law.mean.expand(5, -1)
    >>> found = Findings("id", "time", merged.panel, counts(merged.panel), merged.estimate, patients)
    >>> report = make_report(found)
    >>> [source["patients"] for source in report["sources"]], report["visits"]["labels"]
    ([3, 3], [0.0, 1.0])
    """
    panel, found = found.panel, found._replace(panel=drawn_within(found.panel, found.estimate))
    memory = persistence(found.estimate.chosen.fit, found.estimate.chosen.groups)
    labels = panel.visits.labels[panel.visits.reported]
    return {
        "sources": [_source(panel, k) for k in range(len(panel.sources))],
        "columns": [_column(found, name, _range(panel, name)) for name in panel.output],
        "coverage": _coverage(panel),
        "visits": {
            "id": found.id,
            "time": found.time,
            "number": len(labels),
            "reading": panel.visits.reading,
            "labels": [str(label)[:10] if labels.dtype.kind == "M" else float(label) for label in labels],
            "steps": panel.visits.steps.tolist(),
            "unit": panel.visits.unit,
        },
        "by_visit": {name: _by_visit(found, name) for name in panel.output if name in panel.columns},
        "model": _model(found),
        "never_together": pairs_of(found.panel, found.estimate),
        "synthetic": _synthetic(found),
        "warnings": [
            {"kind": one.kind, "text": one.text, "columns": list(one.columns), "sources": list(one.sources)}
            for one in [
                *warnings_of(found.panel, found.estimate, found.counts, memory, len(found.patients)),
                *scored_limits(panel, found.estimate),
            ]
        ],
        "inference": NO_INFERENCE,
        "assumptions": [*_assumptions(found), *([_WITHIN] if panel.limits else [])],
    }


def _range(panel: Panel, name: str) -> dict[str, Any]:
    """The least and the greatest number of a column, and how many of its cells are beyond a limit."""
    static = name in panel.static
    place = (panel.static if static else panel.columns).index(name)
    numbers = torch.cat([(fixed[:, place] if static else moving[..., place]).flatten() for moving, fixed in _both(panel)])
    numbers = numbers[~numbers.isnan()]
    return {"least": float(numbers.min()), "greatest": float(numbers.max()), "beyond_limits": cells_within(panel).get(name, 0)}


def _source(panel: Panel, k: int) -> dict[str, Any]:
    values = panel.values[k]
    seen = ~values.isnan()
    measured = values[..., seen.any(0).any(0)]
    return {
        "name": panel.sources[k],
        "patients": len(values),
        "visits": int(seen.any(-1).sum()),
        "values": int(seen.sum()) + int((~panel.fixed[k].isnan()).sum()),
        "missing": float(measured.isnan().to(torch.float64).mean()) if measured.numel() else 0.0,
    }


def _column(found: Findings, name: str, ends: dict[str, Any]) -> dict[str, Any]:
    """One column: its law, what was observed, and the offsets of the hospitals that have it, in its own unit."""
    panel, estimate = found.panel, found.estimate
    static = name in panel.static
    place = (panel.static if static else panel.columns).index(name)
    values = [(fixed[:, place] if static else moving[..., place]).flatten() for moving, fixed in _both(panel)]
    seen = torch.cat(values)
    seen = seen[~seen.isnan()]
    margin = (estimate.scales.fixed if static else estimate.scales.moving)[place]
    shifts = estimate.chosen.fit.at.hospitals[:, place + len(panel.columns) * static].tolist()
    typical = own_moments(margin, 0.0, 1.0)[0]
    offsets = [own_moments(margin, shift, 1.0)[0] - typical for shift in shifts]
    noise = (panel.static_noise if static else panel.noise)[:, place]
    has = [k for k, part in enumerate(values) if bool((~part.isnan()).any())]
    return {
        "name": name,
        "static": static,
        "mean": float(seen.mean()),
        "standard_deviation": float(seen.std(correction=0)),
        **ends,
        "noise": {panel.sources[k]: float(noise[k]) for k in has},
        "offsets": {panel.sources[k]: offsets[k] for k in has},
        "margin": margin.as_dict(),
    }


def _both(panel: Panel) -> list[tuple[Tensor, Tensor]]:
    return list(zip(panel.values, panel.fixed, strict=True))


def _coverage(panel: Panel) -> dict[str, dict[str, int]]:
    counts, names = patients_with(panel), [*panel.columns, *panel.static]
    return {name: dict(zip(panel.sources, counts[:, names.index(name)].tolist(), strict=True)) for name in panel.output}


def _by_visit(found: Findings, name: str) -> dict[str, Any]:
    """Observed and fitted means and standard deviations of a column at the reported visits, by hospital."""
    panel, fit = found.panel, found.estimate.chosen.fit
    place, p = panel.columns.index(name), len(panel.columns)
    kept = torch.from_numpy(panel.visits.reported)
    visits = int(kept.sum())
    with torch.no_grad():
        centres = means(fit.at, fit.shape)[:, : panel.visits.number * p].unflatten(-1, (-1, p))[..., place][:, kept]
    entries = torch.arange(visits) * p + place
    margin, law = found.estimate.scales.moving[place], found.estimate.law
    deviations = law.covariance.diagonal()[entries].sqrt().tolist()
    own = [own_moments(margin, mean, size) for mean, size in zip(law.mean[entries].tolist(), deviations, strict=True)]
    observed: dict[str, Any] = {}
    for k, source in enumerate(panel.sources):
        values = panel.values[k][:, kept, place].numpy()
        count = (~np.isnan(values)).sum(0)
        if not count.any():
            continue
        mean, spread = _moments(values)
        observed[source] = {
            "patients": count.tolist(),
            "mean": mean,
            "standard_deviation": spread,
            "fitted": [own_moments(margin, one, size)[0] for one, size in zip(centres[k].tolist(), deviations, strict=True)],
        }
    return {
        "mean": [mean for mean, _ in own],
        "standard_deviation": [size for _, size in own],
        "observed": observed,
    }


def _moments(values: np.ndarray) -> tuple[list[float | None], list[float | None]]:
    """Mean and standard deviation of each visit; none without two values."""
    mean: list[float | None] = []
    spread: list[float | None] = []
    for column in values.T:
        seen = column[~np.isnan(column)]
        mean.append(float(seen.mean()) if len(seen) else None)
        spread.append(float(seen.std(ddof=1)) if len(seen) > 1 else None)
    return mean, spread


def _model(found: Findings) -> dict[str, Any]:
    """What the model contains and why, and how the fit ended."""
    estimate, panel = found.estimate, found.panel
    fit = estimate.chosen.fit
    patients = sum(len(values) for values in panel.values)
    gain = estimate.chosen.held_out
    return {
        "parameters": size(fit.shape),
        "patients": patients,
        "log_likelihood": float(fit.likelihood.sum()) / patients,
        "iterations": len(fit.path),
        "converged": fit.converged,
        "ridge": fit.ridge,
        "visits_differ": {"used": fit.shape.visits, "standard_deviation": fit.variances.visits**0.5 * fit.shape.visits},
        "hospitals_differ": {"used": fit.shape.hospitals, "standard_deviation": fit.variances.hospitals**0.5 * fit.shape.hospitals},
        "levels": {"used": fit.shape.level, "held_out_gain": None if np.isnan(gain) else gain},
        "undetermined_directions": None if estimate.information is None else estimate.information.undetermined,
    }


def _synthetic(found: Findings) -> dict[str, Any]:
    panel = found.panel
    number, visits, fixed = len(found.patients), int(panel.visits.reported.sum()), len(panel.static)
    needed = patients_needed(len(panel.columns), visits, fixed)
    carried = "means"
    if number > 1:
        carried = "means and variances"
    if number >= needed.pairs:
        carried = "means and covariances of each visit and of successive visits"
    if number >= needed.everything:
        carried = "means and all covariances"
    if not all(isinstance(margin, Identity) for margin in found.estimate.scales.of_entries(1)):
        carried += ", on the scales on which columns are modelled"
    return {
        "patients": number,
        "rows": number * visits,
        "carried": carried,
        "needed_for_successive_visits": needed.pairs,
        "needed_for_all_covariances": needed.everything,
        "largest_difference": deviation(found.patients, found.estimate.law, visits, fixed),
    }


def _assumptions(found: Findings) -> list[str]:
    fit = found.estimate.chosen.fit
    listed = [
        "Whether a cell is missing depends on nothing but what was measured (missing at random).",
        "Patients of all hospitals are from one population"
        + (", but for an offset of each hospital; synthetic patients are of an average hospital." if fit.shape.hospitals else "."),
        "The next visit depends on the past through the present one"
        + (" and through a level that stays with each patient" if fit.shape.level else "")
        + ", in the same linear way for every step of time; values are normal, on the scale that the report names for each column.",
        "Measurement errors are independent, of the sizes that were given, and none where no size was given.",
    ]
    if found.estimate.pairs:
        listed.append(
            "Columns that no patient has together are independent given all others: a convention, which no record supports or "
            "refutes."
        )
    return listed
