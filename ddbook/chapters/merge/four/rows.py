"""Ways to predict disease: each is fitted to training patients and gives a score on the logit scale for any others."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from typing import Protocol

import numpy as np
from jaxtyping import Float
from scipy.special import logit

from ddbook.chapters.merge.four.cohort import COMMON, Cohort, dummies, encoded
from ddbook.chapters.merge.four.penalised import fitted_logistic, with_constant

Score = Callable[[Cohort], Float[np.ndarray, " n"]]
"""The score of each patient, on the logit scale."""
_HOSPITAL = 5.0
"""How much the columns that tell the hospitals apart are stretched: their coefficients are hardly shrunk."""


class Row(Protocol):
    """A way to predict disease."""

    @property
    def name(self) -> str: ...

    def fit(self, train: Cohort, seed: int) -> Score:
        """Learn from patients."""
        ...


@dataclass(frozen=True)
class Prevalence:
    """The share of each hospital's training patients who are ill, with one more patient of either kind; no measurement."""

    name: str = "prevalence"

    def fit(self, train: Cohort, seed: int) -> Score:
        ill = np.bincount(train.hospital, train.disease, train.hospitals) + 1
        share = logit(ill / (np.bincount(train.hospital, minlength=train.hospitals) + 2))
        return lambda cohort: share[cohort.hospital]


class Design:
    """Columns of a regression: what is missing is at the mean, and may be marked as missing."""

    def __init__(self, train: Cohort, columns: tuple[str, ...] | None, indicators: bool, hospitals: bool) -> None:
        self.columns, self.indicators, self.hospitals = columns, indicators, hospitals
        x = encoded(train, columns)
        seen = ~np.isnan(x)
        self.mean = np.where(seen, x, 0).sum(0) / np.maximum(seen.sum(0), 1)
        self.gaps = np.unique(~seen[:, seen.any(0) & ~seen.all(0)], axis=1, return_index=True)[1]
        self.gaps = np.flatnonzero(seen.any(0) & ~seen.all(0))[self.gaps]

    def __call__(self, cohort: Cohort) -> Float[np.ndarray, "n p"]:
        x = encoded(cohort, self.columns)
        parts = [np.where(np.isnan(x), self.mean, x)]
        if self.indicators:
            parts.append(np.isnan(x[:, self.gaps]).astype(float))
        if self.hospitals:
            parts.append(_HOSPITAL * dummies(cohort))
        return np.column_stack(parts)


@dataclass(frozen=True)
class PooledRecords:
    """One logistic regression on all hospitals' patients.

    Attributes:
        columns: which measurements; all when not given.
        indicators: whether it is told which cells are missing.
        hospitals: whether each hospital has an intercept of its own.
    """

    name: str
    columns: tuple[str, ...] | None = None
    indicators: bool = False
    hospitals: bool = True

    def fit(self, train: Cohort, seed: int) -> Score:
        design = Design(train, self.columns, self.indicators, self.hospitals)
        theta = fitted_logistic(design(train), train.disease, seed)
        return lambda cohort: with_constant(design(cohort)) @ theta


@dataclass(frozen=True)
class OwnRecords:
    """A logistic regression of each hospital's own, told which cells are missing; without records of its own, the prevalence."""

    name: str = "own"

    def fit(self, train: Cohort, seed: int) -> Score:
        regression = PooledRecords(self.name, indicators=True, hospitals=False)
        whole = Prevalence().fit(train._replace(hospital=np.zeros_like(train.hospital)), seed)
        present = np.unique(train.hospital).tolist()
        scores = {k: regression.fit(train.take(np.flatnonzero(train.hospital == k)), seed) for k in present}

        def score(cohort: Cohort) -> Float[np.ndarray, " n"]:
            found = whole(cohort._replace(hospital=np.zeros_like(cohort.hospital)))
            for k, own in scores.items():
                rows = np.flatnonzero(cohort.hospital == k)
                found[rows] = own(cohort.take(rows))
            return found

        return score


@dataclass(frozen=True)
class Federated:
    r"""Federated averaging (McMahan et al. 2017) of the regression with indicators: no patient leaves a hospital.

    In each round every hospital begins at the common coefficients, takes some gradient steps on its own penalised mean loss, and
    the coefficients are averaged by numbers of patients; the intercept of a hospital stays with it. A hospital that was not there
    gets the average intercept.

    Attributes:
        rounds: how often coefficients are averaged.
        local: gradient steps of a hospital in a round.
        penalty: against the sum of all losses.
    """

    name: str = "federated"
    rounds: int = 100
    local: int = 5
    penalty: float = 10.0

    def fit(self, train: Cohort, seed: int) -> Score:
        design = Design(train, None, True, False)
        x, present = design(train), np.unique(train.hospital)
        step = 1 / (0.25 * np.linalg.norm(np.column_stack([x, np.ones(len(x))]), axis=1).max() ** 2 + self.penalty / len(x))
        common, intercept = np.zeros(x.shape[1]), np.zeros(train.hospitals)
        share = np.bincount(train.hospital, minlength=train.hospitals) / len(x)
        for _ in range(self.rounds):
            average = np.zeros_like(common)
            for k in present.tolist():
                rows, own = train.hospital == k, common.copy()
                for _ in range(self.local):
                    miss = 1 / (1 + np.exp(-x[rows] @ own - intercept[k])) - train.disease[rows]
                    own -= 8 * step * (x[rows].T @ miss / rows.sum() + self.penalty / len(x) * own)
                    intercept[k] -= 4 * miss.mean()
                average += share[k] * own
            common = average
        intercept[share == 0] = share @ intercept
        return lambda cohort: design(cohort) @ common + intercept[cohort.hospital]


def common_columns(hospitals: bool = True) -> PooledRecords:
    """What all hospitals measure, with or without an intercept of each: the control that a merge has to beat."""
    return PooledRecords("common" if hospitals else "common_no_hospital", COMMON, hospitals=hospitals)


def with_indicators() -> PooledRecords:
    """All measurements with indicators of what is missing, and an intercept of each hospital."""
    return PooledRecords("indicators", indicators=True)
