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
from ddbook.chapters.tails.opposite.setting import Setting
from ddbook.kit.tails.draws import draws_for
from ddlib.pinn.learners.affine import AffineRidge
from ddlib.pinn.metrics import Metrics
from ddlib.pinn.task import PinnTask
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
    sets = []
    for name, plan in plans.items():
        trial = run_trial(plan.method, lessons.task, budget, plan.updates, draws_for(lessons.task, seed, "sets"))
        seconds = trial.seconds / trial.distilled.replicates
        sets.append(Made(name, plan.level, trial.distilled, seconds, trial.settings))
    return sets


def score(task: PinnTask, sets: Sequence[Made], learner: str, setting: Setting) -> pd.DataFrame:
    """What a learner makes of sets of one budget, on the target tail: one row per set and seed, with every setting.

    The residual is in units of the problem's scale, the boundary mismatch and the error of the labels in those of sd(u).
    """
    judge, begin = judges(task, setting.steps)[learner], time.perf_counter()
    models = fit_all(judge, [made.distilled for made in sets], draws_for(task, setting.seed, "weights"), setting.precision)
    seconds = (time.perf_counter() - begin) / (len(sets) * task.train.replicates)
    own, by = replace(task, learner=judge), settings(judge, "learner")
    rows = [
        frame(own, made._replace(level=_level(own, made, learner)), learner, measured(own, model), seconds)
        for made, model in zip(sets, models, strict=True)
    ]
    return pd.concat([of_set.assign(**made.settings, **by) for of_set, made in zip(rows, sets, strict=True)], ignore_index=True)


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
    setting: Setting,
    slow: Mapping[str, Plan] = MappingProxyType({}),
) -> tuple[pd.DataFrame, dict[int, list[Made]]]:
    """Every method at every budget, for every learner, and the rows without a set.

    The plain network and the one that knows the equation learn from every set. Learners that no distiller saw learn from two of the
    first budget: that of kernel matching, and the teacher's Sobol points.

    Args:
        lessons: the task and its teacher.
        plans: the methods.
        setting: of the draws, the budgets and the training.
        slow: methods that run at the first budget only.

    Returns:
        the scores, and the sets of each budget.
    """
    lessons = lessons._replace(task=replace(lessons.task, learner=judges(lessons.task, setting.steps)["network"]))
    frames, sets = [references(lessons.task, setting)], {}
    for budget in setting.budgets:
        sets[budget] = make_sets(lessons, {**plans, **(slow if budget == setting.budget else {})}, budget, setting.seed)
        for learner in ("network", "equation"):
            frames.append(score(lessons.task, sets[budget], learner, setting))
    shared = [made for made in sets[setting.budget] if made.method in SHARED]
    frames += [score(lessons.task, shared, learner, setting) for learner in UNSEEN]
    return pd.concat(frames, ignore_index=True), sets


def references(task: PinnTask, setting: Setting) -> pd.DataFrame:
    """Without any set: the plain network on all noisy rows, ridge regression affine in α, and kernel collocation."""
    whole = Made("full", 0, task.train, 0.0)
    line = AffineRidge(task.problem)
    own, begin = replace(task, learner=line), time.perf_counter()
    model = line.fit(task.train)
    seconds = (time.perf_counter() - begin) / task.train.replicates
    frames = [
        score(task, [whole], "network", setting),
        frame(own, whole, "affine", measured(own, model), seconds),
        judge_teacher(prepare(task, CollocationTeacher(), setting.seed), "collocation"),
    ]
    return pd.concat(frames, ignore_index=True)


def judge_teacher(lessons: Lessons, name: str) -> pd.DataFrame:
    """A teacher's own function on the target tail."""
    task = replace(lessons.task, learner=TeacherModel())
    whole = Made(name, task.level, task.train, 0.0)
    rows = frame(task, whole, name, measured(task, lessons.teacher.labels), lessons.seconds)
    return rows.assign(labels=float("nan"))  # it has no set


def measured(task: PinnTask, model: Any, most: int = 1024) -> Metrics:
    """Error, residual and mismatch; a learner without derivatives of its own has its residual taken at fewer points."""
    grid = task.data.target
    stride = -(-grid.budget // most)
    if stride == 1 or hasattr(task.learner, "jet"):
        return task.metrics(model)
    while grid.budget % stride == 0:  # a divisor could meet the same few α again and again
        stride += 1
    thin = Distilled(*(tensor[:, ::stride] for tensor in grid))
    return replace(task, data=task.data._replace(target=thin)).metrics(model)._replace(error=task.risk(model, "test").detach())


def frame(task: PinnTask, made: Made, learner: str, metrics: Metrics, seconds: float = 0.0) -> pd.DataFrame:
    """What a learner has made of a set (or of all rows, as if they were one) in so many seconds for one seed: one row per seed."""
    problem, spread = task.problem, task.data.target.y.std(-1)
    columns = {
        "error": metrics.error,
        "residual": metrics.residual / problem.scale,
        "mismatch": metrics.mismatch / spread,
        "labels": task.label_error(made.distilled) / spread,
    }
    about = {
        "problem": problem.name,
        "level": made.level,
        "method": made.method,
        "budget": made.distilled.budget,
        "learner": learner,
    }
    return tidy(columns, about, {"seconds_set": made.seconds, "seconds_fit": seconds})
