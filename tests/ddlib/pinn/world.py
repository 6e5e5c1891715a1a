"""Tiny PINN tasks for the tests."""

from __future__ import annotations

import dataclasses
from typing import Any

import pytest
import torch

from ddlib.pinn import PROBLEMS, FastTraining, PhysicsNetwork, PinnTask, Problem, TanhNetwork
from tests.ddlib.worlds import generator

SMALL = TanhNetwork((5, 4))
every_problem = pytest.mark.parametrize("problem", PROBLEMS.values(), ids=lambda problem: problem.name)


def tiny(problem: Problem, level: int = 3, learner: Any = None, replicates: int = 2, seed: int = 0, **options: Any) -> PinnTask:
    """A task with six points of the equation on a tail and a handful of data."""
    learner = learner or PhysicsNetwork(problem, SMALL, FastTraining(5, 0.01), at_set=0.1)
    sizes = {"interior": 6, "grid": (3, 4), "positions": 3, **options}
    return PinnTask.make(problem, replicates, generator(seed), learner, level, **sizes)  # type: ignore[arg-type]


def blind(task: PinnTask) -> PinnTask:
    """The task without any label of the target tail."""
    target = task.data.target
    return dataclasses.replace(task, data=task.data._replace(target=target._replace(y=torch.full_like(target.y, torch.nan))))
