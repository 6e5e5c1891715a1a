"""Matching for the classifier as its authors mean it: the gradients and paths of its own loss, the means of its own classes.

Both read a label as the classifier does, as "above the threshold, or not"; so learned labels have no gradient, and a point keeps
the class that it began in.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

import torch
from jaxtyping import Float
from torch import Tensor
from torch.nn.functional import logsigmoid

from ddlib.learners import Network
from ddlib.methods import DistributionMatching
from ddlib.problem import Distilled, Task


@dataclass(frozen=True)
class LogisticNetwork(Network):
    r"""A network with the logistic loss, without a penalty.

    .. math:: \ell(\theta; S) = \sum_i w_i \log\bigl(1 + e^{-s_i f_\theta(x_i)}\bigr), \qquad s_i = \pm 1

    Attributes:
        threshold: labels above it are read as +1, the others as -1.

    >>> data = Distilled(torch.zeros(1, 2, 3), torch.tensor([[0.0, 1.0]]), torch.ones(1, 2))
    >>> LogisticNetwork((), bias=False, mean=False, threshold=0.5).loss(torch.zeros(1, 3), data)
    tensor([1.3863])
    """

    threshold: float = 0.0

    def loss(self, theta: Float[Tensor, "*R P"], data: Distilled) -> Float[Tensor, "*R"]:
        r""":math:`\ell(\theta; S)`, one number per replicate."""
        sign = torch.where(data.y > self.threshold, 1.0, -1.0).to(data.x)
        loss = -(data.w * logsigmoid(sign * self.predict(theta, data.x).squeeze(-1))).sum(-1)
        return loss / data.w.sum(-1) if self.mean else loss


@dataclass(frozen=True)
class ClassMatching(DistributionMatching):
    r"""Distribution matching with linear features, class by class, for labels that are numbers.

    .. math:: \phi(S) = \sum_c \bigl\| \bar x_{S_c} - \bar x_{D_c} \bigr\|^2

    Published sets have points of every class. A set that lacks one counts there as if it had the mean of all data (zero, for
    columns that are centred): to leave the class out, as the library does, would prefer such sets.

    Attributes:
        threshold: labels above it are one class, the others the other.

    >>> from ddlib.tasks import RidgeTask, as_data
    >>> task = RidgeTask(as_data([[-1.0], [-3.0], [4.0]], [0.0, 0.0, 1.0]))
    >>> points = Distilled(torch.tensor([[[-1.0]]]), torch.tensor([[0.0]]), torch.ones(1, 1))
    >>> ClassMatching(threshold=0.5).surrogate(task, points, torch.Generator()).tolist()  # (-1 + 2)² and 4²
    [17.0]
    """

    threshold: float = 0.0

    def surrogate(self, task: Task, distilled: Distilled, generator: torch.Generator, memory: Any = None) -> Float[Tensor, " R"]:
        """The squared distance of class means, summed over the two classes."""
        return (self._means(distilled) - self._means(task.train)).square().sum((-2, -1))

    def _means(self, data: Distilled) -> Float[Tensor, "R 2 d"]:
        above = data.y > self.threshold
        share = data.w.unsqueeze(-2) * torch.stack([~above, above], -2)
        total = share.sum(-1, keepdim=True)
        return share @ data.x / torch.where(total > 0, total, torch.ones_like(total))
