"""Simulated hospitals whose patients' law is known, and the four errors of an estimate of it, for ``merge_bars.py``.

A world is drawn from a random stable network (:func:`ddlib.dbn.model.generate.random_networks`): four visits, four to six columns,
of which each hospital lacks one or two in such a way that every pair of columns is measured together in some hospital. On top of
that a kind of world, or several joined by ``+``:

- ``plain``: nothing more, so that a Markov law without offsets, levels or trends is right;
- ``shifted``: all columns of the first hospital are half a standard deviation higher;
- ``offsets``: each hospital and column has an offset of its own, normal with half a standard deviation;
- ``levels``: each patient has a level that lasts, with .3 to .7 of a standard deviation, correlated among the columns;
- ``trends``: each visit and column has a mean of its own, normal with half a standard deviation;
- ``gaps``: a tenth of the visits and 15 % of the remaining cells are missing.

The law to be found is that of a patient in the average hospital: offsets are centred, for each column, over those who measure it.
"""

from __future__ import annotations

from typing import Any, NamedTuple

import numpy as np
import pandas as pd
import torch

from ddlib.dbn.model.generate import random_networks, sample
from ddlib.dbn.model.network import joint

Array = np.ndarray[Any, np.dtype[np.float64]]
KINDS = ("plain", "shifted", "offsets", "levels", "trends", "gaps")
ERRORS = ("mean", "within", "successive", "transition")
HALF = 0.5
"""Size of shifts, offsets and trends in standard deviations."""


class World(NamedTuple):
    """What is measured, and what is true.

    Attributes:
        columns: names.
        frames: a table for each hospital, with the columns ``id`` and ``time``.
        mean: of a patient's trajectory, (T, p).
        covariance: likewise, (T, p, T, p).
        complete: what nobody sees: all cells of all patients, without offsets, (n, T, p).
        seen: what the hospitals have, with offsets; nan where nothing was measured.
        hospital: of each patient.
    """

    columns: tuple[str, ...]
    frames: dict[str, pd.DataFrame]
    mean: Array
    covariance: Array
    complete: Array
    seen: Array
    hospital: np.ndarray[Any, Any]

    @property
    def spread(self) -> Array:
        """Standard deviation of each column, over all visits."""
        return np.sqrt(np.einsum("titi->i", self.covariance) / len(self.mean))


def draw_world(seed: int, kind: str = "plain", patients: int = 80, hospitals: int = 3, visits: int = 4, columns: int = 0) -> World:
    """Draw a world; ``patients`` are those of each hospital, and 0 columns are four to six, in turn."""
    kinds = set(kind.split("+"))
    if not kinds <= set(KINDS):
        raise SystemExit(f"there is no kind of world {kind!r}: join some of {', '.join(KINDS)} by +")
    columns = columns or 4 + seed % 3
    draw, chance = torch.Generator().manual_seed(seed), np.random.default_rng(seed)
    network = random_networks(1, columns, draw)[1]
    law = joint(network, visits)
    mean = law.mean[0].numpy().reshape(visits, columns)
    covariance = law.covariance[0].numpy().reshape(visits, columns, visits, columns)
    values = sample(network, hospitals * patients, visits, draw)[0].numpy()
    spread = np.sqrt(np.einsum("titi->i", covariance) / visits)
    hospital = np.repeat(np.arange(hospitals), patients)
    measured = _measured(hospitals, columns, chance)
    if "levels" in kinds:
        level = _level_covariance(spread, chance)
        covariance = covariance + level[None, :, None, :]
        values = values + chance.multivariate_normal(np.zeros(columns), level, len(values))[:, None]
    if "trends" in kinds:
        trend = chance.normal(0, HALF, (visits, columns)) * spread
        mean, values = mean + trend, values + trend
    offsets = np.zeros((hospitals, columns))
    if "shifted" in kinds:
        offsets[0] = HALF * spread
    if "offsets" in kinds:
        offsets = offsets + chance.normal(0, HALF, offsets.shape) * spread
    offsets = offsets - np.where(measured, offsets, 0).sum(0) / measured.sum(0)
    seen = np.where(measured[hospital][:, None], values + offsets[hospital][:, None], np.nan)
    if "gaps" in kinds:
        seen[chance.random(seen.shape[:2]) < 0.1] = np.nan
        seen[chance.random(seen.shape) < 0.15] = np.nan
    names = tuple(f"x{i}" for i in range(columns))
    frames = {f"hospital {k}": to_frame(seen[hospital == k], names, int(k * patients)) for k in range(hospitals)}
    return World(names, frames, mean, covariance, values, seen, hospital)


