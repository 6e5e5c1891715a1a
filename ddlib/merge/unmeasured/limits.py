r"""What the measured margins allow: the least and greatest value of a linear functional over all completions.

For a single unmeasured block a × b, with everything else C measured, the completions are

.. math:: \Sigma_{ab} = \Sigma_{aC} \Sigma_{CC}^{-1} \Sigma_{Cb} + R_a M R_b^\top , \qquad \lVert M \rVert_2 \le 1 ,

with :math:`R_a R_a^\top` the covariance of a given C: a functional :math:`\langle B, \Sigma_{ab} \rangle` reaches what it is at
M = 0, plus or minus the nuclear norm of :math:`R_a^\top B R_b`. For scalars these are the limits
:math:`r_{ac} r_{bc} \pm \sqrt{(1 - r_{ac}^2)(1 - r_{bc}^2)}` of a correlation.

With several unmeasured blocks it is a semidefinite programme. What says nothing about the block is taken away first
(:func:`~ddlib.merge.unmeasured.pattern.without_simplicial`); if more than the block is left, the bounds are the tightest of

* those of the block among sets C of variables that are all measured with a, with b and with each other: every completion is one of
  this part, so they are outer bounds, and fast;
* where the unmeasured entries are not too many, the programme itself (:mod:`ddlib.merge.unmeasured.barrier`), from the dual side:
  an outer bound too, within a thousandth of its distance from the maximum-entropy value.

So no completion lies outside the bounds, ever; they are attained but for that thousandth, unless there are too many entries.
"""

from __future__ import annotations

from typing import NamedTuple

import torch
from jaxtyping import Bool, Float, Int
from torch import Tensor

from ddlib.merge.unmeasured.barrier import certificates
from ddlib.merge.unmeasured.entropy import maximum_entropy
from ddlib.merge.unmeasured.pattern import Pattern, check, pattern_of, residual_law, standardised, without_simplicial

__all__ = ["bounds"]

LARGEST = 250
"""Unmeasured entries up to which the semidefinite programme is solved."""


def bounds(
    covariance: Float[Tensor, "D D"], measured: Bool[Tensor, "D D"], functional: Float[Tensor, "k D D"], largest: int = LARGEST
) -> Float[Tensor, "k 2"]:
    r"""Outer bounds of :math:`\langle A, \Sigma \rangle = \sum_{ij} A_{ij} \Sigma_{ij}` over all positive semidefinite completions.

    Args:
        covariance: positive definite; the result does not depend on its unmeasured entries.
        measured: symmetric, true on the diagonal.
        functional: A for each functional; only its symmetric part counts.
        largest: unmeasured entries, counted once for ij and ji, up to which several unmeasured blocks are solved as a semidefinite
            programme. Each iteration costs the cube of their number; above, bounds are wider than they need be.

    Returns:
        Lower and upper bound of each functional.

    Raises:
        ValueError: if the covariance is not positive semidefinite, or the shapes do not agree.

    >>> covariance = torch.tensor([[1.0, 0.6, 0.1], [0.6, 1.0, 0.6], [0.1, 0.6, 1.0]], dtype=torch.float64)
    >>> measured = torch.tensor([[True, True, False], [True, True, True], [False, True, True]])
    >>> first_and_last = torch.zeros(1, 3, 3, dtype=torch.float64)
    >>> first_and_last[0, 0, 2] = 1.0
    >>> bounds(covariance, measured, first_and_last)  # 0.6 times 0.6, plus or minus 0.8 times 0.8
    tensor([[-0.2800,  1.0000]], dtype=torch.float64)
    """
    if covariance.dim() != 2:
        raise ValueError(f"bounds are of one covariance, not of one of shape {tuple(covariance.shape)}; widened() takes several")
    return limits_of(covariance.unsqueeze(0), measured, functional, largest).tightest[0]


class BlockBounds(NamedTuple):
    """Bounds of several covariances.

    Attributes:
        single: those of single blocks.
        tightest: with the semidefinite programme, where it is solved.
    """

    single: Float[Tensor, "S k 2"]
    tightest: Float[Tensor, "S k 2"]


def limits_of(
    covariances: Float[Tensor, "S D D"], measured: Bool[Tensor, "D D"], functional: Float[Tensor, "k D D"], largest: int
) -> BlockBounds:
    """:func:`bounds` of several covariances with one mask.

    The semidefinite programme is solved once, at the first: its dual solution bounds the functional at each of them, and is tight
    to first order around the first.
    """
    check(covariances, measured)
    if functional.dim() != 3 or functional.shape[-2:] != measured.shape:
        raise ValueError(
            f"functionals of shape {tuple(functional.shape)} do not fit a mask of {tuple(measured.shape)}; give (k, D, D)"
        )
    standard = standardised(covariances)
    units = torch.outer(standard.deviations, standard.deviations)
    weights = (functional + functional.mT) / 2 * units
    known = torch.einsum("kij,sij->sk", weights * measured, standard.covariance)
    known = known - standard.raised.view(-1, 1) * weights.diagonal(dim1=-2, dim2=-1).sum(-1)
    work = _Work(standard.covariance, standard.covariance[0], measured, pattern_of(measured))
    free = weights * ~measured
    single, tightest = _unmeasured_part(work, free, largest)
    return BlockBounds(known.unsqueeze(-1) + single, known.unsqueeze(-1) + tightest)


class _Work(NamedTuple):
    laws: Float[Tensor, "S D D"]
    central: Float[Tensor, "D D"]
    measured: Bool[Tensor, "D D"]
    pattern: Pattern


