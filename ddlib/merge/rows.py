r"""Synthetic patients: complete trajectories with exactly the mean and the covariances of the merged estimate.

Static columns come first, then one visit after the other: visit t is its regression on the static columns and on the w visits
before, plus :math:`L_t z_t` with a factor of what that leaves. Over n patients let the columns of all :math:`z_t` have mean zero
and unit variance and be uncorrelated among themselves and with what the regression is on. Then

- with n ≥ T·p + q + 1 patients w can be all visits before, and the mean and the *whole* covariance are the estimate's;
- with n ≥ (w + 1)·p + q + 1 patients the mean and the covariance of each visit with the static columns and with the w visits before
  are the estimate's. Fewer patients cannot do this: a sample covariance has at most rank n − 1;
- with fewer than 2p + q + 1 patients the mean and the variances are kept, and correlations are those of a random draw.

Where there is a choice, directions are random and normal, so that the patients scatter as patients do.
"""

from __future__ import annotations

from typing import NamedTuple

import torch
from jaxtyping import Float
from torch import Tensor

from ddlib.dbn.model.network import Gaussian

__all__ = ["deviation", "patients_needed", "synthetic_patients"]


class Needed(NamedTuple):
    """How many synthetic patients carry what.

    Attributes:
        pairs: mean and covariance of each visit and of each pair of successive visits.
        everything: mean and covariance of whole trajectories.
    """

    pairs: int
    everything: int


def patients_needed(variables: int, visits: int, fixed: int = 0) -> Needed:
    """How many patients carry the covariances of successive visits, and all covariances.

    >>> patients_needed(variables=20, visits=5)
    Needed(pairs=41, everything=101)
    """
    return Needed(min(2, visits) * variables + fixed + 1, visits * variables + fixed + 1)


def synthetic_patients(law: Gaussian, number: int, visits: int, fixed: int, generator: torch.Generator) -> Float[Tensor, "n D"]:
    """Complete patients that carry a law as far as their number allows.

    Args:
        law: mean (D,) and covariance (D, D) of a patient: visits one after the other, then the static columns.
        number: how many patients n.
        visits: the number of visits T.
        fixed: the number of static columns q.
        generator: the source of the random directions.

    Raises:
        ValueError: if the number is below one.

    >>> law = Gaussian(torch.zeros(2), torch.eye(2))
    >>> patients = synthetic_patients(law, 5, visits=2, fixed=0, generator=torch.Generator().manual_seed(0))
    >>> patients.shape, bool(torch.allclose(patients.mT @ patients / 5, law.covariance, atol=1e-5))
    (torch.Size([5, 2]), True)
    """
    if number < 1:
        raise ValueError(f"the number of synthetic patients must be at least 1, but it is {number}")
    size = len(law.mean)
    variables = (size - fixed) // visits
    noise = torch.randn(number, size, dtype=law.mean.dtype, generator=generator)
    if number < patients_needed(variables, visits, fixed).pairs:
        return _drawn(law, noise)
    window = (number - 1 - fixed) // variables - 1  # visits before that there is room for
    entries = torch.arange(size)
    static = entries[size - fixed :]
    blocks = [*([static] if fixed else []), *entries[: size - fixed].split(variables)]
    patients = torch.zeros_like(noise)
    for place, block in enumerate(blocks):
        before = blocks[max(0, place - window) : place]
        known = torch.cat([static[:0], *before, *([static] if fixed and place > window else [])])
        patients[:, block] = _next(law.covariance, patients[:, known], known, block, noise[:, block])
    return law.mean + patients


def _next(covariance: Tensor, past: Float[Tensor, "n k"], known: Tensor, block: Tensor, noise: Float[Tensor, "n p"]) -> Tensor:
    """A block of entries given what came before: regression plus fresh directions."""
    inner = covariance[block][:, block]
    mean = torch.zeros_like(noise)
    if len(known):
        root = torch.linalg.cholesky(covariance[known][:, known])
        cross = torch.linalg.solve_triangular(root, covariance[known][:, block], upper=False)
        mean = torch.linalg.solve_triangular(root, past.mT, upper=False).mT @ cross
        inner = inner - cross.mT @ cross
    fresh = _whitened(noise, torch.cat([noise.new_ones(len(noise), 1), past], dim=-1))
    return mean + fresh @ torch.linalg.cholesky(inner).mT


def _whitened(directions: Float[Tensor, "n p"], against: Float[Tensor, "n k"]) -> Float[Tensor, "n p"]:
    """Columns of unit variance, uncorrelated, spanning what the directions have orthogonal to ``against`` (which includes 1)."""
    basis, _ = torch.linalg.qr(against)
    for _ in range(2):  # twice is enough (Kahan): the second pass removes the first one's rounding
        directions = directions - basis @ (basis.mT @ directions)
        directions, triangle = torch.linalg.qr(directions)
        directions = directions * torch.where(triangle.diagonal() < 0, -1.0, 1.0)
    return directions * len(directions) ** 0.5


def _drawn(law: Gaussian, noise: Float[Tensor, "n D"]) -> Float[Tensor, "n D"]:
    """A random draw with the means exact and, from two patients, the variances too."""
    draw = noise @ torch.linalg.cholesky(law.covariance).mT
    draw = draw - draw.mean(0)
    if len(draw) > 1:
        draw = draw * (law.covariance.diagonal() / (draw**2).mean(0)).sqrt()
    return law.mean + draw


def deviation(patients: Float[Tensor, "n D"], law: Gaussian, visits: int, fixed: int = 0) -> dict[str, float]:
    """How far the patients' moments are from a law's, in units of its standard deviations: the largest differences.

    Args:
        patients: complete patients.
        law: their law.
        visits: the number of visits T.
        fixed: the number of static columns.

    Returns:
        The largest difference of a mean, of a covariance within a visit or between successive visits, static columns included, and
        of any covariance.

    >>> deviation(torch.tensor([[0.0], [1.0]]), Gaussian(torch.zeros(1), torch.eye(1)), visits=1)
    {'means': 0.5, 'successive_visits': 0.75, 'everything': 0.75}
    """
    number, size = patients.shape
    scale = law.covariance.diagonal().sqrt()
    standard = (patients - law.mean) / scale
    mean = standard.mean(0)
    centred = standard - mean
    off = (centred.mT @ centred / number - law.covariance / torch.outer(scale, scale)).abs()
    visit = torch.arange(size - fixed) // ((size - fixed) // visits)
    near = torch.ones(size, size, dtype=torch.bool)
    near[: size - fixed, : size - fixed] = (visit.unsqueeze(-1) - visit).abs() <= 1
    return {"means": float(mean.abs().max()), "successive_visits": float(off[near].max()), "everything": float(off.max())}
