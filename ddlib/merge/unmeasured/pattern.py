"""Which entries of a covariance are measured: checks, and the graph of the groups of variables that share a pattern."""

from __future__ import annotations

from typing import NamedTuple

import torch
from jaxtyping import Bool, Float, Int
from torch import Tensor

_JITTER = 1e-10
"""Least eigenvalue of the correlations that everything here is computed with; what is missing to it is added to their diagonal."""
_INDEFINITE = 1e-8
"""How far below zero an eigenvalue of the correlations may be before the matrix is no covariance."""


class Pattern(NamedTuple):
    """Variables in groups; the members of a group are all measured with the same variables, and thus with each other.

    Attributes:
        groups: the variables of each group.
        measured: whether two groups are measured together, true on the diagonal.
    """

    groups: list[Int[Tensor, " m"]]
    measured: Bool[Tensor, "g g"]

    def members(self, groups: list[int]) -> Int[Tensor, " n"]:
        """The variables of some groups, in the order of the groups."""
        return torch.cat([self.groups[group] for group in groups] or [torch.zeros(0, dtype=torch.long)])


def pattern_of(measured: Bool[Tensor, "D D"]) -> Pattern:
    """Group the variables of a mask that :func:`check` has passed."""
    rows, label = torch.unique(measured, dim=0, return_inverse=True)
    groups = [(label == group).nonzero()[:, 0] for group in range(len(rows))]
    first = torch.stack([group[0] for group in groups])
    return Pattern(groups, measured[first][:, first])


def _is_clique(measured: Bool[Tensor, "g g"], groups: list[int]) -> bool:
    """Whether all of some groups are measured together."""
    return bool(measured[groups][:, groups].all())


def neighbours(measured: Bool[Tensor, "g g"], group: int, among: list[int]) -> list[int]:
    """The groups among some that are measured together with one, itself apart."""
    return [other for other in among if other != group and measured[group, other]]


def without_simplicial(measured: Bool[Tensor, "g g"], kept: set[int]) -> list[int]:
    """What is left when groups whose neighbours are all measured together are taken away, one after the other.

    A group with such neighbours can be added to whatever completion of the others (Grone, Johnson, Sá and Wolkowicz 1984): it says
    nothing about the unmeasured entries among them.

    Args:
        measured: the graph.
        kept: groups that stay.
    """
    left = list(range(len(measured)))
    while True:
        free = [g for g in left if g not in kept and _is_clique(measured, neighbours(measured, g, left))]
        if not free:
            return left
        left.remove(free[0])


def elimination_order(measured: Bool[Tensor, "g g"]) -> list[int] | None:
    """Groups in an order in which the earlier neighbours of each are all measured together; none if the graph is not chordal.

    By maximum cardinality search (Tarjan and Yannakakis 1984).
    """
    order: list[int] = []
    rest = list(range(len(measured)))
    while rest:
        group = max(rest, key=lambda g: len(neighbours(measured, g, order)))
        if not _is_clique(measured, neighbours(measured, group, order)):
            return None
        order.append(group)
        rest.remove(group)
    return order


def check(covariance: Float[Tensor, "*S D D"], measured: Bool[Tensor, "D D"]) -> None:
    """Refuse what is no covariance, or no mask of one.

    Raises:
        ValueError: if so.
    """
    if covariance.dtype != torch.float64 or measured.dtype != torch.bool:
        raise ValueError("a covariance in float64 and a mask in bool are needed; convert them with .double() and .bool()")
    if (
        covariance.shape[-2:] != measured.shape
        or measured.dim() != 2
        or measured.shape[0] != measured.shape[1]
        or not len(measured)
    ):
        raise ValueError(
            f"a covariance of shape {tuple(covariance.shape)} and a mask of shape {tuple(measured.shape)} do not fit; "
            "give both D rows and D columns"
        )
    if not bool((measured == measured.T).all()) or not bool(measured.diagonal().all()):
        raise ValueError("the mask of what is measured must be symmetric and true on its diagonal; a variance is always measured")
    if not bool(covariance.isfinite().all()) or not bool((covariance.diagonal(dim1=-2, dim2=-1) > 0).all()):
        raise ValueError("the covariance has entries that are not finite, or a variance of zero; leave such variables out")
    deviations = covariance.diagonal(dim1=-2, dim2=-1).sqrt()
    rounding = 1e-8 * deviations.unsqueeze(-1) * deviations.unsqueeze(-2)
    if bool(((covariance - covariance.mT).abs() > rounding).any()):
        raise ValueError("the covariance is not symmetric; give (C + C.mT) / 2")


class Standard(NamedTuple):
    """Covariances in units in which the mean of their variances is one.

    Attributes:
        covariance: with a diagonal that is raised where they are near singular.
        deviations: the units.
        raised: by how much.
    """

    covariance: Float[Tensor, "*S D D"]
    deviations: Float[Tensor, " D"]
    raised: Float[Tensor, "*S 1 1"]


def standardised(covariance: Float[Tensor, "*S D D"]) -> Standard:
    """Scale covariances so that all variances are one, or one on average, and see to it that they are positive definite.

    A combination of variables may be constant to machine precision; then the diagonal is raised until the least eigenvalue is
    1e-10, by 1e-8 + 1e-10 at most. A completion, raised likewise, is one of the raised covariance, with the same
    unmeasured entries: bounds computed from it hold whatever completions of the given one have.

    Raises:
        ValueError: if an eigenvalue is below −1e-8.
    """
    deviations = covariance.diagonal(dim1=-2, dim2=-1).reshape(-1, covariance.shape[-1]).mean(0).sqrt()
    scaled = covariance / torch.outer(deviations, deviations)
    scaled = (scaled + scaled.mT) / 2
    least = torch.linalg.eigvalsh(scaled)[..., 0]
    if bool((least < -_INDEFINITE).any()):
        raise ValueError(
            f"the covariance has a negative eigenvalue ({float(least.min()):.1e} in units of the variances); "
            "give one that is positive definite, such as that of a fitted law"
        )
    raised = (_JITTER - least).clamp_min(0.0).unsqueeze(-1).unsqueeze(-1)
    return Standard(scaled + raised * torch.eye(len(deviations), dtype=scaled.dtype), deviations, raised)


class Residual(NamedTuple):
    """What is left of the variables with an unmeasured entry once those that are measured with everything are regressed out.

    Attributes:
        given: the variables that are measured with everything.
        rest: the others.
        weights: of the regressions of the rest.
        scale: standard deviations of what is left.
        correlation: of what is left.
    """

    given: Int[Tensor, " u"]
    rest: Int[Tensor, " r"]
    weights: Float[Tensor, "u r"]
    scale: Float[Tensor, " r"]
    correlation: Float[Tensor, "r r"]


def residual_law(covariance: Float[Tensor, "D D"], measured: Bool[Tensor, "D D"]) -> Residual:
    """Regress out what is measured with everything: the completions of what is left are those of the whole, and far smaller."""
    everything = measured.all(1)
    given, rest = everything.nonzero()[:, 0], (~everything).nonzero()[:, 0]
    root = torch.linalg.cholesky(covariance[given][:, given])
    half = torch.linalg.solve_triangular(root, covariance[given][:, rest], upper=False)
    left = covariance[rest][:, rest] - half.mT @ half
    scale = left.diagonal().sqrt()
    weights = torch.linalg.solve_triangular(root.mT, half, upper=True)
    return Residual(given, rest, weights, scale, left / torch.outer(scale, scale))
