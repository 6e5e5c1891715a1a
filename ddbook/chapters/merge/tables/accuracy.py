"""How far estimates of simulated hospitals are from the truth: the merge, and two rows that a sceptic would try first."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

import pandas as pd
import torch

from ddbook.chapters.merge.tables.hospitals import Hospitals, World, draw_hospitals
from ddlib.dbn.model.network import Gaussian
from ddlib.merge import Merged, merge
from ddlib.merge.model.fit import PRIOR
from ddlib.settings import settings

ERRORS = {"mean": "means", "within": "covariances within a visit", "successive": "covariances, visit to visit"}
"""The columns with errors, and what they are of."""


@dataclass(frozen=True)
class Merging:
    """The merge tool."""

    prior: float = PRIOR
    name = "limit"

    def run(self, hospitals: Hospitals, rows: int = 100) -> Merged:
        """Merge the hospitals' tables, with their measurement error known."""
        noise = dict.fromkeys(hospitals.columns, hospitals.noise)
        return merge(hospitals.tables, "patient", "visit", noise=noise, rows=rows, prior=self.prior)


@dataclass(frozen=True)
class AvailableCase:
    """Moments of whatever patients have an entry, or both of two, hospitals thrown together; the known noise is subtracted."""

    name = "available_case"

    def law(self, hospitals: Hospitals) -> Gaussian:
        """Mean and covariance."""
        values = hospitals.seen.flatten(0, 1).flatten(1)
        there = (~values.isnan()).to(values.dtype)
        mean = values.nanmean(0)
        off = (values - mean).nan_to_num()
        covariance = off.T @ off / (there.T @ there)
        return Gaussian(mean, covariance - hospitals.noise**2 * torch.eye(len(mean), dtype=mean.dtype))


@dataclass(frozen=True)
class Complete:
    """Moments of all patients as if measured completely, without error, in one hospital: a ceiling that nobody has."""

    name = "clean_all"

    def law(self, hospitals: Hospitals) -> Gaussian:
        """Mean and covariance."""
        values = hospitals.complete.flatten(0, 1).flatten(1)
        return Gaussian(values.mean(0), values.T.cov(correction=0))


def errors(found: Gaussian, truth: Hospitals) -> dict[str, float]:
    """Root mean squared errors in standard deviations of the columns, of pairs that some hospital measures.

    Args:
        found: mean and covariance of a patient, columns in the order of the truth's.
        truth: the hospitals.
    """
    p = len(truth.columns)
    visits = len(truth.law.mean) // p
    unit = truth.spread.repeat(visits)
    mean = (found.mean - truth.law.mean) / unit
    blocks = (found.covariance - truth.law.covariance) / torch.outer(unit, unit)
    covariance = blocks.unflatten(1, (visits, p)).unflatten(0, (visits, p))
    within = torch.stack([covariance[t, :, t][truth.together.triu()] for t in range(visits)])
    later = torch.stack([covariance[t, :, t + 1][truth.together] for t in range(visits - 1)])
    return {name: float(part.square().mean().sqrt()) for name, part in zip(ERRORS, (mean, within, later), strict=True)}


def in_order(merged: Merged, columns: tuple[str, ...]) -> Gaussian:
    """The law of a merge with its columns in another order, all of which change."""
    p = len(columns)
    visits = merged.law.mean.shape[-1] // p
    place = torch.tensor([merged.columns.index(name) for name in columns])
    entries = (torch.arange(visits).unsqueeze(-1) * p + place).flatten()
    return Gaussian(merged.law.mean[0, entries], merged.law.covariance[0][entries][:, entries])


def score(world: World, seed: int) -> tuple[pd.DataFrame, Merged]:
    """Draw hospitals, merge them, and measure the errors of all rows; a row for each method, with its settings.

    Args:
        world: what is simulated.
        seed: of the draw.
    """
    hospitals = draw_hospitals(world, seed)
    merging = Merging()
    merged = merging.run(hospitals)
    laws: Mapping[Any, Gaussian] = {
        merging: in_order(merged, hospitals.columns),
        AvailableCase(): AvailableCase().law(hospitals),
        Complete(): Complete().law(hospitals),
    }
    kind = {"seed": seed, "hospitals": "differ" if world.offset else "alike"}
    rows = [
        {**kind, "method": method.name, **errors(law, hospitals), **settings(world, "world"), **settings(method, "method")}
        for method, law in laws.items()
    ]
    return pd.DataFrame(rows), merged


def effects(merged: Merged, hospitals: Hospitals) -> pd.DataFrame:
    """True and found offsets of hospitals, and means of visits, in standard deviations of the columns; a row for each."""
    found = {column["name"]: column["offsets"] for column in merged.report["columns"]}
    law = in_order(merged, hospitals.columns)
    p = len(hospitals.columns)
    rows: list[dict[str, Any]] = []

    def add(of: str, name: str, level: Any, *values: float) -> None:
        unit = float(hospitals.spread[hospitals.columns.index(name)])
        rows.append({"of": of, "column": name, "level": level, "truth": values[0] / unit, "found": values[1] / unit})

    for j, name in enumerate(hospitals.columns):
        for k, hospital in enumerate(hospitals.tables):
            if hospital in found[name]:
                add("hospital", name, hospital, float(hospitals.offsets[k, j]), float(found[name][hospital]))
        for t, true in enumerate(hospitals.law.mean[j::p].tolist()):
            add("visit", name, t + 1, true, float(law.mean[t * p + j]))
    return pd.DataFrame(rows)
