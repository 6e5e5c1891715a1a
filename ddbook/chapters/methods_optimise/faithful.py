"""Faithfulness over the common cloud, along a method's own path, and the cosine of gradients."""

from __future__ import annotations

import math
from collections.abc import Mapping
from dataclasses import dataclass
from typing import NamedTuple

import pandas as pd
import torch
from jaxtyping import Float
from torch import Tensor

from ddbook.chapters.methods_optimise.experiment import AWARE, BLIND, GIVEN, LinearWorld, Run, evenly, every, replicate
from ddlib.lens import cloud, gradient_cosine, kendall, scores, stacked
from ddlib.problem import Distilled
from ddlib.serving import serving
from ddlib.tasks import EmpiricalTask

Runs = Mapping[str, Mapping[str, Run]]

METHODS = (*GIVEN[1:], *BLIND, *AWARE)
"""The methods with a surrogate: all but random rows and the exact construction."""

DRAWN = ("gradient_matching", "gradient_matching_cosine", "trajectory_matching")
"""The methods whose surrogates need an average over draws. That of the zeroth-order method is one already."""

WATCHED = 31
"""The most sets that are taken from a path."""


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
        if not self.perturbations or not all(0 < size < math.inf for size in self.perturbations):
            raise ValueError(f"perturbations must be one or more positive sizes, but they are {list(self.perturbations)}")


class Known(NamedTuple):
    """A cloud, and a task's risk of each of its n sets."""

    sets: Distilled
    risk: Float[Tensor, " n"]


def snapshot_steps(steps: int, snapshots: int) -> list[int]:
    """The steps whose sets enter the cloud: the end, the start, and between them by factors of four back from the end.

    >>> snapshot_steps(200, 4)
    [0, 12, 50, 200]
    """
    back = {round(steps / 4**k) for k in range(max(snapshots - 1, 1))}
    return sorted(back | {0} if snapshots > 1 else back)


def common_cloud(world: LinearWorld, runs: Runs, probes: Probes, which: int) -> Distilled:
    """The cloud of one replicate: points on the paths of all methods on all tasks, and perturbations of each."""
    paths = [runs["ridge"][name].path for name in (*GIVEN, *BLIND)]
    paths += [runs[key][name].path for key in world.tasks for name in AWARE]
    steps = snapshot_steps(world.steps, probes.snapshots)
    starts = [path[step] for path in paths for step in (steps if len(path) > 1 else [0])]
    one = [replicate(distilled, which) for distilled in starts]
    return cloud(world.family, one, world.generator(100 + which), probes.perturbations)


def stages(steps: int) -> dict[str, list[int]]:
    """The steps of the whole path and of its beginning, a tenth of it but 10 steps at the least, evenly spaced.

    >>> stages(20)["early"]
    [0, 1, 2, 3, 4, 5, 6, 7, 8, 9, 10]
    """
    ends = {"path": steps, "early": min(max(10, steps // 10), steps)}
    return {name: list(evenly(end, WATCHED)) for name, end in ends.items()}


def compare(world: LinearWorld, runs: Runs, probes: Probes) -> pd.DataFrame:
    """Surrogate against risk, for every task, method and replicate.

    Returns:
        One row per task, method and seed, with the columns ``cloud`` (Kendall's correlation over the common cloud), ``path`` and
        ``early`` (the same along the method's own path and its beginning; not a number for closed forms, and where the surrogate
        or the risk does not change), ``cosine`` (mean over every eighth set of the cloud) and ``sets`` (the size of the cloud). In
        the correlations, numbers that agree to ten digits are tied. The task ``single`` is the one ridge regression that kernel
        inducing points are made for.
    """
    rows = []
    tasks: dict[str, EmpiricalTask] = world.tasks | {"single": world.single}
    for which in range(world.replicates):
        sets = common_cloud(world, runs, probes, which)
        for key, task in tasks.items():
            known = Known(sets, _risk(task, sets))
            for name in METHODS if key in runs else ("kernel_inducing",):
                path = [replicate(distilled, which) for distilled in runs.get(key, runs["ridge"])[name].path]
                rows.append({"task": key, "method": name, "seed": which} | _measured(world, probes, task, name, known, path))
    return pd.DataFrame(rows)


def _times(name: str, draws: int) -> int:
    """Draws of a method's surrogate: none but one where nothing is drawn, and more where one draw is a single age of an expert."""
    return draws * (4 if name == "trajectory_matching" else 1) if name in DRAWN else 1


def significant(values: Float[Tensor, " n"], digits: int = 10) -> Float[Tensor, " n"]:
    """The numbers to so many significant digits: beyond them is rounding, which must not order sets.

    >>> significant(torch.tensor([1.23456, -0.0123456, 0.0]).double(), 3).tolist()
    [1.23, -0.0123, 0.0]
    """
    size = values.abs().clamp(min=1e-300).log10().floor()
    scale = 10.0 ** (digits - 1 - size)
    return torch.where(values == 0, values, (values * scale).round() / scale)


def _risk(task: EmpiricalTask, sets: Distilled) -> Float[Tensor, " n"]:
    served = serving(task, sets.replicates)
    return served.risk(served.fit(sets))


def _measured(
    world: LinearWorld, probes: Probes, task: EmpiricalTask, name: str, known: Known, path: list[Distilled]
) -> dict[str, float]:
    """One row's numbers; the surrogate is computed at all sets at once, with common draws."""
    method, times, size = world.method(name), _times(name, probes.draws), known.sets.replicates
    walks = {stage: [step for step in steps if step < len(path)] for stage, steps in stages(world.steps).items()}
    watched = sorted({step for steps in walks.values() for step in steps})
    walked = stacked([path[step] for step in watched])
    with torch.no_grad():
        surrogate = significant(scores(method, task, stacked([known.sets, walked]), world.generator(), times))
        risk = significant(torch.cat([known.risk, _risk(task, walked)]))
    found = {"cloud": kendall(surrogate[:size], risk[:size])}
    for stage, steps in walks.items():
        rows = [size + watched.index(step) for step in steps]
        still = any(bool((values[rows] == values[rows[0]]).all()) for values in (surrogate, risk))
        found[stage] = math.nan if still else kendall(surrogate[rows], risk[rows])
    some = every(known.sets, slice(None, None, 8))
    cosine = gradient_cosine(method, task, some, world.generator(), times).mean()
    return found | {"cosine": float(cosine), "sets": size}
