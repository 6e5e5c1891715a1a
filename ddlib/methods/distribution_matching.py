"""Distribution matching: sets whose features have the data's mean in each class."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import Any

import torch
from jaxtyping import Float
from torch import Tensor

from ddlib.augmentations import Augmentation, alike, check_augmentation
from ddlib.closed_forms import label_scale
from ddlib.learners.network import Network
from ddlib.methods.descent import Descent
from ddlib.methods.joined import classes, has_classes, joined, members
from ddlib.methods.needs import COMPLETE, PLAIN_LABELS, check_network, held, several, shown
from ddlib.minibatches import drawn
from ddlib.problem import Distilled, Task
from ddlib.protocols import Parametric
from ddlib.requirement import Requirement

__all__ = ["DistributionMatching"]


@dataclass(frozen=True)
class DistributionMatching(Descent):
    r"""Gradient descent on the distance of mean features, class by class, over random networks (Zhao and Bilen 2023).

    .. math:: \phi(S) = \mathbb{E}_\theta \sum_c \Bigl\| \frac{\sum_{i \in S_c} w_i\, h_\theta(x_i)}{\sum_{i \in S_c} w_i}
        - \frac{\sum_{i \in D_c} w_i\, h_\theta(x_i)}{\sum_{i \in D_c} w_i} \Bigr\|^2

    Without hidden layers :math:`h(x) = x`, and one point per class, its mean, is optimal: nothing of second order is kept. Scalar
    labels have no classes: there is one sum, and the label counts as one more column of x, in units of its standard deviation.

    Attributes:
        network: whose last hidden layer gives the features; fresh weights for each update.
        draws: networks over which an update averages.
        batch: rows of D drawn from each class, with replacement, for an update (from D without classes); None: all.
        augment: changes the units of S and D alike before an update (:mod:`ddlib.augmentations`; Zhao and Bilen 2021); None: not.

    >>> from ddlib import distil
    >>> from ddlib.tasks import RidgeTask, as_data
    >>> task = RidgeTask(as_data([[1.0], [2.0], [3.0], [4.0]], [1.0, 2.0, 3.0, 5.0]))
    >>> run = distil(DistributionMatching(), task, 1, 20, torch.Generator().manual_seed(0))
    >>> bool(run.history[-1].surrogate < run.history[0].surrogate)
    True
    """

    name: str = "distribution_matching"
    network: Parametric = field(default_factory=lambda: Network(widths=()))
    draws: int = 1
    augment: Augmentation | None = None

    def __post_init__(self) -> None:
        super().__post_init__()
        check_network(self.network)
        check_augmentation(self.augment)
        if self.draws < 1:
            raise ValueError(f"distribution matching needs at least 1 random network for each update, but draws is {self.draws}")

    @property
    def requires(self) -> tuple[Requirement, ...]:
        """Complete rows, and a gradient."""
        *before, gradient = super().requires
        return (*before, COMPLETE, PLAIN_LABELS, gradient)

    def remember(self, task: Task, generator: torch.Generator) -> None:
        """Nothing, but rows with gaps are refused, and labels that are numbers where the network takes units of any shape."""
        for need in (COMPLETE, PLAIN_LABELS):
            need.check(self, task, 1)
        if not has_classes(task.train) and getattr(self.network, "any_shape", False):
            raise ValueError(
                f"{self.name} takes a label that is a number as one more column, which a module on units of any shape cannot "
                "see: choose a Network, or class labels"
            )

    def looked_at(self, task: Task, generator: torch.Generator) -> Task:
        """The task as it is, for the batch is drawn class by class; of data that are not held, a batch first."""
        return held(task, self.batch, generator)

    def surrogate(self, task: Task, distilled: Distilled, generator: torch.Generator, memory: Any = None) -> Float[Tensor, " R"]:
        """The squared distance of mean features, summed over classes and averaged over fresh networks."""
        data = task.train
        pair = alike(self.augment, (distilled, self._some(data, generator)), generator)
        ours, theirs = (points._replace(x=self._inputs(points, data)) for points in pair)
        theta = self.network.initial(several(theirs, self.draws), generator)
        means = [_class_means(self.network.features(theta, points.x), points) for points in (ours, theirs)]
        present = (_membership(ours).sum(-1) > 0) & (_membership(theirs).sum(-1) > 0)
        return ((means[0] - means[1]).square().sum(-1) * present).sum(-1).mean(0)

    def _inputs(self, distilled: Distilled, data: Distilled) -> Float[Tensor, "R m *unit"]:
        """The units as the network takes them; labels that are numbers are one more column."""
        return shown(self.network, distilled).x if has_classes(data) else joined(distilled, label_scale(data))

    def _some(self, data: Distilled, generator: torch.Generator) -> Distilled:
        """A batch of the rows, as many of each class, or all."""
        if self.batch is None:
            return data
        group = classes(data)
        if group is None:
            return drawn(data, self.batch, generator)
        x, y, w = (part.transpose(0, 1).flatten(1, 2) for part in members(data, group, self.batch, generator))
        return Distilled(x, y, w)


def _membership(distilled: Distilled) -> Float[Tensor, "R c m"]:
    """The weight of each row in each class; one class where labels are scalar."""
    group = classes(distilled)
    if group is None:
        return distilled.w.unsqueeze(-2)
    labels = torch.arange(distilled.y.shape[-1], device=group.device).unsqueeze(-1)
    return distilled.w.unsqueeze(-2) * (group.unsqueeze(-2) == labels)


def _class_means(features: Float[Tensor, "K R m h"], distilled: Distilled) -> Float[Tensor, "K R c h"]:
    """Weighted mean features of each class; zero for a class without rows."""
    share = _membership(distilled)
    total = share.sum(-1, keepdim=True)
    return (share / torch.where(total > 0, total, torch.ones_like(total))) @ features
