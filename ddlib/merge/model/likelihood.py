r"""The observed-data likelihood of patients with any pattern of missing entries, and its gradient.

For a patient of whom d entries are measured, with :math:`C = \Sigma_{oo} + D_o`, :math:`K = C^{-1}` and :math:`\delta = y - \mu_o`,

.. math::

    \log p(y) = -\tfrac12 \bigl[d \log 2\pi + \log\det C + \delta^\top K \delta\bigr], \qquad
    \frac{\partial \log p}{\partial \mu_o} = K \delta, \qquad
    \frac{\partial \log p}{\partial \Sigma_{oo}} = \tfrac12 \bigl[K \delta \delta^\top K - K\bigr] .

A patient who lacks the entries g of a base has, given the others, :math:`E[\delta_g \mid y] = -K_{gg}^{-1} (K \delta)_g` with
covariance :math:`K_{gg}^{-1}` (K the base's, zero in place of the gaps), and

.. math:: \log p(y) = \log p(\text{filled}) + \tfrac12 \bigl(|g| \log 2\pi - \log\det K_{gg}\bigr) .

By Fisher's identity the gradient is the base's at the filled measurements, with :math:`\delta\delta^\top` in expectation. It is
exact, and costs a factorisation of the size of g per patient, not of C.

A gap of which an interval is known is one too: its moments, and what the interval adds to the log-likelihood, are those of
:mod:`ddlib.merge.model.intervals`.
"""

from __future__ import annotations

import math
from collections.abc import Sequence
from typing import Any, NamedTuple

import torch
from jaxtyping import Float
from torch import Tensor
from torch.autograd.function import once_differentiable

from ddlib.merge.model.intervals import SINGULAR, Posterior, propagated
from ddlib.merge.model.patterns import Gaps, Group
from ddlib.merge.model.single_patients import densities, gradients, is_single, singles

__all__ = ["Filled", "fill", "log_likelihood", "precision"]


class Filled(NamedTuple):
    """Sums over the patients of a group, gaps filled by their conditional expectation.

    Attributes:
        first: of the deviations δ.
        second: of the expectations of δδᵀ.
        spread: of the covariances of what was filled in, which are a part of the second.
        correction: what the log-likelihood gains for what was filled in, for the spread of the gaps, and for intervals.

    >>> filled = Filled(torch.ones(1), torch.tensor([[2.0]]), torch.tensor([[0.5]]), torch.tensor(0.0))
    >>> filled.second - filled.spread  # of the expectations themselves
    tensor([[1.5000]])
    """

    first: Float[Tensor, " d"]
    second: Float[Tensor, "d d"]
    spread: Float[Tensor, "d d"]
    correction: Tensor


def precision(covariance: Float[Tensor, "D D"], group: Group) -> tuple[Float[Tensor, "d d"], Tensor]:
    """The inverse of the covariance of what a base measures, and that covariance's log-determinant.

    Raises:
        ValueError: if it is not positive definite.

    >>> from ddlib.merge.model.patterns import group_patients
    >>> rows = torch.tensor([[0.0, 0.0], [1.0, torch.nan]])
    >>> (group,) = group_patients(rows, torch.zeros(2), torch.tensor([0, 1]), 0)
    >>> inverse, determinant = precision(torch.tensor([[1.0, 0.5], [0.5, 1.0]]), group)
    >>> inverse, round(float(determinant.exp()), 4)
    (tensor([[ 1.3333, -0.6667],
            [-0.6667,  1.3333]]), 0.75)
    """
    seen = covariance[group.entries][:, group.entries] + torch.diag(group.noise)
    root, failed = torch.linalg.cholesky_ex(seen)
    if bool(failed):
        raise ValueError(SINGULAR)
    return torch.cholesky_inverse(root), 2 * root.diagonal().log().sum()


def fill(mean: Float[Tensor, " d"], inverse: Float[Tensor, "d d"], group: Group) -> Filled:
    """The sums over a group's patients.

    Args:
        mean: of the entries that the base measures.
        inverse: of their covariance.
        group: the patients.

    >>> from ddlib.merge.model.patterns import group_patients
    >>> rows = torch.tensor([[0.0, 0.0], [1.0, torch.nan]])
    >>> (group,) = group_patients(rows, torch.zeros(2), torch.tensor([0, 1]), 0)
    >>> inverse, _ = precision(torch.tensor([[1.0, 0.5], [0.5, 1.0]]), group)
    >>> filled = fill(torch.zeros(2), inverse, group)
    >>> filled.first, filled.spread  # the gap is expected at half of the other entry
    (tensor([1.0000, 0.5000]), tensor([[0.0000, 0.0000],
            [0.0000, 0.7500]]))
    """
    off = group.mean - mean
    first = group.size * off
    second = group.size * (group.covariance + torch.outer(off, off))
    spread, correction = torch.zeros_like(second), torch.zeros_like(inverse[0, 0])
    for chunk in group.gaps:
        deviation, known = gaps(chunk, mean, inverse)
        deviation.scatter_add_(1, chunk.place, torch.where(chunk.valid, known.mean, 0.0))
        covariance = _scattered(chunk, known.covariance, len(mean))
        square = deviation.mT @ deviation
        first, second, spread = first + deviation.sum(0), second + square + covariance, spread + covariance
        constant = int(chunk.valid.sum()) * (1 + math.log(2 * math.pi))
        correction = correction + 0.5 * (constant - known.determinant.sum()) + known.gain.sum()
    return Filled(first, second, spread, correction)


