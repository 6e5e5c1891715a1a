r"""Entries that are known to lie in an interval: expectation propagation.

Given what is measured of a patient, the deviations x of his other entries are normal, with a precision K and :math:`K m = h`. Of
some of them it is known that they lie in an interval: below a limit of detection, or between the thresholds of a category.
Expectation propagation (Minka 2001) puts a normal factor, a *site*, in the place of each interval, as if the entry had been
measured with the value :math:`\nu_j / \tau_j` and the error variance :math:`1 / \tau_j`. Then
:math:`\Lambda = K + \mathrm{diag}(\tau)`, and :math:`\hat x = \Lambda^{-1} (h + \nu)` with covariance :math:`\Lambda^{-1}`. The
sites are such that each entry's mean and variance are those of the entry without its site (the *cavity*), truncated to its
interval. The evidence is

.. math::

    \log Z = A(\Lambda, h + \nu) - A(K, h) + \sum_j \bigl[\log Z_j + A(\text{cavity}_j) - A(\text{marginal}_j)\bigr], \qquad
    A(\Lambda, h) = \tfrac12 h^\top \Lambda^{-1} h - \tfrac12 \log\det \Lambda ,

exact for one interval and for independent ones. At the fixed point it is stationary in the sites (Seeger 2005), so that its
gradient is that of a normal likelihood whose missing entries have the moments :math:`\hat x, \Lambda^{-1}`: Fisher's identity, as
for gaps.

A sweep visits one interval after the other, of all patients at once. As truncation only lowers variances no site has a negative
precision, and :math:`\Lambda` is positive definite all the way; later sweeps take half steps, should whole ones go round in
circles.
"""

from __future__ import annotations

from typing import NamedTuple

import torch
from jaxtyping import Float
from torch import Tensor

from ddlib.merge.model.truncated import Truncated, truncated

__all__ = ["propagated"]

SINGULAR = "the law of the measurements is singular: a variance is zero or not a number"
_CLOSE = 1e-5
"""The sites are found after a sweep before which means, in standard deviations, and relative variances were off by less."""
_SWEEPS, _WHOLE = 200, 30
"""At most so many sweeps; whole steps in so many of them."""


class _Sites(NamedTuple):
    """What stands in for the intervals: τ and ν, zero where an entry has none."""

    precision: Float[Tensor, "n w"]
    shift: Float[Tensor, "n w"]


class Posterior(NamedTuple):
    """What is known of the entries that were not measured.

    Attributes:
        mean, covariance: of the entries.
        sites: those found.
        determinant: of Λ, its logarithm.
        gain: what the intervals add to the log-likelihood of patients whose gaps have these moments.
    """

    mean: Float[Tensor, "n g"]
    covariance: Float[Tensor, "n g g"]
    sites: _Sites
    determinant: Float[Tensor, " n"]
    gain: Float[Tensor, " n"]


def _root(precision: Float[Tensor, "n g g"]) -> Float[Tensor, "n g g"]:
    """Cholesky's factor of each patient's precision.

    Raises:
        ValueError: if one is not positive definite.
    """
    root, failed = torch.linalg.cholesky_ex(precision)
    if bool((failed > 0).any()):
        raise ValueError(SINGULAR)
    return root


def propagated(
    precision: Float[Tensor, "n g g"],
    shift: Float[Tensor, "n g"],
    lower: Float[Tensor, "n w"],
    upper: Float[Tensor, "n w"],
) -> Posterior:
    """The moments of entries of which the first w lie in intervals, and the evidence for these.

    Args:
        precision: of the entries, given what was measured, K.
        shift: the precision times the entries' mean, h.
        lower, upper: ends of the intervals; infinite where there is none.

    Raises:
        ValueError: if a precision is not positive definite.

    >>> one = torch.eye(1, dtype=torch.float64).unsqueeze(0)
    >>> found = propagated(one, 0 * one[0], 0 * one[0], torch.inf + one[0])
    >>> round(float(found.mean), 4), round(float(found.covariance), 4)  # of half a normal law: √(2/π), 1 − 2/π
    (0.7979, 0.3634)
    """
    sites = _Sites(torch.zeros_like(lower), torch.zeros_like(lower))
    mean, covariance, determinant = _given(precision, shift, sites)
    width = lower.shape[1]
    if not width:
        return Posterior(mean, covariance, sites, determinant, torch.zeros_like(determinant))
    sites = _swept(mean[:, :width].clone(), covariance[:, :width, :width].clone(), lower, upper)
    mean, covariance, determinant = _given(precision, shift, sites)
    cavity, pull, cut = _cavities(mean[:, :width], covariance.diagonal(dim1=-2, dim2=-1)[:, :width], sites, lower, upper)
    m, v, (tau, nu) = mean[:, :width], covariance.diagonal(dim1=-2, dim2=-1)[:, :width], sites
    site = nu * m - 0.5 * tau * (m.square() + v)
    gain = site + cut.log_mass + 0.5 * (pull.square() / cavity - cavity.log() - m.square() / v - v.log())
    return Posterior(mean, covariance, sites, determinant, torch.where(_bounded(lower, upper), gain, 0.0).sum(-1))


