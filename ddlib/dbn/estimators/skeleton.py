r"""Which variables are neighbours: semi-interleaved HITON-PC on Gaussian data, for many data sets in one batch.

Two variables i and j of n rows are taken for independent given a set S if their partial correlation, which the covariance of the
residuals on S holds, is not significant in Student's t test,

.. math:: t = r_{ij \cdot S} \sqrt{\frac{\nu}{1 - r_{ij \cdot S}^2}}, \qquad \nu = n - 2 - |S|,

and without a degree of freedom they always are. The candidates for the neighbours of a variable are the others that depend on it,
the most strongly correlated first; each enters unless it is independent of the variable given some set of those that have
entered. Then each of those is tested given all sets of the others, and two variables are neighbours if each is left on the other's
side (Aliferis, Tsamardinos and Statnikov 2003; Aliferis et al. 2010, semi-interleaved, without the symmetry correction inside).
"""

from __future__ import annotations

import math

import torch
from jaxtyping import Bool, Float, Int
from scipy.special import stdtrit
from torch import Tensor

__all__ = ["hiton_pc"]

_NUMBERS = 2**22
"""So many numbers are held at once."""
_MOST_SETS = 2**20
"""A test given more sets than these is refused."""
_DETERMINED = 1e-10
"""A variable with a smaller share of its variance left, given a set, is determined by it."""


def hiton_pc(
    covariance: Float[Tensor, "R k k"],
    rows: Float[Tensor, " R"],
    pairs: Bool[Tensor, "R k k"],
    significance: float = 0.05,
    largest_set: int | None = None,
) -> Bool[Tensor, "R k k"]:
    """Which variables are neighbours, a symmetric mask.

    Args:
        covariance: of each data set.
        rows: the number n behind each covariance.
        pairs: which pairs may be neighbours; only neighbours so far are conditioned on.
        significance: the level α of each test, two-sided.
        largest_set: tests are given sets of at most so many variables; of any size when not given.

    Raises:
        ValueError: if a variable is constant or not finite, the level is not between 0 and 1, the largest set is negative, or there
            are too many sets to test.

    >>> covariance = torch.tensor([[[1.0, 0.8, 0.64], [0.8, 1.0, 0.8], [0.64, 0.8, 1.0]]])  # a chain
    >>> hiton_pc(covariance, torch.tensor([100.0]), ~torch.eye(3, dtype=torch.bool).unsqueeze(0)).int()
    tensor([[[0, 1, 0],
             [1, 0, 1],
             [0, 1, 0]]], dtype=torch.int32)
    """
    correlation = _correlation(covariance)
    if not 0 < significance < 1:
        raise ValueError(f"the level of a test lies between 0 and 1, but it is {significance}")
    if largest_set is not None and largest_set < 0:
        raise ValueError(f"tests are given sets of 0 variables or more, but the largest set is {largest_set}")
    width = covariance.shape[-1]
    critical = critical_squares(rows, significance, width)
    most = width if largest_set is None else largest_set
    strength = correlation.square().masked_fill(~(pairs & pairs.mT), 0.0)
    strength.diagonal(dim1=-2, dim2=-1).fill_(0.0)
    strength = torch.where(strength >= critical[:, :1].unsqueeze(-1), strength, 0.0)
    which, target = (strength > 0).any(-1).nonzero(as_tuple=True)
    found = torch.zeros_like(pairs)
    if len(which):
        search = _Search(correlation, critical, most, which, target, strength[which, target])
        entered, number = search.enter()
        left = search.leave(entered, number)
        found[which, target] = torch.zeros_like(found[which, target]).scatter(-1, entered, left)
    return found & found.mT


def critical_squares(rows: Float[Tensor, " R"], significance: float, width: int) -> Float[Tensor, "R width"]:
    r"""The square of a partial correlation from which on it is significant, given 0, 1, ... others: :math:`t^2 / (\nu + t^2)`.

    More than any correlation where :math:`\nu < 1`.
    """
    freedom = rows.unsqueeze(-1) - 2 - torch.arange(width, device=rows.device)
    quantile = torch.as_tensor(-stdtrit(freedom.clamp(min=1).double().cpu().numpy(), significance / 2)).to(freedom)
    return torch.where(freedom < 1, 2.0, quantile.square() / (freedom + quantile.square()))


def _correlation(covariance: Tensor) -> Tensor:
    scale = covariance.diagonal(dim1=-2, dim2=-1).sqrt()
    if not bool(((scale > 0) & scale.isfinite()).all()):
        raise ValueError("tests of independence need variables that vary: a variance is zero or not a finite number")
    return covariance / (scale.unsqueeze(-1) * scale.unsqueeze(-2))


