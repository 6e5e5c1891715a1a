r"""What a network is asked to satisfy: values and equations at points, as one weighted sum of squares."""

from __future__ import annotations

from typing import NamedTuple

import torch
from jaxtyping import Float
from torch import Tensor

from ddlib.pinn.learners.jets import propagate
from ddlib.pinn.learners.networks import TanhNetwork
from ddlib.pinn.problems.problem import Problem
from ddlib.problem import Distilled

__all__ = ["Equations", "equations", "loss"]


class Equations(NamedTuple):
    r"""A weighted sum of squares, :math:`J = \sum_i a_i (u(z_i) - y_i)^2 + \sum_{i \le k} b_i\, r(z_i)^2`, one per network.

    Attributes:
        points: the units z, shape (N, n, d); the first k of them carry residuals.
        values: y, shape (N, n).
        value_weights: a, shape (N, n).
        residual_weights: b, shape (N, k).

    >>> asked = equations(Distilled(torch.zeros(1, 4, 2), torch.zeros(1, 4), torch.ones(1, 4)), at_set=0.1)
    >>> asked.value_weights, asked.residual_weights
    (tensor([[0.2500, 0.2500, 0.2500, 0.2500]]), tensor([[0.0250, 0.0250, 0.0250, 0.0250]]))
    """

    points: Float[Tensor, "*N n d"]
    values: Float[Tensor, "*N n"]
    value_weights: Float[Tensor, "*N n"]
    residual_weights: Float[Tensor, "*N k"]


def equations(
    data: Distilled,
    at_set: float = 0.0,
    interior: Float[Tensor, "*N k d"] | None = None,
    boundary: Distilled | None = None,
    residual: float = 1.0,
    mismatch: float = 1.0,
) -> Equations:
    """Mean squared errors of data, residual and boundary values, weighted and added up.

    Args:
        data: rows whose labels are to be met; their weights are normalised.
        at_set: the weight of the mean squared residual at the data's own units, which are weighted as the labels are.
        interior: points at which the equation is asked for; leading axes broadcast against the data's.
        boundary: boundary units with their values.
        residual: the weight of the mean squared residual in the interior.
        mismatch: the weight of the mean squared boundary mismatch.

    >>> data = Distilled(torch.zeros(1, 4, 2), torch.zeros(1, 4), torch.ones(1, 4))
    >>> equations(data, interior=torch.zeros(1, 3, 2)).points.shape
    torch.Size([1, 7, 2])
    """
    batch = data.w.shape[:-1]
    share = data.w / data.w.sum(-1, keepdim=True)
    points, values, a, b = [data.x.expand(*batch, -1, -1)], [data.y], [share], []
    if interior is not None and interior.shape[-2] > 0 and residual > 0:
        many = (*batch, interior.shape[-2])
        points.insert(0, interior.expand(*many, -1))
        values.insert(0, data.y.new_zeros(()).expand(many))
        a.insert(0, data.y.new_zeros(()).expand(many))
        b.append(data.y.new_full((), residual / interior.shape[-2]).expand(many))
    if at_set > 0:
        b.append(at_set * share)
    if boundary is not None and boundary.budget > 0 and mismatch > 0:
        many = (*batch, boundary.budget)
        points.append(boundary.x.expand(*many, -1))
        values.append(boundary.y.expand(many))
        a.append((mismatch * boundary.w / boundary.w.sum(-1, keepdim=True)).expand(many))
    weights = torch.cat(b, -1) if b else share[..., :0]
    return Equations(torch.cat(points, -2), torch.cat(values, -1), torch.cat(a, -1), weights)


def loss(network: TanhNetwork, problem: Problem | None, theta: Float[Tensor, "*N P"], asked: Equations) -> Float[Tensor, "*N"]:
    """The weighted sum of squares of each network, differentiable any number of times.

    Raises:
        ValueError: if residuals are asked for but there is no problem.

    >>> network, data = TanhNetwork((4,)), Distilled(torch.zeros(1, 4, 2), torch.ones(1, 4), torch.ones(1, 4))
    >>> nothing = torch.zeros(1, network.parameters(2))  # a network that says zero everywhere
    >>> loss(network, None, nothing, equations(data))
    tensor([1.])
    """
    k = asked.residual_weights.shape[-1]
    needs_problem(problem, k)
    u = propagate(network, theta, asked.points, k, problem is not None and problem.timed)
    total = (asked.value_weights * (u.u - asked.values).square()).sum(-1)
    if k and problem is not None:
        r = problem.residual_at(u._replace(u=u.u[..., :k]), asked.points[..., :k, :])
        total = total + (asked.residual_weights * r.square()).sum(-1)
    return total


def one_axis(asked: Equations, theta: Float[Tensor, "*N P"]) -> tuple[Equations, Float[Tensor, "M P"], torch.Size]:
    """Systems and networks with one leading axis in place of all that they have together, and the shape of these."""
    batch = torch.broadcast_shapes(theta.shape[:-1], asked.values.shape[:-1])
    own, count = asked.values.ndim - 1, batch.numel()  # own: where the axes of one network begin
    flat = Equations(*(part.expand(*batch, *part.shape[own:]).reshape(count, *part.shape[own:]) for part in asked))
    return flat, theta.expand(*batch, -1).reshape(count, -1), batch


def needs_problem(problem: Problem | None, k: int) -> None:
    """Raise a ValueError if residuals are asked for, at k points, but no problem is given."""
    if k and problem is None:
        raise ValueError("residuals are asked for, but no problem is given: name the problem, or set their weights to zero")