def _bounded(lower: Tensor, upper: Tensor) -> Tensor:
    return (lower > -torch.inf) | (upper < torch.inf)


def _given(precision: Tensor, shift: Tensor, sites: _Sites) -> tuple[Tensor, Tensor, Tensor]:
    """Mean and covariance with the sites, and the log-determinant of the precision."""
    width = sites.precision.shape[-1]
    if width:
        tau, nu = (torch.nn.functional.pad(part, (0, precision.shape[-1] - width)) for part in sites)
        precision, shift = precision + torch.diag_embed(tau), shift + nu
    root = _root(precision)
    covariance = torch.cholesky_inverse(root)
    mean = (covariance @ shift.unsqueeze(-1)).squeeze(-1)
    return mean, covariance, 2 * root.diagonal(dim1=-2, dim2=-1).log().sum(-1)


def _cavities(mean: Tensor, variance: Tensor, sites: _Sites, lower: Tensor, upper: Tensor) -> tuple[Tensor, Tensor, Truncated]:
    """The entries without their sites, as precision and precision times mean; and then truncated to their intervals."""
    cavity, pull = 1 / variance - sites.precision, mean / variance - sites.shift
    cut = truncated(*(part.flatten() for part in (pull / cavity, 1 / cavity, lower, upper)))
    return cavity, pull, Truncated(*(part.view_as(mean) for part in cut))


def _swept(
    mean: Float[Tensor, "n w"], covariance: Float[Tensor, "n w w"], lower: Float[Tensor, "n w"], upper: Float[Tensor, "n w"]
) -> _Sites:
    """The sites at the fixed point."""
    found = _Sites(torch.zeros_like(mean), torch.zeros_like(mean))
    state = [mean, covariance, torch.zeros_like(mean), torch.zeros_like(mean), lower, upper]
    places = torch.arange(len(mean))
    for sweep in range(_SWEEPS):
        off = _sweep(1.0 if sweep < _WHOLE else 0.5, *state)
        open = off >= _CLOSE
        for part, new in zip(found, state[2:4], strict=True):
            part[places] = new
        if not bool(open.any()):
            break
        if not bool(open.all()):
            places, state = places[open], [part[open] for part in state]
    return found


def _sweep(
    step: float, mean: Tensor, covariance: Tensor, tau: Tensor, nu: Tensor, lower: Tensor, upper: Tensor
) -> Float[Tensor, " n"]:
    """Visit each interval once and change mean, covariance and sites in place; how far off the moments were."""
    off = torch.zeros_like(mean[:, 0])
    for j in range(mean.shape[1]):
        m, v = mean[:, j].clone(), covariance[:, j, j].clone()
        low, high = lower[:, j], upper[:, j]
        bounded = _bounded(low, high)
        cavity, pull, cut = _cavities(m, v, _Sites(tau[:, j], nu[:, j]), low, high)
        more = torch.where(bounded, step * ((1 / cut.variance - cavity).clamp(min=0) - tau[:, j]), 0.0)
        push = torch.where(bounded, step * (cut.mean / cut.variance - pull - nu[:, j]), 0.0)
        miss = ((cut.mean - m).abs() / v.sqrt()).maximum((cut.variance / v - 1).abs())
        off = off.maximum(torch.where(bounded, miss, 0.0))
        tau[:, j] += more
        nu[:, j] += push
        column, shrink = covariance[:, :, j].clone(), 1 / (1 + more * v)
        mean.addcmul_(column, ((push - more * m) * shrink).unsqueeze(-1))
        covariance.addcmul_(column.unsqueeze(-1), (column * (more * shrink).unsqueeze(-1)).unsqueeze(-2), value=-1)
    return off
