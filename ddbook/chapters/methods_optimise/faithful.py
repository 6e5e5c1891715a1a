"""Faithfulness over the common cloud, over the cloud with other weights, along a method's own path, and the cosine of gradients."""

from __future__ import annotations

import math
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import NamedTuple

import pandas as pd
import torch
from jaxtyping import Float
from torch import Tensor

from ddbook.chapters.methods_optimise.experiment import (
    AWARE,
    BLIND,
    GIVEN,
    MOST,
    OWN,
    WATCHED,
    LinearWorld,
    Run,
    evenly,
    every,
    replicate,
    snapshot_steps,
)
from ddlib.lens import cloud, gradient_cosine, kendall, scores, stacked
from ddlib.lens.faithfulness import Surrogate
from ddlib.problem import Distilled
from ddlib.serving import serving
from ddlib.settings import settings
from ddlib.tasks import EmpiricalTask
from ddlib.trial import log_spaced, tidy

Runs = Mapping[str, Mapping[str, Run]]

METHODS = (*GIVEN[1:], *BLIND, *AWARE)
"""The methods with a surrogate: all but random rows and the exact construction."""

DRAWN = ("gradient_matching", "gradient_matching_cosine", "trajectory_matching")
"""The methods whose surrogates need an average over draws. That of the zeroth-order method is one already."""

BY_DEFINITION = ("first_order", "implicit")
"""The methods whose surrogate is the risk itself: their correlation is 1 by definition, and no result."""

MISMATCH = "mismatch"
"""The classifier once more, but matched by the squared loss, or without its classes: the very surrogates of the regressions."""

CLOUDS = ("cloud", "left_out", "even", "rows")
"""The clouds: the common one, that without the method's own path, that with one weight per origin, and one that no method made."""

FOREIGN = 48
"""Draws of random rows of which the cloud that no method made consists, each with its perturbations."""


@dataclass(frozen=True)
class Probes:
    """Where surrogate and risk are compared.

    Attributes:
        snapshots: points of each method's path that enter the cloud.
        perturbations: sizes of the Gaussian perturbations of each, relative to the set's own scale.
        draws: over which random surrogates are averaged.
    """

    snapshots: int = 4
    perturbations: tuple[float, ...] = (0.1, 0.3, 1.0)
    draws: int = 2

    def __post_init__(self) -> None:
        for name in ("snapshots", "draws"):
            if getattr(self, name) < 1:
                raise ValueError(f"{name} must be at least 1, but it is {getattr(self, name)}")
        if self.snapshots > MOST:
            raise ValueError(f"snapshots must be at most {MOST}, which go back to the first step, but it is {self.snapshots}")
        if not self.perturbations or not all(0 < size < math.inf for size in self.perturbations):
            raise ValueError(f"perturbations must be one or more positive sizes, but they are {list(self.perturbations)}")


class Cloud(NamedTuple):
    """Sets to compare surrogate and risk on.

    Attributes:
        sets: n of them.
        origin: by each, the method on whose path it lies or near whose path it was drawn; empty for the cloud that no method made.
    """

    sets: Distilled
    origin: list[str]


def common_cloud(world: LinearWorld, runs: Runs, probes: Probes, which: int) -> Cloud:
    """The cloud of one replicate: points on the paths of all methods on all tasks, and perturbations of each.

    All descents begin at the same random rows, which stand there once, as those of the random choice; implicit differentiation,
    whose path is that of the first-order method, is left out.
    """
    steps = [step for step in snapshot_steps(world.steps, probes.snapshots) if step > 0]
    generator, parts, origin = world.generator(100 + which), [], []
    for name in (*GIVEN, *BLIND, *AWARE):
        if name == "implicit":
            continue
        paths = [runs[key][name].path for key in (world.tasks if name in (*OWN, *AWARE) else ("ridge",))]
        starts = [replicate(path[step], which) for path in paths for step in ([0] if name in GIVEN else steps)]
        parts.append(cloud(world.family, starts, generator, probes.perturbations))
        origin += [name] * parts[-1].replicates
    return Cloud(stacked(parts), origin)


