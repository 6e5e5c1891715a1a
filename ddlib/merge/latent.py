"""Patients on the latent scales: numbers as they map; categories, and cells beyond a limit, drawn within their intervals.

They are drawn given all else that was measured of the patient.

The draw is a Gibbs sampler's (Geweke 1991): one interval after the other is drawn from its normal law given everything else of the
patient, truncated to the interval.
"""

from __future__ import annotations

import numpy as np
import torch
from jaxtyping import Bool, Float
from torch import Tensor

from ddlib.dbn.model.network import Gaussian
from ddlib.merge.conditional import expectation, unexplained
from ddlib.merge.margins import Cells
from ddlib.merge.model.intervals import propagated
from ddlib.merge.scales import Scales
from ddlib.merge.streams import Streams

__all__ = ["Limits", "expected_rows", "latent_rows", "own_rows"]

Limits = tuple[Float[Tensor, "n E"], Float[Tensor, "n E"]]
"""Ends of patients' cells in the columns' own units: infinite where a cell is missing, both the number where there is one."""

_CHUNK = 4_000_000
"""Numbers that the precisions of one chunk of patterns may have (32 MB)."""
_SWEEPS = 20
"""Sweeps over a patient's intervals."""
_CERTAIN = 1e-9
"""The error variance with which a number without noise is known, in the entry's variance."""
_DRAWS = 20
"""Draws over which an expectation is taken."""


def latent_rows(
    scales: Scales,
    values: Float[Tensor, "n E"],
    law: Gaussian,
    noise: Float[Tensor, " E"],
    visits: int,
    streams: Streams,
    limits: Limits | None = None,
) -> Float[Tensor, "n E"]:
    """Patients' latent values, not-a-number where nothing was measured.

    Args:
        scales: the margins of the columns.
        values: measurements in the columns' own units, not-a-number where there is no number.
        law: of a patient on the latent scales.
        noise: variance of the measurement noise of each entry, there.
        visits: the number of reported visits.
        streams: each patient's random numbers.
        limits: ends of all cells, where some lie in intervals.

    >>> from ddlib.merge.margins import Identity
    >>> law, exact = Gaussian(torch.zeros(2).double(), torch.eye(2).double()), torch.zeros(2).double()
    >>> values = torch.tensor([[12.0, torch.nan]]).double()
    >>> latent_rows(Scales([Identity(10.0, 2.0)], []), values, law, exact, 2, Streams.common(1)).tolist()
    [[1.0, nan]]
    """
    lower, upper = _ends(scales, values, visits, limits)
    within = (lower < upper) & (lower.isfinite() | upper.isfinite())
    latent = torch.where(lower == upper, lower, torch.nan)
    if not bool(within.any()):
        return latent
    seen = within | ~latent.isnan()
    columns = within.any(0).nonzero().flatten().tolist()
    precision = dict(zip(columns, _columns(columns, seen, law, noise).unbind(-1), strict=True))
    mean, spread = law.mean.expand_as(lower), law.covariance.diagonal().sqrt().expand_as(lower)
    share = streams.uniform(0, lower.shape[1])  # by entry, whatever entries other patients have
    latent = torch.where(within, _truncated(mean, spread, lower, upper, share), latent)
    for sweep in range(_SWEEPS):
        share = streams.uniform(1 + sweep, lower.shape[1])
        for j in columns:
            off = torch.where(seen, latent - law.mean, 0.0)
            inner = precision[j][:, j].clamp(min=1e-12)
            centre = latent[:, j] - (precision[j] * off).sum(-1) / inner
            fresh = _truncated(centre, inner.rsqrt(), lower[:, j], upper[:, j], share[:, j])
            latent[:, j] = torch.where(within[:, j], fresh, latent[:, j])
    return latent


def _ends(
    scales: Scales, values: Float[Tensor, "n E"], visits: int, limits: Limits | None
) -> tuple[Float[Tensor, "n E"], Float[Tensor, "n E"]]:
    """The latent interval of each cell."""
    known = Cells.of(values.numpy()) if limits is None else Cells(*(end.numpy() for end in limits))
    cells = [margin.forward(known.take(np.s_[:, j])) for j, margin in enumerate(scales.of_entries(visits))]
    lower, upper = (torch.from_numpy(np.stack(ends, axis=1)) for ends in zip(*cells, strict=True))
    return lower, upper


