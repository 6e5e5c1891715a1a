"""Chapter 06 with patients who have stable levels: wrong models, a risk that asks for less, and the repaired model."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from functools import partial

import numpy as np
import pandas as pd
import torch
from jaxtyping import Float
from torch import Tensor

from ddbook.chapters.merge.limit.experiment import Export, unexported
from ddbook.chapters.merge.limit.restated import restated, windows
from ddbook.kit.merge.setting import Setting
from ddlib.dbn.estimators.accelerated import maximum_likelihood
from ddlib.dbn.estimators.levels import (
    LevelDbn,
    draw_level_sources,
    gaussian_entropy,
    level_joint,
    level_maximum_likelihood,
    pair_network,
)
from ddlib.dbn.methods.baselines import complete
from ddlib.dbn.methods.staged import Staged
from ddlib.dbn.model.generate import random_networks
from ddlib.dbn.model.moments import gaussian_moments, mean_log_likelihood
from ddlib.dbn.model.network import Dbn, Gaussian, transition_map
from ddlib.dbn.rivals import RIVALS
from ddlib.dbn.sources import random_pattern
from ddlib.dbn.task.merge_task import MergeTask
from ddlib.problem import Distilled
from ddlib.settings import Plain, settings_last
from ddlib.trial import run_trial


def forecast_error(law: Gaussian, model: Dbn, slices: int) -> Float[Tensor, " R"]:
    """Root-mean-square error of forecasting the last visit from the one before, in standard deviations of the last visit."""
    p = model.variance.shape[-1]
    step, total = transition_map(model)
    now, before = slice((slices - 1) * p, slices * p), slice((slices - 2) * p, (slices - 1) * p)
    constant = (total @ model.intercept.unsqueeze(-1)).squeeze(-1)
    bias = law.mean[:, now] - (step @ law.mean[:, before].unsqueeze(-1)).squeeze(-1) - constant
    cross = law.covariance[:, now, before] @ step.mT
    error = law.covariance[:, now, now] - cross - cross.mT + step @ law.covariance[:, before, before] @ step.mT
    return _standardised(error.diagonal(dim1=-2, dim2=-1) + bias**2, law.covariance[:, now, now])


def history_error(law: Gaussian, belief: Gaussian, slices: int) -> Float[Tensor, " R"]:
    """The same from *all* visits before, by the conditional expectation under a believed law of trajectories."""
    p = law.mean.shape[-1] // slices
    past = (slices - 1) * p
    gain = torch.linalg.solve(belief.covariance[:, :past, :past], belief.covariance[:, :past, past:]).mT
    constant = belief.mean[:, past:] - (gain @ belief.mean[:, :past].unsqueeze(-1)).squeeze(-1)
    bias = law.mean[:, past:] - (gain @ law.mean[:, :past].unsqueeze(-1)).squeeze(-1) - constant
    whole = torch.cat([-gain, torch.eye(p, dtype=gain.dtype, device=gain.device).expand(len(gain), p, p)], dim=-1)
    error = whole @ law.covariance @ whole.mT
    return _standardised(error.diagonal(dim1=-2, dim2=-1) + bias**2, law.covariance[:, past:, past:])


def _standardised(square: Tensor, covariance: Tensor) -> Tensor:
    return (square / covariance.diagonal(dim1=-2, dim2=-1)).mean(-1).sqrt()


def with_levels(
    setting: Setting, sizes: Sequence[float], budgets: Sequence[int], stages: Staged, export: Export = unexported
) -> pd.DataFrame:
    """Every model at every size of the levels; one row per network.

    The regret is against the best network of the known graph, which a fit to endless complete clean patients would find: the
    expected log-likelihood of first visit and transitions. The fit to the sources' own patients, complete and clean, is the
    yardstick. The forecasting errors need no such reference.

    Args:
        setting: networks and sources.
        sizes: standard deviations of the levels.
        budgets: distilled trajectories.
        stages: how first-order distillation goes about it.
        export: what is done with every set.
    """
    rows = []
    for size in sizes:
        generator = setting.generator(0)
        graph, network = random_networks(setting.replicates, setting.variables, generator)
        pattern = random_pattern(setting.replicates, setting.sources, setting.slices, setting.variables, generator, setting.hidden)
        truth = LevelDbn(network, torch.full_like(network.variance, size**2))
        state = generator.get_state()
        sources = draw_level_sources(truth, pattern, setting.trajectories, generator, setting.noise)
        generator.set_state(state)  # the same patients
        clean = draw_level_sources(truth, torch.ones_like(pattern), setting.trajectories, generator, 0.0).values.flatten(1, 2)
        task = MergeTask(graph, network, sources)
        of_size = partial(export, f"levels {size:g}")
        rows.append(_measure(task, truth, complete(clean), setting, budgets, stages=stages, export=of_size).assign(level=size))
    return settings_last(pd.concat(rows, ignore_index=True))


def _measure(
    task: MergeTask,
    truth: LevelDbn,
    clean: Distilled,
    setting: Setting,
    budgets: Sequence[int],
    stages: Staged,
    export: Callable[[str, Distilled], None],
) -> pd.DataFrame:
    slices, graph, data = task.slices, task.graph, task.statistics
    law = level_joint(truth, slices)
    pairs, best = gaussian_moments(law, slices), pair_network(task.graph, law, slices)
    ceiling = mean_log_likelihood(best, pairs, slices)
    rows = []

    def add(method: str, model: Dbn, budget: int = 0, belief: Gaussian | None = None, settings: Mapping[str, Plain] = {}) -> None:
        columns = {
            "regret": ceiling - mean_log_likelihood(model, pairs, slices),
            "forecast": forecast_error(law, model, slices),
            "history": torch.full_like(ceiling, torch.nan) if belief is None else history_error(law, belief, slices),
            "beyond": -gaussian_entropy(law) - ceiling,
        }
        frame = {name: column.detach().cpu().numpy() for name, column in columns.items()}
        about = {"method": method, "budget": budget, "seed": np.arange(len(ceiling))}
        rows.append(pd.DataFrame({**about, **frame, **settings}))

    add("best_network", best, belief=law)
    add("clean_all", task.fit(clean))
    add("em", maximum_likelihood(graph, data, slices, tolerance=1e-9, cycles=stages.cycles).model)
    add("em_pairs", maximum_likelihood(graph, windows(data, slices), slices, tolerance=1e-9, cycles=stages.cycles).model)
    repaired = level_joint(level_maximum_likelihood(graph, data, slices, tolerance=1e-9, cycles=stages.cycles).model, slices)
    add("em_levels", pair_network(graph, repaired, slices), belief=repaired)
    add("available_case", RIVALS["available_case"](graph, task.sources))
    for budget in budgets:
        for name, stated in (("first_order", task), ("first_order_pairs", restated(task, windows(data, slices)))):
            trial = run_trial(stages, stated, budget, 0, setting.generator(budget))
            export(name, trial.distilled)
            add(name, task.fit(trial.distilled), budget, settings=trial.settings)
    return settings_last(pd.concat(rows, ignore_index=True))
