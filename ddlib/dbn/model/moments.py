r"""Sufficient statistics of a DBN, the maximum-likelihood fit for a known graph, and exact log-likelihoods.

The likelihood of complete trajectories depends on them only through the mean and covariance of the first slice and of the pairs
:math:`(x_t, x_{t-1})`, :math:`t = 2 \ldots T`, pooled over t. The same two Gaussians' worth of numbers therefore serve the fit to
data, the M-step (expected moments), the log-likelihood of data and the expected log-likelihood under another network.
"""

from __future__ import annotations

import math
from typing import NamedTuple

import torch
from jaxtyping import Bool, Float, Int
from torch import Tensor

from ddlib.dbn.model.network import Dbn, Gaussian, Graph, joint

__all__ = [
    "Moments",
    "Regressors",
    "check_rank",
    "expected_log_likelihood",
    "fit_moments",
    "gaussian_moments",
    "in_degrees",
    "log_likelihood",
    "mean_log_likelihood",
    "mle",
    "regressors",
    "trajectory_moments",
]


class Moments(NamedTuple):
    """Mean and covariance (divisor n) of the first slice, and of the pairs (slice t, slice t − 1) pooled over t.

    Attributes:
        first_mean, first_covariance: of the first slice.
        pair_mean, pair_covariance: the p entries of slice t come first, then the p entries of slice t − 1.

    >>> Moments(torch.zeros(1, 2), torch.eye(2)[None], torch.zeros(1, 4), torch.eye(4)[None]).pair_covariance.shape
    torch.Size([1, 4, 4])
    """

    first_mean: Float[Tensor, "*R p"]
    first_covariance: Float[Tensor, "*R p p"]
    pair_mean: Float[Tensor, "*R 2p"]
    pair_covariance: Float[Tensor, "*R 2p 2p"]


class Regressors(NamedTuple):
    """The parents of each variable as padded index lists: what the fit needs to know of a graph.

    Attributes:
        first: parents of each variable in the first slice.
        first_valid: which entries are parents and not padding.
        later: parents in a later slice; indices p … 2p − 1 are the variables of the slice before.
        later_valid: which entries are parents and not padding.

    >>> edge = torch.tensor([[[False, False], [True, False]]])
    >>> regressors(Graph(edge, edge, edge)).later[0, 1]  # itself the first, then the variable of the slice before
    tensor([0, 2])
    """

    first: Int[Tensor, "R p q"]
    first_valid: Bool[Tensor, "R p q"]
    later: Int[Tensor, "R p s"]
    later_valid: Bool[Tensor, "R p s"]


def regressors(graph: Graph) -> Regressors:
    """The parents of each variable of each graph.

    >>> edge = torch.tensor([[[False, False], [True, False]]])
    >>> regressors(Graph(edge, edge, edge)).first_valid
    tensor([[[False],
             [ True]]])
    """
    return Regressors(*_parents(graph.first), *_parents(torch.cat([graph.intra, graph.inter], dim=-1)))


def _parents(mask: Bool[Tensor, "R p k"]) -> tuple[Int[Tensor, "R p q"], Bool[Tensor, "R p q"]]:
    most = max(int(mask.sum(-1).max()), 1)
    index = mask.to(torch.int8).argsort(dim=-1, descending=True, stable=True)[..., :most]
    return index, mask.gather(-1, index)


def in_degrees(graph: Graph) -> tuple[int, int]:
    """The largest in-degree in the first slice and in a later one, over variables and replicates.

    >>> edge = torch.tensor([[[False, False], [True, False]]])
    >>> in_degrees(Graph(edge, edge, edge))
    (1, 2)
    """
    return int(graph.first.sum(-1).max()), int((graph.intra.sum(-1) + graph.inter.sum(-1)).max())


def _weighted(rows: Float[Tensor, "*R n d"], weights: Float[Tensor, "*R n"]) -> tuple[Tensor, Tensor]:
    share = (weights / weights.sum(-1, keepdim=True)).unsqueeze(-1)
    mean = (share * rows).sum(-2)
    centred = rows - mean.unsqueeze(-2)
    return mean, centred.mT @ (share * centred)


def trajectory_moments(trajectories: Float[Tensor, "*R m T p"], weights: Float[Tensor, "*R m"] | None = None) -> Moments:
    """Moments of complete trajectories.

    Args:
        trajectories: m trajectories of T ≥ 2 slices per replicate.
        weights: of the trajectories; equal when not given.

    Raises:
        ValueError: if a trajectory has fewer than two slices.

    >>> trajectory_moments(torch.tensor([[[[0.0], [1.0]], [[2.0], [1.0]]]])).first_covariance
    tensor([[[1.]]])
    """
    slices = trajectories.shape[-2]
    if slices < 2:
        raise ValueError(f"a transition needs trajectories of at least 2 slices, but these have {slices}")
    if weights is None:
        weights = trajectories.new_ones(trajectories.shape[:-2])
    pairs = torch.cat([trajectories[..., 1:, :], trajectories[..., :-1, :]], dim=-1).flatten(-3, -2)
    pair_weights = weights.unsqueeze(-1).expand(*weights.shape, slices - 1).flatten(-2)
    return Moments(*_weighted(trajectories[..., 0, :], weights), *_weighted(pairs, pair_weights))


