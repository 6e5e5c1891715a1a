r"""Tanh networks with Glorot's uniform initial weights, many in one batch."""

from __future__ import annotations

import math
from dataclasses import dataclass
from typing import Literal

import torch
from jaxtyping import Float
from torch import Tensor

from ddlib.learners.network import Network
from ddlib.problem import Distilled

__all__ = ["TanhNetwork", "dtype_of"]

_PRECISIONS = {"float32": torch.float32, "float64": torch.float64}


@dataclass(frozen=True)
class TanhNetwork(Network):
    r"""A :class:`~ddlib.learners.network.Network` as PINNs use it: tanh, and Glorot and Bengio's (2010) initial weights.

    .. math:: W_l \sim U\bigl[-\sqrt{6 / (a + b)},\ \sqrt{6 / (a + b)}\bigr] \text{ with a rows and b columns}, \qquad b_l = 0

    Attributes:
        widths: of the hidden layers, of which there is one at least.
        activation: always ``"tanh"``.
        scale: a factor of the initial weights.

    >>> TanhNetwork((32, 32)).parameters(dimension=2)
    1185
    """

    widths: tuple[int, ...] = (32, 32, 32)
    activation: Literal["relu", "tanh"] = "tanh"

    def __post_init__(self) -> None:
        super().__post_init__()
        if self.activation != "tanh" or not self.bias or not self.widths:
            raise ValueError("a PINN's network has tanh units, biases and a hidden layer: take ddlib.learners.Network for others")

    def initial(self, data: Distilled, generator: torch.Generator) -> Float[Tensor, "*R P"]:
        """Fresh weights, one network per replicate of the data; biases start at zero."""
        parts = []
        for a, b in self.sizes(data.x.shape[-1], 1):
            bound = self.scale * math.sqrt(6 / (a - 1 + b))
            shape = (*data.w.shape[:-1], a, b)
            weight = bound * (2 * torch.rand(shape, generator=generator, device=generator.device, dtype=data.x.dtype) - 1)
            weight[..., -1, :] = 0
            parts.append(weight.flatten(-2))
        return torch.cat(parts, -1).to(data.x.device)

    def parameters(self, dimension: int) -> int:
        """The length P of a network's parameter vector, for units of this length."""
        return sum(a * b for a, b in self.sizes(dimension, 1))


def dtype_of(precision: str) -> torch.dtype:
    """The type of numbers of a precision.

    Raises:
        ValueError: if it is neither ``"float32"`` nor ``"float64"``.

    >>> dtype_of("float32")
    torch.float32
    """
    if precision not in _PRECISIONS:
        raise ValueError(f"the precision is 'float32' or 'float64', but it is {precision!r}")
    return _PRECISIONS[precision]
