r"""The completion of maximum entropy: independence, given everything else, of what was never measured together.

Among all positive definite matrices :math:`\Sigma` that agree with the given one on the measured entries, the one of greatest
determinant is unique, and its precision :math:`K = \Sigma^{-1}` is zero at every unmeasured entry (Dempster 1972). Where the graph
of what is measured together is chordal, as with a single unmeasured block a × b, it is a chain of regressions,

.. math:: \Sigma_{ab} = \Sigma_{aC} \Sigma_{CC}^{-1} \Sigma_{Cb} ,

in an order in which the earlier neighbours C of each group are all measured together (Lauritzen 1996, section 5.3). Otherwise
Newton's method climbs :math:`\log\det\Sigma` over the unmeasured entries F: the gradient is :math:`2 K_F`, the Hessian
:math:`\Delta \mapsto -2 (K \Delta K)_F`, its system is solved by conjugate gradients with
:math:`r \mapsto (\Sigma r \Sigma)_F` as preconditioner, by elimination where these do not get there and the entries are not too
many, and the length of the step is the best one along its line.
"""

from __future__ import annotations

from typing import NamedTuple

import torch
from jaxtyping import Bool, Float
from torch import Tensor

from ddlib.merge.unmeasured.barrier import best_step, newton_step
from ddlib.merge.unmeasured.pattern import Pattern, check, elimination_order, neighbours, pattern_of, residual_law, standardised

__all__ = ["Completion", "maximum_entropy"]

_STEPS, _INNER, _ELIMINATED = 100, 150, 1500
_PRECISE = 1e-10


class Completion(NamedTuple):
    """A covariance whose unmeasured entries are filled.

    Attributes:
        covariance: the completion, in the units given.
        residual: the greatest :math:`|K_{ij}| / \\sqrt{K_{ii} K_{jj}}` over the unmeasured entries, computed from this very
            covariance: the partial correlation that is left of zero.

    >>> maximum_entropy(torch.eye(2, dtype=torch.float64), torch.eye(2, dtype=torch.bool)).residual
    0.0
    """

    covariance: Float[Tensor, "D D"]
    residual: float


def maximum_entropy(covariance: Float[Tensor, "D D"], measured: Bool[Tensor, "D D"]) -> Completion:
    """The completion of greatest determinant.

    The residual is below 1e-8 unless the correlations are near singular: it is then as good as rounding allows, about 1e-16 times
    their condition number. Measured entries are returned as given, but for variances where a combination of variables is constant:
    these are raised by 1e-10 of themselves (:func:`~ddlib.merge.unmeasured.pattern.standardised`).

    Args:
        covariance: positive definite; its unmeasured entries only serve as a start.
        measured: symmetric, true on the diagonal.

    Raises:
        ValueError: if the covariance is not positive semidefinite, or the mask not as said.

    >>> covariance = torch.tensor([[1.0, 0.6, -0.2], [0.6, 1.0, 0.5], [-0.2, 0.5, 1.0]], dtype=torch.float64)
    >>> measured = torch.tensor([[True, True, False], [True, True, True], [False, True, True]])
    >>> maximum_entropy(covariance, measured).covariance[0, 2]  # 0.6 times 0.5
    tensor(0.3000, dtype=torch.float64)
    """
    if covariance.dim() != 2:
        raise ValueError(f"one covariance is completed at a time, not one of shape {tuple(covariance.shape)}")
    check(covariance, measured)
    standard = standardised(covariance)
    correlation, units = standard.covariance, torch.outer(standard.deviations, standard.deviations)
    pattern = pattern_of(measured)
    order = elimination_order(pattern.measured)
    filled = _chain(correlation, pattern, order) if order is not None else _climb(correlation, measured)
    filled = torch.where(measured, correlation, filled)
    kept = torch.where(measured, covariance, filled * units) + torch.diag(units.diagonal() * standard.raised.view(1))
    return Completion(kept, _residual_of(filled, measured))


