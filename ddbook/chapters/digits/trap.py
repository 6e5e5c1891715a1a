"""The warm-start trap: a set that serves the network that it grew up with, and no other."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace
from itertools import product

import pandas as pd

from ddbook.chapters.digits.experiment import ADAM, Digits
from ddlib.learners import Training
from ddlib.learners.check import whole_number
from ddlib.methods import Unrolled
from ddlib.problem import Distilled
from ddlib.trial import retrained_risk

STEP_SIZES = (0.05, 0.2)
"""Of the images: the one with which cold starts do best here, and four times that."""


def warm_and_cold(
    digits: Digits,
    budget: int,
    updates: int,
    fits: int,
    points: int = 12,
    export: Callable[[str, str, Distilled], None] | None = None,
) -> pd.DataFrame:
    """Validation accuracy over the distillation, from the same random rows, images free and labels kept, for two step sizes.

    Warm: each update goes on training one network for five steps of descent. Cold: each update trains a fresh one in full.

    Returns:
        One row per start, step size, step and replicate with the accuracy ``inside`` the loop (the warm network's own, for cold
        starts that of one fresh network) and ``retrained`` (averaged over fresh networks). ``export`` is given the name ``trap``,
        that of each start and step size, and the set in the end.

    Raises:
        ValueError: if there is no point in the set, no update, no fit or no point of the curve.
    """
    whole_number(budget, "the budget of the warm-start trap")
    whole_number(updates, "the updates of the warm-start trap")
    whole_number(points, "the points of the warm-start trap's curve")
    task, rows = digits.tasks[ADAM.name], []
    warm = Unrolled(horizon=updates, keep="last", training=Training(5, 0.5, "sgd"), warm=True, name="unrolled_warm")
    cold = Unrolled(horizon=updates, keep="last", training=ADAM.training)
    watched = {round(updates * k / points) for k in range(points + 1)}
    for (start, kind), step_size in product({"warm": warm, "cold": cold}.items(), STEP_SIZES):
        method, generator, fresh = replace(kind, lr=step_size), digits.generator("trap"), digits.generator("trap", "fresh")
        state = method.init(task, budget, generator)
        for step in range(updates + 1):
            if step in watched:
                model = state.memory.model if start == "warm" else task.fit(state.distilled, fresh)
                frame = pd.DataFrame(
                    {
                        "inside": 1 - task.risk(model, "validation").cpu().numpy(),
                        "retrained": 1 - retrained_risk(task, state.distilled, fresh, fits, "validation").cpu().numpy(),
                    }
                )
                rows.append(frame.rename_axis("seed").reset_index().assign(start=start, step_size=step_size, step=step))
            if step < updates:
                state, _ = method.update(task, state, generator)
        if export:
            size = ("small", "large")[STEP_SIZES.index(step_size)]
            export("trap", f"{start}_{size}", state.distilled)
    return pd.concat(rows, ignore_index=True)
