r"""How much visits and hospitals differ in their means: variances of the effects, by restricted maximum likelihood.

Given the covariance of a patient, the log-likelihood is quadratic in the means. With :math:`\beta` the coefficients of the Markov
part's means, of the visits and of the hospitals, :math:`X_k` what they do to the mean of hospital k, and

.. math::

    J = \sum_i X_{k(i)}^\top C_i^{-1} X_{k(i)}, \qquad s = \sum_i X_{k(i)}^\top C_i^{-1} (y_i - X_{k(i)} \beta_0) + J \beta_0,

the effects, :math:`v \sim N(0, \kappa^2)` and :math:`h \sim N(0, \omega^2)`, and the flat coefficients integrate out:

.. math::

    \ell(\kappa^2, \omega^2) = \tfrac12 s^\top (J + B)^{-1} s - \tfrac12 \log\det(J + B) + \tfrac12 \log\det\nolimits_+ B,

B being the diagonal of the prior's precisions. (Patterson and Thompson 1971.) The variances are the best ones of a grid; one that
gains less than two nats over zero is zero.
"""

from __future__ import annotations

from collections.abc import Sequence
from itertools import product
from typing import NamedTuple

import torch
from jaxtyping import Float
from torch import Tensor

from ddlib.merge.model.fit import Fit, Variances
from ddlib.merge.model.law import Parameters, means
from ddlib.merge.model.likelihood import fill, precision
from ddlib.merge.model.patterns import Group

__all__ = ["Evidence", "evidence", "variances"]

_GRID = tuple(10 ** (exponent / 4) for exponent in range(-14, 5))
"""Variances that are tried, from a standard deviation of 0.02 to one of 3."""
_WORTH = 2.0
"""Nats that an effect has to gain: with one, seven in a hundred merges of like hospitals had offsets."""


class Evidence(NamedTuple):
    """The quadratic log-likelihood of the means.

    Attributes:
        information: J.
        score: s.
        flat: how many coefficients come first that have no prior.
        visits: how many come next, of visits; the rest is of hospitals.

    >>> known = Evidence(torch.diag(torch.tensor([10.0, 100.0])), torch.tensor([0.0, 30.0]), flat=1, visits=1)
    >>> known.marginal(Variances(visits=0.1)) > known.marginal(Variances())  # the effect of the visit is 0.3 ± 0.1
    True
    """

    information: Float[Tensor, "b b"]
    score: Float[Tensor, " b"]
    flat: int
    visits: int

    def marginal(self, sizes: Variances) -> float:
        r"""ℓ(κ², ω²)."""
        prior = torch.zeros_like(self.score)
        keep = torch.ones_like(self.score, dtype=torch.bool)
        parts = slice(self.flat, self.flat + self.visits), slice(self.flat + self.visits, None)
        for part, size in zip(parts, sizes, strict=True):
            if size > 0:
                prior[part] = 1 / size
            else:
                keep[part] = False
        inner = (self.information + torch.diag(prior))[keep][:, keep]
        root = torch.linalg.cholesky(inner + 1e-8 * torch.diag(inner.diagonal().clamp(min=1e-6)))
        white = torch.linalg.solve_triangular(root, self.score[keep].unsqueeze(-1), upper=False)
        gain = 0.5 * white.square().sum() - root.diagonal().log().sum()
        return float(gain + 0.5 * prior[prior > 0].log().sum())


def evidence(found: Fit, groups: Sequence[Group]) -> Evidence:
    """The quadratic log-likelihood of the means around an estimate.

    >>> from ddlib.merge.model.fit import fit
    >>> from ddlib.merge.model.law import Shape
    >>> from ddlib.merge.model.patterns import group_patients
    >>> rows, exact = torch.tensor([[1.0], [2.0], [3.0]]).double(), torch.zeros(1).double()
    >>> groups = group_patients(rows, exact, torch.tensor([0]), source=0)
    >>> known = evidence(fit(groups, Shape(variables=1, fixed=0, steps=(), sources=1)), groups)
    >>> known.information.shape, round(float(known.information[0, 0]), 2)  # three patients whose variance is two thirds
    (torch.Size([3, 3]), 4.5)
    """
    at, shape = found.at, found.shape
    p, q, visits, sources = shape.variables, shape.fixed, shape.number, shape.sources
    moving = visits * p
    with torch.no_grad():
        centre, covariance = found.patient()
        inner = covariance.new_zeros(sources, shape.entries, shape.entries)
        pull = covariance.new_zeros(sources, shape.entries)
        for group in groups:
            inverse, _ = precision(covariance, group)
            filled = fill(centre[group.source][group.entries], inverse, group)
            pull[group.source].index_add_(0, group.entries, inverse @ filled.first)
            known = group.patients * inverse - inverse @ filled.spread @ inverse
            inner[group.source][group.entries.unsqueeze(-1), group.entries] += known
    base = _base(at, found)
    visit = torch.eye(shape.entries, moving, dtype=base.dtype)
    own = torch.zeros(shape.entries, p + q, dtype=base.dtype)
    own[:moving, :p] = torch.eye(p, dtype=base.dtype).repeat(visits, 1)
    own[moving:, p:] = torch.eye(q, dtype=base.dtype)
    width = base.shape[1] + moving + sources * (p + q)
    information, score = base.new_zeros(width, width), base.new_zeros(width)
    for k in range(sources):
        design = torch.zeros(shape.entries, width, dtype=base.dtype)
        design[:, : base.shape[1]], design[:, base.shape[1] : base.shape[1] + moving] = base, visit
        begin = base.shape[1] + moving + k * (p + q)
        design[:, begin : begin + p + q] = own
        information += design.mT @ inner[k] @ design
        score += design.mT @ pull[k]
    here = torch.cat([base.new_zeros(base.shape[1]), at.visits.flatten(), at.hospitals.flatten()])
    return Evidence(information, score + information @ here, base.shape[1], moving)


def _base(at: Parameters, found: Fit) -> Float[Tensor, "D f"]:
    """What the Markov part's means and those of the static columns do to the mean of a patient."""
    names = ["first", "fixed"] + ["intercept"] * (found.shape.number > 1)

    def mean(*parts: Tensor) -> Tensor:
        moved = at._replace(**dict(zip(names, parts, strict=True)), hospitals=at.hospitals[:1] * 0)
        return means(moved, found.shape._replace(sources=1))[0]

    parts = torch.autograd.functional.jacobian(mean, tuple(getattr(at, name) for name in names))
    return torch.cat(parts, dim=-1)


def variances(known: Evidence, worth: float = _WORTH) -> Variances:
    """The best variances of a grid; those of effects that gain less than ``worth`` nats are zero.

    >>> variances(Evidence(torch.diag(torch.tensor([10.0, 100.0])), torch.tensor([0.0, 30.0]), flat=1, visits=1))
    Variances(visits=0.1, hospitals=0.0)
    """
    table = {pair: known.marginal(Variances(*pair)) for pair in product((0.0, *_GRID), repeat=2)}
    best = max(table, key=lambda pair: table[pair])
    if best[0] and table[best] - max(value for pair, value in table.items() if not pair[0]) < worth:
        best = max((pair for pair in table if not pair[0]), key=lambda pair: table[pair])
    if best[1] and table[best] - table[best[0], 0.0] < worth:
        best = best[0], 0.0
    return Variances(*best)