def gaps(chunk: Gaps, mean: Float[Tensor, " d"], inverse: Float[Tensor, "d d"]) -> tuple[Float[Tensor, "n d"], Posterior]:
    """The patients' deviations from the mean, zero at gaps, and what is known of the gaps' deviations."""
    width = len(mean)
    deviation = (chunk.values - mean).scatter_(1, chunk.place, 0.0)
    both = chunk.valid.unsqueeze(-1) & chunk.valid.unsqueeze(-2)
    place = chunk.place.unsqueeze(-1) * width + chunk.place.unsqueeze(-2)
    identity = torch.eye(chunk.place.shape[1], dtype=inverse.dtype)
    own = torch.where(both, inverse.flatten()[place], identity)
    pull = torch.where(chunk.valid, -(deviation @ inverse).gather(1, chunk.place), 0.0)
    centre = mean[chunk.place[:, : chunk.lower.shape[1]]]
    return deviation, propagated(own, pull, chunk.lower - centre, chunk.upper - centre)


def _scattered(chunk: Gaps, covariance: Float[Tensor, "n g g"], width: int) -> Float[Tensor, "d d"]:
    """The sum of the patients' covariances of gaps, at the gaps' places in the base."""
    both = chunk.valid.unsqueeze(-1) & chunk.valid.unsqueeze(-2)
    place = chunk.place.unsqueeze(-1) * width + chunk.place.unsqueeze(-2)
    total = covariance.new_zeros(width * width)
    return total.index_add(0, place.flatten(), torch.where(both, covariance, 0.0).flatten()).view(width, width)


class _LogLikelihood(torch.autograd.Function):
    """The log-likelihood of each group, with the gradient of the formulas above."""

    @staticmethod
    def forward(ctx: Any, means: Tensor, covariance: Tensor, groups: Sequence[Group]) -> Tensor:
        alone = singles(groups)
        known = [densities(means, covariance, some) for some in alone]
        values, kept = covariance.new_empty(len(groups)), []
        for some, found in zip(alone, known, strict=True):
            values[some.groups] = found.value
        several = [place for place, group in enumerate(groups) if not is_single(group)]
        for place in several:
            group = groups[place]
            inverse, determinant = precision(covariance, group)
            filled = fill(means[group.source][group.entries], inverse, group)
            constant = group.patients * (len(group.entries) * math.log(2 * math.pi) + determinant)
            values[place] = filled.correction - 0.5 * (constant + (inverse * filled.second).sum())
            kept += [inverse, filled.first, filled.second]
        ctx.save_for_backward(means, covariance, *kept)
        ctx.groups, ctx.several, ctx.alone, ctx.known = groups, several, alone, known
        return values

    @staticmethod
    @once_differentiable
    def backward(ctx: Any, grad: Tensor) -> tuple[Tensor, Tensor, None]:
        means, covariance, *kept = ctx.saved_tensors
        d_means, d_covariance = torch.zeros_like(means), torch.zeros_like(covariance)
        for some, known in zip(ctx.alone, ctx.known, strict=True):
            gradients(d_means, d_covariance, some, known, grad[some.groups])
        for number, place in enumerate(ctx.several):
            group = ctx.groups[place]
            inverse, first, second = kept[3 * number : 3 * number + 3]
            d_means[group.source].index_add_(0, group.entries, grad[place] * (inverse @ first))
            change = 0.5 * grad[place] * (inverse @ second @ inverse - group.patients * inverse)
            d_covariance[group.entries.unsqueeze(-1), group.entries] += change
        return d_means, d_covariance, None


def log_likelihood(means: Float[Tensor, "K D"], covariance: Float[Tensor, "D D"], groups: Sequence[Group]) -> Float[Tensor, " G"]:
    """The log-likelihood of each group of patients in nats; it can be differentiated once.

    Args:
        means: of a complete patient of each source.
        covariance: of a complete patient.
        groups: the patients.

    Raises:
        ValueError: if the measurements have no density under this law.

    >>> from ddlib.merge.model.patterns import group_patients
    >>> rows = torch.tensor([[0.0, 0.0], [0.0, torch.nan]], dtype=torch.float64)
    >>> groups = group_patients(rows, torch.zeros(2, dtype=torch.float64), torch.tensor([0, 1]), 0)
    >>> law = torch.zeros(1, 2, dtype=torch.float64), torch.eye(2, dtype=torch.float64)
    >>> round(float(log_likelihood(*law, groups).sum()), 3)  # three values of density 0.399
    -2.757
    """
    found: Tensor = _LogLikelihood.apply(means, covariance, groups)
    return found
