"""Algorithm 1 with the published settings, and the rows that it is compared with, scored on the test rows."""

from __future__ import annotations

import time
from typing import NamedTuple

import numpy as np
import pandas as pd
import torch
from torch import Tensor

from ddbook.chapters.merge.published.data import FILES, Released, ReleasedSetting, from_files
from ddbook.chapters.merge.published.learners import LEARNERS, alive, every_edge, moderated, true_graph
from ddbook.chapters.merge.published.runs import RUNS
from ddbook.chapters.merge.published.task import as_rows
from ddlib.datasets import MergeRelease
from ddlib.dbn.likelihood.observed import Em, em
from ddlib.dbn.model.moments import mle
from ddlib.dbn.model.network import Dbn
from ddlib.dbn.sources import Sources, statistics
from ddlib.dbn.task.merge_task import MergeTask
from ddlib.methods import FirstOrder
from ddlib.problem import Distilled, distil
from ddlib.trial import curve, run_trial, tidy

BUDGETS = (10, 20, 50, 100)
"""The published numbers of distilled rows."""
GRADIENT_BUDGET = 100
"""The gradient needs as many rows as determine a joint Gaussian of two slices."""


class Outcome(NamedTuple):
    """Algorithm 1 at one budget.

    Attributes:
        distilled: the set that it reached.
        scores: rows as :func:`score` makes them, for the set at the start and at the end, under all learners.
        curve: test log-likelihood against the step.
    """

    distilled: Distilled
    scores: pd.DataFrame
    curve: pd.DataFrame


def score(data: Released, model: Dbn, method: str, budget: int, learner: str = "released", **more: object) -> pd.DataFrame:
    """Total log-likelihood of the test rows, and the nats per row by which it is below the true network's; a row per seed.

    Args:
        data: what it is scored on.
        model: one network per replicate.
        method, budget, learner: what it is.
        more: further columns.
    """
    task = data.task
    about = {"slices": task.slices, "method": method, "budget": budget, "learner": learner, **data.columns}
    return tidy(_scores(data, model), about, more)


def _scores(data: Released, model: Dbn) -> dict[str, Tensor]:
    found = -data.task.risk(model, "test")
    best = -data.task.risk(data.task.truth, "test")
    return {"test_ll": found, "regret": (best - found) / data.task.test.shape[-3]}


def judged(data: Released, rows: Tensor, method: str, budget: int, **more: object) -> pd.DataFrame:
    """:func:`score` of one set of rows of two slices under each of the four learners."""
    graph = alive(data.task.truth)
    frames = [score(data, learn(rows, graph), method, budget, name, **more) for name, learn in LEARNERS.items()]
    return pd.concat(frames, ignore_index=True)


def follow(data: Released, budget: int, epochs: int, generator: torch.Generator, points: int = 30) -> Outcome:
    """Algorithm 1 with the published settings, all replicates and all perturbed sets searched in one batch.

    Args:
        data: the merge.
        budget: distilled rows in total.
        epochs: updates.
        generator: the source of randomness.
        points: how often the test log-likelihood is watched.
    """
    task = data.task
    method = RUNS[task.slices, budget].method
    watched = np.linspace(0, epochs, min(points, epochs) + 1).round().astype(int).tolist()
    trial = run_trial(method, task, budget, epochs, generator, watched)
    first = score(data, task.fit(trial.start), "start", budget)
    last = judged(data, trial.distilled.x, "zeroth_order", budget, epochs=epochs, seconds=trial.seconds, **trial.settings)
    about = {"slices": task.slices, "budget": budget, **data.columns}
    path = curve(trial, lambda reached: _scores(data, task.fit(reached)), about)
    return Outcome(trial.distilled, pd.concat([first, last], ignore_index=True), path)


def on_rebuilt(setting: ReleasedSetting, budget: int, epochs: int) -> Outcome:
    """:func:`follow` on a draw of a setting, with the setting's stream of random numbers for this budget."""
    return follow(setting.draw(), budget, epochs, setting.generator(budget))


def on_files(release: MergeRelease, replicates: int, budget: int, epochs: int, seed: int, swapped: bool = True) -> Outcome:
    """:func:`follow` on the authors' files."""
    return follow(from_files(release, replicates, swapped), budget, epochs, ReleasedSetting(seed=seed).generator(1000 + budget))


def joint_gaussian(sources: Sources, tolerance: float = 1e-5, iterations: int = 500) -> Em:
    """EM for a joint Gaussian on the sources' hidden and noisy rows, without a graph and without a model of the noise.

    With more than two slices it is a first-order Markov process, the same in all slices. Where a pair of cells is never measured
    together the maximum is flat and EM slow: it stops at the tolerance, in nats per row, or after so many iterations.
    """
    found = statistics(sources)
    graph = every_edge(sources.values.shape[0], sources.values.shape[-1], sources.values.device)
    return em(graph, found._replace(noise=torch.zeros_like(found.noise)), sources.slices, tolerance, iterations)


