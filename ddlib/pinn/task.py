r"""Learning u(x; α) from one tail of α for use on the other, as a task: a case study is a task like any other."""

from __future__ import annotations

import dataclasses
import math
from collections.abc import Sequence
from dataclasses import dataclass, field
from functools import cached_property
from typing import Any, NamedTuple

import torch
from jaxtyping import Float
from torch import Tensor

from ddlib.arguments import takes
from ddlib.pinn.data import Level, Physics, PinnData, draw_data, known_level, physics, released_data
from ddlib.pinn.learners.jets import autograd_jet
from ddlib.pinn.learners.learner import PhysicsNetwork
from ddlib.pinn.metrics import Exact, Metrics
from ddlib.pinn.problems.problem import Jet, Problem, known_problem
from ddlib.problem import Block, Distilled, Split, whole_set
from ddlib.protocols import Learner
from ddlib.tasks.splits import random_rows

__all__ = ["PinnTask", "Weights", "moved"]


class Weights(NamedTuple):
    """What counts how much in the criterion that methods may see.

    Attributes:
        data: the squared error on noisy rows, in units of the variance of y.
        residual: the squared residual, in units of the problem's scale squared.
        mismatch: the squared boundary mismatch, in units of the variance of y.

    >>> Weights(data=0.0).residual
    1.0
    """

    data: float = 1.0
    residual: float = 1.0
    mismatch: float = 1.0


