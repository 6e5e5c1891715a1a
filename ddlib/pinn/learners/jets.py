r"""Derivatives of a network's output in its inputs, carried forward through the layers beside the value."""

from __future__ import annotations

from collections.abc import Callable

import torch
from jaxtyping import Float
from torch import Tensor

from ddlib.pinn.learners.networks import TanhNetwork
from ddlib.pinn.problems.problem import Jet

__all__ = ["autograd_jet", "jet", "propagate"]


def jet(network: TanhNetwork, theta: Float[Tensor, "*N P"], units: Float[Tensor, "*N n d"], timed: bool = False) -> Jet:
    """u, u_x, u_xx and, with ``timed``, u_t of each network at its units; see :func:`propagate`.

    >>> network = TanhNetwork((4,))
    >>> jet(network, torch.zeros(1, network.parameters(2)), torch.zeros(1, 3, 2)).u_xx
    tensor([[0., 0., 0.]])
    """
    return propagate(network, theta, units, units.shape[-2], timed)


def propagate(network: TanhNetwork, theta: Float[Tensor, "*N P"], units: Float[Tensor, "*N n d"], k: int, timed: bool) -> Jet:
    r"""The value at all units and the derivatives at the first k of them, by Taylor propagation.

    A layer :math:`s = \tanh a`, :math:`a = h W + b`, maps derivatives of h to those of s,

    .. math:: s_x = (1 - s^2)\, a_x, \qquad s_{xx} = (1 - s^2)\, a_{xx} - 2 s\, s_x a_x, \qquad s_t = (1 - s^2)\, a_t,

    and all rows, values and derivatives, pass through W together. x is the first column of a unit, t the second. Differentiable any
    number of times in :math:`\theta` and in the units.

    Args:
        network: the function class.
        theta: parameters, one network per leading index.
        units: rows at which to evaluate; leading axes broadcast against those of theta.
        k: how many of the units have derivatives.
        timed: whether u_t is wanted.

    >>> network = TanhNetwork((4,))
    >>> found = propagate(network, torch.zeros(1, network.parameters(2)), torch.zeros(1, 3, 2), k=1, timed=False)
    >>> found.u.shape, found.u_x.shape
    (torch.Size([1, 3]), torch.Size([1, 1]))
    """
    n, (first, *hidden, last) = units.shape[-2], network.layers(theta, units.shape[-1])
    s = (units @ first.weight[..., :-1, :] + first.weight[..., -1:, :]).tanh()
    rows = _tanh_rows(s, k, first.weight[..., :1, :], None, first.weight[..., 1:2, :] if timed else None)
    for layer in hidden:
        a = rows @ layer.weight[..., :-1, :]
        s = (a[..., :n, :] + layer.weight[..., -1:, :]).tanh()
        a_x, a_xx, *a_t = a[..., n:, :].split(max(k, 1), -2) if k else (a, a, a)
        rows = _tanh_rows(s, k, a_x, a_xx, a_t[0] if timed else None)
    out = (rows @ last.weight[..., :-1, :]).squeeze(-1)
    u = out[..., :n] + last.weight[..., -1, :]
    if not k:
        return Jet(u, out[..., :0], out[..., :0], out[..., :0] if timed else None)
    u_x, u_xx, *u_t = out[..., n:].split(k, -1)
    return Jet(u, u_x, u_xx, u_t[0] if timed else None)


def _tanh_rows(s: Tensor, k: int, a_x: Tensor, a_xx: Tensor | None, a_t: Tensor | None) -> Tensor:
    """Values s of a layer above the derivatives at its first k units; no a_xx means zero."""
    if not k:
        return s
    here = s[..., :k, :]
    slope = 1 - here.square()
    s_x = slope * a_x
    bent = -2 * here * s_x * a_x
    s_xx = bent if a_xx is None else slope * a_xx + bent
    return torch.cat([s, s_x, s_xx] if a_t is None else [s, s_x, s_xx, slope * a_t], -2)


def autograd_jet(function: Callable[[Tensor], Tensor], units: Float[Tensor, "*R n d"], timed: bool = False) -> Jet:
    """The same for any differentiable function that treats units one by one, by two backward passes.

    Differentiable in what the function depends on if gradients are enabled.

    Args:
        function: maps units to values of shape (R, n).
        units: where to evaluate.
        timed: whether u_t is wanted.

    Raises:
        ValueError: if the function has no derivative in the units.

    >>> square = autograd_jet(lambda units: units[..., 0] ** 2, torch.tensor([[[3.0, 0.0]]]))
    >>> square.u.detach(), square.u_x.detach(), square.u_xx.detach()
    (tensor([[9.]]), tensor([[6.]]), tensor([[2.]]))
    """
    keep = torch.is_grad_enabled()
    with torch.enable_grad():
        units = units if units.requires_grad else units.detach().requires_grad_()
        u = function(units)
        if not u.requires_grad:
            raise ValueError("a residual needs derivatives, which this learner does not have: judge it by its predictions alone")
        (slope,) = torch.autograd.grad(u.sum(), units, create_graph=True)
        u_x = slope[..., 0]
        second = torch.autograd.grad(u_x.sum(), units, create_graph=keep, allow_unused=True)[0] if u_x.requires_grad else None
        u_xx = torch.zeros_like(u_x) if second is None else second[..., 0]
    found = Jet(u, u_x, u_xx, slope[..., 1] if timed else None)
    return found if keep else Jet(*(None if part is None else part.detach() for part in found))  # type: ignore[arg-type]
