"""The uncertainty task: predictive intervals learned from a few points, on the diabetes data."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import replace
from types import MappingProxyType

import pandas as pd
import torch

from ddbook.chapters.digits.experiment import Digits
from ddlib import datasets
from ddlib.learners.check import whole_number
from ddlib.methods import Exact, FirstOrder, Herding, KMeans, RandomRows
from ddlib.methods.descent import Part
from ddlib.problem import Distilled, Method
from ddlib.settings import Plain
from ddlib.tasks import IntervalTask, split
from ddlib.trial import run_trial, tidy

SIZES = (300, 42, 100)
STEP_SIZE = 0.05  # of 0.02, 0.05 and 0.2, by the criterion on the validation rows
METHODS = ["random", "herding", "k_means", "first_order_squared", "first_order_interval", "exact_unweighted", "exact", "full"]
FREE: tuple[Part, ...] = ("x", "y", "w")


def tasks(replicates: int, generator: torch.Generator, level: float = 0.9) -> dict[str, IntervalTask]:
    """The same learner and data judged by predictive intervals, and by predictive means; y in units of its standard deviation.

    Raises:
        ValueError: if there is no replicate, or the level does not lie between 0 and 1.
    """
    whole_number(replicates, "replicates of the interval task")
    table = datasets.diabetes(str(generator.device))
    splits = split(table.x, table.y / table.y.std(), SIZES, replicates, generator)
    return {
        "interval": IntervalTask(splits, level=level),
        "squared": IntervalTask(splits, level=level, criterion="squared"),
    }


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


def compare(
    judged: dict[str, IntervalTask],
    budgets: list[int],
    steps: int,
    generator: torch.Generator,
    export: Callable[[str, str, Distilled], None] | None = None,
) -> pd.DataFrame:
    """Every method at every budget: error, coverage, width and interval score on test data, one row per replicate.

    Args:
        judged: as :func:`tasks` makes them.
        budgets: points of the iterative methods and of the baselines.
        steps: updates of the first-order methods; with 0 they stay at the k-means set that they begin at.
        generator: the source of all randomness.
        export: is given the name ``intervals``, that of the method, and the set.

    Raises:
        ValueError: if budgets or steps are none that :func:`check` lets through.
    """
    check(budgets, steps, judged["interval"].train.budget)
    interval, squared = judged["interval"], judged["squared"]
    descent = FirstOrder(STEP_SIZE, horizon=max(steps, 1), learn=FREE, begin=KMeans())
    carried = run_trial(Exact(), interval, interval.train.x.shape[-1] + 2, 0, generator)
    sets = [("exact", carried.distilled, carried.settings), ("exact_unweighted", unweighted(carried.distilled), carried.settings)]
    for budget in budgets:
        made: list[tuple[str, Method, IntervalTask, int]] = [
            ("random", RandomRows(), interval, 0),
            ("herding", Herding(), interval, 0),
            ("k_means", KMeans(), interval, 0),
            ("first_order_interval", replace(descent, name="first_order_interval"), interval, steps),
            ("first_order_squared", replace(descent, name="first_order_squared"), squared, steps),
        ]
        for name, method, task, updates in made:
            trial = run_trial(method, task, budget, updates, generator)
            sets.append((name, trial.distilled, trial.settings))
    if export:
        for name, distilled, _ in sets:
            export("intervals", name, distilled)
    rows = [_scored(interval, "full", interval.train), *(_scored(interval, *made) for made in sets)]
    return pd.concat(rows, ignore_index=True)


def run(
    digits: Digits, replicates: int, budgets: list[int], steps: int, export: Callable[[str, str, Distilled], None] | None = None
) -> pd.DataFrame:
    """:func:`compare` on fresh splits of the patients, with the experiment's random numbers."""
    judged = tasks(replicates, digits.generator("patients"))
    return compare(judged, budgets, steps, digits.generator("intervals"), export)


def _scored(
    task: IntervalTask, method: str, distilled: Distilled, settings: Mapping[str, Plain] = MappingProxyType({})
) -> pd.DataFrame:
    with torch.no_grad():
        model = task.fit(distilled)
        values = {
            "rmse": replace(task, criterion="squared").risk(model, "test").sqrt(),
            "coverage": task.coverage(model),
            "width": task.width(model),
            "score": task.risk(model, "test"),
        }
    about = {"method": method, "budget": distilled.budget}
    return tidy(values, about, {"stored_numbers": distilled.stored_numbers, **settings})
