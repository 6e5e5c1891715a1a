"""Plain networks on one tail of α: trained under several severities and noises in one batch, judged on both tails."""

from __future__ import annotations

import time
from collections.abc import Iterable, Sequence
from dataclasses import replace
from typing import Any, NamedTuple

import pandas as pd
import torch
from jaxtyping import Float
from torch import Tensor

from ddbook.kit.tails.draws import generator_for
from ddlib.pinn.learners.affine import AffineRidge
from ddlib.pinn.learners.learner import PhysicsNetwork
from ddlib.pinn.learners.networks import dtype_of
from ddlib.pinn.learners.training import FastTraining
from ddlib.pinn.metrics import Metrics
from ddlib.pinn.problems.law import Tail, Tails
from ddlib.pinn.problems.problem import Problem
from ddlib.pinn.task import PinnTask, moved
from ddlib.problem import Distilled


class Setting(NamedTuple):
    """How the training data are drawn.

    Attributes:
        mass: the probability q of each tail.
        noise: relative to sd(u).
        train: where α of the training data lies; ``"both"`` is the whole law.
    """

    mass: float
    noise: float
    train: Tail = "lower"


class Trained(NamedTuple):
    """Networks of one problem and setting, one per seed.

    Attributes:
        setting: how their data were drawn.
        task: with the data.
        theta: their parameters.
        seconds: of training, for one network of the batch.
    """

    setting: Setting
    task: PinnTask
    theta: Float[Tensor, "R P"]
    seconds: float


def settings(masses: Sequence[float], noises: Sequence[float]) -> list[Setting]:
    """Every severity with every noise, and the whole law at the first mass and the first noise.

    Raises:
        ValueError: if there is no mass or no noise, or one is given twice.
    """
    if not masses or not noises or len(set(masses)) < len(masses) or len(set(noises)) < len(noises):
        raise ValueError(f"give at least one mass and one noise, each once, but got {list(masses)} and {list(noises)}")
    return [Setting(q, noise) for q in masses for noise in noises] + [Setting(masses[0], noises[0], "both")]


def train_networks(
    problem: Problem,
    plans: Sequence[Setting],
    replicates: int,
    *,
    seed: int = 0,
    steps: int = 2000,
    precision: str = "float32",
    device: str = "cpu",
) -> list[Trained]:
    """Train plain networks of 3 × 32 units on the noisy rows of each setting.

    The draws behind α, positions, noise and first weights are the same in every setting, so that settings are compared in pairs.

    Args:
        problem: the family.
        plans: the settings.
        replicates: seeds per setting.
        seed: of all draws.
        steps: of Adam.
        precision: of the training, ``"float32"`` or ``"float64"``; data and judgement are in double precision.
        device: where to compute.

    Raises:
        ValueError: if the precision is unknown.
    """
    dtype, learner = dtype_of(precision), PhysicsNetwork(training=FastTraining(steps))
    tasks = [
        PinnTask.make(
            problem,
            replicates,
            generator_for(problem, seed, "data", device),
            learner,
            level=0,
            tails=Tails(plan.train, "upper", plan.mass),
            noise=plan.noise,
        )
        for plan in plans
    ]
    rows = moved(Distilled(*(torch.stack(tensors) for tensors in zip(*(task.train for task in tasks), strict=True))), None, dtype)
    first = learner.initial(tasks[0].train, generator_for(problem, seed, "weights", device)).to(rows.y.dtype)
    begin = time.perf_counter()
    theta = learner.train(first.expand(len(tasks), -1, -1), rows).double()
    seconds = (time.perf_counter() - begin) / (len(tasks) * replicates)
    return [Trained(plan, task, weights, seconds) for plan, task, weights in zip(plans, tasks, theta, strict=True)]


def scores(trained: Iterable[Trained]) -> pd.DataFrame:
    """One row per problem, setting, learner, judged tail and seed.

    The residual is in units of the problem's scale, the boundary mismatch in those of sd(y). Beside the network stands ridge
    regression affine in α on the same rows.
    """
    frames = []
    for network in trained:
        affine = AffineRidge(network.task.problem)
        line = replace(network.task, learner=affine, level=0)
        for learner, task, model in (
            ("network", network.task, network.theta),
            ("affine_ridge", line, affine.fit(network.task.train)),
        ):
            for tail in ("inside", "target"):
                frames.append(_rows(network, learner, tail, task.metrics(model, tail)))
    return pd.concat(frames, ignore_index=True)


def _rows(network: Trained, learner: str, tail: str, metrics: Metrics) -> pd.DataFrame:
    problem, setting = network.task.problem, network.setting
    spread = network.task.train.y.std(-1)
    columns = {
        "error": metrics.error,
        "residual": metrics.residual / problem.scale,
        "mismatch": metrics.mismatch / spread,
    }
    frame = pd.DataFrame({name: value.cpu().numpy() for name, value in columns.items()})
    about: dict[str, Any] = {
        "problem": problem.name,
        "mass": setting.mass,
        "noise": setting.noise,
        "train": setting.train,
        "severity": problem.law.severity(setting.mass),
        "learner": learner,
        "judged": tail,
        "seed": range(len(frame)),
    }
    return frame.assign(**about)[[*about, *columns]]


class Slice(NamedTuple):
    """A solution in the middle of the domain, against α.

    Attributes:
        alpha: the boundary values.
        exact: the solution.
        predicted: by each network.
    """

    alpha: Float[Tensor, " k"]
    exact: Float[Tensor, " k"]
    predicted: Float[Tensor, "R k"]


def middle_slice(network: Trained, count: int = 81) -> Slice:
    """What networks make of the middle of the domain, for α from end to end of its law."""
    problem = network.task.problem
    alpha = problem.law.grid("both", network.setting.mass, count).to(network.theta)
    middle = alpha.new_tensor(problem.box).mean(-1)
    units = problem.join(middle.expand(count, -1), alpha)
    predicted = network.task.predict(network.theta, units.expand(len(network.theta), -1, -1))
    return Slice(*(values.cpu() for values in (alpha, problem.exact_at(units), predicted)))
