r"""Random forests by scikit-learn."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

import numpy as np
import torch
from jaxtyping import Float
from sklearn.ensemble import RandomForestClassifier, RandomForestRegressor
from torch import Tensor

from ddlib.learners.check import number_labels, whole_number
from ddlib.learners.estimators import Estimators, answer_each, classify_each, fit_classifiers, fit_each
from ddlib.problem import Distilled

__all__ = ["RandomForest", "RegressionForest"]


@dataclass(frozen=True)
class RandomForest:
    r"""A random forest of classification trees (Breiman 2001).

    .. math:: f(x) = \frac1T \sum_{t=1}^T f_t(x)

    Each tree :math:`f_t` is grown to the end on its own bootstrap sample, with :math:`\sqrt d` random columns tried at each split,
    and gives the classes' shares in the leaf of x. The weights are scikit-learn's sample weights; rows of weight zero are left out.
    Not differentiable.

    Args:
        trees: their number T.
        name: how tables and figures call it.

    Raises:
        ValueError: if there is no tree.

    >>> learner = RandomForest(trees=20)
    >>> data = Distilled(torch.tensor([[[0.0], [0.1], [1.0], [1.1]]]), torch.eye(2)[[0, 0, 1, 1]].unsqueeze(0), torch.ones(1, 4))
    >>> learner.predict(learner.fit(data), data.x).argmax(-1)
    tensor([[0, 0, 1, 1]])
    """

    trees: int = 200
    name: str = "random forest"

    def __post_init__(self) -> None:
        whole_number(self.trees, "the number of trees of a forest")

    def fit(self, data: Distilled, generator: torch.Generator | None = None) -> Estimators:
        """One forest per replicate.

        Args:
            data: rows x of shape (R, m, d), labels y of shape (R, m, C), the largest of which is the class, weights w of shape
                (R, m).
            generator: the source of one seed per replicate; without it, the seed is 0 for each.

        Raises:
            ValueError: if labels have no column per class, a weight is negative, or a row of positive weight is not finite.
        """
        seeds = _seeds(data, generator)

        def grow(number: int, x: np.ndarray, label: np.ndarray, w: np.ndarray) -> RandomForestClassifier:
            return RandomForestClassifier(self.trees, random_state=seeds[number], n_jobs=1).fit(x, label, w)

        return fit_classifiers(data, grow)

    def predict(self, model: Estimators, x: Float[Tensor, "*R n d"]) -> Float[Tensor, "*R n C"]:
        """The probabilities of the classes, averaged over the trees; all equal where a replicate has no data."""
        return classify_each(model, x)


@dataclass(frozen=True)
class RegressionForest:
    r"""A random forest of regression trees (Breiman 2001).

    .. math:: f(x) = \frac1T \sum_{t=1}^T f_t(x)

    Each tree :math:`f_t` is grown to the end on its own bootstrap sample and gives the mean label in the leaf of x. The weights are
    scikit-learn's sample weights; rows of weight zero are left out. The function is piecewise constant: it has no derivatives.

    Args:
        trees: their number T.
        name: how tables and figures call it.

    Raises:
        ValueError: if there is no tree.

    >>> learner = RegressionForest(trees=5)
    >>> data = Distilled(torch.tensor([[[0.0], [0.1], [1.0], [1.1]]]), torch.full((1, 4), 2.0), torch.ones(1, 4))
    >>> learner.predict(learner.fit(data), data.x)
    tensor([[2., 2., 2., 2.]])
    """

    trees: int = 100
    name: str = "random forest"

    def __post_init__(self) -> None:
        whole_number(self.trees, "the number of trees of a forest")

    def fit(self, data: Distilled, generator: torch.Generator | None = None) -> Estimators:
        """One forest per replicate.

        Args:
            data: rows x of shape (R, m, d), labels y of shape (R, m), weights w of shape (R, m).
            generator: the source of one seed per replicate; without it, the seed is 0 for each.

        Raises:
            ValueError: if labels are vectors, or a weight is negative.
        """
        number_labels(data)
        seeds = _seeds(data, generator)

        def grow(number: int, x: np.ndarray, y: np.ndarray, w: np.ndarray) -> RandomForestRegressor:
            return RandomForestRegressor(self.trees, random_state=seeds[number], n_jobs=1).fit(x, y, w)

        return fit_each(data, grow)

    def predict(self, model: Estimators, x: Float[Tensor, "*R n d"]) -> Float[Tensor, "*R n"]:
        """The mean of the trees; zero where a replicate has no data."""

        def mean(forest: Any, rows: np.ndarray) -> np.ndarray:
            return forest.predict(rows) if forest is not None and len(rows) else np.zeros(len(rows))

        return answer_each(model, x, mean)


def _seeds(data: Distilled, generator: torch.Generator | None) -> list[int]:
    """One per replicate."""
    count = data.w.shape[:-1].numel()
    if generator is None:
        return [0] * count
    return torch.randint(2**31 - 1, (count,), generator=generator, device=generator.device).tolist()
