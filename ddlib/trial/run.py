r"""A method run on a task: the sets on the way, the time that they took, every setting, and fresh learners on what came out."""

from __future__ import annotations

import time
from collections.abc import Callable, Collection, Mapping, Sequence
from typing import Any, NamedTuple, TypeAlias

import numpy as np
import torch
from jaxtyping import Float
from torch import Tensor

from ddlib.problem import Distilled, Info, Method, Split, Task, distil
from ddlib.settings import Plain, checksum, settings

__all__ = ["Scores", "Trial", "fresh_scores", "given", "log_spaced", "retrained_risk", "run_trial"]

Scores: TypeAlias = Mapping[str, Float[Tensor, " R"]]
"""One number per replicate under each column."""


class Trial(NamedTuple):
    """A method run on a task, and what it took.

    Attributes:
        method: the method's name; empty for a set that no method made.
        made_for: the name of the task whose training data, or risk, the method looked at.
        start: the set before the first update.
        distilled: the set at the end, R replicates.
        steps: updates.
        seconds: for all replicates together.
        history: one entry per update.
        watched: the sets at the steps that were to be watched, and the start.
        clock: seconds until each of these was reached.
        settings: of method, task, generator, steps, replicates, start, the budget asked for and the units of the set
            (:func:`ddlib.settings.settings`).

    >>> rows = Distilled(torch.ones(1, 2, 3), torch.ones(1, 2), torch.ones(1, 2))
    >>> Trial("random_rows", "ridge", rows, rows, steps=10).seconds
    0.0
    """

    method: str
    made_for: str
    start: Distilled
    distilled: Distilled
    steps: int = 0
    seconds: float = 0.0
    history: Sequence[Info] = ()
    watched: Mapping[int, Distilled] = {}
    clock: Mapping[int, float] = {}
    settings: Mapping[str, Plain] = {}


def run_trial(
    method: Method, task: Task, budget: int, steps: int, generator: torch.Generator, watch: Collection[int] = ()
) -> Trial:
    """Distil, take the time, and keep the sets at some steps.

    The clock runs from the first call of the method until the device has done all of it. Scoring the watched sets is left to the
    caller, and so out of it; the sets are kept without their graphs.

    Args:
        method, task, budget, steps, generator: as of :func:`ddlib.problem.distil`.
        watch: steps whose sets are kept, as :func:`log_spaced` gives them; that of step 0 always is.

    Raises:
        ValueError: as :func:`ddlib.problem.distil`.
        FloatingPointError: as there.

    >>> from ddlib.methods import FirstOrder
    >>> from ddlib.tasks import RidgeTask, as_data
    >>> task = RidgeTask(as_data(torch.eye(3), torch.ones(3)))
    >>> trial = run_trial(FirstOrder(), task, 2, 10, torch.Generator().manual_seed(0), watch=(5, 10))
    >>> trial.method, list(trial.watched), trial.settings["method.lr"]
    ('first_order', [0, 5, 10], 0.05)
    """
    noted = settings(method, "method") | settings(task, "task") | settings(generator, "trial.generator")
    watched: dict[int, Distilled] = {}
    clock: dict[int, float] = {}

    def observe(step: int, current: Distilled, surrogate: Tensor | None) -> None:
        if step == 0 or step in watch:
            _wait(current)
            watched[step], clock[step] = current.detach(), time.perf_counter() - began

    _wait(task.train)
    began = time.perf_counter()
    reached, history = distil(method, task, budget, steps, generator, observe)
    _wait(reached)
    seconds, distilled = time.perf_counter() - began, reached.detach()
    more: dict[str, Plain] = {
        "budget": budget,
        "units": distilled.budget,
        "steps": steps,
        "replicates": distilled.replicates,
        "start": checksum(watched[0]),
    }
    noted |= {f"trial.{name}": value for name, value in more.items()}
    return Trial(method.name, task.name, watched[0], distilled, steps, seconds, history, watched, clock, noted)


def given(distilled: Distilled) -> Trial:
    """A set that no method made, such as all the training data: it cost nothing.

    >>> given(Distilled(torch.ones(1, 2, 3), torch.ones(1, 2), torch.ones(1, 2))).distilled.budget
    2
    """
    return Trial("", "", distilled, distilled)


def log_spaced(steps: int, points: int) -> list[int]:
    """Step 0, and at most ``points`` steps from the first to the last, evenly on a logarithmic axis.

    >>> log_spaced(100, 5)
    [0, 1, 3, 10, 32, 100]
    """
    return [0, *np.unique(np.geomspace(1, max(steps, 1), points).round().astype(int)).tolist()]


def fresh_scores(
    task: Task, distilled: Distilled, generator: torch.Generator, score: Callable[[Any], Scores], fits: int = 1
) -> dict[str, Float[Tensor, " R"]]:
    """Scores of models learned from the set with fresh seeds, averaged over ``fits`` of them; one is enough if nothing is drawn.

    Args:
        task: whose learner learns.
        distilled: from what.
        generator: the source of fresh seeds.
        score: one number per replicate under each column, of a model.
        fits: models to average over.

    Raises:
        ValueError: if there is no fit to average.

    >>> from ddlib.tasks import RidgeTask, as_data
    >>> task = RidgeTask(as_data(torch.eye(2), torch.ones(2)))
    >>> fresh_scores(task, task.train, torch.Generator(), lambda model: {"length": model.norm(dim=-1).mean(-1)})
    {'length': tensor([0.7071])}
    """
    if fits < 1:
        raise ValueError(f"a risk needs at least 1 retrained model, but fits is {fits}")
    if getattr(task, "deterministic", False):
        fits = 1
    with torch.no_grad():
        drawn = [score(task.fit(distilled, generator)) for _ in range(fits)]
    return {column: torch.stack([scores[column] for scores in drawn]).mean(0) for column in drawn[0]}


def retrained_risk(
    task: Task, distilled: Distilled, generator: torch.Generator, fits: int = 1, split: Split = "test"
) -> Float[Tensor, " R"]:
    """The risk of models learned from the set with fresh seeds (:func:`fresh_scores`).

    >>> from ddlib.tasks import RidgeTask, as_data
    >>> task = RidgeTask(as_data(torch.eye(2), torch.ones(2)))
    >>> retrained_risk(task, task.train, torch.Generator(), fits=3)
    tensor([1.])
    """
    return fresh_scores(task, distilled, generator, lambda model: {"risk": task.risk(model, split)}, fits)["risk"]


def _wait(data: Distilled) -> None:
    """Until the device has done what was asked of it."""
    if data.w.is_cuda:
        torch.cuda.synchronize(data.w.device)
