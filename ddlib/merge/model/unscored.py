r"""From the correlations of scores to those of the latent values that stand behind them.

With :math:`z_j` a standard normal latent value and :math:`s_j(m_j + z_j)` its score, a step function of it,

.. math::

    \operatorname{cov}(s_j, s_k) = \sum_{n \ge 1} a_{jn} a_{kn} \rho^n, \qquad
    a_{jn} = \sum_c \Delta s_j(c)\, \varphi(c - m_j)\, \frac{He_{n-1}(c - m_j)}{\sqrt{n!}} ,

the sum over the thresholds c at which the score rises by :math:`\Delta s_j(c)`; a column of numbers has :math:`a_{j1} = 1` and no
other term (Lancaster 1957). The series grows with the latent correlation ρ and is inverted on a grid, entry by entry; the
m_j are such that the latent values have the mean scores. So the categories that are drawn have the correlations that the scores
were fitted to (Cario and Nelson 1997). What comes out need not be positive definite: its eigenvalues are cut at a small positive
number, and its diagonal is one again.
"""

from __future__ import annotations

import math
from collections.abc import Sequence
from typing import NamedTuple

import torch
from jaxtyping import Float, Int
from torch import Tensor

from ddlib.merge.model.scores import heights

__all__ = ["Unscored", "unscored"]

_TERMS = 200
"""Of the series."""
_GRID = torch.sin(torch.linspace(-1, 1, 65, dtype=torch.float64) * math.asin(0.995))
"""Latent correlations at which the series is summed: the more, the nearer to one."""
_HALVINGS = 50
"""Of the interval in which a latent mean is."""
_FARTHEST = 4.0
"""How far beyond the outermost thresholds a latent mean may be."""
_LEAST = 1e-4
"""The smallest eigenvalue of the correlations."""


class Unscored(NamedTuple):
    """The map of one law.

    Attributes:
        place: the entries that are categories.
        cuts, rises: their thresholds, and by how much the score rises at each; padded with rises of zero.
        lowest: the score below all thresholds.
        slope: correlation of each entry's score with its latent value; one for numbers.
        table: correlations of two categories' scores at the latent correlations of the grid.

    >>> found = unscored(torch.zeros(2).double(), [(0.0,), ()])  # who is above the median, and a number
    >>> found.means(torch.tensor([0.5, 0.5]).double()).round(decimals=4)  # three quarters are above
    tensor([0.6745, 0.5000], dtype=torch.float64)
    """

    place: Int[Tensor, " c"]
    cuts: Float[Tensor, "c k"]
    rises: Float[Tensor, "c k"]
    lowest: Float[Tensor, " c"]
    slope: Float[Tensor, " E"]
    table: Float[Tensor, "c c G"]

    def means(self, centre: Float[Tensor, "*K E"]) -> Float[Tensor, "*K E"]:
        """The latent means that belong to mean scores."""
        moved = centre.clone()
        moved[..., self.place] = _latent_means(centre[..., self.place], self.cuts, self.rises, self.lowest)
        return moved

    def covariance(self, scored: Float[Tensor, "E E"]) -> Float[Tensor, "E E"]:
        """The covariance of the latent values; the variance of a category's is one."""
        spread = scored.diagonal().sqrt()
        correlation = (scored / torch.outer(spread, spread) / torch.outer(self.slope, self.slope)).clamp(-1, 1)
        both = self.place.unsqueeze(-1), self.place
        observed = scored[both] / torch.outer(spread[self.place], spread[self.place])
        correlation[both] = _looked_up(self.table, observed)
        correlation.fill_diagonal_(1.0)
        values, vectors = torch.linalg.eigh(correlation)
        if bool(values[0] < _LEAST):
            correlation = (vectors * values.clamp(min=_LEAST)) @ vectors.mT
            root = correlation.diagonal().rsqrt()
            correlation = correlation * torch.outer(root, root)
        latent = spread.clone()
        latent[self.place] = 1.0
        return correlation * torch.outer(latent, latent)


