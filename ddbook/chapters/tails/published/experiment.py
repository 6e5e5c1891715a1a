r"""Table 1 again: the published learner and searches, on the release's law of α and on opposite tails."""

from __future__ import annotations

import dataclasses
import time
from collections.abc import Iterable, Mapping, Sequence
from types import MappingProxyType
from typing import Any, NamedTuple

import pandas as pd
import torch

from ddbook.chapters.tails.published.designs import Averaged, ExactSobol, relative_error, without_test
from ddbook.chapters.tails.published.plans import Effort, Plan, plans
from ddbook.chapters.tails.published.screening import Screened
from ddbook.chapters.tails.published.unrolled import WholeUnrolled
from ddbook.kit.tails.draws import draws_for, generator_for
from ddlib.methods.given import Given
from ddlib.pinn.learners.learner import PhysicsNetwork
from ddlib.pinn.learners.networks import TanhNetwork, dtype_of
from ddlib.pinn.learners.training import FastTraining
from ddlib.pinn.problems.poisson import Poisson
from ddlib.pinn.task import PinnTask, moved
from ddlib.problem import Distilled
from ddlib.settings import Plain, settings
from ddlib.trial import run_trial


class Found(NamedTuple):
    """A method's sets after some of its work.

    Attributes:
        method: its name.
        points: the budget.
        seconds: of work so far, for one set of the batch.
        final: whether the method was at its end.
        distilled: the sets, one per replicate.
        settings: of the trial.
    """

    method: str
    points: int
    seconds: float
    final: bool
    distilled: Distilled
    settings: Mapping[str, Plain] = MappingProxyType({})


def published_task(
    replicates: int,
    seed: int = 0,
    opposite: bool = False,
    alphas: int = 100,
    steps: int = 1000,
    width: int = 50,
    device: str = "cpu",
) -> PinnTask:
    """The authors' problem, data and learner, in double precision.

    Args:
        replicates: draws of the data.
        seed: of all draws.
        opposite: α for training from the lower and for the test from the upper tail, instead of the same draws of the whole law.
        alphas: values of α, each with 18 training and 100 test points.
        steps: of Adam at a step size of 1e-3.
        width: of the three hidden layers.
        device: where to compute.
    """
    problem = Poisson()
    learner = PhysicsNetwork(problem, TanhNetwork((width,) * 3), FastTraining(steps), at_set=1.0)
    return PinnTask.released(problem, replicates, generator_for(problem, seed, "data", device), learner, opposite, alphas)


