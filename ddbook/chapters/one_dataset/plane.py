"""Six learners of two measurements: small enough that every single point can be drawn, and every limit."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
import torch
from jaxtyping import Float
from scipy.optimize import minimize_scalar
from torch import Tensor

from ddlib.datasets import Table
from ddlib.lens import one_point_lower_bound, relative_regret
from ddlib.methods import construct
from ddlib.problem import Distilled
from ddlib.tasks import LeastAbsoluteTask, LogisticTask, RidgeTask, as_data

LENGTH = 2.0
"""Of the perfect points, in standard deviations of the measurements: as far out as a patient who is special."""
MEASUREMENTS = {
    "age": "age",
    "sex": "sex",
    "bmi": "body mass index",
    "bp": "blood pressure",
    "s1": "total cholesterol",
    "s2": "LDL cholesterol",
    "s3": "HDL cholesterol",
    "s4": "total / HDL cholesterol",
    "s5": "log triglycerides",
    "s6": "blood sugar",
}
"""What the columns of the diabetes data are."""
LinearTask = RidgeTask | LeastAbsoluteTask | LogisticTask


@dataclass(frozen=True, eq=False)
class Plane:
    """Two measurements of every patient, and the tasks that learn from them.

    Attributes:
        names: of the two measurements.
        data: the patients, x of shape (1, n, 2), labels in standard deviations.
        tasks: least squares, ridge regressions, median regression, logistic regression; no learner has an intercept.
    """

    names: tuple[str, str]
    data: Distilled
    tasks: tuple[LinearTask, ...]

    @property
    def learners(self) -> list[str]:
        """The names of the tasks."""
        return [task.name for task in self.tasks]

    def lost(self, point: Distilled) -> list[float]:
        """The share of the learnable that each learner loses with a point in place of the data."""
        return [float(relative_regret(task, point)) for task in self.tasks]

    def bounds(self, direction: Float[Tensor, " 2"]) -> list[float]:
        """The least share that each learner can lose with a single point in a direction, whatever its length, label and weight."""
        return [max(one_point_lower_bound(task, direction), 0.0) for task in self.tasks]

    def perfect(self, learner: int, length: float = LENGTH) -> Distilled:
        """A single point of that length from which a learner learns what it learns from all the data."""
        task = self.tasks[learner]
        if isinstance(task, LogisticTask):
            return _for_logistic(task, length)
        point = construct(task, 1)  # of weight one; what a learner reads is the point times the root of its weight
        scale = length / point.x.norm()
        return Distilled(point.x * scale, point.y * scale, point.w / scale**2)

    def least_worst(self) -> tuple[float, float]:
        """The direction in which the learner that must lose most loses least, in degrees, and the share that it must lose there."""

        def worst(angle: float) -> float:
            return max(self.bounds(_unit(angle)))

        grid = np.arange(-90.0, 90.0, 4.0)
        start = min(grid, key=worst)
        best = minimize_scalar(worst, bounds=(start - 4, start + 4), method="bounded")
        return float(best.x), float(best.fun)


def plane(
    table: Table,
    columns: tuple[str, str] = ("s1", "s2"),
    penalties: Sequence[float] = (10.0, 100.0, 1000.0),
    logistic_penalty: float = 1.0,
) -> Plane:
    """The learners of the chapter on two measurements.

    By default these are total and LDL cholesterol, with a correlation of 0.9: whether a learner trusts their difference or their
    sum depends on its penalty, so that the six solutions point in the most different directions of all 45 pairs.

    Args:
        table: the diabetes data.
        columns: the two measurements.
        penalties: of ridge regression.
        logistic_penalty: of logistic regression.
    """
    chosen = [table.names.index(column) for column in columns]
    data = as_data(table.x[:, chosen], table.y / table.y.std())
    tasks: list[LinearTask] = [RidgeTask(data, name="least squares", penalties=(0.0,))]
    tasks += [RidgeTask(data, name=f"ridge, λ = {penalty:g}", penalties=(penalty,)) for penalty in penalties]
    tasks += [LeastAbsoluteTask(data, name="median"), LogisticTask(data, name="logistic", penalty=logistic_penalty)]
    first, second = (MEASUREMENTS.get(column, column) for column in columns)
    return Plane((first, second), data, tuple(tasks))


def one_point(x: Sequence[float], y: float, w: float) -> Distilled:
    """A set of a single point.

    >>> one_point((1.0, 2.0), 0.5, 10.0).budget
    1
    """
    return Distilled(*(torch.tensor(part, dtype=torch.float64) for part in ([[[*x]]], [[y]], [[w]])))


def _for_logistic(task: LogisticTask, length: float) -> Distilled:
    r""":math:`x = t\theta` needs the weight :math:`\lambda / (t\, \sigma(-t\|\theta\|^2))`; its label is read as +1."""
    theta = task.reference
    t, square = length / theta.norm(), theta.square().sum()
    weight = task.penalty / (t * torch.sigmoid(-t * square))
    return Distilled((t * theta)[:, None, :], construct(task, 1).y, weight.reshape(1, 1))


def _unit(angle: float) -> Float[Tensor, " 2"]:
    radians = torch.deg2rad(torch.tensor(angle, dtype=torch.float64))
    return torch.stack([radians.cos(), radians.sin()])
