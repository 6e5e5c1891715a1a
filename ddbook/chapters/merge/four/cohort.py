"""Patients as arrays, and their measurements in fixed units: nothing here is fitted to the records."""

from __future__ import annotations

from typing import NamedTuple

import numpy as np
from jaxtyping import Float, Int

from ddlib.datasets import HeartDisease

UNITS = {
    "age": (55.0, 10.0),
    "sex": (0.5, 0.5),
    "trestbps": (130.0, 20.0),
    "chol": (240.0, 50.0),
    "fbs": (0.5, 0.5),
    "thalach": (140.0, 25.0),
    "exang": (0.5, 0.5),
    "oldpeak": (1.0, 1.0),
    "slope": (2.0, 0.6),
    "ca": (1.0, 1.0),
}
"""Round numbers near centre and spread, taken from no table, so that a set of patients is all that a learner needs."""
NOMINAL = {"cp": (1, 2, 3), "restecg": (1, 2), "thal": (6, 7)}
"""Categories without an order, each with the values that get a column of their own, 0 or 1."""
COMMON = ("age", "sex", "cp", "trestbps", "restecg", "thalach", "exang", "oldpeak")
"""What each of the four hospitals measured in at least seven of ten patients."""


class Cohort(NamedTuple):
    """Patients of several hospitals.

    Attributes:
        values: measurements, not-a-number where there is none.
        disease: 1 or 0.
        hospital: the number of each patient's hospital.
        same: patients with the same number have one and the same record.
        names: of the columns.
        hospitals: how many there are, those without a patient here included.
    """

    values: Float[np.ndarray, "n d"]
    disease: Float[np.ndarray, " n"]
    hospital: Int[np.ndarray, " n"]
    same: Int[np.ndarray, " n"]
    names: tuple[str, ...]
    hospitals: int

    @property
    def size(self) -> int:
        """How many patients there are."""
        return len(self.disease)

    def take(self, rows: np.ndarray) -> Cohort:
        """Some of the patients."""
        return self._replace(
            values=self.values[rows], disease=self.disease[rows], hospital=self.hospital[rows], same=self.same[rows]
        )


def as_cohort(found: HeartDisease) -> Cohort:
    """The four hospitals' patients."""
    values, disease, hospital, same = (part.numpy() for part in (found.values, found.disease, found.hospital, found.same))
    return Cohort(values, disease, hospital, same, found.variables, len(found.hospitals))


def encoded(cohort: Cohort, columns: tuple[str, ...] | None = None) -> Float[np.ndarray, "n p"]:
    """Measurements in fixed units, a nominal one as several columns of 0 and 1; not-a-number where there is none.

    Args:
        cohort: the patients.
        columns: which measurements; all when not given.
    """
    parts = []
    for name in columns or cohort.names:
        column = cohort.values[:, cohort.names.index(name)]
        if name in NOMINAL:
            parts += [np.where(np.isnan(column), np.nan, column == value) for value in NOMINAL[name]]
        else:
            centre, spread = UNITS[name]
            parts.append((column - centre) / spread)
    return np.stack(parts, axis=1)


def encoded_names(names: tuple[str, ...]) -> tuple[str, ...]:
    """The names of the columns of :func:`encoded`."""
    return tuple(
        column for name in names for column in ([f"{name}={value}" for value in NOMINAL[name]] if name in NOMINAL else [name])
    )


def dummies(cohort: Cohort) -> Float[np.ndarray, "n K"]:
    """One column for each hospital: 1 for its patients."""
    return np.eye(cohort.hospitals)[cohort.hospital]