def foreign_cloud(world: LinearWorld, probes: Probes, which: int) -> Cloud:
    """A cloud that no method made: random rows, and perturbations of each."""
    generator = world.generator(200 + which)
    starts = [world.single.start(world.budget, generator) for _ in range(FOREIGN)]
    sets = cloud(world.family, starts, generator, probes.perturbations)
    return Cloud(sets, [""] * sets.replicates)


def even_weights(origin: Sequence[str]) -> Float[Tensor, " n"]:
    """Weights with which all sets of one origin count as much as those of any other.

    >>> even_weights(["a", "a", "b"]).tolist()
    [0.5, 0.5, 1.0]
    """
    return torch.tensor([1 / origin.count(name) for name in origin], dtype=torch.float64)


def weighted_kendall(a: Float[Tensor, " n"], b: Float[Tensor, " n"], weights: Float[Tensor, " n"]) -> float:
    r"""Kendall's correlation in which a pair of sets counts :math:`w_i w_j`; with equal weights :func:`ddlib.lens.kendall`.

    >>> weighted_kendall(torch.tensor([1.0, 2.0, 3.0]), torch.tensor([10.0, 20.0, 15.0]), torch.tensor([1.0, 1.0, 0.0]))
    1.0
    """
    ours, theirs = (torch.sign(values[:, None] - values[None, :]).double() for values in (a, b))
    pairs = weights[:, None] * weights[None, :]
    untied = (pairs * ours.square()).sum() * (pairs * theirs.square()).sum()
    return float((pairs * ours * theirs).sum() / untied.sqrt())


def compare(world: LinearWorld, runs: Runs, probes: Probes) -> pd.DataFrame:
    """Surrogate against risk, for every task, method and replicate.

    Returns:
        One row per task, method and seed. ``cloud`` is Kendall's correlation over the common cloud; the other columns of
        :data:`CLOUDS` are the same without the sets of the method's own path (those of kernel inducing points with either
        freedom), with equal weights for all origins, and over random rows. ``path`` and ``path_log`` are the same along the
        method's own path, evenly spaced and on a logarithmic scale; not a number for closed forms, and where surrogate or risk
        does not change. ``cosine`` is the mean over every eighth set of the cloud, ``sets`` the size of the cloud. In the
        correlations, numbers that agree to ten digits are tied. The task ``single`` is the one ridge regression that kernel
        inducing points are made for, and :data:`MISMATCH` the classifier with the regressions' surrogates. Settings come last: of
        the trial, of the task that judges and of the cloud.
    """
    rows = []
    tasks: dict[str, EmpiricalTask] = world.tasks | {"single": world.single, MISMATCH: world.classifier}
    names = {"single": ("kernel_inducing",), MISMATCH: OWN}
    for which in range(world.replicates):
        clouds = common_cloud(world, runs, probes, which), foreign_cloud(world, probes, which)
        for key, task in tasks.items():
            for name in names.get(key, METHODS):
                run = runs.get(key, runs["ridge"])[name]
                found = _measured(_Pair(world, probes, task, name, key), clouds, _one(run.path, which))
                about = {"task": key, "method": name, "seed": [which]}
                noted = {**run.settings, **settings(task, "judge"), **settings(probes, "cloud")}
                scored = {column: torch.tensor([value], dtype=torch.float64) for column, value in found.items()}
                rows.append(tidy(scored, about, noted))
    return pd.concat(rows, ignore_index=True)


