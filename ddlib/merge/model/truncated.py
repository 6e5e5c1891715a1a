r"""Mass, mean and variance of a normal value that is known to lie in an interval.

With :math:`\alpha \le \beta` the interval's ends in standard units and c its point nearest to zero, where the density is highest,

.. math:: \int_\alpha^\beta e^{-x^2/2}\, dx = e^{-c^2/2} \int e^{-u (u + 2c)/2}\, du, \qquad x = c + u,

by Gauss–Legendre's rule on the part of the interval where the integrand is above :math:`e^{-38}`. All terms are positive and the
moments are those of u: nothing cancels, neither in far tails, where formulas with :math:`\varphi/\Phi` lose the variance from 100
standard deviations on, nor in narrow intervals.
"""

from __future__ import annotations

import math
from typing import NamedTuple

import numpy as np
import torch
from jaxtyping import Float
from torch import Tensor

__all__ = ["truncated"]

_DEPTH = 38.0
"""The exponent below which the integrand is taken to be zero."""
_NODES = tuple(torch.from_numpy(part) for part in np.polynomial.legendre.leggauss(40))
"""Nodes and weights of the quadrature."""
_SLICE = 20_000
"""Intervals that are treated at once, so that the nodes stay in the cache."""


class Truncated(NamedTuple):
    """Moments of normal values in intervals.

    Attributes:
        log_mass: the logarithm of the probability of the interval.
        mean, variance: given that the value lies in it.
    """

    log_mass: Float[Tensor, " n"]
    mean: Float[Tensor, " n"]
    variance: Float[Tensor, " n"]


def truncated(
    mean: Float[Tensor, " n"], variance: Float[Tensor, " n"], lower: Float[Tensor, " n"], upper: Float[Tensor, " n"]
) -> Truncated:
    """Moments of normal values that lie between limits.

    Args:
        mean, variance: of the values, without the limits.
        lower, upper: the limits, the upper one above; may be infinite.

    >>> half = truncated(*torch.tensor([[0.0], [1.0], [0.0], [torch.inf]], dtype=torch.float64))
    >>> [round(float(part), 4) for part in half]  # log ½, √(2/π), 1 − 2/π
    [-0.6931, 0.7979, 0.3634]
    """
    parts = [_truncated(*part) for part in zip(*(all.split(_SLICE) for all in (mean, variance, lower, upper)), strict=True)]
    return Truncated(*(torch.cat(part) for part in zip(*parts, strict=True)))


def _truncated(mean: Tensor, variance: Tensor, lower: Tensor, upper: Tensor) -> tuple[Tensor, Tensor, Tensor]:
    spread = variance.sqrt()
    low, high = (lower - mean) / spread, (upper - mean) / spread
    near = torch.zeros_like(mean).maximum(low).minimum(high)
    reach = 2 * _DEPTH / (near.abs() + (near.square() + 2 * _DEPTH).sqrt())
    begin, end = (low - near).maximum(-reach), (high - near).minimum(reach)
    half, middle = 0.5 * (end - begin), 0.5 * (begin + end)
    nodes, weights = _NODES
    powers = torch.stack([torch.ones_like(nodes), nodes, nodes.square()])
    exponent = torch.stack([-0.5 * middle * (middle + 2 * near), -half * (middle + near), -0.5 * half.square()], dim=-1)
    mass, first, second = ((exponent @ powers).exp_() @ (weights * powers).mT).unbind(-1)
    first = first / mass
    log_mass = (half * mass).log() - 0.5 * (near.square() + math.log(2 * math.pi))
    return log_mass, mean + spread * (near + middle + half * first), variance * half.square() * (second / mass - first.square())
