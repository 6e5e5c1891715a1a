"""The classical solver as a row of the chapters on tails."""

from __future__ import annotations

import time
from collections.abc import Iterable

import pandas as pd
import torch

from ddlib.pinn.problems.problem import Problem
from ddlib.pinn.problems.solver import solve


def solver_scores(problems: Iterable[Problem], mass: float, alphas: int = 20, positions: int = 51) -> pd.DataFrame:
    """Time and error of the classical solver at the target tail's boundary values, for the problems without time.

    Args:
        problems: the families; those with time are left out.
        mass: of the tail.
        alphas: boundary values.
        positions: where the solution is read, from end to end.
    """
    rows = []
    for problem in problems:
        if problem.timed:
            continue
        alpha = problem.law.grid("upper", mass, alphas)
        x = torch.linspace(*problem.box[0], positions, dtype=torch.float64)
        begin = time.perf_counter()
        found = solve(problem, alpha, x)
        seconds = (time.perf_counter() - begin) / alphas
        exact = problem.exact(x.unsqueeze(-1), alpha.unsqueeze(-1))
        rows.append({"problem": problem.name, "seconds": seconds, "error": float((found - exact).norm() / exact.norm())})
    return pd.DataFrame(rows, columns=pd.Index(["problem", "seconds", "error"]))
