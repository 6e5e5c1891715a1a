r"""L2-penalised logistic regression by Newton's method."""

from __future__ import annotations

import torch
from jaxtyping import Float
from torch import Tensor
from torch.nn.functional import logsigmoid

from ddlib.learners.check import no_negative_weight, positive_penalty
from ddlib.problem import Distilled

__all__ = ["logistic", "logistic_objective"]


def logistic(data: Distilled, penalty: float, tolerance: float = 4096, steps: int = 100) -> Float[Tensor, "*R d"]:
    r"""Coefficients that minimise the summed, penalised logistic loss; no intercept.

    .. math:: \theta = \arg\min_\theta \sum_i w_i \log\bigl(1 + e^{-y_i x_i^\top \theta}\bigr) + \tfrac{\lambda}{2} \|\theta\|^2

    Newton's method with step halving, all replicates at once. Differentiable in the data: only the last Newton step carries the
    gradient, which at the optimum is that of the implicit function theorem.

    Args:
        data: rows x of shape (*R, m, d), labels y = ±1 of shape (*R, m), weights w of shape (*R, m).
        penalty: :math:`\lambda > 0`.
        tolerance: of the gradient's norm, relative to the weighted rows' norms, in rounding errors of the data's type.
        steps: the most Newton steps.

    Raises:
        ValueError: if the penalty is not positive, a weight is negative, or Newton's method does not converge.

    >>> data = Distilled(torch.tensor([[[1.0], [-1.0]]]), torch.tensor([[1.0, -1.0]]), torch.ones(1, 2))
    >>> bool(logistic(data, penalty=1.0) > 0)
    True
    """
    positive_penalty(penalty)
    no_negative_weight(data)
    fixed = Distilled(*(part.detach() for part in data))
    theta = fixed.x.new_zeros(*fixed.w.shape[:-1], fixed.x.shape[-1])
    enough = tolerance * torch.finfo(theta.dtype).eps * (penalty + (fixed.w * fixed.x.norm(dim=-1)).sum(-1))
    for _ in range(steps):
        step, gradient = _newton(theta, fixed, penalty)
        if bool((gradient.norm(dim=-1) <= enough).all()):
            return theta - _newton(theta, data, penalty)[0]
        theta = theta - _halved(theta, step, fixed, penalty) * step
    raise ValueError(f"logistic regression did not converge in {steps} Newton steps: drop or mend rows that hold NaN or infinity")


def logistic_objective(theta: Float[Tensor, "*R d"], data: Distilled, penalty: float) -> Float[Tensor, "*R"]:
    r""":math:`\sum_i w_i \log(1 + e^{-y_i x_i^\top\theta}) + \tfrac\lambda2\|\theta\|^2`, one number per replicate.

    >>> data = Distilled(torch.tensor([[[1.0], [-1.0]]]), torch.tensor([[1.0, -1.0]]), torch.ones(1, 2))
    >>> logistic_objective(torch.zeros(1, 1), data, penalty=1.0)
    tensor([1.3863])
    """
    margin = data.y * (data.x @ theta.unsqueeze(-1)).squeeze(-1)
    return -(data.w * logsigmoid(margin)).sum(-1) + penalty / 2 * (theta**2).sum(-1)


def _newton(theta: Tensor, data: Distilled, penalty: float) -> tuple[Tensor, Tensor]:
    """Newton's step (to be subtracted) and the gradient, each of shape (*R, d)."""
    miss = torch.sigmoid(-data.y * (data.x @ theta.unsqueeze(-1)).squeeze(-1))
    gradient = penalty * theta - (data.x.mT @ (data.w * data.y * miss).unsqueeze(-1)).squeeze(-1)
    curvature = (data.w * miss * (1 - miss)).unsqueeze(-1)
    hessian = data.x.mT @ (curvature * data.x) + penalty * torch.eye(theta.shape[-1], dtype=theta.dtype, device=theta.device)
    return torch.linalg.solve(hessian, gradient.unsqueeze(-1)).squeeze(-1), gradient


def _halved(theta: Tensor, step: Tensor, data: Distilled, penalty: float) -> Tensor:
    """Per replicate, the largest of 1, 1/2, 1/4 … that does not raise the objective."""
    before = logistic_objective(theta, data, penalty)
    allowed = before + 64 * torch.finfo(before.dtype).eps * before.abs()
    size = torch.ones_like(before).unsqueeze(-1)
    for _ in range(40):
        worse = logistic_objective(theta - size * step, data, penalty) > allowed
        if not bool(worse.any()):
            break
        size = torch.where(worse.unsqueeze(-1), size / 2, size)
    return size
