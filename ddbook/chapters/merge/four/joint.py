r"""The merge: one joint law of measurements and diagnosis, fitted to all that was measured, asked for the diagnosis.

With one visit the model of :mod:`ddlib.merge.model` is a normal law with an offset of each hospital,
:math:`x_{ij} = \mu_j + h_{k(i) j} + e_{ij}`. Either all columns are numbers, a nominal one as several of 0 and 1, or the columns
with a few values are intervals of a latent value, between thresholds. The score is the logit of
:math:`P(\text{diagnosis} > \text{threshold} \mid \text{what was measured})`.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from typing import NamedTuple

import numpy as np
import torch
from jaxtyping import Float
from scipy.special import log_ndtr
from torch import Tensor

from ddbook.chapters.merge.four.cohort import Cohort, dummies, encoded, encoded_names
from ddbook.chapters.merge.four.penalised import fitted_logistic, with_constant
from ddbook.chapters.merge.four.rows import Score
from ddlib.datasets.heart import CATEGORIES
from ddlib.merge.margins import Cells, Identity, Margin, thresholds
from ddlib.merge.model.choice import Rows, choose, groups_of
from ddlib.merge.model.fit import PRIOR, fit
from ddlib.merge.model.intervals import propagated
from ddlib.merge.model.law import Shape, means

_TOLERANCE = 0.5
"""Nats of log-likelihood over all patients that the last iterations may still gain."""


class Table(NamedTuple):
    """Patients on the latent scales: each cell an interval, a number where both ends are the same."""

    lower: Float[Tensor, "n D"]
    upper: Float[Tensor, "n D"]

    @property
    def values(self) -> Float[Tensor, "n D"]:
        """Numbers, not-a-number elsewhere."""
        return torch.where(self.lower == self.upper, self.lower, torch.nan)


class FittedLaw(NamedTuple):
    """The law of a patient on the latent scales.

    Attributes:
        mean: of each hospital's patients; those of a hospital without records have the mean of all.
        covariance: within a hospital.
    """

    mean: Float[Tensor, "K D"]
    covariance: Float[Tensor, "D D"]


def as_numbers(cohort: Cohort, diagnosis: bool) -> Float[np.ndarray, "n D"]:
    """All columns as numbers, the diagnosis last if it is asked for."""
    x = encoded(cohort)
    return np.column_stack([x, cohort.disease]) if diagnosis else x


def numeric_margins(train: Cohort, diagnosis: bool) -> list[Margin]:
    """Every column in units of its mean and standard deviation."""
    return [_identity(column) for column in as_numbers(train, diagnosis).T]


def _identity(column: np.ndarray) -> Margin:
    known = column[~np.isnan(column)]
    spread = float(known.std()) if len(known) else 0.0
    return Identity(float(known.mean()) if len(known) else 0.0, spread if spread > 0 else 1.0)


def mixed_columns(cohort: Cohort) -> Float[np.ndarray, "n d+1"]:
    """The measurements as they are, and the diagnosis."""
    return np.column_stack([cohort.values, cohort.disease])


def mixed_margins(train: Cohort) -> list[Margin]:
    """Thresholds for columns with a few values, the diagnosis among them; the others in units of mean and standard deviation."""
    few = [name in CATEGORIES for name in train.names] + [True]
    pairs = zip(few, mixed_columns(train).T, strict=True)
    return [thresholds(Cells.of(column)) if ordinal and _varies(column) else _identity(column) for ordinal, column in pairs]


def _varies(column: np.ndarray) -> bool:
    """Whether two values of it were measured."""
    return len(np.unique(column[~np.isnan(column)])) > 1


def as_table(columns: Float[np.ndarray, "n D"], margins: list[Margin]) -> Table:
    """Cells on the latent scales."""
    cells = [margin.forward(Cells.of(column)) for margin, column in zip(margins, columns.T, strict=True)]
    return Table(*(torch.from_numpy(np.stack(ends, axis=1)) for ends in zip(*cells, strict=True)))


def fit_law(table: Table, train: Cohort, margins: list[Margin], offsets: bool) -> FittedLaw:
    """Maximum penalised likelihood of all that was measured; the size of offsets is that of the records (restricted likelihood)."""
    own = [torch.from_numpy(np.flatnonzero(train.hospital == k)) for k in range(train.hospitals)]
    width = len(margins)
    intervals = bool(((table.lower < table.upper) & (table.lower.isfinite() | table.upper.isfinite())).any())
    limits = [(table.lower[rows], table.upper[rows]) for rows in own] if intervals else None
    noise, visit = torch.zeros(train.hospitals, width).double(), torch.zeros(width, dtype=torch.long)
    rows = Rows([table.values[here] for here in own], noise, visit, limits, tuple(margin.cuts for margin in margins))
    shape = Shape(width, 0, (), train.hospitals)
    chosen = choose(rows, shape, PRIOR, _TOLERANCE, 1000, lambda text, share: None) if offsets else None
    if chosen is None:
        found = fit(groups_of(rows), shape, PRIOR / rows.patients, tolerance=_TOLERANCE, unit=rows.unit)
    else:
        found = chosen.fit
    own_mean, covariance = found.patient()
    base = means(found.at._replace(hospitals=torch.zeros_like(found.at.hospitals)), found.shape)
    present = torch.tensor([len(here) > 0 for here in own]).unsqueeze(-1)
    mean = torch.where(present, own_mean, base)
    parts = (mean, covariance) if chosen is None else chosen.law(mean, covariance)  # scores become latent values again
    return FittedLaw(*(part.detach() for part in parts))


def conditional(law: FittedLaw, table: Table, hospital: np.ndarray, asked: list[int]) -> tuple[Tensor, Tensor]:
    """Mean and variance of some entries given all cells of each patient, those that are intervals by expectation propagation.

    Args:
        law: on the latent scales.
        table: the patients; entries that are asked for are taken as not measured.
        hospital: of each patient.
        asked: which entries.
    """
    lower, upper = (part.clone() for part in table)
    lower[:, asked], upper[:, asked] = -torch.inf, torch.inf
    points = lower == upper
    bounded = ~points & (lower.isfinite() | upper.isfinite())
    columns = [*[j for j in bounded.any(0).nonzero().flatten().tolist() if j not in asked], *asked]
    mean, variance = (lower.new_zeros(len(lower), len(asked)) for _ in range(2))
    off = torch.where(points, lower, 0.0) - law.mean[torch.from_numpy(hospital)]
    for pattern in torch.unique(points, dim=0):
        here = (points == pattern).all(-1).nonzero().flatten()
        seen = pattern.nonzero().flatten()
        weights = torch.linalg.solve(law.covariance[seen][:, seen], law.covariance[seen][:, columns])
        centre = law.mean[torch.from_numpy(hospital)][here][:, columns] + off[here][:, seen] @ weights
        left = law.covariance[columns][:, columns] - law.covariance[columns][:, seen] @ weights
        precision = torch.linalg.inv(left).expand(len(here), -1, -1)
        ends = (torch.where(points[here], s * torch.inf, part[here])[:, columns] for s, part in ((-1, lower), (1, upper)))
        found = propagated(precision, (precision @ centre.unsqueeze(-1)).squeeze(-1), *ends)
        mean[here] = found.mean[:, -len(asked) :]
        variance[here] = found.covariance.diagonal(dim1=-2, dim2=-1)[:, -len(asked) :]
    return mean, variance


def log_odds(mean: Tensor, variance: Tensor, cut: float) -> Float[np.ndarray, " n"]:
    """The logit of the probability that a normal value is above a threshold."""
    z = ((mean - cut) / variance.sqrt()).numpy()
    return log_ndtr(z) - log_ndtr(-z)


@dataclass(frozen=True)
class JointLaw:
    """The conditional law of the diagnosis under the joint law.

    Attributes:
        offsets: whether hospitals differ in their means.
        intervals: whether columns with a few values are intervals of a latent value.
    """

    name: str
    offsets: bool = True
    intervals: bool = False

    def fit(self, train: Cohort, seed: int) -> Score:
        margins = mixed_margins(train) if self.intervals else numeric_margins(train, True)
        read: Callable[[Cohort], np.ndarray] = mixed_columns if self.intervals else lambda cohort: as_numbers(cohort, True)
        law = fit_law(as_table(read(train), margins), train, margins, self.offsets)
        last = len(margins) - 1
        ends = margins[last].forward(Cells.of([0.0, 1.0]))
        cut = float(ends.upper[0]) if self.intervals else 0.5 * float(ends.lower.sum())

        def score(cohort: Cohort) -> Float[np.ndarray, " n"]:
            table = as_table(read(cohort), margins)
            mean, variance = conditional(law, table, cohort.hospital, [last])
            return log_odds(mean[:, 0], variance[:, 0], cut)

        return score


class Completion:
    """Patients completed by their expectation under the joint law of the measurements of training patients, the diagnosis left out.

    Args:
        train: the training patients.
        column: whose missing values are shifted, if one is (pattern mixture; Little 1993).
        delta: by how many standard deviations of its measured cells.
    """

    def __init__(self, train: Cohort, column: str = "", delta: float = 0.0) -> None:
        self.margins = numeric_margins(train, False)
        self.law = fit_law(as_table(as_numbers(train, False), self.margins), train, self.margins, True)
        self.places = [place for place, name in enumerate(encoded_names(train.names)) if name.partition("=")[0] == column]
        self.delta = delta

    def __call__(self, cohort: Cohort) -> Float[np.ndarray, "n p"]:
        """In standard deviations from the mean of what was measured of the training patients."""
        numbers = as_numbers(cohort, False)
        found = completed(self.law, as_table(numbers, self.margins), cohort)
        for place in self.places:
            found[np.isnan(numbers[:, place]), place] += self.delta
        return found

    def in_units(self, cohort: Cohort) -> Float[np.ndarray, "n p"]:
        """In the fixed units of the columns."""
        return np.stack([margin.back(part) for margin, part in zip(self.margins, self(cohort).T, strict=True)], axis=1)


@dataclass(frozen=True)
class CompletedRegression:
    """A logistic regression on completed patients (:class:`Completion`).

    Attributes:
        column, delta: a shift of one column's missing values, of training patients and new ones alike.
        hospitals: whether each hospital has an intercept of its own, which takes up what all its patients share.
    """

    name: str = "completed"
    column: str = ""
    delta: float = 0.0
    hospitals: bool = True

    def fit(self, train: Cohort, seed: int) -> Score:
        completion = Completion(train, self.column, self.delta)

        def columns(cohort: Cohort) -> Float[np.ndarray, "n p"]:
            return np.column_stack([completion(cohort), 5.0 * dummies(cohort)]) if self.hospitals else completion(cohort)

        theta = fitted_logistic(columns(train), train.disease, seed)
        return lambda cohort: with_constant(columns(cohort)) @ theta


def completed(law: FittedLaw, table: Table, cohort: Cohort) -> Float[np.ndarray, "n D"]:
    """Numbers, and the expectation of what is missing given them."""
    values, found = table.values, table.values.clone()
    mean = law.mean[torch.from_numpy(cohort.hospital)]
    for pattern in torch.unique(values.isnan(), dim=0):
        here = (values.isnan() == pattern).all(-1).nonzero().flatten()
        seen, gap = (~pattern).nonzero().flatten(), pattern.nonzero().flatten()
        weights = torch.linalg.solve(law.covariance[seen][:, seen], law.covariance[seen][:, gap])
        found[here.unsqueeze(-1), gap] = mean[here][:, gap] + (values - mean)[here][:, seen] @ weights
    return found.numpy()
