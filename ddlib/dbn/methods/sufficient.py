"""Exact distillation of a linear-Gaussian DBN: few rows or trajectories that carry an estimate to machine precision."""

from __future__ import annotations

from typing import NamedTuple

import torch
from jaxtyping import Float
from torch import Tensor

from ddlib.closed_forms import carry
from ddlib.dbn.model.moments import Moments, in_degrees
from ddlib.dbn.model.network import Dbn, Graph, topological_order

__all__ = ["SufficientRows", "exact_trajectories", "rows_moments", "sufficient_rows", "trajectories_needed"]


class SufficientRows(NamedTuple):
    """Weighted rows that stand for data of any size in the likelihood of *every* structure.

    Attributes:
        first: rows of the first slice.
        first_weight: weight of each of them.
        pairs: rows (slice t, slice t − 1).
        pair_weight: weight of each of them.

    >>> moments = Moments(torch.zeros(1, 1), torch.ones(1, 1, 1), torch.zeros(1, 2), torch.eye(2)[None])
    >>> rows = sufficient_rows(moments, count=100, slices=4)
    >>> rows.first.shape, rows.pairs.shape
    (torch.Size([1, 2, 1]), torch.Size([1, 3, 2]))
    """

    first: Float[Tensor, "*R k p"]
    first_weight: Float[Tensor, "*R k"]
    pairs: Float[Tensor, "*R j 2p"]
    pair_weight: Float[Tensor, "*R j"]


def sufficient_rows(moments: Moments, count: float | Tensor, slices: int) -> SufficientRows:
    """2p + 1 weighted transition rows and p + 1 weighted first-slice rows with exactly the given moments.

    Every structure's likelihood, its maximum and, thanks to the weights, its BIC are those of the data that the moments are of.

    Args:
        moments: mean and covariance of the first slice and of the pairs.
        count: the number of trajectories that they stand for, a number or one per replicate.
        slices: their number of slices T.

    Raises:
        ValueError: if a covariance is not positive definite.

    >>> moments = Moments(torch.zeros(1, 1), torch.ones(1, 1, 1), torch.zeros(1, 2), torch.eye(2)[None])
    >>> rows = sufficient_rows(moments, count=100, slices=4)
    >>> rows.first_weight.sum(), rows.pair_weight.sum()
    (tensor(100.), tensor(300.))
    """
    first = carry(moments.first_mean, moments.first_covariance)
    pairs = carry(moments.pair_mean, moments.pair_covariance)
    total = torch.as_tensor(count, dtype=first.dtype, device=first.device)

    def share(rows: Tensor, whole: Tensor) -> Tensor:
        return (whole / rows.shape[-2]).unsqueeze(-1).expand(rows.shape[:-1]).clone()

    return SufficientRows(first, share(first, total), pairs, share(pairs, total * (slices - 1)))


def rows_moments(rows: SufficientRows) -> Moments:
    """The weighted moments of sufficient rows: what a fit or a score reads from them.

    >>> moments = Moments(torch.zeros(1, 1), torch.ones(1, 1, 1), torch.zeros(1, 2), torch.eye(2)[None])
    >>> torch.allclose(rows_moments(sufficient_rows(moments, 100, 4)).pair_covariance, moments.pair_covariance, atol=1e-6)
    True
    """

    def weighted(points: Tensor, weights: Tensor) -> tuple[Tensor, Tensor]:
        share = (weights / weights.sum(-1, keepdim=True)).unsqueeze(-1)
        mean = (share * points).sum(-2)
        centred = points - mean.unsqueeze(-2)
        return mean, centred.mT @ (share * centred)

    return Moments(*weighted(rows.first, rows.first_weight), *weighted(rows.pairs, rows.pair_weight))


def trajectories_needed(graph: Graph) -> int:
    """How many trajectories :func:`exact_trajectories` needs: the largest in-degree of any variable in any slice, plus two.

    >>> edge = torch.tensor([[[False, False], [True, False]]])
    >>> trajectories_needed(Graph(edge, edge, edge))
    4
    """
    return max(in_degrees(graph)) + 2


