r"""Early-stopped distillation: the number of updates is chosen by the observed-data likelihood of held-out patients.

The descent begins at the optimum of a ridge and goes on without it, by plain gradient steps: so it first fits what the
measurements say clearly, where the gradient is large, and only later what they hardly say, just as the EM algorithm does. (Adam,
which makes all steps equally large, does not have this order.) Each fold of the patients is held out once, the held-out
log-likelihoods of the iterates are summed over folds, and the descent on all patients stops, per replicate, where that sum is
largest.
"""

from __future__ import annotations

from typing import NamedTuple

import torch
from jaxtyping import Float, Int
from torch import Tensor

from ddlib.dbn.estimators.regularised import fold, pick
from ddlib.dbn.estimators.ridge import RidgeMerge
from ddlib.dbn.likelihood.observed import observed_log_likelihood
from ddlib.dbn.methods.staged import Given
from ddlib.dbn.sources import statistics
from ddlib.dbn.task.merge_task import MergeTask
from ddlib.methods import FirstOrder
from ddlib.problem import Distilled, distil

WATCHED = (0, 5, 10, 15, 20, 25, 30, 40, 50, 60, 80, 100, 130, 160, 200)
"""Updates after which a descent may stop."""


class Stopped(NamedTuple):
    """An early-stopped set.

    Attributes:
        distilled: the set.
        updates: after how many updates without the ridge each replicate stopped.
        held_out: log-likelihood of held-out patients in nats per trajectory, one row per watched iterate.
    """

    distilled: Distilled
    updates: Int[Tensor, " R"]
    held_out: Float[Tensor, "w R"]


def _path(
    task: MergeTask, budget: int, generator: torch.Generator, lr: float, share: float, early: int, most: int
) -> list[Distilled]:
    """The watched iterates of a descent with a constant step size, after one with a ridge."""
    begun = Given(task.start(budget, generator))
    first, _ = distil(FirstOrder(0.1, early, begin=begun), RidgeMerge(task, share), budget, early, generator)
    found: list[Distilled] = []

    def watch(step: int, current: Distilled) -> None:
        if step in WATCHED:
            found.append(current)

    descent = FirstOrder(lr * budget, optimiser="descent", schedule="constant", keep="last", begin=Given(first))
    distil(descent, task, budget, most, generator, watch)
    return found


def distil_and_stop(
    task: MergeTask,
    budget: int,
    seed: int,
    folds: int = 5,
    lr: float = 0.15,
    share: float = 0.003,
    early: int = 100,
    most: int = 200,
) -> Stopped:
    """Distil the sources' rows and stop early, by cross-validation over patients.

    The defaults of step size and ridge were chosen by held-out likelihood on other networks than chapter 06 shows
    (``benchmarks/merge_descent_settings.py``).

    Args:
        task: the merge.
        budget: the number of trajectories.
        seed: of the rows that each descent begins with.
        folds: each is held out once.
        lr: the step size of plain descent after the ridge, times the budget: a trajectory's gradient falls with their number.
        share: the ridge that the descent begins with (:func:`ddlib.dbn.estimators.ridge.ridge`).
        early: updates with it.
        most: updates without it, at most.

    Raises:
        ValueError: if the folds are too small.
    """
    device = task.sources.values.device
    scores: list[Tensor] = []
    for number in range(folds):
        rest, held = fold(task.sources, number, folds)
        data = statistics(held)
        part = MergeTask(task.graph, task.truth, rest)
        path = _path(part, budget, torch.Generator(device).manual_seed(seed + number + 1), lr, share, early, most)
        scores.append(torch.stack([observed_log_likelihood(part.fit(at), data, task.slices).sum(-1) for at in path]))
    held_out = torch.stack(scores).sum(0).detach() / (task.sources.values.shape[1] * task.sources.values.shape[2])
    choice = held_out.argmax(0)
    whole = _path(task, budget, torch.Generator(device).manual_seed(seed), lr, share, early, most)
    return Stopped(pick(whole, choice), torch.tensor(WATCHED, device=device)[choice], held_out)
