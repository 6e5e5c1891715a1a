r"""A batch of networks with hand-written passes: values and derivatives forward, the gradient backward, no memory allocated."""

from __future__ import annotations

from typing import NamedTuple

import torch
from jaxtyping import Float
from torch import Tensor

from ddlib.pinn.learners.networks import TanhNetwork


class _Layer(NamedTuple):
    """The memory of one hidden layer: values above derivatives, and views of both.

    Attributes:
        s, a: after and before tanh, shape (N, rows, h).
        g: the gradient, first in s, then in a.
        d: 1 − s² at all units.
        s_n, a_n, g_n: the values' rows.
        s_k, g_k, d_k: those of the first k units.
        s_parts, a_parts, g_parts: the rows of derivatives in x, xx and, with time, t; in the first layer a's are its weights.
        spare: room for k rows, three times.
    """

    s: Tensor
    a: Tensor
    g: Tensor
    d: Tensor
    s_n: Tensor
    a_n: Tensor
    g_n: Tensor
    s_k: Tensor
    g_k: Tensor
    d_k: Tensor
    s_parts: list[Tensor]
    a_parts: list[Tensor]
    g_parts: list[Tensor]
    spare: tuple[Tensor, Tensor, Tensor]


class TaylorPass:
    r"""The forward pass of :func:`~ddlib.pinn.learners.jets.propagate` and its transpose, for N networks at fixed units.

    With :math:`d = 1 - s^2`, the gradients in s, s_x, s_xx, s_t of a layer become those in a, a_x, a_xx, a_t by

    .. math::
        \bar a_{xx} = d\, \bar s_{xx}, \quad \bar a_t = d\, \bar s_t, \quad \bar a_x = d\, \bar s_x - 4 s\, \bar a_{xx} a_x, \\
        \bar a = d\, \bar s - 2 s\, (a_x \bar a_x + a_{xx} \bar a_{xx} + a_t \bar a_t) - 2\, (1 + s^2)\, \bar a_{xx} a_x^2 .

    Attributes:
        theta: all parameters as one vector, layer by layer and in each layer network by network, so that each layer is contiguous.
        gradient: where :meth:`backward` leaves the gradient, in the same order.
    """

    def __init__(
        self, network: TanhNetwork, theta: Float[Tensor, "N P"], units: Float[Tensor, "N n d"], k: int, timed: bool
    ) -> None:
        count, n, dimension = units.shape
        self.units, self.n, self.k = units.contiguous(), n, k
        self.sizes = network.sizes(dimension, 1)
        self.count = count
        blocks = theta.split([a * b for a, b in self.sizes], -1)
        self.theta = torch.cat(
            [
                part
                for block, (_, b) in zip(blocks, self.sizes, strict=True)
                for part in (block[:, :-b].flatten(), block[:, -b:].flatten())
            ]
        )
        self.gradient = torch.zeros_like(self.theta)
        self.weights, self.biases = self._views(self.theta)
        self.weight_gradients, self.bias_gradients = self._views(self.gradient)
        self.rows = n + (3 if timed else 2) * k if k else n
        self.layers = [self._layer(index, timed) for index in range(len(self.sizes) - 1)]
        self.out = units.new_empty(count, self.rows, 1)
        self.output = self.out.squeeze(-1)
        self.last = self.layers[-1].s
        self.one = units.new_ones(())

    def _views(self, flat: Tensor) -> tuple[list[Tensor], list[Tensor]]:
        """Each layer's weights and biases in a vector of all parameters."""
        weights, biases, at = [], [], 0
        for a, b in self.sizes:
            size = self.count * (a - 1) * b
            weights.append(flat[at : at + size].view(self.count, a - 1, b))
            biases.append(flat[at + size : at + size + self.count * b].view(self.count, 1, b))
            at += size + self.count * b
        return weights, biases

    def _layer(self, index: int, timed: bool) -> _Layer:
        """The memory of one layer, and views of it."""
        n, k, width = self.n, self.k, self.sizes[index][1]

        def memory(rows: int) -> Tensor:
            return self.units.new_empty(self.count, rows, width)

        def parts(x: Tensor) -> list[Tensor]:
            return [x[:, n + i * k : n + (i + 1) * k] for i in range(3 if timed else 2)] if k else []

        s, a, g, d = memory(self.rows), memory(self.rows), memory(self.rows), memory(n)
        weight = self.weights[index]
        a_parts = parts(a) if index else [weight[:, i : i + 1] for i in ((0, 0, 1) if timed else (0, 0))] if k else []
        spare = (memory(k), memory(k), memory(k))
        return _Layer(s, a, g, d, s[:, :n], a[:, :n], g[:, :n], s[:, :k], g[:, :k], d[:, :k], parts(s), a_parts, parts(g), spare)

    def parameters(self) -> Float[Tensor, "N P"]:
        """The parameters, one vector per network."""
        return torch.cat([part.flatten(1) for pair in zip(self.weights, self.biases, strict=True) for part in pair], -1)

    def forward(self) -> Float[Tensor, "N rows"]:
        """Values at all units, then u_x, u_xx and u_t at the first k; the same memory each time."""
        before: Tensor | None = None
        for layer, weight, bias in zip(self.layers, self.weights, self.biases, strict=False):
            if before is None:
                torch.baddbmm(bias, self.units, weight, out=layer.a_n)
            else:
                torch.bmm(before, weight, out=layer.a)
                layer.a_n.add_(bias)
            torch.mul(layer.a_n, 2, out=layer.s_n).sigmoid_().mul_(2).sub_(1)  # tanh, in half its time
            torch.addcmul(self.one, layer.s_n, layer.s_n, value=-1, out=layer.d)
            if self.k:
                self._differentiate(layer, before is None)
            before = layer.s
        torch.bmm(self.last, self.weights[-1], out=self.out)
        self.output[:, : self.n].add_(self.biases[-1].squeeze(-1))
        return self.output

    @staticmethod
    def _differentiate(layer: _Layer, first: bool) -> None:
        """The derivatives' way through one layer of tanh; in the first a_xx is zero."""
        (s_x, s_xx, *s_t), (a_x, a_xx, *a_t), temporary = layer.s_parts, layer.a_parts, layer.spare[0]
        torch.mul(layer.d_k, a_x, out=s_x)
        torch.mul(s_x, a_x, out=temporary)
        if first:
            torch.mul(layer.s_k, temporary, out=s_xx).mul_(-2)
        else:
            torch.mul(layer.d_k, a_xx, out=s_xx).addcmul_(layer.s_k, temporary, value=-2)
        if s_t:
            torch.mul(layer.d_k, a_t[0], out=s_t[0])

    def backward(self, out: Float[Tensor, "N rows"]) -> None:
        """From the gradient in the outputs to that in the parameters."""
        column = out.unsqueeze(-1)
        torch.bmm(self.last.mT, column, out=self.weight_gradients[-1])
        torch.sum(column[:, : self.n], 1, keepdim=True, out=self.bias_gradients[-1])
        torch.mul(column, self.weights[-1].mT, out=self.layers[-1].g)
        for index in range(len(self.layers) - 1, -1, -1):
            layer, weight = self.layers[index], self.weight_gradients[index]
            layer.g_n.mul_(layer.d)
            if self.k:
                self._transpose(layer, index == 0)
            torch.sum(layer.g_n, 1, keepdim=True, out=self.bias_gradients[index])
            if index:
                torch.bmm(self.layers[index - 1].s.mT, layer.g, out=weight)
                torch.bmm(layer.g, self.weights[index].mT, out=self.layers[index - 1].g)
                continue
            torch.bmm(self.units.mT, layer.g_n, out=weight)
            for column_of, part in zip((0, None, 1), layer.g_parts, strict=False):
                if column_of is not None:
                    weight[:, column_of].add_(part.sum(1))

    @staticmethod
    def _transpose(layer: _Layer, first: bool) -> None:
        """The derivatives' share in the transpose of one layer of tanh."""
        (g_x, g_xx, *g_t), (a_x, a_xx, *a_t), (one, two, three) = layer.g_parts, layer.a_parts, layer.spare
        g_xx.mul_(layer.d_k)
        torch.mul(g_xx, a_x, out=one)
        g_x.mul_(layer.d_k).addcmul_(layer.s_k, one, value=-4)
        torch.mul(g_x, a_x, out=two)
        if not first:
            two.addcmul_(g_xx, a_xx)
        if g_t:
            g_t[0].mul_(layer.d_k)
            two.addcmul_(g_t[0], a_t[0])
        layer.g_k.addcmul_(layer.s_k, two, value=-2)
        torch.mul(one, a_x, out=three)
        layer.g_k.addcmul_(three, layer.d_k, value=2).sub_(three, alpha=4)
