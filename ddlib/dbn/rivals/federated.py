"""Federated averaging of local maximum-likelihood fits (one round of FedAvg, McMahan et al. 2017): no patient leaves a hospital."""

from __future__ import annotations

import torch
from jaxtyping import Bool, Float
from torch import Tensor

from ddlib.dbn.model.moments import trajectory_moments
from ddlib.dbn.model.network import Dbn, Graph
from ddlib.dbn.rivals.available_cases import Noise, available_case_moments, fit_or_fail, subtract_noise
from ddlib.dbn.sources import Sources

__all__ = ["federated_averaging"]


def _local(graph: Graph, seen: Tensor) -> Graph:
    """The sub-network of the variables that a source measures."""
    both = seen.unsqueeze(-1) & seen.unsqueeze(-2)
    return Graph(*(mask & both for mask in graph))


def _shares(graph: Graph, seen: Tensor) -> tuple[Dbn, Dbn]:
    """Which parameters a source estimates, of families that it sees in full and of families that it sees in part."""
    here = seen.to(torch.float64)
    hidden_first = (graph.first & ~seen.unsqueeze(-2)).any(-1)
    hidden_later = ((graph.intra | graph.inter) & ~seen.unsqueeze(-2)).any(-1)

    def of(first: Tensor, later: Tensor) -> Dbn:
        first, later = here * first, here * later
        edges = [mask * rows.unsqueeze(-1) * here.unsqueeze(-2) for mask, rows in zip(graph, (first, later, later), strict=True)]
        return Dbn(first, edges[0], first, later, edges[1], edges[2], later)

    return of(~hidden_first, ~hidden_later), of(hidden_first, hidden_later)


def _own_noise(deviation: Float[Tensor, "R T p"], seen: Bool[Tensor, "R p"]) -> tuple[Tensor, Tensor]:
    """Mean noise variance of a source's variables in the first slice and in the pairs; zero where hidden."""
    variance = deviation**2 * seen.unsqueeze(-2)
    return variance[:, 0], torch.cat([variance[:, 1:].mean(-2), variance[:, :-1].mean(-2)], dim=-1)


def federated_averaging(graph: Graph, sources: Sources, noise: Noise = "ignored") -> Dbn:
    """Each source fits the sub-network that it can see; the sources' parameters are averaged with the numbers of their patients.

    A source sees a variable if it measures it in every slice, and regresses it on those of its parents that it sees too. A family
    (a variable and its parents) that some sources see in full is averaged over these. For one that no source sees in full, each
    parameter is averaged over the sources that have it, although there the coefficients of visible parents take over part of the
    hidden ones' effect. A parameter that no source has, of an edge whose ends are never measured together, stays at the start: a
    network without edges that has the pooled measured means and variances. A source whose fit fails, after the noise was
    subtracted, makes the average not-a-number.

    Args:
        graph: the known graphs.
        sources: the measurements; trajectories with a missing cell of a variable that their source sees are left out.
        noise: each source subtracts its known noise variance from its variances, or leaves it in.

    >>> from ddlib.dbn import draw_sources, random_networks, random_pattern
    >>> generator = torch.Generator().manual_seed(0)
    >>> graph, truth = random_networks(1, 3, generator)
    >>> sources = draw_sources(truth, random_pattern(1, 3, 4, 3, generator), 50, generator)
    >>> federated_averaging(graph, sources).inter.shape
    torch.Size([1, 3, 3])
    """
    nothing = Graph(*(torch.zeros_like(mask) for mask in graph))
    start = fit_or_fail(nothing, available_case_moments(sources, noise))
    sums = [[torch.zeros_like(part) for part in start] for _ in range(2)]
    counts = [[torch.zeros_like(part) for part in start] for _ in range(2)]
    for k in range(sources.values.shape[1]):
        seen = sources.observed[:, k].all(-2)
        values = torch.where(seen[:, None, None, :], sources.values[:, k], 0.0)
        complete = values.isfinite().all(-1).all(-1)
        values = torch.where(complete[..., None, None], values, 0.0)
        weights = complete.to(values.dtype)
        moments = trajectory_moments(values, weights)
        if noise == "subtracted":
            moments = subtract_noise(moments, *_own_noise(sources.noise[:, k], seen))
        absent = torch.diag_embed((~seen).to(values.dtype))  # a hidden variable gets unit variance: it is in no regression
        moments = moments._replace(
            first_covariance=moments.first_covariance + absent,
            pair_covariance=moments.pair_covariance + torch.diag_embed((~torch.cat([seen, seen], dim=-1)).to(values.dtype)),
        )
        local = fit_or_fail(_local(graph, seen), moments)
        for which, shares in enumerate(_shares(graph, seen)):
            for i, (part, share) in enumerate(zip(local, shares, strict=True)):
                size = weights.sum(-1).view(-1, *(1,) * (part.ndim - 1)) * share
                sums[which][i] += torch.where(share > 0, size * part, 0.0)
                counts[which][i] += size
    parts = []
    for at, whole, partial, many, some in zip(start, *sums, *counts, strict=True):
        fallback = torch.where(some > 0, partial / some.clamp(min=1.0), at)
        parts.append(torch.where(many > 0, whole / many.clamp(min=1.0), fallback))
    return Dbn(*parts)
