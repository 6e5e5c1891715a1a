r"""Pairwise available-case moments: each mean and covariance from the patients in whom both entries were measured.

The textbook way round missing values (Little and Rubin 2019, section 3.4). Known noise can be subtracted from the variances. What
results need not be a covariance matrix: a pair that is never measured together has no estimate (zero is put), different entries
come from different patients, and the subtraction can leave too little. :func:`nearest_covariance` repairs it.
"""

from __future__ import annotations

from typing import Literal

import torch
from jaxtyping import Float
from torch import Tensor

from ddlib.dbn.model.moments import Moments, fit_moments, regressors
from ddlib.dbn.model.network import Dbn, Graph
from ddlib.dbn.sources import Sources

__all__ = ["Noise", "available_case", "available_case_moments", "nearest_covariance"]

Noise = Literal["ignored", "subtracted"]
"""Whether the known noise variance is left in, or subtracted from the variances."""


def _pairwise(rows: Float[Tensor, "R n d"], noise: Float[Tensor, "R n d"]) -> tuple[Tensor, Tensor, Tensor]:
    """Means, covariances about the pair's own means, and the mean noise variance of each entry, from the cells that are there."""
    seen = rows.isfinite().to(rows.dtype)
    filled = torch.where(seen > 0, rows, 0.0)
    count = seen.mT @ seen
    often = count.clamp(min=1.0)
    mean_of_first = filled.mT @ seen / often
    covariance = filled.mT @ filled / often - mean_of_first * mean_of_first.mT
    each = seen.sum(-2).clamp(min=1.0)
    mean_noise = (seen * noise).sum(-2) / each
    return filled.sum(-2) / each, torch.where(count > 0, covariance, 0.0), mean_noise


def _pairs(values: Float[Tensor, "R n T p"]) -> Float[Tensor, "R m 2p"]:
    return torch.cat([values[..., 1:, :], values[..., :-1, :]], dim=-1).flatten(1, 2)


def available_case_moments(sources: Sources, noise: Noise = "ignored") -> Moments:
    """Available-case moments of the first slice and of the pairs (slice t, slice t − 1) pooled over t and over the sources.

    Args:
        sources: the measurements; cells that are not a number are missing.
        noise: subtract the known noise variance from each variance, or leave it in.

    >>> values = torch.tensor([[[[[0.0]], [[2.0]]]]]).repeat(1, 1, 1, 2, 1)  # two patients, two slices, one variable
    >>> seen = torch.ones(1, 1, 2, 1, dtype=torch.bool)
    >>> available_case_moments(Sources(values, seen, 0.0 * seen)).first_covariance
    tensor([[[1.]]])
    """
    values = torch.where(sources.observed.unsqueeze(2), sources.values, torch.nan).flatten(1, 2)
    error = (sources.noise.unsqueeze(2) ** 2).expand_as(sources.values).flatten(1, 2)
    mean, covariance, size = _pairwise(values[:, :, 0], error[:, :, 0])
    pair_mean, pair_covariance, pair_size = _pairwise(_pairs(values), _pairs(error))
    moments = Moments(mean, covariance, pair_mean, pair_covariance)
    return subtract_noise(moments, size, pair_size) if noise == "subtracted" else moments


def nearest_covariance(covariance: Float[Tensor, "*R d d"], floor: float = 1e-3) -> Float[Tensor, "*R d d"]:
    """The covariance with its correlation matrix's eigenvalues raised to a floor and its diagonal restored.

    Eigenvalue clipping, the first step of the alternating projections for the nearest correlation matrix (Higham 2002). A variance
    that is not positive is first replaced by the floor times the mean size of
    the variances.

    >>> nearest_covariance(torch.tensor([[1.0, 2.0], [2.0, 1.0]])).round(decimals=3)
    tensor([[1.0000, 0.9990],
            [0.9990, 1.0000]])
    """
    variance = covariance.diagonal(dim1=-2, dim2=-1)
    least = floor * variance.abs().mean(-1, keepdim=True)
    scale = torch.maximum(variance, least).sqrt()
    correlation = covariance / (scale.unsqueeze(-1) * scale.unsqueeze(-2))
    correlation = correlation - torch.diag_embed(correlation.diagonal(dim1=-2, dim2=-1) - 1)
    values, vectors = torch.linalg.eigh(correlation)
    clipped = (vectors * values.clamp(min=floor).unsqueeze(-2)) @ vectors.mT
    unit = clipped.diagonal(dim1=-2, dim2=-1).sqrt() / scale
    repaired = clipped / (unit.unsqueeze(-1) * unit.unsqueeze(-2))
    return torch.where((values[..., :1] < floor).unsqueeze(-1), repaired, correlation * (scale.unsqueeze(-1) * scale.unsqueeze(-2)))


