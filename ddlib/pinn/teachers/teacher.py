r"""Teachers: models with all the information of a level, which label units for others."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, field, replace
from typing import Any, NamedTuple, Protocol

import torch
from jaxtyping import Float
from torch import Tensor

from ddlib.arguments import is_whole
from ddlib.learners.check import positive_penalty, whole_number, zero_or_more
from ddlib.pinn.designs import scatter
from ddlib.pinn.learners.learner import PhysicsNetwork
from ddlib.pinn.learners.networks import TanhNetwork
from ddlib.pinn.learners.quasi_newton import QuasiNewton
from ddlib.pinn.learners.training import FastTraining
from ddlib.pinn.teachers.kernel import ARD, Collocated, Functionals, KernelCollocation, join, length_pairs, linearise, values_of
from ddlib.problem import Distilled

__all__ = ["CollocationTeacher", "Labels", "Lesson", "NetworkTeacher", "Taught", "Teacher", "label", "lesson"]

Labels = Callable[[Float[Tensor, "*R n d"]], Float[Tensor, "*R n"]]
"""A function that labels units."""


class Lesson(NamedTuple):
    """What students are compared with.

    Attributes:
        labels: the teacher's function.
        rows: points of the target tail with the teacher's labels.

    >>> rows = Distilled(torch.zeros(1, 4, 2), torch.zeros(1, 4), torch.ones(1, 4))
    >>> Lesson(lambda units: units[..., 0], rows).labels(rows.x).shape
    torch.Size([1, 4])
    """

    labels: Labels
    rows: Distilled


class Teacher(Protocol):
    """Whoever can learn to label units from a task's data and its level's physics.

    >>> class Alpha:
    ...     def learn(self, task, generator):
    ...         return lambda units: units[..., -1]
    >>> label(torch.tensor([[[0.0, 0.5]]]), Alpha().learn(None, torch.Generator())).y
    tensor([[0.5000]])
    """

    def learn(self, task: Any, generator: torch.Generator) -> Labels:
        """The function that labels units, one per replicate."""
        ...


@dataclass(frozen=True, eq=False)
class Taught:
    """A teacher that has learned already, so that several methods share it.

    Attributes:
        labels: the function that labels units.

    >>> from ddlib.pinn import Poisson
    >>> Taught(Poisson().exact_at).learn(None, torch.Generator())(torch.tensor([[[0.0, 0.5]]]))
    tensor([[0.5000]])
    """

    labels: Labels

    def learn(self, task: Any, generator: torch.Generator) -> Labels:
        """The same function, whatever the task."""
        return self.labels


@dataclass(frozen=True)
class NetworkTeacher:
    r"""The mean of several physics-informed networks trained on data, residual and boundary values of the task's level.

    .. math:: J(\theta) = \overline{(y - u)^2} + \gamma_r\, \overline{(r / s)^2} + \gamma_b\, \overline{(u - g)^2}

    with s the typical size of the equation's terms, so that one setting serves all problems.

    Attributes:
        networks: how many, each from its own fresh weights.
        network: the function class.
        training: Adam and L-BFGS; by Adam alone such networks are far from a minimum after as many seconds.
        residual: :math:`\gamma_r`.
        mismatch: :math:`\gamma_b`.

    >>> from ddlib.pinn import PinnTask, Poisson
    >>> task = PinnTask.make(Poisson(), 1, torch.Generator().manual_seed(0), interior=8)
    >>> quick = NetworkTeacher(2, TanhNetwork((4,)), FastTraining(3))
    >>> quick.learn(task, torch.Generator().manual_seed(0))(task.train.x).shape
    torch.Size([1, 200])
    """

    networks: int = 1
    network: TanhNetwork = field(default_factory=TanhNetwork)
    training: FastTraining | QuasiNewton = field(default_factory=QuasiNewton)
    residual: float = 1.0
    mismatch: float = 10.0

    def __post_init__(self) -> None:
        if not is_whole(self.networks):
            raise ValueError(f"a teacher needs at least 1 network, a whole number, but it has {self.networks}")
        zero_or_more(self.residual, "the weight of the equation")
        zero_or_more(self.mismatch, "the weight of the boundary values")

    def learn(self, task: Any, generator: torch.Generator) -> Labels:
        """Train; see :class:`~ddlib.pinn.learners.learner.PhysicsNetwork`."""
        scale = task.problem.scale
        learner = PhysicsNetwork(
            task.problem, self.network, self.training, 0.0, task.physics, self.residual / scale**2, self.mismatch, "teacher"
        )
        data = Distilled(*(part.expand(self.networks, *part.shape) for part in task.train))
        theta = learner.fit(data, generator)
        return lambda units: learner.predict(theta.view(self.networks, *(1,) * (units.ndim - 3), *theta.shape[1:]), units).mean(0)


@dataclass(frozen=True)
class CollocationTeacher:
    r"""Least-squares collocation by a sum of kernels: the teacher that needs no training.

    .. math:: u = \sum_j c_j\, k(\cdot, z_j), \qquad c = \arg\min \frac{\overline{(u - y)^2}}{\operatorname{var} y}
        + \gamma_r \overline{(r / s)^2} + \gamma_b \frac{\overline{(u - g)^2}}{\operatorname{var} y} + \lambda \|c\|^2

    with Sobol points :math:`z_j` of the training and the target tail (Kansa 1990); a nonlinear equation is solved by Gauss–Newton.
    Of several kernels, each replicate takes the one whose function has the least validation risk: noisy rows of the training tail,
    and the level's physics at other points.

    Attributes:
        lengths: of each kernel, along the coordinates as shares of the domain, and along α in standard deviations.
        centres: kernels on each tail, for one coordinate; twice as many with time.
        penalty: :math:`\lambda`.
        first: :math:`\lambda` of the first function, which knows data and boundary values alone.
        residual: :math:`\gamma_r`.
        mismatch: :math:`\gamma_b`.
        steps: of Gauss–Newton.

    >>> from ddlib.pinn import PinnTask, Poisson
    >>> task = PinnTask.make(Poisson(), 1, torch.Generator().manual_seed(0), interior=8)
    >>> labels = CollocationTeacher(centres=16).learn(task, torch.Generator().manual_seed(0))
    >>> bool((labels(task.train.x) - Poisson().exact_at(task.train.x)).abs().max() < 0.3)
    True
    """

    lengths: tuple[tuple[float, float], ...] = ((0.2, 2.0), (0.2, 4.0), (0.4, 2.0))
    centres: int = 64
    penalty: float = 1e-8
    first: float = 100.0
    residual: float = 1.0
    mismatch: float = 10.0
    steps: int = 8

    def __post_init__(self) -> None:
        length_pairs(self.lengths)
        whole_number(self.centres, "the number of a teacher's centres")
        positive_penalty(self.penalty, "collocation")
        positive_penalty(self.first, "first collocation")
        zero_or_more(self.residual, "the weight of the equation")
        zero_or_more(self.mismatch, "the weight of the boundary values")
        whole_number(self.steps, "the number of steps of Gauss–Newton", 0)

    def learn(self, task: Any, generator: torch.Generator) -> Labels:
        """Solve with each kernel, and choose."""
        problem, tails, data = task.problem, task.data.tails, task.train
        count = self.centres * len(problem.box)
        sides = dict.fromkeys((tails.train, tails.target))
        centres = torch.cat([scatter(problem, count, data.replicates, generator, side, tails.mass) for side in sides], 1).to(data.x)
        models, risks = [], []
        for along, across in self.lengths:
            kernel = ARD((*(along * (high - low) for low, high in problem.box), across * problem.law.sd))
            models.append(self._solve(task, kernel, centres))
            risks.append(replace(task, learner=KernelCollocation(problem, kernel)).risk(models[-1], "validation"))
        winner = torch.stack(risks).nan_to_num(torch.inf).argmin(0)

        def labels(units: Tensor) -> Tensor:
            each = torch.stack([model.apply(units) for model in models])
            index = winner.view(1, *(1,) * (each.ndim - 3), -1, 1).expand(1, *each.shape[1:])
            return each.gather(0, index).squeeze(0)

        return labels

    @torch.no_grad()
    def _solve(self, task: Any, kernel: ARD, centres: Float[Tensor, "R c d"]) -> Collocated:
        problem, data, (interior, boundary) = task.problem, task.train, task.physics
        share = 1 / data.y.var(-1, keepdim=True)
        fixed = values_of(data._replace(w=data.w * share / data.w.sum(-1, keepdim=True)))
        if boundary.budget:
            edge = values_of(boundary, self.mismatch / boundary.budget)
            fixed = join(fixed, edge._replace(weights=edge.weights * share))

        def fit(conditions: Functionals, penalty: float) -> Collocated:
            root = conditions.weights.sqrt()
            system = root.unsqueeze(-1) * kernel.between(conditions.points, centres, conditions.coefficients)
            ridge = penalty**0.5 * torch.eye(centres.shape[-2], dtype=system.dtype, device=system.device).expand(
                *system.shape[:-2], -1, -1
            )
            right = torch.cat([root * conditions.values, torch.zeros_like(centres[..., 0])], -1).unsqueeze(-1)
            dual = torch.linalg.lstsq(torch.cat([system, ridge], -2), right, driver="gels").solution.squeeze(-1)
            return Collocated(kernel, centres, None, dual)

        found = fit(fixed, self.first)
        for _ in range(self.steps if interior.shape[-2] else 0):
            tangent = linearise(problem, interior, found.jet(interior, problem.timed), self.residual / interior.shape[-2])
            found = fit(join(fixed, tangent), self.penalty)
        return found


def lesson(task: Any, teacher: Teacher, count: int, generator: torch.Generator) -> Lesson:
    """What a teacher says about the target tail, at ``count`` Sobol points.

    Raises:
        ValueError: if there are fewer than two, whose labels have no spread.

    >>> from ddlib.pinn import PinnTask, Poisson
    >>> task = PinnTask.make(Poisson(), 1, torch.Generator().manual_seed(0), interior=8)
    >>> lesson(task, Taught(Poisson().exact_at), 8, torch.Generator().manual_seed(0)).rows.budget
    8
    """
    whole_number(count, "the number of points at which students and teacher are compared", 2)
    labels, tails = teacher.learn(task, generator), task.data.tails
    units = scatter(task.problem, count, task.train.replicates, generator, tails.target, tails.mass).to(task.train.x)
    return Lesson(labels, label(units, labels))


def label(units: Float[Tensor, "R m d"], labels: Labels) -> Distilled:
    """Units with a teacher's labels and weights of one.

    >>> from ddlib.pinn import Poisson
    >>> label(torch.tensor([[[0.0, 0.5]]]), Poisson().exact_at).y
    tensor([[0.5000]])
    """
    with torch.no_grad():
        y = labels(units)
    return Distilled(units, y, torch.ones_like(y))