class _Search:
    """The searches for the neighbours of N variables, each in one of the data sets."""

    def __init__(
        self,
        correlation: Float[Tensor, "R k k"],
        critical: Float[Tensor, "R k"],
        most: int,
        which: Int[Tensor, " N"],
        target: Int[Tensor, " N"],
        strength: Float[Tensor, "N k"],
    ) -> None:
        self.correlation, self.critical, self.most, self.which, self.target = correlation, critical, most, which, target
        self.candidates = (strength > 0).sum(-1)
        self.order = strength.argsort(dim=-1, descending=True, stable=True)

    def enter(self) -> tuple[Int[Tensor, "N w"], Int[Tensor, " N"]]:
        """Those that enter, in their order, and their number; what is behind is the variable itself."""
        entered = self.target.unsqueeze(-1).repeat(1, int(self.candidates.max()))
        number = torch.zeros_like(self.target)
        for turn in range(entered.shape[-1]):
            live = (self.candidates > turn).nonzero().squeeze(-1)
            candidate = self.order[live, turn]
            stays = ~self._separated(live, candidate, entered[live], number[live])
            live, candidate = live[stays], candidate[stays]
            entered[live, number[live]] = candidate
            number[live] += 1
        return entered[:, : int(number.max())], number

    def leave(self, entered: Int[Tensor, "N w"], number: Int[Tensor, " N"]) -> Bool[Tensor, "N w"]:
        """Which are left once each has been tested given all sets of the others."""
        width = entered.shape[-1]
        left = torch.arange(width, device=number.device) < number.unsqueeze(-1)
        search, place = (left & (number > 1).unsqueeze(-1)).nonzero(as_tuple=True)
        at = torch.arange(width - 1, device=number.device)
        others = entered[search].gather(-1, at + (at >= place.unsqueeze(-1)))
        left[search, place] = ~self._separated(search, entered[search, place], others, number[search] - 1)
        return left

    def _separated(self, search: Tensor, candidate: Tensor, given: Int[Tensor, "n w"], number: Int[Tensor, " n"]) -> Tensor:
        """Whether each candidate is independent of its search's variable given some set of the first ``number`` of ``given``."""
        found = torch.zeros_like(search, dtype=torch.bool)
        for size in number.clamp(min=1).unique().tolist():
            group = (number == size).nonzero().squeeze(-1)
            for part in group.split(max(1, _NUMBERS // (self._sets(size) * (size + 2)))):
                at, here = search[part], self.which[search[part]]
                index = torch.cat([self.target[at].unsqueeze(-1), candidate[part].unsqueeze(-1), given[part, :size]], dim=-1)
                block = self.correlation[here[:, None, None], index.unsqueeze(-1), index.unsqueeze(-2)]
                found[part] = self._in_some_set(block, self.critical[here])
        return found

    def _sets(self, size: int) -> int:
        """How many sets of at most ``most`` variables there are of so many."""
        sets = sum(math.comb(size, some) for some in range(min(size, self.most) + 1))
        if sets > _MOST_SETS:
            raise ValueError(
                f"a variable has {size} candidates for its neighbours, whose {sets} sets are too many to test: "
                "lower the largest set of a test, or the significance level"
            )
        return sets

    def _in_some_set(self, block: Float[Tensor, "n d d"], critical: Float[Tensor, "n k"]) -> Bool[Tensor, " n"]:
        """Whether the first two variables are independent given some set of the others.

        The others leave one after the other; each doubles the sets, as it is eliminated from the covariance or not.
        """
        state = block.unsqueeze(1)
        size = torch.zeros(1, dtype=torch.int64, device=block.device)
        for _ in range(block.shape[-1] - 2):
            pivot = state[..., -1, -1]
            column = state[..., :-1, -1]
            row = column / torch.where(pivot < _DETERMINED, torch.inf, pivot).unsqueeze(-1)
            without = state[..., :-1, :-1]
            state = torch.cat([without, without - column.unsqueeze(-1) * row.unsqueeze(-2)], dim=1)
            size = torch.cat([size, size + 1])
            if len(size) > 2**self.most:
                few = size <= self.most
                state, size = state[:, few], size[few]
        spread = state[..., 0, 0] * state[..., 1, 1]
        square = torch.where(spread < _DETERMINED, 0.0, state[..., 0, 1].square() / spread)
        return (square < critical[:, size]).any(-1)
