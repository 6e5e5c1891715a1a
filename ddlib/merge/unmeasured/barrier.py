r"""The greatest value of a linear functional over all completions, with a certificate: a semidefinite programme by its path.

For growing t, Newton's method maximises :math:`t \langle A, X \rangle + \log\det X` over the unmeasured entries F of X. At any X
on the way with Newton step :math:`\Delta` and :math:`K = X^{-1}`, the matrix :math:`Z = (K - K \Delta K) / t` has
:math:`Z_F = -A_F`; where it is positive semidefinite,

.. math:: \langle A, X' \rangle \le \langle A + Z, X' \rangle = \langle A + Z, \Sigma \rangle
    \qquad \text{for every completion } X' ,

since A + Z is zero on F: an outer bound whatever the accuracy of X, at a distance of about D / t from the inner one
(Vandenberghe and Boyd 1996).
"""

from __future__ import annotations

import torch
from jaxtyping import Bool, Float, Int
from torch import Tensor

_ACCURACY = 5e-4
"""Distance of the outer from the inner bound, in parts of that from the start's value, at which the path ends."""
_GROWTH, _STAGES, _STEPS, _CENTRED = 8.0, 14, 30, 0.3


def best_step(root: Float[Tensor, "*B d d"], step: Float[Tensor, "*B d d"], pull: Float[Tensor, "*B"]) -> Float[Tensor, "*B"]:
    r"""The s that maximises :math:`s\,c + \log\det(X + s \Delta)`, by bisection on its slope.

    Args:
        root: the Cholesky factor of X.
        step: :math:`\Delta`, along which the function rises.
        pull: c.
    """
    half = torch.linalg.solve_triangular(root, step, upper=False)
    values = torch.linalg.eigvalsh(torch.linalg.solve_triangular(root, half.mT, upper=False))
    end = torch.where(values[..., 0] < 0, -1 / values[..., 0], 10.0).clamp_max(10.0)
    low, high = torch.zeros_like(end), end * (1 - 1e-3)
    for _ in range(30):
        middle = (low + high) / 2
        rises = pull + (values / (1 + middle.unsqueeze(-1) * values)).sum(-1) > 0
        low, high = torch.where(rises, middle, low), torch.where(rises, high, middle)
    return (low + high) / 2


def certificates(
    start: Float[Tensor, "d d"], measured: Bool[Tensor, "d d"], functional: Float[Tensor, "B d d"]
) -> Float[Tensor, "B d d"]:
    r"""Positive semidefinite Z with A + Z zero at unmeasured entries, and :math:`\langle A + Z, \Sigma \rangle` the least there is.

    Args:
        start: a positive definite completion, best the one of maximum entropy.
        measured: its measured entries.
        functional: symmetric A, not zero at the unmeasured entries.
    """
    free = (~measured).triu(1).nonzero().unbind(-1)
    law = start.expand_as(functional)
    root = torch.linalg.cholesky(law)
    begin = (functional * law).sum((-2, -1))
    best, best_value = torch.zeros_like(functional), torch.full_like(begin, torch.inf)
    strength = 1 / newton_step(torch.cholesky_inverse(root), functional[:, free[0], free[1]], free)[1]
    for _ in range(_STAGES):
        law, dual = _centre(law, functional * strength.view(-1, 1, 1), free)
        found = _certified(dual / strength.view(-1, 1, 1), functional, free)
        value = ((functional + found) * start).sum((-2, -1))
        better = value < best_value
        best, best_value = torch.where(better.view(-1, 1, 1), found, best), torch.where(better, value, best_value)
        inner = (functional * law).sum((-2, -1))
        if bool((best_value - inner <= _ACCURACY * (best_value - begin)).all()) or not bool(better.any()):
            break
        strength = strength * _GROWTH
    return best


def newton_step(precision: Float[Tensor, "B d d"], slope: Float[Tensor, "B n"], free: tuple[Tensor, ...]) -> tuple[Tensor, Tensor]:
    """The Newton step on the free entries, and the length of it in the metric of the Hessian."""
    rows, columns = free
    first, second = precision[:, rows], precision[:, columns]
    hessian = first[:, :, rows] * second[:, :, columns] + first[:, :, columns] * second[:, :, rows]
    scale = hessian.diagonal(dim1=-2, dim2=-1).rsqrt()
    hessian *= scale.unsqueeze(-1) * scale.unsqueeze(-2)
    hessian.diagonal(dim1=-2, dim2=-1).add_(1e-13)
    root, failed = torch.linalg.cholesky_ex(hessian)
    step = scale * torch.cholesky_solve((scale * slope).unsqueeze(-1), root).squeeze(-1)
    step = torch.where((failed > 0).unsqueeze(-1), 0.0, step)  # singular to rounding: this path ends here
    return step, (2 * (slope * step).sum(-1)).clamp_min(0.0).sqrt()


def _centre(law: Tensor, pull: Float[Tensor, "B d d"], free: tuple[Int[Tensor, " n"], ...]) -> tuple[Tensor, Tensor]:
    r"""Maximise :math:`\langle tA, X \rangle + \log\det X`; the law that does, and the dual matrix t Z at it."""
    rows, columns = free
    target = pull[:, rows, columns]
    root = torch.linalg.cholesky(law)
    for _ in range(_STEPS):
        precision = torch.cholesky_inverse(root)
        values, length = newton_step(precision, target + precision[:, rows, columns], free)
        step = torch.zeros_like(law)
        step[:, rows, columns] = values
        step[:, columns, rows] = values
        dual = precision - precision @ step @ precision
        if bool((length < _CENTRED).all()):
            break
        along = best_step(root, step, (pull * step).sum((-2, -1)))
        further = law + along.view(-1, 1, 1) * step
        after, failed = torch.linalg.cholesky_ex(further)
        inside = (failed == 0).view(-1, 1, 1)  # but for rounding it is
        law, root = torch.where(inside, further, law), torch.where(inside, after, root)
    return law, dual


def _certified(
    dual: Float[Tensor, "B d d"], functional: Float[Tensor, "B d d"], free: tuple[Tensor, ...]
) -> Float[Tensor, "B d d"]:
    """Z, with rounding and what is left of indefiniteness made good on the diagonal."""
    rows, columns = free
    dual = (dual + dual.mT) / 2
    dual[:, rows, columns] = -functional[:, rows, columns]
    dual[:, columns, rows] = -functional[:, columns, rows]
    values = torch.linalg.eigvalsh(dual)
    missing = (-values[:, :1]).clamp_min(0.0) + 1e-13 * values[:, -1:].clamp_min(0.0)
    return dual + torch.diag_embed(missing.expand_as(values))
