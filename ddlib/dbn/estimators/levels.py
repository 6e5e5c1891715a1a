r"""Patients with stable levels: data that are not Markov, and the network with a static latent level that repairs it.

Each patient has a level of its own for each variable, which stays the same in all slices,

.. math:: z_t = x_t + u, \qquad u \sim N(0, \operatorname{diag} \tau^2) \text{ once per patient}, \quad x \text{ from a DBN},

so a trajectory is Gaussian with covariance :math:`\Sigma + \mathbf 1 \mathbf 1^\top \otimes \operatorname{diag} \tau^2`: what a
patient was long ago tells something that the visit before does not. (A variance component or random intercept; Laird and Ware
1982.)
"""

from __future__ import annotations

from typing import NamedTuple

import torch
from jaxtyping import Bool, Float
from torch import Tensor

from ddlib.dbn.estimators.accelerated import Chart, accelerate, network_chart
from ddlib.dbn.likelihood.observed import independent_start, likelihood, measured
from ddlib.dbn.model.generate import sample
from ddlib.dbn.model.moments import fit_moments, gaussian_moments, regressors
from ddlib.dbn.model.network import Dbn, Gaussian, Graph, joint
from ddlib.dbn.sources import Sources, Statistics

__all__ = [
    "LevelDbn",
    "LevelEstimate",
    "draw_level_sources",
    "gaussian_entropy",
    "level_joint",
    "level_maximum_likelihood",
    "pair_network",
]


class LevelDbn(NamedTuple):
    """A network, and the variance of each variable's static level.

    >>> from ddlib.dbn import random_networks
    >>> _, network = random_networks(1, 2, torch.Generator().manual_seed(0))
    >>> LevelDbn(network, torch.ones(1, 2)).level
    tensor([[1., 1.]])
    """

    network: Dbn
    level: Float[Tensor, "*R p"]


class LevelEstimate(NamedTuple):
    """The repaired model's maximum likelihood.

    Attributes:
        model: network and level variances.
        path: log-likelihood per trajectory before each cycle.
        converged: whether it has stopped rising, per replicate.

    >>> from ddlib.dbn import draw_sources, random_networks, random_pattern, statistics
    >>> generator = torch.Generator().manual_seed(0)
    >>> graph, truth = random_networks(1, 3, generator)
    >>> sources = statistics(draw_sources(truth, random_pattern(1, 3, 4, 3, generator), 50, generator))
    >>> path = level_maximum_likelihood(graph, sources, 4, cycles=5).path
    >>> bool((path.diff(dim=0) >= 0).all())  # the likelihood never falls
    True
    """

    model: LevelDbn
    path: Float[Tensor, "cycles R"]
    converged: Tensor


def _repeat(level: Float[Tensor, "*R p"], slices: int) -> Float[Tensor, "*R p Tp"]:
    """Covariance of a patient's level with its contribution to a trajectory."""
    return torch.diag_embed(level).repeat(*(1,) * level.ndim, slices)


def level_joint(model: LevelDbn, slices: int) -> Gaussian:
    """The exact law of a trajectory with levels.

    >>> from ddlib.dbn import random_networks
    >>> _, network = random_networks(1, 2, torch.Generator().manual_seed(0))
    >>> added = level_joint(LevelDbn(network, torch.tensor([[1.0, 2.0]])), 2).covariance - joint(network, 2).covariance
    >>> added.round(decimals=4).abs()
    tensor([[[1., 0., 1., 0.],
             [0., 2., 0., 2.],
             [1., 0., 1., 0.],
             [0., 2., 0., 2.]]], dtype=torch.float64)
    """
    law = joint(model.network, slices)
    return Gaussian(law.mean, law.covariance + _repeat(model.level, slices).repeat(*(1,) * (model.level.ndim - 1), slices, 1))


def gaussian_entropy(law: Gaussian) -> Float[Tensor, "*R"]:
    """Differential entropy of a trajectory's law in nats: minus the highest expected log-likelihood of any model.

    >>> gaussian_entropy(Gaussian(torch.zeros(1, 2), torch.eye(2)[None])).round(decimals=4)
    tensor([2.8379])
    """
    size = law.mean.shape[-1]
    return 0.5 * (size * (1 + torch.log(torch.tensor(2 * torch.pi, dtype=law.mean.dtype))) + torch.logdet(law.covariance))


