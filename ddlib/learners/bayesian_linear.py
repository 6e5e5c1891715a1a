r"""Conjugate Bayesian linear regression: the whole posterior, and prediction intervals."""

from __future__ import annotations

from dataclasses import dataclass
from typing import NamedTuple

import torch
from jaxtyping import Float
from scipy import stats
from torch import Tensor

from ddlib.learners.check import no_negative_weight, number_labels, positive_number, unsolved
from ddlib.problem import Distilled

__all__ = ["BayesianLinear", "Posterior"]

_INTERCEPT_PRECISION = 1e-6


class Posterior(NamedTuple):
    r"""A normal-inverse-gamma law: the noise's variance is inverse gamma, and given it the coefficients are normal.

    .. math:: \sigma^2 \sim \operatorname{IG}(a, b), \qquad \theta \mid \sigma^2 \sim N(\mu, \sigma^2 V), \qquad V = F F^\top

    Attributes:
        mean: the mean of the coefficients, shape (R, p); the intercept, if there is one, comes first.
        factor: the upper triangular F, shape (R, p, p).
        shape: the inverse gamma's shape a, shape (R,).
        rate: the inverse gamma's rate b, shape (R,).

    >>> Posterior(torch.zeros(1, 2), torch.eye(2).unsqueeze(0), shape=torch.ones(1), rate=torch.ones(1)).mean.shape
    torch.Size([1, 2])
    """

    mean: Float[Tensor, "*R p"]
    factor: Float[Tensor, "*R p p"]
    shape: Float[Tensor, "*R"]
    rate: Float[Tensor, "*R"]


