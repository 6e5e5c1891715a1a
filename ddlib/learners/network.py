r"""Fully connected networks as functions of one flat parameter vector, so that many of them are computed in one batch."""

from __future__ import annotations

import itertools
import math
from dataclasses import dataclass
from typing import Literal, NamedTuple

import torch
from jaxtyping import Float
from torch import Tensor
from torch.nn.functional import relu

from ddlib.problem import Distilled

__all__ = ["Layer", "Network"]


class Layer(NamedTuple):
    """Weights of shape (*R, inputs, outputs), with the biases as a last row where there are any.

    >>> [layer.weight.shape for layer in Network((4,)).layers(torch.zeros(17), inputs=2)]
    [torch.Size([3, 4]), torch.Size([5, 1])]
    """

    weight: Float[Tensor, "*R a b"]
    bias: bool


@dataclass(frozen=True)
class Network:
    r"""A fully connected network :math:`f_\theta` with squared loss.

    .. math::

        h_0 = x, \quad h_l = \phi(h_{l-1} W_l + b_l), \quad f_\theta(x) = h_L W_{L+1} + b_{L+1}, \qquad
        \ell(\theta; S) = \tfrac12 \sum_i w_i \|y_i - f_\theta(x_i)\|^2 .

    The parameters of one network are one vector: of each layer in turn the weights, row by row, then the biases. Without hidden
    layers this is the linear model.

    Attributes:
        widths: of the hidden layers.
        activation: :math:`\phi`, ``"relu"`` or ``"tanh"``.
        bias: whether layers have biases.
        mean: divide the loss by the summed weights.
        scale: of the initial weights, relative to He's: sd = scale × (2 / inputs)^½ (tanh and the last layer: (1 / inputs)^½).

    >>> network = Network((4,), activation="tanh")
    >>> data = Distilled(torch.zeros(3, 5, 2), torch.zeros(3, 5), torch.ones(3, 5))
    >>> theta = network.initial(data, torch.Generator().manual_seed(0))
    >>> theta.shape, network.predict(theta, data.x).shape, network.loss(theta, data)
    (torch.Size([3, 17]), torch.Size([3, 5, 1]), tensor([0., 0., 0.]))
    """

    widths: tuple[int, ...] = (64,)
    activation: Literal["relu", "tanh"] = "relu"
    bias: bool = True
    mean: bool = True
    scale: float = 1.0

    def __post_init__(self) -> None:
        if not isinstance(self.widths, tuple | list):
            raise TypeError(
                f"the widths are a tuple, one for each hidden layer, but they are {self.widths!r}: write ({self.widths!r},)"
            )
        if any(width < 1 for width in self.widths):
            raise ValueError(f"every hidden layer needs at least 1 unit, but the widths are {self.widths}")
        if self.activation not in ("relu", "tanh"):
            raise ValueError(f"the activation must be 'relu' or 'tanh', but it is {self.activation!r}")
        if not 0 < self.scale < math.inf:
            raise ValueError(f"the scale of the initial weights must be positive, but it is {self.scale}")

    def sizes(self, inputs: int, outputs: int) -> list[tuple[int, int]]:
        """Rows (biases included) and columns of each layer's weights."""
        units = [inputs, *self.widths, outputs]
        return [(a + self.bias, b) for a, b in itertools.pairwise(units)]

    def initial(self, data: Distilled, generator: torch.Generator) -> Float[Tensor, "*R P"]:
        """Random parameters, one network per replicate of the data; biases start at zero."""
        inputs, outputs = data.x.shape[-1], _outputs(data)
        parts = []
        for layer, (a, b) in enumerate(self.sizes(inputs, outputs)):
            fan_in = a - self.bias
            gain = 2.0 if self.activation == "relu" and layer < len(self.widths) else 1.0
            shape = (*data.w.shape[:-1], a, b)
            weight = torch.randn(shape, generator=generator, device=generator.device, dtype=data.x.dtype)
            weight = weight * (self.scale * math.sqrt(gain / fan_in))
            if self.bias:
                weight[..., -1, :] = 0
            parts.append(weight.flatten(-2))
        return torch.cat(parts, -1).to(data.x.device)

    def layers(self, theta: Float[Tensor, "*R P"], inputs: int) -> list[Layer]:
        """The layers' weights, as views of the parameter vector."""
        sizes = self._shapes(theta, inputs)
        parts = theta.split([a * b for a, b in sizes], -1)
        return [Layer(part.unflatten(-1, size), self.bias) for part, size in zip(parts, sizes, strict=True)]

    def weights(self, theta: Float[Tensor, "*R P"], data: Distilled) -> list[Float[Tensor, "*R a b"]]:
        """The layers' weights as matrices, one column for each unit of a layer; biases are a last row."""
        return [layer.weight for layer in self.layers(theta, data.unit.numel())]

    def features(self, theta: Float[Tensor, "*R P"], x: Float[Tensor, "*R n d"]) -> Float[Tensor, "*R n h"]:
        """What the last layer sees: :math:`h_L`."""
        *hidden, last = self._maps(theta, x.shape[-1])
        x = self._through(hidden, x)
        return x.expand(*torch.broadcast_shapes(last.weight.shape[:-2], x.shape[:-2]), *x.shape[-2:])

    def predict(self, theta: Float[Tensor, "*R P"], x: Float[Tensor, "*R n d"]) -> Float[Tensor, "*R n c"]:
        r""":math:`f_\theta(x)`; scalar labels have c = 1."""
        *hidden, last = self._maps(theta, x.shape[-1])
        return last(self._through(hidden, x))

    def _through(self, hidden: list[_Affine], x: Float[Tensor, "*R n d"]) -> Float[Tensor, "*R n h"]:
        for layer in hidden:
            x = relu(layer(x)) if self.activation == "relu" else layer(x).tanh()
        return x

    def _maps(self, theta: Float[Tensor, "*R P"], inputs: int) -> list[_Affine]:
        """The layers as maps, from one split of the vector, whose gradient is one concatenation."""
        sizes, own = self._shapes(theta, inputs), int(self.bias)
        lengths = [size for a, b in sizes for size in ((a - own) * b, own * b)[: 1 + own]]
        parts = iter(theta.split(lengths, -1))
        return [_Affine(next(parts).unflatten(-1, (a - own, b)), next(parts).unsqueeze(-2) if own else None) for a, b in sizes]

    def _shapes(self, theta: Float[Tensor, "*R P"], inputs: int) -> list[tuple[int, int]]:
        """Rows (biases included) and columns of each layer's weights, of which the last follow from the vector's length."""
        sizes = self.sizes(inputs, 0)
        hidden, last = sum(a * b for a, b in sizes), sizes[-1][0]
        return [*sizes[:-1], (last, (theta.shape[-1] - hidden) // last)]

    def loss(self, theta: Float[Tensor, "*R P"], data: Distilled) -> Float[Tensor, "*R"]:
        r""":math:`\ell(\theta; S)`, one number per replicate."""
        predicted = self.predict(theta, data.x)
        labels = data.y if data.y.ndim == data.x.ndim else data.y.unsqueeze(-1)
        loss = 0.5 * (data.w * (labels - predicted).square().sum(-1)).sum(-1)
        return loss / data.w.sum(-1) if self.mean else loss


class _Affine(NamedTuple):
    weight: Float[Tensor, "*R a b"]
    bias: Float[Tensor, "*R 1 b"] | None

    def __call__(self, x: Float[Tensor, "*R n a"]) -> Float[Tensor, "*R n b"]:
        return x @ self.weight if self.bias is None else x @ self.weight + self.bias


def _outputs(data: Distilled) -> int:
    return data.y.shape[-1] if data.y.ndim == data.x.ndim else 1
