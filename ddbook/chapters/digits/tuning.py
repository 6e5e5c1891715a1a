"""How the settings of the digits chapter were chosen: on splits of the open images; the locked ones judge and choose nothing.

First the learners, by the accuracy on validation images when they have all training images. Then the step size of each method, by
that of its own learner (:data:`ddbook.chapters.digits.chosen.OWN`) trained afresh on the set, and that of the descents of the
section on intervals, by the interval score on validation patients. The grid has three values for each setting. The rule: the middle
one, unless another is better by more than twice the standard error of the difference over splits.

``python -m ddbook.chapters.digits.tuning`` writes ``tuning.csv`` beside this file anew, which takes about ten minutes on one core;
the tests hold the settings in use against that record.
"""

from __future__ import annotations

import sys
from collections.abc import Iterator
from dataclasses import replace
from pathlib import Path
from typing import Any

import pandas as pd
import torch
from jaxtyping import Float
from torch import Tensor

from ddbook.chapters.digits import intervals
from ddbook.chapters.digits.chosen import ADAM, KERNEL, LOGISTIC, OWN, SGD, STEPS, TANGENT
from ddbook.chapters.digits.experiment import Digits, make
from ddlib.learners import RBF
from ddlib.methods import KMeans
from ddlib.methods.given import Given
from ddlib.trial import retrained_risk, run_trial

EXPERIMENT = Digits(replicates=10, seed=77, sealed=True)
"""Other splits than the chapter's, none of which holds a locked image."""
RECORD = Path(__file__).with_name("tuning.csv")
FACTORS = (0.25, 1.0, 4.0)
CENTRE = {name: 0.02 for name in STEPS} | {
    "zeroth_order_antithetic": 0.2,
    "kernel_inducing": 0.05,
    "kernel_inducing_labels": 0.05,
}
"""The middle step sizes."""
BUDGETS = (10, 100)
EFFORT = 0.5
"""That of the chapter, because the best step size depends on the number of updates."""
FITS = 4
"""Networks for each set."""


def learners() -> dict[str, list[tuple[float, Any]]]:
    """Each tuned setting of a learner, with its three values and the learners that have them."""
    return {
        "kernel length": [(v, replace(KERNEL, kernel=RBF(v))) for v in (1.25, 1.75, 2.5)],
        "kernel penalty": [(v, replace(KERNEL, penalty=v)) for v in (1e-4, 1e-3, 1e-2)],
        "tangent kernel penalty": [(v, replace(TANGENT, penalty=v)) for v in (1e-4, 1e-3, 1e-2)],
        "Adam step size": [(v, replace(ADAM, training=replace(ADAM.training, lr=v))) for v in (0.01, 0.02, 0.04)],
        "SGD step size": [(v, replace(SGD, training=replace(SGD.training, lr=v))) for v in (0.25, 0.5, 1.0)],
        "logistic penalty": [(v, replace(LOGISTIC, penalty=v)) for v in (0.01, 0.1, 1.0)],
    }


def step_sizes() -> dict[tuple[str, int], list[float]]:
    """The three step sizes of each method at each budget."""
    return {(name, budget): [factor * CENTRE[name] for factor in FACTORS] for name in STEPS for budget in BUDGETS}


def of_learners(experiment: Digits) -> Iterator[tuple[str, int, list[float], Float[Tensor, "3 R"]]]:
    """Each setting of a learner: its name, the number of images, its values, and the accuracies on validation images."""
    task = experiment.tasks[KERNEL.name]
    logistic = experiment.tasks[LOGISTIC.name]
    for setting, values in learners().items():
        judges = [replace(logistic if setting.startswith("logistic") else task, learner=learner) for _, learner in values]
        found = [_accuracy(judge, task.train, experiment) for judge in judges]
        yield setting, task.train.budget, [value for value, _ in values], torch.stack(found)


def of_methods(experiment: Digits) -> Iterator[tuple[str, int, list[float], Float[Tensor, "3 R"]]]:
    """Each method's step size: its name, the budget, the values, and the accuracies on validation images."""
    for (name, budget), rates in step_sizes().items():
        kernel, stream = experiment.tasks[KERNEL.name], experiment.generator("k_means", budget)
        start = run_trial(KMeans(), kernel, budget, 0, stream).distilled
        found = []
        for rate in rates:
            recipe = experiment.recipe(name, budget, EFFORT, rate, Given(start, "k_means"))
            made = make(recipe, budget, experiment.generator(name, budget)).distilled
            found.append(_accuracy(experiment.tasks[OWN[name]], made, experiment))
        yield name, budget, rates, torch.stack(found)


def of_intervals(experiment: Digits) -> Iterator[tuple[str, int, list[float], Float[Tensor, "3 R"]]]:
    """The step size of the section on intervals: minus the interval score of a set that is made for it."""
    rates, budget, steps = [0.0125, 0.05, 0.2], 12, 200
    task = intervals.tasks(10, experiment.generator("patients"), sealed=True)["interval"]
    start = run_trial(KMeans(), task, budget, 0, experiment.generator("patients", "k_means")).distilled
    found = []
    for rate in rates:
        method = intervals.descent(steps, start, "k_means", rate)
        made = run_trial(method, task, budget, steps, experiment.generator("patients", "descent")).distilled
        found.append(-task.risk(task.fit(made), "validation"))
    yield "first_order", budget, rates, torch.stack(found)


def _accuracy(task: Any, distilled: Any, experiment: Digits) -> Float[Tensor, " R"]:
    return 1 - retrained_risk(task, distilled, experiment.generator("tuning"), FITS, "validation")


def rows(setting: str, units: int, values: list[float], score: Float[Tensor, "3 R"]) -> pd.DataFrame:
    """Three rows of the record: what was tried, how good it was against the middle value, and which was chosen."""
    ahead = score - score[1]
    error = ahead.std(-1) / ahead.shape[-1] ** 0.5
    better = torch.where(ahead.mean(-1) > 2 * error, ahead.mean(-1), 0.0)
    chosen = int(better.argmax()) if bool((better > 0).any()) else 1
    columns = {"score": score.mean(-1), "ahead": ahead.mean(-1), "error": error}
    return pd.DataFrame(
        {"setting": setting, "units": units, "value": values}
        | {name: column.numpy().round(4) for name, column in columns.items()}
        | {"chosen": [place == chosen for place in range(3)]}
    )


def main() -> None:
    """Everything, a setting at a time."""
    found = []
    for source in (of_learners, of_methods, of_intervals):
        for tried in source(EXPERIMENT):
            found.append(rows(*tried))
            sys.stdout.write(found[-1].to_string(index=False, header=False) + "\n")
            sys.stdout.flush()
            pd.concat(found).to_csv(RECORD, index=False)


if __name__ == "__main__":
    main()
