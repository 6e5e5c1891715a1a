r"""What the records say about the estimate: undetermined directions, and draws that carry its uncertainty.

In the coordinates u of :func:`ddlib.merge.model.law.moved` around the estimate, the information of the patients as measured is

.. math::

    J_{ab} = \sum_i \bigl[\partial_a \mu_i^\top K_i\, \partial_b \mu_i
    + \tfrac12 \operatorname{tr} K_i\, \partial_a \Sigma\, K_i\, \partial_b \Sigma\bigr],

with :math:`K_i` the inverse covariance of what was measured of patient i. Directions whose eigenvalue is next to nothing are
not determined by the records: there the estimate rests on the prior. A value that is only known to lie in an interval counts as
a measurement with the error variance of its site (:mod:`ddlib.merge.model.intervals`). The convention that gives columns with two
values a unit (:mod:`ddlib.merge.model.fit`) counts as determined. In all others a draw of the law is one at
:math:`u \sim N(0, (J + B)^{-1})`, B the precision of the prior and of the effects.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import NamedTuple

import torch
from jaxtyping import Float
from scipy.linalg.blas import dsyrk
from torch import Tensor

from ddlib.merge.model.fit import UNIT_WEIGHT, Fit
from ddlib.merge.model.law import law, means, moved, size
from ddlib.merge.model.likelihood import gaps, precision
from ddlib.merge.model.patterns import Group

__all__ = ["Information", "information"]

_MOST_PARAMETERS = 1600
"""Beyond so many, the dense matrix J takes longer than all the rest."""
_MOST_PATTERNS = 64
"""Patterns that are sampled of a group of patients, at most."""
_DETERMINED = 1e-6
"""Share of the largest eigenvalue below which a direction is not determined."""
_NEGLIGIBLE = 1e-6
"""Precision of an interval's site, in units of the column, below which the interval says nothing."""
_EFFORT = 2e10
"""Multiplications that J may take, if that is more than one pattern per group."""
_CHUNK = 64
"""Derivatives that are taken at once."""


class Information(NamedTuple):
    """What the records allow.

    Attributes:
        fit: the estimate.
        values, vectors: eigenvalues, ascending, and eigenvectors of J with the precisions of the effects, which are estimated.
        weight: of the rest of the prior, in patients.

    >>> from ddlib.merge.model.fit import fit
    >>> from ddlib.merge.model.law import Shape
    >>> from ddlib.merge.model.patterns import group_patients
    >>> rows, exact = torch.tensor([[1.0], [2.0], [3.0]]).double(), torch.zeros(1).double()
    >>> groups = group_patients(rows, exact, torch.tensor([0]), source=0)
    >>> known = information(fit(groups, Shape(variables=1, fixed=0, steps=(), sources=1)), groups)
    >>> known.undetermined, len(known.draws(5, torch.Generator().manual_seed(0)))
    (0, 5)
    """

    fit: Fit
    values: Float[Tensor, " P"]
    vectors: Float[Tensor, "P P"]
    weight: float

    @property
    def undetermined(self) -> int:
        """How many directions the records do not determine."""
        return int((self.values < _DETERMINED * self.values[-1]).sum())

    def draws(self, number: int, generator: torch.Generator) -> list[tuple[Float[Tensor, "K D"], Float[Tensor, "D D"]]]:
        """Means and covariances of a complete patient, drawn with the uncertainty of the estimate.

        Args:
            number: how many.
            generator: the source of randomness.
        """
        kept = self.vectors[:, self.undetermined :]
        deviation = (self.values[self.undetermined :] + self.weight).rsqrt()
        noise = torch.randn(number, len(deviation), dtype=deviation.dtype, generator=generator)
        points = (noise * deviation) @ kept.mT
        shape = self.fit.shape
        with torch.no_grad():
            drawn = [moved(self.fit.at, point, shape) for point in points]
            return [(means(at, shape), law(at, shape)) for at in drawn]


def information(found: Fit, groups: Sequence[Group]) -> Information | None:
    """The information of the patients' records; None where there are too many parameters for it.

    Where patients have gaps, patterns are sampled: see :func:`sampled_patterns`.

    >>> from ddlib.merge.model.fit import fit
    >>> from ddlib.merge.model.law import Shape
    >>> from ddlib.merge.model.patterns import group_patients
    >>> rows, exact = torch.tensor([[1.0], [2.0], [3.0]]).double(), torch.zeros(1).double()
    >>> groups = group_patients(rows, exact, torch.tensor([0]), source=0)
    >>> known = information(fit(groups, Shape(variables=1, fixed=0, steps=(), sources=1)), groups)
    >>> [round(float(value), 3) for value in known.values]  # of the mean and of the spread, from three patients
    [3.0, 3.0]
    """
    count, shape = size(found.shape), found.shape
    if count > _MOST_PARAMETERS:
        return None
    moves, changes = _derivatives(found)
    centre, covariance = found.patient()
    affordable = int(_EFFORT / (count * (count + 4 * shape.entries) * shape.entries**2 / 2) / len(groups))
    room = min(max(1, affordable), _MOST_PATTERNS)
    unit = list(found.unit)
    patients = sum(group.patients for group in groups)
    scale = changes.diagonal(dim1=-2, dim2=-1)[:, unit] / covariance.diagonal()[unit]
    total = 0.5 * UNIT_WEIGHT * patients * scale @ scale.mT
    which = changes.flatten(1).any(1).nonzero()[:, 0]  # effects and means do not move the covariance
    spreads = changes[which]
    of_law = total.new_zeros(len(which), len(which))
    for group in groups:
        for noise, number in sampled_patterns(group, room, _site_noise(group, centre[group.source], covariance)):
            kept = noise.isfinite()
            means_part, law_part = _inner(covariance, moves[:, group.source], spreads, group.entries[kept], noise[kept])
            total += number * means_part
            of_law += number * law_part
    total[which.unsqueeze(-1), which] += of_law
    values, vectors = torch.linalg.eigh(total + torch.diag(_effects(found)))
    return Information(found, values.clamp(min=0), vectors, found.ridge * patients)


