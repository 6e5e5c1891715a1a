"""Gradient matching: sets on which a network's loss has the data's gradient."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import Any, Literal

import torch
from jaxtyping import Float
from torch import Tensor

from ddlib.augmentations import Augmentation, alike, check_augmentation
from ddlib.learners.network import Network
from ddlib.learners.training import Training
from ddlib.methods.descent import Descent
from ddlib.methods.joined import classes, members, of_each_class
from ddlib.methods.needs import PLAIN_LABELS, ROWS, check_network, held, several, shown
from ddlib.minibatches import drawn
from ddlib.problem import Distilled, Task
from ddlib.protocols import Parametric
from ddlib.requirement import Requirement

__all__ = ["GradientMatching"]


@dataclass(frozen=True)
class GradientMatching(Descent):
    r"""Gradient descent on the distance between the gradients of a network's loss on S and on D (Zhao, Mopuri, Bilen 2021).

    .. math:: \phi(S) = \mathbb{E}_\theta \sum_c d\bigl(\nabla_\theta \ell(\theta; S_c),\, \nabla_\theta \ell(\theta; D_c)\bigr)

    with d the squared distance, or the published sum over layers and their output units of one minus the cosine. With class labels
    and ``per_class`` the gradients are those of each class alone; otherwise there is one sum.

    In the linear model without bias and with summed loss, :math:`\theta \sim N(0, s^2 I)` gives
    :math:`\phi = s^2 \|A_S - A\|_F^2 + \|b_S - b\|^2` with :math:`A = X^\top X, b = X^\top y`: sufficient statistics are matched,
    all directions of the data alike, whatever a task needs of them (derived for this project).

    Attributes:
        network: the function class and its loss; fresh weights :math:`\theta` after every ``restart`` updates.
        distance: ``"squared"`` or ``"cosine"``.
        per_class: match class by class.
        draws: networks over which an update averages.
        batch: rows of D drawn from each class, with replacement, for an update (from D without classes); None: as many as the
            smallest class has (all of D without classes).
        augment: changes the units of S and D alike before an update (:mod:`ddlib.augmentations`; Zhao and Bilen 2021); None: not.
        restart: updates with one network; in between it is trained on S.
        training: how it is trained in between.

    >>> from ddlib import distil
    >>> from ddlib.tasks import RidgeTask, as_data
    >>> task = RidgeTask(as_data([[1.0], [2.0], [3.0], [4.0]], [1.0, 2.0, 3.0, 5.0]))
    >>> method = GradientMatching(learn=("x", "y"))
    >>> distil(method, task, 2, 5, torch.Generator().manual_seed(0)).distilled.x.shape
    torch.Size([1, 2, 1])
    """

    name: str = "gradient_matching"
    network: Parametric = field(default_factory=lambda: Network(widths=(), bias=False, mean=False))
    distance: Literal["squared", "cosine"] = "squared"
    per_class: bool = True
    draws: int = 1
    restart: int = 1
    training: Training = field(default_factory=lambda: Training(steps=10, lr=0.01, optimiser="sgd"))
    augment: Augmentation | None = None

    def __post_init__(self) -> None:
        super().__post_init__()
        check_network(self.network)
        check_augmentation(self.augment)
        if self.distance not in ("squared", "cosine"):
            raise ValueError(f"the distance of gradients must be 'squared' or 'cosine', but it is {self.distance!r}")
        if self.draws < 1 or self.restart < 1:
            raise ValueError(f"draws and restart must be at least 1, but they are {self.draws} and {self.restart}")

    @property
    def requires(self) -> tuple[Requirement, ...]:
        """Complete labelled rows, and a gradient."""
        *before, gradient = super().requires
        return (*before, *ROWS, *((PLAIN_LABELS,) if self.per_class else ()), gradient)

    def remember(self, task: Task, generator: torch.Generator) -> Any:
        """The first networks."""
        for need in (*ROWS, *((PLAIN_LABELS,) if self.per_class else ())):
            need.check(self, task, 1)
        return self._fresh(task, generator)

    def surrogate(self, task: Task, distilled: Distilled, generator: torch.Generator, memory: Any = None) -> Float[Tensor, " R"]:
        """The distance of gradients, summed over classes and averaged over the networks."""
        theta = self._fresh(task, generator) if memory is None else memory
        pair = alike(self.augment, self._groups(task.train, distilled, generator), generator)
        ours, theirs = (shown(self.network, units) for units in pair)
        theta = theta.unsqueeze(1).expand(-1, len(ours.w), *theta.shape[1:])  # draws × groups × replicates × parameters
        apart = self._apart(self._gradient(theta, ours, graph=True), self._gradient(theta, theirs, graph=False), ours)
        present = (ours.w.sum(-1) > 0) & (theirs.w.sum(-1) > 0)
        return (apart * present).sum(1).mean(0)

    def proceed(self, task: Task, distilled: Distilled, generator: torch.Generator, memory: Any, step: int) -> Any:
        """Fresh networks, or the same ones trained on S."""
        if step % self.restart == 0:
            return self._fresh(task, generator)
        with torch.no_grad():
            return self.training.run(lambda theta: self.network.loss(theta, shown(self.network, distilled)), memory)

    def looked_at(self, task: Task, generator: torch.Generator) -> Task:
        """The task as it is, for the batch is drawn class by class; of data that are not held, a batch first."""
        return held(task, self.batch, generator)

    def _fresh(self, task: Task, generator: torch.Generator) -> Float[Tensor, "K R P"]:
        return self.network.initial(several(shown(self.network, task.train), self.draws), generator).detach()

    def _groups(self, data: Distilled, distilled: Distilled, generator: torch.Generator) -> tuple[Distilled, Distilled]:
        """S and D with a leading axis of classes."""
        group = classes(data)
        if group is None or not self.per_class:
            some = data if self.batch is None else drawn(data, self.batch, generator)
            return Distilled(*(part.unsqueeze(0) for part in distilled)), Distilled(*(part.unsqueeze(0) for part in some))
        return of_each_class(distilled), members(data, group, self.batch, generator)

    def _gradient(self, theta: Float[Tensor, "K C R P"], data: Distilled, graph: bool) -> Float[Tensor, "K C R P"]:
        with torch.enable_grad():
            theta = theta.detach().requires_grad_()
            empty = data.w.sum(-1, keepdim=True) == 0  # such a class is left out later; its mean must not be 0/0
            loss = self.network.loss(theta, data._replace(w=torch.where(empty, torch.ones_like(data.w), data.w)))
            return torch.autograd.grad(loss.sum(), theta, create_graph=graph)[0]

    def _apart(self, ours: Tensor, theirs: Tensor, data: Distilled) -> Float[Tensor, "K C R"]:
        if self.distance == "squared":
            return (ours - theirs).square().sum(-1)
        total = torch.zeros_like(ours[..., 0])
        for mine, other in zip(self.network.weights(ours, data), self.network.weights(theirs, data), strict=True):
            total = total + (1 - _cosine(mine, other)).sum(-1)
        return total


def _cosine(a: Float[Tensor, "*K a b"], b: Float[Tensor, "*K a b"]) -> Float[Tensor, "*K b"]:
    """Cosine of each column; a column of zeros has cosine zero, and a gradient."""
    tiny = torch.finfo(a.dtype).eps
    lengths = ((a.square().sum(-2) + tiny**2) * (b.square().sum(-2) + tiny**2)).sqrt()
    return (a * b).sum(-2) / lengths
