r"""Tidy rows of trials: what was tried, which replicate, its scores, every setting. Only making them imports pandas."""

from __future__ import annotations

from collections.abc import Callable, Collection, Mapping, Sequence
from typing import TYPE_CHECKING, Any

import numpy as np
import torch
from jaxtyping import Float
from torch import Tensor

from ddlib.problem import Distilled, Split, Task
from ddlib.settings import settings
from ddlib.trial.run import Scores, Trial, retrained_risk

if TYPE_CHECKING:
    import pandas as pd

__all__ = ["curve", "efficiency", "tidy", "transfer_table"]


def efficiency(risk: Float[Tensor, "*n"], random: Float[Tensor, "*n"], full: Float[Tensor, "*n"]) -> Float[Tensor, "*n"]:
    r"""The share of the distance from random rows to all the data that a set covers.

    .. math:: \frac{R_{\text{random}} - R_S}{R_{\text{random}} - R_{\text{full}}}

    0 is no better than as many random rows, 1 as good as all the data, negative worse than random rows.

    Raises:
        ValueError: if random rows are not worse than all the data, so that there is nothing to cover.

    >>> efficiency(risk=torch.tensor([0.3]), random=torch.tensor([0.5]), full=torch.tensor([0.1]))
    tensor([0.5000])
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

    >>> tidy({"risk": torch.tensor([0.5, 0.25])}, {"method": "exact"}).values.tolist()
    [['exact', 0, 0.5], ['exact', 1, 0.25]]
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

    >>> from ddlib.methods import FirstOrder
    >>> from ddlib.tasks import RidgeTask, as_data
    >>> task = RidgeTask(as_data(torch.eye(3), torch.ones(3)))
    >>> from ddlib.trial import run_trial
    >>> trial = run_trial(FirstOrder(), task, 2, 4, torch.Generator().manual_seed(0), watch=(2, 4))
    >>> curve(trial, lambda reached: {"risk": task.risk(task.fit(reached))}, {"method": "first_order"}).step.tolist()
    [0, 2, 4]
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

    >>> from ddlib.tasks import RidgeTask, as_data
    >>> task = RidgeTask(as_data(torch.eye(3), torch.ones(3)))
    >>> from ddlib.trial import given
    >>> table = transfer_table({("all rows", 3): given(task.train)}, [task], torch.Generator(), fits=1)
    >>> table[["method", "budget", "learner"]].values.tolist()
    [['all rows', 3, 'ridge']]
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
