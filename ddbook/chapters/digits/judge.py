"""What every learner makes of every set, image by image: which of the locked images it gets right."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

import numpy as np
import pandas as pd
import torch
from jaxtyping import Bool, Float
from torch import Tensor

from ddbook.chapters.digits.experiment import Digits
from ddlib.learners import RandomForest, TrainedNetwork
from ddlib.learners.check import whole_number
from ddlib.problem import Distilled
from ddlib.settings import Plain, checksum, settings
from ddlib.tasks import ClassificationTask
from ddlib.trial import Trial, tidy


def answers(task: ClassificationTask, distilled: Distilled, generator: torch.Generator, fits: int) -> Bool[Tensor, "R n"]:
    """Which test images fresh models of a set get right.

    Of a network and of a forest, ``fits`` are trained on each set and answer in turn, one image each: each counts equally, and
    there is still one answer for each image.

    Args:
        task: whose learner learns.
        distilled: from what.
        generator: the source of fresh seeds.
        fits: networks, or forests, for each set; other learners are trained once.

    Raises:
        ValueError: if there is no fit.
    """
    whole_number(fits, "fits")
    test, count = task.splits.test, models(task, fits)
    right = torch.zeros(test.w.shape, dtype=torch.bool, device=test.w.device)
    with torch.no_grad():
        for fit in range(count):
            scores = task.predict(task.fit(distilled, generator), test.x[:, fit::count])
            found = scores.argmax(-1) == test.y[:, fit::count].argmax(-1)
            right[:, fit::count] = found & ~scores.isnan().any(-1)
    return right


def models(task: ClassificationTask, fits: int) -> int:
    """How many models of its learner are trained on a set: networks and forests vary, the others draw nothing."""
    return fits if isinstance(task.learner, TrainedNetwork | RandomForest) else 1


def text(right: Bool[Tensor, "R n"]) -> list[str]:
    """One digit for each unit, 1 for right: a cell of a table for each draw.

    >>> text(torch.tensor([[True, False, True]]))
    ['101']
    """
    return ["".join(map(str, row)) for row in right.int().cpu().tolist()]


def matrix(cells: Sequence[str] | pd.Series) -> Float[np.ndarray, "draws units"]:
    """The cells of :func:`text` as numbers, one row for each.

    >>> matrix(["101"]).tolist()
    [[1.0, 0.0, 1.0]]
    """
    return np.array([list(cell) for cell in cells]).astype(float)


def judged_by(task: ClassificationTask, fits: int) -> dict[str, Plain]:
    """The settings of the judging: the images, and the models that answer."""
    return {"judge.images": checksum(task.splits.test), "judge.models": models(task, fits)}


def retrain_all(digits: Digits, trials: Mapping[tuple[str, int], Trial], fits: int = 1) -> pd.DataFrame:
    """One row per set, learner and draw: which locked images it gets right, their share, its costs, and every setting.

    Args:
        digits: with the learners' tasks.
        trials: how the sets were made, by method and budget.
        fits: networks, and forests, for each set.

    Raises:
        ValueError: if there is no fit.
    """
    generator = digits.generator("retrain")
    judges = [(task, settings(task.learner, "learner") | judged_by(task, fits)) for task in digits.tasks.values()]
    rows = []
    for (method, budget), trial in trials.items():
        for task, learner in judges:
            right = answers(task, trial.distilled, generator, fits)
            about = {"method": method, "budget": budget, "made_for": trial.made_for, "learner": task.name}
            cost: dict[str, Any] = {
                "right": text(right),
                "stored_numbers": trial.distilled.stored_numbers,
                "seconds": trial.seconds / len(right),
                "updates": trial.steps,
            }
            rows.append(tidy({"accuracy": right.double().mean(-1)}, about, cost | learner | dict(trial.settings)))
    return pd.concat(rows, ignore_index=True)
