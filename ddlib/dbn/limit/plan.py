"""Which conditions chapter 06 runs through, each one factor away from the base case."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace

import pandas as pd

from ddlib.dbn.corrected.experiment import Setting
from ddlib.dbn.limit.conditions import Condition, draw
from ddlib.dbn.limit.experiment import merges, yardsticks
from ddlib.dbn.staged import Stages

Tables = tuple[pd.DataFrame, pd.DataFrame]


def hiding_conditions(base: Setting, hidden: float, noise: float) -> list[Condition]:
    """Every pair measured together somewhere, against pairs that never are; with more hidden and more noise than the base case."""
    setting = replace(base, hidden=hidden, noise=noise)
    return [
        Condition("all pairs", setting, hiding="every_pair"),
        Condition("pairs never together", setting, hiding="never_together"),
    ]


def slice_conditions(base: Setting, slices: Sequence[int], hidden: float) -> list[Condition]:
    """The number of slices, with variables hidden at random, and with groups of this share of them never measured together."""
    found = []
    for count in slices:
        setting = replace(base, slices=count)
        found.append(Condition(f"T {count}", setting))
        found.append(Condition(f"T {count} never together", replace(setting, hidden=hidden), hiding="never_together"))
    return found


def noise_conditions(base: Setting, noise: Sequence[float]) -> list[Condition]:
    """The size of the noise, known, ignored and estimated; without noise there is nothing to know."""
    found = []
    for size in noise:
        setting = replace(base, noise=size)
        name = f"noise {size:g}"
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


def scarce_conditions(base: Setting, trajectories: int, hidden: float, noise: float) -> list[Condition]:
    """Few patients a source."""
    setting = replace(base, trajectories=trajectories, hidden=hidden, noise=noise)
    return [Condition("scarce", setting), Condition("scarce never together", setting, hiding="never_together")]


def measure(conditions: Sequence[Condition], budgets: Sequence[int], stages: Stages, rivals: Sequence[str] = ()) -> Tables:
    """Scores and yardsticks of every condition, with its factors as columns."""
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
        scores.append(merges(world, condition, budgets, stages, rivals).assign(**factors))
        marks.append(yardsticks(world, condition.name).assign(**factors))
    return pd.concat(scores, ignore_index=True), pd.concat(marks, ignore_index=True)
