"""What a torch module computes, apart from its weights: a function of one flat vector and units."""

from __future__ import annotations

from typing import Any

import torch
from jaxtyping import Float
from torch import Tensor, nn
from torch.func import functional_call
from torch.nn.modules.batchnorm import _BatchNorm
from torch.nn.modules.conv import _ConvNd, _ConvTransposeNd
from torch.nn.parameter import UninitializedParameter

__all__ = ["ModuleCode"]


class ModuleCode:
    """A module's code, tried out once on two units.

    The vector holds the trained parameters, and behind them what belongs to a module but is not trained: frozen parameters and
    buffers. These have no gradient.

    Args:
        module: as it was built.
        sample: some units, shape (n, *unit).
        head: the name of the submodule whose input are the features; None: the linear layer that is called last.

    Raises:
        TypeError: if the module does not return one row of numbers per unit.
        ValueError: if it has lazy layers or nothing to train, changes its input, or keeps statistics that training changes.

    >>> code = ModuleCode(nn.Linear(3, 2), torch.zeros(5, 3))
    >>> code.output(code.vector(nn.Linear(3, 2)), torch.zeros(5, 3), training=False).shape
    torch.Size([5, 2])
    """

    def __init__(self, module: nn.Module, sample: Float[Tensor, "n ..."], head: str | None = None) -> None:
        self._module = module
        named = dict(module.named_parameters())
        if any(isinstance(value, UninitializedParameter) for value in named.values()):
            raise ValueError("the module has lazy layers, whose shapes are not known yet: give their numbers of inputs")
        self._trained = {name: value.shape for name, value in named.items() if value.requires_grad}
        if not self._trained:
            raise ValueError("the module has no parameter to train: give it one with requires_grad=True")
        buffers = dict(module.named_buffers())
        frozen = {name: value.shape for name, value in named.items() if not value.requires_grad}
        self._held = frozen | {name: value.shape for name, value in buffers.items() if value.is_floating_point()}
        self._numbers = {name: value for name, value in buffers.items() if not value.is_floating_point()}
        self.normalises = self.has(_BatchNorm)
        self.convolves = self.has(_ConvNd)
        self.draws, last = self._try(sample)
        self._head = last if head is None else module.get_submodule(head)

    def has(self, *kinds: type) -> bool:
        """Whether a submodule is of one of these kinds."""
        return any(isinstance(module, kinds) for module in self._module.modules())

    def vector(self, module: nn.Module) -> Float[Tensor, " P"]:
        """The numbers of a module of this code."""
        own = dict(module.named_parameters()) | dict(module.named_buffers())
        return torch.cat([own[name].detach().flatten() for name in (*self._trained, *self._held)])

    def trained(self, vector: Float[Tensor, "*R P"]) -> Float[Tensor, "*R t"]:
        """The part of a vector that is trained."""
        return vector[..., : sum(shape.numel() for shape in self._trained.values())]

    def output(self, vector: Float[Tensor, " P"], units: Float[Tensor, "n ..."], training: bool) -> Float[Tensor, "n c"]:
        """The outputs; batch normalisation uses the units' own statistics, in training or not."""
        outputs: Tensor = self._call(self._given(vector, units), units, training)
        return outputs.unsqueeze(-1) if outputs.ndim == 1 else outputs

    def features(self, vector: Float[Tensor, " P"], units: Float[Tensor, "n ..."]) -> Float[Tensor, "n h"]:
        """What the head sees.

        Raises:
            ValueError: if there is no linear layer and no head was named.
        """
        if self._head is None:
            raise ValueError("the module has no linear layer whose input could be its features: name a submodule by head='...'")
        caught: list[Tensor] = []
        hook = self._head.register_forward_pre_hook(lambda _, given: caught.append(given[0]))
        try:
            self._call(self._given(vector, units), units, training=False)
        finally:
            hook.remove()
        return caught[-1].flatten(1)

    def matrices(self, theta: Float[Tensor, "*R P"]) -> list[Float[Tensor, "*R a b"]]:
        """The trained weights as matrices, one column for each output of a layer; what has one number per output is left out."""
        parts = self.trained(theta).split([shape.numel() for shape in self._trained.values()], -1)
        named = zip(self._trained.items(), parts, strict=True)
        every = [self._matrix(name, shape, part) for (name, shape), part in named if len(shape) > 1]
        return [matrix for matrix in every if matrix.shape[-2] > 1]

    def _matrix(self, name: str, shape: torch.Size, part: Float[Tensor, "*R n"]) -> Float[Tensor, "*R a b"]:
        """One column for each entry of the first axis; a transposed convolution has its outputs group by group on the second."""
        path, whole, axis = name.split("."), part.unflatten(-1, shape), part.ndim
        end = path.index("parametrizations") if "parametrizations" in path else -1  # behind it are the parts of a layer's weight
        layer = self._module.get_submodule(".".join(path[:end]))
        if isinstance(layer, _ConvTransposeNd) and shape == layer.weight.shape:
            whole = whole.unflatten(axis - 1, (layer.groups, -1)).transpose(axis, axis + 1).flatten(axis - 1, axis)
        return whole.flatten(axis).mT

    def _given(self, vector: Float[Tensor, " P"], units: Tensor) -> dict[str, Tensor]:
        shapes = self._trained | self._held
        parts = vector.split([shape.numel() for shape in shapes.values()])
        given = {name: part.view(shape) for (name, shape), part in zip(shapes.items(), parts, strict=True)}
        held = {name: given[name].detach().clone() for name in self._held}  # a module may write into its buffers
        return given | held | {name: value.to(units.device, copy=True) for name, value in self._numbers.items()}

    def _call(self, given: dict[str, Tensor], units: Tensor, training: bool) -> Any:
        for module in self._module.modules():
            module.training = training or isinstance(module, _BatchNorm)
        return functional_call(self._module, given, (units,))

    def _outputs(self, given: dict[str, Tensor], units: Tensor) -> Any:
        try:
            return self._call(given, units, training=True)
        except RuntimeError as error:
            raise ValueError(
                f"the module cannot take units of shape {tuple(units.shape[1:])} ({str(error).splitlines()[0][:120]}): "
                "give it units of the shape that it needs, such as x[:, None] for an axis of channels, or begin with nn.Flatten()"
            ) from error

    def _try(self, sample: Tensor) -> tuple[bool, nn.Module | None]:
        """Whether it draws random numbers, and the linear layer that it calls last."""
        some = sample.detach().cpu()[:2]
        units = torch.cat([some, some])[:2].clone()
        given = self._given(self.vector(self._module).to(units), units)
        before = {name: given[name].clone() for name in self._held}
        called: list[nn.Module] = []
        linear = [module for module in self._module.modules() if isinstance(module, nn.Linear)]
        hooks = [module.register_forward_pre_hook(lambda module, _: called.append(module)) for module in linear]
        try:
            with torch.random.fork_rng(devices=[]), torch.no_grad():
                state, version = torch.get_rng_state(), units._version
                outputs = self._outputs(given, units)
                draws = not torch.equal(state, torch.get_rng_state())
        finally:
            for hook in hooks:
                hook.remove()
        if not isinstance(outputs, Tensor) or outputs.ndim not in (1, 2) or len(outputs) != 2:
            kind = f"a tensor of shape {tuple(outputs.shape)}" if isinstance(outputs, Tensor) else f"a {type(outputs).__name__}"
            raise TypeError(
                f"the module must return one row of numbers per unit, but it made {kind} of 2 units: wrap it so that it does"
            )
        if units._version != version:
            raise ValueError(
                "the module changes its input in place, which would change the data: write x = x - 1 instead of x -= 1"
            )
        changed = [name for name, value in before.items() if not torch.equal(value, given[name])]
        if any(not isinstance(self._module.get_submodule(name.rpartition(".")[0]), _BatchNorm) for name in changed):
            raise ValueError(
                f"the module keeps statistics in {changed[0]} that training changes, which a function of its weights "
                "cannot: choose layers without, such as GroupNorm"
            )
        return draws, called[-1] if called else None
