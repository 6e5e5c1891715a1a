r"""Linear-Gaussian two-slice dynamic Bayesian networks (DBNs), many in one batch.

A trajectory has T slices of p variables. The first slice and every later one are

.. math::

    x_1 = b_1 + W_1 x_1 + e_1, \qquad x_t = b + W x_t + A x_{t-1} + e_t, \qquad e_1 \sim N(0, \operatorname{diag} v_1), \;
    e_t \sim N(0, \operatorname{diag} v),

with the intra-slice weights :math:`W_1, W` supported on directed acyclic graphs and the inter-slice weights :math:`A` on any set of
pairs. Matrices are indexed [child, parent].
"""

from __future__ import annotations

import math
from typing import NamedTuple

import torch
from jaxtyping import Bool, Float, Int
from torch import Tensor

__all__ = ["Dbn", "Gaussian", "Graph", "entropy", "joint", "select", "spectral_radius", "topological_order", "transition_map"]


class Graph(NamedTuple):
    """Which edges a DBN may have, as masks indexed [child, parent].

    Attributes:
        first: within the first slice.
        intra: within each later slice.
        inter: from one slice to the next.

    >>> edge = torch.tensor([[[False, False], [True, False]]])  # variable 0 is a parent of variable 1
    >>> Graph(first=edge, intra=edge, inter=torch.eye(2, dtype=torch.bool).unsqueeze(0)).inter.sum()
    tensor(2)
    """

    first: Bool[Tensor, "R p p"]
    intra: Bool[Tensor, "R p p"]
    inter: Bool[Tensor, "R p p"]


class Dbn(NamedTuple):
    """Parameters of linear-Gaussian DBNs, one per replicate; further axes may stand in front.

    Attributes:
        first_intercept, first_weights, first_variance: intercept, intra-slice weights and noise variance of the first slice.
        intercept, intra, inter, variance: intercept, intra- and inter-slice weights and noise variance of each transition.

    >>> zero, one = torch.zeros(1, 1, 1), torch.ones(1, 1, 1)
    >>> Dbn(zero[0], zero, one[0], zero[0], zero, 0.5 * one, 0.75 * one[0]).inter
    tensor([[[0.5000]]])
    """

    first_intercept: Float[Tensor, "*R p"]
    first_weights: Float[Tensor, "*R p p"]
    first_variance: Float[Tensor, "*R p"]
    intercept: Float[Tensor, "*R p"]
    intra: Float[Tensor, "*R p p"]
    inter: Float[Tensor, "*R p p"]
    variance: Float[Tensor, "*R p"]


class Gaussian(NamedTuple):
    """A joint Gaussian over trajectories, slices one after the other.

    Attributes:
        mean: entry (t − 1)·p + i belongs to variable i in slice t.
        covariance: in the same order.

    >>> Gaussian(torch.zeros(1, 4), torch.eye(4).unsqueeze(0)).covariance.shape
    torch.Size([1, 4, 4])
    """

    mean: Float[Tensor, "*R Tp"]
    covariance: Float[Tensor, "*R Tp Tp"]


def select(model: Dbn, replicates: Int[Tensor, " S"] | list[int]) -> Dbn:
    """The networks of some replicates.

    >>> zero = torch.zeros(3, 1, 1)
    >>> vector = zero[..., 0]
    >>> three = Dbn(vector, zero, vector, vector, zero, torch.arange(3.0).view(3, 1, 1), vector)
    >>> select(three, [0, 2]).inter.flatten()
    tensor([0., 2.])
    """
    return Dbn(*(part[replicates] for part in model))


def topological_order(mask: Bool[Tensor, "R p p"]) -> Int[Tensor, "R p"]:
    """Variables of each graph, parents before children.

    Raises:
        ValueError: if a graph has a directed cycle.

    >>> topological_order(torch.tensor([[[False, True], [False, False]]]))  # variable 1 is a parent of variable 0
    tensor([[1, 0]])
    """
    variables = mask.shape[-1]
    reach = mask.to(torch.float64)
    depth = torch.zeros(mask.shape[:-1], dtype=torch.float64, device=mask.device)
    walk = torch.ones_like(depth).unsqueeze(-1)
    for length in range(1, variables + 1):  # a variable's depth is the length of the longest path into it
        walk = (reach @ walk > 0).to(torch.float64)
        depth = torch.where(walk.squeeze(-1) > 0, float(length), depth)
    if bool((walk > 0).any()):
        raise ValueError("the intra-slice edges must form a directed acyclic graph, but they have a cycle")
    return depth.argsort(dim=-1, stable=True)