def _measured(hospitals: int, columns: int, chance: np.random.Generator) -> np.ndarray[Any, Any]:
    """Which hospital measures which column: each lacks others than the rest do."""
    lacking = 2 if columns >= 2 * hospitals else 1
    measured = np.ones((hospitals, columns), dtype=bool)
    order = chance.permutation(columns)
    for k in range(hospitals):
        measured[k, order[np.arange(k * lacking, (k + 1) * lacking) % columns]] = False
    return measured


def _level_covariance(spread: Array, chance: np.random.Generator) -> Array:
    factors = chance.normal(size=(len(spread), len(spread) + 2))
    covariance = factors @ factors.T
    scale = spread * chance.uniform(0.3, 0.7, len(spread)) / np.sqrt(np.diag(covariance))
    return covariance * np.outer(scale, scale)


def to_frame(values: Array, names: tuple[str, ...], first: int = 0) -> pd.DataFrame:
    """Trajectories (n, T, p) as a table; visits and columns without any value are left out."""
    patients, visits, columns = values.shape
    frame = pd.DataFrame(values.reshape(-1, columns), columns=list(names))
    frame.insert(0, "time", np.tile(np.arange(visits), patients))
    frame.insert(0, "id", np.repeat(np.arange(patients) + first, visits))
    kept = frame[~frame[list(names)].isna().all(axis=1)]
    return kept.dropna(axis=1, how="all").reset_index(drop=True)


def merged_law(merged: Any, columns: tuple[str, ...], visits: int) -> tuple[Array, Array]:
    """Mean (T, p) and covariance (T, p, T, p) of a merge, for some of its dynamic columns; others may follow in the law."""
    mean, covariance = merged.law.mean[0].numpy(), merged.law.covariance[0].numpy()
    static = (visits * len(merged.columns) - len(mean)) // max(visits - 1, 1)
    dynamic = len(merged.columns) - static
    entries = np.add.outer(dynamic * np.arange(visits), [list(merged.columns).index(name) for name in columns]).ravel()
    shape = (visits, len(columns))
    return mean[entries].reshape(shape), covariance[np.ix_(entries, entries)].reshape(shape * 2)


def moments(values: Array, hospital: np.ndarray[Any, Any] | None = None) -> tuple[Array, Array]:
    """Mean and covariance of complete trajectories; within hospitals, and the mean of the average one, if these are given."""
    _, visits, columns = values.shape
    mean = values.mean(0)
    if hospital is not None:
        means = np.stack([values[hospital == k].mean(0) for k in np.unique(hospital)])
        values, mean = values - means[hospital], means.mean(0)
    return mean, np.cov(values.reshape(len(values), -1).T).reshape((visits, columns) * 2)


def errors(world: World, mean: Array, covariance: Array) -> Array:
    """RMSE of :data:`ERRORS` in standard deviations: the transition is the regression of a visit on the one before."""
    spread = world.spread

    def parts(mean: Array, covariance: Array) -> list[Array]:
        scaled = covariance / spread[:, None, None] / spread
        visits = range(len(mean))
        within = np.stack([scaled[t, :, t] for t in visits])
        successive = np.stack([scaled[t + 1, :, t] for t in visits[:-1]])
        return [mean / spread, within, successive, np.linalg.solve(within[:-1].sum(0), successive.sum(0).T).T]

    pairs = zip(parts(mean, covariance), parts(world.mean, world.covariance), strict=True)
    return np.array([np.sqrt(np.mean((found - true) ** 2)) for found, true in pairs])
