"""The experiment of chapter 04: the same random networks and sources for every way of merging, scored in closed form."""

from __future__ import annotations

import time
from typing import NamedTuple

import pandas as pd
import torch
from jaxtyping import Float
from torch import Tensor

from ddbook.kit.merge.setting import Setting
from ddlib.dbn.methods.baselines import carried, estimate_by_em
from ddlib.dbn.methods.sufficient import trajectories_needed
from ddlib.dbn.model.moments import check_rank, in_degrees
from ddlib.dbn.model.network import Dbn
from ddlib.dbn.task.merge_task import MergeTask
from ddlib.problem import Distilled, Method
from ddlib.trial import curve, log_spaced, run_trial, tidy


def check_budgets(budgets: list[int], epochs: list[int], task: MergeTask) -> None:
    """Refuse budgets that would fail only after long work.

    Args:
        budgets: distilled trajectories in total.
        epochs: of Algorithm 1, one number per budget.
        task: what the budgets are used on.

    Raises:
        ValueError: if there is no budget or one twice, one is below the number of sources, too small for the graphs' fit or above
            the number of trajectories, or the epochs do not match.
    """
    if not budgets or len(epochs) != len(budgets):
        raise ValueError(
            f"zeroth_order_epochs has {len(epochs)} numbers for {len(budgets)} budgets in ipc: give one for each budget"
        )
    if len(set(budgets)) < len(budgets):
        raise ValueError(f"ipc has a budget twice: {budgets}")
    sources, most = task.sources.values.shape[1], task.train.budget
    for budget in budgets:
        if not sources <= budget <= most:
            raise ValueError(f"ipc has the budget {budget}: give each source a trajectory, from {sources} to {most} in all")
        check_rank(in_degrees(task.graph), budget, task.slices)


class Run(NamedTuple):
    """One method at one budget.

    Attributes:
        start: the set that it began with.
        distilled: the set that it reached.
        scores: one row per replicate, as :func:`score` makes them, with the trial's settings.
        curve: test log-likelihood against the step, one row per step and replicate.
    """

    start: Distilled
    distilled: Distilled
    scores: pd.DataFrame
    curve: pd.DataFrame


def score(task: MergeTask, model: Dbn, method: str, budget: int, seconds: float = 0.0, stored: int = 0) -> pd.DataFrame:
    """Test log-likelihood, regret and training risk of a model in nats per trajectory, one row per replicate."""
    values = _test(task, model) | {"train_risk": task.risk(model)}
    return tidy(values, {"method": method, "budget": budget}, {"stored_numbers": stored, "seconds": seconds})


def _test(task: MergeTask, model: Dbn) -> dict[str, Float[Tensor, " R"]]:
    risk = task.risk(model, "test")
    return {"test_ll": -risk, "regret": risk - task.risk(task.reference, "test")}


def follow(method: Method, task: MergeTask, budget: int, steps: int, generator: torch.Generator, points: int = 40) -> Run:
    """Run a method and watch the test log-likelihood at some steps, spaced evenly on a logarithmic axis.

    The seconds in the scores leave the watching out.
    """
    trial = run_trial(method, task, budget, steps, generator, log_spaced(steps, points))
    chosen = trial.distilled
    scores = score(task, task.fit(chosen), method.name, budget, trial.seconds, chosen.stored_numbers)
    watched = curve(trial, lambda reached: _test(task, task.fit(reached)), {"method": method.name, "budget": budget})
    return Run(trial.start, chosen, scores.assign(**trial.settings), watched)


def run(setting: Setting, method: Method, budget: int, steps: int, leave_one_out: bool = False) -> Run:
    """:func:`follow` on a draw of a setting, with all sources in the risk or one left out, and the budget's random numbers."""
    return follow(method, setting.draw()[leave_one_out], budget, steps, setting.generator(budget))


def yardsticks(task: MergeTask, clean: Distilled, budgets: list[int], generator: torch.Generator) -> pd.DataFrame:
    """The rows that distillation is compared with.

    Clean subsets are the first of the clean trajectories, as published. The limit is EM's estimate carried exactly, at each budget
    that is large enough for it and at the smallest that is.

    Args:
        task: the merge.
        clean: the sources' own trajectories, clean and complete (:meth:`Setting.clean`).
        budgets: distilled trajectories in total.
        generator: the source of randomness of the sets that carry EM's estimate.
    """
    began = time.perf_counter()
    em = estimate_by_em(task)
    seconds = time.perf_counter() - began
    total = task.train.budget
    rows = [
        score(task, task.truth, "truth", 0),
        score(task, em.model, "em", total, seconds, int(task.sources.observed[0].sum()) * (total // task.sources.values.shape[1])),
        score(task, task.fit(clean), "clean_all", total, stored=clean.stored_numbers),
    ]
    for budget in budgets:
        subset = Distilled(*(part[:, :budget] for part in clean))
        rows.append(score(task, task.fit(subset), "clean_subset", budget, stored=subset.stored_numbers))
    needed = trajectories_needed(task.graph)
    for budget in sorted({needed, *(b for b in budgets if b >= needed)}):
        limit = carried(task, em.model, budget, generator)
        rows.append(score(task, task.fit(limit), "limit", budget, stored=limit.stored_numbers))
    return pd.concat(rows, ignore_index=True)


def compared(setting: Setting, budgets: list[int]) -> pd.DataFrame:
    """:func:`yardsticks` on a draw of a setting."""
    return yardsticks(setting.draw()[0], setting.clean(), budgets, setting.generator(1))


def limit_difference(task: MergeTask, generator: torch.Generator) -> float:
    """The largest difference in any parameter between EM's estimate and the fit to the smallest set that carries it."""
    em = estimate_by_em(task).model
    fitted = task.fit(carried(task, em, trajectories_needed(task.graph), generator))
    return max(float((ours - theirs).abs().max()) for ours, theirs in zip(fitted, em, strict=True))
