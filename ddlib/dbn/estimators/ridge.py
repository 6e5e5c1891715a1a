r"""A ridge on the weights: the observed-data likelihood with a penalty that shrinks every edge.

.. math::

    -\frac{\log p(D \mid \theta)}{N} + \frac{\kappa}{2N} \Bigl[\sum_i \sum_{P} \frac{s_P^2\, w_{1,iP}^2}{v_{1,i}}
    + (T - 1) \sum_i \sum_{P} \frac{s_P^2\, w_{iP}^2}{v_i}\Bigr]

with :math:`s_P^2` the measured variance of the parent, noise removed. It is the conjugate normal prior of a regression's weights,
worth κ patients (Hoerl and Kennard 1970; Gelman et al. 2013, section 14.8). Intercepts and variances are free. The M-step stays
in closed form: add :math:`\delta = \kappa s^2 / N` to the diagonal of the expected covariance, fit, and take :math:`\delta_i`
from variable i's variance again.
"""

from __future__ import annotations

from typing import NamedTuple

import torch
from jaxtyping import Float
from torch import Tensor

from ddlib.dbn.estimators.accelerated import accelerate, network_chart
from ddlib.dbn.likelihood.observed import Em, expected_trajectories, independent_start
from ddlib.dbn.model.moments import Moments, Regressors, fit_moments, gaussian_moments, regressors
from ddlib.dbn.model.network import Dbn, Graph
from ddlib.dbn.sources import Statistics

__all__ = ["Ridge", "fit_with_ridge", "penalty", "ridge", "ridge_maximum"]


class Ridge(NamedTuple):
    """The ridge δ on each parent, per patient.

    Attributes:
        first: in the first slice.
        pairs: in a transition: the variables of the slice itself, then those of the slice before.

    >>> Ridge(torch.ones(1, 2), torch.ones(1, 4)).pairs.shape
    torch.Size([1, 4])
    """

    first: Float[Tensor, "R p"]
    pairs: Float[Tensor, "R 2p"]


def ridge(graph: Graph, sources: Statistics, slices: int, share: float | Float[Tensor, " R"]) -> Ridge:
    """The ridge of κ = share · N pseudo-patients.

    Args:
        graph: the known graphs.
        sources: sufficient statistics of the sources.
        slices: the number of slices T.
        share: κ over the number N of all patients, or one such number for each replicate.

    Raises:
        ValueError: if a share is negative.

    >>> from ddlib.dbn import draw_sources, random_networks, random_pattern, statistics
    >>> generator = torch.Generator().manual_seed(0)
    >>> graph, truth = random_networks(1, 3, generator)
    >>> sources = statistics(draw_sources(truth, random_pattern(1, 3, 4, 3, generator), 50, generator))
    >>> torch.allclose(ridge(graph, sources, 4, 0.2).pairs, 2 * ridge(graph, sources, 4, 0.1).pairs)
    True
    """
    base = independent_start(graph, sources, slices)
    size = torch.as_tensor(share, dtype=base.variance.dtype, device=base.variance.device).reshape(-1, 1)
    if not bool((size >= 0).all()):
        raise ValueError(f"a ridge needs a share of pseudo-patients of 0 or more, but it is {share}")
    return Ridge(size * base.first_variance, size * torch.cat([base.variance, base.variance], dim=-1))


def penalty(model: Dbn, strength: Ridge, slices: int) -> Float[Tensor, "*R"]:
    """The penalty in nats per trajectory.

    >>> zero, one = torch.zeros(1, 1, 1), torch.ones(1, 1, 1)
    >>> penalty(Dbn(zero[0], zero, one[0], zero[0], zero, 0.5 * one, one[0]), Ridge(one[0], torch.ones(1, 2)), slices=3)
    tensor([0.2500])
    """
    first = (model.first_weights**2 * strength.first.unsqueeze(-2)).sum(-1) / model.first_variance
    weights = torch.cat([model.intra, model.inter], dim=-1)
    later = (weights**2 * strength.pairs.unsqueeze(-2)).sum(-1) / model.variance
    return 0.5 * (first.sum(-1) + (slices - 1) * later.sum(-1))


def fit_with_ridge(moments: Moments, parents: Regressors, strength: Ridge) -> Dbn:
    """The penalised fit to moments.

    >>> nothing, own = torch.zeros(1, 1, 1, dtype=torch.bool), torch.ones(1, 1, 1, dtype=torch.bool)
    >>> pairs = torch.tensor([[[1.0, 0.5], [0.5, 1.0]]])
    >>> moments = Moments(torch.zeros(1, 1), torch.ones(1, 1, 1), torch.zeros(1, 2), pairs)
    >>> fit_with_ridge(moments, regressors(Graph(nothing, nothing, own)), Ridge(torch.ones(1, 1), torch.ones(1, 2))).inter
    tensor([[[0.2500]]])
    """
    variables = strength.first.shape[-1]
    raised = moments._replace(
        first_covariance=moments.first_covariance + torch.diag_embed(strength.first),
        pair_covariance=moments.pair_covariance + torch.diag_embed(strength.pairs),
    )
    model = fit_moments(raised, parents)
    return model._replace(
        first_variance=model.first_variance - strength.first, variance=model.variance - strength.pairs[..., :variables]
    )


def ridge_maximum(
    graph: Graph,
    sources: Statistics,
    slices: int,
    strength: Ridge,
    tolerance: float = 1e-12,
    start: Dbn | None = None,
    cycles: int = 4000,
) -> Em:
    """The maximum of the penalised likelihood, by accelerated EM; its path is of the penalised likelihood.

    Args:
        graph: the known graphs.
        sources: sufficient statistics of the sources.
        slices: the number of slices T.
        strength: the ridge.
        tolerance: in nats per trajectory, for a cycle of three EM steps.
        start: where to begin; EM's independent start when not given.
        cycles: at most so many.

    >>> from ddlib.dbn import draw_sources, random_networks, random_pattern, statistics
    >>> generator = torch.Generator().manual_seed(0)
    >>> graph, truth = random_networks(1, 3, generator)
    >>> sources = statistics(draw_sources(truth, random_pattern(1, 3, 4, 3, generator), 50, generator))
    >>> found = ridge_maximum(graph, sources, 4, ridge(graph, sources, 4, 0.1), tolerance=1e-6)
    >>> bool(found.converged.all())
    True
    """
    parents, total = regressors(graph), sources.size.sum(-1)

    def step(model: Dbn) -> tuple[Dbn, Tensor]:
        law, likelihood = expected_trajectories(model, sources, slices)
        value = likelihood.sum(-1) / total - penalty(model, strength, slices)
        return fit_with_ridge(gaussian_moments(law, slices), parents, strength), value

    begin = independent_start(graph, sources, slices) if start is None else start
    return Em(*accelerate(step, begin, network_chart(graph.intra.shape[-1]), tolerance, cycles))
