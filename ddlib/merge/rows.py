r"""Synthetic patients: complete trajectories with exactly the mean and the covariances of the merged estimate.

The first visit is :math:`\mu_1 + L_1 z_1`, each later one :math:`c + F x_{t-1} + L_Q z_t`, with factors :math:`L_1, L_Q` of the
covariances. Over n patients let the columns of all :math:`z_t` have mean zero and unit variance and be uncorrelated among
themselves and with the visits before. Then

- with n ≥ T·p + 1 patients the mean and the *whole* covariance of the trajectories are the estimate's;
- with n ≥ 2p + 1 patients it holds for :math:`z_t` and :math:`x_{t-1}` only, and still the mean and covariance of each visit and of
  each pair of successive visits are the estimate's. Fewer patients cannot do this: a sample covariance of 2p variables has at most
  rank n − 1;
- with fewer patients the mean and the variances are kept, and correlations are those of a random draw.

Where there is a choice, directions are random and normal, so that the patients scatter as patients do.
"""

from __future__ import annotations

from typing import NamedTuple

import torch
from jaxtyping import Float
from torch import Tensor

from ddlib.dbn.model.network import Dbn, Gaussian, joint

__all__ = ["patients_needed"]


class Needed(NamedTuple):
    """How many synthetic patients carry what.

    Attributes:
        pairs: mean and covariance of each visit and of each pair of successive visits.
        everything: mean and covariance of whole trajectories.
    """

    pairs: int
    everything: int


def patients_needed(variables: int, visits: int) -> Needed:
    """How many patients carry the covariances of successive visits, and all covariances.

    >>> patients_needed(variables=20, visits=5)
    Needed(pairs=41, everything=101)
    """
    return Needed(2 * variables + 1, visits * variables + 1)


def synthetic_patients(model: Dbn, number: int, visits: int, generator: torch.Generator) -> Float[Tensor, "n T p"]:
    """Complete trajectories that carry a network's law as far as their number allows.

    Args:
        model: the network, with a replicate axis of length one.
        number: how many patients n.
        visits: the number of visits T.
        generator: the source of the random directions.

    Raises:
        ValueError: if the number is below one.
    """
    if number < 1:
        raise ValueError(f"the number of synthetic patients must be at least 1, but it is {number}")
    variables = model.variance.shape[-1]
    law = joint(model, visits)
    noise = torch.randn(number, visits, variables, dtype=law.mean.dtype, generator=generator)
    needed = patients_needed(variables, visits)
    if number < needed.pairs:
        return _drawn(law, noise)
    identity = torch.eye(variables, dtype=law.mean.dtype)
    first = torch.linalg.inv(identity - model.first_weights[0]) * model.first_variance[0].sqrt()
    later = torch.linalg.inv(identity - model.intra[0])
    step, innovation = later @ model.inter[0], later * model.variance[0].sqrt()
    mean = law.mean[0].view(visits, variables)
    past = [_whitened(noise[:, 0], noise.new_ones(number, 1))]
    deviation = [past[0] @ first.mT]
    for t in range(1, visits):
        # All earlier directions where there is room for them, else those that span the visit before.
        kept = past if number >= needed.everything else [_whitened(deviation[-1], noise.new_ones(number, 1))]
        fresh = _whitened(noise[:, t], torch.cat([noise.new_ones(number, 1), *kept], dim=-1))
        past.append(fresh)
        deviation.append(deviation[-1] @ step.mT + fresh @ innovation.mT)
    return mean + torch.stack(deviation, dim=1)


def _whitened(directions: Float[Tensor, "n p"], against: Float[Tensor, "n k"]) -> Float[Tensor, "n p"]:
    """Columns of unit variance, uncorrelated, spanning what the directions have orthogonal to ``against`` (which includes 1)."""
    basis, _ = torch.linalg.qr(against)
    for _ in range(2):  # twice is enough (Kahan): the second pass removes the first one's rounding
        directions = directions - basis @ (basis.mT @ directions)
        directions, triangle = torch.linalg.qr(directions)
        directions = directions * torch.where(triangle.diagonal() < 0, -1.0, 1.0)
    return directions * len(directions) ** 0.5


def _drawn(law: Gaussian, noise: Float[Tensor, "n T p"]) -> Float[Tensor, "n T p"]:
    """A random draw with the means exact and, from two patients, the variances too."""
    draw = noise.flatten(1) @ torch.linalg.cholesky(law.covariance[0]).mT
    draw = draw - draw.mean(0)
    if len(draw) > 1:
        draw = draw * (law.covariance[0].diagonal() / (draw**2).mean(0)).sqrt()
    return (law.mean[0] + draw).view(noise.shape)


def deviation(patients: Float[Tensor, "n T p"], law: Gaussian) -> dict[str, float]:
    """How far the patients' moments are from a law's, in units of its standard deviations: the largest differences.

    Args:
        patients: complete trajectories.
        law: with a replicate axis of length one.

    Returns:
        The largest difference of a mean, of a covariance within a visit or between successive visits, and of any covariance.
    """
    number, visits, variables = patients.shape
    scale = law.covariance[0].diagonal().sqrt()
    standard = (patients.flatten(1) - law.mean[0]) / scale
    mean = standard.mean(0)
    centred = standard - mean
    off = (centred.mT @ centred / number - law.covariance[0] / torch.outer(scale, scale)).abs()
    blocks = off.view(visits, variables, visits, variables)
    near = [blocks[t, :, s].max() for t in range(visits) for s in range(max(0, t - 1), t + 1)]
    return {"means": float(mean.abs().max()), "successive_visits": float(torch.stack(near).max()), "everything": float(off.max())}
