r"""Categories as scores: a number in the place of an interval, for what takes too long otherwise.

The score of an interval I is :math:`E[z \mid z \in I]` for a standard normal z. The scores of a column of categories are divided by
the root of their mean square. Correlations of scores are nearer zero than those of the latent values, which
:mod:`ddlib.merge.model.unscored` finds from them.
"""

from __future__ import annotations

from collections.abc import Sequence

import torch
from jaxtyping import Bool, Float
from torch import Tensor

from ddlib.merge.model.truncated import truncated

__all__ = ["heights", "scores"]


def heights(cuts: Sequence[float]) -> Float[Tensor, " k"]:
    """The scores of the categories between thresholds; their mean square is one.

    >>> heights([0.0]).round(decimals=6)
    tensor([-1.,  1.], dtype=torch.float64)
    """
    score, root = _between(cuts)
    return score / root


def _between(cuts: Sequence[float]) -> tuple[Float[Tensor, " k"], Float[Tensor, ""]]:
    """The scores before division, and the divisor."""
    ends = torch.tensor([-torch.inf, *cuts, torch.inf], dtype=torch.float64)
    mass, score, _ = truncated(torch.zeros_like(ends[1:]), torch.ones_like(ends[1:]), ends[:-1], ends[1:])
    return score, (mass.exp() * score.square()).sum().sqrt()


def scores(
    lower: Float[Tensor, "n D"],
    upper: Float[Tensor, "n D"],
    within: Bool[Tensor, "n D"],
    cuts: Sequence[tuple[float, ...]],
) -> Float[Tensor, "n D"]:
    """The scores of the cells that are known to lie in an interval, zero elsewhere.

    Args:
        lower, upper: the ends.
        within: which cells lie in an interval.
        cuts: the thresholds of each entry that is a category; none for others.

    >>> ends = torch.tensor([[-torch.inf], [0.0]]).double(), torch.tensor([[0.0], [torch.inf]]).double()
    >>> scores(*ends, torch.ones(2, 1, dtype=torch.bool), [(0.0,)]).flatten().round(decimals=6)
    tensor([-1.,  1.], dtype=torch.float64)
    """
    found = torch.zeros_like(lower)
    for j in within.any(0).nonzero().flatten().tolist():
        here = within[:, j]
        ends, place = torch.unique(torch.stack([lower[here, j], upper[here, j]], dim=-1), dim=0, return_inverse=True)
        _, score, _ = truncated(torch.zeros(len(ends)).to(ends), torch.ones(len(ends)).to(ends), *ends.T)
        found[here, j] = (score / _between(cuts[j])[1].to(score) if cuts[j] else score)[place]
    return found
