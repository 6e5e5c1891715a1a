"""What chapter 11 says of its scores: tables, and the numbers that sentences quote."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from typing import Any

import numpy as np
import pandas as pd

from ddbook.chapters.tails.opposite.learners import UNSEEN
from ddbook.kit import looks
from ddbook.kit.tails.words import cell, label
from ddlib.statistics import Number, estimate, quoted

METHODS = (
    "full",
    "random",
    "smoothed",
    "teacher_uniform",
    "teacher_sobol",
    "kernel_distillation",
    "kernel_matching",
    "teacher_matching",
    "unrolled",
    "gradient_matching",
    "derivative_free",
    "collocation",
    "informed",
)
"""The rows of the tables, in their order."""
REMARKS = {"full": " (noisy rows)", "unrolled": " on the physics", "gradient_matching": " on the physics"}
"""What is particular to these methods in this chapter."""
LEARNERS = {
    "network": "network 3 × 32",
    "equation": "PINN without boundary condition",
    "wide": "network 3 × 64",
    "kernel": "kernel ridge",
    "forest": "random forest",
    "affine": "ridge affine in α",
    "informed": "PINN",
    "collocation": "collocation",
}
PHYSICAL = ("error", "residual", "mismatch")
OURS, SPREAD, CHANCE = "kernel_matching", "teacher_sobol", "teacher_uniform"


def called(method: str) -> str:
    """How figures and tables of this chapter call a method."""
    return looks.label(method, remark=REMARKS.get(method, ""))


def pick(scores: pd.DataFrame, column: str = "error", **where: Any) -> np.ndarray:
    """The values of a column in rows with given entries, in the order of problems and seeds.

    Raises:
        ValueError: if there is no such row.
    """
    rows = scores
    for name, value in where.items():
        rows = rows[rows[name] == value]
    if rows.empty:
        raise ValueError(f"no score has {where}: compute it first")
    return rows.sort_values(["problem", "seed"])[column].to_numpy(dtype=float)


def median(scores: pd.DataFrame, column: str = "error", **where: Any) -> float:
    """The median of :func:`pick`; not a number where there is none, or where a value is missing."""
    try:
        return float(np.median(pick(scores, column, **where)))
    except ValueError:
        return float("nan")


def names(scores: pd.DataFrame) -> list[str]:
    """The problems, in their order."""
    return list(scores.problem.unique())


def ladder_table(climbed: pd.DataFrame) -> pd.DataFrame:
    """Error, residual and boundary mismatch on the target tail at each level: the PINN and the distilled points."""
    rows = []
    for problem in names(climbed):
        for level in sorted(climbed.level.unique()):
            row = [label(problem), f"I{level}"]
            for method in ("informed", OURS):
                row += [shown(median(climbed, one, problem=problem, level=level, method=method)) for one in PHYSICAL]
            rows.append(row)
    head = [f"{who}: {what}" for who in ("PINN", "distilled") for what in PHYSICAL]
    return pd.DataFrame(rows, columns=pd.Index(["problem", "level", *head])).set_index(["problem", "level"])


def method_table(scores: pd.DataFrame, budget: int, learner: str = "network") -> pd.DataFrame:
    """Median error of each method's sets on each problem, with the level of set and learner together."""
    problems = names(scores)
    rows = []
    sets = scores[(scores.learner == learner) & (scores.budget == budget)]
    for method in [one for one in METHODS if one in set(sets.method)]:
        level = sets[sets.method == method].level.iloc[0]
        cells = [shown(median(sets, problem=problem, method=method)) for problem in problems]
        rows.append([called(method), f"I{level}", f"{budget}", *cells])
    return pd.DataFrame(rows, columns=pd.Index(["set", "level", "points", *map(label, problems)])).set_index("set")