def _columns(columns: list[int], seen: Bool[Tensor, "n E"], law: Gaussian, noise: Float[Tensor, " E"]) -> Float[Tensor, "n E c"]:
    """Some columns of the precision of what was measured of each patient; zero for those without that entry."""
    patterns, belongs = torch.unique(seen, dim=0, return_inverse=True)
    identity, covariance = torch.eye(len(noise), dtype=law.mean.dtype), law.covariance + torch.diag(noise)
    found = []
    for some in patterns.split(max(1, _CHUNK // len(noise) ** 2)):
        both = some.unsqueeze(-1) & some.unsqueeze(-2)
        inverse = torch.cholesky_inverse(torch.linalg.cholesky(torch.where(both, covariance, identity)))
        found.append(torch.where(both, inverse, 0.0)[..., columns])
    return torch.cat(found)[belongs]


def _truncated(mean: Tensor, spread: Tensor, lower: Tensor, upper: Tensor, share: Tensor) -> Tensor:
    """Quantiles of normal laws truncated to intervals; found in the left tail, where small probabilities keep their digits."""
    low, high = (lower - mean) / spread, (upper - mean) / spread
    flip = low > 0
    low, high = torch.where(flip, -high, low), torch.where(flip, -low, high)
    share = torch.where(flip, 1 - share, share)
    begin, end = torch.special.ndtr(low), torch.special.ndtr(high)
    drawn = torch.special.ndtri(begin + share * (end - begin)).clamp(low, high)
    drawn = torch.where(drawn.isfinite(), drawn, torch.where(high.isfinite(), high, low))
    return mean + spread * torch.where(flip, -drawn, drawn)


def own_rows(
    scales: Scales, latent: Float[Tensor, "n E"], values: Float[Tensor, "n E"], visits: int, limits: Limits | None = None
) -> Float[Tensor, "n E"]:
    """Complete patients in the columns' own units: numbers that were measured bit for bit, the others within their limits.

    Args:
        scales, values, visits, limits: as in :func:`latent_rows`.
        latent: complete patients.

    >>> from ddlib.merge.margins import Identity
    >>> latent, values = torch.tensor([[1.0, 0.5]]).double(), torch.tensor([[12.0, torch.nan]]).double()
    >>> own_rows(Scales([Identity(10.0, 2.0)], []), latent, values, 2).tolist()
    [[12.0, 11.0]]
    """
    own = scales.own(latent, visits)
    if limits is not None:
        own = torch.maximum(torch.minimum(own, limits[1]), limits[0])
    return torch.where(values.isnan(), own, values)


def expected_rows(
    scales: Scales,
    values: Float[Tensor, "n E"],
    law: Gaussian,
    noise: Float[Tensor, " E"],
    visits: int,
    limits: Limits | None = None,
) -> tuple[Float[Tensor, "n E"], Float[Tensor, "n E"]]:
    """Expectation and variance of patients' latent values given what was measured.

    Intervals enter by expectation propagation (:mod:`ddlib.merge.model.intervals`); those of entries with measurement noise, which
    are about what was measured and not about the value itself, by draws.

    Args:
        scales, values, law, noise, visits, limits: as in :func:`latent_rows`.

    >>> from ddlib.merge.margins import Identity
    >>> law = Gaussian(torch.zeros(2).double(), torch.tensor([[1.0, 0.5], [0.5, 1.0]]).double())
    >>> values = torch.tensor([[12.0, torch.nan]]).double()
    >>> mean, variance = expected_rows(Scales([Identity(10.0, 2.0)], []), values, law, torch.zeros(2).double(), 2)
    >>> mean.round(decimals=3).tolist(), variance.round(decimals=3).tolist()
    ([[1.0, 0.5]], [[0.0, 0.75]])
    """
    lower, upper = _ends(scales, values, visits, limits)
    within = (lower < upper) & (lower.isfinite() | upper.isfinite())
    if not bool(within.any()):
        latent = torch.where(lower == upper, lower, torch.nan)
        return expectation(latent, law, noise), unexplained(~latent.isnan(), law, noise)
    if not bool((within.any(0) & (noise > 0)).any()):
        return _propagated_rows(lower, upper, within.any(0), law, noise)
    streams = [Streams.common(len(values), number) for number in range(_DRAWS)]
    draws = [latent_rows(scales, values, law, noise, visits, one, limits) for one in streams]
    means = torch.stack([expectation(latent, law, noise) for latent in draws])
    return means.mean(0), unexplained(~draws[0].isnan(), law, noise) + means.var(0, correction=0)


def _propagated_rows(
    lower: Float[Tensor, "n E"],
    upper: Float[Tensor, "n E"],
    bounded: Bool[Tensor, " E"],
    law: Gaussian,
    noise: Float[Tensor, " E"],
) -> tuple[Float[Tensor, "n E"], Float[Tensor, "n E"]]:
    """Expectation and variance of all entries; those that lie in an interval for somebody come first in the computation."""
    order = torch.cat([bounded.nonzero().flatten(), (~bounded).nonzero().flatten()])
    width, centre = int(bounded.sum()), law.mean[order]
    precision = torch.cholesky_inverse(torch.linalg.cholesky(law.covariance[order][:, order]))
    error = noise[order].maximum(_CERTAIN * law.covariance.diagonal()[order])
    means, variances = [], []
    for low, high in zip(*(end[:, order].split(max(1, _CHUNK // len(order) ** 2)) for end in (lower, upper)), strict=True):
        seen = low == high
        weight = torch.where(seen, 1 / error, 0.0)
        shift = torch.where(seen, (low - centre) / error, 0.0)
        open = seen[:, :width]
        ends = (torch.where(open, sign * torch.inf, end[:, :width] - centre[:width]) for sign, end in ((-1, low), (1, high)))
        known = propagated(precision + torch.diag_embed(weight), shift, *ends)
        exact = seen & (noise[order] == 0)
        means.append(torch.where(exact, low, centre + known.mean))
        variances.append(torch.where(exact, 0.0, known.covariance.diagonal(dim1=-2, dim2=-1)))
    back = order.argsort()
    return torch.cat(means)[:, back], torch.cat(variances)[:, back]
