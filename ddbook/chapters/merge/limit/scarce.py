"""Chapter 06 with few patients: what goes below the converged maximum of the observed-data likelihood."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace
from functools import partial

import pandas as pd
import torch

from ddbook.chapters.merge.limit.conditions import Condition, World, best_fit, draw
from ddbook.chapters.merge.limit.experiment import Export, row, unexported, yardsticks
from ddlib.dbn.estimators.regularised import ITERATIONS, RIDGE_CYCLES, RIDGES, Path, cross_validate, ridge_path, stopped_path
from ddlib.dbn.estimators.ridge import ridge
from ddlib.dbn.methods.staged import Staged
from ddlib.dbn.methods.stopped_descent import stopped_descent
from ddlib.dbn.task.merge_task import MergeTask
from ddlib.dbn.task.ridge_merge import RidgeMerge
from ddlib.methods import FirstOrder
from ddlib.problem import Method
from ddlib.settings import settings_last
from ddlib.trial import run_trial


def scarce(
    world: World,
    condition: Condition,
    budget: int,
    stages: Staged,
    folds: int,
    most: int = 200,
    export: Export = unexported,
) -> pd.DataFrame:
    """The converged maximum (by EM and distilled), and what held-out patients choose, one row per network and method.

    The strength of the ridge is chosen with EM, of which the distilled set learns this number and nothing else.

    Args:
        world: the condition drawn.
        condition: its name and seed.
        budget: distilled trajectories.
        stages: how first-order distillation goes about it.
        folds: of the cross-validation over patients.
        most: updates of the descent that is stopped early, at most.
        export: what is done with every set.
    """
    task, name, seed = world.task, condition.name, condition.setting.seed
    generator = condition.setting.generator
    rows = [row(world, name, "em", 0, best_fit(world, stages.cycles).model)]
    iterations = [number for number in ITERATIONS if number <= stages.cycles]
    paths: tuple[tuple[str, Path], ...] = (
        ("em_stopped", partial(stopped_path, iterations=iterations)),
        ("em_ridge", partial(ridge_path, cycles=min(stages.cycles, RIDGE_CYCLES))),
    )
    chosen = {method: cross_validate(task.graph, task.sources, path, folds) for method, path in paths}
    rows += [row(world, name, method, 0, found.model) for method, found in chosen.items()]
    patients = task.statistics.size.new_tensor(RIDGES)[chosen["em_ridge"].choice]
    strength = ridge(task.graph, task.statistics, task.slices, patients / task.statistics.size.sum(-1))
    updates = 2 * stages.steps
    by_source = FirstOrder(stages.lr, horizon=updates, name="first_order_loo")
    stopped = stopped_descent(budget, folds, early=max(stages.steps // 2, 1), most=most)
    runs: tuple[tuple[Method, MergeTask, int, torch.Generator], ...] = (
        (stages, task, 0, generator(budget)),
        (replace(stages, name="first_order_ridge"), RidgeMerge(task, strength), 0, generator(budget)),
        (stopped, task, 0, torch.Generator(condition.setting.device).manual_seed(1000 * seed)),
        (by_source, MergeTask(task.graph, task.truth, task.sources, "leave_one_out"), updates, generator(budget)),
    )
    for method, merge, steps, draws in runs:
        trial = run_trial(method, merge, budget, steps, draws)
        export(name, method.name, trial.distilled)
        rows.append(row(world, name, method.name, budget, task.fit(trial.distilled)).assign(**trial.settings))
    return settings_last(pd.concat(rows, ignore_index=True))


def few_patients(
    conditions: Sequence[Condition],
    budget: int,
    stages: Staged,
    folds: int,
    most: int,
    export: Export = unexported,
) -> tuple[pd.DataFrame, pd.DataFrame]:
    """:func:`scarce` and what the data allow in every condition."""
    scores, marks = [], []
    for condition in conditions:
        world = draw(condition)
        scores.append(scarce(world, condition, budget, stages, folds, most=most, export=export))
        marks.append(yardsticks(world, condition.name))
    return pd.concat(scores, ignore_index=True), pd.concat(marks, ignore_index=True)
