r"""Simple rows of the tables: designs labelled by a teacher or exactly, and smoothed data."""

from __future__ import annotations

import math
import warnings
from dataclasses import dataclass, field
from typing import Any, Literal

import numpy as np
import torch
from jaxtyping import Float
from torch import Tensor

from ddlib.pinn.designs import scatter
from ddlib.pinn.teachers.teacher import CollocationTeacher, Labels, Teacher, label
from ddlib.problem import ClosedForm, Distilled

__all__ = ["Smoothed", "TeacherLabelled", "TensorGrid", "factors"]


@dataclass(frozen=True)
class TeacherLabelled(ClosedForm):
    """Points spread over the target tail, with a teacher's labels: what every distilled set has to beat.

    Attributes:
        teacher: who labels.
        design: ``"sobol"``, or ``"uniform"`` for independent draws.
        name: how tables call the method.

    >>> from ddlib.pinn import PinnTask, Poisson
    >>> from ddlib.pinn.teachers.teacher import Taught
    >>> task = PinnTask.make(Poisson(), 1, torch.Generator().manual_seed(0), interior=8)
    >>> TeacherLabelled(Taught(Poisson().exact_at)).choose(task, 6, torch.Generator().manual_seed(0)).x.shape
    torch.Size([1, 6, 2])
    """

    teacher: Teacher = field(default_factory=CollocationTeacher)
    design: Literal["sobol", "uniform"] = "sobol"
    name: str = "teacher_labelled"

    def choose(self, task: Any, budget: int, generator: torch.Generator) -> Distilled:
        labels, tails = self.teacher.learn(task, generator), task.data.tails
        units = scatter(task.problem, budget, task.train.replicates, generator, tails.target, tails.mass, self.design)
        units = units.to(task.train.x)
        return label(units, labels)


@dataclass(frozen=True)
class TensorGrid(ClosedForm):
    r"""Evenly spaced α × Chebyshev points of the coordinates, :math:`\cos \pi (2i - 1) / 2n`.

    The budget is split into factors as equal as whole numbers allow, the smallest for α: 20 = 4 × 5 for one coordinate.

    Attributes:
        teacher: who labels; None: the exact solution, for a setting whose training data are exact.
        over: α from the least to the greatest of D (``"train"``), or of equal probability on the target tail (``"target"``).
        alphas: values of α; None: by the rule above.
        name: how tables call the method.

    >>> from ddlib.pinn import PinnTask, Poisson
    >>> task = PinnTask.make(Poisson(), 1, torch.Generator().manual_seed(0), interior=8)
    >>> grid = TensorGrid().choose(task, 20, torch.Generator())
    >>> grid.budget, len(grid.x[0, :, 1].unique()), len(grid.x[0, :, 0].unique())
    (20, 4, 5)
    """

    teacher: Teacher | None = None
    over: Literal["train", "target"] = "train"
    alphas: int | None = None
    name: str = "tensor_grid"

    def choose(self, task: Any, budget: int, generator: torch.Generator) -> Distilled:
        problem, tails, replicates = task.problem, task.data.tails, task.train.replicates
        counts = factors(budget, problem.dimension) if self.alphas is None else _given(budget, self.alphas, problem.dimension)
        alpha = torch.arange(counts[0], dtype=torch.float64)
        if self.over == "train":
            known = task.train.x[..., -1]
            low, high = known.min(-1, keepdim=True).values, known.max(-1, keepdim=True).values
            share = alpha.to(known) / max(counts[0] - 1, 1) if counts[0] > 1 else known.new_full((1,), 0.5)
            alpha = low + share * (high - low)
        else:
            alpha = problem.law.grid(tails.target, tails.mass, counts[0]).to(task.train.x).expand(replicates, -1)
        axes = [
            (a + b) / 2 - (b - a) / 2 * torch.cos(math.pi * (torch.arange(n, dtype=torch.float64) + 0.5) / n)
            for n, (a, b) in zip(counts[1:], problem.box, strict=True)
        ]
        places = torch.cartesian_prod(*axes).reshape(-1, len(axes)).to(alpha)
        x = places.repeat(counts[0], 1).expand(replicates, -1, -1)
        units = problem.join(x, alpha.repeat_interleave(len(places), -1))
        labels: Labels = problem.exact_at if self.teacher is None else self.teacher.learn(task, generator)
        return label(units, labels)


@dataclass(frozen=True)
class Smoothed(ClosedForm):
    """A Gaussian process fitted to D, and its mean at Sobol points of the target tail: no equation at all.

    The kernel is a constant times a Gaussian with one length per column, plus white noise; scikit-learn's GaussianProcessRegressor
    chooses them by the marginal likelihood.

    Attributes:
        name: how tables call the method.

    >>> from ddlib.pinn import PinnTask, Poisson
    >>> task = PinnTask.make(Poisson(), 1, torch.Generator().manual_seed(0), interior=8)
    >>> Smoothed().choose(task, 6, torch.Generator().manual_seed(0)).x.shape
    torch.Size([1, 6, 2])
    """

    name: str = "smoothed"

    def choose(self, task: Any, budget: int, generator: torch.Generator) -> Distilled:
        tails = task.data.tails
        units = scatter(task.problem, budget, task.train.replicates, generator, tails.target, tails.mass).to(task.train.x)
        return label(units, lambda where: _smooth(task.train, where))


def factors(budget: int, parts: int) -> list[int]:
    """A number as so many factors, in ascending order and as equal as whole numbers allow.

    >>> factors(20, 2), factors(40, 2), factors(20, 3)
    ([4, 5], [5, 8], [2, 2, 5])
    """
    if parts == 1:
        return [budget]
    root = round(budget ** (1 / parts))
    first = next(k for k in range(max(root, 1), 0, -1) if budget % k == 0)
    return sorted([first, *factors(budget // first, parts - 1)])


def _given(budget: int, alphas: int, dimension: int) -> list[int]:
    if budget % alphas:
        raise ValueError(f"a grid with {alphas} values of α needs a budget that they divide, but it is {budget}")
    return [alphas, *factors(budget // alphas, dimension - 1)]


def _smooth(data: Distilled, units: Float[Tensor, "R m d"]) -> Float[Tensor, "R m"]:
    from sklearn.exceptions import ConvergenceWarning
    from sklearn.gaussian_process import GaussianProcessRegressor
    from sklearn.gaussian_process.kernels import RBF, ConstantKernel, WhiteKernel

    means = []
    for x, y, where in zip(*(part.detach().cpu().numpy() for part in (data.x, data.y, units)), strict=True):
        centre, spread = x.mean(0), x.std(0)
        kernel = ConstantKernel() * RBF(np.ones(x.shape[-1])) + WhiteKernel(0.01)
        with warnings.catch_warnings():  # a length at the end of its range is an answer
            warnings.simplefilter("ignore", ConvergenceWarning)
            process = GaussianProcessRegressor(kernel, normalize_y=True).fit((x - centre) / spread, y)
        means.append(torch.from_numpy(process.predict((where - centre) / spread)))
    return torch.stack(means).to(units)
