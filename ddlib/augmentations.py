"""Changes of units that leave their class as it is: what matching methods may do to S and D alike before they compare them.

An augmentation is a function of units of shape (n, *unit) and a generator. It draws one change for all units, and is
differentiable in them (differentiable siamese augmentation; Zhao and Bilen 2021).
"""

from __future__ import annotations

import inspect
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import Any, TypeAlias

import torch
from torch import Tensor, nn

from ddlib.distilled import Distilled

__all__ = ["Augmentation", "Flip", "OneOf", "Scale", "Shift", "alike", "check_augmentation"]

Augmentation: TypeAlias = Callable[[Tensor, torch.Generator], Tensor]
"""Units and a source of randomness to changed units of the same shape."""


@dataclass(frozen=True)
class Shift:
    """Moves series or images along their last axes by up to so many steps; what leaves one end is zero at the other.

    Attributes:
        most: steps at most, either way.
        axes: how many of the last axes are moved: 1 for series, 2 for images.

    >>> Shift(2)(torch.ones(3, 1, 8, 8), torch.Generator().manual_seed(0)).shape
    torch.Size([3, 1, 8, 8])
    """

    most: int = 2
    axes: int = 2

    def __call__(self, x: Tensor, generator: torch.Generator) -> Tensor:
        if x.ndim - 1 < self.axes or min(x.shape[-self.axes :]) <= self.most:
            raise ValueError(
                f"units of shape {tuple(x.shape[1:])} cannot be moved by {self.most} along {self.axes} axes: choose fewer"
            )
        for axis in range(-self.axes, 0):
            step = int(torch.randint(-self.most, self.most + 1, (), generator=generator, device=generator.device))
            kept = x.narrow(axis, max(-step, 0), x.shape[axis] - abs(step))
            gap = torch.zeros_like(x.narrow(axis, 0, abs(step)))
            x = torch.cat([gap, kept] if step > 0 else [kept, gap], axis)
        return x


@dataclass(frozen=True)
class Flip:
    """Mirrors units along their last axis, every second time.

    >>> Flip()(torch.tensor([[[1.0, 2.0]]]), torch.Generator().manual_seed(1)).shape
    torch.Size([1, 1, 2])
    """

    def __call__(self, x: Tensor, generator: torch.Generator) -> Tensor:
        return x.flip(-1) if int(torch.randint(2, (), generator=generator, device=generator.device)) else x


@dataclass(frozen=True)
class Scale:
    """Multiplies units by a factor between 1/most and most, evenly on a logarithmic axis.

    Attributes:
        most: the largest factor.

    >>> bool((Scale(2.0)(torch.ones(1, 3, 2), torch.Generator().manual_seed(0)) <= 2).all())
    True
    """

    most: float = 1.2

    def __call__(self, x: Tensor, generator: torch.Generator) -> Tensor:
        share = 2 * torch.rand((), generator=generator, device=generator.device) - 1
        return x * (self.most**share).to(x)


@dataclass(frozen=True)
class OneOf:
    """One of several augmentations, at random.

    Attributes:
        choices: to choose from.

    >>> OneOf((Flip(), Shift(1, axes=1)))(torch.ones(1, 3, 4), torch.Generator().manual_seed(0)).shape
    torch.Size([1, 3, 4])
    """

    choices: Sequence[Augmentation]

    def __post_init__(self) -> None:
        if isinstance(self.choices, str) or not isinstance(self.choices, Sequence) or not self.choices:
            raise TypeError(
                f"one of several augmentations is chosen, but they are {self.choices!r}: write OneOf((Flip(), Shift(2)))"
            )
        for choice in self.choices:
            _check(choice)

    def __call__(self, x: Tensor, generator: torch.Generator) -> Tensor:
        which = int(torch.randint(len(self.choices), (), generator=generator, device=generator.device))
        return self.choices[which](x, generator)


def alike(augment: Augmentation | None, sets: Sequence[Distilled], generator: torch.Generator) -> list[Distilled]:
    """Sets that are changed in the same way, whatever the augmentation draws; as they are where there is none.

    >>> rows = Distilled(torch.ones(1, 2, 3), torch.zeros(1, 2), torch.ones(1, 2))
    >>> one, other = alike(Scale(2.0), [rows, rows], torch.Generator().manual_seed(0))
    >>> torch.equal(one.x, other.x)
    True
    """
    if augment is None:
        return list(sets)
    seed = int(torch.randint(2**62, (), generator=generator, device=generator.device))
    draws = [torch.Generator(generator.device).manual_seed(seed) for _ in sets]
    units = [augment(data.x.flatten(0, data.w.ndim - 1), draw) for data, draw in zip(sets, draws, strict=True)]
    return [data._replace(x=x.view(data.x.shape)) for data, x in zip(sets, units, strict=True)]


def check_augmentation(augment: Augmentation | None) -> None:
    """Refuse what is neither None nor a function of units and a generator.

    Raises:
        TypeError: with what to write instead.

    >>> check_augmentation(Flip)
    Traceback (most recent call last):
    TypeError: the augmentation must be an object, but Flip is a class: write Flip()
    """
    if augment is not None:
        _check(augment)


def _check(augment: Any) -> None:
    if isinstance(augment, type):
        raise TypeError(f"the augmentation must be an object, but {augment.__name__} is a class: write {augment.__name__}()")
    if not callable(augment):
        raise TypeError(
            f"the augmentation must be a function of units and a generator, but it is {augment!r}: write Flip(), "
            "Shift(2), Scale(1.2) or OneOf((Flip(), Shift(2))) of ddlib.augmentations"
        )
    called = augment.forward if isinstance(augment, nn.Module) else augment
    try:
        inspect.signature(called).bind(None, None)
    except TypeError:
        raise TypeError(
            f"the augmentation is called with units and a generator, which {augment!r} does not take: write a function of "
            "(x, generator) that draws from this generator alone"
        ) from None
    except ValueError:
        pass  # what is written in C does not always say what it takes
