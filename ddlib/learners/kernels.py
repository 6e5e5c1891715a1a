r"""Kernels: how alike two units are. Each is differentiable in both arguments, also where they coincide."""

from __future__ import annotations

import math
from dataclasses import dataclass
from typing import Protocol

import torch
from jaxtyping import Float
from torch import Tensor

from ddlib.learners.check import positive_number, whole_number

__all__ = ["NTK", "RBF", "Kernel", "Linear"]


class Kernel(Protocol):
    """A positive semidefinite function of two rows, computed for all pairs of rows; leading axes broadcast."""

    def __call__(self, a: Float[Tensor, "*R n d"], b: Float[Tensor, "*R m d"]) -> Float[Tensor, "*R n m"]: ...


@dataclass(frozen=True)
class Linear:
    r"""The kernel of linear regression whose intercept has the prior variance ``bias`` squared.

    .. math:: k(a, b) = a^\top b + \beta^2

    Args:
        bias: :math:`\beta`; zero for a model without intercept.

    Raises:
        ValueError: if the bias is not a finite number.

    >>> Linear(bias=1.0)(torch.tensor([[1.0, 2.0]]), torch.tensor([[3.0, 4.0]]))
    tensor([[12.]])
    """

    bias: float = 0.0

    def __post_init__(self) -> None:
        _finite_bias(self.bias)

    def __call__(self, a: Float[Tensor, "*R n d"], b: Float[Tensor, "*R m d"]) -> Float[Tensor, "*R n m"]:
        return a @ b.mT + self.bias**2


@dataclass(frozen=True)
class RBF:
    r"""The Gaussian kernel (radial basis function).

    .. math:: k(a, b) = \exp\Bigl(-\frac{\|a - b\|^2}{2 \sigma^2}\Bigr)

    Args:
        length: :math:`\sigma > 0`, the distance over which units are alike.

    Raises:
        ValueError: if the length is not a positive number.

    >>> RBF()(torch.tensor([[0.0], [1.0]]), torch.tensor([[0.0]])).round(decimals=3)
    tensor([[1.0000],
            [0.6070]])
    """

    length: float = 1.0

    def __post_init__(self) -> None:
        positive_number(self.length, "the length of an RBF kernel")

    def __call__(self, a: Float[Tensor, "*R n d"], b: Float[Tensor, "*R m d"]) -> Float[Tensor, "*R n m"]:
        centre = b.detach().mean(-2, keepdim=True)  # changes no distance, but keeps the digits of data far from zero
        a, b = (a - centre) / self.length, (b - centre) / self.length
        squared = (a**2).sum(-1).unsqueeze(-1) + (b**2).sum(-1).unsqueeze(-2) - 2 * a @ b.mT
        squared = squared - squared.detach().clamp(max=0)  # rounding below zero is lifted; the gradient stays
        return torch.exp(-squared / 2)


@dataclass(frozen=True)
class NTK:
    r"""The neural tangent kernel of an infinitely wide, fully connected ReLU network (Jacot et al. 2018).

    The network has ``layers`` hidden layers and a linear output; each of its layers maps :math:`h` of width n to
    :math:`\sqrt{2/n}\, W h + \beta b` with standard normal W and b (He scaling, in the parametrisation of Lee et al. 2019). With
    :math:`\Theta^0 = \Sigma^0 = \tfrac{2}{d}\, a^\top b + \beta^2` and the angle
    :math:`\theta = \arccos\bigl(\Sigma(a, b) / \sqrt{\Sigma(a, a)\, \Sigma(b, b)}\bigr)` of the layer before,

    .. math::
        \Sigma' = \frac{\sqrt{\Sigma(a, a)\, \Sigma(b, b)}}{\pi} \bigl(\sin\theta + (\pi - \theta) \cos\theta\bigr) + \beta^2,
        \qquad \Theta' = \Sigma' + \Theta \, \frac{\pi - \theta}{\pi},

    the arc-cosine kernels of Cho and Saul (2009), once per hidden layer. The kernel has a kink where its arguments are parallel;
    there the angle's gradient is taken as zero.

    Args:
        layers: the number of hidden layers.
        bias: :math:`\beta`, the standard deviation of the biases.

    Raises:
        ValueError: if there is no hidden layer, or the bias is not a finite number.

    >>> NTK(layers=2)(torch.ones(4, 3), torch.ones(5, 3)).shape
    torch.Size([4, 5])
    """

    layers: int = 1
    bias: float = 0.1

    def __post_init__(self) -> None:
        whole_number(self.layers, "the number of hidden layers of an NTK")
        _finite_bias(self.bias)

    def __call__(self, a: Float[Tensor, "*R n d"], b: Float[Tensor, "*R m d"]) -> Float[Tensor, "*R n m"]:
        scale, shift = 2 / a.shape[-1], self.bias**2
        of_a = scale * (a**2).sum(-1).unsqueeze(-1) + shift
        of_b = scale * (b**2).sum(-1).unsqueeze(-2) + shift
        covariance = scale * a @ b.mT + shift
        tangent = covariance
        for _ in range(self.layers):
            norm = _root(of_a) * _root(of_b)
            cosine = covariance / torch.where(norm > 0, norm, 1)
            sine, angle = _sine_and_angle(cosine)
            covariance = norm / math.pi * (sine + (math.pi - angle) * cosine) + shift
            tangent = covariance + tangent * (math.pi - angle) / math.pi
            of_a, of_b = of_a + shift, of_b + shift
        return tangent


def _root(x: Tensor) -> Tensor:
    """Square root with gradient zero at zero."""
    return torch.where(x > 0, torch.where(x > 0, x, 1).sqrt(), 0)


def _sine_and_angle(cosine: Tensor) -> tuple[Tensor, Tensor]:
    """Sine and angle of a cosine in [-1, 1] up to rounding; within rounding of -1 and 1 they are constant."""
    squared = (1 - cosine) * (1 + cosine)
    inside = squared > 16 * torch.finfo(cosine.dtype).eps
    sine = torch.where(inside, torch.where(inside, squared, 1).sqrt(), 0)
    angle = torch.where(
        inside, torch.arccos(torch.where(inside, cosine, 0)), torch.where(cosine > 0, torch.zeros_like(cosine), math.pi)
    )
    return sine, angle


def _finite_bias(bias: float) -> None:
    if not math.isfinite(bias):
        raise ValueError(f"the bias of a kernel must be a finite number, but it is {bias}: take 0 for none")
