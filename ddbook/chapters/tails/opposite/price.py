"""Chapter 12: how faithful each way is to the physics of the target tail, and what it costs."""

from __future__ import annotations

import time
from dataclasses import replace
from typing import Any

import numpy as np
import pandas as pd
import torch

from ddbook.chapters.tails.opposite.experiment import Made, frame, make_sets, measured
from ddbook.chapters.tails.opposite.learners import fit_all, judges
from ddbook.chapters.tails.opposite.lessons import FULL, Lessons, TeacherModel, make_task, pinn, prepare
from ddbook.chapters.tails.opposite.plans import Plan, matching
from ddbook.chapters.tails.opposite.report import OURS, SPREAD, called, median, names, pick, shown, spread
from ddbook.chapters.tails.opposite.setting import Setting
from ddbook.kit import looks
from ddbook.kit.tails.draws import draws_for
from ddbook.kit.tails.solver import solver_scores
from ddlib.pinn.methods.rows import TeacherLabelled
from ddlib.pinn.problems.problem import Problem
from ddlib.pinn.task import PinnTask
from ddlib.pinn.teachers.teacher import CollocationTeacher
from ddlib.problem import Distilled
from ddlib.protocols import Learner
from ddlib.statistics import Number

EXACT = "exact_labels"
PLAIN = ("network", "kernel", "forest")
LEARNED = {"network": " → network", "kernel": " → kernel ridge", "forest": " → random forest"}
ROWS: dict[tuple[str, str], str] = {
    (method, learner): (looks.short(method) if method == learner else called(method)) + LEARNED.get(learner, "")
    for method, learner in (
        ("solver", "solver"),
        ("collocation", "collocation"),
        ("informed", "informed"),
        (OURS, "network"),
        (SPREAD, "network"),
        ("full", "network"),
        (OURS, "kernel"),
        ("full", "kernel"),
        (OURS, "forest"),
        ("full", "forest"),
        (EXACT, "network"),
    )
}
"""What is compared, a method and what learned from its set, and how figures and tables call it."""
LEVELS = {"full": "I0", EXACT: "u itself"}
BEYOND = 4  # the level of exact labels on the target tail, which no information level has


def price(problem: Problem, setting: Setting, alphas: int = 20) -> tuple[pd.DataFrame, list[Made]]:
    """One row per way and seed: error, residual, mismatch and labels' error on the target tail, seconds to make and to answer.

    ``seconds`` is the time until a model is there, all of its teachers and sets included; ``answer`` is that for one more α. The
    solver needs no model, and all of its time is answering. The row with exact labels at the distilled points shows what the
    points alone cost; nobody could have it without the solution.

    Args:
        problem: the family.
        setting: of the draws, the training and the sets, which have its first budget.
        alphas: boundary values that the solver is given.

    Returns:
        the scores, and the sets: Sobol points with the teacher's labels, distilled points, and these with exact labels.
    """
    lessons = prepare(make_task(problem, setting), pinn(setting), setting.seed)
    task = lessons.task
    plans = {SPREAD: Plan(TeacherLabelled(lessons.teacher), 0, FULL), OURS: matching(lessons.teacher, setting.updates)}
    sets = make_sets(lessons, plans, setting.budget, setting.seed)
    points = sets[1].distilled.x
    exact = problem.exact_at(points)
    sets.append(Made(EXACT, BEYOND, Distilled(points, exact, torch.ones_like(exact)), 0.0))
    teachers = {"informed": lessons, "collocation": prepare(task, CollocationTeacher(), setting.seed)}
    frames = [
        _judged(task, TeacherModel(), taught.teacher.labels, Made(name, FULL, task.train, taught.seconds), name)
        for name, taught in teachers.items()
    ]
    for name in PLAIN:
        frames += _learned(lessons, [*sets, Made("full", 0, task.train, 0.0)], name, setting)
    return pd.concat([*frames, solver_rows(problem, setting.replicates, setting.mass, alphas)], ignore_index=True), sets


def solver_rows(problem: Problem, replicates: int, mass: float, alphas: int = 20) -> pd.DataFrame:
    """The classical solver, whose answer has no seed; none for a problem with time."""
    scores = solver_scores([problem], mass, alphas)
    if scores.empty:
        return scores
    return pd.DataFrame(
        {
            "problem": problem.name,
            "level": FULL,
            "method": "solver",
            "budget": 0,
            "learner": "solver",
            "seed": range(replicates),
            "error": scores.error.item(),
            "residual": np.nan,
            "mismatch": np.nan,
            "labels": np.nan,
            "seconds": 0.0,
            "answer": scores.seconds.item(),
        }
    )


def _learned(lessons: Lessons, sets: list[Made], name: str, setting: Setting) -> list[pd.DataFrame]:
    """What a learner makes of sets, with the time of its training, and of teacher and set where there is one."""
    task, frames = lessons.task, []
    for made in sets:
        learner, begin = judges(task, setting.steps)[name], time.perf_counter()
        (model,) = fit_all(learner, [made.distilled], draws_for(task, setting.seed, "weights"), setting.precision)
        seconds = (time.perf_counter() - begin) / task.train.replicates
        if made.method in (OURS, SPREAD):
            seconds += lessons.seconds + made.seconds
        frames.append(_judged(task, learner, model, made._replace(seconds=seconds), name))
    return frames


