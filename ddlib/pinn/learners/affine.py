r"""Solutions that are affine in α: what two values of α determine, and how noise grows out of the training tail."""

from __future__ import annotations

from dataclasses import dataclass
from typing import ClassVar

import torch
from jaxtyping import Float
from torch import Tensor

from ddlib.arguments import is_whole
from ddlib.learners.check import positive_penalty
from ddlib.learners.ridge import ridge
from ddlib.pinn.problems.problem import Problem, known_problem
from ddlib.problem import Distilled

__all__ = ["AffineRidge", "affine_line", "affine_variance"]


def affine_variance(
    alpha: Float[Tensor, "*R n"], target: Float[Tensor, "*R k"], sigma: float | Float[Tensor, "*R 1"]
) -> Float[Tensor, "*R k"]:
    r"""The variance of a least-squares line in α, fitted to n noisy values at one position, at other values of α.

    .. math:: \operatorname{Var} \hat u(\alpha^\circ)
        = \sigma^2 \Bigl(\frac1n + \frac{(\alpha^\circ - \bar\alpha)^2}{S_{\alpha\alpha}}\Bigr), \qquad
        S_{\alpha\alpha} = \sum_i (\alpha_i - \bar\alpha)^2

    Where the solution is affine in α the fit has no bias: this is the whole error out of distribution.

    Args:
        alpha: the values of the measurements.
        target: where the line is read.
        sigma: the noise's standard deviation.

    Raises:
        ValueError: if fewer than two values of α differ.

    >>> affine_variance(torch.tensor([-1.0, 1.0]), torch.tensor([0.0, 2.0]), sigma=1.0)
    tensor([0.5000, 2.5000])
    """
    mean = alpha.mean(-1, keepdim=True)
    spread = (alpha - mean).square().sum(-1, keepdim=True)
    if not bool((spread > 0).all()):
        raise ValueError("a line in α needs measurements at two different values of α")
    return sigma**2 * (1 / alpha.shape[-1] + (target - mean).square() / spread)


def affine_line(alpha: Float[Tensor, "*R n"], y: Float[Tensor, "*R n"], target: Float[Tensor, "*R k"]) -> Float[Tensor, "*R k"]:
    """The least-squares line through measurements at one position, at other values of α.

    >>> affine_line(torch.tensor([0.0, 1.0]), torch.tensor([1.0, 3.0]), target=torch.tensor([2.0]))
    tensor([5.])
    """
    mean, level = alpha.mean(-1, keepdim=True), y.mean(-1, keepdim=True)
    slope = ((alpha - mean) * y).sum(-1, keepdim=True) / (alpha - mean).square().sum(-1, keepdim=True)
    return level + slope * (target - mean)


@dataclass(frozen=True)
class AffineRidge:
    r"""Ridge regression on functions that are affine in α and polynomial in the coordinates.

    .. math:: u(x; \alpha) = \sum_{j \le p} (a_j + b_j \alpha)\, T_j(x)

    with Chebyshev polynomials on the domain, products of them for two coordinates. Differentiable in the data.

    Attributes:
        problem: whose domain the polynomials live on.
        degree: p, in each coordinate.
        penalty: on the coefficients' squares, in units of a sum of squares.
        name: how tables call the learner.

    >>> from ddlib.pinn import Poisson
    >>> rows = Poisson().rows(torch.linspace(-1, 1, 9).double().view(1, 9, 1), torch.linspace(0, 1, 9).double().view(1, 9))
    >>> learner = AffineRidge(Poisson(), degree=2)
    >>> learner.fit(rows).shape, learner.predict(learner.fit(rows), rows.x).shape
    (torch.Size([1, 6]), torch.Size([1, 9]))
    """

    problem: Problem
    degree: int = 8
    penalty: float = 1e-2
    name: str = "affine ridge"
    deterministic: ClassVar[bool] = True

    def __post_init__(self) -> None:
        known_problem(self.problem)
        positive_penalty(self.penalty, "affine ridge")
        if not is_whole(self.degree, 0):
            raise ValueError(f"a polynomial's degree must be 0 or more, a whole number, but it is {self.degree}")

    def features(self, units: Float[Tensor, "*R n d"]) -> Float[Tensor, "*R n f"]:
        """The polynomials' values at units, and these times α."""
        x, alpha = self.problem.split(units)
        low, high = x.new_tensor(self.problem.box).unbind(-1)
        product = torch.ones_like(alpha).unsqueeze(-1)
        for column in ((2 * x - low - high) / (high - low)).unbind(-1):
            terms = [torch.ones_like(column), column]
            while len(terms) <= self.degree:
                terms.append(2 * column * terms[-1] - terms[-2])
            line = torch.stack(terms[: self.degree + 1], -1)
            product = (product.unsqueeze(-1) * line.unsqueeze(-2)).flatten(-2)
        return torch.cat([product, alpha.unsqueeze(-1) * product], -1)

    def fit(self, data: Distilled, generator: torch.Generator | None = None) -> Float[Tensor, "*R f"]:
        """The coefficients. Draws nothing."""
        return ridge(data._replace(x=self.features(data.x)), self.penalty)

    def predict(self, model: Float[Tensor, "*R f"], x: Float[Tensor, "*R n d"]) -> Float[Tensor, "*R n"]:
        """The function at units."""
        return (self.features(x) @ model.unsqueeze(-1)).squeeze(-1)
