"""The fewest points that carry a mean and a covariance."""

from __future__ import annotations

import math

import torch
from jaxtyping import Float
from torch import Tensor


def carry(mean: Float[Tensor, "*R d"], covariance: Float[Tensor, "*R d d"]) -> Float[Tensor, "*R d+1 d"]:
    r"""d + 1 equally weighted points with exactly this mean and covariance (divisor d + 1); fewer have too small a rank.

    With :math:`LL^\top = \Sigma` and H of d orthonormal columns orthogonal to 1, the points are the rows of
    :math:`1\mu^\top + \sqrt{d+1}\, H L^\top`.

    Raises:
        ValueError: if the covariance is not positive definite.
    """
    dimension = mean.shape[-1]
    root, failed = torch.linalg.cholesky_ex(covariance)
    if bool((failed > 0).any()):
        raise ValueError("only a positive definite covariance can be carried by one point more than there are dimensions")
    # Helmert's contrasts: the columns of a regular simplex.
    j = torch.arange(1, dimension + 1, dtype=mean.dtype, device=mean.device)
    i = torch.arange(dimension + 1, device=mean.device).unsqueeze(-1)
    column = torch.arange(dimension, device=mean.device)
    contrast = torch.where(i <= column, 1.0, torch.where(i == column + 1, -j, 0.0)) / (j * (j + 1)).sqrt()
    return mean.unsqueeze(-2) + math.sqrt(dimension + 1) * contrast @ root.mT
