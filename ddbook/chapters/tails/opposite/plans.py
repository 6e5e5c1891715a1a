"""The methods as the tables run them, each with one setting for all problems."""

from __future__ import annotations

from typing import Any, NamedTuple

from ddbook.chapters.tails.opposite.lessons import FULL, Lessons
from ddbook.chapters.tails.opposite.setting import Setting
from ddlib.methods import DerivativeFree, RandomRows
from ddlib.pinn.methods.kernel_distillation import KernelDistillation
from ddlib.pinn.methods.kernel_matching import KernelMatching
from ddlib.pinn.methods.rows import Smoothed, TeacherLabelled
from ddlib.pinn.methods.students import PhysicsGradientMatching, PhysicsUnrolled, TeacherMatching
from ddlib.pinn.teachers.teacher import Taught

LENGTHS = (
    (0.3, 0.3),
    (0.5, 0.5),
    (0.5, 1.0),
    (1.0, 1.0),
)  # of kernel matching's family; chosen by ddbook.chapters.tails.opposite.selection
SHARED = ("teacher_sobol", "kernel_matching")  # sets that are given to every learner
SLOW = ("teacher_matching", "unrolled", "gradient_matching", "derivative_free")


class Plan(NamedTuple):
    """A method as the tables run it.

    Attributes:
        method: how the set is chosen.
        updates: how often it is updated.
        level: of the information that it uses.
    """

    method: Any
    updates: int
    level: int


def matching(teacher: Taught, updates: int) -> Plan:
    """The method of the goals, with the setting that :mod:`ddbook.chapters.tails.opposite.selection` chose for all problems."""
    return Plan(KernelMatching(teacher=teacher, lr=0.03, horizon=updates, penalty=1e-5, lengths=LENGTHS), updates, FULL)


def kernel_distillation(updates: int) -> Plan:
    """The method without a teacher."""
    return Plan(KernelDistillation(lr=0.03, horizon=updates, penalty=1e-4), updates, FULL)


def quick_plans(lessons: Lessons, setting: Setting) -> dict[str, Plan]:
    """Methods without inner training: every problem can afford them.

    Args:
        lessons: the task and its teacher.
        setting: updates of kernel matching and of kernel distillation.
    """
    teacher = lessons.teacher
    return {
        "random": Plan(RandomRows(), 0, 0),
        "smoothed": Plan(Smoothed(), 0, 0),
        "teacher_uniform": Plan(TeacherLabelled(teacher, "uniform"), 0, FULL),
        "teacher_sobol": Plan(TeacherLabelled(teacher, "sobol"), 0, FULL),
        "kernel_distillation": kernel_distillation(setting.distillation_updates),
        "kernel_matching": matching(teacher, setting.updates),
    }


def slow_plans(lessons: Lessons, setting: Setting, generation: int = 10) -> dict[str, Plan]:
    """Methods that train networks while they search: unrolled, by matching, and the published Algorithm 2.

    Args:
        lessons: the task and its teacher.
        setting: updates of the gradient methods, inner trainings of the derivative-free search, and steps of Adam in the life of a
            network of the pools.
        generation: trainings of the search in one batch.
    """
    updates, steps = setting.slow_updates, setting.steps
    search = DerivativeFree(setting.trainings, min(generation, setting.trainings), spread=0.1)
    pool: dict[str, Any] = {"horizon": updates, "life": steps, "window": min(10, steps), "pool": 8, "models": 4}
    plans = {
        "teacher_matching": TeacherMatching(teacher=lessons.teacher, **pool),
        "unrolled": PhysicsUnrolled(**pool),
        "gradient_matching": PhysicsGradientMatching(**pool),
    }
    return {name: Plan(method, updates, FULL) for name, method in plans.items()} | {
        "derivative_free": Plan(search, search.updates, FULL)
    }
