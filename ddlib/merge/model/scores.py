r"""Categories as scores: a number in the place of an interval, for what takes too long otherwise.

The score of an interval I is :math:`E[z \mid z \in I]` for a standard normal z, divided by the root of the mean square of the
scores of all intervals. Correlations of scores are somewhat nearer zero than those of the latent values.
"""

from __future__ import annotations

import torch
from jaxtyping import Bool, Float
from torch import Tensor

from ddlib.merge.model.truncated import truncated

__all__ = ["scores"]


def scores(
    lower: Float[Tensor, "n D"], upper: Float[Tensor, "n D"], within: Bool[Tensor, "n D"]
) -> tuple[Float[Tensor, "n D"], Float[Tensor, " D"]]:
    """The scores of the cells that are known to lie in an interval, zero elsewhere, before division; and each entry's divisor.

    Args:
        lower, upper: the ends.
        within: which cells lie in an interval.

    >>> ends = torch.tensor([[-torch.inf], [0.0]]).double(), torch.tensor([[0.0], [torch.inf]]).double()
    >>> mean, root = scores(*ends, torch.ones(2, 1, dtype=torch.bool))  # √(2/π)
    >>> [round(float(part), 4) for part in (*mean, root)]
    [-0.7979, 0.7979, 0.7979]
    """
    mean, root = torch.zeros_like(lower), torch.ones_like(lower[0])
    for j in within.any(0).nonzero().flatten().tolist():
        here = within[:, j]
        ends, place = torch.unique(torch.stack([lower[here, j], upper[here, j]], dim=-1), dim=0, return_inverse=True)
        mass, score, _ = truncated(torch.zeros(len(ends)).to(ends), torch.ones(len(ends)).to(ends), *ends.T)
        share = mass.exp()
        mean[here, j] = score[place]
        root[j] = ((share * score.square()).sum() / share.sum()).sqrt().clamp(min=0.1)
    return mean, root