def reference_table(scores: pd.DataFrame, climbed: pd.DataFrame, solver: pd.DataFrame) -> pd.DataFrame:
    """Median error of whoever needs no set on each problem, with its level."""
    problems = names(scores)
    rows = []
    for kind in ("network", "affine"):
        cells = [shown(median(scores, problem=problem, method="full", learner=kind)) for problem in problems]
        rows.append([f"{called('full')}: {LEARNERS[kind]}", "I0", *cells])
    for method, source in (("collocation", scores), ("informed", climbed)):
        cells = [shown(median(source, problem=problem, method=method, level=3)) for problem in problems]
        rows.append([called(method), "I3", *cells])
    solved = solver.set_index("problem").error
    cells = [f"{solved[problem]:.0e}" if problem in solved.index else "–" for problem in problems]
    rows.append([called("solver"), "I3", *cells])
    return pd.DataFrame(rows, columns=pd.Index(["without a set", "level", *map(label, problems)])).set_index("without a set")


def unseen_table(scores: pd.DataFrame, budget: int) -> pd.DataFrame:
    """Each learner on distilled points beside the same learner on as many Sobol points of the teacher."""
    rows = []
    for problem in names(scores):
        for learner in [one for one in LEARNERS if one in set(scores[scores.method == OURS].learner)]:
            here: dict[str, Any] = {"problem": problem, "budget": budget, "learner": learner}
            ours, theirs = (pick(scores, method=method, **here) for method in (OURS, SPREAD))
            rows.append([label(problem), LEARNERS[learner], cell(ours), cell(theirs), f"{np.median(ours) / np.median(theirs):.2f}"])
    head = ["problem", "learner", "distilled", "Sobol, teacher", "ratio of medians"]
    return pd.DataFrame(rows, columns=pd.Index(head)).set_index(["problem", "learner"])


def goals(scores: pd.DataFrame, budget: int) -> pd.DataFrame:
    """The three goals, case by case: the value is to be at most the limit.

    A quarter of the error of all noisy rows; at small budgets the error of random points with the teacher's labels; for learners
    that the distiller never saw 1.5 times their error on as many Sobol points with the teacher's labels.
    """
    rows = []
    for problem in names(scores):
        ours = {"problem": problem, "method": OURS}
        full = median(scores, problem=problem, method="full", learner="network")
        rows.append(("quarter", problem, "network", budget, median(scores, budget=budget, learner="network", **ours), full / 4))
        for small in sorted(one for one in scores.budget.unique() if one <= 10):
            here: dict[str, Any] = {"budget": small, "learner": "network"}
            chance = median(scores, problem=problem, method=CHANCE, **here)
            rows.append(("small", problem, "network", small, median(scores, **here, **ours), chance))
        for learner in UNSEEN:
            here = {"budget": budget, "learner": learner}
            theirs = median(scores, problem=problem, method=SPREAD, **here)
            rows.append(("unseen", problem, learner, budget, median(scores, **here, **ours), 1.5 * theirs))
    judged = pd.DataFrame(rows, columns=pd.Index(["goal", "problem", "learner", "budget", "value", "limit"]))
    return judged.assign(met=judged.value <= judged.limit)


def goal_table(judged: pd.DataFrame) -> pd.DataFrame:
    """How often each goal is met, and where it is missed by most."""
    words = {
        "quarter": "at most a quarter of the error of all noisy rows",
        "small": "at 10 points or fewer, at most the error of random points with the teacher's labels",
        "unseen": "an unseen learner at most at 1.5 × its error on as many Sobol points of the teacher",
    }
    rows = []
    for goal, cases in judged.groupby("goal", sort=False):
        ratio = cases.value / cases.limit
        worst = cases.iloc[int(ratio.to_numpy().argmax())]
        where = f"{label(worst.problem)}, {LEARNERS[worst.learner]}: {worst.value:.2g} for {worst.limit:.2g}"
        rows.append([words[str(goal)], f"{int(cases.met.sum())} of {len(cases)}", where])
    return pd.DataFrame(rows, columns=pd.Index(["goal", "met", "closest or worst case"])).set_index("goal")


