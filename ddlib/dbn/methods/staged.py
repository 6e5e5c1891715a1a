r"""First-order distillation in stages, until the training risk no longer falls.

The observed-data likelihood has several local maxima when pairs of variables are never measured together, and a small set of noisy
rows begins at a random place. So the descent begins with a risk that has one: the likelihood with a ridge on the
weights (:mod:`ddlib.dbn.estimators.ridge`), strong at first, then weaker, then gone (a continuation method; Allgower and Georg
1990). The last stage is repeated, with a step size that starts anew, until a whole round lowers no replicate's training risk by
more than a tolerance, or for so many rounds. Of several such descents, each from other rows, the one with the lowest training risk
counts, per replicate.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import NamedTuple

import torch
from jaxtyping import Bool, Float
from torch import Tensor

from ddlib.dbn.estimators.regularised import pick
from ddlib.dbn.estimators.ridge import RidgeMerge
from ddlib.dbn.task.merge_task import MergeTask
from ddlib.methods import FirstOrder
from ddlib.problem import ClosedForm, Distilled, Task, distil


@dataclass(frozen=True)
class Given(ClosedForm):
    """A set that is already there: where a later stage begins."""

    distilled: Distilled
    name: str = "given"

    def choose(self, task: Task, budget: int, generator: torch.Generator) -> Distilled:
        return self.distilled


@dataclass(frozen=True)
class Stages:
    """How a staged descent runs.

    Attributes:
        lr: the step size at the start of each round.
        ridges: pseudo-patients of the ridge in the stages before the last, as shares of all patients; a safeguard
            (``benchmarks/merge_descent_settings.py`` compares choices on other networks than chapter 06 shows).
        early: updates in each of these stages.
        steps: updates in each round of the last stage.
        tolerance: a round that lowers no training risk by more is the last; in nats per trajectory.
        rounds: at most so many.
        starts: descents, each from rows of its own; the lowest training risk counts.
        cycles: of accelerated EM, at most, for the estimates that the descent is compared with.
    """

    lr: float = 0.1
    ridges: tuple[float, ...] = (1.0, 0.1)
    early: int = 60
    steps: int = 300
    tolerance: float = 1e-9
    rounds: int = 8
    starts: int = 1
    cycles: int = 400

    def __post_init__(self) -> None:
        if self.rounds < 1 or self.starts < 1:
            raise ValueError(f"a descent needs at least 1 round and 1 start, but it has {self.rounds} and {self.starts}")


class Staged(NamedTuple):
    """The outcome of staged descents.

    Attributes:
        distilled: the set.
        updates: of all descents.
        converged: whether the last round of the descent that counts lowered the training risk by no more than the tolerance,
            per replicate.
        risk: the training risk of the model learned from the set.
    """

    distilled: Distilled
    updates: int
    converged: Bool[Tensor, " R"]
    risk: Float[Tensor, " R"]


def distil_in_stages(task: MergeTask, budget: int, generator: torch.Generator, stages: Stages | None = None) -> Staged:
    """Distil the sources' rows for the training risk of all sources.

    Args:
        task: the merge.
        budget: the number of trajectories.
        generator: draws the rows that the set begins with.
        stages: how to go about it.
    """
    plan = Stages() if stages is None else stages
    runs = [_descend(task, budget, generator, plan) for _ in range(plan.starts)]
    risks = torch.stack([run.risk for run in runs])
    best = risks.argmin(0)
    converged = torch.stack([run.converged for run in runs]).gather(0, best.unsqueeze(0)).squeeze(0)
    return Staged(pick([run.distilled for run in runs], best), sum(run.updates for run in runs), converged, risks.amin(0))


def _descend(task: MergeTask, budget: int, generator: torch.Generator, plan: Stages) -> Staged:
    """One descent through all stages."""
    current = task.start(budget, generator)
    updates = 0
    for share in plan.ridges:
        stage = RidgeMerge(task, share)
        current, _ = distil(FirstOrder(plan.lr, plan.early, begin=Given(current)), stage, budget, plan.early, generator)
        updates += plan.early
    risk: Float[Tensor, " R"] = torch.full_like(task.statistics.size[:, 0], torch.inf)
    for _ in range(plan.rounds):
        current, _ = distil(FirstOrder(plan.lr, plan.steps, begin=Given(current)), task, budget, plan.steps, generator)
        updates += plan.steps
        before, risk = risk, task.risk(task.fit(current)).detach()
        converged = before - risk <= plan.tolerance
        if bool(converged.all()):
            break
    return Staged(current, updates, converged, risk)
