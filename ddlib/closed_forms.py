"""Sets in closed form: points that keep what a linear learner, or a mean and a covariance, needs of the data.

Pure linear algebra, from which tasks make their exact sets (:class:`~ddlib.protocols.Constructible`) and methods their points.
"""

from __future__ import annotations

import math

import torch
from jaxtyping import Float
from torch import Tensor

from ddlib.problem import Distilled

__all__ = ["carry", "factor", "label_scale", "of_weight_one", "serve_solutions", "span", "unit", "weighted"]


def factor(data: Distilled) -> Distilled:
    r"""The rows of the R factor of :math:`[X\ y]`: d + 1 points with the same squared loss as the data at every :math:`\theta`.

    .. math:: [X\ y]^\top [X\ y] = R^\top R \quad\Rightarrow\quad \|y - X\theta\|^2 = \|y_S - X_S\theta\|^2 \;\forall \theta,

    so that every ridge or lasso regression, whatever its penalty, has the same answer (for linear regression: Izzo and Zou 2023).

    Args:
        data: rows x of shape (R, n, d), labels y of shape (R, n), weights w of shape (R, n).

    >>> x, y = torch.eye(2, dtype=torch.float64).repeat(1, 50, 1), torch.ones(1, 100, dtype=torch.float64)
    >>> points = factor(Distilled(x, y, y))
    >>> points.x.shape, torch.allclose(points.x.mT @ points.x, x.mT @ x)
    (torch.Size([1, 3, 2]), True)
    """
    x, y = weighted(data)
    joined = torch.cat([x, y.unsqueeze(-1)], -1)
    rows = torch.linalg.qr(joined, mode="r").R
    return of_weight_one(rows[..., :-1], rows[..., -1])


def serve_solutions(data: Distilled, solutions: Float[Tensor, "R m d"]) -> Distilled:
    r"""Points from which every ridge regression whose solution on D lies in the span of ``solutions`` is learned exactly.

    .. math:: V = \operatorname{orth}\operatorname{span}\{\theta_1, \dots, \theta_m\},\quad XV = QC^\top,\quad
        X_S = C^\top V^\top,\quad y_S = C^{-1} V^\top X^\top y = Q^\top y,

    where X and y stand for the rows of D times the square roots of their weights. There are as many points as dimensions in the
    span, at most the rank of X, and one at least; replicates whose span has fewer are filled up with points at zero. With one
    solution this is one point. Its label or its weight must be free: with label 1 *and* weight 1, one point is learned as
    :math:`\theta` only if :math:`\lambda \le 1/(4\|\theta\|^2)`. (Derived for this project; Chen, Huang and Weng 2024 have one
    point per class for kernel ridge regression.)

    Args:
        data: rows x of shape (R, n, d), labels y of shape (R, n), weights w of shape (R, n).
        solutions: ridge solutions on D.

    >>> from ddlib.learners import ridge
    >>> x = torch.tensor([[[1.0, 0.0], [0.0, 2.0], [1.0, 1.0]]], dtype=torch.float64)
    >>> data = Distilled(x, torch.tensor([[1.0, 0.0, 2.0]], dtype=torch.float64), torch.ones(1, 3, dtype=torch.float64))
    >>> point = serve_solutions(data, ridge(data, 1.0).unsqueeze(-2))
    >>> point.budget, torch.allclose(ridge(point, 1.0), ridge(data, 1.0))
    (1, True)
    """
    x, y = weighted(data)
    basis = span(unit(solutions) @ _projection(x))
    orthogonal, upper = torch.linalg.qr(x @ basis)
    points = upper @ basis.mT
    labels = (orthogonal.mT @ y.unsqueeze(-1)).squeeze(-1) * basis.any(-2)
    sign = torch.where(labels < 0, -1.0, 1.0).to(labels)
    return of_weight_one(sign.unsqueeze(-1) * points, sign * labels)


