r"""Laws of the boundary value α: normal, cut where the problem asks for it, with two tails."""

from __future__ import annotations

import math
from dataclasses import dataclass
from typing import Literal, NamedTuple

import torch
from jaxtyping import Float
from torch import Tensor

__all__ = ["Law", "Tail", "Tails"]

Tail = Literal["lower", "upper", "both"]
"""The part of the law below a quantile, above one, or all of it."""


class Tails(NamedTuple):
    """Where α comes from.

    Attributes:
        train: the tail of the training data.
        target: the tail of the deployment law.
        mass: the probability q of each.

    >>> Tails("upper", "lower", mass=0.05).target
    'lower'
    """

    train: Tail = "lower"
    target: Tail = "upper"
    mass: float = 0.3


@dataclass(frozen=True)
class Law:
    r"""A normal law, conditioned on an interval.

    .. math:: \alpha \sim N(\mu, \sigma^2) \mid a < \alpha < b

    Its lower tail of mass q is the law below its q-quantile, its upper tail that above its (1 − q)-quantile; ``"both"`` is the
    whole law, whatever the mass.

    Attributes:
        mean: :math:`\mu`, before the cut.
        sd: :math:`\sigma > 0`, before the cut; severity counts in it.
        low: a.
        high: b.

    >>> low, high = Law(0.0, 1.0).interval("upper", mass=0.3)
    >>> round(low, 4), high
    (0.5244, inf)
    """

    mean: float = 0.0
    sd: float = 1.0
    low: float = -math.inf
    high: float = math.inf

    def __post_init__(self) -> None:
        if not (math.isfinite(self.mean) and 0 < self.sd < math.inf and self.low < self.high):
            raise ValueError(
                f"a law needs a finite mean, a positive standard deviation and low < high, but they are {self.mean}, {self.sd}, "
                f"{self.low} and {self.high}"
            )

    def quantile(self, p: Float[Tensor, "*n"]) -> Float[Tensor, "*n"]:
        """Where the law's distribution function is p."""
        below, above = self._share(self.low), self._share(self.high)
        return self.mean + self.sd * torch.special.ndtri(below + p * (above - below))

    def interval(self, tail: Tail, mass: float = 0.3) -> tuple[float, float]:
        """The two ends of a tail."""
        first, last = _levels(tail, mass)
        ends = self.quantile(torch.tensor([first, last], dtype=torch.float64))
        return float(ends[0]), float(ends[1])

    def draw(self, tail: Tail, mass: float, shape: tuple[int, ...], generator: torch.Generator) -> Float[Tensor, "*shape"]:
        """Independent draws from a tail."""
        draws = torch.rand(shape, generator=generator, device=generator.device, dtype=torch.float64)
        return self.at(tail, mass, draws)

    def stratified(self, tail: Tail, mass: float, shape: tuple[int, ...], generator: torch.Generator) -> Float[Tensor, "*shape"]:
        """Draws from a tail, along the last axis one from each of as many parts of equal probability."""
        draws = torch.rand(shape, generator=generator, device=generator.device, dtype=torch.float64)
        return self.at(tail, mass, (torch.arange(shape[-1], device=draws.device) + draws) / shape[-1])

    def grid(self, tail: Tail, mass: float, count: int) -> Float[Tensor, " count"]:
        """The medians of ``count`` parts of a tail that have equal probability."""
        return self.at(tail, mass, (torch.arange(count, dtype=torch.float64) + 0.5) / count)

    def at(self, tail: Tail, mass: float, p: Float[Tensor, "*n"]) -> Float[Tensor, "*n"]:
        """The p-quantile of a tail's own law."""
        first, last = _levels(tail, mass)
        tiny = torch.finfo(p.dtype).eps
        return self.quantile((first + p * (last - first)).clamp(tiny, 1 - tiny))

    def tail_mean(self, tail: Tail, mass: float) -> float:
        r"""The mean of a tail, :math:`\mu + \sigma\, (\varphi(A) - \varphi(B)) / (\Phi(B) - \Phi(A))` for its standardised ends."""
        a, b = ((end - self.mean) / self.sd for end in self.interval(tail, mass))
        density = [math.exp(-end * end / 2) / math.sqrt(2 * math.pi) for end in (a, b)]
        return self.mean + self.sd * (density[0] - density[1]) / (_phi(b) - _phi(a))

    def severity(self, mass: float, train: Tail = "lower", target: Tail = "upper") -> float:
        """How far apart the means of two tails lie, in standard deviations.

        >>> round(Law().severity(0.3), 3)
        2.318
        """
        return abs(self.tail_mean(target, mass) - self.tail_mean(train, mass)) / self.sd

    def _share(self, end: float) -> float:
        return _phi((end - self.mean) / self.sd)


def known_tails(tails: object) -> None:
    """Raise a ValueError unless it is a pair of tails with their mass, by name."""
    if not isinstance(tails, Tails):
        raise ValueError(f"tails must be Tails(train, target, mass), but they are {tails!r}: give Tails(mass=0.3)")
    for tail in (tails.train, tails.target):
        _levels(tail, tails.mass)


def _phi(z: float) -> float:
    return 0.5 * math.erfc(-z / math.sqrt(2))


def _levels(tail: Tail, mass: float) -> tuple[float, float]:
    """The probabilities between which a tail lies."""
    if tail not in ("lower", "upper", "both"):
        raise ValueError(f"a tail is 'lower', 'upper' or 'both', but it is {tail!r}")
    if not 0 < mass <= 1:
        raise ValueError(f"the mass of a tail must lie above 0 and at most at 1, but it is {mass}: give 0.3 for 30 %")
    return {"lower": (0.0, mass), "upper": (1 - mass, 1.0), "both": (0.0, 1.0)}[tail]
