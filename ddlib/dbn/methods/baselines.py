"""What distillation is compared with: clean trajectories, EM, the truth, and EM's estimate carried exactly."""

from __future__ import annotations

from dataclasses import dataclass

import torch
from jaxtyping import Float
from torch import Tensor

from ddlib.dbn.likelihood.observed import Em, em
from ddlib.dbn.methods.needs import CARRIER, SOURCES, merge
from ddlib.dbn.methods.sufficient import exact_trajectories, trajectories_needed
from ddlib.dbn.model.generate import sample
from ddlib.dbn.model.network import Dbn, entropy
from ddlib.dbn.task.merge_task import MergeTask
from ddlib.problem import ClosedForm, Distilled, Task
from ddlib.requirement import Requirement


def complete(x: Float[Tensor, "R m T p"]) -> Distilled:
    """Complete trajectories as a set with weights of one."""
    return Distilled(x, x.new_zeros(*x.shape[:2], 0), x.new_ones(x.shape[:2]))


def clean_trajectories(task: MergeTask, number: int, generator: torch.Generator) -> Distilled:
    """Complete, noiseless trajectories of the true networks, as no hospital has them."""
    return complete(sample(task.truth, number, task.slices, generator))


def carried(task: MergeTask, model: Dbn, number: int, generator: torch.Generator) -> Distilled:
    """Trajectories from which the task's learner learns exactly this model."""
    return complete(exact_trajectories(task.graph, model, number, task.slices, generator))


@dataclass(frozen=True)
class CleanSubset(ClosedForm):
    """As many complete, noiseless trajectories as the budget: the published baseline :math:`D^{sub}`."""

    name: str = "clean_subset"

    @property
    def requires(self) -> tuple[Requirement, ...]:
        """A merge, whose true networks are known."""
        return (SOURCES,)

    def choose(self, task: Task, budget: int, generator: torch.Generator) -> Distilled:
        return clean_trajectories(merge(task), budget, generator)


@dataclass(frozen=True)
class CarriedEm(ClosedForm):
    """The limit: EM's estimate on all sources, carried exactly by trajectories (:func:`exact_trajectories`).

    Attributes:
        tolerance: EM's, in nats per trajectory.
    """

    tolerance: float = 1e-13
    name: str = "limit"

    @property
    def requires(self) -> tuple[Requirement, ...]:
        """A merge, and the budget to carry its estimate."""
        return (SOURCES, CARRIER)

    def choose(self, task: Task, budget: int, generator: torch.Generator) -> Distilled:
        merging = merge(task)
        needed = trajectories_needed(merging.graph)
        if budget < needed:
            raise CARRIER.refusal(task.name, f"its graph takes {needed} trajectories, but the budget is {budget}")
        return carried(merging, estimate_by_em(merging, self.tolerance).model, budget, generator)


def estimate_by_em(task: MergeTask, tolerance: float = 1e-13, iterations: int = 20_000) -> Em:
    """EM on all sources, with the task's graph and known noise, run until the likelihood no longer moves in double precision.

    A yardstick has to be converged: at 1e-10 there are networks on which first-order distillation reaches a lower training risk.

    Args:
        task: the merge.
        tolerance: in nats per trajectory.
        iterations: at most so many.

    Raises:
        RuntimeError: if EM has not converged after so many iterations.
    """
    result = em(task.graph, task.statistics, task.slices, tolerance, iterations)
    if not bool(result.converged.all()):
        slow = (~result.converged).nonzero().flatten().tolist()
        raise RuntimeError(
            f"EM has not converged in {iterations} iterations on the replicates {slow}: allow more, or a larger tolerance"
        )
    return result


def ceiling(task: MergeTask) -> Float[Tensor, " R"]:
    """The highest expected test log-likelihood that any network can reach: minus the entropy of the truth."""
    return -entropy(task.truth, task.slices)
