"""The released experiment: Algorithm 1 with the published settings, and the rows it is compared with, scored on the test rows."""

from __future__ import annotations

import time
from typing import NamedTuple

import numpy as np
import pandas as pd
import torch
from torch import Tensor

from ddbook.chapters.merge.published.data import GENERATORS, Released, ReleasedSetting
from ddbook.chapters.merge.published.task import PublishedMerge
from ddlib.dbn.likelihood.observed import Em, em
from ddlib.dbn.methods.sufficient import sufficient_rows
from ddlib.dbn.model.moments import expected_log_likelihood, gaussian_moments, mle
from ddlib.dbn.model.network import Dbn, Graph, joint
from ddlib.dbn.sources import statistics
from ddlib.methods import ZerothOrder
from ddlib.problem import Distilled
from ddlib.trial import curve, run_trial, tidy

PUBLISHED_EPOCHS = {10: 160, 20: 1000, 50: 4000, 100: 5500}
"""Updates of Algorithm 1 for each number of distilled rows (with ten slices the run of IPC 100 was stopped at 1200)."""
PUBLISHED_LR = 4e-5
DIRECTIONS = 10


def algorithm_1(budget: int, slices: int) -> ZerothOrder:
    """Algorithm 1 with the published settings: σ = 0.08, but 0.1 at IPC 10, and a fifth of the step size for ten slices."""
    return ZerothOrder(0.1 if budget == 10 else 0.08, PUBLISHED_LR / (5 if slices > 2 else 1), DIRECTIONS)


def check_published_budgets(budgets: list[int], epochs: list[int], what: str = "ipc") -> None:
    """Refuse budgets that the release has no figures for, before long work starts.

    Raises:
        ValueError: if there is no budget, one is unknown or there twice, or the epochs do not match.
    """
    if not budgets or len(set(budgets)) < len(budgets) or not set(budgets) <= set(PUBLISHED_EPOCHS):
        raise ValueError(f"{what} must name some of the published budgets {list(PUBLISHED_EPOCHS)}, each once, but it is {budgets}")
    if len(epochs) != len(budgets) or min(epochs) < 1:
        raise ValueError(f"give one number of epochs, at least 1, for each of the budgets {budgets}; these are {epochs}")


class Outcome(NamedTuple):
    """Algorithm 1 at one budget.

    Attributes:
        distilled: the set that it reached.
        scores: rows as :func:`score` makes them, for the set at the start and at the end.
        curve: test log-likelihood against the step.
    """

    distilled: Distilled
    scores: pd.DataFrame
    curve: pd.DataFrame


def score(
    task: PublishedMerge, model: Dbn, method: str, budget: int, seconds: float = 0.0, stored: int = 0, epochs: int = 0
) -> pd.DataFrame:
    """Total log-likelihood of the test rows and of the sources' imputed rows, one row per generator and seed."""
    about = {"slices": task.slices, "method": method, "budget": budget, **_replicates(task)}
    return tidy(_likelihoods(task, model), about, {"epochs": epochs, "stored_numbers": stored, "seconds": seconds})


def _likelihoods(task: PublishedMerge, model: Dbn) -> dict[str, Tensor]:
    return {"test_ll": -task.risk(model, "test"), "train_ll": -task.risk(model)}


def _replicates(task: PublishedMerge) -> dict[str, np.ndarray]:
    """The generator and the seed of each replicate."""
    seeds = task.train.replicates // len(GENERATORS)
    return {"generator": np.repeat(GENERATORS, seeds), "seed": np.tile(np.arange(seeds), len(GENERATORS))}


def follow(task: PublishedMerge, budget: int, epochs: int, generator: torch.Generator, points: int = 30) -> Outcome:
    """Algorithm 1 with the published settings, all replicates and all perturbed sets searched in one batch.

    Args:
        task: the merge.
        budget: distilled rows in total.
        epochs: updates.
        generator: the source of randomness.
        points: how often the test log-likelihood is watched. The seconds in the scores leave that out.
    """
    watched = np.linspace(0, epochs, min(points, epochs) + 1).round().astype(int).tolist()
    trial = run_trial(algorithm_1(budget, task.slices), task, budget, epochs, generator, watched)
    chosen, stored = trial.distilled, trial.distilled.stored_numbers
    first = score(task, task.fit(trial.start), "start", budget, stored=stored)
    last = score(task, task.fit(chosen), "zeroth_order", budget, trial.seconds, stored, epochs).assign(**trial.settings)
    about = {"slices": task.slices, "budget": budget, **_replicates(task)}
    path = curve(trial, lambda reached: _likelihoods(task, task.fit(reached)), about)
    return Outcome(chosen, pd.concat([first, last], ignore_index=True), path)


