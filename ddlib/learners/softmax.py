r"""Multinomial logistic regression by scikit-learn."""

from __future__ import annotations

import math
import warnings
from dataclasses import dataclass
from typing import ClassVar

import numpy as np
import torch
from jaxtyping import Float
from sklearn.linear_model import LogisticRegression
from torch import Tensor

from ddlib.learners.check import class_labels, no_negative_weight, positive_penalty
from ddlib.problem import Distilled

__all__ = ["SoftmaxRegression"]

_ABSENT = -40.0  # the intercept of a class without data, whose own minimiser is minus infinity: e⁻⁴⁰ is below rounding
_LARGE = 700  # numbers in a model from which a Hessian costs more than it saves


@dataclass(frozen=True)
class SoftmaxRegression:
    r"""Multinomial logistic regression with a free intercept for each class (Cox 1958, Böhning 1992).

    .. math:: \min_{V, b} \sum_i w_i \sum_c -q_{ic} \log \operatorname{softmax}(V^\top x_i + b)_c + \tfrac{\lambda}{2} \|V\|^2

    The minimiser is unique but for a number that is added to all intercepts; they are centred over the classes that have data. A
    class without data gets weights of zero and an intercept of -40, so that it is never the best. Data whose weights are all zero
    give zeros. The fit is scikit-learn's and not differentiable; :meth:`objective`, whose minimiser it is, is.

    Args:
        penalty: :math:`\lambda > 0`, against a sum of losses, not a mean.
        soft: whether labels are read as probabilities, :math:`q = y + 1/C` clamped at zero and scaled to sum to one (all equal
            where nothing is left); otherwise q is one for the largest label.
        name: how tables and figures call it.

    Raises:
        ValueError: if the penalty is not positive.

    >>> learner = SoftmaxRegression()
    >>> data = Distilled(torch.tensor([[[-1.0], [1.0]]]), torch.eye(2).unsqueeze(0), torch.ones(1, 2))
    >>> learner.predict(learner.fit(data), data.x).argmax(-1)
    tensor([[0, 1]])
    """

    penalty: float = 1.0
    soft: bool = False
    name: str = "logistic"
    deterministic: ClassVar[bool] = True

    def __post_init__(self) -> None:
        positive_penalty(self.penalty)

    def fit(self, data: Distilled, generator: torch.Generator | None = None) -> Float[Tensor, "*R p"]:
        """Weights and intercepts as one flat vector of length (d + 1) C: the rows of V and then b. Draws nothing.

        Args:
            data: rows x of shape (R, m, d), labels y of shape (R, m, C), weights w of shape (R, m).
            generator: not used.

        Raises:
            ValueError: if labels have no column per class, a weight is negative, a value is not finite, or there is no convergence.
        """
        class_labels(data)
        no_negative_weight(data)
        batch = data.w.shape[:-1]
        mass = data.w.unsqueeze(-1) * self._probabilities(data.y)
        x, q = (part.detach().cpu().double().numpy() for part in (data.x.expand(*batch, -1, -1), mass))
        model = np.zeros((*batch, x.shape[-1] + 1, q.shape[-1]))
        for index in np.ndindex(*batch):
            model[index] = self._solve(x[index], q[index])
        flat = torch.as_tensor(model, dtype=data.x.dtype, device=data.x.device)
        return flat.flatten(-2)

    def predict(self, model: Float[Tensor, "*R p"], x: Float[Tensor, "*R n d"]) -> Float[Tensor, "*R n C"]:
        """The logits of every row of x, one column per class."""
        matrix = model.unflatten(-1, (x.shape[-1] + 1, -1))
        return x @ matrix[..., :-1, :] + matrix[..., -1:, :]

    def objective(self, model: Float[Tensor, "*R p"], data: Distilled) -> Float[Tensor, "*R"]:
        """The penalised loss that the fit minimises, one number per replicate; differentiable in the model and in the data."""
        class_labels(data)
        loss = -(self._probabilities(data.y) * self.predict(model, data.x).log_softmax(-1)).sum(-1)
        weights = model[..., : -data.y.shape[-1]]
        return (data.w * loss).sum(-1) + self.penalty / 2 * (weights**2).sum(-1)

    def _probabilities(self, y: Float[Tensor, "*R m C"]) -> Float[Tensor, "*R m C"]:
        classes = y.shape[-1]
        if not self.soft:
            return torch.nn.functional.one_hot(y.argmax(-1), classes).to(y.dtype)
        q = (y + 1 / classes).clamp(min=0)
        total = q.sum(-1, keepdim=True)
        return torch.where(total > 0, q / torch.where(total > 0, total, 1), 1 / classes)

    def _solve(self, x: np.ndarray, q: np.ndarray) -> np.ndarray:
        """One replicate, from rows and their weight in each class: a matrix with d + 1 rows and one column per class."""
        if not (np.isfinite(x).all() and np.isfinite(q).all()):
            raise ValueError("logistic regression needs finite data: drop or mend the rows that hold NaN or infinity")
        model = np.zeros((x.shape[1] + 1, q.shape[1]))
        present = np.flatnonzero(q.sum(0) > 0)
        if present.size == 0:
            return model
        model[-1] = _ABSENT
        model[-1, present] = 0
        if present.size > 1:
            model[:, present] = self._fit(x, q[:, present])
            model[-1, present] -= model[-1, present].mean()
        return model

    def _fit(self, x: np.ndarray, q: np.ndarray) -> np.ndarray:
        """The fit where every class has data, checked by its gradient, as scikit-learn's own warnings depend on the solver."""
        row, label = np.nonzero(q)
        classes = q.shape[1]
        two = classes == 2  # scikit-learn then has one vector, the difference of ours, which are its halves
        solver = "newton-cholesky" if (x.shape[1] + 1) * classes < _LARGE else "newton-cg"
        centre = q.sum(1) @ x / q.sum()  # with free intercepts, a shift and one common scale leave the problem as it is
        scale = np.sqrt(((x - centre) ** 2).mean()) or 1.0
        inverse = (2 if two else 1) * scale**2 / self.penalty
        oracle = LogisticRegression(C=inverse, tol=1e-12, max_iter=10_000, solver=solver)
        with warnings.catch_warnings():
            warnings.simplefilter("ignore")
            oracle.fit(((x - centre) / scale)[row], label, q[row, label])
        weights = oracle.coef_.T / scale
        model = np.vstack([weights, oracle.intercept_ - centre @ weights])
        model = np.hstack([-model / 2, model / 2]) if two else model
        miss = self._miss(model, x, q)
        if not miss < 1e-6:
            raise ValueError(
                f"logistic regression did not converge: its gradient is {miss:.1e} of its terms; bring the columns to one scale, "
                f"or raise the penalty of {self.penalty}"
            )
        return model

    def _miss(self, model: np.ndarray, x: np.ndarray, q: np.ndarray) -> float:
        """The gradient's norm relative to those of its terms."""
        design = np.hstack([x, np.ones((len(x), 1))])
        score = design @ model
        p = np.exp(score - score.max(1, keepdims=True))
        p *= (q.sum(1) / p.sum(1))[:, None]
        decay = self.penalty * np.vstack([model[:-1], np.zeros_like(model[:1])])
        scale = math.sqrt(2) * (q.sum(1) @ np.linalg.norm(design, axis=1)) + np.linalg.norm(decay)
        return float(np.linalg.norm(design.T @ (p - q) + decay) / scale)
