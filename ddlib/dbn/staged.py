r"""First-order distillation in stages, until the training risk no longer falls.

The observed-data likelihood has several local maxima when pairs of variables are never measured together, and a small set of noisy
rows begins at a random place. So the descent begins with a risk that has one: the likelihood with a ridge on the
weights (:mod:`ddlib.dbn.ridge`), strong at first, then weaker, then gone (a continuation method; Allgower and Georg 1990). The
last stage is repeated, with a step size that starts anew, until a whole round lowers no replicate's training risk by more than a
tolerance.
"""

from __future__ import annotations

from dataclasses import dataclass

import torch
from jaxtyping import Float
from torch import Tensor

from ddlib.dbn.merge_task import MergeTask
from ddlib.dbn.ridge import RidgeMerge
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
        ridges: pseudo-patients of the ridge in the stages before the last, as shares of all patients.
        early: updates in each of these stages.
        steps: updates in each round of the last stage.
        tolerance: a round that lowers no training risk by more is the last; in nats per trajectory.
        rounds: at most so many.
        cycles: of accelerated EM, at most, for the estimates that the descent is compared with.
    """

    lr: float = 0.1
    ridges: tuple[float, ...] = (1.0, 0.1)
    early: int = 60
    steps: int = 300
    tolerance: float = 1e-9
    rounds: int = 8
    cycles: int = 400


class Staged:
    """The outcome of a staged descent: the set, and how many updates it took."""

    def __init__(self, distilled: Distilled, updates: int, converged: bool) -> None:
        self.distilled, self.updates, self.converged = distilled, updates, converged


def distil_in_stages(task: MergeTask, budget: int, generator: torch.Generator, stages: Stages | None = None) -> Staged:
    """Distil the sources' rows for the training risk of all sources.

    Args:
        task: the merge.
        budget: the number of trajectories.
        generator: draws the rows that the set begins with.
        stages: how to go about it.
    """
    plan = Stages() if stages is None else stages
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
        reached = task.risk(task.fit(current)).detach()
        if bool((risk - reached <= plan.tolerance).all()):
            return Staged(current, updates, True)
        risk = reached
    return Staged(current, updates, False)
