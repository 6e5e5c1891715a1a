r"""The released score of a network: the likelihood of the sources' rows with their hidden cells filled in by the network itself.

A hidden cell is replaced by its conditional mean given the row's measured cells, and the row then counts as fully observed. The
conditional mean is the value that minimises the row's quadratic form, so with the precision matrix K of the network's joint law

.. math:: \min_{x_h} (x-\mu)^\top K (x-\mu) = d^\top K d - d^\top K_{\cdot h} K_{hh}^{-1} K_{h \cdot} d,

d being the deviation from the mean with zeros at the hidden cells h. This is not the likelihood of what was measured: it exceeds
it by the density of the hidden cells at their own prediction, :math:`-\tfrac12 \log\det 2\pi K_{hh}^{-1}`, and so rewards a network
for small variances of what it does not see. Noise of the measurements is not modelled. (Reconstructed from the description.)
"""

from __future__ import annotations

import math
from typing import NamedTuple

import torch
from jaxtyping import Bool, Float, Int
from torch import Tensor

from ddlib.dbn.model.network import Dbn, transition_map
from ddlib.dbn.sources import Sources, statistics


class Incomplete(NamedTuple):
    """What the score needs of the sources; D = T·p entries, slices one after the other.

    Attributes:
        size: rows per source.
        mean, covariance: of the measured entries (divisor n); zero at hidden ones.
        observed: one at measured entries, zero at hidden ones.
        hidden: the hidden entries of each slice, padded by other entries to one number h per slice.
        valid: which of these are hidden.
    """

    size: Float[Tensor, "R K"]
    mean: Float[Tensor, "R K D"]
    covariance: Float[Tensor, "R K D D"]
    observed: Float[Tensor, "R K D"]
    hidden: Int[Tensor, "R K T h"]
    valid: Bool[Tensor, "R K T h"]

    def without(self, source: int) -> Incomplete:
        """All sources but one."""
        keep = [k for k in range(self.size.shape[-1]) if k != source]
        return Incomplete(*(part[:, keep] for part in self))


def incomplete(sources: Sources) -> Incomplete:
    """Statistics of sources for :func:`imputed_log_likelihood`."""
    found = statistics(sources)
    slices, variables = sources.observed.shape[-2:]
    missing = ~sources.observed
    most = max(int(missing.sum(-1).max()), 1)
    index = missing.to(torch.int8).argsort(dim=-1, descending=True, stable=True)[..., :most]
    first = variables * torch.arange(slices, device=index.device).unsqueeze(-1)
    return Incomplete(found.size, found.mean, found.covariance, found.observed, index + first, missing.gather(-1, index))


def imputed_log_likelihood(model: Dbn, sources: Incomplete) -> Float[Tensor, "*R K"]:
    """Log-likelihood of each source's rows in nats, summed over rows, hidden cells at their conditional means.

    Args:
        model: networks, shape (R, ...); further axes in front broadcast.
        sources: from :func:`incomplete`.
    """
    slices, most = sources.hidden.shape[-2:]
    variables = model.variance.shape[-1]
    off = (sources.mean - _mean(model, slices).unsqueeze(-2)) * sources.observed
    precision = _precision(model, slices)
    batch, entries = precision.shape[:-2], slices * variables
    complete = torch.einsum("...rde,rkde->...rk", precision, sources.covariance)
    complete = complete + ((off @ precision) * off).sum(-1)

    # Rows of the precision at hidden entries: those of a slice reach only the slices before and after it.
    hidden, count = sources.hidden.flatten(-2), sources.hidden.shape[1]
    rows = precision.unsqueeze(-3).expand(*batch, count, entries, entries)
    rows = rows.gather(-2, hidden.unsqueeze(-1).expand(*batch, count, slices * most, entries))
    spread = []
    for t in range(slices):
        here, near = slice(t * most, (t + 1) * most), slice(max(t - 1, 0) * variables, (t + 2) * variables)
        # Networks that share a source's covariance stand in one product, as further rows.
        spread.append(torch.einsum("...rkhd,rkde->...rkhe", rows[..., here, near], sources.covariance[..., near, :]))
    shift = rows @ off.unsqueeze(-1)
    inner = torch.cat(spread, dim=-2) @ rows.mT + shift * shift.mT
    block = rows.gather(-1, hidden.unsqueeze(-2).expand(*rows.shape[:-1], slices * most))
    valid = sources.valid.flatten(-2)
    both = valid.unsqueeze(-1) & valid.unsqueeze(-2)
    block = torch.where(both, block, torch.eye(slices * most, dtype=block.dtype, device=block.device))
    solved = torch.cholesky_solve(torch.where(both, inner, 0.0), torch.linalg.cholesky(block))
    quadratic = complete - solved.diagonal(dim1=-2, dim2=-1).sum(-1)
    determinant = model.first_variance.log().sum(-1) + (slices - 1) * model.variance.log().sum(-1)
    return -0.5 * sources.size * (entries * math.log(2 * math.pi) + determinant.unsqueeze(-1) + quadratic)


def _mean(model: Dbn, slices: int) -> Float[Tensor, "*R D"]:
    identity = torch.eye(model.variance.shape[-1], dtype=model.variance.dtype, device=model.variance.device)
    mean = [torch.linalg.inv(identity - model.first_weights) @ model.first_intercept.unsqueeze(-1)]
    step, total = transition_map(model)
    for _ in range(1, slices):
        mean.append(step @ mean[-1] + total @ model.intercept.unsqueeze(-1))
    return torch.cat(mean, dim=-2).squeeze(-1)


def _precision(model: Dbn, slices: int) -> Float[Tensor, "*R D D"]:
    """Inverse covariance of a trajectory: block-tridiagonal, from the regressions' residuals."""
    variables = model.variance.shape[-1]
    identity = torch.eye(variables, dtype=model.variance.dtype, device=model.variance.device)
    within, before = identity - model.intra, -model.inter
    scaled, start = within / model.variance.unsqueeze(-1), identity - model.first_weights
    now, across = within.mT @ scaled, before.mT @ scaled
    carried = before.mT @ (before / model.variance.unsqueeze(-1))
    found = now.new_zeros(*now.shape[:-2], slices * variables, slices * variables)
    for t in range(slices):
        here = slice(t * variables, (t + 1) * variables)
        block = now if t else start.mT @ (start / model.first_variance.unsqueeze(-1))
        found[..., here, here] = block + carried if t + 1 < slices else block
        if t:
            past = slice((t - 1) * variables, t * variables)
            found[..., past, here] = across
            found[..., here, past] = across.mT
    return found
