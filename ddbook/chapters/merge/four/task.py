r"""Predicting disease from records with gaps, as a task: what is learned from a distilled set is all that a new patient meets.

A set S of complete, weighted patients gives a normal law, by which the gaps of a new patient are filled, and a logistic regression,

.. math::

    \mu = \sum_i w_i x_i, \quad \Sigma = \sum_i w_i (x_i - \mu)(x_i - \mu)^\top + \rho I \quad (\textstyle\sum_i w_i = 1), \qquad
    \hat x = E_{\mu, \Sigma}[x \mid x_o], \qquad P(y = 1) = \sigma(\theta_S^\top \hat x + b_S) .

Nothing else is fitted: columns are in fixed units (:mod:`ddbook.chapters.merge.four.cohort`), the hospital is three of them.
"""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass
from functools import cached_property
from typing import Literal, NamedTuple

import numpy as np
import torch
from jaxtyping import Bool, Float, Int
from torch import Tensor

from ddbook.chapters.merge.four.cohort import Cohort, dummies, encoded
from ddbook.chapters.merge.four.joint import Completion
from ddbook.chapters.merge.four.penalised import chosen_penalty, with_constant
from ddlib.distilled import Distilled
from ddlib.learners import logistic
from ddlib.problem import Block, Split, whole_set
from ddlib.tasks import class_labels, random_rows

Objective = Literal["own", "log_loss", "joint", "both"]
RIDGE = 0.1
"""ρ, in squares of the fixed units."""
_CONSTANT = 30.0
"""The constant column, whose coefficient is as good as free."""


class WithGaps(NamedTuple):
    """Patients as they were measured.

    Attributes:
        values: measurements and hospital, zero at gaps.
        disease: 1 or 0.
        seen: the patterns of what was measured.
        belongs: the pattern of each patient.
    """

    values: Float[Tensor, "n d"]
    disease: Float[Tensor, " n"]
    seen: Bool[Tensor, "P d"]
    belongs: Int[Tensor, " n"]


class Predictor(NamedTuple):
    """What was learned from a set.

    Attributes:
        theta: coefficients, that of the constant last.
        mean, covariance: of the columns, and last of the diagnosis as ±1/2.
    """

    theta: Float[Tensor, "R d+1"]
    mean: Float[Tensor, "R d+1"]
    covariance: Float[Tensor, "R d+1 d+1"]


def columns_of(cohort: Cohort) -> Float[np.ndarray, "n d"]:
    """Measurements in fixed units, and a column for each hospital but the first."""
    return np.column_stack([encoded(cohort), dummies(cohort)[:, 1:]])


def with_gaps(cohort: Cohort) -> WithGaps:
    """Patients as the task sees them."""
    values = torch.from_numpy(columns_of(cohort))
    seen, belongs = torch.unique(~values.isnan(), dim=0, return_inverse=True)
    return WithGaps(values.nan_to_num(0.0), torch.from_numpy(cohort.disease), seen, belongs)


def _roots(covariance: Float[Tensor, "R d d"], seen: Bool[Tensor, "P d"]) -> Float[Tensor, "R P d d"]:
    """Cholesky's factor of what each pattern measures; the identity elsewhere."""
    both = seen.unsqueeze(-1) & seen.unsqueeze(-2)
    identity = torch.eye(seen.shape[-1], dtype=covariance.dtype)
    return torch.linalg.cholesky(torch.where(both, covariance.unsqueeze(1), identity))


def filled(model: Predictor, patients: WithGaps) -> Float[Tensor, "R n d"]:
    """The patients with their gaps filled by expectation."""
    mean, covariance = model.mean[:, None, :-1], model.covariance[:, :-1, :-1]
    seen = patients.seen[patients.belongs]
    off = torch.where(seen, patients.values - mean, 0.0)
    solved = torch.cholesky_solve(off.unsqueeze(-1), _roots(covariance, patients.seen)[:, patients.belongs]).squeeze(-1)
    return torch.where(seen, patients.values, mean + solved @ covariance)


def scores_of(model: Predictor, patients: WithGaps) -> Float[Tensor, "R n"]:
    """The logit of each patient's probability: the regression at the filled values, by one solution for each pattern."""
    mean, covariance, theta = model.mean[:, None, :-1], model.covariance[:, :-1, :-1], model.theta[:, :-1]
    pull = (covariance @ theta.unsqueeze(-1)).mT * patients.seen
    gain = torch.cholesky_solve(pull.unsqueeze(-1), _roots(covariance, patients.seen)).squeeze(-1)
    off = torch.where(patients.seen[patients.belongs], patients.values - mean, 0.0)
    constant = (model.mean[:, :-1] * theta).sum(-1) + _CONSTANT * model.theta[:, -1]
    return (off * gain[:, patients.belongs]).sum(-1) + constant.unsqueeze(-1)


