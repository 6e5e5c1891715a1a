"""Small random networks and sources that the DBN tests share."""

from __future__ import annotations

from typing import NamedTuple

import torch

from ddlib.dbn.estimators.levels import LevelDbn, draw_level_sources
from ddlib.dbn.model.generate import random_networks
from ddlib.dbn.model.network import Dbn, Graph
from ddlib.dbn.sources import Sources, draw_sources, random_pattern
from ddlib.dbn.task.merge_task import MergeTask
from ddlib.dbn.task.ridge_merge import RidgeMerge


class World(NamedTuple):
    graph: Graph
    truth: Dbn
    sources: Sources


def generator(seed: int = 0) -> torch.Generator:
    return torch.Generator().manual_seed(seed)


def world(
    seed: int = 0, replicates: int = 2, variables: int = 4, sources: int = 3, slices: int = 3, trajectories: int = 100
) -> World:
    draw = generator(seed)
    graph, truth = random_networks(replicates, variables, draw)
    pattern = random_pattern(replicates, sources, slices, variables, draw, hidden=0.25)
    return World(graph, truth, draw_sources(truth, pattern, trajectories, draw))


def merge_task(seed: int = 0, objective: str = "all", **sizes: int) -> MergeTask:
    return MergeTask(*world(seed, **sizes), objective=objective)


def with_levels(
    size: float = 0.8, trajectories: int = 2000, noise: float = 0.3, slices: int = 4
) -> tuple[Graph, LevelDbn, Sources]:
    """Networks whose patients have stable levels too, and what their sources measure."""
    graph, truth, sources = world(slices=slices)
    model = LevelDbn(truth, torch.full_like(truth.variance, size**2))
    return graph, model, draw_level_sources(model, sources.observed, trajectories, generator(1), noise)


def difference(a: Dbn, b: Dbn) -> float:
    """The largest absolute difference between two networks' parameters."""
    return max(float((x - y).abs().max()) for x, y in zip(a, b, strict=True))


def folds_add_up(task: MergeTask, patients: int) -> None:
    """The likelihood is a sum over patients: so are those of the folds that a task holds out, but for a penalty."""
    model = task.fit(task.start(20, generator(5)))
    folds = task.held_out(0.2)
    rest = [fold.task.sources.values.shape[2] for fold in folds]
    assert len(folds) == 5 and sum(rest) == 4 * patients
    penalty = task.risk(model) - MergeTask.risk(task, model) if isinstance(task, RidgeMerge) else 0
    total = sum((patients - count) * fold.task.risk(model, fold.split) for count, fold in zip(rest, folds, strict=True))
    torch.testing.assert_close(total / patients, task.risk(model) - penalty)
    total = sum(count * (fold.task.risk(model) - penalty) for count, fold in zip(rest, folds, strict=True))
    torch.testing.assert_close(total / sum(rest), task.risk(model) - penalty)