def subtract_noise(moments: Moments, first: Float[Tensor, "*R p"], pairs: Float[Tensor, "*R 2p"]) -> Moments:
    """Moments less the mean noise variance of each entry; the result need not be positive definite."""
    return moments._replace(
        first_covariance=moments.first_covariance - torch.diag_embed(first),
        pair_covariance=moments.pair_covariance - torch.diag_embed(pairs),
    )


def mean_noise(sources: Sources, imputed: bool) -> tuple[Float[Tensor, "R p"], Float[Tensor, "R 2p"]]:
    """Mean noise variance of each entry of the first slice and of the pairs.

    Args:
        sources: the measurements.
        imputed: over all cells, as where hidden cells were drawn to look like measured ones; otherwise hidden cells count as
            noiseless, as where they were filled with one value.
    """
    seen = torch.where(sources.observed.unsqueeze(2), sources.values, torch.nan).isfinite()
    there = seen.any(-1).any(-1)[..., None, None]
    variance = sources.noise.unsqueeze(2) ** 2
    total = (seen * variance).sum((1, 2))
    count = seen.sum((1, 2)) if imputed else there.sum((1, 2))
    each = total / count.clamp(min=1)
    return each[:, 0], torch.cat([each[:, 1:].mean(-2), each[:, :-1].mean(-2)], dim=-1)


def fit_or_fail(graph: Graph, moments: Moments) -> Dbn:
    """The fit to moments that need not be those of any data: not-a-number throughout in replicates where a regression fails.

    A replicate fails if the covariance of some variable's parents is not positive definite, or its residual variance is not
    positive.
    """
    models = []
    for r in range(moments.first_mean.shape[0]):
        part = Moments(*(moment[r : r + 1] for moment in moments))
        try:
            models.append(fit_moments(part, regressors(Graph(*(mask[r : r + 1] for mask in graph)))))
        except ValueError:
            p = graph.intra.shape[-1]
            shapes = ((p,), (p, p), (p,), (p,), (p, p), (p, p), (p,))
            models.append(Dbn(*(moments.first_mean.new_full((1, *shape), torch.nan) for shape in shapes)))
    return Dbn(*(torch.cat(parts) for parts in zip(*models, strict=True)))


def available_case(graph: Graph, sources: Sources, noise: Noise = "ignored", repair: bool = False) -> Dbn:
    """The known graph's regressions on available-case moments.

    Args:
        graph: the known graphs.
        sources: the measurements.
        noise: subtract the known noise variance from each variance, or leave it in.
        repair: make the moments covariances first (:func:`nearest_covariance`); otherwise replicates fail openly.

    >>> from ddlib.dbn import draw_sources, random_networks, random_pattern
    >>> generator = torch.Generator().manual_seed(0)
    >>> graph, truth = random_networks(1, 3, generator)
    >>> sources = draw_sources(truth, random_pattern(1, 3, 4, 3, generator), 50, generator)
    >>> available_case(graph, sources, noise="subtracted", repair=True).inter.shape
    torch.Size([1, 3, 3])
    """
    moments = available_case_moments(sources, noise)
    if repair:
        moments = moments._replace(
            first_covariance=nearest_covariance(moments.first_covariance),
            pair_covariance=nearest_covariance(moments.pair_covariance),
        )
    return fit_or_fail(graph, moments)