def by_gradient(sources: Sources, generator: torch.Generator, steps: int = 300) -> Distilled:
    """First-order distillation of the same likelihood: rows from which a joint Gaussian is learned that fits all sources.

    Args:
        sources: of two slices.
        generator: the source of randomness.
        steps: of Adam.
    """
    shape = (sources.values.shape[0], sources.values.shape[-1])
    graph = every_edge(*shape, sources.values.device)
    nothing = sources.values.new_zeros(shape)
    unknown = Dbn(nothing, torch.diag_embed(nothing), nothing + 1, nothing, *(torch.diag_embed(nothing),) * 2, nothing + 1)
    task = MergeTask(graph, unknown, sources._replace(noise=torch.zeros_like(sources.noise)))
    return distil(FirstOrder(0.1, horizon=steps), task, GRADIENT_BUDGET, steps, generator).distilled


def yardsticks(data: Released, budgets: tuple[int, ...] = BUDGETS) -> pd.DataFrame:
    """The rows that Algorithm 1 is compared with.

    D^sub: the first clean rows, cut to two slices as distilled sets are, under all learners and with moderated variances. All clean
    rows have all their slices. EM: :func:`joint_gaussian`.
    """
    task, clean = data.task, data.clean.x
    graph = alive(task.truth)
    began = time.perf_counter()
    fitted = _fitted(data)
    rows = [
        score(data, task.truth, "truth", 0, "none"),
        score(data, fitted, "em", 0, "none", seconds=time.perf_counter() - began),
        score(data, task.fit(as_rows(clean)), "clean_all", 0),
    ]
    for budget in budgets:
        subset = clean[:, :budget, :2]
        rows.append(judged(data, subset, "clean_subset", budget))
        rows.append(score(data, moderated(subset, graph), "clean_subset_moderated", budget))
    return pd.concat(rows, ignore_index=True)


def _fitted(data: Released) -> Dbn:
    """EM's network of each replicate; the authors' files are the same for all."""
    sources = data.task.sources
    if data.kinds != (FILES,):
        return joint_gaussian(sources).model
    once = joint_gaussian(Sources(*(part[:1] for part in sources))).model
    return Dbn(*(part.expand(len(sources.values), *part.shape[1:]) for part in once))


def rebuilt_yardsticks(setting: ReleasedSetting, budgets: tuple[int, ...]) -> pd.DataFrame:
    """:func:`yardsticks` of rebuilt data."""
    return yardsticks(setting.draw(), budgets)


def files_yardsticks(release: MergeRelease, replicates: int, seed: int) -> pd.DataFrame:
    """:func:`yardsticks` of the authors' files; with two slices the gradient's rows too, learned with all edges."""
    data = from_files(release, replicates)
    found = yardsticks(data)
    if data.task.slices > 2:
        return found
    rows = by_gradient(data.task.sources, ReleasedSetting(seed=seed).generator(7)).x
    model = true_graph(rows, every_edge(rows.shape[0], rows.shape[-1], rows.device))
    own = score(data, model, "first_order", GRADIENT_BUDGET, "every_edge")
    return pd.concat([found, own, judged(data, rows, "first_order", GRADIENT_BUDGET)], ignore_index=True)


def as_released(release: MergeRelease, repeated: dict[int, Distilled]) -> pd.DataFrame:
    """The authors' own distilled sets under all learners: those in the release, and those of repeated runs."""
    data = from_files(release)
    sets = {len(rows): rows.unsqueeze(0) for name, rows in release.distilled.items() if name != "dd_data.csv"}
    sets |= {budget: found.x for budget, found in repeated.items()}
    frames = [judged(data, rows, "published_set", budget) for budget, rows in sets.items()]
    return pd.concat(frames, ignore_index=True)


def slopes(data: Released) -> pd.DataFrame:
    """Where the defect shows: least-squares estimates on the clean rows against declared weights, for the declared edges.

    Returns:
        One row per kind of data, seed and part of the network, with the slope through the origin of estimated on declared weights.
    """
    fitted = mle(data.graph, data.clean.x)
    parts = {
        "within the first visit": (data.declared.first_weights, fitted.first_weights),
        "within later visits": (data.declared.intra, fitted.intra),
        "between visits": (data.declared.inter, fitted.inter),
    }
    frames = [
        tidy({"slope": (declared * estimated).sum((-2, -1)) / declared.square().sum((-2, -1))}, {"part": part, **data.columns})
        for part, (declared, estimated) in parts.items()
    ]
    return pd.concat(frames, ignore_index=True)
