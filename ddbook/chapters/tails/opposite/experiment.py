"""Sets for the target tail by every method, and what learners make of them."""

from __future__ import annotations

import time
from collections.abc import Mapping, Sequence
from dataclasses import replace
from types import MappingProxyType
from typing import Any, NamedTuple

import pandas as pd

from ddbook.chapters.tails.opposite.learners import UNSEEN, fit_all, judges
from ddbook.chapters.tails.opposite.lessons import Lessons, TeacherModel, prepare
from ddbook.chapters.tails.opposite.plans import SHARED, Plan
from ddbook.kit.tails.draws import draws_for
from ddlib.pinn.learners.affine import AffineRidge
from ddlib.pinn.task import Metrics, PinnTask
from ddlib.pinn.teachers.teacher import CollocationTeacher
from ddlib.problem import Distilled
from ddlib.settings import Plain, settings
from ddlib.trial import run_trial, tidy


class Made(NamedTuple):
    """A set, and how it came about.

    Attributes:
        method: its name.
        level: of the information in it.
        distilled: the set, one per seed.
        seconds: of making it, for one seed; the teacher's time is not in it.
        settings: of the trial that made it.
    """

    method: str
    level: int
    distilled: Distilled
    seconds: float
    settings: Mapping[str, Plain] = MappingProxyType({})


def make_sets(lessons: Lessons, plans: Mapping[str, Plan], budget: int, seed: int) -> list[Made]:
    """Run each method on the task."""
    made = []
    for name, plan in plans.items():
        trial = run_trial(plan.method, lessons.task, budget, plan.updates, draws_for(lessons.task, seed, "sets"))
        seconds = trial.seconds / trial.distilled.replicates
        made.append(Made(name, plan.level, trial.distilled, seconds, trial.settings))
    return made


def score(
    task: PinnTask, made: Sequence[Made], learner: str, seed: int, precision: str = "float32", steps: int = 2000
) -> pd.DataFrame:
    """What a learner makes of sets of one budget, on the target tail: one row per set and seed, with every setting.

    The residual is in units of the problem's scale, the boundary mismatch and the error of the labels in those of sd(u).
    """
    judge, begin = judges(task, steps)[learner], time.perf_counter()
    models = fit_all(judge, [each.distilled for each in made], draws_for(task, seed, "weights"), precision)
    seconds = (time.perf_counter() - begin) / (len(made) * task.train.replicates)
    own, by = replace(task, learner=judge), settings(judge, "learner")
    rows = [
        frame(own, each.method, _level(own, each, learner), learner, measured(own, model), each.distilled, each.seconds, seconds)
        for each, model in zip(made, models, strict=True)
    ]
    return pd.concat([part.assign(**each.settings, **by) for part, each in zip(rows, made, strict=True)], ignore_index=True)


def _level(task: PinnTask, made: Made, learner: str) -> int:
    """The information in a set and in its learner: one that knows the equation asks for it at the set's own points."""
    if learner != "equation":
        return made.level
    low, high = task.problem.law.interval(task.data.tails.train, task.data.tails.mass)
    alpha = made.distilled.x[..., -1]
    return max(made.level, 1 if bool(((alpha >= low) & (alpha <= high)).all()) else 2)


def all_scores(
    lessons: Lessons,
    plans: Mapping[str, Plan],
    budgets: Sequence[int],
    seed: int,
    precision: str = "float32",
    steps: int = 2000,
    slow: Mapping[str, Plan] | None = None,
) -> tuple[pd.DataFrame, dict[int, list[Made]]]:
    """Every method at every budget, for every learner, and the rows without a set.

    The plain network and the one that knows the equation learn from every set. Learners that no distiller saw learn from two of the
    first budget: that of kernel matching, and the teacher's Sobol points.

    Args:
        lessons: the task and its teacher.
        plans: the methods.
        budgets: numbers of points.
        seed: of all draws.
        precision: of the networks' training.
        steps: of Adam.
        slow: methods that run at the first budget only.

    Returns:
        the scores, and the sets of each budget.
    """
    lessons = lessons._replace(task=replace(lessons.task, learner=judges(lessons.task, steps)["network"]))
    parts, sets = [references(lessons.task, seed, precision, steps)], {}
    for budget in budgets:
        sets[budget] = make_sets(lessons, {**plans, **((slow or {}) if budget == budgets[0] else {})}, budget, seed)
        for learner in ("network", "equation"):
            parts.append(score(lessons.task, sets[budget], learner, seed, precision, steps))
    shared = [each for each in sets[budgets[0]] if each.method in SHARED]
    parts += [score(lessons.task, shared, learner, seed, precision, steps) for learner in UNSEEN]
    return pd.concat(parts, ignore_index=True), sets


def references(task: PinnTask, seed: int, precision: str = "float32", steps: int = 2000) -> pd.DataFrame:
    """Without any set: the plain network on all noisy rows, ridge regression affine in α, and kernel collocation."""
    whole = Made("full", 0, task.train, 0.0)
    line = AffineRidge(task.problem)
    own, begin = replace(task, learner=line), time.perf_counter()
    model = line.fit(task.train)
    seconds = (time.perf_counter() - begin) / task.train.replicates
    parts = [
        score(task, [whole], "network", seed, precision, steps),
        frame(own, "full", 0, "affine", measured(own, model), task.train, 0.0, seconds),
        judge_teacher(prepare(task, CollocationTeacher(), seed), "collocation"),
    ]
    return pd.concat(parts, ignore_index=True)


def judge_teacher(lessons: Lessons, name: str) -> pd.DataFrame:
    """A teacher's own function on the target tail."""
    task = replace(lessons.task, learner=TeacherModel())
    found = frame(task, name, task.level, name, measured(task, lessons.teacher.labels), task.train, 0.0, lessons.seconds)
    return found.assign(labels=float("nan"))  # it has no set


def measured(task: PinnTask, model: Any, most: int = 1024) -> Metrics:
    """Error, residual and mismatch; a learner without derivatives of its own has its residual taken at fewer points."""
    grid = task.data.target
    stride = -(-grid.budget // most)
    if stride == 1 or hasattr(task.learner, "jet"):
        return task.metrics(model)
    while grid.budget % stride == 0:  # a divisor could meet the same few α again and again
        stride += 1
    thin = Distilled(*(part[:, ::stride] for part in grid))
    return replace(task, data=task.data._replace(target=thin)).metrics(model)._replace(error=task.risk(model, "test").detach())


def frame(
    task: PinnTask,
    method: str,
    level: int,
    learner: str,
    metrics: Metrics,
    distilled: Distilled,
    seconds_set: float = 0.0,
    seconds_fit: float = 0.0,
) -> pd.DataFrame:
    """One row per seed."""
    problem, spread = task.problem, task.data.target.y.std(-1)
    columns = {
        "error": metrics.error,
        "residual": metrics.residual / problem.scale,
        "mismatch": metrics.mismatch / spread,
        "labels": task.label_error(distilled) / spread,
    }
    about = {"problem": problem.name, "level": level, "method": method, "budget": distilled.budget, "learner": learner}
    return tidy(columns, about, {"seconds_set": seconds_set, "seconds_fit": seconds_fit})
