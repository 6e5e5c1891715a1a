"""The information ladder: the same data with more and more physics, and what each way of using it makes of it."""

from __future__ import annotations

import pandas as pd

from ddbook.chapters.tails.opposite.experiment import Made, judge_teacher, make_sets, score
from ddbook.chapters.tails.opposite.lessons import Lessons, make_task, pinn, prepare
from ddbook.chapters.tails.opposite.plans import Plan, matching
from ddbook.chapters.tails.opposite.setting import Setting
from ddlib.pinn.data import Level
from ddlib.pinn.methods.rows import TeacherLabelled
from ddlib.pinn.problems.problem import Problem

LEVELS: tuple[Level, ...] = (0, 1, 2, 3)


def climb(problem: Problem, setting: Setting) -> tuple[pd.DataFrame, Lessons, list[Made]]:
    """At each level: a PINN, and plain networks on Sobol points with its labels and on distilled points.

    Args:
        problem: the family.
        setting: of the draws, the training and the sets, which have its first budget.

    Returns:
        the scores, the highest level's task with its teacher, and the sets of all levels.
    """
    frames: list[pd.DataFrame] = []
    sets: list[Made] = []
    for level in LEVELS:
        lessons = prepare(make_task(problem, setting, level), pinn(setting), setting.seed)
        plans = {"teacher_sobol": Plan(TeacherLabelled(lessons.teacher), 0, level)}
        plans["kernel_matching"] = matching(lessons.teacher, setting.updates)._replace(level=level)
        sets += make_sets(lessons, plans, setting.budget, setting.seed)
        frames.append(judge_teacher(lessons, "informed"))
    frames.append(score(lessons.task, sets, "network", setting))
    return pd.concat(frames, ignore_index=True), lessons, sets
