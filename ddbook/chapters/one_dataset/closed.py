"""Sets in closed form that stand beside the descent: what knowing the penalties, or only the learner, gives without any."""

from __future__ import annotations

from collections.abc import Callable
from itertools import combinations
from typing import Any

import torch

from ddbook.kit import looks
from ddlib.closed_forms import serve_solutions, unit, weighted
from ddlib.methods.given import Given
from ddlib.problem import Distilled
from ddlib.tasks import RidgeTask
from ddlib.trial import Trial, run_trial


def best_exact(task: RidgeTask, m: int) -> Distilled:
    """Points that are exact for m of the regressions: of all choices of m the one with the least risk of all regressions."""
    solutions = task.fit(task.train)
    choices = combinations(range(len(task.penalties)), m)
    sets = [serve_solutions(task.train, solutions[..., list(chosen), :]) for chosen in choices]
    return min(sets, key=lambda points: float(task.risk(task.fit(points)).mean()))


def leading(task: RidgeTask, m: int) -> Distilled:
    """Points on the m directions that are nearest to the solutions at length one: those of the bound of Eckart and Young."""
    return serve_solutions(task.train, torch.linalg.svd(unit(task.fit(task.train)), full_matrices=False)[2][..., :m, :])


def krylov(task: RidgeTask, m: int) -> Distilled:
    r"""Points on the span of :math:`g, G^{-1} g, \dots, G^{-(m-1)} g`, with :math:`G = X^\top X` and :math:`g = X^\top y`.

    The first is the direction of a ridge solution with a very large penalty, the second that of least squares, the others are the
    next terms of the solution for small penalties. No penalty is looked at.
    """
    x, y = weighted(task.train)
    inverse = torch.linalg.pinv(x.mT @ x, hermitian=True)
    vectors = [unit((x.mT @ y.unsqueeze(-1)).squeeze(-1))]
    while len(vectors) < m:
        vectors.append(unit((inverse @ vectors[-1].unsqueeze(-1)).squeeze(-1)))
    return serve_solutions(task.train, torch.stack(vectors, -2))


CLOSED: dict[str, Callable[[RidgeTask, int], Distilled]] = {"exact_best": best_exact, "leading": leading, "krylov": krylov}
"""What each row is called in the tables, and what makes its set."""


def run_closed(task: RidgeTask, seed: int, device: str) -> list[Trial]:
    """Each of :data:`CLOSED` at each budget, from one point to as many as there are regressions.

    Args:
        task: the family.
        seed: of the chapter; nothing here is random.
        device: where the data are.
    """
    generator = torch.Generator(device).manual_seed(seed)
    budgets = range(1, len(task.penalties) + 1)
    sets = [(name, make(task, m)) for m in budgets for name, make in CLOSED.items()]
    return [run_trial(Given(points, name), task, points.budget, 0, generator) for name, points in sets]


def look(method: str) -> dict[str, Any]:
    """How a row of the family is drawn and called: as in the whole book, but that the exact construction is one of two here."""
    return looks.look(method) | ({"label": "exact, spread choice"} if method == "exact" else {})
