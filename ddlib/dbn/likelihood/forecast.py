r"""What a Gaussian law of trajectories says of entries that are held back, given others: no complete patient is needed.

In the library, though only real records are scored so as yet: it takes any law and any table of trajectories.

For the given entries g of a trajectory :math:`x \sim N(\mu, \Sigma)`,

.. math:: E[x \mid x_g] = \mu + \Sigma_{\cdot g} \Sigma_{gg}^{-1} (x_g - \mu_g), \qquad
    \operatorname{cov}[x \mid x_g] = \Sigma - \Sigma_{\cdot g} \Sigma_{gg}^{-1} \Sigma_{g \cdot}.
"""

from __future__ import annotations

import math
from typing import NamedTuple

import torch
from jaxtyping import Bool, Float
from torch import Tensor

from ddlib.dbn.likelihood.observed import law_log_likelihood
from ddlib.dbn.model.network import Gaussian
from ddlib.dbn.sources import Statistics

__all__ = [
    "OutcomeScore",
    "Prediction",
    "carried_forward_error",
    "held_out_log_likelihood",
    "next_visit_error",
    "outcome_score",
    "predict",
]


class Prediction(NamedTuple):
    """Mean and variance of each entry of each trajectory, given some of its entries.

    >>> law = Gaussian(torch.zeros(1, 2), torch.tensor([[[1.0, 0.5], [0.5, 1.0]]]))
    >>> predict(law, torch.tensor([[[2.0, 0.0]]]), torch.tensor([[[True, False]]])).variance
    tensor([[[0.0000, 0.7500]]])
    """

    mean: Float[Tensor, "R n D"]
    variance: Float[Tensor, "R n D"]


def predict(law: Gaussian, values: Float[Tensor, "R n D"], given: Bool[Tensor, "R n D"]) -> Prediction:
    """The law of every entry given the entries under the mask.

    Args:
        law: joint law of a trajectory, one per replicate.
        values: the trajectories; only given entries are read.
        given: what is known of each of them.

    >>> law = Gaussian(torch.zeros(1, 2), torch.tensor([[[1.0, 0.5], [0.5, 1.0]]]))
    >>> predict(law, torch.tensor([[[2.0, 0.0]]]), torch.tensor([[[True, False]]])).mean
    tensor([[[2., 1.]]])
    """
    known = given.to(law.mean.dtype)
    cross = law.covariance.unsqueeze(1) * known.unsqueeze(-2)
    gram = cross * known.unsqueeze(-1) + torch.diag_embed(1 - known)
    off = torch.where(given, values - law.mean.unsqueeze(1), 0.0)
    gain = torch.linalg.solve(gram, cross.mT).mT
    mean = law.mean.unsqueeze(1) + (gain @ off.unsqueeze(-1)).squeeze(-1)
    variance = law.covariance.diagonal(dim1=-2, dim2=-1).unsqueeze(1) - (gain * cross).sum(-1)
    return Prediction(mean, variance)


def held_out_log_likelihood(law: Gaussian, held_out: Statistics) -> Float[Tensor, " R"]:
    """Log-likelihood of held-out measurements under any Gaussian law of trajectories, in nats per patient.

    Raises:
        ValueError: if the measurements have no density under the law.

    >>> seen = torch.tensor([[[1.0, 0.0]]])  # one measurement, of 0; the second entry is hidden
    >>> held_out = Statistics(torch.ones(1, 1), 0 * seen, torch.zeros(1, 1, 2, 2), seen, 0 * seen)
    >>> held_out_log_likelihood(Gaussian(torch.zeros(1, 2), torch.eye(2)[None]), held_out).round(decimals=4)
    tensor([-0.9189])
    """
    return law_log_likelihood(law, held_out).sum(-1) / held_out.size.sum(-1)


