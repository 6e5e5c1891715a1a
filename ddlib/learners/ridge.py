r"""Ordinary and ridge regression in closed form."""

from __future__ import annotations

import torch
from jaxtyping import Float
from torch import Tensor

from ddlib.learners.check import no_negative_weight, penalty_or_none
from ddlib.problem import Distilled

__all__ = ["ridge", "ridge_objective"]


def ridge(data: Distilled, penalty: float) -> Float[Tensor, "*R d"]:
    r"""Coefficients that minimise the summed, penalised squared loss.

    .. math:: \theta = \arg\min_\theta \sum_i w_i (y_i - x_i^\top \theta)^2 + \lambda \|\theta\|^2

    With :math:`\lambda = 0` this is ordinary least squares: of all minimisers, the one of least norm. Differentiable in the data.

    Args:
        data: rows x of shape (*R, m, d), labels y of shape (*R, m), weights w of shape (*R, m).
        penalty: :math:`\lambda \ge 0`, in units of a sum of squares, not of a mean.

    Raises:
        ValueError: if the penalty is negative or not finite, or a weight is negative.

    >>> data = Distilled(torch.eye(2).unsqueeze(0), torch.tensor([[1.0, 3.0]]), torch.ones(1, 2))
    >>> ridge(data, penalty=1.0)
    tensor([[0.5000, 1.5000]])
    """
    penalty_or_none(penalty)
    no_negative_weight(data)
    root = data.w.sqrt()
    x, y = data.x * root.unsqueeze(-1), data.y * root
    if penalty == 0:
        return (torch.linalg.pinv(x) @ y.unsqueeze(-1)).squeeze(-1)
    m, d = x.shape[-2:]
    eye = penalty * torch.eye(min(m, d), dtype=x.dtype, device=x.device)
    if m < d:  # the dual form is smaller, and exact where the primal one would be ill-conditioned
        return (x.mT @ torch.linalg.solve(x @ x.mT + eye, y.unsqueeze(-1))).squeeze(-1)
    return torch.linalg.solve(x.mT @ x + eye, x.mT @ y.unsqueeze(-1)).squeeze(-1)


def ridge_objective(theta: Float[Tensor, "*R d"], data: Distilled, penalty: float) -> Float[Tensor, "*R"]:
    r""":math:`\sum_i w_i (y_i - x_i^\top \theta)^2 + \lambda \|\theta\|^2`, one number per replicate.

    >>> data = Distilled(torch.eye(2).unsqueeze(0), torch.tensor([[1.0, 3.0]]), torch.ones(1, 2))
    >>> ridge_objective(torch.tensor([[1.0, 2.0]]), data, penalty=1.0)
    tensor([6.])
    """
    residual = data.y - (data.x @ theta.unsqueeze(-1)).squeeze(-1)
    return (data.w * residual**2).sum(-1) + penalty * (theta**2).sum(-1)
