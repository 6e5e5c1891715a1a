"""Bounds of what was never measured together, with the sampling error of what was."""

from __future__ import annotations

import torch
from jaxtyping import Bool, Float
from torch import Tensor

from ddlib.merge.unmeasured.limits import LARGEST, limits_of

__all__ = ["widened"]

_FEWEST = 40
"""Draws below which their standard deviation is not known."""


def widened(
    estimate: Float[Tensor, "D D"],
    draws: Float[Tensor, "S D D"],
    measured: Bool[Tensor, "D D"],
    functional: Float[Tensor, "k D D"],
    level: float = 0.95,
    largest: int = LARGEST,
) -> Float[Tensor, "k 2"]:
    r"""An interval that holds what was never measured with the stated probability.

    The draws :math:`\Sigma_1, \dots, \Sigma_S` stand for what the measured entries may be, as draws of a fit's parameters do. With
    u the upper bound (:func:`~ddlib.merge.unmeasured.limits.bounds`) and s the standard deviation of :math:`u(\Sigma_i)`, the upper
    end is

    .. math:: u(\hat\Sigma) + \bigl(u(\bar\Sigma) - \overline{u(\Sigma_i)}\bigr) + c\,s ,

    and the lower end its mirror image. An upper bound is a concave function of the measured entries, so that sampling error draws
    the estimate's inward; by how much, the draws say, whose mean is drawn inward likewise: the second term, which is never
    negative, takes it back. It is computed with bounds of single blocks, also where several are solved together.

    The unknown value may be at one end or at the other, not at both: c is the smallest with
    :math:`\Phi(c + \Delta / s) - \Phi(-c)` at the level, where :math:`\Delta` is how far apart the bounds are and s the larger of
    the two (Imbens and Manski, Confidence intervals for partially identified parameters, Econometrica 72 (2004) 1845–1857). That
    is 1.64 for 95 % if the bounds are far apart, 1.96 if they meet. A value at a bound is missed in five of a hundred merges, one
    inside in fewer.

    Args:
        estimate: positive definite.
        draws: S draws, each positive definite.
        measured: symmetric, true on the diagonal.
        functional: A for each functional.
        level: the probability.
        largest: see :func:`~ddlib.merge.unmeasured.limits.bounds`.

    Raises:
        ValueError: if there are fewer draws than 40, or if one of them is no covariance.

    >>> measured = torch.eye(2, dtype=torch.bool)
    >>> draws = torch.linspace(0.9, 1.1, 41, dtype=torch.float64).view(-1, 1, 1) * torch.eye(2, dtype=torch.float64)
    >>> covariance = torch.tensor([[[0.0, 0.5], [0.5, 0.0]]], dtype=torch.float64)
    >>> widened(draws.mean(0), draws, measured, covariance)  # the standard deviations' product, known to within 6 %
    tensor([[-1.0985,  1.0985]], dtype=torch.float64)
    """
    if draws.dim() != 3 or len(draws) < _FEWEST:
        raise ValueError(f"draws of shape {tuple(draws.shape)} do not say how wide bounds must be; give at least {_FEWEST}")
    laws = torch.cat([torch.stack([estimate, draws.mean(0)]), draws])
    single, tightest = limits_of(laws, measured, functional, largest)
    ends, errors = tightest[0] + single[1] - single[2:].mean(0), tightest[2:].std(0)
    return ends + errors * torch.tensor([-1.0, 1.0]) * _factor(ends[:, 1] - ends[:, 0], errors.amax(-1), level).unsqueeze(-1)


def _factor(apart: Float[Tensor, " k"], error: Float[Tensor, " k"], level: float) -> Float[Tensor, " k"]:
    """Imbens and Manski's c, by bisection."""
    ratio = apart / error.clamp_min(torch.finfo(error.dtype).tiny)
    low, high = torch.zeros_like(ratio), torch.full_like(ratio, 10.0)
    for _ in range(50):
        middle = (low + high) / 2
        enough = torch.special.ndtr(middle + ratio) - torch.special.ndtr(-middle) > level
        low, high = torch.where(enough, low, middle), torch.where(enough, middle, high)
    return high
