r"""The nearest neighbour's class, by scikit-learn."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import Any, ClassVar, NamedTuple

import numpy as np
import torch
from jaxtyping import Float
from sklearn.neighbors import KNeighborsClassifier
from torch import Tensor

from ddlib.learners.check import class_labels, no_negative_weight
from ddlib.problem import Distilled


class Estimators(NamedTuple):
    """Fitted scikit-learn classifiers, one per replicate.

    Attributes:
        fitted: the classifiers, None for a replicate without data.
        batch: the shape of the replicates.
        classes: the number of classes C, those without data included.
    """

    fitted: Sequence[Any]
    batch: torch.Size
    classes: int


@dataclass(frozen=True)
class NearestNeighbour:
    r"""The class of the nearest row (Fix and Hodges 1951, Cover and Hart 1967).

    .. math:: f(x) = c_{i(x)}, \qquad i(x) = \arg\min_{i : w_i > 0} \|x - x_i\|

    Weights do not count, but rows of weight zero are left out. Not differentiable.

    Args:
        name: how tables and figures call it.
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
        return fit_each(data, lambda index, x, label, w: KNeighborsClassifier(1).fit(x, label))

    def predict(self, model: Estimators, x: Float[Tensor, "*R n d"]) -> Float[Tensor, "*R n C"]:
        """One in the column of the class, zero elsewhere; all equal where a replicate has no data."""
        return predict_each(model, x)


def fit_each(data: Distilled, fit: Callable[[int, np.ndarray, np.ndarray, np.ndarray], Any]) -> Estimators:
    """Fit one classifier per replicate to the rows of positive weight.

    Args:
        data: rows x of shape (R, m, d), labels y of shape (R, m, C), the largest of which is the class, weights w of shape
            (R, m).
        fit: makes a classifier from the replicate's number, its rows, their classes, and their weights.

    Raises:
        ValueError: if labels have no column per class, or a weight is negative.
    """
    class_labels(data)
    no_negative_weight(data)
    batch = data.w.shape[:-1]
    x, label, w = (part.detach().cpu().numpy() for part in (data.x.expand(*batch, -1, -1), data.y.argmax(-1), data.w))
    fitted = []
    for number, index in enumerate(np.ndindex(*batch)):
        kept = w[index] > 0
        fitted.append(fit(number, x[index][kept], label[index][kept], w[index][kept]) if kept.any() else None)
    return Estimators(fitted, batch, data.y.shape[-1])


def predict_each(model: Estimators, x: Float[Tensor, "*R n d"]) -> Float[Tensor, "*R n C"]:
    """Each replicate's class probabilities: zero for a class without data, all equal for a replicate without data."""
    batch = np.broadcast_shapes(model.batch, x.shape[:-2])
    rows = x.detach().expand(*batch, -1, -1).cpu().numpy()
    which = np.broadcast_to(np.arange(len(model.fitted)).reshape(model.batch), batch)
    p = np.zeros((*batch, x.shape[-2], model.classes))
    for index in np.ndindex(*batch):
        classifier = model.fitted[int(which[index])]
        if classifier is None:
            p[index] = 1 / model.classes
        elif len(rows[index]):
            p[index][:, classifier.classes_] = classifier.predict_proba(rows[index])
    return torch.as_tensor(p, dtype=x.dtype, device=x.device)
