"""Small random networks and sources that the DBN tests share."""

from __future__ import annotations

from typing import NamedTuple

import torch

from ddlib.dbn.model.generate import random_networks
from ddlib.dbn.model.network import Dbn, Graph
from ddlib.dbn.sources import Sources, draw_sources, random_pattern
from ddlib.dbn.task.merge_task import MergeTask


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


def difference(a: Dbn, b: Dbn) -> float:
    """The largest absolute difference between two networks' parameters."""
    return max(float((x - y).abs().max()) for x, y in zip(a, b, strict=True))
