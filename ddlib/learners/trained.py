"""A network trained from fresh random weights, as a learner."""

from __future__ import annotations

import math
from dataclasses import dataclass, field

import torch
from jaxtyping import Float
from torch import Tensor

from ddlib.learners.network import Network
from ddlib.learners.training import Training
from ddlib.problem import Distilled


@dataclass(frozen=True)
class TrainedNetwork:
    r"""A network, its training, and a weight decay: :math:`J(\theta) = \ell(\theta; S) + \tfrac{\lambda}{2} \|\theta\|^2`.

    Each fit draws fresh weights. Differentiable in the set through the whole of the training.

    Attributes:
        network: the function class and its loss.
        training: how :math:`\theta` is found.
        penalty: :math:`\lambda \ge 0`.
        name: how tables call the learner.
    """

    network: Network = field(default_factory=Network)
    training: Training = field(default_factory=Training)
    penalty: float = 0.0
    name: str = "network"

    def __post_init__(self) -> None:
        if not 0 <= self.penalty < math.inf:
            raise ValueError(f"the weight decay must be 0 or a positive number, but it is {self.penalty}")

    def fit(self, data: Distilled, generator: torch.Generator | None = None) -> Float[Tensor, "*R P"]:
        """Train from fresh weights; without a generator they are drawn with seed 0."""
        generator = generator or torch.Generator(data.w.device).manual_seed(0)
        return self.training.run(lambda theta: self.objective(theta, data), self.network.initial(data, generator))

    def initial(self, data: Distilled, generator: torch.Generator) -> Float[Tensor, "*R P"]:
        """Fresh weights."""
        return self.network.initial(data, generator)

    def objective(self, theta: Float[Tensor, "*R P"], data: Distilled) -> Float[Tensor, "*R"]:
        """What training minimises."""
        loss = self.network.loss(theta, data)
        return loss + self.penalty / 2 * theta.square().sum(-1) if self.penalty else loss

    def predict(self, model: Float[Tensor, "*R P"], x: Float[Tensor, "*R n d"]) -> Float[Tensor, "*R n c"]:
        """The network's output."""
        return self.network.predict(model, x)
