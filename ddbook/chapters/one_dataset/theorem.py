"""Two columns and three ridge regressions: why one point cannot serve all, how far it stays away, and why two points can."""

from __future__ import annotations

from typing import NamedTuple

import torch
from jaxtyping import Float
from torch import Tensor

from ddlib.closed_forms import unit
from ddlib.datasets import Table
from ddlib.lens import ridge_lower_bound
from ddlib.tasks import RidgeTask, as_data

COLUMNS = ("s1", "s2")
"""Total and low-density cholesterol: of all pairs the one whose ridge solutions turn most."""
PENALTIES = (10.0, 100.0, 1000.0)


class Turning(NamedTuple):
    """What the picture of the theorem shows; L regressions in d = 2 dimensions.

    Attributes:
        solutions: from all data, one row per penalty.
        path: from all data, for penalties from 1 on.
        from_one: from the point that is exact for the penalty in the middle.
        direction: of that point, of length one.
        best: the line through zero that is nearest to the solutions at unit length; of length one.
        from_two: from two points.
        bound: least root-mean-square relative error from one point.
    """

    solutions: Float[Tensor, "L 2"]
    path: Float[Tensor, "n 2"]
    from_one: Float[Tensor, "L 2"]
    direction: Float[Tensor, " 2"]
    best: Float[Tensor, " 2"]
    from_two: Float[Tensor, "L 2"]
    bound: float

    @property
    def error_of_one(self) -> float:
        """Root-mean-square relative error from the one point."""
        return relative_error(self.from_one, self.solutions)

    @property
    def error_of_two(self) -> float:
        """The same from two points."""
        return relative_error(self.from_two, self.solutions)


def turning(patients: Table) -> Turning:
    """The picture on the patients' :data:`COLUMNS`."""
    x = patients.x[:, [patients.names.index(name) for name in COLUMNS]]
    data = as_data(x, patients.y / patients.y.std())
    task = RidgeTask(data, penalties=PENALTIES)
    penalties = torch.logspace(0, 5, 60, dtype=torch.float64).tolist()
    solutions = task.reference[0]
    point, pair = task.construct(1), task.construct(2)
    _, _, directions = torch.linalg.svd(unit(solutions))
    return Turning(
        solutions,
        RidgeTask(data, penalties=tuple(penalties)).reference[0],
        task.fit(point)[0],
        unit(point.x[0, 0]),
        directions[0] * directions[0, 0].sign(),
        task.fit(pair)[0],
        float(ridge_lower_bound(solutions, 1)),
    )


def relative_error(learned: Float[Tensor, "L d"], solutions: Float[Tensor, "L d"]) -> float:
    r"""Root mean square over the rows of :math:`\|\hat\theta_l - \theta_l\| / \|\theta_l\|`.

    >>> relative_error(torch.tensor([[1.0, 0.0]]), torch.tensor([[2.0, 0.0]]))
    0.5
    """
    return float(((learned - solutions).norm(dim=-1) / solutions.norm(dim=-1)).square().mean().sqrt())