def run_plan(
    plan: Plan,
    task: PinnTask,
    points: int,
    generator: torch.Generator,
    precision: str = "float32",
    before: Found | None = None,
) -> list[Found]:
    """Run a method on a task that has lost the labels of its test.

    Args:
        plan: the method and how long it runs.
        task: the task, in double precision.
        points: the budget.
        generator: the source of all randomness.
        precision: of the networks that a search trains.
        before: sets that it begins with, or screens with its own; their seconds count as its own.

    Returns:
        The sets at the method's end, and before it where the plan asks for a curve.

    Raises:
        ValueError: if the precision is unknown.
    """
    dtype, blind = dtype_of(precision), without_test(task)
    if plan.rows:
        rows = blind.start(plan.rows, generator)
        blind = dataclasses.replace(blind, data=blind.data._replace(train=rows))
    trains = plan.networks > 0 or isinstance(plan.method, WholeUnrolled)
    if trains:
        blind = blind.to(dtype=dtype)
    seen: Any = Averaged(blind, plan.networks) if plan.networks else blind
    method, spent = plan.method, 0.0
    if before is not None:
        given, spent = Given(moved(before.distilled, None, blind.train.y.dtype)), before.seconds
        more = {"others": (*method.others, given)} if isinstance(method, Screened) else {"begin": given}
        method = dataclasses.replace(method, **more)
    marks = {plan.updates} | ({0, plan.updates // 10, plan.updates // 3} if plan.curve else set())
    trial = run_trial(method, seen, points, plan.updates, generator, marks)
    return [
        Found(
            plan.method.name,
            points,
            spent + trial.clock[step] / task.train.replicates,
            step == plan.updates,
            moved(distilled, None, task.train.y.dtype),
            trial.settings,
        )
        for step, distilled in trial.watched.items()
        if step in marks
    ]


def retrain(
    found: Sequence[Found], task: PinnTask, networks: int, generator: torch.Generator, precision: str = "float32"
) -> pd.DataFrame:
    """Train fresh networks on sets of one size; every set of a replicate meets the same first weights.

    Args:
        found: the sets.
        task: the task with its test, in double precision.
        networks: for each set.
        generator: the source of the first weights.
        precision: of the training; data and judgement are in double precision.

    Returns:
        One row per set and network, with the relative L2 errors on training rows, validation rows and test grid, and the settings.
    """
    sets = [each.distilled for each in found]
    many = Distilled(*(torch.stack(parts).expand(networks, -1, *parts[0].shape) for parts in zip(*sets, strict=True)))
    many = moved(many, None, dtype_of(precision))
    first = task.learner.initial(Distilled(*(part[:, 0] for part in many)), generator)  # type: ignore[attr-defined]
    theta = task.learner.train(first.unsqueeze(1).expand(-1, len(sets), -1, -1), many).double()  # type: ignore[attr-defined]
    errors = {
        name: torch.stack([relative_error(task, theta[:, at], rows) for at in range(len(sets))])
        for name, rows in (("train", task.train), ("validation", task.data.validation), ("error", task.data.target))
    }
    frames, learner = [], settings(task.learner, "learner")
    for at, each in enumerate(found):
        for network in range(networks):
            values = {name: part[at, network].cpu().numpy() for name, part in errors.items()}
            about: dict[str, Any] = {"method": each.method, "points": each.points, "seconds": each.seconds, "final": each.final}
            rows = pd.DataFrame(values).assign(**about, network=network, set=range(task.train.replicates))
            frames.append(rows.assign(**each.settings, **learner))
    return pd.concat(frames, ignore_index=True)


def one_training(task: PinnTask, points: int, generator: torch.Generator, precision: str = "float32") -> float:
    """Seconds of one inner training with its outer objective, one network at a time."""
    alone = published_task(1, 0, device=str(task.train.y.device)).to(dtype=dtype_of(precision))
    judged = Averaged(PinnTask(task.problem, alone.data, task.learner, alone.physics, alone.held_out, 0))
    distilled = judged.start(points, generator)
    judged.fit(distilled, generator)  # the first one warms up
    begin = time.perf_counter()
    judged.risk(judged.fit(distilled, generator))
    return time.perf_counter() - begin


class Table(NamedTuple):
    """What one arrangement of α gives.

    Attributes:
        scores: one row per set and network; the learner's floor is the method ``"floor"``.
        found: all sets.
        seconds: of one inner training one at a time, by number of points.
        task: the task.
    """

    scores: pd.DataFrame
    found: list[Found]
    seconds: dict[int, float]
    task: PinnTask


def run_table(
    task: PinnTask,
    budgets: Iterable[int],
    effort: Effort,
    networks: int,
    seed: int = 0,
    precision: str = "float32",
    only: Mapping[str, Sequence[int]] = MappingProxyType({}),
    curves: Sequence[int] = (),
    floor: int = 400,
) -> Table:
    """All rows for all numbers of points, and the learner's floor.

    Args:
        task: the published task.
        budgets: numbers of points.
        effort: of the methods.
        networks: fresh networks on each set.
        seed: of all draws.
        precision: of the networks' training.
        only: rows that run for some numbers of points alone, and for which.
        curves: numbers of points whose searches are also judged on their way.
        floor: exactly labelled Sobol points of the test's law behind the learner's floor.
    """
    opposite = task.data.tails.train != task.data.tails.target
    frames, everything, seconds = [], [], {}
    life = task.learner.training.steps  # type: ignore[attr-defined]
    for points in budgets:
        generator = draws_for(task, seed, "sets")
        chosen = [plan for plan in plans(points, effort, opposite, life) if points in only.get(plan.method.name, [points])]
        found: list[Found] = []
        for plan in chosen:
            before = next((each for each in found if each.final and each.method == plan.after), None)
            found += run_plan(plan._replace(curve=plan.curve and points in curves), task, points, generator, precision, before)
        seconds[points] = one_training(task, points, generator, precision)
        frames.append(retrain(found, task, networks, draws_for(task, seed, "weights"), precision))
        everything += found
    fine = run_plan(Plan(ExactSobol("target", "floor")), task, floor, draws_for(task, seed, "floor"), precision)
    frames.append(retrain(fine, task, 1, draws_for(task, seed, "weights"), precision))
    return Table(pd.concat(frames, ignore_index=True), everything, seconds, task)
