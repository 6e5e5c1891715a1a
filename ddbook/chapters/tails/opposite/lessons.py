"""A task of opposite tails with a teacher that has learned all its level allows."""

from __future__ import annotations

import time
from collections.abc import Iterable, Sequence
from typing import Any, NamedTuple

import torch
from jaxtyping import Float
from torch import Tensor

from ddbook.chapters.tails.opposite.setting import Setting
from ddbook.kit.tails.draws import draws_for, generator_for
from ddlib.pinn import PROBLEMS
from ddlib.pinn.data import Level
from ddlib.pinn.learners.networks import dtype_of
from ddlib.pinn.learners.quasi_newton import QuasiNewton
from ddlib.pinn.problems.law import Tails
from ddlib.pinn.problems.problem import Problem, known_problem
from ddlib.pinn.task import PinnTask
from ddlib.pinn.teachers.teacher import NetworkTeacher, Taught, Teacher

FULL: Level = 3


class Lessons(NamedTuple):
    """A task with a teacher that has learned all its level allows.

    Attributes:
        task: with data, physics and level.
        teacher: its function of units.
        seconds: of learning, for one seed.
    """

    task: PinnTask
    teacher: Taught
    seconds: float


class TeacherModel:
    """A teacher's function in a learner's place, so that it is judged like everyone.

    Attributes:
        name: how tables call it.
    """

    name = "teacher"

    def predict(self, model: Any, x: Float[Tensor, "*R n d"]) -> Float[Tensor, "*R n"]:
        """The teacher's function, which is the model."""
        return model(x)

    def fit(self, data: Any, generator: torch.Generator | None = None) -> Any:
        """Refused: a teacher learns from a task.

        Raises:
            ValueError: always.
        """
        raise ValueError("a teacher learns from a task's data and physics, not from a set: take its method learn")


def problems_named(names: Iterable[str]) -> list[Problem]:
    """The problems of some names.

    Raises:
        ValueError: if there is no such problem, or no name at all.
    """
    known = list(dict.fromkeys(names))
    unknown = [name for name in known if name not in PROBLEMS]
    if unknown or not known:
        given = f"{unknown[0]!r} is none of them" if unknown else "none is named"
        raise ValueError(f"the problems are {', '.join(PROBLEMS)}, but {given}: name at least one of these")
    return [PROBLEMS[name] for name in known]


def some_of(names: Iterable[str], problems: Sequence[Problem]) -> list[Problem]:
    """Those among the problems that are named; none, if none is named or if a named one is not treated.

    Raises:
        ValueError: if there is no problem of a name.
    """
    chosen = list(names)
    return [one for one in problems_named(chosen) if one in problems] if chosen else []


def make_task(problem: Problem, setting: Setting, level: Level = FULL) -> PinnTask:
    """Data of the training tail, the same at every level, and the level's physics."""
    known_problem(problem)
    draws, tails = generator_for(problem, setting.seed, "data", setting.device), Tails(mass=setting.mass)
    return PinnTask.make(problem, setting.replicates, draws, level=level, tails=tails, noise=setting.noise)


def pinn(setting: Setting) -> NetworkTeacher:
    """The teacher of both chapters: a physics-informed network, trained by Adam and then by so many iterations of L-BFGS."""
    return NetworkTeacher(1, training=QuasiNewton(setting.iterations, dtype=dtype_of(setting.precision)))


def prepare(task: PinnTask, teacher: Teacher, seed: int) -> Lessons:
    """Let a teacher learn once; all methods that need one share it."""
    begin = time.perf_counter()
    labels = teacher.learn(task, draws_for(task, seed, "teacher"))
    return Lessons(task, Taught(labels), (time.perf_counter() - begin) / task.train.replicates)