def search(setting: ReleasedSetting, budget: int, epochs: int) -> Outcome:
    """:func:`follow` on a draw of a setting, with the setting's stream of random numbers for this budget."""
    return follow(setting.draw().task, budget, epochs, setting.generator(budget))


def every_edge(task: PublishedMerge) -> Graph:
    """The graph with all edges: with two slices its networks are all Gaussian laws of a row."""
    shape = task.truth.intra.shape
    full = torch.ones(shape, dtype=torch.bool, device=task.truth.intra.device)
    return Graph(full.tril(-1), full.tril(-1), full)


def joint_gaussian(task: PublishedMerge, tolerance: float = 1e-5, iterations: int = 500) -> Em:
    """EM for a joint Gaussian on the sources' hidden and noisy rows, without a graph and without a model of the noise.

    With more than two slices it is a first-order Markov process, the same in all slices. Where a pair of cells is never measured
    together the maximum is flat and EM slow: it stops at the tolerance, in nats per row, or after so many iterations.
    """
    found = statistics(task.sources)
    return em(every_edge(task), found._replace(noise=torch.zeros_like(found.noise)), task.slices, tolerance, iterations)


def carried_in_rows(task: PublishedMerge, estimate: Em) -> tuple[int, float]:
    """How many rows of two slices carry EM's joint Gaussian, and by how much the fit to them differs from it.

    Returns:
        The number of rows, and the largest difference in expected log-likelihood over replicates, in nats per row of two slices.
    """
    rows = sufficient_rows(gaussian_moments(joint(estimate.model, 2), 2), 1.0, 2).pairs
    variables = task.truth.variance.shape[-1]
    trajectories = torch.stack([rows[..., variables:], rows[..., :variables]], dim=-2)
    again = mle(every_edge(task), trajectories)

    def both(model: Dbn) -> Tensor:
        return expected_log_likelihood(model, task.truth, 2)

    return rows.shape[-2], float((both(again) - both(estimate.model)).abs().max())


def yardsticks(released: Released, budgets: list[int]) -> pd.DataFrame:
    """The rows that Algorithm 1 is compared with.

    D^sub: the first clean rows, cut to two slices as distilled sets are; once more with the plain BIC. All clean rows have all
    their slices. EM: :func:`joint_gaussian`.

    Args:
        released: the data.
        budgets: distilled rows in total.
    """
    task, clean = released.task, released.clean
    began = time.perf_counter()
    estimate = joint_gaussian(task)
    seconds = time.perf_counter() - began
    measured = int(task.sources.observed[0].sum()) * task.sources.values.shape[2]
    plain = PublishedMerge(task.truth, task.sources, task.test, task.most_parents, 0.0)
    rows = [
        score(task, task.truth, "truth", 0),
        score(task, estimate.model, "em", 0, seconds, measured),
        score(task, task.fit(clean), "clean_all", 0, stored=clean.stored_numbers),
        score(task, plain.fit(clean), "clean_all_bic", 0, stored=clean.stored_numbers),
    ]
    for budget in budgets:
        subset = Distilled(clean.x[:, :budget, :2], clean.y[:, :budget], clean.w[:, :budget])
        for learner, method in ((task, "clean_subset"), (plain, "clean_subset_bic")):
            rows.append(score(task, learner.fit(subset), method, budget, stored=subset.stored_numbers))
    return pd.concat(rows, ignore_index=True)


def later_weights(released: Released, setting: ReleasedSetting) -> pd.DataFrame:
    """Declared weights against the least-squares estimates on the clean rows, for the declared edges: where the defect shows.

    Returns:
        One row per declared edge with generator, seed, ``part`` ("first slice", "later slice" or "between slices"), declared and
        estimated weight.
    """
    fitted = mle(released.graph, released.clean.x)
    parts = (
        ("first slice", released.graph.first, released.declared.first_weights, fitted.first_weights),
        ("later slice", released.graph.intra, released.declared.intra, fitted.intra),
        ("between slices", released.graph.inter, released.declared.inter, fitted.inter),
    )
    frames = []
    for part, mask, declared, estimated in parts:
        replicate = mask.nonzero()[:, 0].cpu().numpy()
        frames.append(
            pd.DataFrame(
                {
                    "generator": np.asarray(GENERATORS)[replicate // setting.replicates],
                    "seed": replicate % setting.replicates,
                    "part": part,
                    "declared": declared[mask].cpu().numpy(),
                    "estimated": estimated[mask].cpu().numpy(),
                }
            )
        )
    return pd.concat(frames, ignore_index=True)