def numbers(scores: pd.DataFrame, climbed: pd.DataFrame, judged: pd.DataFrame, budget: int) -> dict[str, Number]:
    """What the prose says of methods, levels and goals."""
    problems = names(scores)
    at: dict[str, Any] = {"budget": budget, "learner": "network"}
    entries: dict[str, Number] = {}
    rows: dict[str, dict[str, Any]] = {
        "full": {"method": "full", "learner": "network"},
        "affine": {"method": "full", "learner": "affine"},
        "collocation": {"method": "collocation"},
        **{one: {"method": one, **at} for one in ("smoothed", "random", CHANCE, SPREAD, "kernel_distillation", OURS)},
        "forest": {"method": OURS, "budget": budget, "learner": "forest"},
    }
    for name, where in rows.items():
        entries |= spread(scores, name, problems, **where)
    for level in sorted(climbed.level.unique()):
        for who, column in (("informed", "error"), ("informed", "residual"), ("informed", "mismatch"), (OURS, "error")):
            ending = "" if column == "error" else f"_{column}"
            entries |= spread(climbed, f"{who}{ending}_i{level}", problems, column, method=who, level=level)
    for goal in ("quarter", "small", "unseen"):
        cases = judged[judged.goal == goal]
        entries |= {f"{goal}_met": Number(int(cases.met.sum())), f"{goal}_cases": Number(len(cases))}
    entries["problems"] = Number(len(problems))
    return entries | _pairs(scores, climbed, at)


def _pairs(scores: pd.DataFrame, climbed: pd.DataFrame, at: Mapping[str, Any]) -> dict[str, Number]:
    """In how many pairs of problem and seed one is above the other."""
    rows = {
        "trap_error": (pick(climbed, method="informed", level=2), pick(climbed, method="informed", level=3)),
        "trap_residual": (
            pick(climbed, "residual", method="informed", level=3),
            pick(climbed, "residual", method="informed", level=2),
        ),
        "sobol_above_matching": (pick(scores, method=SPREAD, **at), pick(scores, method=OURS, **at)),
        "uniform_above_matching": (pick(scores, method=CHANCE, **at), pick(scores, method=OURS, **at)),
        "matching_above_collocation": (pick(scores, method=OURS, **at), pick(scores, method="collocation")),
        "matching_i2_above_i3": (pick(climbed, method=OURS, level=2), pick(climbed, method=OURS, level=3)),
        "i1_above_i0": (pick(climbed, method="informed", level=1), pick(climbed, method="informed", level=0)),
        "matching_above_teacher": (pick(scores, method=OURS, **at), pick(climbed, method="informed", level=3)),
        "collocation_above_pinn": (pick(scores, method="collocation"), pick(climbed, method="informed", level=3)),
        "distillation_above_matching": (pick(scores, method="kernel_distillation", **at), pick(scores, method=OURS, **at)),
    }
    entries = {name: Number(int((above > below).sum())) for name, (above, below) in rows.items()}
    return entries | {"pairs": Number(len(rows["trap_error"][0]))}


def spread(scores: pd.DataFrame, name: str, problems: Iterable[str], column: str = "error", **where: Any) -> dict[str, Number]:
    """A median with its interval for each problem, and the least and the most of the medians."""
    by_problem = {problem: pick(scores, column, problem=problem, **where) for problem in problems}
    middles = [float(np.median(one)) for one in by_problem.values()]
    entries = {f"{name}_{problem.lower()}": quoted(estimate(one, "median")) for problem, one in by_problem.items()}
    return entries | {f"{name}_least": Number(min(middles)), f"{name}_most": Number(max(middles))}


def shown(value: float) -> str:
    """A number of a table, or a dash where there is none."""
    return f"{value:.2g}" if np.isfinite(value) else "–"