@dataclass(frozen=True, eq=False)
class PinnTask:
    r"""A learner judged by its relative L2 error on the target tail of α.

    What methods may see, on the splits train and validation, is the data of the training tail and the physics that the information
    level allows,

    .. math:: R = \omega_d \frac{\overline{(u - y)^2}}{\operatorname{var} y} + \omega_r \frac{\overline{r^2}}{s^2}
        + \omega_b \frac{\overline{(u - g)^2}}{\operatorname{var} y},

    with the boundary values g, the equation's scale s and means over rows and points that differ between the two splits. The test
    split is the exact solution on the target tail; neither of the others uses a label of it.

    Attributes:
        problem: the family.
        data: what is measured, and what is true.
        learner: A, which learns from a set of labelled units.
        physics: what may be asked for the training risk.
        held_out: what may be asked for the validation risk.
        level: the information level that both are of.
        weights: of the criterion's three parts.

    >>> from ddlib.pinn import AffineRidge, Poisson
    >>> task = PinnTask.make(Poisson(), 1, torch.Generator().manual_seed(0), AffineRidge(Poisson()), interior=8)
    >>> task.name, bool(task.risk(task.fit(task.train), "test") < 0.1)
    ('Poisson I3', True)
    """

    problem: Problem
    data: PinnData
    learner: Learner
    physics: Physics
    held_out: Physics
    level: Level = 3
    weights: Weights = field(default_factory=Weights)

    def __post_init__(self) -> None:
        known_problem(self.problem)
        known_level(self.level)
        if not isinstance(self.learner, Learner) or isinstance(self.learner, type):
            raise ValueError(
                f"a learner has a name, fit and predict, but it is {self.learner!r}: give one such as PhysicsNetwork()"
            )
        takes(self.learner, {"fit": "data, generator=None", "predict": "model, x"}, f"the learner {self.learner.name}")
        learned = self.data.train, self.data.validation
        if not all(bool(part.isfinite().all()) for rows in learned for part in rows):
            raise ValueError("the training or validation data hold NaN or infinity: drop or mend these rows first")
        if self.data.train.x.shape[-1] != self.problem.dimension:
            raise ValueError(
                f"units of {self.problem.name} have {self.problem.dimension} columns, not {self.data.train.x.shape[-1]}"
            )
        if not isinstance(self.weights, Weights) or not all(0 <= weight < math.inf for weight in self.weights):
            raise ValueError(f"the weights of the criterion must be Weights of 0 or more, but they are {self.weights}")

    @classmethod
    def make(
        cls,
        problem: Problem,
        replicates: int,
        generator: torch.Generator,
        learner: Learner | None = None,
        level: Level = 3,
        weights: Weights = Weights(),  # noqa: B008
        interior: int = 128,
        alphas: int = 16,
        **options: Any,
    ) -> PinnTask:
        """Draw data and points, and make a task of them.

        Args:
            problem: the family.
            replicates: R.
            generator: the source of all randomness.
            learner: a plain network by default.
            level: the information level.
            weights: of the criterion's parts.
            interior: points of the equation on each tail, for each of the two splits.
            alphas: values of α with boundary values on each tail, likewise.
            options: for :func:`~ddlib.pinn.data.draw_data`.
        """
        data = draw_data(problem, replicates, generator, **options)
        first, second = (physics(problem, level, replicates, generator, data.tails, interior, alphas) for _ in range(2))
        return cls(problem, data, PhysicsNetwork() if learner is None else learner, first, second, level, weights)

    @classmethod
    def released(
        cls,
        problem: Problem,
        replicates: int,
        generator: torch.Generator,
        learner: Learner,
        opposite: bool = False,
        alphas: int = 100,
    ) -> PinnTask:
        """The authors' setting: exact data, see :func:`~ddlib.pinn.data.released_data`, and the error on them as training risk."""
        data = released_data(problem, replicates, generator, opposite, alphas)
        none = physics(problem, 0, replicates, generator, data.tails)
        return cls(problem, data, learner, none, none, 0)

    @property
    def name(self) -> str:
        """The problem and the information level."""
        return f"{self.problem.name} I{self.level}"

    @property
    def deterministic(self) -> bool:
        """Whether the learner draws nothing, so that the same set gives the same model."""
        return getattr(self.learner, "deterministic", False)

    @property
    def train(self) -> Distilled:
        """D."""
        return self.data.train

    @cached_property
    def reference(self) -> Exact:
        """The exact solution."""
        return Exact(self.problem)

    def start(self, budget: int, generator: torch.Generator) -> Distilled:
        """Rows of D."""
        return random_rows(self.train, budget, generator, self.name)

    def fit(self, distilled: Distilled, generator: torch.Generator | None = None) -> Any:
        """The learner. A network's training has no gradient in the set: methods that need one use :meth:`objective`."""
        return self.learner.fit(distilled, generator)

    def predict(self, model: Any, units: Float[Tensor, "*R n d"]) -> Float[Tensor, "*R n"]:
        """The model at units."""
        return self.problem.exact_at(units) if isinstance(model, Exact) else self.learner.predict(model, units)

    def jet(self, model: Any, units: Float[Tensor, "*R n d"]) -> Jet:
        """The model with its derivatives at units.

        Raises:
            ValueError: if the learner has no derivatives.
        """
        if isinstance(model, Exact):
            with torch.no_grad():
                return autograd_jet(self.problem.exact_at, units, self.problem.timed)
        if hasattr(self.learner, "jet"):
            return self.learner.jet(model, units, self.problem.timed)
        return autograd_jet(lambda z: self.learner.predict(model, z), units, self.problem.timed)

    def risk(self, model: Any, split: Split = "train") -> Float[Tensor, " *R"]:
        """The criterion, or on the test split the relative L2 error on the target tail.

        Raises:
            ValueError: if the level has an equation and the learner has no derivatives.
        """
        if split == "test":
            return self._error(model, self.data.target)
        data, asked = (self.data.train, self.physics) if split == "train" else (self.data.validation, self.held_out)
        spread = self.data.train.y.var(-1)
        total = self.weights.data * self._squares(model, data) / spread
        if asked.interior.shape[-2] and self.weights.residual > 0:
            r = self.problem.residual_at(self.jet(model, asked.interior), asked.interior)
            total = total + self.weights.residual * r.square().mean(-1) / self.problem.scale**2
        if asked.boundary.budget and self.weights.mismatch > 0:
            total = total + self.weights.mismatch * self._squares(model, asked.boundary) / spread
        return total

    def blocks(self, distilled: Distilled) -> Sequence[Block]:
        """One block: the whole set, with the training risk."""
        return whole_set(self, distilled)

    def initial(self, generator: torch.Generator) -> Float[Tensor, " R *P"]:
        """The parameters that the learner's training begins at.

        Raises:
            ValueError: if the learner minimises nothing that it could name.
        """
        return self._minimiser().initial(self.train, generator)

    def objective(self, model: Float[Tensor, " *R P"], distilled: Distilled) -> Float[Tensor, " *R"]:
        """What the learner minimises.

        Raises:
            ValueError: if the learner minimises nothing that it could name.
        """
        return self._minimiser().objective(model, distilled)

    def metrics(self, model: Any, tail: str = "target") -> Metrics:
        """Error, residual and boundary mismatch on the ``"target"`` or the training tail (``"inside"``), for reports alone."""
        if tail not in ("target", "inside"):
            raise ValueError(f"a model is judged on the tail 'target' or 'inside', but it is {tail!r}")
        grid, tails = getattr(self.data, tail), self.data.tails
        side = tails.target if tail == "target" else tails.train
        alpha = self.problem.law.grid(side, tails.mass, 16).to(grid.x)
        edge = self.problem.boundary(alpha)
        r = torch.full_like(grid.w[..., 0], torch.nan)
        if self._smooth(model, grid.x[..., :1, :]):
            r = self.problem.residual_at(self.jet(model, grid.x), grid.x).square().mean(-1).sqrt()
        edge = Distilled(*(part.expand(grid.replicates, *part.shape) for part in edge))
        return Metrics(*(part.detach() for part in (self._error(model, grid), r, self._squares(model, edge).sqrt())))

    def label_error(self, distilled: Distilled) -> Float[Tensor, " *R"]:
        """The root mean square of y − u over a set's units, for reports alone; not a number where there is no exact solution."""
        return (distilled.y - self.problem.exact_at(distilled.x)).square().mean(-1).sqrt()

    def to(self, device: torch.device | str | None = None, dtype: torch.dtype | None = None) -> PinnTask:
        """The task with its data, its points and its learner's points on another device, or in another precision."""
        parts = {name: moved(getattr(self, name), device, dtype) for name in ("data", "physics", "held_out")}
        learner = self.learner
        if getattr(learner, "physics", None) is not None:
            learner = dataclasses.replace(learner, physics=moved(learner.physics, device, dtype))  # type: ignore[type-var, attr-defined]
        return dataclasses.replace(self, learner=learner, **parts)

    def _smooth(self, model: Any, unit: Float[Tensor, " *R 1 d"]) -> bool:
        """Whether the model has derivatives in its units."""
        if isinstance(model, Exact) or hasattr(self.learner, "jet"):
            return True
        with torch.enable_grad():
            return self.predict(model, unit.detach().requires_grad_()).requires_grad

    def _error(self, model: Any, grid: Distilled) -> Float[Tensor, " *R"]:
        miss = (self.predict(model, grid.x) - grid.y).square().sum(-1)
        return (miss / grid.y.square().sum(-1)).sqrt()

    def _squares(self, model: Any, data: Distilled) -> Float[Tensor, " *R"]:
        return (data.w * (self.predict(model, data.x) - data.y).square()).sum(-1) / data.w.sum(-1)

    def _minimiser(self) -> Any:
        if not hasattr(self.learner, "objective"):
            raise ValueError(f"{self.learner.name} minimises no objective that it could name: choose a method that needs none")
        return self.learner


def moved(value: Any, device: torch.device | str | None, dtype: torch.dtype | None) -> Any:
    """A tensor, or a named tuple of tensors and of such tuples, on another device or in another precision.

    >>> moved((torch.zeros(2), 1), None, torch.float64), moved(torch.zeros(2), "cpu", torch.float64).dtype
    ((tensor([0., 0.]), 1), torch.float64)
    """
    if isinstance(value, Tensor):
        return value.to(device=device or value.device, dtype=dtype or value.dtype)
    if isinstance(value, tuple) and hasattr(value, "_fields"):
        return type(value)(*(moved(part, device, dtype) for part in value))
    return value
