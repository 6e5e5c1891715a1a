"""Distribution matching: sets whose features have the data's mean in each class."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import Any

import torch
from jaxtyping import Float
from torch import Tensor

from ddlib.closed_forms import label_scale
from ddlib.learners.network import Network
from ddlib.methods.descent import Descent
from ddlib.methods.joined import classes, joined
from ddlib.methods.needs import COMPLETE
from ddlib.problem import Distilled, Task
from ddlib.requirement import Requirement


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
    """

    name: str = "distribution_matching"
    network: Network = field(default_factory=lambda: Network(widths=()))
    draws: int = 1

    def __post_init__(self) -> None:
        super().__post_init__()
        if self.draws < 1:
            raise ValueError(f"distribution matching needs at least 1 random network for each update, but draws is {self.draws}")

    @property
    def requires(self) -> tuple[Requirement, ...]:
        """Complete rows, and a gradient."""
        *before, gradient = super().requires
        return (*before, COMPLETE, gradient)

    def remember(self, task: Task, generator: torch.Generator) -> None:
        """Nothing, but rows with gaps are refused."""
        COMPLETE.check(self, task, 1)

    def surrogate(self, task: Task, distilled: Distilled, generator: torch.Generator, memory: Any = None) -> Float[Tensor, " R"]:
        """The squared distance of mean features, summed over classes and averaged over fresh networks."""
        data = task.train
        rows, points = _inputs(data, data), _inputs(distilled, data)
        many = data._replace(x=rows.expand(self.draws, *rows.shape), w=data.w.expand(self.draws, *data.w.shape))
        theta = self.network.initial(many, generator)
        ours = _class_means(self.network.features(theta, points.expand(self.draws, *points.shape)), distilled)
        theirs = _class_means(self.network.features(theta, many.x), data)
        present = _membership(distilled).sum(-1) > 0
        return ((ours - theirs).square().sum(-1) * present).sum(-1).mean(0)


def _inputs(distilled: Distilled, data: Distilled) -> Float[Tensor, "R m k"]:
    return distilled.x.flatten(distilled.w.ndim) if classes(data) is not None else joined(distilled, label_scale(data))


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
