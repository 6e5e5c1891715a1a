r"""One setting of a method for all problems, chosen without any label of the target tail.

Each candidate makes sets for every problem, on data that no table uses. Plain networks learn from them and are judged by what the
highest level of information lets anyone check: the equation and the boundary values on the target tail, at points that the method
did not have,

.. math:: R_{\text{held out}} = \omega_r \frac{\overline{r^2}}{s^2} + \omega_b \frac{\overline{(u - g)^2}}{\operatorname{var} y} .

This is the part of the task's validation risk that the target tail has. The rest, noisy rows of the training tail, says nothing of
sets that lie on the other: their networks are not meant for it. The setting with the least mean logarithm over problems and seeds
is taken.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable
from dataclasses import replace
from itertools import product

import numpy as np
import pandas as pd

from ddbook.chapters.tails.opposite.experiment import make_sets
from ddbook.chapters.tails.opposite.learners import fit_all, judges
from ddbook.chapters.tails.opposite.lessons import FULL, Lessons, make_task, pinn, prepare
from ddbook.chapters.tails.opposite.plans import LENGTHS, Plan
from ddbook.chapters.tails.opposite.setting import Setting
from ddbook.kit.tails.draws import draws_for
from ddlib.pinn.methods.bounded import at_target
from ddlib.pinn.methods.kernel_distillation import KernelDistillation
from ddlib.pinn.methods.kernel_matching import KernelMatching
from ddlib.pinn.problems.problem import Problem
from ddlib.pinn.task import PinnTask

FIRST_SEED = 100  # of the data that settings are chosen on; tables begin at 0
Family = tuple[tuple[float, float], ...]
FAMILIES: dict[str, Family] = {
    "shorter": ((0.15, 0.2), (0.2, 0.3), (0.3, 0.5)),
    "short": ((0.2, 0.3), (0.3, 0.5), (0.5, 0.5)),
    "wide": LENGTHS,
    "broad": ((0.3, 0.5), (0.5, 1.0), (1.0, 2.0)),
    "spread": ((0.2, 0.5), (0.5, 0.5), (0.5, 2.0), (1.0, 1.0)),
    "all": ((0.2, 0.3), (0.3, 0.5), (0.5, 0.5), (0.5, 1.0), (1.0, 1.0), (1.0, 2.0)),
}
# families, penalties, and step sizes with numbers of updates of kernel matching; the second round widens the first
ROUNDS: tuple[tuple[tuple[str, ...], tuple[float, ...], tuple[tuple[float, int], ...]], ...] = (
    (("shorter", "short", "wide"), (1e-4, 1e-5, 1e-6), ((0.03, 200), (0.02, 600))),
    (("wide", "broad", "spread", "all"), (1e-3, 1e-4), ((0.03, 200), (0.03, 600))),
)
RATES, SOFTER = (0.01, 0.03), (1e-3, 1e-4, 1e-5)  # step sizes and penalties of kernel distillation

Candidates = Callable[[Lessons], dict[str, Plan]]


def held_out_task(task: PinnTask) -> PinnTask:
    """The task whose validation risk is the equation and the boundary values on the target tail, at points held out.

    Raises:
        ValueError: if the task's level has no such thing.
    """
    asked = at_target(replace(task, physics=task.held_out))
    if asked is None:
        raise ValueError(f"nothing of the target tail can be checked at level I{task.level}: settings are chosen at I{FULL}")
    return replace(task, held_out=asked, weights=task.weights._replace(data=0.0))


def compare(
    problems: Iterable[Problem],
    candidates: Candidates,
    setting: Setting,
) -> pd.DataFrame:
    """The held-out risk of every candidate's networks: one row per problem, candidate and seed.

    Args:
        problems: the families.
        candidates: a method's settings by name, given a task and its teacher.
        setting: of the draws, the training and the sets, which have its first budget; begin at :data:`FIRST_SEED`.
    """
    frames = []
    for problem in problems:
        lessons = prepare(make_task(problem, setting), pinn(setting), setting.seed)
        sets = make_sets(lessons, candidates(lessons), setting.budget, setting.seed)
        learner, weights = judges(lessons.task, setting.steps)["network"], draws_for(lessons.task, setting.seed, "weights")
        models = fit_all(learner, [made.distilled for made in sets], weights, setting.precision)
        judge = replace(held_out_task(lessons.task), learner=learner)
        for made, model in zip(sets, models, strict=True):
            risk = judge.risk(model, "validation").detach().cpu().numpy()
            about = {"problem": problem.name, "candidate": made.method, "seed": range(len(risk))}
            frames.append(pd.DataFrame({**about, "risk": risk}))
    return pd.concat(frames, ignore_index=True)


def ranking(compared: pd.DataFrame) -> pd.Series:
    """The geometric mean of the risk of each candidate over problems and seeds, the best first."""
    means = compared.assign(logs=np.log(compared.risk)).groupby("candidate").logs.mean()
    return np.exp(means).sort_values()


def matching_candidates(lessons: Lessons) -> dict[str, Plan]:
    """Step sizes with numbers of updates, penalties and families of kernel matching: those of both rounds."""
    plans = {}
    for families, penalties, paces in ROUNDS:
        for family, penalty, (lr, updates) in product(families, penalties, paces):
            method = KernelMatching(teacher=lessons.teacher, lr=lr, horizon=updates, penalty=penalty, lengths=FAMILIES[family])
            plans[f"lr {lr:g}, {updates} updates, penalty {penalty:g}, {family}"] = Plan(method, updates, FULL)
    return plans


def distillation_candidates(lessons: Lessons, updates: int = 30) -> dict[str, Plan]:
    """Step sizes and penalties of kernel distillation."""
    return {
        f"lr {lr:g}, penalty {penalty:g}": Plan(KernelDistillation(lr=lr, horizon=updates, penalty=penalty), updates, FULL)
        for lr in RATES
        for penalty in SOFTER
    }


def candidates() -> dict[str, int]:
    """How many settings of each method were compared."""
    settings = {one for families, penalties, paces in ROUNDS for one in product(families, penalties, paces)}
    return {"matching_candidates": len(settings), "distillation_candidates": len(RATES) * len(SOFTER)}
