"""The information ladder: the same data with more and more physics, and what each way of using it makes of it."""

from __future__ import annotations

import pandas as pd

from ddbook.chapters.tails.opposite.experiment import judge_teacher, make_sets, score
from ddbook.chapters.tails.opposite.lessons import Lessons, make_task, pinn, prepare
from ddbook.chapters.tails.opposite.plans import Plan, matching
from ddlib.pinn.data import Level
from ddlib.pinn.methods.rows import TeacherLabelled
from ddlib.pinn.problems.problem import Problem

LEVELS: tuple[Level, ...] = (0, 1, 2, 3)


def climb(
    problem: Problem,
    replicates: int,
    seed: int,
    budget: int,
    updates: int,
    steps: int,
    iterations: int,
    mass: float = 0.3,
    noise: float = 0.05,
    precision: str = "float32",
    device: str = "cpu",
) -> tuple[pd.DataFrame, Lessons]:
    """At each level: a PINN, and plain networks on Sobol points with its labels and on distilled points.

    Args:
        problem: the family.
        replicates: seeds.
        seed: of all draws.
        budget: points of the sets.
        updates: of kernel matching.
        steps: of Adam, for networks on sets.
        iterations: of L-BFGS, for the PINN.
        mass, noise: of the data.
        precision: of the networks' training.
        device: where to compute.

    Returns:
        the scores, and the highest level's task with its teacher.
    """
    parts, made = [], []
    for level in LEVELS:
        lessons = prepare(make_task(problem, replicates, seed, level, mass, noise, device), pinn(iterations, precision), seed)
        plans = {"teacher_sobol": Plan(TeacherLabelled(lessons.teacher), 0, level)}
        plans["kernel_matching"] = matching(lessons.teacher, updates)._replace(level=level)
        made += make_sets(lessons, plans, budget, seed)
        parts.append(judge_teacher(lessons, "informed"))
    parts.append(score(lessons.task, made, "network", seed, precision, steps))
    return pd.concat(parts, ignore_index=True), lessons
