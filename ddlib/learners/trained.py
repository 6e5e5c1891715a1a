"""Networks trained from fresh random weights, as learners."""

from __future__ import annotations

import math
from collections.abc import Callable
from dataclasses import dataclass, field
from functools import cached_property
from typing import ClassVar

import torch
from jaxtyping import Float
from torch import Tensor, nn

from ddlib.arguments import check_batch
from ddlib.distilled import Distilled
from ddlib.learners.module import ModuleNetwork
from ddlib.learners.network import Network
from ddlib.learners.training import Training
from ddlib.losses import Loss, LossName
from ddlib.minibatches import drawn
from ddlib.protocols import Parametric

__all__ = ["ModuleLearner", "Trained", "TrainedNetwork"]


class Trained:
    r"""What learners share that train a network: :math:`J(\theta) = \ell(\theta; S) + \tfrac{\lambda}{2} \|\theta\|^2`.

    Each fit draws fresh weights. Differentiable in the set through the whole of the training. With a ``batch`` each step of a fit
    takes so many of the units, drawn with replacement; a set of fewer units is taken whole.

    >>> learner = TrainedNetwork(Network(()), penalty=2.0)
    >>> data = Distilled(torch.zeros(1, 2, 1), torch.zeros(1, 2), torch.ones(1, 2))
    >>> isinstance(learner, Trained), learner.objective(torch.tensor([[3.0, 0.0]]), data)
    (True, tensor([9.]))
    """

    network: Parametric
    training: Training
    penalty: float
    batch: int | None

    def __post_init__(self) -> None:
        if not 0 <= self.penalty < math.inf:
            raise ValueError(f"the weight decay must be 0 or a positive number, but it is {self.penalty}")
        if self.batch is not None:
            check_batch(self.batch)

    def fit(self, data: Distilled, generator: torch.Generator | None = None) -> Float[Tensor, "*R P"]:
        """Train from fresh weights; without a generator they are drawn with seed 0."""
        generator = generator or torch.Generator(data.w.device).manual_seed(0)
        start = self.network.initial(data, generator)
        if self.batch is None or data.budget <= self.batch:
            return self.training.run(lambda theta: self.objective(theta, data), start)
        size = self.batch
        return self.training.run(lambda theta: self.objective(theta, drawn(data, size, generator)), start)

    def initial(self, data: Distilled, generator: torch.Generator) -> Float[Tensor, "*R P"]:
        """Fresh weights."""
        return self.network.initial(data, generator)

    def objective(self, theta: Float[Tensor, "*R P"], data: Distilled) -> Float[Tensor, "*R"]:
        """What training minimises."""
        loss = self.network.loss(theta, data)
        if not self.penalty:
            return loss
        trained = self.network.trained(theta, data) if isinstance(self.network, ModuleNetwork) else theta
        return loss + self.penalty / 2 * trained.square().sum(-1)

    def predict(self, model: Float[Tensor, "*R P"], x: Float[Tensor, "*R n *unit"]) -> Float[Tensor, "*R n c"]:
        """The network's output."""
        return self.network.predict(model, x)


@dataclass(frozen=True)
class TrainedNetwork(Trained):
    """A fully connected network, its training, and a weight decay (:class:`Trained`).

    Attributes:
        network: the function class and its loss.
        training: how θ is found.
        penalty: λ ≥ 0.
        name: how tables call the learner.
        batch: units that a step of a fit takes; None: all.

    >>> learner = TrainedNetwork(Network(()), Training(steps=200, lr=0.1))
    >>> line = Distilled(torch.tensor([[[0.0], [1.0]]]), torch.tensor([[1.0, 3.0]]), torch.ones(1, 2))
    >>> round(learner.predict(learner.fit(line), torch.tensor([[[2.0]]])).item(), 1)
    5.0
    """

    network: Parametric = field(default_factory=Network)
    training: Training = field(default_factory=Training)
    penalty: float = 0.0
    name: str = "network"
    batch: int | None = None


@dataclass(frozen=True)
class ModuleLearner(Trained):
    r"""Any torch module as a learner, trained from fresh weights at each fit; units keep their shape.

    Training minimises :math:`J(\theta) = \ell(\theta; S) + \tfrac{\lambda}{2} \|\theta\|^2` over the module's parameters θ
    (:class:`Trained`). They take the precision and the device of the data. What matching methods look at is its :attr:`network`, as
    in ``GradientMatching(network=learner.network)``.

    Attributes:
        build: makes the module, each time with fresh weights, such as ``lambda: nn.Sequential(...)``.
        loss: ℓ of outputs and labels: a name, ``"cross_entropy"`` for classes, or a function to one number per unit
            (:mod:`ddlib.losses`). It need not be the loss of the task.
        training: how θ is found: steps, step size and optimiser.
        penalty: λ ≥ 0.
        name: how tables call the learner.
        batch: units that a step of a fit takes; None: all.
        head: the submodule whose input are the features; None: the linear layer that is called last.
        batched: whether replicates run side by side; None: where that is possible and no slower
            (:class:`~ddlib.learners.ModuleNetwork`).

    >>> learner = ModuleLearner(lambda: nn.Linear(1, 1), training=Training(steps=200, lr=0.1))
    >>> line = Distilled(torch.tensor([[[0.0], [1.0]]]), torch.tensor([[1.0, 3.0]]), torch.ones(1, 2))
    >>> round(learner.predict(learner.fit(line), torch.tensor([[[2.0]]])).item(), 1)
    5.0
    """

    build: Callable[[], nn.Module]
    loss: LossName | Loss = "squared"
    training: Training = field(default_factory=Training)
    penalty: float = 0.0
    name: str = "module"
    batch: int | None = None
    head: str | None = None
    batched: bool | None = None
    any_shape: ClassVar[bool] = True

    def __post_init__(self) -> None:
        super().__post_init__()
        _ = self.network  # refuses a module instead of what makes one

    @cached_property
    def network(self) -> ModuleNetwork:  # type: ignore[override]
        """The functions that the module computes."""
        return ModuleNetwork(self.build, self.loss, self.head, self.batched)

    def fit(self, data: Distilled, generator: torch.Generator | None = None) -> Float[Tensor, "*R P"]:
        """Train from fresh weights; what draws from global random numbers, as dropout does, is seeded by it."""
        if not self.network.draws(data):
            return super().fit(data, generator)
        generator = generator or torch.Generator(data.w.device).manual_seed(0)
        seed = int(torch.randint(2**62, (), generator=generator, device=generator.device))
        with torch.random.fork_rng():
            torch.manual_seed(seed)
            return super().fit(data, generator)
