r"""Teacher matching with students in closed form: the points from which a family of kernels learns what a teacher says."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import Any, Literal

import torch
from jaxtyping import Float
from torch import Tensor

from ddlib.learners.check import positive_penalty, whole_number
from ddlib.pinn.methods.bounded import Bounded, bounds, constants
from ddlib.pinn.teachers.kernel import ARD, length_pairs
from ddlib.pinn.teachers.labels import predictor
from ddlib.pinn.teachers.teacher import CollocationTeacher, Lesson, Teacher, label, lesson
from ddlib.problem import Distilled

__all__ = ["KernelMatching"]


@dataclass(frozen=True)
class KernelMatching(Bounded):
    r"""Gradient descent on the distance between a family of kernel regressions from S and a teacher, on the target tail.

    .. math:: \phi(S) = \frac1K \sum_k \log \frac{\overline{\bigl(f_k(\cdot\,; S) - u_{\text{teacher}}\bigr)^2}}
        {\operatorname{var} u_{\text{teacher}}}, \qquad
        f_k(z; S) = \bar y + k(z, X_S)\,(K_{SS} + \lambda I)^{-1} (y_S - \bar y)

    The family has short and long lengths, so that the points serve no kernel alone; the logarithm weighs its members alike. With
    ``labels="teacher"`` a label is always the teacher's at its point, and what is learned is where to ask; with ``"free"`` labels
    are learned as well, if ``learn`` names them. The descent begins at Sobol points of the target tail with the teacher's labels.
    (Kernel inducing points: Nguyen, Chen and Lee 2021; the family, the teacher and the tail are our reconstruction.)

    Attributes:
        teacher: who labels; its labels have to be differentiable in the units for ``labels="teacher"``.
        lengths: of each kernel, along coordinates and along α, as shares of the extent of the domain and the tail.
        penalty: :math:`\lambda`.
        labels: ``"teacher"`` or ``"free"``.
        count: points at which students and teacher are compared.

    >>> from ddlib import distil
    >>> from ddlib.pinn import PinnTask, Poisson
    >>> from ddlib.pinn.teachers.teacher import Taught
    >>> task = PinnTask.make(Poisson(), 1, torch.Generator().manual_seed(0), interior=8)
    >>> method = KernelMatching(teacher=Taught(Poisson().exact_at), count=16)
    >>> distil(method, task, 4, 1, torch.Generator().manual_seed(0))[0].x.shape
    torch.Size([1, 4, 2])
    """

    name: str = "kernel_matching"
    lr: float = 0.01
    horizon: int = 200
    teacher: Teacher = field(default_factory=CollocationTeacher)
    lengths: tuple[tuple[float, float], ...] = ((0.3, 0.3), (0.5, 0.5), (0.5, 1.0), (1.0, 1.0))
    penalty: float = 1e-3
    labels: Literal["teacher", "free"] = "teacher"
    count: int = 256

    def __post_init__(self) -> None:
        super().__post_init__()
        positive_penalty(self.penalty, "kernel ridge")
        if self.labels not in ("teacher", "free"):
            raise ValueError(f"labels are the 'teacher''s or 'free', but they are {self.labels!r}")
        length_pairs(self.lengths)
        whole_number(self.count, "the number of points at which students and teacher are compared", 2)

    def goal(self, task: Any, generator: torch.Generator) -> Lesson:
        """The teacher's function, and points of the target tail with its labels."""
        return lesson(task, self.teacher, self.count, generator)

    def label(self, task: Any, units: Float[Tensor, "R m d"], goal: Lesson) -> Distilled:
        """The teacher's labels."""
        return label(units, goal.labels)

    def relabel(self, task: Any, distilled: Distilled, memory: Lesson) -> Distilled:
        """The teacher's labels, if they are not free."""
        return label(distilled.x, memory.labels) if self.labels == "teacher" else distilled

    def surrogate(self, task: Any, distilled: Distilled, generator: torch.Generator, memory: Any = None) -> Float[Tensor, " R"]:
        """The mean logarithm of the students' relative squared distance from the teacher."""
        labels, goal = memory or self.goal(task, generator)
        if self.labels == "teacher":
            distilled = distilled._replace(y=labels(distilled.x))
        level = distilled.y.mean(-1, keepdim=True)
        low, high = bounds(task)
        # lengths are taken out of the kernel, so that the whole family is one batch
        sides = [[along] * len(task.problem.box) + [across] for along, across in self.lengths]
        lengths = torch.stack([constants(goal.y, side) for side in sides])
        extent = lengths.unsqueeze(1).unsqueeze(1) * (high - low)
        scaled = Distilled((distilled.x - low) / extent, distilled.y - level, distilled.w)
        student = predictor(ARD((1.0,) * len(low)), scaled, self.penalty)
        apart = student.apply((goal.x - low) / extent) + level - goal.y
        return (apart.square().mean(-1) / goal.y.var(-1)).log().mean(0)
