"""What chapter 06 measures in each condition: how far every way of merging is from the best that the data allow."""

from __future__ import annotations

import time
from collections.abc import Callable, Sequence
from typing import Any

import numpy as np
import pandas as pd
import torch
from jaxtyping import Float
from torch import Tensor

from ddbook.chapters.merge.limit.conditions import Condition, World, best_fit
from ddbook.chapters.merge.limit.untied import UntiedMerge, unrolled
from ddbook.kit.merge.bounds import bounds
from ddlib.dbn.methods.baselines import carried
from ddlib.dbn.methods.staged import Staged
from ddlib.dbn.methods.sufficient import trajectories_needed
from ddlib.dbn.model.network import Dbn, Graph
from ddlib.dbn.rivals import RIVALS, RIVALS_IGNORING_NOISE
from ddlib.dbn.sources import Sources
from ddlib.dbn.task.merge_task import MergeTask
from ddlib.problem import Distilled, Method
from ddlib.settings import settings_last
from ddlib.trial import run_trial

Export = Callable[[str, str, Distilled], None]
"""What is done with every distilled set: it is given the condition's name, the method's and the set."""
CHEAP = ("available_case", "available_case_repaired", "mean_imputation", "federated")


def unexported(condition: str, method: str, distilled: Distilled) -> None:
    """The :data:`Export` that lets a set go."""


def at_smallest(scores: pd.DataFrame) -> pd.DataFrame:
    """The rows at the smallest budget, and those of methods without one (budget 0)."""
    budgets = scores.budget[scores.budget > 0]
    return scores if budgets.empty else scores[scores.budget <= budgets.min()]


def regret(world: World, model: Dbn) -> Float[Tensor, " R"]:
    """Expected log-likelihood lost against the truth, in nats per trajectory; infinite where the model is not a network."""
    found = world.task.risk(model, "test") - world.task.risk(world.task.reference, "test")
    return torch.where(found.isfinite(), found, torch.inf)


def row(world: World, condition: str, method: str, budget: int, model: Dbn, seconds: float = 0.0) -> pd.DataFrame:
    """One row per network: regret and training risk."""
    train = world.task.risk(_whole(model), "train")
    train = torch.where(_sound(model), train, torch.inf)
    frame = {"condition": condition, "method": method, "budget": budget, "seed": np.arange(len(train))}
    values = {"regret": regret(world, model), "train_risk": train}
    return pd.DataFrame(frame | {name: value.detach().cpu().numpy() for name, value in values.items()}).assign(seconds=seconds)


def _sound(model: Dbn) -> Tensor:
    return model.variance.isfinite().all(-1) & model.first_variance.isfinite().all(-1)


def _whole(model: Dbn) -> Dbn:
    """The model with standard normal networks in place of failed ones, so that a batch can be scored."""
    plain = Dbn(*(torch.zeros_like(part) for part in model))
    plain = plain._replace(first_variance=plain.first_variance + 1, variance=plain.variance + 1)
    good = _sound(model)
    return Dbn(*(torch.where(good.view(-1, *(1,) * (a.ndim - 1)), a, b) for a, b in zip(model, plain, strict=True)))


def yardsticks(world: World, condition: str) -> pd.DataFrame:
    """What the data allow (:func:`ddbook.kit.merge.bounds.bounds`), one row per network, and the condition's notes.

    Moreover the regret of the fit to the sources' very trajectories, complete and clean. With a truth that the learner cannot hold
    there are no bounds.
    """
    found = world.notes | {"clean_all": regret(world, world.task.fit(world.clean))}
    frame = pd.DataFrame({name: value.detach().cpu().numpy() for name, value in found.items()})
    if world.truth is not None:
        frame = bounds(world.graph, world.truth, world.statistics, world.slices).join(frame)
    return frame.assign(condition=condition, seed=np.arange(len(frame)))