@dataclass(frozen=True)
class BayesianLinear:
    r"""Linear regression with the conjugate normal-inverse-gamma prior (Raiffa and Schlaifer 1961; Bishop 2006, section 3.3).

    With :math:`y \mid x, \theta, \sigma^2 \sim N(x^\top \theta, \sigma^2)`, a row of weight w counting as w rows, and the prior
    :math:`\sigma^2 \sim \operatorname{IG}(a_0, b_0)`, :math:`\theta \mid \sigma^2 \sim N(0, \sigma^2 \Lambda_0^{-1})`, the
    posterior is

    .. math::
        V &= \Bigl(\Lambda_0 + \sum_i w_i x_i x_i^\top\Bigr)^{-1}, \qquad \mu = V \sum_i w_i y_i x_i, \\
        a &= a_0 + \tfrac12 \sum_i w_i, \qquad
        b = b_0 + \tfrac12 \Bigl(\sum_i w_i (y_i - x_i^\top \mu)^2 + \mu^\top \Lambda_0 \mu\Bigr),

    where the last bracket equals :math:`\sum_i w_i y_i^2 - \mu^\top V^{-1} \mu` but cannot fall below zero by rounding.
    Differentiable in the data, also in weights that are zero.

    Args:
        prior_precision: the diagonal of :math:`\Lambda_0`, above zero.
        shape: :math:`a_0 > 0`.
        rate: :math:`b_0 > 0`.
        intercept: whether a column of ones goes in front of x. Its prior precision is 1e-6, so that the level of y is almost free.
        name: how tables and figures call it.

    Raises:
        ValueError: if the prior precision, shape or rate is not a positive number.

    >>> learner = BayesianLinear()
    >>> line = Distilled(torch.tensor([[[0.0], [1.0], [2.0]]]), torch.tensor([[1.0, 3.0, 5.0]]), torch.ones(1, 3))
    >>> low, high = learner.interval(learner.fit(line), line.x)
    >>> bool(((low < line.y) & (line.y < high)).all())
    True
    """

    prior_precision: float = 1.0
    shape: float = 1.0
    rate: float = 1.0
    intercept: bool = True
    name: str = "Bayesian regression"

    def __post_init__(self) -> None:
        positive_number(self.prior_precision, "the prior precision of the coefficients")
        positive_number(self.shape, "the prior shape of the noise's variance")
        positive_number(self.rate, "the prior rate of the noise's variance")

    def fit(self, data: Distilled, generator: torch.Generator | None = None) -> Posterior:
        """The posterior, by Cholesky and one step of iterative refinement. Draws nothing.

        Args:
            data: rows x of shape (R, m, d), labels y of shape (R, m), weights w of shape (R, m).
            generator: not used.

        Raises:
            ValueError: if a label is not one number, a weight is negative, or the posterior precision is not positive definite in
                floating point.
        """
        number_labels(data)
        no_negative_weight(data)
        x, y, w = self._design(data.x), data.y, data.w
        batch, p = torch.broadcast_shapes(x.shape[:-2], y.shape[:-1], w.shape[:-1]), x.shape[-1]
        precision = torch.full((p,), self.prior_precision, dtype=x.dtype, device=x.device)
        if self.intercept:
            precision[0] = _INTERCEPT_PRECISION
        weighted = w.unsqueeze(-1) * x
        lower, failed = torch.linalg.cholesky_ex((x.mT @ weighted + precision.diag_embed()).expand(*batch, -1, -1))
        if unsolved(lower, failed):
            raise ValueError(
                f"Bayesian regression has no posterior in {x.dtype} at a prior precision of {self.prior_precision}: raise it, or "
                "drop or mend rows that hold NaN or infinity"
            )
        mean = torch.cholesky_solve(weighted.mT @ y.unsqueeze(-1), lower)
        left = weighted.mT @ (y.unsqueeze(-1) - x @ mean) - precision.unsqueeze(-1) * mean  # what rounding has left of the gradient
        mean = (mean + torch.cholesky_solve(left, lower)).squeeze(-1)
        factor = torch.linalg.solve_triangular(lower.mT, torch.eye(p, dtype=x.dtype, device=x.device).expand_as(lower), upper=True)
        residual = y - (x @ mean.unsqueeze(-1)).squeeze(-1)
        error = (w * residual**2).sum(-1) + (precision * mean**2).sum(-1)
        return Posterior(mean, factor, (self.shape + w.sum(-1) / 2).expand(batch), self.rate + error / 2)

    def predict(self, model: Posterior, x: Float[Tensor, "*R n d"]) -> Float[Tensor, "*R n"]:
        """The predictive mean at every row of x."""
        return (self._design(x) @ model.mean.unsqueeze(-1)).squeeze(-1)

    def interval(
        self, model: Posterior, x: Float[Tensor, "*R n d"], level: float = 0.9
    ) -> tuple[Float[Tensor, "*R n"], Float[Tensor, "*R n"]]:
        r"""The central predictive interval of a new label at every row of x.

        The predictive law is Student's t with 2a degrees of freedom, location :math:`x^\top \mu` and squared scale
        :math:`\tfrac{b}{a}(1 + x^\top V x)`. Differentiable but for the quantile, which is taken as a constant.

        Args:
            model: the posterior.
            x: rows, shape (R, n, d).
            level: the probability of the interval, between zero and one.

        Returns:
            The lower and the upper end, each of shape (R, n).

        Raises:
            ValueError: if the level is not between zero and one.
        """
        if not 0 < level < 1:
            raise ValueError(f"the level of an interval must lie between 0 and 1, but it is {level}: give 0.9 for 90 %")
        degrees = 2 * model.shape.detach().cpu().double().numpy()
        quantile = torch.as_tensor(stats.t.ppf((1 + level) / 2, degrees), dtype=x.dtype, device=x.device).unsqueeze(-1)
        spread = ((self._design(x) @ model.factor) ** 2).sum(-1)
        half = quantile * ((model.rate / model.shape).unsqueeze(-1) * (1 + spread)).sqrt()
        centre = self.predict(model, x)
        return centre - half, centre + half

    def _design(self, x: Float[Tensor, "*R n d"]) -> Float[Tensor, "*R n p"]:
        return torch.cat([torch.ones_like(x[..., :1]), x], -1) if self.intercept else x
