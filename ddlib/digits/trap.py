"""The warm-start trap: a set that serves the network that it grew up with, and no other."""

from __future__ import annotations

import pandas as pd
import torch

from ddlib.digits.experiment import ADAM, Digits
from ddlib.learners import Training
from ddlib.methods import Unrolled
from ddlib.transfer import retrained_risk

STEP_SIZE = 0.05


def warm_and_cold(digits: Digits, budget: int, updates: int, fits: int, points: int = 12) -> pd.DataFrame:
    """Validation accuracy over the distillation, from the same random rows, images free and labels kept.

    Warm: each update goes on training one network for five steps of descent. Cold: each update trains a fresh one in full.

    Returns:
        One row per start, step and replicate with the accuracy ``inside`` the loop (the warm network's own, for cold starts that of
        one fresh network) and ``retrained`` (averaged over fresh networks).
    """
    task, rows = digits.tasks[ADAM.name], []
    starts = {
        "warm": Unrolled(STEP_SIZE, updates, keep="last", training=Training(5, 0.5, "sgd"), warm=True, name="unrolled_warm"),
        "cold": Unrolled(STEP_SIZE, updates, keep="last", training=ADAM.training),
    }
    watched = {round(updates * k / points) for k in range(points + 1)}
    for name, method in starts.items():
        generator, fresh = digits.generator(31), digits.generator(32)
        state = method.init(task, budget, generator)
        for step in range(updates + 1):
            if step in watched:
                model = state.memory if name == "warm" else task.fit(state.distilled, fresh)
                frame = pd.DataFrame(
                    {
                        "inside": 1 - task.risk(model, "validation").cpu().numpy(),
                        "retrained": 1 - retrained_risk(task, state.distilled, fresh, fits, "validation").cpu().numpy(),
                    }
                )
                rows.append(frame.rename_axis("seed").reset_index().assign(start=name, step=step))
            if step < updates:
                state, _ = method.update(task, state, generator)
    return pd.concat(rows, ignore_index=True)


def images(digits: Digits, pixels: torch.Tensor) -> torch.Tensor:
    """Pixels as grey values again: the mean image added."""
    return pixels + digits.mean
