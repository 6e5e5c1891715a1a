"""Prediction of new cases with an interval: is it as often right as it says, and how wide is it?"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, field, replace
from functools import cached_property
from typing import Literal

import torch
from jaxtyping import Float
from torch import Tensor

from ddlib.closed_forms import carry
from ddlib.learners.bayesian_linear import BayesianLinear, Posterior
from ddlib.problem import Block, Distilled, Split
from ddlib.tasks.empirical import checked
from ddlib.tasks.splits import Splits, expanded, random_rows

__all__ = ["IntervalTask"]


@dataclass(frozen=True, eq=False)
class IntervalTask:
    r"""Bayesian linear regression judged by its predictive intervals, or by its predictive means.

    The risk is the mean interval score (Gneiting and Raftery 2007) of the central interval [l, u] of level :math:`1 - \alpha`,

    .. math:: (u - l) + \tfrac{2}{\alpha} (l - y)_+ + \tfrac{2}{\alpha} (y - u)_+ ,

    which is least in expectation for the true quantiles, or, with ``criterion="squared"``, the mean squared error of the means.

    Attributes:
        splits: the data, R replicates each, scalar labels.
        learner: the regression.
        level: :math:`1 - \alpha`.
        criterion: ``"interval"`` or ``"squared"``: what is deployed.

    >>> from ddlib.tasks import split
    >>> x = torch.linspace(0, 1, 12).unsqueeze(-1)
    >>> task = IntervalTask(split(x, 2 * x[:, 0], (4, 4, 4), 3, torch.Generator().manual_seed(0)))
    >>> task.risk(task.reference, "test").shape
    torch.Size([3])
    """

    splits: Splits
    learner: BayesianLinear = field(default_factory=BayesianLinear)
    level: float = 0.9
    criterion: Literal["interval", "squared"] = "interval"

    def __post_init__(self) -> None:
        if not isinstance(self.splits, Splits):
            raise TypeError(
                f"an interval task needs training, validation and test data, not a {type(self.splits).__name__}: write "
                "split(x, y, ...)"
            )
        for data in self.splits:
            checked(data)
        if not 0 < self.level < 1:
            raise ValueError(f"the level of an interval must lie between 0 and 1, but it is {self.level}: give 0.9 for 90 %")
        if self.criterion not in ("interval", "squared"):
            raise ValueError(f"the criterion must be 'interval' or 'squared', but it is {self.criterion!r}")

    @property
    def name(self) -> str:
        """What is judged."""
        return "predictive interval" if self.criterion == "interval" else "predictive mean"

    @property
    def train(self) -> Distilled:
        """D."""
        return self.splits.train

    @cached_property
    def reference(self) -> Posterior:
        """The posterior given D."""
        return self.fit(self.train)

    def start(self, budget: int, generator: torch.Generator) -> Distilled:
        """Rows of D."""
        return random_rows(self.train, budget, generator, self.name)

    def fit(self, distilled: Distilled, generator: torch.Generator | None = None) -> Posterior:
        """The posterior given a set."""
        return self.learner.fit(distilled)

    def risk(self, model: Posterior, split: Split = "train") -> Float[Tensor, " R"]:
        """The mean interval score, or the mean squared error, on a split."""
        data = self.splits.part(split)
        if self.criterion == "squared":
            each = (self.learner.predict(model, data.x) - data.y).square()
        else:
            low, high = self.learner.interval(model, data.x, self.level)
            outside = (low - data.y).relu() + (data.y - high).relu()
            each = high - low + 2 / (1 - self.level) * outside
        return (data.w * each).sum(-1) / data.w.sum(-1)

    def coverage(self, model: Posterior, split: Split = "test") -> Float[Tensor, " R"]:
        """The share of a split's labels that lie in their intervals."""
        data = self.splits.part(split)
        low, high = self.learner.interval(model, data.x, self.level)
        return (data.w * ((low <= data.y) & (data.y <= high))).sum(-1) / data.w.sum(-1)

    def width(self, model: Posterior, split: Split = "test") -> Float[Tensor, " R"]:
        """The mean length of the intervals on a split."""
        data = self.splits.part(split)
        low, high = self.learner.interval(model, data.x, self.level)
        return (data.w * (high - low)).sum(-1) / data.w.sum(-1)

    def serving(self, replicates: int) -> IntervalTask:
        """The same task for another number of sets side by side."""
        return replace(self, splits=expanded(self.splits, replicates, self.name))

    def blocks(self, distilled: Distilled) -> Sequence[Block]:
        """One block: the whole set, with the risk on D."""
        return [Block(torch.arange(distilled.budget, device=distilled.w.device), self.risk)]

    def construct(self, budget: int) -> Distilled:
        r"""d + 2 points with the mean and covariance of (x, y) in D, whose weights add up to D's.

        The posterior depends on D through :math:`\sum w`, the mean and the covariance of (x, y) only. With weights of one the same
        points would give the right mean and claim to know it from d + 2 rows. Nothing is known for fewer points.
        """
        data, enough = self.train, self._enough
        if budget < enough:
            raise NotImplementedError(f"no exact construction is known for the {self.name} with fewer than {enough} points")
        rows, total = torch.cat([data.x, data.y.unsqueeze(-1)], -1), data.w.sum(-1, keepdim=True)
        share = (data.w / total).unsqueeze(-1)
        mean = (share * rows).sum(-2)
        centred = share.sqrt() * (rows - mean.unsqueeze(-2))
        points = carry(mean, centred.mT @ centred)
        return Distilled(points[..., :-1], points[..., -1], (total / enough).expand(-1, enough))

    def is_exact(self, budget: int) -> bool:
        """From d + 2 points on."""
        return budget >= self._enough

    @property
    def _enough(self) -> int:
        return self.train.x.shape[-1] + 2
