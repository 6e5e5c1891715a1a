"""Distillation of real records, scored on held-out patients as in :mod:`ddbook.chapters.merge.hospitals.experiment`."""

from __future__ import annotations

from typing import NamedTuple

import numpy as np
import pandas as pd

from ddbook.chapters.merge.hospitals.experiment import references, rival_rows
from ddbook.chapters.merge.hospitals.likelihood import likelihood_rows
from ddbook.chapters.merge.hospitals.study import Study
from ddbook.chapters.merge.hospitals.task import RecordsTask
from ddlib.methods import FirstOrder, ZerothOrder
from ddlib.methods.early_stopped import EarlyStopped
from ddlib.problem import Distilled, Method
from ddlib.settings import settings_last
from ddlib.trial import run_trial


class Result(NamedTuple):
    """A distilled set and its scores.

    Attributes:
        method: its name.
        distilled: the set, one per split.
        scores: one row per split.
    """

    method: str
    distilled: Distilled
    scores: pd.DataFrame


class Updates(NamedTuple):
    """How long to distil.

    Attributes:
        first_order: gradient steps with all hospitals in the risk.
        leave_one_out: gradient steps, leave-one-source-out.
        zeroth_order: steps of Algorithm 1.
    """

    first_order: int = 100
    leave_one_out: int = 210
    zeroth_order: int = 100


def compare(study: Study, budgets: list[int], updates: Updates, levels: bool = True) -> tuple[pd.DataFrame, list[Result]]:
    """Every row of the chapter on one study: yardsticks, likelihood, other ways of merging, distillation at each budget.

    Step sizes are those of chapter 04; nothing was tuned on these data.

    Args:
        study: the splits.
        budgets: distilled patients in total.
        updates: how long to distil.
        levels: whether to fit the network with static levels too.

    Returns:
        The scores, one row per method, budget and split, and each distilled set with its own.
    """
    descent = FirstOrder(0.1, horizon=updates.first_order)
    with_prior = FirstOrder(0.1, horizon=updates.first_order, name="first_order_prior")
    by_source = FirstOrder(0.1, horizon=updates.leave_one_out, name="first_order_loo")
    stopped = EarlyStopped(descent, stops(updates.first_order), share=0.25, paired=True, name="first_order_stopped")
    leave_one_out = study.task("leave_one_out")
    frames, results = [likelihood_rows(study, levels), rival_rows(study)], list[Result]()
    for budget in sorted(budgets):
        frames.append(references(study, budget, budget == min(budgets)))
        of_budget = [
            distilled(study, descent, budget, updates.first_order, study.task()),
            distilled(study, with_prior, budget, updates.first_order, study.task(prior=study.prior)),
            distilled(study, stopped, budget, 0, study.task()),
            distilled(study, by_source, budget, updates.leave_one_out, leave_one_out),
            distilled(study, ZerothOrder(0.04, 0.64), budget, updates.zeroth_order, leave_one_out),
        ]
        frames += [result.scores for result in of_budget]
        results += of_budget
    return settings_last(pd.concat(frames, ignore_index=True)), results


def stops(steps: int, points: int = 12) -> tuple[int, ...]:
    """Numbers of updates at which a descent may stop, evenly on a logarithmic axis."""
    return tuple(sorted({*np.geomspace(1, max(steps, 1), points).round().astype(int).tolist()}))


def distilled(study: Study, method: Method, budget: int, steps: int, task: RecordsTask) -> Result:
    """Distil what the hospitals measured into so many complete patients.

    Args:
        study: the splits.
        method: how the set is chosen.
        budget: the number of patients in the set.
        steps: updates.
        task: of the study: what the set is distilled for.
    """
    trial, plain = run_trial(method, task, budget, steps, study.generator(1)), study.task()
    model = plain.fit(trial.distilled)
    risk = plain.risk(model).detach().cpu().numpy()
    size = trial.distilled.budget, trial.distilled.stored_numbers
    scores = study.row(study.law(model), method.name, *size, trial.seconds, train_risk=risk)
    return Result(method.name, trial.distilled, scores.assign(**trial.settings))
