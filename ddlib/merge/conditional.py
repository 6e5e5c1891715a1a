r"""A patient's missing entries given the measured ones, under a normal law.

With y the measured entries o, :math:`C_{oo}` their covariance and D the variance of their noise, a draw of the whole patient is
that of any patient z whose own measurements are moved to y (Hoffman and Ribak 1991):

.. math:: x = z + C_{\cdot o} (C_{oo} + D)^{-1} (y - z_o - \epsilon), \qquad z \sim N(\mu, C), \quad \epsilon \sim N(0, D) .
"""

from __future__ import annotations

import torch
from jaxtyping import Bool, Float
from torch import Tensor

from ddlib.dbn.model.network import Gaussian
from ddlib.merge.streams import Streams

_CHUNK = 4_000_000
"""Numbers that the factors of one chunk of patients may have (32 MB)."""
_USE = 1_000_000
"""Of random numbers, apart from what latent values are drawn with."""


def drawn_patients(
    values: Float[Tensor, "n E"], law: Gaussian, noise: Float[Tensor, " E"], streams: Streams
) -> Float[Tensor, "n E"]:
    """The patients with their missing entries drawn, as they would have been measured: noise included.

    Args:
        values: measurements, not-a-number where missing; they are returned as they are.
        law: mean (E,) and covariance (E, E).
        noise: variance of the measurement noise of each entry.
        streams: each patient's random numbers.

    Raises:
        torch.linalg.LinAlgError: if the law is singular.
    """

    patient, error, fresh = (streams.normal(_USE + k, len(noise)).to(values.dtype) for k in range(3))
    seen = ~values.isnan()
    patient = law.mean + patient @ torch.linalg.cholesky(law.covariance).mT
    off = torch.where(seen, values - patient - noise.sqrt() * error, 0.0)
    patient = patient + solved(off, seen, law.covariance, noise) @ law.covariance
    return torch.where(seen, values, patient + noise.sqrt() * fresh)


def solved(
    right: Float[Tensor, "n E"], seen: Bool[Tensor, "n E"], covariance: Float[Tensor, "E E"], noise: Float[Tensor, " E"]
) -> Float[Tensor, "n E"]:
    """The covariance of what was measured of each patient, noise included, divides a vector; zero at missing entries.

    Patients with one pattern of missing entries share a factor.
    """
    patterns, belongs = torch.unique(seen, dim=0, return_inverse=True)
    order = belongs.argsort()
    found = torch.zeros_like(right)
    identity = torch.eye(len(noise), dtype=right.dtype)
    for rows in order.split(max(1, _CHUNK // len(noise) ** 2)):
        kinds, place = belongs[rows].unique_consecutive(return_inverse=True)
        both = patterns[kinds].unsqueeze(-1) & patterns[kinds].unsqueeze(-2)
        root = torch.linalg.cholesky(torch.where(both, covariance + torch.diag(noise), identity))
        found[rows] = torch.cholesky_solve(right[rows].unsqueeze(-1), root[place]).squeeze(-1)
    return torch.where(seen, found, 0.0)


def expectation(values: Float[Tensor, "n E"], law: Gaussian, noise: Float[Tensor, " E"]) -> Float[Tensor, "n E"]:
    """Expectation of each patient's entries, without noise, given what was measured of the patient."""
    seen = ~values.isnan()
    off = torch.where(seen, values - law.mean, 0.0)
    return law.mean + solved(off, seen, law.covariance, noise) @ law.covariance


def unexplained(seen: Bool[Tensor, "n E"], law: Gaussian, noise: Float[Tensor, " E"]) -> Float[Tensor, "n E"]:
    """Variance of each patient's entries, without noise, given which of them were measured."""
    patterns, belongs = torch.unique(seen, dim=0, return_inverse=True)
    left = []
    for pattern in patterns:
        root = torch.linalg.cholesky(law.covariance[pattern][:, pattern] + torch.diag(noise[pattern]))
        white = torch.linalg.solve_triangular(root, law.covariance[pattern], upper=False)
        left.append(law.covariance.diagonal() - white.square().sum(0))
    return torch.stack(left)[belongs].clamp(min=0)
