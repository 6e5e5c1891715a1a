"""Every distilled set given to every learner: accuracy after retraining from fresh seeds, efficiency, cost."""

from __future__ import annotations

import time
from collections.abc import Mapping, Sequence
from typing import NamedTuple

import numpy as np
import pandas as pd
import torch
from jaxtyping import Float
from torch import Tensor

from ddlib.problem import Distilled, Method, Split, Task, distil


class Recipe(NamedTuple):
    """How a set is made: a method, the task that it is made for, and the number of updates."""

    method: Method
    task: Task
    steps: int = 0


class Made(NamedTuple):
    """A distilled set and what it took.

    Attributes:
        distilled: the set, R replicates.
        seconds: for all replicates together.
        made_for: the name of the task whose training data, or risk, the method looked at.
    """

    distilled: Distilled
    seconds: float
    made_for: str


def make(recipe: Recipe, budget: int, generator: torch.Generator) -> Made:
    """Distil, and take the time."""
    _wait(recipe.task.train)
    began = time.perf_counter()
    distilled, _ = distil(recipe.method, recipe.task, budget, recipe.steps, generator)
    _wait(distilled)
    return Made(distilled, time.perf_counter() - began, recipe.task.name)


def retrained_risk(
    task: Task, distilled: Distilled, generator: torch.Generator, fits: int = 1, split: Split = "test"
) -> Float[Tensor, " R"]:
    """The risk of models learned from the set with fresh seeds, averaged over ``fits`` of them; one is enough if nothing is drawn.

    Raises:
        ValueError: if there is no fit to average.
    """
    if fits < 1:
        raise ValueError(f"a risk needs at least 1 retrained model, but fits is {fits}")
    if getattr(task, "deterministic", False):
        fits = 1
    with torch.no_grad():
        return torch.stack([task.risk(task.fit(distilled, generator), split) for _ in range(fits)]).mean(0)


def efficiency(risk: Float[Tensor, "*n"], random: Float[Tensor, "*n"], full: Float[Tensor, "*n"]) -> Float[Tensor, "*n"]:
    r"""The share of the distance from random rows to all the data that a set covers.

    .. math:: \frac{R_{\text{random}} - R_S}{R_{\text{random}} - R_{\text{full}}}

    0 is no better than as many random rows, 1 as good as all the data, negative worse than random rows.

    Raises:
        ValueError: if random rows are not worse than all the data, so that there is nothing to cover.
    """
    if bool((random <= full).any()):
        raise ValueError("random rows do as well as all the data: there is nothing that distillation could gain")
    return (random - risk) / (random - full)


def transfer_table(
    sets: Mapping[tuple[str, int], Made], tasks: Sequence[Task], generator: torch.Generator, fits: int, split: Split = "test"
) -> pd.DataFrame:
    """One row per set, learner and replicate: its risk after retraining, its size and its cost.

    Args:
        sets: the sets by method and budget.
        tasks: whose learners are trained on each set.
        generator: the source of fresh seeds.
        fits: models over which a risk is averaged.
        split: where the risk is taken.
    """
    rows = []
    for (method, budget), made in sets.items():
        for task in tasks:
            risk = retrained_risk(task, made.distilled, generator, fits, split).cpu().numpy()
            frame = pd.DataFrame({"seed": np.arange(len(risk)), "risk": risk})
            cost = {"stored_numbers": made.distilled.stored_numbers, "seconds": made.seconds / len(risk)}
            rows.append(frame.assign(method=method, budget=budget, made_for=made.made_for, learner=task.name, **cost))
    columns = ["method", "budget", "made_for", "learner", "seed", "risk", "stored_numbers", "seconds"]
    return pd.concat(rows, ignore_index=True)[columns]


def _wait(data: Distilled) -> None:
    """Until the device has done what was asked of it."""
    if data.w.is_cuda:
        torch.cuda.synchronize(data.w.device)