def likelihood(model: Predictor, patients: WithGaps, diagnosis: bool = True) -> Float[Tensor, "R n"]:
    """Log-likelihood of what was measured of each patient, and of the diagnosis if asked for, in nats, under the normal law."""
    values = torch.cat([patients.values, (patients.disease - 0.5).unsqueeze(-1)], dim=-1)
    seen = torch.nn.functional.pad(patients.seen, (0, 1), value=diagnosis)
    root = _roots(model.covariance, seen)
    off = torch.where(seen[patients.belongs], values - model.mean.unsqueeze(1), 0.0)
    white = torch.linalg.solve_triangular(root[:, patients.belongs], off.unsqueeze(-1), upper=False).squeeze(-1)
    constant = root.diagonal(dim1=-2, dim2=-1).log().sum(-1) + 0.5 * math.log(2 * math.pi) * seen.sum(-1)
    return -0.5 * white.square().sum(-1) - constant[:, patients.belongs]


@dataclass(frozen=True, eq=False)
class DiseaseTask:
    """Few complete patients from whom disease is predicted in others.

    Attributes:
        complete: the training patients, completed by the merge: where methods begin, and what those that look at rows look at.
        measured: the same patients with their gaps: by them a set is judged.
        held_out: others.
        penalty: of the regression, against the sum of the losses.
        objective: what methods descend. The learner's ``"own"``: the log loss with the regression's penalty, for the regression,
            and minus the log-likelihood of the columns, for the law that fills gaps. The ``"log_loss"`` with the penalty alone, to
            which the law then is so many more coefficients. Minus the ``"joint"`` log-likelihood of columns and diagnosis. Or
            ``"both"``, the sum of these two.
    """

    complete: Distilled
    measured: WithGaps
    held_out: WithGaps
    penalty: float
    objective: Objective = "own"

    @property
    def name(self) -> str:
        """The objective's name."""
        return f"disease, {self.objective}"

    @property
    def train(self) -> Distilled:
        """The completed training patients."""
        return self.complete

    @cached_property
    def reference(self) -> Predictor:
        """What is learned from all of them."""
        return self.fit(self.complete)

    def start(self, budget: int, generator: torch.Generator) -> Distilled:
        """Completed patients, as many ill as healthy, which weigh as much as all of their kind."""
        rows = random_rows(self.complete, budget, generator, self.name)
        kind, all_kinds = rows.y.argmax(-1), self.complete.y.argmax(-1)
        mass = torch.stack([(all_kinds == k).sum() / (kind == k).sum().clamp(min=1) for k in (0, 1)]).to(rows.w)
        return rows._replace(w=mass[kind])

    def fit(self, distilled: Distilled, generator: torch.Generator | None = None) -> Predictor:
        """The law and the regression of a set."""
        side = distilled.y[..., 1] - distilled.y[..., 0]
        constant = torch.full_like(distilled.w, _CONSTANT).unsqueeze(-1)
        theta = logistic(Distilled(torch.cat([distilled.x, constant], dim=-1), side, distilled.w), self.penalty)
        share = (distilled.w / distilled.w.sum(-1, keepdim=True)).unsqueeze(-1)
        rows = torch.cat([distilled.x, 0.5 * side.unsqueeze(-1)], dim=-1)
        mean = (share * rows).sum(-2)
        centred = rows - mean.unsqueeze(-2)
        ridge = RIDGE * torch.eye(rows.shape[-1], dtype=rows.dtype)
        return Predictor(theta, mean, centred.mT @ (share * centred) + ridge)

    def risk(self, model: Predictor, split: Split = "train") -> Float[Tensor, " R"]:
        """The mean log loss of patients as they were measured; there are no validation patients, they are the training patients."""
        patients = self.held_out if split == "test" else self.measured
        sign = 2 * patients.disease - 1
        return -torch.nn.functional.logsigmoid(sign * scores_of(model, patients)).mean(-1)

    def surrogate(self, model: Predictor) -> Float[Tensor, " R"]:
        """What methods descend."""
        if self.objective == "joint":
            return -likelihood(model, self.measured).mean(-1)
        loss = self.risk(model) + 0.5 * self.penalty / len(self.measured.disease) * model.theta.square().sum(-1)
        if self.objective == "log_loss":
            return loss
        return loss - likelihood(model, self.measured, diagnosis=self.objective == "both").mean(-1)

    def blocks(self, distilled: Distilled) -> Sequence[Block]:
        """One block: the whole set, with what methods descend."""
        return [whole_set(self, distilled)[0]._replace(risk=self.surrogate)]


def disease_task(train: Cohort, test: Cohort, seed: int) -> DiseaseTask:
    """The task of some training patients: completed by the joint law of their measurements, the penalty chosen in folds of them."""
    x = np.column_stack([Completion(train).in_units(train), dummies(train)[:, 1:]])
    y = class_labels(train.disease.astype(int), 2)
    complete = Distilled(torch.from_numpy(x)[None], y[None], torch.ones(1, train.size).double())
    penalty = chosen_penalty(with_constant(x), train.disease, seed)
    return DiseaseTask(complete, with_gaps(train), with_gaps(test), penalty)
