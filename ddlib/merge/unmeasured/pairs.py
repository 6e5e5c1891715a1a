"""Pairs of columns in the covariance of a patient: visits one after the other, each with its columns, then static columns."""

from __future__ import annotations

import torch
from jaxtyping import Float, Int
from torch import Tensor

__all__ = ["column_of", "in_column_units", "pair_correlations"]


def column_of(size: int, columns: int, visits: int) -> Int[Tensor, " D"]:
    """The column of each entry; static columns come last.

    Args:
        size: the number of entries D.
        columns: how many change, p.
        visits: the number of visits T; D − T p columns are static.

    >>> column_of(5, 2, 2)
    tensor([0, 1, 0, 1, 2])
    """
    moving = visits * columns
    return torch.cat([torch.arange(moving) % max(columns, 1), torch.arange(columns, columns + size - moving)])


def in_column_units(covariance: Float[Tensor, "*S D D"], columns: int, visits: int) -> Float[Tensor, "*S D D"]:
    """Covariances in units in which the variance of each column, averaged over the visits, is one.

    There, :func:`pair_correlations` are linear in the covariance.

    >>> in_column_units(torch.diag(torch.tensor([1.0, 8.0, 3.0, 8.0])), 2, 2).diagonal()
    tensor([0.5000, 1.0000, 1.5000, 1.0000])
    """
    variance = covariance.diagonal(dim1=-2, dim2=-1)
    place = column_of(variance.shape[-1], columns, visits)
    member = torch.nn.functional.one_hot(place).to(covariance)
    average = (variance @ member) / member.sum(0)
    scale = average[..., place].rsqrt()
    return covariance * scale.unsqueeze(-1) * scale.unsqueeze(-2)


def pair_correlations(size: int, columns: int, visits: int, pairs: list[tuple[int, int]]) -> Float[Tensor, "k D D"]:
    r"""Functionals A whose :math:`\langle A, \Sigma \rangle` are correlations within a visit, for :math:`\Sigma` in column units.

    The covariance of the two columns within a visit, averaged over the visits, over the root of the product of their variances
    averaged likewise; that is what the merge's report calls their correlation.

    Args:
        size, columns, visits: see :func:`column_of`.
        pairs: of columns, static ones last.

    >>> pair_correlations(4, 2, 2, [(0, 1)])[0]
    tensor([[0.0000, 0.2500, 0.0000, 0.0000],
            [0.2500, 0.0000, 0.0000, 0.0000],
            [0.0000, 0.0000, 0.0000, 0.2500],
            [0.0000, 0.0000, 0.2500, 0.0000]], dtype=torch.float64)
    """
    place = column_of(size, columns, visits)
    visit, static = torch.arange(size) // max(columns, 1), torch.arange(size) >= visits * columns
    same = (visit.unsqueeze(-1) == visit) | static | static.unsqueeze(-1)
    found = torch.zeros(len(pairs), size, size, dtype=torch.float64)
    for functional, (first, second) in zip(found, pairs, strict=True):
        here = (place == first).unsqueeze(-1) & (place == second) & same
        functional += here / here.sum()
    return 0.5 * (found + found.mT)