def unscored(mean: Float[Tensor, " E"], cuts: Sequence[tuple[float, ...]]) -> Unscored:
    """The map at a law with these mean scores.

    Args:
        mean: of each entry; of its score, if it is a category.
        cuts: the thresholds of each entry; none for numbers.

    >>> halves = unscored(torch.zeros(2).double(), [(0.0,), (0.0,)])  # two medians: sin(πr/2)
    >>> halves.covariance(torch.tensor([[1.0, 1 / 3], [1 / 3, 1.0]]).double()).round(decimals=3)
    tensor([[1.0000, 0.5000],
            [0.5000, 1.0000]], dtype=torch.float64)
    """
    place = [j for j, own in enumerate(cuts) if own]
    most = max((len(cuts[j]) for j in place), default=1)
    thresholds, rises, lowest = (mean.new_zeros(len(place), most), mean.new_zeros(len(place), most), mean.new_zeros(len(place)))
    for row, j in enumerate(place):
        score = heights(cuts[j]).to(mean)
        thresholds[row, : len(cuts[j])] = torch.tensor(cuts[j]).to(mean)
        rises[row, : len(cuts[j])], lowest[row] = score.diff(), score[0]
    where = torch.tensor(place, dtype=torch.long)
    away = thresholds - _latent_means(mean[where], thresholds, rises, lowest).unsqueeze(-1)
    series = _series(away, rises)
    below = torch.special.ndtr(away)
    low, high = below.unsqueeze(-1).minimum(below.unsqueeze(-2)), below.unsqueeze(-1).maximum(below.unsqueeze(-2))
    variance = (rises.unsqueeze(-1) * rises.unsqueeze(-2) * low * (1 - high)).sum((-1, -2))
    series = series / variance.sqrt().unsqueeze(-1)
    slope = torch.ones_like(mean)
    slope[where] = series[:, 0]
    powers = _GRID.to(mean).unsqueeze(-1) ** torch.arange(1, _TERMS + 1)
    return Unscored(where, thresholds, rises, lowest, slope, torch.einsum("jn,gn,kn->jkg", series, powers, series))


def _series(away: Float[Tensor, "c k"], rises: Float[Tensor, "c k"]) -> Float[Tensor, "c n"]:
    """The coefficients a_n, by the recursion of Hermite's polynomials."""
    weight = rises * (-0.5 * away.square()).exp() / math.sqrt(2 * math.pi)
    before, here, terms = torch.zeros_like(away), torch.ones_like(away), []
    for n in range(_TERMS):
        terms.append((weight * here).sum(-1) / math.sqrt(n + 1))
        before, here = here, (away * here - math.sqrt(n) * before) / math.sqrt(n + 1)
    return torch.stack(terms, dim=-1)


def _latent_means(score: Tensor, cuts: Tensor, rises: Tensor, lowest: Tensor) -> Tensor:
    """The means at which normal values of variance one have these mean scores, by halving."""
    low = (cuts.amin(-1) - _FARTHEST).expand_as(score).clone()
    high = (cuts.amax(-1) + _FARTHEST).expand_as(score).clone()
    for _ in range(_HALVINGS):
        middle = 0.5 * (low + high)
        less = lowest + (rises * torch.special.ndtr(middle.unsqueeze(-1) - cuts)).sum(-1) < score
        low, high = torch.where(less, middle, low), torch.where(less, high, middle)
    return 0.5 * (low + high)


def _looked_up(table: Float[Tensor, "c c G"], observed: Float[Tensor, "c c"]) -> Float[Tensor, "c c"]:
    """The latent correlations at which the table has those that were observed; the outermost ones beyond it."""
    grid = _GRID.to(table)
    upper = torch.searchsorted(table.contiguous(), observed.unsqueeze(-1)).clamp(1, len(grid) - 1)
    one, two = table.gather(-1, upper - 1), table.gather(-1, upper)
    share = ((observed.unsqueeze(-1) - one) / (two - one)).clamp(0, 1)
    return (grid[upper - 1] + share * (grid[upper] - grid[upper - 1])).squeeze(-1)
