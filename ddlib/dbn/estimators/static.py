"""Networks of one slice, as dynamic networks whose transition is never used, and the graphs that real records are fitted with.

What takes the number of slices (the exact law, the observed-data likelihood) takes one slice as well. The estimators for sources
read pairs of slices; they are given a second slice that nothing depends on.
"""

from __future__ import annotations

from typing import Literal

import torch
from jaxtyping import Float
from torch import Tensor

from ddlib.dbn.estimators.accelerated import maximum_likelihood
from ddlib.dbn.estimators.ridge import Ridge, ridge, ridge_maximum
from ddlib.dbn.likelihood.observed import Em
from ddlib.dbn.model.moments import Moments, Regressors, fit_moments, gaussian_moments, trajectory_moments
from ddlib.dbn.model.network import Dbn, Gaussian, Graph
from ddlib.dbn.rivals.available_cases import Noise, fit_or_fail
from ddlib.dbn.rivals.imputation import complete_rows
from ddlib.dbn.sources import Sources, Statistics

__all__ = [
    "Transition",
    "chained_slice",
    "estimate",
    "first_slice_moments",
    "fit_rows",
    "law_moments",
    "light_prior",
    "repeated_slice",
    "unseen_slice",
    "visit_graph",
]

Transition = Literal["own", "all", "none"]
"""What a variable depends on in the slice before: its own value, all values, or nothing (for a single slice)."""


def visit_graph(replicates: int, variables: int, transition: Transition, device: torch.device | str = "cpu") -> Graph:
    """The graph in which each variable depends on all before it in the same visit, and on the visit before as stated.

    With ``"all"`` the transition is the general linear one, whatever the order of the variables. With ``"none"`` the later visits
    have no edge at all: the first slice is the general joint Gaussian and stands alone.

    Raises:
        ValueError: if the transition is unknown.

    >>> graph = visit_graph(1, 3, "own")
    >>> graph.first[0].int(), graph.inter[0].int()
    (tensor([[0, 0, 0],
            [1, 0, 0],
            [1, 1, 0]], dtype=torch.int32), tensor([[1, 0, 0],
            [0, 1, 0],
            [0, 0, 1]], dtype=torch.int32))
    """
    if transition not in ("own", "all", "none"):
        raise ValueError(f"the transition must be 'own', 'all' or 'none', but it is {transition!r}")
    full = torch.ones(variables, variables, dtype=torch.bool, device=device)
    first = full.tril(-1).repeat(replicates, 1, 1)
    inter = {"own": torch.eye(variables, dtype=torch.bool, device=device), "all": full, "none": ~full}[transition]
    return Graph(first, first & (transition != "none"), inter.repeat(replicates, 1, 1))


def first_slice_moments(mean: Float[Tensor, "*R p"], covariance: Float[Tensor, "*R p p"]) -> Moments:
    """The moments of one slice, with standard normal pairs in place of a transition that nothing is known of.

    >>> first_slice_moments(torch.zeros(1, 2), torch.eye(2)[None]).pair_covariance.shape
    torch.Size([1, 4, 4])
    """
    variables = mean.shape[-1]
    unit = torch.eye(2 * variables, dtype=mean.dtype, device=mean.device).expand(*mean.shape[:-1], -1, -1)
    return Moments(mean, covariance, mean.new_zeros(*mean.shape[:-1], 2 * variables), unit)


def law_moments(law: Gaussian, slices: int) -> Moments:
    """The moments of trajectories of any number of slices that follow a joint Gaussian.

    >>> law_moments(Gaussian(torch.ones(1, 2), torch.eye(2)[None]), slices=1).first_mean
    tensor([[1., 1.]])
    """
    return gaussian_moments(law, slices) if slices > 1 else first_slice_moments(law.mean, law.covariance)


def fit_rows(rows: Float[Tensor, "*R m T p"], weights: Float[Tensor, "*R m"], parents: Regressors) -> Dbn:
    """The maximum-likelihood network of complete trajectories of any number of slices.

    Raises:
        ValueError: if the trajectories are collinear.

    >>> from ddlib.dbn.model.moments import regressors
    >>> rows = torch.tensor([[[[0.0]], [[2.0]]]], dtype=torch.float64)  # two trajectories of one slice
    >>> fit_rows(rows, torch.ones(1, 2, dtype=torch.float64), regressors(visit_graph(1, 1, "none"))).first_variance
    tensor([[1.]], dtype=torch.float64)
    """
    if rows.shape[-2] > 1:
        return fit_moments(trajectory_moments(rows, weights), parents)
    share = (weights / weights.sum(-1, keepdim=True)).unsqueeze(-1)
    only = rows.squeeze(-2)
    mean = (share * only).sum(-2)
    centred = only - mean.unsqueeze(-2)
    return fit_moments(first_slice_moments(mean, centred.mT @ (share * centred)), parents)


