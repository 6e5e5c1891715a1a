"""What chapter 09 says of its scores: tables, and the numbers that sentences quote."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence

import numpy as np
import pandas as pd

from ddbook.chapters.tails.two_tails.experiment import Setting
from ddbook.chapters.tails.two_tails.lines import amplification
from ddbook.kit.tails.words import cell, label
from ddlib.pinn.problems.problem import Problem
from ddlib.statistics import Number, estimate, quoted


def values(
    scores: pd.DataFrame, problem: str, setting: Setting, tail: str, learner: str = "network", column: str = "error"
) -> np.ndarray:
    """The scores of one problem, setting, tail and learner, in the order of the seeds."""
    part = scores[(scores.problem == problem) & (scores.learner == learner) & (scores.judged == tail)]
    part = part[(part.mass == setting.mass) & (part.noise == setting.noise) & (part.train == setting.train)]
    return part.sort_values("seed")[column].to_numpy(dtype=float)


def interval(low: float, high: float) -> str:
    """The ends of a tail in words.

    >>> interval(-float("inf"), -0.524)
    'below -0.52'
    """
    if low == -np.inf or high == np.inf:
        return f"below {high:.2f}" if high < np.inf else f"above {low:.2f}"
    return f"{low:.2f} to {high:.2f}"


def law_table(problems: Iterable[Problem], masses: Sequence[float]) -> pd.DataFrame:
    """Where the two tails of each problem lie, and how far apart."""
    rows = []
    for problem in problems:
        for mass in masses:
            ends = [interval(*problem.law.interval(tail, mass)) for tail in ("lower", "upper")]
            apart = f"{problem.law.severity(mass):.2f}"
            rows.append([label(problem.name), f"{mass:g}", *ends, apart])
    return _frame(["problem", "q", "α in training", "α in the test", "severity"], rows)


def error_table(scores: pd.DataFrame, mass: float, noise: float) -> pd.DataFrame:
    """Errors of the network and of the affine fit at one mass and one noise."""
    here, whole = Setting(mass, noise), Setting(mass, noise, "both")
    rows = [
        [
            label(problem),
            cell(values(scores, problem, here, "inside")),
            cell(values(scores, problem, here, "target")),
            cell(values(scores, problem, whole, "target")),
            cell(values(scores, problem, here, "target", "affine_ridge")),
        ]
        for problem in scores.problem.unique()
    ]
    return _frame(["problem", "network, training tail", "network, other tail", "trained on the whole law", "affine ridge"], rows)


def physics_table(scores: pd.DataFrame, mass: float, noise: float) -> pd.DataFrame:
    """Residual and boundary mismatch of the network on both tails."""
    here = Setting(mass, noise)
    columns = [("residual", "inside"), ("residual", "target"), ("mismatch", "inside"), ("mismatch", "target")]
    rows = [
        [label(problem), *(cell(values(scores, problem, here, tail, column=name)) for name, tail in columns)]
        for problem in scores.problem.unique()
    ]
    head = ["residual, training tail", "residual, other tail", "mismatch, training tail", "mismatch, other tail"]
    return _frame(["problem", *head], rows)


def solver_table(
    solver: pd.DataFrame, scores: pd.DataFrame, seconds: Mapping[str, float], mass: float, noise: float
) -> pd.DataFrame:
    """Time and error of the classical solver beside those of the network."""
    rows = []
    for problem, spent in seconds.items():
        solved = solver[solver.problem == problem]
        theirs = (
            ["no two-point problem", "–"] if solved.empty else [f"{1000 * solved.seconds.item():.3g}", f"{solved.error.item():.1e}"]
        )
        rows.append([label(problem), *theirs, f"{spent:.2g}", cell(values(scores, problem, Setting(mass, noise), "target"))])
    return _frame(["problem", "solver, ms for one α", "solver, error", "network, s of training", "network, error"], rows)


def numbers(scores: pd.DataFrame, masses: Sequence[float], noises: Sequence[float]) -> dict[str, Number]:
    """Errors of the network and of the affine fit for the prose, by problem and over all of them."""
    problems = list(scores.problem.unique())
    here, whole = Setting(masses[0], noises[0]), Setting(masses[0], noises[0], "both")
    rows = {
        "inside": (here, "inside", "network"),
        "target": (here, "target", "network"),
        "whole": (whole, "target", "network"),
        "affine": (here, "target", "affine_ridge"),
        "low_noise": (Setting(masses[0], min(noises)), "target", "network"),
        "high_noise": (Setting(masses[0], max(noises)), "target", "network"),
        "far": (Setting(min(masses), noises[0]), "target", "network"),
    }
    entries: dict[str, Number] = {}
    everything: dict[str, np.ndarray] = {}
    for name, (setting, tail, learner) in rows.items():
        errors = {problem: values(scores, problem, setting, tail, learner) for problem in problems}
        middles = {problem: float(np.median(one)) for problem, one in errors.items()}
        entries |= {f"{name}_{problem.lower()}": quoted(estimate(one, "median")) for problem, one in errors.items()}
        entries |= {f"{name}_least": Number(min(middles.values())), f"{name}_most": Number(max(middles.values()))}
        everything[name] = np.concatenate(list(errors.values()))
    entries["pairs"] = Number(len(everything["target"]))
    comparisons = {
        "target_above_inside": ("target", "inside"),
        "target_above_whole": ("target", "whole"),
        "low_noise_above_inside": ("low_noise", "inside"),
        "far_above_target": ("far", "target"),
    }
    entries |= {name: Number(int((everything[a] > everything[b]).sum())) for name, (a, b) in comparisons.items()}
    ratio = {p: float(np.median(values(scores, p, here, "target") / values(scores, p, here, "inside"))) for p in problems}
    entries |= {"ratio_least": Number(min(ratio.values())), "ratio_most": Number(max(ratio.values()))}
    return entries


def other_numbers(
    problems: Sequence[Problem], lines: pd.DataFrame, solver: pd.DataFrame, masses: Sequence[float], noises: Sequence[float]
) -> dict[str, Number]:
    """What the prose says of tails, lines in α and the solver."""
    affine = {problem.name for problem in problems if problem.affine}
    at_end = lines.groupby("problem").last()
    beyond = at_end.closed_form / at_end.variance_only
    severities = [[problem.law.severity(mass) for problem in problems] for mass in (max(masses), min(masses))]
    curved = [name for name in at_end.index if name not in affine]
    return {
        "mass": Number(masses[0]),
        "smallest_mass": Number(min(masses)),
        "noise": Number(noises[0]),
        "noise_low": Number(min(noises)),
        "noise_high": Number(max(noises)),
        "severity_least": Number(min(severities[0])),
        "severity_most": Number(max(severities[1])),
        "amplification": Number(amplification(problems[0], masses[0])),
        "amplification_far": Number(amplification(problems[0], min(masses))),
        "line_miss": Number(float((lines.simulated / lines.closed_form - 1).abs().max())),
        "affine_excess": Number(float(beyond[sorted(affine)].max())),
        "curved_excess_least": Number(float(beyond[curved].min())),
        "curved_excess_most": Number(float(beyond[curved].max())),
        "solver_error": Number(float(solver.error.max())),
        "solver_ms_least": Number(1000 * float(solver.seconds.min()), unit="ms"),
        "solver_ms_most": Number(1000 * float(solver.seconds.max()), unit="ms"),
    }


def _frame(head: Sequence[str], rows: Iterable[Sequence[str]]) -> pd.DataFrame:
    return pd.DataFrame(list(rows), columns=pd.Index(head)).set_index(head[0])
