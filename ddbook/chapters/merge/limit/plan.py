"""Which conditions chapter 06 runs through, each one factor away from the base case."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace

import pandas as pd

from ddbook.chapters.merge.limit.conditions import Condition, draw
from ddbook.chapters.merge.limit.experiment import CHEAP, Export, merges, run, subset, unexported, yardsticks
from ddbook.kit.merge.setting import Setting
from ddlib.dbn.methods.staged import Staged
from ddlib.dbn.task.merge_task import MergeTask
from ddlib.methods import FirstOrder, ZerothOrder
from ddlib.settings import settings_last

Tables = tuple[pd.DataFrame, pd.DataFrame]


def hiding_conditions(base: Setting, hidden: float, noise: float) -> list[Condition]:
    """Every pair measured together somewhere, against pairs that never are; with more hidden and more noise than the base case."""
    setting = replace(base, hidden=hidden, noise=noise)
    return [
        Condition("all pairs", setting, hiding="every_pair"),
        Condition("pairs never together", setting, hiding="never_together"),
    ]


def base_condition(base: Setting) -> Condition:
    """Chapter 04's base case, from which every other condition of this chapter is one factor away."""
    return Condition("base", base)


def slice_conditions(base: Setting, slices: Sequence[int], hidden: float) -> list[Condition]:
    """The number of slices, with variables hidden at random, and with groups of this share of them never measured together.

    Without the base case itself, which :func:`base_condition` measures once for all.
    """
    found = []
    for count in slices:
        setting = replace(base, slices=count)
        if setting != base:
            found.append(Condition(f"T {count}", setting))
        found.append(Condition(f"T {count} never together", replace(setting, hidden=hidden), hiding="never_together"))
    return found


def noise_conditions(base: Setting, noise: Sequence[float]) -> list[Condition]:
    """The size of the noise, known, ignored and estimated; without noise there is nothing to know.

    Without the base case itself, which :func:`base_condition` measures once for all.

    Raises:
        ValueError: if no size is above zero.
    """
    if not any(size > 0 for size in noise):
        raise ValueError(f"noises need a size above 0, where ignoring the noise makes a difference, but they are {list(noise)}")
    found = []
    for size in noise:
        setting = replace(base, noise=size)
        name = f"noise {size:g}"
        if setting != base:
            found.append(Condition(name, setting))
        if size > 0:
            found.append(Condition(f"{name} ignored", setting, noise="ignored"))
            found.append(Condition(f"{name} estimated", setting, noise="estimated"))
    return found


def model_conditions(base: Setting, drift: float) -> list[Condition]:
    """What the learner knows of the model: the graph, and whether transitions are the same in every slice."""
    return [
        Condition("graph learned", base, graph="learned"),
        Condition("untied learner", base, learner="untied"),
        Condition("drift tied", base, drift=drift),
        Condition("drift untied", base, learner="untied", drift=drift),
    ]


def scarce_conditions(base: Setting, trajectories: int, hidden: float, noise: float, networks: int) -> list[Condition]:
    """Few patients a source, on so many networks: where results vary more, more are needed.

    Raises:
        ValueError: if there are fewer than two networks.
    """
    if networks < 2:
        raise ValueError(f"a ratio needs an interval, and so 2 networks or more with few patients, but there are {networks}")
    setting = replace(base, replicates=networks, trajectories=trajectories, hidden=hidden, noise=noise)
    return [Condition("scarce", setting), Condition("scarce never together", setting, hiding="never_together")]


def measure(
    conditions: Sequence[Condition],
    budgets: Sequence[int],
    stages: Staged,
    rivals: Sequence[str] = (),
    export: Export = unexported,
) -> Tables:
    """Scores and yardsticks of every condition, with its factors as columns; every set is exported."""
    scores, marks = [], []
    for condition in conditions:
        world = draw(condition)
        setting = condition.setting
        factors = {
            "slices": setting.slices,
            "noise_sd": setting.noise,
            "trajectories": setting.trajectories,
            "hiding": condition.hiding,
            "knowledge": condition.noise,
        }
        scores.append(merges(world, condition, budgets, stages, rivals, export=export).assign(**factors))
        marks.append(yardsticks(world, condition.name).assign(**factors))
    return settings_last(pd.concat(scores, ignore_index=True)), pd.concat(marks, ignore_index=True)


def every_way(
    conditions: Sequence[Condition],
    budgets: Sequence[int],
    stages: Staged,
    zeroth_order_epochs: int,
    imputed: int,
    export: Export = unexported,
) -> Tables:
    """Scores and yardsticks of every way of merging.

    The rivals with the noise left in, the clean subset, the leave-one-source-out descent and Algorithm 1 stand beside what
    :func:`measure` gives.

    Args:
        conditions: where to compare.
        budgets: distilled trajectories; the slow methods run at the smallest.
        stages: how first-order distillation goes about it.
        zeroth_order_epochs: updates of Algorithm 1, with the step size and perturbation of chapter 04.
        imputed: chained equations run on so many networks.
        export: what is done with every set.
    """
    scores, marks, least = [], [], min(budgets)
    algorithm_1 = ZerothOrder(0.04, 0.64)
    updates = 2 * stages.steps
    by_source = FirstOrder(stages.lr, horizon=updates, name="first_order_loo")
    for condition in conditions:
        world = draw(condition)
        task = MergeTask(world.task.graph, world.task.truth, world.task.sources, objective="leave_one_out")
        rivals = (*CHEAP, "chained_equations")
        scores.append(merges(world, condition, budgets, stages, rivals, few=imputed, everything=True, export=export))
        scores.append(subset(world, condition.name, budgets))
        scores.append(run(by_source, world, condition, least, updates, task=task, export=export))
        scores.append(run(algorithm_1, world, condition, least, zeroth_order_epochs, task=task, export=export))
        marks.append(yardsticks(world, condition.name))
    return settings_last(pd.concat(scores, ignore_index=True)), pd.concat(marks, ignore_index=True)