def next_visit_error(law: Gaussian, values: Float[Tensor, "R n T p"]) -> Float[Tensor, " R"]:
    """Root mean squared error of the next visit's measurements, predicted from all that was measured at the visits before.

    Over all visits but the first, all patients with an earlier measurement, and all variables, in the unit of the values.

    Args:
        law: joint law of a trajectory.
        values: held-out trajectories; not-a-number where nothing was measured.

    >>> law = Gaussian(torch.zeros(1, 2), torch.tensor([[[1.0, 0.5], [0.5, 1.0]]]))
    >>> next_visit_error(law, torch.tensor([[[[2.0], [2.0]], [[1.0], [0.5]]]])).round(decimals=4)
    tensor([0.7071])
    """
    slices, variables = values.shape[-2:]
    flat = values.flatten(-2)
    seen = flat.isfinite()
    time = torch.arange(slices, device=values.device).repeat_interleave(variables)
    square, count = torch.zeros_like(law.mean[..., 0]), torch.zeros_like(law.mean[..., 0])
    for t in range(1, slices):
        given = seen & (time < t)
        asked = seen & (time == t) & given.any(-1, keepdim=True)
        error = torch.where(asked, flat - predict(law, flat, given).mean, 0.0)
        square, count = square + (error**2).sum((-2, -1)), count + asked.sum((-2, -1))
    return (square / count).sqrt()


def carried_forward_error(values: Float[Tensor, "R n T p"]) -> Float[Tensor, " R"]:
    """The same error if each variable is predicted by its last measurement, or by its training mean, zero, without one.

    >>> carried_forward_error(torch.tensor([[[[2.0], [3.0]], [[1.0], [0.0]]]]))
    tensor([1.])
    """
    last = torch.zeros_like(values[..., 0, :])
    before = torch.zeros_like(last[..., 0], dtype=torch.bool)
    square, count = torch.zeros_like(values[:, 0, 0, 0]), torch.zeros_like(values[:, 0, 0, 0])
    for visit in values.unbind(-2):
        asked = visit.isfinite() & before.unsqueeze(-1)
        square = square + torch.where(asked, visit - last, 0.0).square().sum((-2, -1))
        count = count + asked.sum((-2, -1))
        last = torch.where(visit.isfinite(), visit, last)
        before = before | visit.isfinite().any(-1)
    return (square / count).sqrt()


class OutcomeScore(NamedTuple):
    """How well one variable is predicted from all others.

    Attributes:
        log_likelihood: its mean predictive log-density, in nats per patient.
        r_squared: one minus the squared error over that of the test patients' own mean.

    >>> law = Gaussian(torch.zeros(1, 2), torch.tensor([[[1.0, 0.5], [0.5, 1.0]]]))
    >>> outcome_score(law, torch.tensor([[[1.0, 0.5], [-1.0, -0.5]]])).log_likelihood.round(decimals=4)
    tensor([-0.7751])
    """

    log_likelihood: Float[Tensor, " R"]
    r_squared: Float[Tensor, " R"]


def outcome_score(law: Gaussian, values: Float[Tensor, "R n p"], outcome: int = -1) -> OutcomeScore:
    """Predict one variable from what was measured of the others.

    Args:
        law: joint law of a row.
        values: held-out rows; not-a-number where nothing was measured. Rows without the outcome are left out.
        outcome: the column to predict.

    >>> law = Gaussian(torch.zeros(1, 2), torch.tensor([[[1.0, 0.5], [0.5, 1.0]]]))
    >>> outcome_score(law, torch.tensor([[[1.0, 0.5], [-1.0, -0.5]]])).r_squared
    tensor([1.])
    """
    given = values.isfinite()
    given[..., outcome] = False
    found = predict(law, values, given)
    variance, y = found.variance[..., outcome], values[..., outcome]
    error = (y - found.mean[..., outcome]) ** 2
    density = -0.5 * (math.log(2 * math.pi) + variance.log() + error / variance)
    spread = (y - y.nanmean(-1, keepdim=True)) ** 2
    return OutcomeScore(density.nanmean(-1), 1 - error.nanmean(-1) / spread.nanmean(-1))