def carry(mean: Float[Tensor, "*R d"], covariance: Float[Tensor, "*R d d"]) -> Float[Tensor, "*R d+1 d"]:
    r"""d + 1 equally weighted points with exactly this mean and covariance (divisor d + 1); fewer have too small a rank.

    With :math:`LL^\top = \Sigma` and H of d orthonormal columns orthogonal to 1, the points are the rows of
    :math:`1\mu^\top + \sqrt{d+1}\, H L^\top`.

    Raises:
        ValueError: if the covariance is not positive definite.

    >>> points = carry(torch.tensor([1.0, 2.0]), torch.eye(2))
    >>> points.shape, points.mean(0).round(decimals=4), points.mT.cov(correction=0).round(decimals=4).abs()
    (torch.Size([3, 2]), tensor([1., 2.]), tensor([[1., 0.],
            [0., 1.]]))
    """
    dimension = mean.shape[-1]
    root, failed = torch.linalg.cholesky_ex(covariance)
    if bool((failed > 0).any()):
        raise ValueError("only a positive definite covariance can be carried by one point more than there are dimensions")
    # Helmert's contrasts: the columns of a regular simplex.
    j = torch.arange(1, dimension + 1, dtype=mean.dtype, device=mean.device)
    i = torch.arange(dimension + 1, device=mean.device).unsqueeze(-1)
    column = torch.arange(dimension, device=mean.device)
    contrast = torch.where(i <= column, 1.0, torch.where(i == column + 1, -j, 0.0)) / (j * (j + 1)).sqrt()
    return mean.unsqueeze(-2) + math.sqrt(dimension + 1) * contrast @ root.mT


def label_scale(data: Distilled) -> Float[Tensor, "R 1"]:
    """The weighted standard deviation of y, which makes labels further columns; one where the labels are all the same.

    Class labels have one scale in common: the root of the mean, over the C columns, of their weighted variances.

    >>> label_scale(Distilled(torch.zeros(1, 2, 3), torch.tensor([[-2.0, 2.0]]), torch.ones(1, 2)))
    tensor([[2.]])
    """
    columns = data.y.unsqueeze(-2) if data.y.ndim == data.w.ndim else data.y.mT
    if columns.shape[-2] == 0:
        return torch.ones_like(data.w[..., :1])
    share = (data.w / data.w.sum(-1, keepdim=True)).unsqueeze(-2)
    mean = (share * columns).sum(-1, keepdim=True)
    deviation = (share * (columns - mean) ** 2).sum(-1).mean(-1, keepdim=True).sqrt()
    rounding = 64 * torch.finfo(data.y.dtype).eps * columns.abs().amax((-2, -1)).unsqueeze(-1)
    return torch.where(deviation > rounding, deviation, torch.ones_like(deviation))


def weighted(data: Distilled) -> tuple[Float[Tensor, "R n d"], Float[Tensor, "R n"]]:
    """Rows and labels times the square roots of their weights.

    >>> weighted(Distilled(torch.ones(1, 2, 1), torch.ones(1, 2), torch.tensor([[4.0, 9.0]])))[1]
    tensor([[2., 3.]])
    """
    root = data.w.sqrt()
    return data.x * root.unsqueeze(-1), data.y * root


def unit(theta: Float[Tensor, "*R d"]) -> Float[Tensor, "*R d"]:
    """Theta at length one; zero stays zero.

    >>> unit(torch.tensor([[3.0, 4.0], [0.0, 0.0]]))
    tensor([[0.6000, 0.8000],
            [0.0000, 0.0000]])
    """
    length = theta.norm(dim=-1, keepdim=True)
    return theta / torch.where(length > 0, length, torch.ones_like(length))


def of_weight_one(x: Float[Tensor, "R m d"], y: Float[Tensor, "R m"]) -> Distilled:
    """Points of weight one.

    >>> of_weight_one(torch.eye(2).unsqueeze(0), torch.zeros(1, 2)).w
    tensor([[1., 1.]])
    """
    return Distilled(x, y, torch.ones_like(y))


def span(rows: Float[Tensor, "R n d"]) -> Float[Tensor, "R d k"]:
    """Orthonormal columns that span the rows: as many as the largest rank, with columns of zeros where the rank is lower.

    >>> span(torch.tensor([[0.0, 2.0], [0.0, -1.0]])).abs()
    tensor([[0.],
            [1.]])
    """
    _, singular, basis = torch.linalg.svd(rows, full_matrices=False)
    kept = singular > 4096 * torch.finfo(rows.dtype).eps * singular[..., :1]
    most = max(int(kept.sum(-1).max()), 1)
    return (kept.unsqueeze(-1) * basis)[..., :most, :].mT


def _projection(x: Float[Tensor, "R n d"]) -> Float[Tensor, "R d d"]:
    """The projection on the span of the rows, where ridge solutions lie but for rounding."""
    rows = span(x)
    return rows @ rows.mT
