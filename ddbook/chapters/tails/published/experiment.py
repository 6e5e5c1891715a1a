r"""Table 1 again: the published learner and searches, on the release's law of α and on opposite tails."""

from __future__ import annotations

import dataclasses
import time
from collections.abc import Iterable, Mapping, Sequence
from types import MappingProxyType
from typing import Any, NamedTuple

import pandas as pd
import torch

from ddbook.chapters.tails.published.designs import Averaged, ExactSobol, relative_error, stacked, without_test
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


class DistilledSet(NamedTuple):
    """A method's set, one for each replicate, after some of its work.

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
    return PinnTask.released(
        problem, replicates, generator_for(problem, seed, "data", device), learner, opposite=opposite, alphas=alphas
    )


def run_plan(
    plan: Plan,
    task: PinnTask,
    points: int,
    generator: torch.Generator,
    precision: str = "float32",
    before: DistilledSet | None = None,
) -> list[DistilledSet]:
    """Run a method on a task that has lost the labels of its test.

    Args:
        plan: the method and how long it runs.
        task: the task, in double precision.
        points: the budget.
        generator: the source of all randomness.
        precision: of the networks that a search trains.
        before: a set that it begins with, or screens with its own; its seconds count as the method's.

    Returns:
        The sets at the method's end, and before it where the plan asks for a curve.

    Raises:
        ValueError: if the precision is unknown.
    """
    blind = _blind(plan, task, generator, dtype_of(precision))
    method = plan.method if before is None else _begun(plan.method, moved(before.distilled, None, blind.train.y.dtype))
    seen: Any = Averaged(blind, plan.networks) if plan.networks else blind
    marks = {plan.updates} | ({0, plan.updates // 10, plan.updates // 3} if plan.curve else set())
    spent = 0.0 if before is None else before.seconds
    trial = run_trial(method, seen, points, plan.updates, generator, watch=marks)
    return [
        DistilledSet(
            method=plan.method.name,
            points=points,
            seconds=spent + trial.clock[step] / task.train.replicates,
            final=step == plan.updates,
            distilled=moved(distilled, None, task.train.y.dtype),
            settings=trial.settings,
        )
        for step, distilled in trial.watched.items()
        if step in marks
    ]


def _blind(plan: Plan, task: PinnTask, generator: torch.Generator, dtype: torch.dtype) -> PinnTask:
    """The task as a plan's method sees it: without the test's labels, with the plan's rows; for networks in their precision."""
    blind = without_test(task)
    if plan.rows:
        blind = dataclasses.replace(blind, data=blind.data._replace(train=blind.start(plan.rows, generator)))
    trains = plan.networks > 0 or isinstance(plan.method, WholeUnrolled)
    return blind.to(dtype=dtype) if trains else blind


def _begun(method: Any, distilled: Distilled) -> Any:
    """The method, beginning with a set; a screening judges it among its own."""
    given = Given(distilled)
    more = {"others": (*method.others, given)} if isinstance(method, Screened) else {"begin": given}
    return dataclasses.replace(method, **more)


def retrain(
    sets: Sequence[DistilledSet], task: PinnTask, networks: int, generator: torch.Generator, precision: str = "float32"
) -> pd.DataFrame:
    """Train fresh networks on sets of one size; every set of a replicate meets the same first weights.

    Args:
        sets: of one size.
        task: the task with its test, in double precision.
        networks: for each set.
        generator: the source of the first weights.
        precision: of the training; data and judgement are in double precision.

    Returns:
        One row per set and network, with the relative L2 errors on training rows, validation rows and test grid, and the settings.
    """
    together = stacked([made.distilled for made in sets])
    many = moved(Distilled(*(tensor.expand(networks, *tensor.shape) for tensor in together)), None, dtype_of(precision))
    first = task.learner.initial(Distilled(*(tensor[:, 0] for tensor in many)), generator)  # type: ignore[attr-defined]
    theta = task.learner.train(first.unsqueeze(1).expand(-1, len(sets), -1, -1), many).double()  # type: ignore[attr-defined]
    errors = {
        name: torch.stack([relative_error(task, theta[:, at], rows) for at in range(len(sets))])
        for name, rows in (("train", task.train), ("validation", task.data.validation), ("error", task.data.target))
    }
    frames, learner = [], settings(task.learner, "learner")
    for at, made in enumerate(sets):
        for network in range(networks):
            values = {name: error[at, network].cpu().numpy() for name, error in errors.items()}
            about: dict[str, Any] = {"method": made.method, "points": made.points, "seconds": made.seconds, "final": made.final}
            rows = pd.DataFrame(values).assign(**about, network=network, set=range(task.train.replicates))
            frames.append(rows.assign(**made.settings, **learner))
    return pd.concat(frames, ignore_index=True)


def one_training(task: PinnTask, points: int, generator: torch.Generator, precision: str = "float32") -> float:
    """Seconds of one inner training with its outer objective, one network at a time."""
    alone = published_task(1, 0, device=str(task.train.y.device)).to(dtype=dtype_of(precision))
    judged = Averaged(dataclasses.replace(alone, learner=task.learner))
    distilled = judged.start(points, generator)
    judged.fit(distilled, generator)  # the first one warms up
    begin = time.perf_counter()
    judged.risk(judged.fit(distilled, generator))
    return time.perf_counter() - begin


class Table(NamedTuple):
    """What one arrangement of α gives.

    Attributes:
        scores: one row per set and network; the learner's floor is the method ``"floor"``.
        sets: of all methods and numbers of points, also those on a method's way.
        seconds: of one inner training one at a time, by number of points.
        task: the task.
    """

    scores: pd.DataFrame
    sets: list[DistilledSet]
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
    frames, every_set, seconds = [], [], {}
    life = task.learner.training.steps  # type: ignore[attr-defined]
    for points in budgets:
        generator = draws_for(task, seed, "sets")
        chosen = [plan for plan in plans(points, effort, opposite, life) if points in only.get(plan.method.name, [points])]
        sets: list[DistilledSet] = []
        for plan in chosen:
            before = next((made for made in sets if made.final and made.method == plan.after), None)
            watched = plan._replace(curve=plan.curve and points in curves)
            sets += run_plan(watched, task, points, generator, precision=precision, before=before)
        seconds[points] = one_training(task, points, generator, precision)
        frames.append(retrain(sets, task, networks, draws_for(task, seed, "weights"), precision))
        every_set += sets
    fine = run_plan(Plan(ExactSobol("target", "floor")), task, floor, draws_for(task, seed, "floor"), precision)
    frames.append(retrain(fine, task, 1, draws_for(task, seed, "weights"), precision))
    return Table(pd.concat(frames, ignore_index=True), every_set, seconds, task)
