r"""The likelihood of patients who are a group of their own, many at a time.

Where visits are irregular almost every patient has a pattern that no other has, and is the only one of a base. The formulas are
those of :mod:`ddlib.merge.model.likelihood`; patients with similarly many measurements are padded to one size, with independent
entries of variance one that nothing is known of, and factorised together.
"""

from __future__ import annotations

import math
from collections.abc import Sequence
from typing import NamedTuple

import torch
from jaxtyping import Bool, Float, Int
from torch import Tensor

from ddlib.merge.model.intervals import SINGULAR
from ddlib.merge.model.patterns import Group

__all__ = ["Densities", "Singles", "densities", "gradients", "is_single", "singles"]

_WIDER, _SPARE = 1.25, 4
"""Patients are padded to at most so many times as many entries as they have, and some more."""
_LARGEST = 4_000_000
"""Numbers that one factor of several patients may hold (32 MB)."""


class Singles(NamedTuple):
    """Patients of similarly many measurements, each the only one of a group.

    Attributes:
        groups: the numbers of their groups.
        source: of each.
        entries: that were measured; padded with zero.
        valid: which of them are no padding.
        noise, values: of the entries; padded with zero.

    >>> Singles._fields
    ('groups', 'source', 'entries', 'valid', 'noise', 'values')
    """

    groups: list[int]
    source: Int[Tensor, " B"]
    entries: Int[Tensor, "B w"]
    valid: Bool[Tensor, "B w"]
    noise: Float[Tensor, "B w"]
    values: Float[Tensor, "B w"]


class Densities(NamedTuple):
    """Log-likelihoods of some patients, and what their gradients need.

    Attributes:
        value: the log-likelihoods.
        inverse: K, zero where there is padding.
        pulled: K δ.

    >>> Densities._fields
    ('value', 'inverse', 'pulled')
    """

    value: Float[Tensor, " B"]
    inverse: Float[Tensor, "B w w"]
    pulled: Float[Tensor, "B w"]


def is_single(group: Group) -> bool:
    """Whether a group is one patient without gaps.

    >>> from ddlib.merge.model.patterns import group_patients
    >>> [is_single(group) for group in group_patients(torch.zeros(1, 2), torch.zeros(2), torch.tensor([0, 1]), 0)]
    [True]
    """
    return group.size == 1 and not group.gaps


def singles(groups: Sequence[Group]) -> list[Singles]:
    """The groups of one patient, those with similarly many measurements together.

    >>> from ddlib.merge.model.patterns import group_patients
    >>> groups = group_patients(torch.zeros(1, 2), torch.zeros(2), torch.tensor([0, 1]), 0)
    >>> singles(groups)[0].entries
    tensor([[0, 1]])
    """
    numbers = sorted((n for n, group in enumerate(groups) if is_single(group)), key=lambda n: len(groups[n].entries))
    found, begin = [], 0
    while begin < len(numbers):
        width = int(_WIDER * len(groups[numbers[begin]].entries)) + _SPARE
        end = begin + 1
        while end < len(numbers) and len(groups[numbers[end]].entries) <= width and (end - begin + 1) * width**2 <= _LARGEST:
            end += 1
        found.append(_padded(groups, numbers[begin:end]))
        begin = end
    return found


def _padded(groups: Sequence[Group], numbers: list[int]) -> Singles:
    some = [groups[n] for n in numbers]

    def stacked(parts: list[Tensor]) -> Tensor:
        return torch.nn.utils.rnn.pad_sequence(parts, batch_first=True)

    entries = stacked([group.entries for group in some])
    valid = torch.arange(entries.shape[1]) < torch.tensor([len(group.entries) for group in some]).unsqueeze(-1)
    source = torch.tensor([group.source for group in some])
    return Singles(
        numbers, source, entries, valid, stacked([group.noise for group in some]), stacked([group.mean for group in some])
    )


def densities(means: Float[Tensor, "K D"], covariance: Float[Tensor, "D D"], some: Singles) -> Densities:
    """The log-likelihood of each patient.

    Args:
        means: of a complete patient of each source.
        covariance: of a complete patient.
        some: the patients.

    Raises:
        ValueError: if a covariance is not positive definite.

    >>> from ddlib.merge.model.patterns import group_patients
    >>> (some,) = singles(group_patients(torch.zeros(1, 2), torch.zeros(2), torch.tensor([0, 1]), 0))
    >>> round(float(densities(torch.zeros(1, 2), torch.eye(2), some).value), 3)  # two values of density 0.399
    -1.838
    """
    both = some.valid.unsqueeze(-1) & some.valid.unsqueeze(-2)
    seen = torch.where(both, covariance.flatten()[_places(some, len(covariance))], 0.0)
    seen.diagonal(dim1=-2, dim2=-1).add_(torch.where(some.valid, some.noise, 1.0))
    root, failed = torch.linalg.cholesky_ex(seen)
    if bool(failed.any()):
        raise ValueError(SINGULAR)
    inverse = torch.where(both, torch.cholesky_inverse(root), 0.0)
    deviation = torch.where(some.valid, some.values - means[some.source.unsqueeze(-1), some.entries], 0.0)
    pulled = (inverse * deviation.unsqueeze(-2)).sum(-1)
    determinant = 2 * root.diagonal(dim1=-2, dim2=-1).log().sum(-1)
    constant = some.valid.sum(-1).to(means.dtype) * math.log(2 * math.pi) + determinant
    return Densities(-0.5 * (constant + (pulled * deviation).sum(-1)), inverse, pulled)


def gradients(
    d_means: Float[Tensor, "K D"], d_covariance: Float[Tensor, "D D"], some: Singles, known: Densities, weight: Float[Tensor, " B"]
) -> None:
    """Add the gradients of the patients' log-likelihoods, each with its weight, to those by the means and the covariance.

    >>> from ddlib.merge.model.patterns import group_patients
    >>> (some,) = singles(group_patients(torch.ones(1, 2), torch.zeros(2), torch.tensor([0, 1]), 0))
    >>> by_mean, by_covariance = torch.zeros(1, 2), torch.zeros(2, 2)
    >>> gradients(by_mean, by_covariance, some, densities(torch.zeros(1, 2), torch.eye(2), some), torch.ones(1))
    >>> by_mean
    tensor([[1., 1.]])
    """
    width = d_means.shape[-1]
    pulled = known.pulled * weight.unsqueeze(-1)
    d_means.view(-1).index_add_(0, (some.source.unsqueeze(-1) * width + some.entries).flatten(), pulled.flatten())
    change = 0.5 * (pulled.unsqueeze(-1) * known.pulled.unsqueeze(-2) - weight.view(-1, 1, 1) * known.inverse)
    d_covariance.view(-1).index_add_(0, _places(some, width).flatten(), change.flatten())


def _places(some: Singles, width: int) -> Int[Tensor, "B w w"]:
    """The places of each patient's pairs of entries in a covariance; padding is at the first of its row or column."""
    return some.entries.unsqueeze(-1) * width + some.entries.unsqueeze(-2)