def merges(
    world: World,
    condition: Condition,
    budgets: Sequence[int],
    stages: Staged,
    rivals: Sequence[str] = (),
    few: int = 0,
    everything: bool = False,
    export: Export = unexported,
) -> pd.DataFrame:
    """EM, staged first-order distillation at each budget, and other ways of merging.

    Args:
        world: the condition drawn.
        condition: its name and seed.
        budgets: distilled trajectories.
        stages: how first-order distillation goes about it.
        rivals: names in :data:`ddlib.dbn.rivals.RIVALS`.
        few: chained equations run on so many networks only.
        everything: moreover the quick ones of the rivals with the noise left in, the fit to all clean trajectories, and a set that
            carries EM's estimate exactly, at the smallest budget if that is large enough; for a learner that ties the transitions.
        export: what is done with every set.
    """
    began = time.perf_counter()
    em = best_fit(world, stages.cycles)
    part = row(world, condition.name, "em", 0, em.model, time.perf_counter() - began)
    rows = [part.assign(converged=em.converged.cpu().numpy())]
    for budget in budgets:
        trial = run_trial(stages, world.task, budget, 1, condition.setting.generator(budget))
        export(condition.name, stages.name, trial.distilled)
        info: Any = trial.history[-1]
        scores = row(world, condition.name, stages.name, budget, world.task.fit(trial.distilled), trial.seconds)
        rows.append(scores.assign(updates=info.updates, converged=info.converged.cpu().numpy(), **trial.settings))
    if everything:
        rows.append(row(world, condition.name, "clean_all", 0, world.task.fit(world.clean)))
        if not isinstance(world.task, UntiedMerge) and min(budgets) >= trajectories_needed(world.task.graph):
            limit = carried(world.task, em.model, min(budgets), condition.setting.generator(2))
            export(condition.name, "limit", limit)
            rows.append(row(world, condition.name, "limit", min(budgets), world.task.fit(limit)))
    for name in rivals:
        for table, ending in ((RIVALS, ""), (RIVALS_IGNORING_NOISE, "_noisy"))[: 1 + (everything and name in CHEAP)]:
            if name == "chained_equations" and few < 1:
                continue
            began = time.perf_counter()
            some = _first(world, few if name == "chained_equations" else None)
            model = table[name](some.task.graph, some.task.sources)
            model = unrolled([model] * (some.task.slices - 1)) if isinstance(some.task, UntiedMerge) else model
            rows.append(row(some, condition.name, name + ending, 0, model, time.perf_counter() - began))
    return settings_last(pd.concat(rows, ignore_index=True))


def _first(world: World, few: int | None) -> World:
    """The first few networks of a world, or all."""
    task = world.task
    if few is None or isinstance(task, UntiedMerge):
        return world
    graph = Graph(*(mask[:few] for mask in task.graph))
    truth = Dbn(*(value[:few] for value in task.truth))
    sources = Sources(*(value[:few] for value in task.sources))
    return world._replace(task=MergeTask(graph, truth, sources), clean=Distilled(*(value[:few] for value in world.clean)))


def subset(world: World, condition: str, budgets: Sequence[int]) -> pd.DataFrame:
    """As many clean, complete trajectories as the budget: the published baseline."""
    rows = []
    for budget in budgets:
        few = Distilled(*(part[:, :budget] for part in world.clean))
        rows.append(row(world, condition, "clean_subset", budget, world.task.fit(few)))
    return pd.concat(rows, ignore_index=True)


def run(
    method: Method,
    world: World,
    condition: Condition,
    budget: int,
    steps: int,
    task: object = None,
    export: Export = unexported,
) -> pd.DataFrame:
    """Any method of the library at one budget, on the world's task or on another form of it (leave-one-source-out)."""
    merge: Any = world.task if task is None else task
    trial = run_trial(method, merge, budget, steps, condition.setting.generator(budget))
    export(condition.name, method.name, trial.distilled)
    scores = row(world, condition.name, method.name, budget, world.task.fit(trial.distilled), trial.seconds)
    return scores.assign(**trial.settings)
