r"""Kernel ridge regression in closed form."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import ClassVar, NamedTuple

import torch
from jaxtyping import Float
from torch import Tensor

from ddlib.learners.check import no_negative_weight, positive_penalty, unsolved
from ddlib.learners.kernels import RBF, Kernel
from ddlib.problem import Distilled

__all__ = ["KernelModel", "KernelRidge", "kernel_ridge"]


class KernelModel(NamedTuple):
    """A function that is a sum of kernels.

    Attributes:
        points: where the kernels sit, shape (R, m, d).
        dual: their coefficients, shape (R, m), or (R, m, C) for vector labels.

    >>> KernelModel(torch.zeros(1, 4, 3), dual=torch.zeros(1, 4)).points.shape
    torch.Size([1, 4, 3])
    """

    points: Float[Tensor, "*R m d"]
    dual: Float[Tensor, "*R m *label"]


@dataclass(frozen=True)
class KernelRidge:
    r"""Kernel ridge regression (Saunders, Gammerman and Vovk 1998), see :func:`kernel_ridge`. Differentiable in the data.

    Args:
        kernel: how alike two units are.
        penalty: :math:`\lambda > 0`, in units of a sum of squares, not of a mean.
        relative: whether the penalty counts in units of the weighted kernel matrix's mean diagonal.
        name: how tables and figures call it.

    Raises:
        ValueError: if the penalty is not positive.

    >>> learner = KernelRidge(RBF(0.5), penalty=1e-3)
    >>> data = Distilled(torch.tensor([[[0.0], [1.0], [2.0]]]), torch.tensor([[1.0, 0.0, 1.0]]), torch.ones(1, 3))
    >>> bool((learner.predict(learner.fit(data), data.x) - data.y).abs().max() < 0.01)
    True
    """

    kernel: Kernel = field(default_factory=RBF)
    penalty: float = 1e-3
    relative: bool = False
    name: str = "kernel ridge"
    deterministic: ClassVar[bool] = True

    def __post_init__(self) -> None:
        positive_penalty(self.penalty, "kernel ridge")
        if not callable(self.kernel):
            raise TypeError(f"a kernel is a function of units, but it is {self.kernel!r}: write RBF(1.0), Linear() or NTK()")

    def fit(self, data: Distilled, generator: torch.Generator | None = None) -> KernelModel:
        """The data's units with their dual coefficients; see :func:`kernel_ridge`. Draws nothing."""
        dual = kernel_ridge(data, self.kernel, self.penalty, self.relative)
        batch = dual.shape[: dual.ndim - data.y.ndim + data.w.ndim - 1]
        return KernelModel(data.x.expand(*batch, -1, -1), dual)

    def predict(self, model: KernelModel, x: Float[Tensor, "*R n d"]) -> Float[Tensor, "*R n *label"]:
        """The function's value at every row of x: a number, or one score for each column of the labels."""
        gram = self.kernel(x, model.points)
        if model.dual.ndim < model.points.ndim:
            return (gram @ model.dual.unsqueeze(-1)).squeeze(-1)
        return gram @ model.dual


def kernel_ridge(data: Distilled, kernel: Kernel, penalty: float, relative: bool = False) -> Float[Tensor, "*R m *label"]:
    r"""Dual coefficients of the function that minimises the summed, penalised squared loss.

    .. math:: f = \sum_i \alpha_i k(x_i, \cdot) = \arg\min_f \sum_i w_i \|y_i - f(x_i)\|^2 + \lambda \|f\|_k^2, \qquad
        \alpha = W^{1/2} \bigl(W^{1/2} K W^{1/2} + \lambda I\bigr)^{-1} W^{1/2} y

    A unit of weight zero has a dual coefficient of zero. Differentiable in the data, also in weights that are zero. With
    ``relative``, :math:`\lambda` is the penalty times :math:`\operatorname{tr}(W^{1/2} K W^{1/2}) / m`, and is differentiated too;
    there m counts the units of weight zero as well.

    Args:
        data: rows x of shape (R, m, d), labels y of shape (R, m) or (R, m, C), weights w of shape (R, m).
        kernel: how alike two units are.
        penalty: :math:`\lambda > 0`, in units of a sum of squares, not of a mean.
        relative: whether the penalty counts in units of the weighted kernel matrix's mean diagonal.

    Raises:
        ValueError: if the penalty is not positive, a weight is negative, or the penalised kernel matrix is not positive definite in
            floating point.

    >>> data = Distilled(torch.tensor([[[0.0], [1.0], [2.0]]]), torch.tensor([[1.0, 0.0, 1.0]]), torch.ones(1, 3))
    >>> kernel_ridge(data, RBF(), penalty=0.1).shape
    torch.Size([1, 3])
    """
    positive_penalty(penalty, "kernel ridge")
    no_negative_weight(data)
    gram = kernel(data.x, data.x)
    strength = gram.new_full(data.w.shape[:-1], penalty)
    if relative:
        level = (data.w * gram.diagonal(dim1=-2, dim2=-1)).mean(-1)
        strength = torch.where(level > 0, penalty * level, penalty)
    # the root's slope is infinite at zero, but α is even in it: the smallest number in place of zero gives the exact gradient
    root = torch.where(data.w > 0, data.w, data.w + torch.finfo(data.w.dtype).tiny).sqrt().unsqueeze(-1)
    eye = torch.eye(gram.shape[-1], dtype=gram.dtype, device=gram.device)
    factor, failed = torch.linalg.cholesky_ex(root * gram * root.mT + strength[..., None, None] * eye)
    if unsolved(factor, failed):
        raise ValueError(
            f"kernel ridge regression has no solution in {gram.dtype} at a penalty of {penalty}: raise it, or drop or mend rows "
            "that hold NaN or infinity"
        )
    vector = data.y.ndim == data.w.ndim
    label = data.y.unsqueeze(-1) if vector else data.y
    dual = root * torch.cholesky_solve(root * label, factor)
    return dual.squeeze(-1) if vector else dual
