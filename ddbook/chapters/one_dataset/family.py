"""One set for several ridge regressions: what every method loses at every budget, and whether the descent has converged."""

from __future__ import annotations

from collections.abc import Sequence

import pandas as pd
import torch

from ddlib.lens import relative_regret
from ddlib.methods import Exact, FirstOrder, KMeans, RandomRows, TruncatedSVD
from ddlib.problem import Method
from ddlib.tasks import RidgeTask
from ddlib.trial import Trial, run_trial, tidy

QUICK, USUAL = (0.95, 0.95), (0.9, 0.999)
"""Adam's constants: with the shorter memory of the first, the descents here converge in a quarter of the steps."""
SHARES = (16, 8, 4, 2, 1)
"""A descent of so many steps, and others of a half, a quarter … of them, each with a step size that falls over its own length."""
TOLERANCE = 0.01
"""A budget's descents have converged if every draw's loss is within this of the least, and of that after half as many steps."""


def middle_budget(task: RidgeTask) -> int:
    """Half as many points as regressions."""
    return max(1, len(task.penalties) // 2)


def lengths(steps: int) -> list[int]:
    """The lengths of the descents that show what effort buys.

    >>> lengths(4000)
    [250, 500, 1000, 2000, 4000]
    """
    return sorted({max(1, steps // share) for share in SHARES})


def descent(step_size: float, steps: int, betas: tuple[float, float] = QUICK) -> FirstOrder:
    """First-order distillation of points and labels."""
    return FirstOrder(step_size, horizon=steps, learn=("x", "y"), betas=betas)


def run_family(task: RidgeTask, step_size: float, steps: int, seed: int, device: str) -> list[Trial]:
    """Every method at each budget, from one point to as many as there are regressions.

    All descents of one budget begin at the same random rows. Those at the middle budget are run at all :func:`lengths`, with
    :data:`QUICK` and with :data:`USUAL` constants; at other budgets at the full length and at half of it.

    Args:
        task: the family.
        step_size: of the descents.
        steps: the full length.
        seed: of all random draws.
        device: where they are drawn.
    """
    found = []
    for m in range(1, len(task.penalties) + 1):
        plans: list[tuple[Method, int]] = [(method, 0) for method in (Exact(), TruncatedSVD(), KMeans(), RandomRows())]
        middle = m == middle_budget(task)
        plans += [(descent(step_size, n), n) for n in (lengths(steps) if middle else lengths(steps)[-2:])]
        plans += [(descent(step_size, n, USUAL), n) for n in lengths(steps) if middle]
        for method, n in plans:
            generator = torch.Generator(device).manual_seed(1000 * seed + m)
            found.append(run_trial(method, task, m, n, generator)._replace(history=()))
    return found


def table(task: RidgeTask, trials: Sequence[Trial]) -> pd.DataFrame:
    """What is lost when the regressions learn from the sets.

    Returns:
        One row per trial and draw (``seed``): ``method``, ``budget``, ``steps``, relative parameter ``error``, share of the
        learnable lost (``regret``), ``stored_numbers``, and every setting of the trial.
    """
    rows = []
    for trial in trials:
        chosen = trial.distilled
        scores = {"error": task.parameter_error(task.fit(chosen)), "regret": relative_regret(task, chosen).clamp(min=0)}
        about = {"method": trial.method, "budget": chosen.budget, "steps": trial.steps}
        rows.append(tidy(scores, about, {"stored_numbers": chosen.stored_numbers, **trial.settings}))
    return pd.concat(rows, ignore_index=True)


def finished(trial: Trial, steps: int) -> bool:
    """Whether a trial is a closed form, or a descent of the full length with :data:`QUICK` constants."""
    return not trial.steps or (trial.steps == steps and trial.settings["method.betas"] == str(QUICK))


def is_quick(rows: pd.DataFrame) -> pd.Series:
    """Which rows of descents have :data:`QUICK` constants."""
    return rows["method.betas"] == str(QUICK)


def converged(descents: pd.DataFrame) -> list[int]:
    """The budgets whose descents have converged: see :data:`TOLERANCE`.

    Args:
        descents: rows of :func:`table`.
    """
    return [int(budget) for budget in sorted(descents.budget.unique()) if unrest(descents, int(budget)) <= TOLERANCE]


def unrest(descents: pd.DataFrame, budget: int) -> float:
    """By which share the losses of descents of the full length, and of half of it, exceed the least of the former, at most.

    Args:
        descents: rows of :func:`table`.
        budget: points of a set.

    Raises:
        ValueError: if the descents of this budget have one length only, so that nothing is known of their rest.
    """
    rows = descents[is_quick(descents) & (descents.budget == budget)]
    *_, before, last = [rows[rows.steps == n].regret for n in [-1, *sorted(rows.steps.unique())]]
    if before.empty:
        raise ValueError(f"descents of two lengths are needed to see whether they rest, but those of {budget} points have one")
    return max(float(before.max()), float(last.max())) / float(last.min()) - 1