def exact_trajectories(
    graph: Graph, model: Dbn, trajectories: int, slices: int, generator: torch.Generator
) -> Float[Tensor, "R n T p"]:
    r"""Complete trajectories whose maximum-likelihood fit for the known graph is exactly the given model.

    Slice by slice, and parents before children, each variable is its prediction plus a residual e over the n trajectories with

    .. math:: e^\top 1 = 0, \qquad e^\top x_P = 0 \text{ for each parent } P, \qquad \|e\|^2 = n v,

    which are the normal equations of that slice alone and hence of all slices together. A random direction projected onto that
    space does it, so n = q + 2 trajectories suffice for in-degree q. (The equations need hold only in sum: n(T − 1) ≥ q + 2
    and n ≥ q₁ + 2, q₁ the in-degree in the first slice, are all that is necessary; such smaller sets are not constructed here.)

    Args:
        graph: the known graphs.
        model: what the fit shall return.
        trajectories: the number n.
        slices: the number of slices T.
        generator: the source of the random directions.

    Raises:
        ValueError: if there are fewer trajectories than :func:`trajectories_needed`, or fewer than two slices.

    >>> from ddlib.dbn import mle, random_networks
    >>> generator = torch.Generator().manual_seed(0)
    >>> graph, model = random_networks(1, 3, generator)
    >>> few = exact_trajectories(graph, model, trajectories_needed(graph), 4, generator)
    >>> torch.allclose(mle(graph, few).inter, model.inter), torch.allclose(mle(graph, few).variance, model.variance)
    (True, True)
    """
    needed = trajectories_needed(graph)
    if trajectories < needed:
        raise ValueError(f"carrying this graph's estimate exactly takes {needed} trajectories, but the budget is {trajectories}")
    if slices < 2:
        raise ValueError(f"a transition needs trajectories of at least 2 slices, but {slices} were asked for")
    shape = (*model.variance.shape[:-1], trajectories, slices, model.variance.shape[-1])
    direction = torch.randn(shape, dtype=model.variance.dtype, device=generator.device, generator=generator).to(model.variance)
    before = torch.zeros_like(direction[..., 0, :])
    path = []
    for t in range(slices):
        if t == 0:
            order = topological_order(graph.first)
            edges, weights = graph.first, model.first_weights
            intercept, variance = model.first_intercept, model.first_variance
        else:
            order = topological_order(graph.intra)
            edges = torch.cat([graph.intra, graph.inter], dim=-1)
            weights = torch.cat([model.intra, model.inter], dim=-1)
            intercept, variance = model.intercept, model.variance
        before = _slice(order, edges, weights, intercept, variance, before, direction[..., t, :])
        path.append(before)
    return torch.stack(path, dim=-2)


def _slice(
    order: Tensor, edges: Tensor, weights: Tensor, intercept: Tensor, variance: Tensor, before: Tensor, direction: Tensor
) -> Float[Tensor, "R n p"]:
    """One slice of all trajectories, variable by variable in topological order."""
    replicates, units = direction.shape[:2]
    each = torch.arange(replicates, device=direction.device)
    now = torch.zeros_like(direction)
    for node in order.unbind(-1):
        values = torch.cat([now, before], dim=-1)[..., : edges.shape[-1]]
        mask, coefficients = edges[each, node], weights[each, node]
        predicted = intercept[each, node].unsqueeze(-1) + (values @ coefficients.unsqueeze(-1)).squeeze(-1)
        residual = _orthogonal(direction[each, :, node], values, mask)
        scale = (units * variance[each, node]).sqrt() / residual.norm(dim=-1)
        now = now.clone()
        now[each, :, node] = predicted + scale.unsqueeze(-1) * residual
    return now


def _orthogonal(direction: Float[Tensor, "R n"], values: Float[Tensor, "R n k"], mask: Tensor) -> Float[Tensor, "R n"]:
    """The part of a direction that is orthogonal to 1 and to the values under the mask."""
    most = max(int(mask.sum(-1).max()), 1)
    index = mask.to(torch.int8).argsort(dim=-1, descending=True, stable=True)[..., :most]
    parents = values.gather(-1, index.unsqueeze(-2).expand(*values.shape[:-1], most)) * mask.gather(-1, index).unsqueeze(-2)
    parents = parents - parents.mean(-2, keepdim=True)
    result, precision = direction, torch.finfo(direction.dtype)
    rounding, least = max(1e-12, 64 * precision.eps), max(1e-300, precision.tiny)
    for _ in range(2):  # twice is enough (Kahan): the second pass removes the first one's rounding
        result = result - result.mean(-1, keepdim=True)
        basis, values_, _ = torch.linalg.svd(parents, full_matrices=False)
        kept = (values_ > rounding * values_[..., :1].clamp(min=least)).to(basis.dtype)
        inside = (basis.mT @ result.unsqueeze(-1)) * kept.unsqueeze(-1)
        result = result - (basis @ inside).squeeze(-1)
    return result
