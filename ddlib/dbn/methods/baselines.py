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

__all__ = ["CarriedEm", "CleanSubset", "carried", "ceiling", "clean_trajectories", "complete", "estimate_by_em"]


def complete(x: Float[Tensor, "R m T p"]) -> Distilled:
    """Complete trajectories as a set with weights of one.

    >>> complete(torch.zeros(1, 5, 4, 3)).stored_numbers
    60
    """
    return Distilled(x, x.new_zeros(*x.shape[:2], 0), x.new_ones(x.shape[:2]))


def clean_trajectories(task: MergeTask, number: int, generator: torch.Generator) -> Distilled:
    """Complete, noiseless trajectories of the true networks, as no hospital has them.

    >>> from ddlib.dbn import draw_sources, random_networks, random_pattern
    >>> generator = torch.Generator().manual_seed(0)
    >>> graph, truth = random_networks(1, 3, generator)
    >>> task = MergeTask(graph, truth, draw_sources(truth, random_pattern(1, 2, 4, 3, generator), 20, generator))
    >>> clean_trajectories(task, 7, generator).x.shape
    torch.Size([1, 7, 4, 3])
    """
    return complete(sample(task.truth, number, task.slices, generator))


def carried(task: MergeTask, model: Dbn, number: int, generator: torch.Generator) -> Distilled:
    """Trajectories from which the task's learner learns exactly this model.

    >>> from ddlib.dbn import draw_sources, random_networks, random_pattern
    >>> generator = torch.Generator().manual_seed(0)
    >>> graph, truth = random_networks(1, 3, generator)
    >>> task = MergeTask(graph, truth, draw_sources(truth, random_pattern(1, 2, 4, 3, generator), 20, generator))
    >>> torch.allclose(task.fit(carried(task, truth, 7, generator)).inter, truth.inter)
    True
    """
    return complete(exact_trajectories(task.graph, model, number, task.slices, generator))


@dataclass(frozen=True)
class CleanSubset(ClosedForm):
    """As many complete, noiseless trajectories as the budget: the published baseline :math:`D^{sub}`.

    >>> from ddlib.dbn import draw_sources, random_networks, random_pattern
    >>> generator = torch.Generator().manual_seed(0)
    >>> graph, truth = random_networks(1, 3, generator)
    >>> task = MergeTask(graph, truth, draw_sources(truth, random_pattern(1, 2, 4, 3, generator), 20, generator))
    >>> CleanSubset().choose(task, 7, generator).budget
    7
    """

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

    >>> from ddlib.dbn import draw_sources, random_networks
    >>> generator = torch.Generator().manual_seed(0)
    >>> graph, truth = random_networks(1, 3, generator)
    >>> seen = torch.ones(1, 2, 4, 3, dtype=torch.bool)
    >>> task = MergeTask(graph, truth, draw_sources(truth, seen, 20, generator, noise=0.0))
    >>> model = task.fit(CarriedEm().choose(task, 7, generator))
    >>> bool(task.risk(model) < task.risk(truth))  # it fits the data better than the truth
    True
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

    >>> from ddlib.dbn import draw_sources, random_networks
    >>> generator = torch.Generator().manual_seed(0)
    >>> graph, truth = random_networks(1, 3, generator)
    >>> seen = torch.ones(1, 2, 4, 3, dtype=torch.bool)
    >>> task = MergeTask(graph, truth, draw_sources(truth, seen, 20, generator, noise=0.0))
    >>> bool(task.risk(estimate_by_em(task).model) < task.risk(truth))  # it fits the data better than the truth
    True
    """
    result = em(task.graph, task.statistics, task.slices, tolerance, iterations)
    if not bool(result.converged.all()):
        slow = (~result.converged).nonzero().flatten().tolist()
        raise RuntimeError(
            f"EM has not converged in {iterations} iterations on the replicates {slow}: allow more, or a larger tolerance"
        )
    return result


def ceiling(task: MergeTask) -> Float[Tensor, " R"]:
    """The highest expected test log-likelihood that any network can reach: minus the entropy of the truth.

    >>> from ddlib.dbn import draw_sources, random_networks, random_pattern
    >>> generator = torch.Generator().manual_seed(0)
    >>> graph, truth = random_networks(1, 3, generator)
    >>> task = MergeTask(graph, truth, draw_sources(truth, random_pattern(1, 2, 4, 3, generator), 20, generator))
    >>> torch.allclose(ceiling(task), -task.risk(truth, "test"))
    True
    """
    return -entropy(task.truth, task.slices)
