"""Kernel inducing points: the points from which kernel ridge regression predicts the data best."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import Any

import torch
from jaxtyping import Float
from torch import Tensor

from ddlib.learners.kernel_ridge import KernelRidge
from ddlib.learners.kernels import Linear
from ddlib.losses import per_unit, squared
from ddlib.methods.descent import Descent, DescentState
from ddlib.methods.needs import ROWS, shown
from ddlib.methods.quantise import KMeans
from ddlib.problem import ClosedForm, Distilled, Task
from ddlib.protocols import Learner
from ddlib.requirement import Requirement, inherited

__all__ = ["KernelInducing", "SolvedLabels", "solved_labels"]


@dataclass(frozen=True)
class KernelInducing(Descent):
    r"""Gradient descent on the loss of kernel ridge regression from S to D (Nguyen, Chen, Lee 2021).

    .. math:: \phi(S) = \frac{1}{\sum_i w_i} \sum_{i \in D} w_i \bigl\| y_i - k(x_i, X_S)\,(K_{SS} + \lambda I)^{-1} y_S \bigr\|^2

    ``learn=("x",)`` keeps the labels, ``("x", "y")`` learns them as well.

    Attributes:
        learner: the kernel and its penalty, or such a regression on features of a network
            (:class:`~ddlib.learners.RandomFeatures`).
        solve_first: start from the labels that :func:`solved_labels` finds for the first points.

    >>> from ddlib import distil
    >>> from ddlib.tasks import RidgeTask, as_data
    >>> task = RidgeTask(as_data([[1.0], [2.0], [3.0], [4.0]], [1.0, 2.0, 3.0, 5.0]))
    >>> run = distil(KernelInducing(learn=("x", "y")), task, 1, 20, torch.Generator().manual_seed(0))
    >>> bool(run.history[-1].surrogate < run.history[0].surrogate)
    True
    """

    name: str = "kernel_inducing"
    learner: Learner = field(default_factory=lambda: KernelRidge(Linear(), 1.0))
    solve_first: bool = False

    @property
    def requires(self) -> tuple[Requirement, ...]:
        """Complete labelled rows, and a gradient."""
        *before, gradient = super().requires
        return (*before, *ROWS, gradient)

    def remember(self, task: Task, generator: torch.Generator) -> None:
        """Nothing, but other data than complete labelled rows are refused."""
        for need in ROWS:
            need.check(self, task, 1)

    def init(self, task: Task, budget: int, generator: torch.Generator) -> DescentState:
        """Begin at the task's own start, or at the set of ``begin``."""
        state = super().init(task, budget, generator)
        if not self.solve_first:
            return state
        start = state.current._replace(y=solved_labels(task.train, state.current, self.learner))
        return state._replace(distilled=start, current=start)

    def surrogate(self, task: Task, distilled: Distilled, generator: torch.Generator, memory: Any = None) -> Float[Tensor, " R"]:
        """The mean squared error on D of kernel ridge regression learned from S."""
        data = shown(self.learner, task.train)
        outputs = self.learner.predict(self.learner.fit(shown(self.learner, distilled)), data.x)
        return (data.w * per_unit(squared, outputs, data)).sum(-1) / data.w.sum(-1)


@dataclass(frozen=True)
class SolvedLabels(ClosedForm):
    """The points of another method with the labels that serve kernel ridge regression best: is it the points, or the labels?

    Attributes:
        points: chooses the points.
        learner: the kernel and its penalty.
        name: how tables call the method.

    >>> from ddlib import distil
    >>> from ddlib.tasks import RidgeTask, as_data
    >>> task = RidgeTask(as_data([[1.0], [2.0], [3.0], [4.0]], [1.0, 2.0, 3.0, 5.0]))
    >>> distil(SolvedLabels(), task, 2, 0, torch.Generator().manual_seed(0)).distilled.y.shape
    torch.Size([1, 2])
    """

    points: ClosedForm = field(default_factory=KMeans)
    learner: Learner = field(default_factory=lambda: KernelRidge(Linear(), 1.0))
    name: str = "solved_labels"

    @property
    def requires(self) -> tuple[Requirement, ...]:
        """Complete labelled rows, and what ``points`` requires."""
        return (*ROWS, *inherited(self.points))

    def choose(self, task: Task, budget: int, generator: torch.Generator) -> Distilled:
        for need in ROWS:
            need.check(self, task, budget)
        chosen = self.points.choose(task, budget, generator)
        return chosen._replace(y=solved_labels(task.train, chosen, self.learner))


def solved_labels(data: Distilled, points: Distilled, learner: Learner) -> Float[Tensor, "R m *label"]:
    r"""The labels that minimise the squared error on D of kernel ridge regression from given points.

    The prediction is linear in the labels, :math:`f(X) = M y_S` with :math:`M = K_{XS} (K_{SS} + \lambda I)^{-1}`, so this is least
    squares, :math:`y_S = M^+ Y` (label solve; Nguyen, Chen, Lee 2021); of all minimisers, the one of least norm.

    >>> data = Distilled(torch.tensor([[[1.0], [2.0]]]), torch.tensor([[2.0, 4.0]]), torch.ones(1, 2))
    >>> point = Distilled(torch.ones(1, 1, 1), torch.zeros(1, 1), torch.ones(1, 1))
    >>> round(solved_labels(data, point, KernelRidge(Linear(), penalty=1.0)).item(), 3)
    4.0
    """
    data, points = shown(learner, data), shown(learner, points)
    eye = torch.eye(points.budget, dtype=points.x.dtype, device=points.x.device).expand(*points.w.shape, points.budget)
    root = data.w.sqrt().unsqueeze(-1)
    response = learner.predict(learner.fit(points._replace(y=eye)), data.x)
    labels = data.y if data.y.ndim > data.w.ndim else data.y.unsqueeze(-1)
    solved = torch.linalg.pinv(root * response, rtol=1e-10) @ (root * labels)
    return solved if data.y.ndim > data.w.ndim else solved.squeeze(-1)
