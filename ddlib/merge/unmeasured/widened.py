"""Bounds of what was never measured together, with the sampling error of what was."""

from __future__ import annotations

import torch
from jaxtyping import Bool, Float
from torch import Tensor

from ddlib.merge.unmeasured.limits import LARGEST, limits_of

__all__ = ["widened"]

_FEWEST = 40
"""Draws below which a quantile of 2.5 % is the least draw itself."""


def widened(
    covariances: Float[Tensor, "S D D"],
    measured: Bool[Tensor, "D D"],
    functional: Float[Tensor, "k D D"],
    level: float = 0.95,
    largest: int = LARGEST,
) -> Float[Tensor, "k 2"]:
    r"""An interval for what was never measured: from a low quantile of the lower bound to a high quantile of the upper bound.

    The draws stand for what the measured entries may be, as draws of a fit's parameters do. With :math:`\alpha` = 1 − level, u the
    upper bounds of the draws (:func:`~ddlib.merge.unmeasured.limits.bounds`) and :math:`u(\bar\Sigma)` that of their mean, the
    upper end is

    .. math:: q_{1-\alpha/2}(u) + 2 \, \bigl(u(\bar\Sigma) - \bar u\bigr) ,

    and the lower end its mirror image. An upper bound is a concave function of the measured entries, so that sampling error draws
    it inward: the estimate from the truth, and the draws from the estimate once more; the second term, which is never negative,
    takes both back (with bounds of single blocks, also where several are solved together). The interval holds the truth with at
    least the stated probability wherever in the bounds the truth is: at one of them, it misses it in about :math:`\alpha/2` of the
    merges; inside, in fewer. With few patients for many variables it is as wide as that is uncertain.

    Args:
        covariances: S draws, each positive definite.
        measured: symmetric, true on the diagonal.
        functional: A for each functional.
        level: the probability.
        largest: see :func:`~ddlib.merge.unmeasured.limits.bounds`.

    Raises:
        ValueError: if there are fewer draws than 40, or if one of them is no covariance.

    >>> measured = torch.eye(2, dtype=torch.bool)
    >>> draws = torch.linspace(0.9, 1.1, 41, dtype=torch.float64).view(-1, 1, 1) * torch.eye(2, dtype=torch.float64)
    >>> covariance = torch.tensor([[[0.0, 0.5], [0.5, 0.0]]], dtype=torch.float64)
    >>> widened(draws, measured, covariance)  # the standard deviations' product, which is known to within 10 %
    tensor([[-1.0950,  1.0950]], dtype=torch.float64)
    """
    if covariances.dim() != 3 or len(covariances) < _FEWEST:
        raise ValueError(f"draws of shape {tuple(covariances.shape)} do not say how wide bounds must be; give at least {_FEWEST}")
    both = torch.cat([covariances.mean(0, keepdim=True), covariances])
    inward = limits_of(both, measured, functional, largest=0)
    shift = 2 * (inward[0] - inward[1:].mean(0))
    limits = limits_of(covariances, measured, functional, largest)
    tail = (1 - level) / 2
    ends = torch.stack([limits[..., 0].quantile(tail, dim=0), limits[..., 1].quantile(1 - tail, dim=0)], -1)
    return ends + shift
