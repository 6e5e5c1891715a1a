r"""Least absolute deviation (median regression), solved exactly, ties broken by least norm."""

from __future__ import annotations

import numpy as np
import torch
from jaxtyping import Float
from scipy.optimize import linprog, nnls
from torch import Tensor

from ddlib.learners.check import no_negative_weight
from ddlib.problem import Distilled

__all__ = ["absolute_objective", "least_absolute"]


def least_absolute(data: Distilled) -> Float[Tensor, "*R d"]:
    r"""Coefficients that minimise the summed absolute loss; of all minimisers, the one of least norm.

    .. math:: \theta = \arg\min_\theta \sum_i w_i |y_i - x_i^\top \theta|

    A linear program finds one minimiser and, by its dual, the face of all of them; the least-norm point of the face is a
    least-distance problem (Lawson and Hanson 1974, chapter 23). Not differentiable.

    Args:
        data: rows x of shape (*R, m, d), labels y of shape (*R, m), weights w of shape (*R, m).

    Raises:
        ValueError: if a value is not finite, a weight is negative, or the linear program has no solution.

    >>> data = Distilled(torch.ones(1, 3, 1), torch.tensor([[0.0, 1.0, 5.0]]), torch.ones(1, 3))
    >>> least_absolute(data).round(decimals=3)
    tensor([[1.]])
    """
    no_negative_weight(data)
    batch, d = data.w.shape[:-1], data.x.shape[-1]
    x, y, w = (part.detach().cpu().numpy() for part in (data.x, data.y, data.w))
    theta = np.empty((*batch, d))
    for index in np.ndindex(*batch):
        theta[index] = _solve(x[index], y[index], w[index])
    return torch.as_tensor(theta, dtype=data.x.dtype, device=data.x.device)


def absolute_objective(theta: Float[Tensor, "*R d"], data: Distilled) -> Float[Tensor, "*R"]:
    r""":math:`\sum_i w_i |y_i - x_i^\top \theta|`, one number per replicate.

    >>> data = Distilled(torch.ones(1, 3, 1), torch.tensor([[0.0, 1.0, 5.0]]), torch.ones(1, 3))
    >>> absolute_objective(torch.tensor([[1.0]]), data)
    tensor([5.])
    """
    return (data.w * (data.y - (data.x @ theta.unsqueeze(-1)).squeeze(-1)).abs()).sum(-1)


def _solve(x: np.ndarray, y: np.ndarray, w: np.ndarray) -> np.ndarray:
    """One replicate. Rows of weight zero say nothing and are left out."""
    if not all(np.isfinite(part).all() for part in (x, y, w)):
        raise ValueError("least absolute deviation needs finite data: drop or mend the rows that hold NaN or infinity")
    x, y, w = x[w > 0], y[w > 0], w[w > 0]
    m, d = x.shape
    if m == 0:
        return np.zeros(d)
    scale, w = np.abs(y).max() or 1.0, w / w.max()  # the solver's tolerances are absolute
    identity = np.eye(m)
    program = linprog(
        np.concatenate([np.zeros(d), w, w]),
        A_eq=np.hstack([x, identity, -identity]),
        b_eq=y / scale,
        bounds=[(None, None)] * d + [(0, None)] * (2 * m),
        method="highs",
    )
    if program.status != 0:
        raise ValueError(f"least absolute deviation has no solution on these {m} rows: {program.message}")
    dual = program.eqlin.marginals / w  # in [-1, 1]; strictly inside only where the residual is zero in every minimiser
    inside = np.abs(dual) < 1 - 1e-9
    return scale * _least_norm(x, y / scale, inside, np.sign(dual))


def _least_norm(x: np.ndarray, y: np.ndarray, inside: np.ndarray, sign: np.ndarray) -> np.ndarray:
    """min ‖θ‖ such that x θ = y on the rows inside, and sign · (y − x θ) ≥ 0 on the others."""
    d = x.shape[1]
    theta, null = np.zeros(d), np.eye(d)
    if inside.any():
        theta = np.linalg.lstsq(x[inside], y[inside], rcond=None)[0]
        singular, basis = np.linalg.svd(x[inside])[1:]
        null = basis[int((singular > 1e-10 * singular[0]).sum()) :].T
    outer = ~inside
    if null.shape[1] == 0 or not outer.any():
        return theta
    slack = sign[outer] * (y[outer] - x[outer] @ theta)
    if (slack >= -1e-12).all():
        return theta
    constraint = -sign[outer, None] * (x[outer] @ null)  # constraint · z ≥ −slack, with θ + null · z
    stacked = np.vstack([constraint.T, -slack])
    target = np.append(np.zeros(null.shape[1]), 1.0)
    residual = stacked @ nnls(stacked, target)[0] - target
    return theta - null @ (residual[:-1] / residual[-1])