def gaussian_moments(law: Gaussian, slices: int) -> Moments:
    """Moments of trajectories that follow a given joint Gaussian (a network's law, or the E-step's expectation).

    >>> gaussian_moments(Gaussian(torch.arange(3.0).unsqueeze(0), torch.eye(3).unsqueeze(0)), slices=3).pair_mean
    tensor([[1.5000, 0.5000]])
    """
    variables = law.mean.shape[-1] // slices
    mean = law.mean.unflatten(-1, (slices, variables))
    pair_means = torch.cat([mean[..., 1:, :], mean[..., :-1, :]], dim=-1)
    pair_mean = pair_means.mean(-2)
    off = pair_means - pair_mean.unsqueeze(-2)
    within = torch.zeros_like(off.mT @ off)
    for t in range(1, slices):
        now, before = slice(t * variables, (t + 1) * variables), slice((t - 1) * variables, t * variables)
        both = [
            torch.cat([law.covariance[..., now, now], law.covariance[..., now, before]], dim=-1),
            torch.cat([law.covariance[..., before, now], law.covariance[..., before, before]], dim=-1),
        ]
        within = within + torch.cat(both, dim=-2)
    first = law.covariance[..., :variables, :variables]
    return Moments(mean[..., 0, :], first, pair_mean, (within + off.mT @ off) / (slices - 1))


def _regress(
    mean: Float[Tensor, "*R k"], covariance: Float[Tensor, "*R k k"], parents: Int[Tensor, "R p q"], valid: Bool[Tensor, "R p q"]
) -> tuple[Tensor, Tensor, Tensor, Tensor]:
    """Regression of the first p entries on their parents: intercept, weights (padded to k columns), variance, failures."""
    replicates, variables, most = parents.shape
    batch = covariance.shape[:-2]
    # One gather for all normal equations: row `parent a`, column `parent b` of each variable's covariance.
    columns = covariance.shape[-1]
    flat = (parents.unsqueeze(-1) * columns + parents.unsqueeze(-2)).reshape(replicates, -1)
    gram = covariance.flatten(-2).gather(-1, flat.expand(*batch, -1)).unflatten(-1, (variables, most, most))
    both = valid.unsqueeze(-1) & valid.unsqueeze(-2)
    identity = torch.eye(most, dtype=covariance.dtype, device=covariance.device)
    gram = torch.where(both, gram, identity)
    cross = covariance[..., :variables, :].gather(-1, parents.expand(*batch, -1, -1)) * valid
    root, failed = torch.linalg.cholesky_ex(gram)
    coefficients = torch.cholesky_solve(cross.unsqueeze(-1), root).squeeze(-1)
    variance = covariance.diagonal(dim1=-2, dim2=-1)[..., :variables] - (coefficients * cross).sum(-1)
    weights = covariance.new_zeros(*batch, variables, columns).scatter_add(-1, parents.expand(*batch, -1, -1), coefficients)
    intercept = mean[..., :variables] - (weights @ mean.unsqueeze(-1)).squeeze(-1)
    return intercept, weights, variance, failed


def fit_moments(moments: Moments, parents: Regressors) -> Dbn:
    r"""Maximum likelihood for a known graph: each variable's regression on its parents, by masked normal equations.

    For variable i with parents P: :math:`w = \Sigma_{PP}^{-1}\Sigma_{Pi}`, :math:`b = \mu_i - w^\top \mu_P`,
    :math:`v = \Sigma_{ii} - w^\top \Sigma_{Pi}`. Differentiable in the moments. No variance floor is applied.

    Raises:
        ValueError: if the parents of some variable are collinear, or a variable is an exact function of its parents.

    >>> from ddlib.dbn import random_networks
    >>> graph, model = random_networks(2, 3, torch.Generator().manual_seed(0))
    >>> fitted = fit_moments(gaussian_moments(joint(model, 4), 4), regressors(graph))
    >>> torch.allclose(fitted.inter, model.inter), torch.allclose(fitted.variance, model.variance)
    (True, True)
    """
    variables = moments.first_mean.shape[-1]
    b1, w1, v1, failed1 = _regress(moments.first_mean, moments.first_covariance, parents.first, parents.first_valid)
    b, w, v, failed = _regress(moments.pair_mean, moments.pair_covariance, parents.later, parents.later_valid)
    # One test for both, "not above" so that NaN counts: each `bool` waits for the device.
    bad = (failed1 > 0).any() | (failed > 0).any() | ~(v1 > 0).all() | ~(v > 0).all()
    if bool(bad):
        raise ValueError(
            "the network cannot be fitted: some variable's parents are collinear in these trajectories or determine it exactly"
        )
    return Dbn(b1, w1, v1, b, w[..., :variables], w[..., variables:], v)


