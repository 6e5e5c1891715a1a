"""scikit-learn's estimators on batches: one for each replicate, fitted to its rows of positive weight."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import Any, NamedTuple

import numpy as np
import torch
from jaxtyping import Float
from torch import Tensor

from ddlib.learners.check import class_labels, no_negative_weight
from ddlib.problem import Distilled

__all__ = ["Estimators", "answer_each", "classify_each", "fit_classifiers", "fit_each"]

Fit = Callable[[int, np.ndarray, np.ndarray, np.ndarray], Any]


class Estimators(NamedTuple):
    """Fitted scikit-learn estimators, one per replicate.

    Attributes:
        fitted: the estimators, None for a replicate without data.
        batch: the shape of the replicates.
        classes: of classifiers the number of classes C, those without data included.

    >>> Estimators(fitted=[None, None], batch=torch.Size([2])).classes
    0
    """

    fitted: Sequence[Any]
    batch: torch.Size
    classes: int = 0


def fit_each(data: Distilled, fit: Fit) -> Estimators:
    """Fit one estimator per replicate to the rows of positive weight.

    Args:
        data: rows x of shape (R, m, d), labels y of shape (R, m), weights w of shape (R, m).
        fit: makes an estimator from the replicate's number, its rows, their labels, and their weights.

    Raises:
        ValueError: if a weight is negative.

    >>> from sklearn.linear_model import Ridge
    >>> data = Distilled(torch.zeros(2, 4, 3), torch.zeros(2, 4), torch.ones(2, 4))
    >>> len(fit_each(data, lambda number, x, y, w: Ridge().fit(x, y, w)).fitted)
    2
    """
    no_negative_weight(data)
    batch = data.w.shape[:-1]
    x, y, w = (part.detach().cpu().numpy() for part in (data.x.expand(*batch, -1, -1), data.y.expand(*batch, -1), data.w))
    fitted = []
    for number, index in enumerate(np.ndindex(*batch)):
        kept = w[index] > 0
        fitted.append(fit(number, x[index][kept], y[index][kept], w[index][kept]) if kept.any() else None)
    return Estimators(fitted, batch)


def answer_each(model: Estimators, x: Float[Tensor, "*R n d"], answer: Callable[[Any, np.ndarray], np.ndarray]) -> Tensor:
    """What each replicate's estimator says of units.

    Args:
        model: the estimators.
        x: units; leading axes broadcast against the replicates.
        answer: made of an estimator, or None, and the units of shape (n, d); its first axis has length n.

    >>> from sklearn.linear_model import LinearRegression
    >>> line = Distilled(torch.tensor([[[0.0], [1.0]]]), torch.tensor([[1.0, 3.0]]), torch.ones(1, 2))
    >>> model = fit_each(line, lambda number, x, y, w: LinearRegression().fit(x, y, w))
    >>> answer_each(model, torch.tensor([[[2.0]]]), lambda one, x: one.predict(x)).round(decimals=3)
    tensor([[5.]])
    """
    batch = np.broadcast_shapes(model.batch, x.shape[:-2])
    rows = x.detach().expand(*batch, -1, -1).cpu().numpy()
    which = np.broadcast_to(np.arange(len(model.fitted)).reshape(model.batch), batch)
    found = np.stack([answer(model.fitted[int(which[index])], rows[index]) for index in np.ndindex(*batch)])
    return torch.as_tensor(found.reshape(*batch, *found.shape[1:]), dtype=x.dtype, device=x.device)


def fit_classifiers(data: Distilled, fit: Fit) -> Estimators:
    """:func:`fit_each` for classes: labels y of shape (R, m, C), the largest of which is the class.

    Raises:
        ValueError: if labels have no column per class, or a weight is negative.

    >>> from sklearn.naive_bayes import GaussianNB
    >>> data = Distilled(torch.eye(2).unsqueeze(0), torch.eye(2).unsqueeze(0), torch.ones(1, 2))
    >>> fit_classifiers(data, lambda number, x, label, w: GaussianNB().fit(x, label, w)).classes
    2
    """
    class_labels(data)
    return fit_each(data._replace(y=data.y.argmax(-1)), fit)._replace(classes=data.y.shape[-1])


def classify_each(model: Estimators, x: Float[Tensor, "*R n d"]) -> Float[Tensor, "*R n C"]:
    """Each replicate's class probabilities: zero for a class without data, all equal for a replicate without data.

    >>> from sklearn.naive_bayes import GaussianNB
    >>> data = Distilled(torch.eye(2).unsqueeze(0), torch.eye(2).unsqueeze(0), torch.ones(1, 2))
    >>> model = fit_classifiers(data, lambda number, x, label, w: GaussianNB().fit(x, label, w))
    >>> classify_each(model, data.x).round(decimals=3)
    tensor([[[1., 0.],
             [0., 1.]]])
    """

    def shares(classifier: Any, rows: np.ndarray) -> np.ndarray:
        p = np.full((len(rows), model.classes), 1 / model.classes if classifier is None else 0.0)
        if classifier is not None and len(rows):
            p[:, classifier.classes_] = classifier.predict_proba(rows)
        return p

    return answer_each(model, x, shares)
