"""A few distilled patients in place of all: sets made in training folds, judged on patients who were held out by three learners.

A set comes with one more number, the penalty of the regression, chosen by the training risk: fifty rows in twenty columns are
separable, and without it random and clustered patients would lose for want of shrinkage alone.

A set is for the logistic regression alone; a random forest and a nearest neighbour learn from it too. New patients' gaps are filled
by the set's own law, whatever the learner. Random and clustered patients are made of *completed* ones, so that they carry what the
merge of all records knows of their gaps.
"""

from __future__ import annotations

import time
from collections.abc import Callable, Mapping, Sequence
from dataclasses import replace
from typing import NamedTuple

import numpy as np
import torch
from jaxtyping import Float
from scipy.special import logit

from ddbook.chapters.merge.four.cohort import Cohort
from ddbook.chapters.merge.four.folds import splits
from ddbook.chapters.merge.four.nested import Plan, seed_of
from ddbook.chapters.merge.four.task import DiseaseTask, Objective, disease_task, filled, scores_of
from ddlib.distilled import Distilled
from ddlib.learners import NearestNeighbour, RandomForest
from ddlib.methods import FirstOrder, KMeans, RandomRows
from ddlib.problem import Method
from ddlib.trial import Trial, given, run_trial

LOGISTIC, FOREST, NEAREST = "logistic", "forest", "nearest"
"""The learner that sets are made for, and two that are not named."""
HELPED = "logistic_helped"
"""The regression learned from a set, with new patients' gaps filled by the law of *all* completed patients."""
LEARNERS = (LOGISTIC, FOREST, NEAREST, HELPED)
PENALTIES = (1.0, 3.0, 10.0, 30.0, 100.0, 300.0, 1000.0)
"""How many times the penalty that all patients ask for, at most, a set may ask for."""
ALL = "all_completed"
"""All training patients, completed."""


class Updates(NamedTuple):
    """How long to descend, and how fast.

    Attributes:
        steps: gradient steps.
        rate: the step size, in fixed units.
        trees: of the forest.
    """

    steps: int = 150
    rate: float = 0.05
    trees: int = 100


def methods(updates: Updates) -> dict[str, tuple[Method, Objective, int]]:
    """Each method with the objective of its task and its steps; the descents differ in the objective alone."""
    descent = FirstOrder(updates.rate, learn=("x", "w"), begin=KMeans())
    return {
        "random": (RandomRows(), "own", 0),
        "k_means": (KMeans(), "own", 0),
        "first_order": (descent, "own", updates.steps),
        "first_order_log_loss": (descent, "log_loss", updates.steps),
        "joint_likelihood": (descent, "joint", updates.steps),
        "first_order_joint": (descent, "both", updates.steps),
    }


class Sets(NamedTuple):
    """Scores of held-out patients by learners of sets.

    Attributes:
        scores: for each method, budget and learner; all completed patients have the budget 0.
        trials: for each method and budget, one for each repeat and fold.
        seconds: of each method and budget, all folds together.
    """

    scores: Mapping[tuple[str, int, str], Float[np.ndarray, "R n"]]
    trials: Mapping[tuple[str, int], Sequence[Trial]]
    seconds: Mapping[tuple[str, int], float]


def distilled_sets(
    cohort: Cohort, plan: Plan, budgets: Sequence[int], updates: Updates, say: Callable[[str], None] = lambda text: None
) -> Sets:
    """Distil in every training fold of a plan (:func:`~ddbook.chapters.merge.four.nested.nested` has the same folds).

    Args:
        cohort: the patients.
        plan: repeats, folds and seed.
        budgets: numbers of distilled patients.
        updates: how long to descend.
        say: called as the work goes on.
    """
    kinds = [(ALL, 0), *((name, budget) for budget in budgets for name in methods(updates))]
    scores = {(*kind, learner): np.full((plan.repeats, cohort.size), np.nan) for kind in kinds for learner in LEARNERS}
    trials: dict[tuple[str, int], list[Trial]] = {kind: [] for kind in kinds}
    seconds = dict.fromkeys(kinds, 0.0)
    for repeat in range(plan.repeats):
        for number, (rows, out) in enumerate(splits(cohort, plan.outer, seed_of(plan, repeat))):
            seed = seed_of(plan, repeat, number)
            task = disease_task(cohort.take(rows), cohort.take(out), seed)
            for name, budget in kinds:
                began = time.perf_counter()
                trial = _made(task, name, budget, updates, seed)
                seconds[name, budget] += time.perf_counter() - began
                trials[name, budget].append(trial)
                for learner, score in learned_scores(task, trial.distilled, updates.trees, seed).items():
                    scores[name, budget, learner][repeat, out] = score
            say(f"repeat {repeat + 1} of {plan.repeats}, fold {number + 1} of {plan.outer}: sets")
    return Sets(scores, trials, seconds)


def _made(task: DiseaseTask, name: str, budget: int, updates: Updates, seed: int) -> Trial:
    """A set of one method, or all completed patients."""
    if name == ALL:
        return given(task.train)
    method, objective, steps = methods(updates)[name]
    return run_trial(method, replace(task, objective=objective), budget, steps, torch.Generator().manual_seed(seed))


def shrunk(task: DiseaseTask, distilled: Distilled) -> DiseaseTask:
    """The task with the penalty, not below its own, by which the set has the least training risk."""
    tasks = [replace(task, penalty=factor * task.penalty) for factor in PENALTIES]
    with torch.no_grad():
        return min(tasks, key=lambda one: float(one.risk(one.fit(distilled))))


def learned_scores(task: DiseaseTask, distilled: Distilled, trees: int, seed: int) -> dict[str, Float[np.ndarray, " m"]]:
    """Scores of the patients who are held out, by each learner, with gaps filled by the set's own law."""
    with torch.no_grad():
        model = shrunk(task, distilled).fit(distilled)
        helped = task.reference._replace(theta=model.theta)
        found = {LOGISTIC: scores_of(model, task.held_out)[0].numpy(), HELPED: scores_of(helped, task.held_out)[0].numpy()}
        complete = filled(model, task.held_out)
        for name, learner in ((FOREST, RandomForest(trees)), (NEAREST, NearestNeighbour())):
            fitted = learner.fit(distilled, torch.Generator().manual_seed(seed))
            share = learner.predict(fitted, complete)[0, :, 1].numpy()
            found[name] = logit(np.clip(share, 0.01, 0.99))
    return found