def transition_map(model: Dbn) -> tuple[Float[Tensor, "*R p p"], Float[Tensor, "*R p p"]]:
    r"""The reduced form of a transition: :math:`F = (I - W)^{-1} A` and :math:`H = (I - W)^{-1}`.

    >>> zero, one = torch.zeros(1, 1, 1), torch.ones(1, 1, 1)
    >>> transition_map(Dbn(zero[0], zero, one[0], zero[0], zero, 0.5 * one, 0.75 * one[0]))[0]
    tensor([[[0.5000]]])
    """
    identity = torch.eye(model.intra.shape[-1], dtype=model.intra.dtype, device=model.intra.device)
    total = _inverse(identity - model.intra)
    return total @ model.inter, total


def _inverse(matrix: Float[Tensor, "*R p p"]) -> Float[Tensor, "*R p p"]:
    """The inverse of I − W, which without cycles is never singular: no check of it, for which the CPU would wait for the device."""
    return torch.linalg.inv_ex(matrix).inverse


def spectral_radius(model: Dbn) -> Float[Tensor, "*R"]:
    r"""Largest modulus of an eigenvalue of :math:`(I - W)^{-1} A`: the process is stable where it is below one.

    >>> zero, one = torch.zeros(1, 1, 1), torch.ones(1, 1, 1)
    >>> spectral_radius(Dbn(zero[0], zero, one[0], zero[0], zero, 0.5 * one, 0.75 * one[0]))
    tensor([0.5000])
    """
    return torch.linalg.eigvals(transition_map(model)[0]).abs().amax(-1)


def joint(model: Dbn, slices: int) -> Gaussian:
    r"""The exact law of a trajectory.

    With :math:`F = (I-W)^{-1}A`, each slice is :math:`x_t = F x_{t-1} + (I-W)^{-1}(b + e_t)`; the rows of a square root of the
    covariance follow the same recursion.

    Args:
        model: the networks.
        slices: the number of slices T, at least 1.

    Raises:
        ValueError: if the number of slices is below one.

    >>> zero, one = torch.zeros(1, 1, 1), torch.ones(1, 1, 1)
    >>> joint(Dbn(zero[0], zero, one[0], zero[0], zero, 0.5 * one, 0.75 * one[0]), 3).covariance
    tensor([[[1.0000, 0.5000, 0.2500],
             [0.5000, 1.0000, 0.5000],
             [0.2500, 0.5000, 1.0000]]])
    """
    if slices < 1:
        raise ValueError(f"a trajectory needs at least 1 slice, but {slices} were asked for")
    identity = torch.eye(model.intra.shape[-1], dtype=model.intra.dtype, device=model.intra.device)
    first_total = _inverse(identity - model.first_weights)
    step, total = transition_map(model)
    mean = [(first_total @ model.first_intercept.unsqueeze(-1))]
    drift = total @ model.intercept.unsqueeze(-1)
    root = [first_total * model.first_variance.sqrt().unsqueeze(-2)]
    innovation = total * model.variance.sqrt().unsqueeze(-2)
    for _ in range(1, slices):
        mean.append(step @ mean[-1] + drift)
        root.append(torch.cat([step @ root[-1], innovation], dim=-1))
    width = root[-1].shape[-1]
    rows = [torch.nn.functional.pad(row, (0, width - row.shape[-1])) for row in root]
    square_root = torch.cat(rows, dim=-2)
    return Gaussian(torch.cat(mean, dim=-2).squeeze(-1), square_root @ square_root.mT)


def entropy(model: Dbn, slices: int) -> Float[Tensor, "*R"]:
    r"""Differential entropy of a trajectory in nats: minus the highest expected log-likelihood that any model can reach.

    .. math:: h = \tfrac{Tp}{2}\log 2\pi e + \tfrac12 \sum_i \log v_{1,i} + \tfrac{T-1}{2} \sum_i \log v_i .

    The intra-slice graphs are acyclic, so :math:`\det(I - W) = 1`.

    >>> zero, one = torch.zeros(1, 1, 1), torch.ones(1, 1, 1)
    >>> entropy(Dbn(zero[0], zero, one[0], zero[0], zero, 0.5 * one, 0.75 * one[0]), 2).round(decimals=4)
    tensor([2.6940])
    """
    variables = model.variance.shape[-1]
    constant = slices * variables * (1 + math.log(2 * math.pi))
    return 0.5 * (constant + model.first_variance.log().sum(-1) + (slices - 1) * model.variance.log().sum(-1))
