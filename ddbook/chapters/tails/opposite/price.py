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
from ddbook.kit import looks
from ddbook.kit.tails.draws import draws_for
from ddbook.kit.tails.solver import solver_scores
from ddlib.pinn.methods.rows import TeacherLabelled
from ddlib.pinn.problems.problem import Problem
from ddlib.pinn.task import PinnTask
from ddlib.pinn.teachers.teacher import CollocationTeacher
from ddlib.problem import Distilled, Learner
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


def price(
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
    alphas: int = 20,
) -> pd.DataFrame:
    """One row per way and seed: error, residual, mismatch and labels' error on the target tail, seconds to make and to answer.

    ``seconds`` is the time until a model is there, all of its teachers and sets included; ``answer`` is that for one more α. The
    solver needs no model, and all of its time is answering. The row with exact labels at the distilled points shows what the
    points alone cost; nobody could have it without the solution.

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
        alphas: boundary values that the solver is given.
    """
    lessons = prepare(make_task(problem, replicates, seed, FULL, mass, noise, device), pinn(iterations, precision), seed)
    task = lessons.task
    plans = {SPREAD: Plan(TeacherLabelled(lessons.teacher), 0, FULL), OURS: matching(lessons.teacher, updates)}
    made = make_sets(lessons, plans, budget, seed)
    points = made[1].distilled.x
    exact = problem.exact_at(points)
    made.append(Made(EXACT, BEYOND, Distilled(points, exact, torch.ones_like(exact)), 0.0))
    both = {"informed": lessons, "collocation": prepare(task, CollocationTeacher(), seed)}
    parts = [
        _judged(task, TeacherModel(), each.teacher.labels, name, name, task.train, each.seconds) for name, each in both.items()
    ]
    for name in PLAIN:
        parts += _learned(lessons, made, name, seed, steps, precision)
        parts += _learned(lessons, [Made("full", 0, task.train, 0.0)], name, seed, steps, precision)
    return pd.concat([*parts, solver_rows(problem, replicates, mass, alphas)], ignore_index=True)


def solver_rows(problem: Problem, replicates: int, mass: float, alphas: int = 20) -> pd.DataFrame:
    """The classical solver, whose answer has no seed; none for a problem with time."""
    found = solver_scores([problem], mass, alphas)
    if found.empty:
        return found
    return pd.DataFrame(
        {
            "problem": problem.name,
            "level": FULL,
            "method": "solver",
            "budget": 0,
            "learner": "solver",
            "seed": range(replicates),
            "error": found.error.item(),
            "residual": np.nan,
            "mismatch": np.nan,
            "labels": np.nan,
            "seconds": 0.0,
            "answer": found.seconds.item(),
        }
    )


def _learned(lessons: Lessons, made: list[Made], name: str, seed: int, steps: int, precision: str) -> list[pd.DataFrame]:
    task, parts = lessons.task, []
    for each in made:
        learner, begin = judges(task, steps)[name], time.perf_counter()
        (model,) = fit_all(learner, [each.distilled], draws_for(task, seed, "weights"), precision)
        seconds = (time.perf_counter() - begin) / task.train.replicates
        if each.method in (OURS, SPREAD):
            seconds += lessons.seconds + each.seconds
        parts.append(_judged(task, learner, model, each.method, name, each.distilled, seconds, each.level))
    return parts


def _judged(
    task: PinnTask, learner: Learner, model: Any, method: str, name: str, distilled: Distilled, seconds: float, level: int = FULL
) -> pd.DataFrame:
    own, grid = replace(task, learner=learner), task.data.target
    begin = time.perf_counter()
    with torch.no_grad():
        own.predict(model, grid.x)
    alphas = grid.x[0, :, -1].unique().numel()
    answer = (time.perf_counter() - begin) / (alphas * grid.replicates)
    rows = frame(own, method, level, name, measured(own, model), distilled)
    rows["labels"] = rows.labels if method in (OURS, SPREAD, EXACT, "full") else np.nan
    return rows.drop(columns=["seconds_set", "seconds_fit"]).assign(seconds=seconds, answer=answer)


def price_table(priced: pd.DataFrame, problem: str) -> pd.DataFrame:
    """One problem on one page: medians over seeds."""
    part = priced[priced.problem == problem]
    rows = []
    for (method, learner), name in ROWS.items():
        one = part[(part.method == method) & (part.learner == learner)]
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
    found: dict[str, Number] = {"problems": Number(len(problems))}
    for name, (method, learner) in ways.items():
        for column in ("error", "residual", "seconds"):
            if learner == "forest" and column == "residual":
                continue
            ending = "" if column == "error" else f"_{column}"
            found |= spread(priced, name + ending, problems, column, method=method, learner=learner)
    for name, method in (("distilled", OURS), ("sobol", SPREAD)):
        found |= spread(priced, f"{name}_labels", problems, "labels", method=method, learner="network")
    return found | _comparisons(priced)


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
