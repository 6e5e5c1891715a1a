r"""Tanh networks as learners: on labels alone, with the equation at the set's own points, or with fixed physics."""

from __future__ import annotations

import math
from dataclasses import dataclass, field

import torch
from jaxtyping import Float
from torch import Tensor

from ddlib.learners.check import no_negative_weight
from ddlib.pinn.data import Physics
from ddlib.pinn.learners import jets
from ddlib.pinn.learners.equations import Equations, equations, loss
from ddlib.pinn.learners.networks import TanhNetwork
from ddlib.pinn.learners.quasi_newton import QuasiNewton
from ddlib.pinn.learners.training import FastTraining
from ddlib.pinn.problems.problem import Jet, Problem, known_problem
from ddlib.problem import Distilled

__all__ = ["PhysicsNetwork"]


@dataclass(frozen=True, eq=False)
class PhysicsNetwork:
    r"""A tanh network that minimises a weighted sum of mean squares (Raissi, Perdikaris and Karniadakis 2019).

    .. math:: J(\theta; S) = \overline{(y_S - u)^2} + \gamma\, \overline{r^2}\big|_S + \gamma_r\, \overline{r^2}\big|_\Omega
        + \gamma_b\, \overline{(u - g)^2}\big|_{\partial\Omega}

    The means over S are weighted by the set's weights. With the defaults this is a plain network, which knows no equation. ``fit``
    has no gradient in the set; ``objective`` has, and what is differentiated through training is training on it. Axes in front of
    the replicates (candidates × R sets) are trained in the same batch.

    Attributes:
        problem: whose residual r is; needed with ``at_set`` or ``physics``.
        network: the function class.
        training: how :math:`\theta` is found.
        at_set: :math:`\gamma`, the weight of the equation at the set's own units.
        physics: points :math:`\Omega` of the equation, and boundary values g.
        residual: :math:`\gamma_r`.
        mismatch: :math:`\gamma_b`.
        name: how tables call the learner.

    >>> from ddlib.pinn import Poisson
    >>> rows = Poisson().rows(torch.linspace(-1, 1, 9).double().view(1, 9, 1), torch.ones(1, 9).double())
    >>> learner = PhysicsNetwork(Poisson(), TanhNetwork((4,)), FastTraining(3), at_set=0.1)
    >>> learner.predict(learner.fit(rows, torch.Generator().manual_seed(0)), rows.x).shape
    torch.Size([1, 9])
    """

    problem: Problem | None = None
    network: TanhNetwork = field(default_factory=TanhNetwork)
    training: FastTraining | QuasiNewton = field(default_factory=FastTraining)
    at_set: float = 0.0
    physics: Physics | None = None
    residual: float = 1.0
    mismatch: float = 1.0
    name: str = "network"

    def __post_init__(self) -> None:
        if self.problem is not None:
            known_problem(self.problem)
        if not all(0 <= weight < math.inf for weight in (self.at_set, self.residual, self.mismatch)):
            raise ValueError(
                f"the weights of a loss must be 0 or more, but they are {self.at_set}, {self.residual} and {self.mismatch}"
            )
        if self.problem is None and (self.at_set > 0 or self.physics is not None):
            raise ValueError("a network with an equation needs the problem that it is of: give problem=…")

    def equations(self, data: Distilled) -> Equations:
        """What training on a set asks for."""
        physics = self.physics or Physics(
            data.x[..., :0, :], data._replace(x=data.x[..., :0, :], y=data.y[..., :0], w=data.w[..., :0])
        )
        return equations(data, self.at_set, physics.interior, physics.boundary, self.residual, self.mismatch)

    def initial(self, data: Distilled, generator: torch.Generator) -> Float[Tensor, "*R P"]:
        """Fresh weights, one network per replicate of the data."""
        return self.network.initial(data, generator)

    def fit(self, data: Distilled, generator: torch.Generator | None = None) -> Float[Tensor, "*R P"]:
        """Train from fresh weights; without a generator they are drawn with seed 0."""
        generator = generator or torch.Generator(data.w.device).manual_seed(0)
        return self.train(self.initial(data, generator), data)

    def train(self, theta: Float[Tensor, "*R P"], data: Distilled, steps: int | None = None) -> Float[Tensor, "*R P"]:
        """Train on from given parameters, with fresh moments of Adam; no gradient is remembered.

        Args:
            theta: where to begin.
            data: the set.
            steps: how many, instead of the training's own number. With :class:`~ddlib.pinn.learners.quasi_newton.QuasiNewton` they
                count iterations of L-BFGS alone: Adam's own steps are run before them, whatever this number is.

        Raises:
            ValueError: if a weight is negative, no unit of the set has any, or the number of steps is none.
            FloatingPointError: if training diverges.
        """
        no_negative_weight(data)
        if bool((data.w.sum(-1) == 0).any()) and (data.budget or self.physics is None):
            raise ValueError("a network cannot learn from a set in which no unit has a positive weight: add units, or weigh them")
        with torch.no_grad():
            found = self.training.run(self.network, self.problem, self.equations(data), theta, steps)
        if not bool(found.isfinite().all()):
            raise FloatingPointError("training reached parameters that are not finite: mend the set, or lower the step size")
        return found

    def objective(self, theta: Float[Tensor, "*R P"], data: Distilled) -> Float[Tensor, "*R"]:
        """What training minimises; differentiable any number of times, in the parameters and in the set."""
        return loss(self.network, self.problem, theta, self.equations(data))

    def predict(self, model: Float[Tensor, "*R P"], x: Float[Tensor, "*R n d"]) -> Float[Tensor, "*R n"]:
        """The network's output at units."""
        return self.network.predict(model, x).squeeze(-1)

    def jet(self, model: Float[Tensor, "*R P"], units: Float[Tensor, "*R n d"], timed: bool = False) -> Jet:
        """The output with its derivatives at units."""
        return jets.jet(self.network, model, units, timed)
