r"""Kernel distillation without a teacher: labels in closed form, points by gradient descent, for a family of kernels."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any, NamedTuple

import torch
from jaxtyping import Float
from torch import Tensor

from ddlib.learners.check import positive_penalty, whole_number, zero_or_more
from ddlib.pinn.data import Physics
from ddlib.pinn.methods.bounded import Bounded, at_target, bounds
from ddlib.pinn.teachers.kernel import ARD, length_pairs
from ddlib.pinn.teachers.labels import SolvedSet, solve_nonlinear
from ddlib.problem import Distilled

__all__ = ["Asked", "KernelDistillation"]


class Asked(NamedTuple):
    """What the labels are solved for.

    Attributes:
        kernels: the family.
        data: rows whose labels are to be met; none at I3.
        physics: the equation's points, and boundary values.

    >>> rows = Distilled(torch.zeros(1, 4, 2), torch.zeros(1, 4), torch.ones(1, 4))
    >>> len(Asked((ARD((0.3, 0.5)), ARD((1.0, 1.0))), rows, Physics(rows.x, rows)).kernels)
    2
    """

    kernels: tuple[ARD, ...]
    data: Distilled
    physics: Physics


@dataclass(frozen=True)
class KernelDistillation(Bounded):
    r"""Points from which a whole family of kernel regressions obeys the physics, with the labels that make them.

    .. math:: \phi(X) = \log \min_y \sum_k \Bigl( \gamma_r \overline{(r(f_k) / s)^2} + \gamma_b \overline{(f_k - g)^2}\Bigr), \qquad
        f_k = k(\cdot, X)\,(K_{XX} + \lambda I)^{-1} y

    The regression from S is linear in its labels, so that data, residual and boundary values of a linear equation are a
    least-squares problem in y, solved for all kernels at once (:func:`~ddlib.pinn.teachers.labels.solve_labels`); a nonlinear
    equation is linearised at the regressions from the labels before. Points descend the loss that is left. At I3 the boundary-value
    problem of the target tail is complete and stands alone; below, the conditions are all that the level has. No teacher and no
    label of the target tail is used.

    Attributes:
        lengths: of each kernel, along coordinates and along α, as shares of the extent of the domain and the tail.
        penalty: :math:`\lambda`.
        damping: how strongly a step of Gauss–Newton holds on to the labels.
        residual: the weight of the mean squared residual, in units of the problem's scale squared.
        mismatch: that of the mean squared boundary mismatch.
        first, steps: steps of Gauss–Newton for the first labels, and after each update.

    >>> from ddlib import distil
    >>> from ddlib.pinn import PinnTask, Poisson
    >>> task = PinnTask.make(Poisson(), 1, torch.Generator().manual_seed(0), interior=8)
    >>> distil(KernelDistillation(first=1), task, 4, 1, torch.Generator().manual_seed(0))[0].x.shape
    torch.Size([1, 4, 2])
    """

    name: str = "kernel_distillation"
    lr: float = 0.01
    horizon: int = 200
    lengths: tuple[tuple[float, float], ...] = ((0.3, 0.5), (0.5, 1.0), (1.0, 1.0))
    penalty: float = 1e-4
    damping: float = 1e-6
    residual: float = 1.0
    mismatch: float = 10.0
    first: int = 10
    steps: int = 2

    def __post_init__(self) -> None:
        super().__post_init__()
        positive_penalty(self.penalty, "kernel ridge")
        length_pairs(self.lengths)
        for name in ("damping", "residual", "mismatch"):
            zero_or_more(getattr(self, name), f"{name} of kernel distillation")
        for name in ("first", "steps"):
            whole_number(getattr(self, name), f"the number of steps of Gauss–Newton ({name})", 0)
        if "y" in self.learn:
            raise ValueError("labels are solved in closed form: leave 'y' out of what is learned")

    def goal(self, task: Any, generator: torch.Generator) -> Asked:
        """The family, the data and the physics."""
        low, high = bounds(task)
        extent = (high - low).tolist()
        kernels = tuple(ARD((*(along * side for side in extent[:-1]), across * extent[-1])) for along, across in self.lengths)
        physics, data = at_target(task), task.train
        none = data._replace(x=data.x[:, :0], y=data.y[:, :0], w=data.w[:, :0])
        return Asked(kernels, data if physics is None else none, physics or task.physics)

    def relabel(self, task: Any, distilled: Distilled, memory: Asked) -> Distilled:
        """The labels that serve the family best at these points."""
        with torch.no_grad():
            solved = self._solve(task, distilled, memory, self.steps)
        return distilled._replace(y=solved.y)

    def label(self, task: Any, units: Float[Tensor, "R m d"], goal: Asked) -> Distilled:
        """The first labels: affine in α, then as many steps as the first labels need."""
        start = super().label(task, units, goal)
        with torch.no_grad():
            solved = self._solve(task, start, goal, self.first)
        return start._replace(y=solved.y)

    def surrogate(self, task: Any, distilled: Distilled, generator: torch.Generator, memory: Any = None) -> Float[Tensor, " R"]:
        """The logarithm of the mean squared miss that the best labels leave."""
        asked = memory or self.goal(task, generator)
        return self._solve(task, distilled, asked, 1).loss.log()

    def _solve(self, task: Any, distilled: Distilled, asked: Asked, steps: int) -> SolvedSet:
        return solve_nonlinear(
            task.problem,
            asked.kernels,
            distilled.x,
            asked.data,
            asked.physics,
            self.penalty,
            self.damping,
            steps,
            self.residual,
            self.mismatch,
            distilled.y.detach() if asked.physics.interior.shape[-2] else None,
        )
