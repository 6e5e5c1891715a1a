"""The uncertainty task: predictive intervals learned from a few points, on the diabetes data."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import replace
from typing import Literal

import pandas as pd
import torch
from jaxtyping import Int
from torch import Tensor

from ddbook.chapters.digits.experiment import Digits
from ddbook.chapters.digits.judge import text
from ddlib import datasets
from ddlib.learners.check import whole_number
from ddlib.methods import Exact, FirstOrder, KMeans, RandomRows
from ddlib.methods.descent import Part
from ddlib.methods.given import Given
from ddlib.problem import Distilled, Method
from ddlib.tasks import IntervalTask, Splits
from ddlib.trial import Trial, given, run_trial, tidy

SIZES = (300, 42)
"""Patients to learn from and to choose the step size on, dealt anew for each draw."""
LOCKED = 100
"""Patients who are set aside before anything is tuned."""
LOCK = 2029
"""The seed of their lock: no parameter of a run changes who they are."""
STEP_SIZE = 0.05
"""Chosen with :mod:`ddbook.chapters.digits.tuning`, on open patients."""
CRITERIA: tuple[Literal["squared"], Literal["interval"]] = ("squared", "interval")
BEGINNINGS = ("k_means", "random")
FREE: tuple[Part, ...] = ("x", "y", "w")


def lock(count: int) -> tuple[Int[Tensor, " 100"], Int[Tensor, " n"]]:
    """The locked patients and the open ones.

    >>> [len(part) for part in lock(442)]
    [100, 342]
    """
    order = torch.randperm(count, generator=torch.Generator().manual_seed(LOCK))
    return order[:LOCKED].sort().values, order[LOCKED:].sort().values


def tasks(draws: int, generator: torch.Generator, level: float = 0.9, sealed: bool = False) -> dict[str, IntervalTask]:
    """The same learner and data judged by predictive intervals, and by predictive means; y in units of its standard deviation.

    Args:
        draws: R, how often the open patients are dealt to training and validation data; the locked ones are the test data of all.
        generator: the source of randomness.
        level: that the intervals claim.
        sealed: whether the locked patients stay locked; the test data are then the validation data.

    Raises:
        ValueError: if there is no draw, or the level does not lie between 0 and 1.
    """
    whole_number(draws, "replicates of the interval task")
    table = datasets.diabetes(str(generator.device))
    x, y = table.x, table.y / table.y.std()
    locked, opened = (part.to(x.device) for part in lock(len(y)))
    order = torch.rand(draws, len(opened), generator=generator, device=generator.device).argsort(-1)
    train, validation = (Distilled(x[rows], y[rows], x.new_ones(rows.shape)) for rows in opened[order].split(list(SIZES), -1))
    test = Distilled(x[locked], y[locked], torch.ones_like(y[locked]))
    splits = Splits(train, validation, validation if sealed else Distilled(*(part.expand(draws, *part.shape) for part in test)))
    return {criterion: IntervalTask(splits, level=level, criterion=criterion) for criterion in CRITERIA}


def check(budgets: Sequence[int], steps: int, rows: int = SIZES[0]) -> None:
    """Refuse what :func:`compare` cannot use of so many training rows.

    Raises:
        ValueError: if there is no budget, one is given twice or does not fit the rows, or the number of steps is below 0.
    """
    if not budgets or len(set(budgets)) < len(budgets):
        raise ValueError(f"the interval budgets must name at least one budget and none twice, but they are {list(budgets)}")
    for budget in budgets:
        if not 1 <= budget <= rows:
            raise ValueError(f"the interval budgets have {budget}: give 1 to {rows} points, the number of training rows")
    if steps < 0:
        raise ValueError(f"the first-order methods need 0 or more steps, but they have {steps}")


def unweighted(distilled: Distilled) -> Distilled:
    """The same points, each with weight one."""
    return distilled._replace(w=torch.ones_like(distilled.w))


def descent(steps: int, begin: Distilled, name: str, lr: float = STEP_SIZE) -> FirstOrder:
    """First-order distillation from a set, in points, labels and weights."""
    return FirstOrder(lr, horizon=max(steps, 1), learn=FREE, begin=Given(begin, name))


def compare(
    judged: dict[str, IntervalTask],
    budgets: list[int],
    steps: int,
    generator: torch.Generator,
    export: Callable[[str, str, Distilled], None] | None = None,
) -> tuple[pd.DataFrame, dict[str, Distilled]]:
    """Every set at every budget: error, coverage, width and interval score on the locked patients.

    Args:
        judged: as :func:`tasks` makes them.
        budgets: points of the sets that descend and of those that they begin at.
        steps: updates of the descents; with 0 they stay where they begin.
        generator: the source of all randomness.
        export: is given the name ``intervals``, that of the set, and the set.

    Returns:
        One row per set, budget and draw, with the patients whose label the interval ``covered``, and columns of settings last; and
        the sets of the largest budget, by method and beginning.

    Raises:
        ValueError: if budgets or steps are none that :func:`check` lets through.
    """
    check(budgets, steps, judged["interval"].train.budget)
    interval = judged["interval"]
    carried = run_trial(Exact(), interval, interval.train.x.shape[-1] + 2, 0, generator)
    bare = carried._replace(distilled=unweighted(carried.distilled))
    made = [("full", "", given(interval.train)), ("exact", "", carried), ("exact_unweighted", "", bare)]
    for budget in sorted(budgets):
        beginnings: dict[str, Method] = {"k_means": KMeans(), "random": RandomRows()}
        for begin, closed in beginnings.items():
            begun = run_trial(closed, interval, budget, 0, generator)
            made.append((begin, "", begun))
            for criterion in CRITERIA:
                trial = run_trial(descent(steps, begun.distilled, begin), judged[criterion], budget, steps, generator)
                made.append((f"first_order_{criterion}", begin, trial))
    if export:
        for method, begin, trial in made[1:]:
            export("intervals", f"{method}_from_{begin}" if begin else method, trial.distilled)
    rows = [_scored(interval, method, begin, trial) for method, begin, trial in made]
    return pd.concat(rows, ignore_index=True), {f"{method}_{begin}": trial.distilled for method, begin, trial in made}


def run(
    digits: Digits, draws: int, budgets: list[int], steps: int, export: Callable[[str, str, Distilled], None] | None = None
) -> tuple[pd.DataFrame, dict[str, Distilled]]:
    """:func:`compare` on fresh draws of the patients, with the experiment's random numbers."""
    judged = tasks(draws, digits.generator("patients"))
    return compare(judged, budgets, steps, digits.generator("intervals"), export)


def _scored(task: IntervalTask, method: str, begin: str, trial: Trial) -> pd.DataFrame:
    with torch.no_grad():
        model, test = task.fit(trial.distilled), task.splits.test
        low, high = task.learner.interval(model, test.x, task.level)
        values = {
            "rmse": replace(task, criterion="squared").risk(model, "test").sqrt(),
            "coverage": task.coverage(model),
            "width": task.width(model),
            "score": task.risk(model, "test"),
        }
    about = {"method": method, "begin": begin, "budget": trial.distilled.budget}
    more = {"covered": text((low <= test.y) & (test.y <= high)), "stored_numbers": trial.distilled.stored_numbers}
    return tidy(values, about, more | dict(trial.settings))
