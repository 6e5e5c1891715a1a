r"""First-order distillation in stages, until the training risk no longer falls."""

from __future__ import annotations

from dataclasses import dataclass
from typing import NamedTuple

import torch
from jaxtyping import Bool, Float
from torch import Tensor

from ddlib.dbn.methods.needs import SOURCES, merge
from ddlib.dbn.task.ridge_merge import RidgeMerge
from ddlib.methods import FirstOrder
from ddlib.methods.composed import Composed, Outcome, pick
from ddlib.methods.given import Given
from ddlib.problem import Distilled, Task, distil
from ddlib.requirement import Requirement, inherited

__all__ = ["Staged", "StagedInfo"]


class StagedInfo(NamedTuple):
    """How the descents went.

    Attributes:
        surrogate: the training risk of the model learned from the set.
        updates: of all descents.
        converged: whether the last round of the descent that counts lowered the training risk by no more than the tolerance.

    >>> StagedInfo(torch.tensor([0.5]), 300, torch.tensor([True])).updates
    300
    """

    surrogate: Float[Tensor, " R"]
    updates: int
    converged: Bool[Tensor, " R"]


@dataclass(frozen=True)
class Staged(Composed):
    r"""First-order distillation of a merge task in stages.

    The observed-data likelihood has several local maxima when pairs of variables are never measured together, and a small set of
    noisy rows begins at a random place. So the descent begins with a risk that has one: the likelihood with a ridge on the weights
    (:mod:`ddlib.dbn.estimators.ridge`), strong at first, then weaker, then gone (a continuation method; Allgower and Georg 1990).
    The last stage is repeated, with a step size that starts anew, until a whole round lowers no replicate's training risk by more
    than a tolerance, or for so many rounds. Of several such descents, each from other rows, the one with the lowest training risk
    counts, per replicate.

    Attributes:
        lr: the step size at the start of each round.
        ridges: pseudo-patients of the ridge in the stages before the last, as shares of all patients; a safeguard
            (``benchmarks/merge_descent_settings.py`` compares choices on networks of their own).
        early: updates in each of these stages.
        steps: updates in each round of the last stage.
        tolerance: a round that lowers no training risk by more is the last; in nats per trajectory.
        rounds: at most so many; with none the set is that of the last ridge.
        starts: descents, each from rows of its own; the lowest training risk counts.
        cycles: of accelerated EM, at most, for the estimates that the descent is compared with.
        name: how tables call the method.

    >>> from ddlib.dbn import MergeTask, draw_sources, random_networks, random_pattern
    >>> generator = torch.Generator().manual_seed(0)
    >>> graph, truth = random_networks(1, 3, generator)
    >>> task = MergeTask(graph, truth, draw_sources(truth, random_pattern(1, 2, 4, 3, generator), 20, generator))
    >>> chosen, history = distil(Staged(early=2, steps=2, rounds=1), task, 7, 1, generator)
    >>> chosen.x.shape, history[-1].updates
    (torch.Size([1, 7, 4, 3]), 6)
    """

    lr: float = 0.1
    ridges: tuple[float, ...] = (1.0, 0.1)
    early: int = 60
    steps: int = 300
    tolerance: float = 1e-9
    rounds: int = 8
    starts: int = 1
    cycles: int = 400
    name: str = "first_order"

    def __post_init__(self) -> None:
        if self.rounds < 0 or self.starts < 1:
            raise ValueError(
                f"staged descents need at least 1 start and 0 rounds or more, but they have {self.starts} and {self.rounds}"
            )

    @property
    def requires(self) -> tuple[Requirement, ...]:
        """A merge for its ridges, and what its descents require."""
        return (*((SOURCES,) if self.ridges else ()), *inherited(FirstOrder(self.lr)))

    def run(self, task: Task, budget: int, generator: torch.Generator) -> Outcome:
        """All descents, and the best of them."""
        descents = [self._descend(task, budget, generator) for _ in range(self.starts)]
        infos = [descent.info for descent in descents]
        risk, best = torch.stack([info.surrogate for info in infos]).min(0)
        converged = torch.stack([info.converged for info in infos]).gather(0, best.unsqueeze(0)).squeeze(0)
        distilled = pick([descent.distilled for descent in descents], best)
        return Outcome(distilled, StagedInfo(risk, sum(info.updates for info in infos), converged))

    def _descend(self, task: Task, budget: int, generator: torch.Generator) -> Outcome:
        """One descent through all stages."""

        def descend(stage: Task, updates: int, begin: Distilled) -> Distilled:
            return distil(FirstOrder(self.lr, updates, begin=Given(begin)), stage, budget, updates, generator)[0]

        def risk_of(distilled: Distilled) -> Tensor:
            return task.risk(task.fit(distilled)).detach()

        ridged = [RidgeMerge(merge(task), share) for share in self.ridges]
        current, updates = task.start(budget, generator), 0
        for stage in ridged:
            current, updates = descend(stage, self.early, current), updates + self.early
        risk = risk_of(current)
        before, converged = torch.full_like(risk, torch.inf), torch.zeros_like(risk, dtype=torch.bool)
        for _ in range(self.rounds):
            current, updates = descend(task, self.steps, current), updates + self.steps
            risk = risk_of(current)
            converged = before - risk <= self.tolerance
            if bool(converged.all()):
                break
            before = risk
        return Outcome(current, StagedInfo(risk, updates, converged))