def unseen_slice(sources: Statistics) -> Statistics:
    """Statistics of one slice with a second one that was never measured.

    >>> seen = torch.ones(1, 1, 2)
    >>> unseen_slice(Statistics(torch.ones(1, 1), seen, torch.eye(2)[None, None], seen, seen)).observed
    tensor([[[1., 1., 0., 0.]]])
    """
    double = (0, sources.mean.shape[-1])
    mean, observed, noise = (torch.nn.functional.pad(part, double) for part in (sources.mean, sources.observed, sources.noise))
    return Statistics(sources.size, mean, torch.nn.functional.pad(sources.covariance, double * 2), observed, noise)


def repeated_slice(sources: Sources) -> Sources:
    """Trajectories of one slice with that slice twice: estimators of two slices then give its network as their first slice's.

    >>> seen = torch.ones(1, 2, 1, 3, dtype=torch.bool)
    >>> repeated_slice(Sources(torch.zeros(1, 2, 10, 1, 3), seen, 0.3 * seen)).slices
    2
    """
    return Sources(sources.values.repeat(1, 1, 1, 2, 1), sources.observed.repeat(1, 1, 2, 1), sources.noise.repeat(1, 1, 2, 1))


def estimate(graph: Graph, sources: Statistics, slices: int, tolerance: float = 1e-9, cycles: int = 4000, prior: float = 0.0) -> Em:
    """Maximum observed-data likelihood for any number of slices (:func:`ddlib.dbn.estimators.accelerated.maximum_likelihood`).

    With one slice the graph must be without a transition (:func:`visit_graph`, ``"none"``).

    Args:
        graph: the stated graphs.
        sources: sufficient statistics of the sources.
        slices: the number of slices T.
        tolerance: in nats per patient and cycle.
        cycles: at most so many.
        prior: a ridge on the weights, worth so many patients (:mod:`ddlib.dbn.estimators.ridge`); 0 is plain maximum likelihood.

    Raises:
        ValueError: if a fit is singular, or the prior is negative.

    >>> from ddlib.dbn import draw_sources, random_networks, statistics
    >>> generator = torch.Generator().manual_seed(0)
    >>> _, truth = random_networks(1, 2, generator)
    >>> sources = statistics(draw_sources(truth, torch.ones(1, 2, 1, 2, dtype=torch.bool), 50, generator, noise=0.0))
    >>> found = estimate(visit_graph(1, 2, "none"), sources, slices=1)
    >>> torch.allclose(found.model.first_intercept[:, 0], sources.mean[:, :, 0].mean(-1))
    True
    """
    strength = light_prior(graph, sources, slices, prior)
    if slices == 1:
        sources, slices = unseen_slice(sources), 2
    if prior == 0:
        return maximum_likelihood(graph, sources, slices, tolerance, cycles=cycles)
    return ridge_maximum(graph, sources, slices, strength, tolerance, cycles=cycles)


def light_prior(graph: Graph, sources: Statistics, slices: int, patients: float) -> Ridge:
    """A ridge on the weights that is worth so many patients, for any number of slices.

    >>> from ddlib.dbn import draw_sources, random_networks, random_pattern, statistics
    >>> generator = torch.Generator().manual_seed(0)
    >>> graph, truth = random_networks(1, 3, generator)
    >>> sources = statistics(draw_sources(truth, random_pattern(1, 3, 4, 3, generator), 50, generator))
    >>> light_prior(graph, sources, 4, patients=2.0).pairs.shape
    torch.Size([1, 6])
    """
    if slices == 1:
        sources, slices = unseen_slice(sources), 2
    return ridge(graph, sources, slices, patients / sources.size.sum(-1))


def chained_slice(graph: Graph, sources: Sources, noise: Noise = "ignored", rounds: int = 5, seed: int = 0) -> Dbn:
    """:func:`ddlib.dbn.rivals.imputation.chained_equations` for a single slice.

    Args:
        graph: without a transition.
        sources: the measurements of one slice; cells that are not a number are missing.
        noise: subtract the noise variance, the same for all entries, from the variances of the completed data, or leave it in.
        rounds: over all columns.
        seed: of the imputer's random draws.

    >>> from ddlib.dbn import draw_sources, random_networks
    >>> generator = torch.Generator().manual_seed(0)
    >>> _, truth = random_networks(1, 2, generator)
    >>> sources = draw_sources(truth, torch.tensor([[[[True, True]], [[True, False]]]]), 50, generator)
    >>> chained_slice(visit_graph(1, 2, "none"), sources, rounds=2).first_weights.shape
    torch.Size([1, 2, 2])
    """
    values = torch.where(sources.observed.unsqueeze(2), sources.values, torch.nan).flatten(1, 2)
    mean, covariance = [], []
    for r, rows in enumerate(values):
        complete = complete_rows(rows[rows.isfinite().flatten(1).any(1)], rounds, seed + 1000 * r).squeeze(1)
        mean.append(complete.mean(0))
        covariance.append(complete.mT.cov(correction=0))
    total = torch.stack(covariance)
    if noise == "subtracted":
        total = total - torch.diag_embed((sources.noise**2).mean((1, 2)))
    return fit_or_fail(graph, first_slice_moments(torch.stack(mean), total))