def draw_level_sources(
    truth: LevelDbn, observed: Bool[Tensor, "R K T p"], trajectories: int, generator: torch.Generator, noise: float = 0.3
) -> Sources:
    """As :func:`ddlib.dbn.sources.draw_sources`, with a level for each patient and variable.

    >>> from ddlib.dbn import random_networks
    >>> generator = torch.Generator().manual_seed(0)
    >>> truth = LevelDbn(random_networks(1, 2, generator)[1], torch.ones(1, 2))
    >>> draw_level_sources(truth, torch.ones(1, 3, 4, 2, dtype=torch.bool), 20, generator).values.shape
    torch.Size([1, 3, 20, 4, 2])
    """
    sources, slices, variables = observed.shape[1:]
    count = sources * trajectories
    clean = sample(truth.network, count, slices, generator)
    shape = (observed.shape[0], count, 1, variables)
    level = torch.randn(shape, dtype=clean.dtype, device=generator.device, generator=generator).to(clean)
    clean = clean + level * truth.level.sqrt()[:, None, None, :]
    error = torch.randn(clean.shape, dtype=clean.dtype, device=generator.device, generator=generator).to(clean)
    values = (clean + noise * error).unflatten(1, (sources, trajectories))
    values = torch.where(observed.unsqueeze(2), values, torch.nan)
    return Sources(values, observed, torch.full(observed.shape, noise, dtype=clean.dtype, device=clean.device))


def _pooled(shift: Tensor, about: Tensor, share: Tensor) -> tuple[Tensor, Tensor]:
    move = (share.unsqueeze(-1) * shift).sum(-2)
    return move, (share[..., None, None] * about).sum(-3)


def _step(model: LevelDbn, sources: Statistics, slices: int) -> tuple[Gaussian, Tensor, Tensor]:
    """Expected law of x, expected square of the level, and each source's log-likelihood."""
    law = joint(model.network, slices)
    whole = level_joint(model, slices)
    root, off, second = measured(whole, sources)
    inverse = torch.cholesky_inverse(root)
    share = sources.size / sources.size.sum(-1, keepdim=True)
    seen = sources.observed.unsqueeze(-2)
    found = []
    for prior, cross in (
        (law.covariance, law.covariance.unsqueeze(-3) * seen),
        (torch.diag_embed(model.level), _repeat(model.level, slices).unsqueeze(-3) * seen),
    ):
        gain = cross @ inverse
        shift = (gain @ off.unsqueeze(-1)).squeeze(-1)
        found.append(_pooled(shift, prior.unsqueeze(-3) - gain @ cross.mT + gain @ second @ gain.mT, share))
    (move, about), (_, level) = found
    expected = Gaussian(law.mean + move, about - move.unsqueeze(-1) * move.unsqueeze(-2))
    return expected, level.diagonal(dim1=-2, dim2=-1), likelihood(sources, root, inverse, second)


def level_maximum_likelihood(
    graph: Graph, sources: Statistics, slices: int, begin: float = 0.3, tolerance: float = 1e-12, cycles: int = 4000
) -> LevelEstimate:
    """Maximum observed-data likelihood of a network with static levels, by accelerated EM.

    The complete data of the EM algorithm are the trajectory x and the level u. The level's mean is zero, because the network's
    intercepts carry it.

    Args:
        graph: the known graphs.
        sources: sufficient statistics of the sources.
        slices: the number of slices T; with two, level and network are hard to tell apart.
        begin: the share of each variable's variance that is given to the level at the start.
        tolerance: in nats per trajectory, for a cycle of three EM steps.
        cycles: at most so many.

    Raises:
        ValueError: if the share is not in (0, 1).

    >>> from ddlib.dbn import draw_sources, random_networks, random_pattern, statistics
    >>> generator = torch.Generator().manual_seed(0)
    >>> graph, truth = random_networks(1, 3, generator)
    >>> sources = statistics(draw_sources(truth, random_pattern(1, 3, 4, 3, generator), 50, generator))
    >>> level_maximum_likelihood(graph, sources, 4, cycles=5).model.level.shape
    torch.Size([1, 3])
    """
    if not 0 < begin < 1:
        raise ValueError(f"the level begins at a share of the variance above 0 and below 1, but it is {begin}")
    parents, total = regressors(graph), sources.size.sum(-1)

    def step(model: LevelDbn) -> tuple[LevelDbn, Tensor]:
        law, level, likelihood = _step(model, sources, slices)
        return LevelDbn(fit_moments(gaussian_moments(law, slices), parents), level), likelihood.sum(-1) / total

    chart = network_chart(graph.intra.shape[-1])
    size = graph.intra.shape[-1]
    both = Chart(
        lambda model: torch.cat([chart.flatten(model.network), model.level.log()], dim=-1),
        lambda vector: LevelDbn(chart.restore(vector[:, :-size]), vector[:, -size:].exp()),
    )
    network = independent_start(graph, sources, slices)
    level = begin * network.variance
    shrunk = network._replace(variance=(1 - begin) * network.variance, first_variance=(1 - begin) * network.first_variance)
    return LevelEstimate(*accelerate(step, LevelDbn(shrunk, level), both, tolerance, cycles))


def pair_network(graph: Graph, law: Gaussian, slices: int) -> Dbn:
    """The network of a graph that is closest to a law: what a fit to endless clean data of that law gives.

    >>> from ddlib.dbn import random_networks
    >>> graph, network = random_networks(1, 2, torch.Generator().manual_seed(0))
    >>> torch.allclose(pair_network(graph, joint(network, 3), 3).inter, network.inter)
    True
    """
    return fit_moments(gaussian_moments(law, slices), regressors(graph))
