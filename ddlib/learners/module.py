r"""Any :class:`torch.nn.Module` as a class of functions, one flat parameter vector for each, all of them in one batch."""

from __future__ import annotations

import warnings
from collections.abc import Callable
from dataclasses import dataclass
from functools import cached_property
from typing import Any, ClassVar

import torch
from jaxtyping import Float
from torch import Tensor, nn
from torch.func import vmap

from ddlib.distilled import Distilled
from ddlib.learners.module_code import ModuleCode
from ddlib.losses import Loss, LossName, loss_function, per_unit

__all__ = ["ModuleNetwork"]


@dataclass(frozen=True)
class ModuleNetwork:
    r"""The functions :math:`f_\theta` that a module computes, with a loss: what the matching methods look at.

    .. math:: \ell(\theta; S) = \frac{1}{\sum_i w_i} \sum_i w_i\, \ell(f_\theta(x_i), y_i)

    Where modules cannot run side by side (``torch.vmap``), or a convolution runs on a processor, where a loop is faster, functions
    run one after the other. Batch normalisation uses the statistics of the units at hand, in prediction too; dropout draws from
    torch's global random numbers while the loss is computed, and is off in prediction. A warning says each once. Frozen parameters
    and buffers belong to each function as they were built, behind what is trained, and stay as they are; layers that keep other
    statistics of training are refused.

    Attributes:
        build: makes the module, each time with fresh weights; it draws from torch's global random numbers, which are seeded for it.
        criterion: the loss of outputs and labels: a name, or a function to one number per unit (:mod:`ddlib.losses`).
        head: the name of the submodule whose input are the features; None: the linear layer that is called last.
        batched: whether functions run side by side; None: where that is possible and no slower.

    >>> network = ModuleNetwork(lambda: nn.Sequential(nn.Flatten(), nn.Linear(4, 3), nn.ReLU(), nn.Linear(3, 2)), "cross_entropy")
    >>> images = Distilled(torch.zeros(5, 6, 2, 2), torch.zeros(5, 6, 2), torch.ones(5, 6))
    >>> theta = network.initial(images, torch.Generator().manual_seed(0))
    >>> theta.shape, network.features(theta, images.x).shape, network.loss(theta, images).shape
    (torch.Size([5, 23]), torch.Size([5, 6, 3]), torch.Size([5]))
    """

    build: Callable[[], nn.Module]
    criterion: LossName | Loss = "squared"
    head: str | None = None
    batched: bool | None = None
    mean: ClassVar[bool] = True
    any_shape: ClassVar[bool] = True

    def __post_init__(self) -> None:
        if isinstance(self.build, nn.Module):
            raise TypeError(
                "build must be a function that makes the module, each time with fresh weights: write lambda: nn.Sequential(...)"
            )
        if not callable(self.build):
            raise TypeError(
                f"build must be a function that makes the module, but it is {self.build!r}: write lambda: nn.Sequential(...)"
            )
        loss_function(self.criterion)

    def initial(self, data: Distilled, generator: torch.Generator) -> Float[Tensor, "*R P"]:
        """Fresh weights, one module for each replicate of the weights ``data.w``."""
        batch = data.w.shape[:-1]
        seeds = torch.randint(2**62, (batch.numel(),), generator=generator, device=generator.device).tolist()
        code = self._code(data.x, len(batch))
        return torch.stack([code.vector(self._made(seed)) for seed in seeds]).view(*batch, -1).to(data.x)

    def predict(self, theta: Float[Tensor, "*R P"], x: Float[Tensor, "R n *unit"]) -> Float[Tensor, "*R n c"]:
        """The module's outputs."""
        code = self._code(x, 1)
        return self._evaluate(theta, x, 1, lambda vector, units: code.output(vector, units, training=False))

    def features(self, theta: Float[Tensor, "*R P"], x: Float[Tensor, "R n *unit"]) -> Float[Tensor, "*R n h"]:
        """What the linear layer that is called last, or ``head``, sees."""
        return self._evaluate(theta, x, 1, self._code(x, 1).features)

    def loss(self, theta: Float[Tensor, "*R P"], data: Distilled) -> Float[Tensor, "*R"]:
        r""":math:`\ell(\theta; S)`, one number per function.

        Raises:
            ValueError: if the module has several outputs for labels that are numbers.
        """
        axes = data.w.ndim - 1
        code = self._code(data.x, axes)
        outputs = self._evaluate(theta, data.x, axes, lambda vector, units: code.output(vector, units, training=True))
        if not data.label and outputs.shape[-1] != 1:
            raise ValueError(
                f"labels are numbers, but the module has {outputs.shape[-1]} outputs: give it one, or make rows by class_labels(y)"
            )
        return (data.w * per_unit(loss_function(self.criterion), outputs, data)).sum(-1) / data.w.sum(-1)

    def weights(self, theta: Float[Tensor, "*R P"], data: Distilled) -> list[Float[Tensor, "*R a b"]]:
        """The trained weights of all layers, one column for each of their outputs; numbers such as biases are left out."""
        return self._code(data.x, data.w.ndim - 1).matrices(theta)

    def trained(self, theta: Float[Tensor, "*R P"], data: Distilled) -> Float[Tensor, "*R t"]:
        """The parameters without what belongs to the modules but is not trained."""
        return self._code(data.x, data.w.ndim - 1).trained(theta)

    def draws(self, data: Distilled) -> bool:
        """Whether the module draws random numbers in training, as dropout does."""
        return self._code(data.x, data.w.ndim - 1).draws

    def _made(self, seed: int) -> nn.Module:
        with torch.random.fork_rng(devices=[]):
            torch.default_generator.manual_seed(seed)
            module = self.build()
        if not isinstance(module, nn.Module):
            raise TypeError(
                f"build must return a torch module, but it returned a {type(module).__name__}: write lambda: nn.Sequential(...)"
            )
        return module

    def _code(self, x: Float[Tensor, "*R n *unit"], axes: int) -> ModuleCode:
        """The module's code, tried out on the first units that it meets."""
        if "code" not in self._memory:
            module = self._made(0)
            if module is self._made(1):
                raise TypeError(
                    "build returned the same module twice: make a new one each time, as lambda: nn.Sequential(...) does"
                )
            self._memory["code"] = ModuleCode(module, x[(0,) * axes], self.head)
        code: ModuleCode = self._memory["code"]
        return code

    @cached_property
    def _memory(self) -> dict[str, Any]:
        """What is found out once: the code, and why functions run one by one."""
        return {}

    def _evaluate(self, theta: Tensor, x: Tensor, axes: int, function: _Function) -> Tensor:
        """A function of one parameter vector and its units, over all axes in front of both."""
        leading = max(theta.ndim - 1, axes)
        theta = theta.view(*(1,) * (leading - theta.ndim + 1), *theta.shape)
        x = x.view(*(1,) * (leading - axes), *x.shape)
        if self._loops(x, axes):
            return _over(_loop, function, theta, x, leading)
        try:
            return _over(_batch, function, theta, x, leading)
        except RuntimeError as error:
            outputs = _over(_loop, function, theta, x, leading)
            self._one_by_one(f"torch.vmap cannot run it ({str(error).splitlines()[0][:120]})")
            return outputs

    def _loops(self, x: Tensor, axes: int) -> bool:
        if "reason" in self._memory or self.batched is not None:
            return "reason" in self._memory or not self.batched
        code = self._code(x, axes)
        if code.normalises:
            self._one_by_one(
                "its batch normalisation uses the statistics of the units at hand, in prediction too; GroupNorm would not"
            )
        elif code.draws:
            self._one_by_one(
                "it draws from torch's global random numbers, as dropout does: call torch.manual_seed to repeat a method"
            )
        return "reason" in self._memory or (x.device.type == "cpu" and code.convolves)

    def _one_by_one(self, reason: str) -> None:
        """From now on functions run one after the other; said once."""
        self._memory["reason"] = reason
        warnings.warn(f"the networks of this module run one by one: {reason}", stacklevel=2)


_Function = Callable[[Tensor, Tensor], Tensor]


def _over(many: Callable[[_Function, Tensor, Tensor], Tensor], function: _Function, theta: Tensor, x: Tensor, axes: int) -> Tensor:
    """The function over so many leading axes, which broadcast."""
    if axes == 0:
        return function(theta, x)
    return many(lambda vectors, units: _over(many, function, vectors, units, axes - 1), theta, x)


def _batch(function: _Function, theta: Tensor, x: Tensor) -> Tensor:
    """Along one axis, side by side; an axis of length one serves all without being copied."""
    dims = tuple(None if len(values) == 1 else 0 for values in (theta, x))
    theta, x = (values[0] if dim is None else values for values, dim in zip((theta, x), dims, strict=True))
    return function(theta, x).unsqueeze(0) if dims == (None, None) else vmap(function, dims)(theta, x)


def _loop(function: _Function, theta: Tensor, x: Tensor) -> Tensor:
    """Along one axis, one after the other."""
    count = max(len(theta), len(x))
    vectors, units = (values.expand(count, *values.shape[1:]) for values in (theta, x))
    return torch.stack([function(vector, some) for vector, some in zip(vectors, units, strict=True)])