def check_rank(graph_degrees: tuple[int, int], units: int, slices: int) -> None:
    """Refuse a set of trajectories too small for the graph's maximum-likelihood fit.

    A regression on q parents with an intercept leaves a positive residual variance only from q + 2 rows. The first slice offers one
    row per trajectory, the transitions T − 1.

    Args:
        graph_degrees: the largest in-degrees, from :func:`in_degrees`.
        units: the number of trajectories m.
        slices: the number of slices T.

    Raises:
        ValueError: if m < q₁ + 2 or m (T − 1) < q + 2.

    >>> check_rank((1, 2), units=3, slices=3)
    >>> check_rank((1, 2), units=2, slices=3)  # doctest: +ELLIPSIS
    Traceback (most recent call last):
        ...
    ValueError: 2 trajectories of 3 slices are too few for a graph of in-degree 1 in the first slice and 2 ...
    """
    first, later = graph_degrees
    if units < first + 2 or units * (slices - 1) < later + 2:
        raise ValueError(
            f"{units} trajectories of {slices} slices are too few for a graph of in-degree {first} in the first slice and {later} "
            f"in later ones: at least {max(first + 2, -(-(later + 2) // (slices - 1)))} are needed"
        )


def mle(graph: Graph, trajectories: Float[Tensor, "*R m T p"], weights: Float[Tensor, "*R m"] | None = None) -> Dbn:
    """Maximum-likelihood parameters of a known graph from complete trajectories (:func:`fit_moments` of their moments).

    Raises:
        ValueError: if there are too few trajectories (:func:`check_rank`) or they are collinear.

    >>> from ddlib.dbn import random_networks, sample
    >>> generator = torch.Generator().manual_seed(0)
    >>> graph, model = random_networks(1, 3, generator)
    >>> (mle(graph, sample(model, 4000, 5, generator)).inter - model.inter).abs().max() < 0.05
    tensor(True)
    """
    check_rank(in_degrees(graph), trajectories.shape[-3], trajectories.shape[-2])
    return fit_moments(trajectory_moments(trajectories, weights), regressors(graph))


def _quadratic(
    intercept: Tensor, weights: Float[Tensor, "*R p k"], variance: Tensor, mean: Float[Tensor, "*R k"], covariance: Tensor
) -> Float[Tensor, "*R"]:
    """Mean log-density of the first p entries given the rest, under given moments of all."""
    variables = variance.shape[-1]
    residual = torch.eye(variables, weights.shape[-1], dtype=weights.dtype, device=weights.device) - weights
    bias = (residual @ mean.unsqueeze(-1)).squeeze(-1) - intercept
    square = ((residual @ covariance) * residual).sum(-1) + bias**2
    return -0.5 * (math.log(2 * math.pi) + variance.log() + square / variance).sum(-1)


def mean_log_likelihood(model: Dbn, moments: Moments, slices: int) -> Float[Tensor, "*R"]:
    """Log-likelihood per trajectory, in nats, of trajectories with the given moments: exact, for data as well as for laws.

    >>> zero, one = torch.zeros(1, 1, 1), torch.ones(1, 1, 1)
    >>> noise = Dbn(zero[0], zero, one[0], zero[0], zero, zero, one[0])
    >>> mean_log_likelihood(noise, gaussian_moments(joint(noise, 2), 2), 2).round(decimals=4)
    tensor([-2.8379])
    """
    first = _quadratic(
        model.first_intercept, model.first_weights, model.first_variance, moments.first_mean, moments.first_covariance
    )
    both = torch.cat([model.intra, model.inter], dim=-1)
    later = _quadratic(model.intercept, both, model.variance, moments.pair_mean, moments.pair_covariance)
    return first + (slices - 1) * later


def log_likelihood(model: Dbn, trajectories: Float[Tensor, "*R n T p"]) -> Float[Tensor, "*R n"]:
    """Log-likelihood of each complete trajectory, in nats.

    >>> zero, one = torch.zeros(1, 1, 1), torch.ones(1, 1, 1)
    >>> noise = Dbn(zero[0], zero, one[0], zero[0], zero, zero, one[0])
    >>> log_likelihood(noise, torch.zeros(1, 1, 2, 1)).round(decimals=4)
    tensor([[-1.8379]])
    """
    single = trajectories.unsqueeze(-3)
    each = Dbn(*(part.unsqueeze(-2 if part.ndim == model.variance.ndim else -3) for part in model))
    return mean_log_likelihood(each, trajectory_moments(single), trajectories.shape[-2])


def expected_log_likelihood(model: Dbn, truth: Dbn, slices: int) -> Float[Tensor, "*R"]:
    """Expected log-likelihood per trajectory, in nats, of ``model`` when trajectories follow ``truth``: no test noise.

    >>> from ddlib.dbn import entropy, random_networks
    >>> _, model = random_networks(2, 3, torch.Generator().manual_seed(0))
    >>> torch.allclose(expected_log_likelihood(model, model, 4), -entropy(model, 4))
    True
    """
    return mean_log_likelihood(model, gaussian_moments(joint(truth, slices), slices), slices)
