r"""The nearest neighbour's class, by scikit-learn."""

from __future__ import annotations

from dataclasses import dataclass
from typing import ClassVar

import torch
from jaxtyping import Float
from sklearn.neighbors import KNeighborsClassifier
from torch import Tensor

from ddlib.learners.estimators import Estimators, classify_each, fit_classifiers
from ddlib.problem import Distilled

__all__ = ["NearestNeighbour"]


@dataclass(frozen=True)
class NearestNeighbour:
    r"""The class of the nearest row (Fix and Hodges 1951, Cover and Hart 1967).

    .. math:: f(x) = c_{i(x)}, \qquad i(x) = \arg\min_{i : w_i > 0} \|x - x_i\|

    Weights do not count, but rows of weight zero are left out. Not differentiable.

    Args:
        name: how tables and figures call it.

    >>> learner = NearestNeighbour()
    >>> data = Distilled(torch.tensor([[[0.0], [1.0]]]), torch.eye(2).unsqueeze(0), torch.ones(1, 2))
    >>> learner.predict(learner.fit(data), torch.tensor([[[0.2], [0.9]]]))
    tensor([[[1., 0.],
             [0., 1.]]])
    """

    name: str = "1-NN"
    deterministic: ClassVar[bool] = True

    def fit(self, data: Distilled, generator: torch.Generator | None = None) -> Estimators:
        """The rows of each replicate, ready for search. Draws nothing.

        Args:
            data: rows x of shape (R, m, d), labels y of shape (R, m, C), the largest of which is the class, weights w of shape
                (R, m).
            generator: not used.

        Raises:
            ValueError: if labels have no column per class, a weight is negative, or a row of positive weight is not finite.
        """
        return fit_classifiers(data, lambda index, x, label, w: KNeighborsClassifier(1).fit(x, label))

    def predict(self, model: Estimators, x: Float[Tensor, "*R n d"]) -> Float[Tensor, "*R n C"]:
        """One in the column of the class, zero elsewhere; all equal where a replicate has no data."""
        return classify_each(model, x)
