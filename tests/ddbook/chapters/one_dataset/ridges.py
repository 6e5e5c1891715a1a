"""A small family of ridge regressions, run once for all tests of the chapter."""

import functools

import pandas as pd

from ddbook.chapters.one_dataset import closed, family
from ddlib.lens import ridge_lower_bound, ridge_regret_bound
from ddlib.tasks import RidgeTask
from tests.ddlib.worlds import random_data

STEPS = 32
TASK = RidgeTask(random_data(0, d=4), 3, "family", (0.1, 1.0, 10.0, 100.0))


@functools.cache
def trials():
    return family.run_family(TASK, 0.3, STEPS, 0, "cpu") + closed.run_closed(TASK, 0, "cpu")


@functools.cache
def tables():
    curves = family.table(TASK, [trial for trial in trials() if family.finished(trial, STEPS)])
    descents = family.table(TASK, [trial for trial in trials() if trial.steps])
    budgets = range(1, 5)
    bounds = {
        "budget": budgets,
        "error": [float(ridge_lower_bound(TASK.reference, m)[0]) for m in budgets],
        "regret": [ridge_regret_bound(TASK, m) for m in budgets],
    }
    return curves, descents, pd.DataFrame(bounds)
