r"""One trial of a method: distil, take the time, keep the start and the sets on the way; then fresh learners, and tidy rows.

A trial notes every setting of its method, task, budget and random numbers (:mod:`ddlib.settings`), and its rows carry them as
columns, so that two rows can be compared setting by setting: whoever says that one thing made the difference can be checked.

Tables need pandas, which is imported where they are made; everything else does without.
"""

from __future__ import annotations

import time
from collections.abc import Callable, Collection, Mapping, Sequence
from typing import TYPE_CHECKING, Any, NamedTuple, TypeAlias

import numpy as np
import torch
from jaxtyping import Float
from torch import Tensor

from ddlib.problem import Distilled, Info, Method, Split, Task, distil
from ddlib.settings import Plain, checksum, settings

if TYPE_CHECKING:
    import pandas as pd

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
    """
    noted = settings(method, "method") | settings(task, "task") | settings(generator, "trial.generator")
    watched: dict[int, Distilled] = {}
    clock: dict[int, float] = {}

    def observe(step: int, current: Distilled) -> None:
        if step == 0 or step in watch:
            _wait(current)
            watched[step], clock[step] = _detached(current), time.perf_counter() - began

    _wait(task.train)
    began = time.perf_counter()
    reached, history = distil(method, task, budget, steps, generator, observe)
    _wait(reached)
    seconds, distilled = time.perf_counter() - began, _detached(reached)
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
    """A set that no method made, such as all the training data: it cost nothing."""
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
    """The risk of models learned from the set with fresh seeds (:func:`fresh_scores`)."""
    return fresh_scores(task, distilled, generator, lambda model: {"risk": task.risk(model, split)}, fits)["risk"]


def efficiency(risk: Float[Tensor, "*n"], random: Float[Tensor, "*n"], full: Float[Tensor, "*n"]) -> Float[Tensor, "*n"]:
    r"""The share of the distance from random rows to all the data that a set covers.

    .. math:: \frac{R_{\text{random}} - R_S}{R_{\text{random}} - R_{\text{full}}}

    0 is no better than as many random rows, 1 as good as all the data, negative worse than random rows.

    Raises:
        ValueError: if random rows are not worse than all the data, so that there is nothing to cover.
    """
    if bool((random <= full).any()):
        raise ValueError("random rows do as well as all the data: there is nothing that distillation could gain")
    return (random - risk) / (random - full)


def tidy(scores: Scores, about: Mapping[str, Any], more: Mapping[str, Any] | None = None) -> pd.DataFrame:
    """One row per replicate: what was tried, which replicate (``seed``), its scores, and more.

    Args:
        scores: one number per replicate under each column.
        about: the columns before them: a value for all rows, or one per row; ``seed`` counts the replicates unless it is given.
        more: the columns after them, such as costs and, last, the settings of a trial.

    Raises:
        ValueError: if there are no scores, or two columns of one name.
    """
    import pandas as pd

    if not scores:
        raise ValueError("rows need at least 1 column of scores, but there is none")
    values = {column: value.detach().cpu().numpy() for column, value in scores.items()}
    seed = {} if "seed" in about else {"seed": np.arange(len(next(iter(values.values()))))}
    return pd.DataFrame(_joined(about, seed, values, more or {}))


def curve(
    trial: Trial, score: Callable[[Distilled], Scores], about: Mapping[str, Any], steps: Collection[int] | None = None
) -> pd.DataFrame:
    """The scores along a trial: one row per watched step and replicate, ``step`` after ``seed``.

    Args:
        trial: with its watched sets.
        score: one number per replicate under each column, of a set.
        about: the first columns.
        steps: which of the watched; by default all.

    Raises:
        ValueError: if the trial watched none of these steps, or as of :func:`tidy`.
    """
    import pandas as pd

    seed = {} if "seed" in about else {"seed": np.arange(trial.distilled.replicates)}
    kept = {step: reached for step, reached in trial.watched.items() if steps is None or step in steps}
    if not kept:
        asked = "any step" if steps is None else f"steps {sorted(steps)}"
        raise ValueError(f"a curve needs watched sets, but the trial has none of {asked}: run the method with watch")
    rows = [tidy(score(reached), _joined(about, seed, {"step": step})) for step, reached in kept.items()]
    return pd.concat(rows, ignore_index=True)


def transfer_table(
    trials: Mapping[tuple[str, int], Trial], tasks: Sequence[Task], generator: torch.Generator, fits: int, split: Split = "test"
) -> pd.DataFrame:
    """One row per set, learner and replicate: its risk after retraining, its size, its cost, and every setting.

    Args:
        trials: how the sets were made, by method and budget.
        tasks: whose learners are trained on each set.
        generator: the source of fresh seeds.
        fits: models over which a risk is averaged.
        split: where the risk is taken.
    """
    import pandas as pd

    judges = [(task, settings(getattr(task, "learner", task), "learner")) for task in tasks]
    rows = []
    for (method, budget), trial in trials.items():
        for task, learner in judges:
            risk = retrained_risk(task, trial.distilled, generator, fits, split)
            about = {"method": method, "budget": budget, "made_for": trial.made_for, "learner": task.name}
            cost = {"stored_numbers": trial.distilled.stored_numbers, "seconds": trial.seconds / len(risk)}
            rows.append(tidy({"risk": risk}, about, _joined(cost, trial.settings, learner)))
    return pd.concat(rows, ignore_index=True)


def _joined(*columns: Mapping[str, Any]) -> dict[str, Any]:
    """Columns side by side, each of another name."""
    names = [name for part in columns for name in part]
    twice = sorted({name for name in names if names.count(name) > 1})
    if twice:
        raise ValueError(f"two columns of a table have the name {twice[0]}: rename one of them")
    return {name: value for part in columns for name, value in part.items()}


def _detached(distilled: Distilled) -> Distilled:
    return Distilled(*(part.detach() for part in distilled))


def _wait(data: Distilled) -> None:
    """Until the device has done what was asked of it."""
    if data.w.is_cuda:
        torch.cuda.synchronize(data.w.device)
