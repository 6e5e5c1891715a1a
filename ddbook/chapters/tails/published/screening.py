"""Designs that are drawn at random in great number, and kept by the training risk of networks that are trained on them."""

from __future__ import annotations

import dataclasses
from dataclasses import dataclass
from typing import Any, Literal

import torch
from jaxtyping import Int
from torch import Tensor

from ddbook.chapters.tails.published.designs import Averaged, stacked
from ddlib.methods import RandomRows
from ddlib.pinn.designs import tensor_grid
from ddlib.pinn.teachers.teacher import label
from ddlib.problem import ClosedForm, Distilled

SPACINGS: tuple[Literal["chebyshev", "lobatto"], ...] = ("chebyshev", "lobatto")


@dataclass(frozen=True)
class LatinGrid(ClosedForm):
    r"""A Latin grid with exact labels, drawn at random: every value of α once, so that few points see many of them.

    .. math:: (x_i, \alpha_i) = \bigl(z_i,\ \bar\alpha + c\, s_\alpha\, t_{\pi(i)}\bigr), \qquad t = -1, \dots, 1 \text{ evenly}

    z are Chebyshev or Lobatto points of the domain, as many as the budget or, where it is even and at least 8, half as many, each
    twice. :math:`\pi` is a random permutation, c uniform on an interval, :math:`\bar\alpha` and :math:`s_\alpha` mean and standard
    deviation of D's α; all of them are drawn for each replicate.

    Attributes:
        spans: the least and the greatest c.
        name: how tables call the method.
    """

    spans: tuple[float, float] = (1.2, 2.4)
    name: str = "latin_grid"

    def choose(self, task: Any, budget: int, generator: torch.Generator) -> Distilled:
        known = task.train.x[..., -1]
        rows = []
        for center, spread in zip(known.mean(-1), known.std(-1), strict=True):
            kind, halved, share = torch.rand(3, generator=generator, device=generator.device).tolist()
            twice = 2 if budget % 2 == 0 and budget >= 8 and halved < 0.5 else 1
            order = torch.randperm(budget, generator=generator, device=generator.device).to(known.device)
            levels = torch.linspace(-1, 1, budget, dtype=known.dtype, device=known.device)[order]
            places = tensor_grid(task.problem, 1, budget // twice, spacing=SPACINGS[int(kind < 0.5)])[:, :1].to(known)
            span = self.spans[0] + share * (self.spans[1] - self.spans[0])
            rows.append(task.problem.join(places.repeat(twice, 1), center + span * spread * levels))
        return label(torch.stack(rows), task.problem.exact_at)


@dataclass(frozen=True)
class Screened(ClosedForm):
    """The best of many sets by training risk: all of them by one network each, then the best few by several fresh ones.

    Attributes:
        count: sets that are drawn, from the sources in turn.
        batch: sets that are trained at once.
        sources: methods that draw; others of one replicate differ from call to call.
        others: methods whose sets are screened as well, once.
        finalists: sets that the first risk leaves; 1 ends the screening there.
        judges: fresh networks for each of them.
        name: how tables call the method.
    """

    count: int = 100
    batch: int = 50
    sources: tuple[ClosedForm, ...] = (RandomRows(),)
    others: tuple[ClosedForm, ...] = ()
    finalists: int = 1
    judges: int = 4
    name: str = "screened"

    def __post_init__(self) -> None:
        if min(self.count, self.batch, self.finalists, self.judges, len(self.sources)) < 1:
            raise ValueError("screening needs at least 1 set, batch, finalist, judge and source")

    @torch.no_grad()
    def choose(self, task: Any, budget: int, generator: torch.Generator) -> Distilled:
        judged = task if isinstance(task, Averaged) else Averaged(task)
        alone = dataclasses.replace(judged, networks=1)
        sets: list[Distilled] = []
        risks: list[Tensor] = []
        for at in range(0, self.count, self.batch):
            turns = range(at, min(at + self.batch, self.count))
            drawn = [self.sources[turn % len(self.sources)].choose(task, budget, generator) for turn in turns]
            if at == 0:
                drawn += [other.choose(task, budget, generator) for other in self.others]
            sets.append(stacked(drawn))
            risks.append(alone.risk(alone.fit(sets[-1], generator)).nan_to_num(torch.inf))
        every = Distilled(*(torch.cat(tensors) for tensors in zip(*sets, strict=True)))
        best = torch.cat(risks).argsort(0)[: self.finalists]
        if len(best) > 1:
            several, few = dataclasses.replace(judged, networks=self.judges), _taken(every, best)
            again = several.risk(several.fit(few, generator)).nan_to_num(torch.inf)
            best = best.gather(0, again.argmin(0, keepdim=True))
        return Distilled(*(tensor[0] for tensor in _taken(every, best)))


def _taken(sets: Distilled, which: Int[Tensor, "F R"]) -> Distilled:
    """Some sets of each replicate."""
    replicate = torch.arange(which.shape[1], device=which.device)
    return Distilled(*(tensor[which, replicate] for tensor in sets))