def worked_path(world: LinearWorld, runs: Runs, probes: Probes, key: str, name: str) -> pd.DataFrame:
    """One method's path on one task from one start, beside the common cloud.

    Returns:
        One row per set, with ``kind`` (``path`` or ``cloud``), ``step`` (of the path), the ``surrogate`` and the share of the
        learnable that is ``lost``.
    """
    run, pair = runs[key][name], _Pair(world, probes, world.tasks[key], name, key)
    sets, path = common_cloud(world, runs, probes, 0).sets, _one(run.path, 0)
    steps = sorted({*evenly(world.steps, WATCHED), *log_spaced(world.steps, WATCHED)})
    surrogate, risk = pair.values(stacked([sets, *(path[step] for step in steps)]))
    task = pair.task
    none = task.risk(task.fit(task.train._replace(w=torch.zeros_like(task.train.w))))[0]
    best = task.risk(task.reference)[0]
    kinds = ["cloud"] * sets.replicates + ["path"] * len(steps)
    about = {"task": key, "method": name, "kind": kinds, "step": [-1] * sets.replicates + steps, "seed": 0}
    return tidy({"surrogate": surrogate, "lost": (risk - best) / (none - best)}, about)


def significant(values: Float[Tensor, " n"], digits: int = 10) -> Float[Tensor, " n"]:
    """The numbers to so many significant digits: beyond them is rounding, which must not order sets.

    >>> significant(torch.tensor([1.23456, -0.0123456, 0.0]).double(), 3).tolist()
    [1.23, -0.0123, 0.0]
    """
    size = values.abs().clamp(min=1e-300).log10().floor()
    scale = 10.0 ** (digits - 1 - size)
    return torch.where(values == 0, values, (values * scale).round() / scale)


@dataclass(frozen=True)
class _Pair:
    """A method and a task, whose surrogate and risk are compared."""

    world: LinearWorld
    probes: Probes
    task: EmpiricalTask
    name: str
    key: str

    @property
    def method(self) -> Surrogate:
        """With the task's own loss, where it takes one."""
        return self.world.method(self.name, key=self.key)

    @property
    def draws(self) -> int:
        """Of the surrogate: one where nothing is drawn, and more where one draw is a single age of an expert."""
        return self.probes.draws * (4 if self.name == "trajectory_matching" else 1) if self.name in DRAWN else 1

    def values(self, sets: Distilled) -> tuple[Float[Tensor, " n"], Float[Tensor, " n"]]:
        """Surrogate and risk of all sets, computed at once, with common draws."""
        with torch.no_grad():
            surrogate = scores(self.method, self.task, sets, self.world.generator(), self.draws)
            served = serving(self.task, sets.replicates)
            return significant(surrogate), significant(served.risk(served.fit(sets)))


def _one(path: Mapping[int, Distilled], which: int) -> dict[int, Distilled]:
    return {step: replicate(distilled, which) for step, distilled in path.items()}


def _measured(pair: _Pair, clouds: tuple[Cloud, Cloud], path: Mapping[int, Distilled]) -> dict[str, float]:
    """One row's numbers."""
    common, foreign = clouds
    size, end, last = common.sets.replicates, common.sets.replicates + foreign.sets.replicates, max(path)
    steps = sorted(path)
    values = pair.values(stacked([common.sets, foreign.sets, *(path[step] for step in steps)]))
    ours, theirs = (both[:size] for both in values)
    family = pair.name.removesuffix("_labels")
    others = torch.tensor([origin.removesuffix("_labels") != family for origin in common.origin])
    found = {
        "cloud": kendall(ours, theirs),
        "left_out": kendall(ours[others], theirs[others]),
        "even": weighted_kendall(ours, theirs, even_weights(common.origin)),
        "rows": kendall(*(both[size:end] for both in values)),
    }
    for column, spacing in (("path", evenly(last, WATCHED)), ("path_log", log_spaced(last, WATCHED))):
        rows = [end + steps.index(step) for step in spacing if step in path]
        still = any(bool((both[rows] == both[rows[0]]).all()) for both in values)
        found[column] = math.nan if still else kendall(*(both[rows] for both in values))
    some = every(common.sets, slice(None, None, 8))
    cosine = gradient_cosine(pair.method, pair.task, some, pair.world.generator(), pair.draws).mean()
    return found | {"cosine": float(cosine), "sets": float(size)}
