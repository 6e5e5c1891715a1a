"""Gradient matching: sets on which a network's loss has the data's gradient."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import Any, Literal

import torch
from jaxtyping import Float
from torch import Tensor

from ddlib.learners.network import Network
from ddlib.learners.training import Training
from ddlib.methods.descent import Descent
from ddlib.methods.joined import classes
from ddlib.methods.needs import ROWS
from ddlib.problem import Distilled, Task
from ddlib.requirement import Requirement


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
        batch: rows of D drawn from each class for an update; None: as many as the smallest class has (all of D without classes).
        restart: updates with one network; in between it is trained on S.
        training: how it is trained in between.
    """

    name: str = "gradient_matching"
    network: Network = field(default_factory=lambda: Network(widths=(), bias=False, mean=False))
    distance: Literal["squared", "cosine"] = "squared"
    per_class: bool = True
    draws: int = 1
    batch: int | None = None
    restart: int = 1
    training: Training = field(default_factory=lambda: Training(steps=10, lr=0.01, optimiser="sgd"))

    def __post_init__(self) -> None:
        super().__post_init__()
        if self.distance not in ("squared", "cosine"):
            raise ValueError(f"the distance of gradients must be 'squared' or 'cosine', but it is {self.distance!r}")
        if self.draws < 1 or self.restart < 1 or (self.batch is not None and self.batch < 1):
            raise ValueError(
                f"draws, restart and batch must be at least 1, but they are {self.draws}, {self.restart} and {self.batch}"
            )

    @property
    def requires(self) -> tuple[Requirement, ...]:
        """Complete labelled rows, and a gradient."""
        *before, gradient = super().requires
        return (*before, *ROWS, gradient)

    def remember(self, task: Task, generator: torch.Generator) -> Any:
        """The first networks."""
        for need in ROWS:
            need.check(self, task, 1)
        return self._fresh(task, generator)

    def surrogate(self, task: Task, distilled: Distilled, generator: torch.Generator, memory: Any = None) -> Float[Tensor, " R"]:
        """The distance of gradients, summed over classes and averaged over the networks."""
        theta = self._fresh(task, generator) if memory is None else memory
        ours, theirs = self._groups(task.train, distilled, generator)
        theta = theta.unsqueeze(1).expand(-1, len(ours.w), *theta.shape[1:])  # draws × groups × replicates × parameters
        apart = self._apart(self._gradient(theta, ours), self._gradient(theta, theirs).detach(), distilled.x.shape[-1])
        present = ours.w.sum(-1) > 0
        return (apart * present).sum(1).mean(0)

    def proceed(self, task: Task, distilled: Distilled, generator: torch.Generator, memory: Any, step: int) -> Any:
        """Fresh networks, or the same ones trained on S."""
        if step % self.restart == 0:
            return self._fresh(task, generator)
        with torch.no_grad():
            return self.training.run(lambda theta: self.network.loss(theta, distilled), memory)

    def _fresh(self, task: Task, generator: torch.Generator) -> Float[Tensor, "K R P"]:
        data = task.train
        many = data._replace(w=data.w.expand(self.draws, *data.w.shape))
        return self.network.initial(many, generator).detach()

    def _groups(self, data: Distilled, distilled: Distilled, generator: torch.Generator) -> tuple[Distilled, Distilled]:
        """S and D with a leading axis of classes: S by weights that are zero elsewhere, D by rows of each class."""
        group = classes(data)
        if group is None or not self.per_class:
            return Distilled(*(part.unsqueeze(0) for part in distilled)), Distilled(*(part.unsqueeze(0) for part in data))
        labels = torch.arange(data.y.shape[-1], device=group.device).view(-1, 1, 1)
        mine = classes(distilled)
        ours = Distilled(distilled.x.unsqueeze(0), distilled.y.unsqueeze(0), distilled.w * (mine == labels))
        member = group == labels
        count = min(self.batch or data.budget, int(member.sum(-1).min()))
        draw = torch.rand(member.shape, generator=generator, device=generator.device).to(member.device)
        rows = (draw + 2 * ~member).argsort(-1)[..., :count]  # random members of each class
        pick = torch.arange(data.replicates, device=rows.device).view(1, -1, 1)
        return ours, Distilled(data.x[pick, rows], data.y[pick, rows], data.w[pick, rows])

    def _gradient(self, theta: Float[Tensor, "K C R P"], data: Distilled) -> Float[Tensor, "K C R P"]:
        with torch.enable_grad():
            theta = theta.detach().requires_grad_()
            empty = data.w.sum(-1, keepdim=True) == 0  # such a class is left out later; its mean must not be 0/0
            loss = self.network.loss(theta, data._replace(w=torch.where(empty, torch.ones_like(data.w), data.w)))
            return torch.autograd.grad(loss.sum(), theta, create_graph=True)[0]

    def _apart(self, ours: Tensor, theirs: Tensor, inputs: int) -> Float[Tensor, "K C R"]:
        if self.distance == "squared":
            return (ours - theirs).square().sum(-1)
        total = torch.zeros_like(ours[..., 0])
        for mine, other in zip(self.network.layers(ours, inputs), self.network.layers(theirs, inputs), strict=True):
            total = total + (1 - _cosine(mine.weight, other.weight)).sum(-1)
        return total


def _cosine(a: Float[Tensor, "*K a b"], b: Float[Tensor, "*K a b"]) -> Float[Tensor, "*K b"]:
    """Cosine of each column; a column of zeros has cosine zero, and a gradient."""
    tiny = torch.finfo(a.dtype).eps
    lengths = ((a.square().sum(-2) + tiny**2) * (b.square().sum(-2) + tiny**2)).sqrt()
    return (a * b).sum(-2) / lengths
