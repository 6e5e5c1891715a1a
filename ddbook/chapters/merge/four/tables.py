"""Tidy tables of what was judged: measures, differences between rows, calibration, what distilled patients keep, and the goals."""

from __future__ import annotations

from collections.abc import Mapping, Sequence

import numpy as np
import pandas as pd
from jaxtyping import Float

from ddbook.chapters.merge.four.calibration import calibration
from ddbook.chapters.merge.four.cohort import Cohort
from ddbook.chapters.merge.four.distillation import ALL, LEARNERS
from ddbook.chapters.merge.four.measures import MEASURES, measured, parts_of
from ddlib.statistics import Estimate, crossed

Scores = Mapping[str, Float[np.ndarray, "R n"]]
POOLED = "all"
"""The name that stands for the patients of all hospitals."""


def groups(cohort: Cohort, hospitals: Sequence[str]) -> dict[str, np.ndarray]:
    """The rows of all patients, and of each hospital's."""
    own = {name: np.flatnonzero(cohort.hospital == k) for k, name in enumerate(hospitals)}
    return {POOLED: np.arange(cohort.size)} | {name: rows for name, rows in own.items() if len(rows)}


def score_table(cohort: Cohort, scores: Scores, hospitals: Sequence[str]) -> pd.DataFrame:
    """Every measure of every row, over all patients and over each hospital's."""
    return _compared(cohort, [(name, "", score, None) for name, score in scores.items()], hospitals)


def contrast_table(cohort: Cohort, scores: Scores, pairs: Sequence[tuple[str, str]], hospitals: Sequence[str]) -> pd.DataFrame:
    """Every measure of the first row of each pair minus that of the second, patient by patient."""
    return _compared(cohort, [(ours, theirs, scores[ours], scores[theirs]) for ours, theirs in pairs], hospitals)


def _compared(
    cohort: Cohort, rows: Sequence[tuple[str, str, np.ndarray, np.ndarray | None]], hospitals: Sequence[str]
) -> pd.DataFrame:
    lines = []
    for name, minus, score, other in rows:
        for group, people in groups(cohort, hospitals).items():
            disease, hospital = cohort.disease[people], cohort.hospital[people]
            for measure in MEASURES:
                if measure == "within" and group != POOLED:
                    continue  # that is the area itself
                against = None if other is None else other[:, people]
                found = measured(measure, score[:, people], disease, hospital, against)
                lines.append({"method": name, "minus": minus, "hospital": group, "measure": measure} | found._asdict())
    return pd.DataFrame(lines)


def calibration_table(cohort: Cohort, scores: Scores, hospitals: Sequence[str]) -> pd.DataFrame:
    """Slope and intercept of every row in each hospital."""
    lines = []
    for name, score in scores.items():
        for group, people in groups(cohort, hospitals).items():
            found = calibration(score[:, people], cohort.disease[people])
            lines += [
                {"method": name, "hospital": group, "measure": measure} | part._asdict()
                for measure, part in found._asdict().items()
            ]
    return pd.DataFrame(lines)


def kept_table(
    cohort: Cohort,
    scores: Mapping[tuple[str, int, str], Float[np.ndarray, "R n"]],
    prevalence: Float[np.ndarray, "R n"],
) -> pd.DataFrame:
    """The area of every set and learner, beside all completed patients and as many random ones.

    Columns ``area``, ``share`` (of the distance from the prevalence to all completed patients, of the same learner), ``spare`` (the
    area above 95 % of that distance, with its interval) and ``lead`` (over random patients, with its interval).
    """

    def parts(score: Float[np.ndarray, "R n"]) -> Float[np.ndarray, "R n"]:
        return parts_of("auc", score, cohort.disease, cohort.hospital)

    floor = parts(prevalence)
    lines = []
    for (name, budget, learner), score in scores.items():
        own, whole = parts(score), parts(scores[ALL, 0, learner])
        spare = crossed(own - 0.95 * whole - 0.05 * floor)
        lead = crossed(own - parts(scores["random", budget, learner])) if budget else Estimate(np.nan, np.nan, np.nan, len(own))
        share = (own.mean() - floor.mean()) / (whole.mean() - floor.mean())
        lines.append(
            {"method": name, "budget": budget, "learner": learner}
            | _named("area", crossed(own))
            | {"share": share}
            | _named("spare", spare)
            | _named("lead", lead)
        )
    order = {name: place for place, name in enumerate(LEARNERS)}
    return pd.DataFrame(lines).sort_values(
        ["learner", "budget"], key=lambda part: part.map(order) if part.name == "learner" else part, kind="stable"
    )


def _named(name: str, found: Estimate) -> dict[str, float]:
    return {name: found.value, f"{name}_low": found.low, f"{name}_high": found.high}
