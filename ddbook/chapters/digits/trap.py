"""The warm-start trap: a set that serves the network that it grew up with, and no other."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from dataclasses import replace
from itertools import product
from typing import NamedTuple

import pandas as pd
import torch
from jaxtyping import Bool
from torch import Tensor

from ddbook.chapters.digits.chosen import SGD
from ddbook.chapters.digits.experiment import Digits
from ddbook.chapters.digits.judge import answers, judged_by, text
from ddlib.learners import Training
from ddlib.learners.check import whole_number
from ddlib.methods import Unrolled
from ddlib.methods.given import Given
from ddlib.problem import Distilled
from ddlib.settings import settings
from ddlib.tasks import ClassificationTask
from ddlib.trial import Trial, run_trial, tidy

STEP_SIZES = (0.0125, 0.05, 0.2)
"""Of the images."""
LEARNER = replace(SGD, training=replace(SGD.training, lr=SGD.training.lr / 2))
"""Who learns, inside the loop and after it: with half the step of ``SGD``, at which some training on a set on its way diverges."""


class Arm(NamedTuple):
    """How an update of the set trains the network that it looks at.

    Attributes:
        warm: whether the network of the update before is trained on, instead of a fresh one.
        steps: of training in an update.
    """

    warm: bool
    steps: int

    def method(self, lr: float, begin: Distilled) -> Unrolled:
        """The arm as a method; arms differ in what they say and in nothing else."""
        return Unrolled(lr, begin=Given(begin, "random"), keep="last", training=self.training, warm=self.warm)

    @property
    def training(self) -> Training:
        """That of the network inside the loop."""
        return replace(LEARNER.training, steps=self.steps)


ARMS = {"warm": Arm(True, 5), "cold": Arm(False, 5), "cold_long": Arm(False, LEARNER.training.steps)}
"""The second differs from the first in the start of the network, the third from the second in the length of its training."""


def warm_and_cold(
    digits: Digits,
    budget: int,
    updates: int,
    fits: int,
    points: int = 6,
    export: Callable[[str, str, Distilled], None] | None = None,
) -> pd.DataFrame:
    """Accuracy over the distillation, from the same random rows, images free and labels kept, for each arm and step size.

    Args:
        digits: the experiment.
        budget: points of the set.
        updates: of the set.
        fits: fresh networks for each set.
        points: how many sets of the way are judged, besides the start.
        export: is given the name ``trap``, that of each arm and step size, and the set in the end.

    Returns:
        One row per arm, step size, step and draw: ``inside``, the accuracy of the network inside the loop, and ``retrained``, that
        of fresh networks trained in full, with the locked images that they get ``right``. Columns of settings are last.

    Raises:
        ValueError: if there is no point in the set, no update, no fit or no point of the curve.
    """
    for count, what in (
        (budget, "the budget of the warm-start trap"),
        (updates, "the updates of the warm-start trap"),
        (fits, "the networks of the warm-start trap"),
        (points, "the points of the warm-start trap's curve"),
    ):
        whole_number(count, what)
    task, rows = replace(digits.tasks[SGD.name], learner=LEARNER), []
    start = task.start(budget, digits.generator("trap", "start"))
    watched = sorted({round(updates * point / points) for point in range(points + 1)})
    for (name, arm), lr in product(ARMS.items(), STEP_SIZES):
        trial = run_trial(arm.method(lr, start), task, budget, updates, digits.generator("trap"), range(updates + 1))
        fresh, about = digits.generator("trap", "fresh"), {"arm": name, "step_size": lr}
        for step, inside in _inside(digits, task, arm, trial, watched):
            right = answers(task, trial.watched[step], fresh, fits)
            scores = {"inside": inside.double().mean(-1), "retrained": right.double().mean(-1)}
            noted = judged_by(task, fits) | settings(task.learner, "learner") | dict(trial.settings)
            rows.append(tidy(scores, about | {"step": step}, {"right": text(right)} | noted))
        if export:
            export("trap", f"{name}_{('small', 'middle', 'large')[STEP_SIZES.index(lr)]}", trial.distilled)
    return pd.concat(rows, ignore_index=True)


@torch.no_grad()
def _inside(
    digits: Digits, task: ClassificationTask, arm: Arm, trial: Trial, watched: list[int]
) -> Iterator[tuple[int, Bool[Tensor, "R n"]]]:
    """The test images that the network inside the loop gets right: the kept one, trained again as it was, or a fresh one."""
    fresh, kept = digits.generator("trap", "inside"), task.initial(digits.generator("trap"))
    for step, distilled in trial.watched.items():
        if arm.warm and step:
            kept = _trained(task, arm, distilled, kept)
        if step in watched:
            model = kept if arm.warm else _trained(task, arm, distilled, task.initial(fresh))
            yield step, task.predict(model, task.splits.test.x).argmax(-1) == task.splits.test.y.argmax(-1)


def _trained(task: ClassificationTask, arm: Arm, distilled: Distilled, model: Tensor) -> Tensor:
    """A network after the training of an update."""
    return arm.training.run(lambda theta: task.objective(theta, distilled), model)