def _site_noise(group: Group, mean: Float[Tensor, " D"], covariance: Float[Tensor, "D D"]) -> list[Float[Tensor, "n w"]]:
    """The error variances of the sites of a group's chunks; infinite where there is no interval, or one that says nothing."""
    if not any(chunk.lower.shape[1] for chunk in group.gaps):
        return [chunk.lower for chunk in group.gaps]
    inverse, _ = precision(covariance, group)
    found = (gaps(chunk, mean[group.entries], inverse)[1].sites.precision for chunk in group.gaps)
    return [torch.where(tau > _NEGLIGIBLE, 1 / tau, torch.inf) for tau in found]


def _derivatives(found: Fit) -> tuple[Float[Tensor, "P K D"], Float[Tensor, "P D D"]]:
    """How the means and the covariance of a complete patient move with each coordinate."""
    shape, count = found.shape, size(found.shape)
    zero = torch.zeros(count, dtype=found.at.first.dtype)

    def at(u: Tensor) -> tuple[Tensor, Tensor]:
        here = moved(found.at, u, shape)
        return means(here, shape), law(here, shape)

    def along(direction: Tensor) -> tuple[Tensor, Tensor]:
        change: tuple[Tensor, Tensor] = torch.func.jvp(at, (zero,), (direction,))[1]
        return change

    parts: tuple[Tensor, Tensor] = torch.vmap(along, chunk_size=_CHUNK)(torch.eye(count, dtype=zero.dtype))
    return parts


def _effects(found: Fit) -> Float[Tensor, " P"]:
    """The precisions of the effects in the coordinates, where they are halved; zero for all other parameters."""
    shape = found.shape
    weight = torch.zeros(size(shape), dtype=found.at.first.dtype)
    visits = shape.number * shape.variables if shape.visits else 0
    hospitals = found.at.hospitals.numel() if shape.hospitals else 0
    end = len(weight)
    if visits:
        weight[end - hospitals - visits : end - hospitals] = 0.25 / found.variances.visits
    if hospitals:
        weight[end - hospitals :] = 0.25 / found.variances.hospitals
    return weight


def sampled_patterns(
    group: Group, room: int, sites: Sequence[Float[Tensor, "n w"]] | None = None
) -> list[tuple[Float[Tensor, " d"], float]]:
    """Patterns of measured entries of a group's patients, at most ``room``, and how many patients each stands for.

    They are those of patients evenly spread over the group as sorted by the number of their gaps. A pattern is the variance of each
    entry's measurement error; infinite where the entry is missing.

    Args:
        group: the patients.
        room: how many patterns.
        sites: error variances that stand for the intervals of each chunk; without them these are taken for missing.
    """
    patients = group.patients
    number = min(room, patients)
    ranks = ((torch.arange(number) + 0.5) * patients / number).long()
    share, complete = patients / number, int((ranks < group.size).sum())
    found = [(group.noise, share * complete)] if complete else []
    begin = group.size
    for chunk, errors in zip(group.gaps, sites or [chunk.lower[:, :0] for chunk in group.gaps], strict=True):
        for rank in (ranks[(ranks >= begin) & (ranks < begin + len(chunk.values))] - begin).tolist():
            gap = torch.full_like(group.noise, torch.inf)[: chunk.place.shape[1]]
            gap[: errors.shape[1]] = errors[rank]
            kept = chunk.valid[rank]
            found.append((group.noise.index_add(0, chunk.place[rank][kept], gap[kept]), share))
        begin += len(chunk.values)
    return found


def _inner(
    covariance: Float[Tensor, "D D"],
    moves: Float[Tensor, "P D"],
    changes: Float[Tensor, "C D D"],
    index: Tensor,
    noise: Float[Tensor, " d"],
) -> tuple[Float[Tensor, "P P"], Float[Tensor, "C C"]]:
    """Information of one patient of whom the entries ``index`` are measured: from the means, and from the covariance."""
    root = torch.linalg.cholesky(covariance[index][:, index] + torch.diag(noise))
    inverse = torch.linalg.inv(root)
    measured, width = len(index), len(covariance)
    place = (index.unsqueeze(-1) * width + index).flatten()
    i, j = torch.tril_indices(measured, measured)
    weight = torch.where(i == j, torch.tensor(0.5, dtype=root.dtype).sqrt(), 1.0)
    white = torch.empty(len(changes), len(i), dtype=root.dtype)
    for begin in range(0, len(changes), _CHUNK):  # only so many at a time, for memory's sake
        part = changes[begin : begin + _CHUNK].flatten(1).index_select(1, place).view(-1, measured, measured)
        whitened = (inverse @ part @ inverse.mT).flatten(1).index_select(1, i * measured + j)
        torch.mul(whitened, weight, out=white[begin : begin + _CHUNK])
    return _squared(moves[:, index] @ inverse.mT), _squared(white)


def _squared(rows: Float[Tensor, "P d"]) -> Float[Tensor, "P P"]:
    """The inner products of all rows, by half the work of a product of matrices."""
    lower = torch.from_numpy(dsyrk(1.0, rows.numpy().T, trans=1, lower=1))
    return lower.tril() + lower.tril(-1).mT