def _judged(task: PinnTask, learner: Learner, model: Any, made: Made, name: str) -> pd.DataFrame:
    """A model's scores, with the time of all that led to it, which its set is given here, and that of an answer."""
    own, grid = replace(task, learner=learner), task.data.target
    begin = time.perf_counter()
    with torch.no_grad():
        own.predict(model, grid.x)
    alphas = grid.x[0, :, -1].unique().numel()
    answer = (time.perf_counter() - begin) / (alphas * grid.replicates)
    rows = frame(own, made, name, measured(own, model))
    rows["labels"] = rows.labels if made.method in (OURS, SPREAD, EXACT, "full") else np.nan
    return rows.drop(columns=["seconds_set", "seconds_fit"]).assign(seconds=made.seconds, answer=answer)


def price_table(priced: pd.DataFrame, problem: str) -> pd.DataFrame:
    """One problem on one page: medians over seeds."""
    here = priced[priced.problem == problem]
    rows = []
    for (method, learner), name in ROWS.items():
        one = here[(here.method == method) & (here.learner == learner)]
        if one.empty:
            continue
        measures = [shown(float(one[column].median())) for column in ("error", "residual", "mismatch", "labels")]
        costs = [f"{one.seconds.median():.2g}", f"{1000 * one.answer.median():.2g}"]
        rows.append([name, LEVELS.get(method, "I3"), *measures, *costs])
    head = ["way", "level", "error", "residual", "mismatch", "labels' error", "s to make", "ms for one more α"]
    return pd.DataFrame(rows, columns=pd.Index(head)).set_index("way")


def price_numbers(priced: pd.DataFrame) -> dict[str, Number]:
    """What the prose says of faithfulness and cost, over problems."""
    problems = names(priced)
    ways = {
        "pinn": ("informed", "informed"),
        "collocation": ("collocation", "collocation"),
        "distilled": (OURS, "network"),
        "sobol": (SPREAD, "network"),
        "full": ("full", "network"),
        "exact_labels": (EXACT, "network"),
        "distilled_kernel": (OURS, "kernel"),
        "distilled_forest": (OURS, "forest"),
        "full_kernel": ("full", "kernel"),
        "full_forest": ("full", "forest"),
    }
    numbers: dict[str, Number] = {"problems": Number(len(problems))}
    for name, (method, learner) in ways.items():
        for column in ("error", "residual", "seconds"):
            if learner == "forest" and column == "residual":
                continue
            ending = "" if column == "error" else f"_{column}"
            numbers |= spread(priced, name + ending, problems, column, method=method, learner=learner)
    for name, method in (("distilled", OURS), ("sobol", SPREAD)):
        numbers |= spread(priced, f"{name}_labels", problems, "labels", method=method, learner="network")
    return numbers | _comparisons(priced)


def _comparisons(priced: pd.DataFrame) -> dict[str, Number]:
    """In how many pairs of problem and seed the first is above the second."""

    def of(way: tuple[str, str], column: str = "error") -> np.ndarray:
        return pick(priced, column, method=way[0], learner=way[1])

    ours, network = (OURS, "network"), ("full", "network")
    pairs = {
        "distilled_above_pinn": (of(ours), of(("informed", "informed"))),
        "distilled_above_collocation": (of(ours), of(("collocation", "collocation"))),
        "residual_above_pinn": (of(ours, "residual"), of(("informed", "informed"), "residual")),
        "full_above_distilled": (of(network), of(ours)),
        "kernel_above_distilled": (of(("full", "kernel")), of((OURS, "kernel"))),
        "forest_above_distilled": (of(("full", "forest")), of((OURS, "forest"))),
        "sobol_above_distilled": (of((SPREAD, "network")), of(ours)),
        "labels_above_sobol": (of(ours, "labels"), of((SPREAD, "network"), "labels")),
        "points_above_labels": (of((EXACT, "network")), of(("informed", "informed"))),
    }
    return {name: Number(int((a > b).sum())) for name, (a, b) in pairs.items()} | {"pairs": Number(len(of(ours)))}


def break_even(priced: pd.DataFrame, method: str = OURS) -> list[float]:
    """How many networks have to be trained on one set until PINNs would have taken longer, for each problem.

    See equation (price-even) of chapter 12. Infinite where one network takes longer than a PINN.
    """
    even = []
    for problem in names(priced):
        fit = median(priced, "seconds", problem=problem, method=EXACT, learner="network")
        whole = median(priced, "seconds", problem=problem, method=method, learner="network")
        pinn = median(priced, "seconds", problem=problem, method="informed")
        even.append((whole - fit) / (pinn - fit) if pinn > fit else np.inf)
    return even