def _residual_of(covariance: Float[Tensor, "D D"], measured: Bool[Tensor, "D D"]) -> float:
    """The greatest partial correlation, in size, of an unmeasured pair given all other variables."""
    precision = torch.cholesky_inverse(torch.linalg.cholesky(covariance))
    scale = precision.diagonal().rsqrt()
    return float((precision * torch.outer(scale, scale)).abs().masked_fill(measured, 0.0).max())


def _chain(correlation: Float[Tensor, "D D"], pattern: Pattern, order: list[int]) -> Float[Tensor, "D D"]:
    """Regress each group on its earlier neighbours; what else came earlier is independent of it given these."""
    filled = correlation.clone()
    for place, group in enumerate(order):
        before = neighbours(pattern.measured, group, order[:place])
        apart = [other for other in order[:place] if other not in before]
        if not apart:
            continue
        mine, given, others = pattern.groups[group], pattern.members(before), pattern.members(apart)
        root = torch.linalg.cholesky(filled[given][:, given])
        block = filled[mine][:, given] @ torch.cholesky_solve(filled[given][:, others], root)
        filled[mine.unsqueeze(-1), others], filled[others.unsqueeze(-1), mine] = block, block.mT
    return filled


def _climb(correlation: Float[Tensor, "D D"], measured: Bool[Tensor, "D D"]) -> Float[Tensor, "D D"]:
    """Newton's method on what is left once all that is measured with everything is regressed out."""
    left = residual_law(correlation, measured)
    free = (~measured[left.rest][:, left.rest]).to(correlation.dtype)
    units = torch.outer(left.scale, left.scale)
    filled = correlation.clone()
    filled[left.rest.unsqueeze(-1), left.rest] += units * (_ascend(left.correlation, free) - left.correlation)
    return filled


def _ascend(law: Float[Tensor, "d d"], free: Float[Tensor, "d d"]) -> Float[Tensor, "d d"]:
    best, least = law, float("inf")
    for _ in range(_STEPS):
        root, failed = torch.linalg.cholesky_ex(law)
        if bool(failed):
            break
        precision = torch.cholesky_inverse(root)
        scale = precision.diagonal().rsqrt()
        residual = float((precision * torch.outer(scale, scale) * free).abs().max())
        if residual < least:
            best, least = law, residual
        if residual < _PRECISE:
            break
        step = _direction(law, precision, free, min(0.1, residual))
        length = best_step(root, step, law.new_zeros(()))
        law = law + float(length) * step
    return best


def _direction(law: Tensor, precision: Tensor, free: Tensor, tolerance: float) -> Float[Tensor, "d d"]:
    r"""Solve :math:`(K \Delta K)_F = K_F` for :math:`\Delta` on the free entries; by elimination if gradients do not."""
    step, reached = _conjugate_gradients(law, precision, free, tolerance)
    rows, columns = free.triu(1).nonzero().unbind(-1)
    if reached or len(rows) > _ELIMINATED:
        return step
    values = newton_step(precision.unsqueeze(0), precision[rows, columns].unsqueeze(0), (rows, columns))[0][0]
    step = torch.zeros_like(law)
    step[rows, columns] = step[columns, rows] = values
    return step


def _conjugate_gradients(law: Tensor, precision: Tensor, free: Tensor, tolerance: float) -> tuple[Float[Tensor, "d d"], bool]:
    left = precision * free
    step, target = torch.zeros_like(law), tolerance * float(left.norm())
    towards = direction = free * (law @ left @ law)
    slope = (left * towards).sum()
    for _ in range(_INNER):
        image = free * (precision @ direction @ precision)
        length = slope / (direction * image).sum()
        step, left = step + length * direction, left - length * image
        if float(left.norm()) <= target:
            return step, True
        towards = free * (law @ left @ law)
        after = (left * towards).sum()
        direction, slope = towards + after / slope * direction, after
    return step, False