def _unmeasured_part(work: _Work, free: Float[Tensor, "k D D"], largest: int) -> BlockBounds:
    """The limits of functionals that weigh unmeasured entries only."""
    found = free.new_zeros(len(work.laws), len(free), 2)
    programmes: dict[tuple[int, ...], list[int]] = {}
    for place, weights in enumerate(free):
        blocks = _blocks(work.pattern, weights)
        if not blocks:
            continue
        kept = without_simplicial(work.pattern.measured, {group for block in blocks for group in block})
        found[:, place] = sum((_block_limits(work, weights, block, kept) for block in blocks), found.new_zeros(1, 2))
        missing = int((~work.pattern.measured[kept][:, kept]).sum()) // 2
        members = work.pattern.members(kept)
        entries = int((~work.measured[members][:, members]).sum()) // 2
        if missing > 1 and entries <= largest:
            programmes.setdefault(tuple(kept), []).append(place)
    single = found.clone()
    for groups, places in programmes.items():
        exact = _programme(work, free[places], work.pattern.members(list(groups)))
        found[:, places, 0] = torch.maximum(found[:, places, 0], exact[..., 0])
        found[:, places, 1] = torch.minimum(found[:, places, 1], exact[..., 1])
    return BlockBounds(single, found)


def _blocks(pattern: Pattern, weights: Float[Tensor, "D D"]) -> list[tuple[int, int]]:
    """The pairs of groups whose unmeasured entries a functional weighs."""
    apart = (~pattern.measured).triu(1).nonzero().tolist()
    return [(p, q) for p, q in apart if bool((weights[pattern.groups[p]][:, pattern.groups[q]] != 0).any())]


def _block_limits(work: _Work, weights: Tensor, block: tuple[int, int], kept: list[int]) -> Float[Tensor, "S 2"]:
    """The tightest limits of one block's part of a functional, over sets of groups that are all measured with it."""
    first, second = (work.pattern.groups[group] for group in block)
    inner = 2 * weights[first][:, second]
    sets = [work.pattern.members(groups) for groups in _cliques(work.pattern.measured, block, kept)]
    if len(sets) > 1 and len(work.laws) > 1:
        central = torch.stack([_closed_form(work.central.unsqueeze(0), first, second, given, inner)[0] for given in sets])
        sets = [sets[place] for place in {int(central[:, 0].argmax()), int(central[:, 1].argmin())}]
    limits = torch.stack([_closed_form(work.laws, first, second, given, inner) for given in sets])
    return torch.stack([limits[..., 0].amax(0), limits[..., 1].amin(0)], -1)


def _cliques(measured: Bool[Tensor, "g g"], block: tuple[int, int], kept: list[int]) -> list[list[int]]:
    """Sets of groups that are measured with both groups of a block and with each other, each grown greedily from another group."""
    near = [g for g in kept if g not in block and bool(measured[g, list(block)].all())]
    ranked = sorted(near, key=lambda g: -int(measured[g, near].sum()))
    found: set[tuple[int, ...]] = set()
    for seed in ranked:
        clique = [seed]
        for other in ranked:
            if other != seed and bool(measured[other, clique].all()):
                clique.append(other)
        found.add(tuple(sorted(clique)))
        if len(clique) == len(near):
            break
    return [list(clique) for clique in sorted(found)] or [[]]


def _closed_form(
    laws: Float[Tensor, "S D D"],
    first: Int[Tensor, " a"],
    second: Int[Tensor, " b"],
    given: Int[Tensor, " c"],
    inner: Float[Tensor, "a b"],
) -> Float[Tensor, "S 2"]:
    """The limits of a functional of the block first × second, all measured with the given variables."""
    known = len(given)

    def regressed(block: Tensor) -> tuple[Tensor, Tensor]:
        order = torch.cat([given, block])
        root = torch.linalg.cholesky(laws[:, order.unsqueeze(-1), order])
        return root[:, known:, :known], root[:, known:, known:]

    (pull_first, rest_first), (pull_second, rest_second) = regressed(first), regressed(second)
    centre = (inner * (pull_first @ pull_second.mT)).sum((-2, -1))
    reach = torch.linalg.svdvals(rest_first.mT @ inner @ rest_second).sum(-1)
    return torch.stack([centre - reach, centre + reach], -1)


def _programme(work: _Work, weights: Float[Tensor, "k D D"], members: Int[Tensor, " m"]) -> Float[Tensor, "S k 2"]:
    """The semidefinite programme on some of the variables, at the central law, and what its dual solution says of each law."""
    inside = members.unsqueeze(-1), members
    mask = work.measured[inside]
    left = residual_law(maximum_entropy(work.central[inside], mask).covariance, mask)
    rows = left.rest.unsqueeze(-1), left.rest
    units = torch.outer(left.scale, left.scale)
    inner = weights[:, inside[0], inside[1]][:, rows[0], rows[1]] * units
    dual = certificates(left.correlation, mask[rows], torch.cat([inner, -inner])) / units
    lift = torch.zeros(len(members), len(left.rest), dtype=dual.dtype)
    lift[left.rest] = torch.eye(len(left.rest), dtype=dual.dtype)
    lift[left.given] = -left.weights
    outer = lift @ dual @ lift.mT
    both = torch.cat([weights, -weights])[:, inside[0], inside[1]]
    values = torch.einsum("kij,sij->sk", (both + outer) * mask, work.laws[:, inside[0], inside[1]])
    upper, lower = values.chunk(2, -1)
    return torch.stack([-lower, upper], -1)
