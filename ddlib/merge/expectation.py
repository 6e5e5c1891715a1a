r"""The E-step, and the observed-data likelihood, of patients with any pattern of missing entries.

Let :math:`K = C^{-1}` be the precision of what a base measures, and g the entries of the base that a patient lacks. Given the
patient's other measurements, these are normal with precision :math:`K_{gg}`, and with :math:`\delta = y - \mu`, zero in place of
the gaps,

.. math:: E[\delta_g \mid y] = -K_{gg}^{-1} (K \delta)_g, \qquad
    \log p(y) = \log p(\text{filled}) + \tfrac12 \bigl(|g| \log 2\pi - \log\det K_{gg}\bigr) .

So the missing measurements are filled by their conditional expectation, with :math:`K_{gg}^{-1}` added to the second moment, and
the base's E-step does the rest: it is exact, and costs a factorisation of the size of g per patient, not of C.
"""

from __future__ import annotations

import math

import torch
from jaxtyping import Float
from torch import Tensor

from ddlib.dbn.likelihood.observed import expected_trajectories
from ddlib.dbn.model.network import Dbn, Gaussian, joint
from ddlib.dbn.sources import Statistics
from ddlib.merge.patterns import Gaps, Group

_SINGULAR = "the law of the measurements is singular under this network: a variance is zero or not a number"
BATCH = 6_000_000
"""Numbers that the covariances of one batch of groups may hold (48 MB)."""


def expect(model: Dbn, groups: list[Group], slices: int) -> tuple[Gaussian, Float[Tensor, " G"]]:
    """Mean and covariance of the complete trajectories given the measurements, averaged over all patients of all groups.

    Args:
        model: one network, with a replicate axis of length one.
        groups: the patients.
        slices: the number of slices T.

    Returns:
        The expected moments, with a replicate axis of length one, and the log-likelihood of each group in nats.

    Raises:
        ValueError: if the measurements have no density under the model.
    """
    law = joint(model, slices)
    per_batch = max(1, BATCH // law.mean.shape[-1] ** 2)
    found, sizes, likelihood = [], [], []
    for start in range(0, len(groups), per_batch):
        part = groups[start : start + per_batch]
        statistics, correction = _statistics(law, part)
        moments, filled = expected_trajectories(model, statistics, slices)
        found.append(moments)
        sizes.append(statistics.size.sum())
        likelihood.append(filled[0] + correction)
    return _pool(found, torch.stack(sizes)), torch.cat(likelihood)


def _pool(parts: list[Gaussian], sizes: Float[Tensor, " B"]) -> Gaussian:
    """The moments of several groups of patients together."""
    if len(parts) == 1:
        return parts[0]
    share = (sizes / sizes.sum()).unsqueeze(-1)
    means = torch.cat([part.mean for part in parts])
    mean = (share * means).sum(0)
    off = means - mean
    covariance = (share.unsqueeze(-1) * torch.cat([part.covariance for part in parts])).sum(0) + off.mT @ (share * off)
    return Gaussian(mean.unsqueeze(0), covariance.unsqueeze(0))


def _statistics(law: Gaussian, groups: list[Group]) -> tuple[Statistics, Float[Tensor, " G"]]:
    """Expected statistics of what the bases measure, gaps filled, and what the log-likelihood of each group has to add for them."""
    rows = [fill_gaps(law, group) for group in groups]
    size, mean, covariance, correction = (torch.stack(part) for part in zip(*rows, strict=True))
    observed = torch.stack([group.observed for group in groups])
    noise = torch.stack([group.noise for group in groups])
    return Statistics(*(part.unsqueeze(0) for part in (size, mean, covariance, observed, noise))), correction


def fill_gaps(law: Gaussian, group: Group) -> tuple[Tensor, Tensor, Tensor, Tensor]:
    """Size, mean and covariance of one group with its gaps filled, and the correction of its log-likelihood.

    Args:
        law: of a complete trajectory, with a replicate axis of length one.
        group: the patients.
    """
    total = group.mean.new_tensor(float(group.patients))
    if not group.gaps:
        return total, group.mean, group.covariance, torch.zeros_like(total)
    precision = _precision(law, group)
    expected = law.mean[0] * group.observed
    complete = group.mean - expected
    first = group.size * complete
    second = group.size * (group.covariance + torch.outer(complete, complete))
    correction = torch.zeros_like(total)
    for chunk in group.gaps:
        shift, square, determinant = _fill_chunk(chunk, expected, precision)
        gaps = chunk.valid.sum().to(total.dtype)
        first, second = first + shift, second + square
        correction = correction + 0.5 * (gaps * (1 + math.log(2 * math.pi)) - determinant)
    mean = first / total
    return total, expected + mean, second / total - torch.outer(mean, mean), correction


def _precision(law: Gaussian, group: Group) -> Float[Tensor, "D D"]:
    """The inverse covariance of a base's measurements; zero outside of them."""
    seen = group.observed
    diagonal = torch.where(seen > 0, group.noise, 1.0)
    root, failed = torch.linalg.cholesky_ex(law.covariance[0] * torch.outer(seen, seen) + torch.diag(diagonal))
    if bool(failed):
        raise ValueError(_SINGULAR)
    return torch.cholesky_inverse(root) * torch.outer(seen, seen)


def _fill_chunk(chunk: Gaps, expected: Float[Tensor, " D"], precision: Float[Tensor, "D D"]) -> tuple[Tensor, Tensor, Tensor]:
    """Sums over a chunk's patients: deviations, their second moments, and log-determinants of the gaps' precisions."""
    width = len(expected)
    empty = ~chunk.valid
    deviation = (chunk.values - expected).scatter_(1, chunk.place, 0.0)
    both = chunk.valid.unsqueeze(-1) & chunk.valid.unsqueeze(-2)
    place = chunk.place.unsqueeze(-1) * width + chunk.place.unsqueeze(-2)
    identity = torch.eye(chunk.place.shape[1], dtype=precision.dtype)
    inner = torch.where(both, precision.flatten()[place], identity)
    pull = torch.where(empty, 0.0, (deviation @ precision).gather(1, chunk.place))
    root, failed = torch.linalg.cholesky_ex(inner)
    if bool((failed > 0).any()):
        raise ValueError(_SINGULAR)
    inverse = torch.cholesky_inverse(root)
    fill = torch.where(empty, 0.0, -(inverse @ pull.unsqueeze(-1)).squeeze(-1))
    deviation.scatter_add_(1, chunk.place, fill)
    spread = precision.new_zeros(width * width).index_add(0, place.flatten(), torch.where(both, inverse, 0.0).flatten())
    determinant = 2 * root.diagonal(dim1=-2, dim2=-1).log().sum()
    return deviation.sum(0), deviation.mT @ deviation + spread.view(width, width), determinant
