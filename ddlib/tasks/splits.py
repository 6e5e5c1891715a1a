"""Training, validation and test data, and the rows that a distillation begins with."""

from __future__ import annotations

from collections.abc import Sequence
from numbers import Real
from typing import Any, NamedTuple, cast

import torch
from jaxtyping import Float
from torch import Tensor
from torch.nn.functional import one_hot

from ddlib.arguments import check_generator, is_whole
from ddlib.problem import Distilled, Split
from ddlib.tasks.arrays import numbers

__all__ = ["Splits", "expanded", "known_split", "random_rows", "split"]


class Splits(NamedTuple):
    """Three disjoint parts of a data set, each with R replicates.

    >>> parts = split([[0.0], [1.0], [2.0], [3.0]], [0, 1, 0, 1], (2, 1, 1), 5, torch.Generator().manual_seed(0))
    >>> parts.train.x.shape, parts.part("test").x.shape
    (torch.Size([5, 2, 1]), torch.Size([5, 1, 1]))
    """

    train: Distilled
    validation: Distilled
    test: Distilled

    def centred(self) -> tuple[Splits, Float[Tensor, "R 1 *unit"]]:
        """The splits with the columns' means over the training rows taken away, and these means."""
        mean = self.train.x.mean(1, keepdim=True)
        return Splits(*(data._replace(x=data.x - mean) for data in self)), mean

    def to(self, *args: Any, **options: Any) -> Splits:
        """The same on another device or of another floating-point type."""
        return Splits(*(data.to(*args, **options) for data in self))

    def part(self, split: Split) -> Distilled:
        """The part of that name.

        Raises:
            ValueError: if there is none.
        """
        known_split(split)
        return cast(Distilled, getattr(self, split))


def known_split(split: str) -> None:
    """Raise a ValueError unless it is the name of a split.

    >>> known_split("dev")
    Traceback (most recent call last):
    ValueError: a split is 'train', 'validation' or 'test', but 'dev' was asked for
    """
    if split not in ("train", "validation", "test"):
        raise ValueError(f"a split is 'train', 'validation' or 'test', but {split!r} was asked for")


def split(
    x: Any,
    y: Any,
    sizes: tuple[float, float, float],
    replicates: int,
    generator: torch.Generator,
) -> Splits:
    """Units dealt at random to training, validation and test data, anew for each replicate.

    Args:
        x: n units of any shape, first axis n: a tensor, a NumPy array, a pandas table or lists; whole numbers (pixels) become
            float64.
        y: their labels, numbers or rows (:func:`~ddlib.tasks.class_labels` for classes); they get the type of x.
        sizes: of the three parts: fractions are shares of n, which add up to at most 1, and whole numbers are units. (60, 20, 20)
            are therefore 100 units and no percentages; of 300 units the other 200 are in no part.
        replicates: R, how often they are dealt, so that results have a spread.
        generator: the source of randomness, such as ``torch.Generator().manual_seed(0)``.

    Returns:
        Three sets ``train``, ``validation`` and ``test``, units of shape (R, size, ...), each unit with weight one.

    Raises:
        ValueError: if x and y have different lengths, a part is empty, the sizes exceed the units, or a value is not finite.
        TypeError: if a value is no number, or an argument of another kind.

    >>> parts = split(torch.zeros(10, 28, 28), torch.arange(10), (0.6, 0.2, 0.2), 3, torch.Generator().manual_seed(0))
    >>> [part.x.shape[:2] for part in parts]
    [torch.Size([3, 6]), torch.Size([3, 2]), torch.Size([3, 2])]
    """
    check_generator(generator)
    if not is_whole(replicates):
        raise TypeError(f"the number of replicates must be a whole number of at least 1, but it is {replicates!r}")
    x = numbers(x, "x")
    y = numbers(y, "y", like=x)
    if x.ndim < 2 or y.ndim < 1 or len(x) != len(y):
        raise ValueError(
            f"x must have one row per unit and y one label per unit, but they have shapes {tuple(x.shape)} and {tuple(y.shape)}: "
            "give a single column as x[:, None]"
        )
    counts = _counts(sizes, len(x))
    if not (bool(x.isfinite().all()) and bool(y.isfinite().all())):
        raise ValueError("the data hold NaN or infinity: drop or impute these rows first")
    order = torch.rand(replicates, len(x), generator=generator, device=generator.device).argsort(-1).to(x.device)
    parts = order[:, : sum(counts)].split(counts, -1)
    return Splits(*(Distilled(x[rows], y[rows], x.new_ones(rows.shape)) for rows in parts))


def _counts(sizes: Sequence[float], rows: int) -> list[int]:
    """The sizes of the three parts in units."""
    if not hasattr(sizes, "__len__") or len(sizes) != 3 or not all(isinstance(size, Real) for size in sizes):
        raise ValueError(
            f"the sizes must be three numbers, of training, validation and test data, but they are {sizes!r}: write (0.6, 0.2, 0.2)"
        )
    if all(is_whole(size, 0) for size in sizes):
        counts = [int(size) for size in sizes]
    elif all(0 < size < 1 for size in sizes) and sum(sizes) <= 1 + 1e-9:
        counts = [int(size * rows + 1e-9) for size in sizes]
    else:
        raise ValueError(
            "the sizes must be three whole numbers of at least 1 row, or three shares that add up to at most 1, but "
            f"they are {sizes}"
        )
    if min(counts) < 1 or sum(counts) > rows:
        raise ValueError(
            f"parts of {tuple(counts)} rows cannot be made of {rows}: each needs at least 1 row, and all of them at most that"
        )
    return counts


def expanded(splits: Splits, replicates: int, name: str) -> Splits:
    """The same data for several replicates.

    Raises:
        ValueError: if there are several already.

    >>> parts = split(torch.zeros(6, 2), torch.zeros(6), (2, 2, 2), 1, torch.Generator().manual_seed(0))
    >>> expanded(parts, 4, "the task").test.x.shape
    torch.Size([4, 2, 2])
    """
    given = splits.train.replicates
    if given not in (1, replicates):
        raise ValueError(f"the data of {name} have {given} replicates, which cannot serve {replicates}: give data of one replicate")
    return Splits(*(Distilled(*(part.expand(replicates, *part.shape[1:]) for part in data)) for data in splits))


def random_rows(
    data: Distilled, budget: int, generator: torch.Generator, name: str = "the task", by_class: bool = True
) -> Distilled:
    """Rows drawn without replacement, a fresh draw for each replicate; with class labels the classes take turns.

    Raises:
        ValueError: if there are fewer rows than the budget asks for.

    >>> data = Distilled(torch.zeros(3, 5, 2), torch.zeros(3, 5), torch.ones(3, 5))
    >>> random_rows(data, 2, torch.Generator().manual_seed(0)).x.shape
    torch.Size([3, 2, 2])
    """
    if budget > data.budget:
        raise ValueError(f"the budget is {budget} rows but the data of {name} have {data.budget}: ask for at most as many")
    keys = torch.rand(data.w.shape, generator=generator, device=generator.device).to(data.w.device)
    if by_class and len(data.label) == 1 and data.label[0] > 1:
        keys = keys + _round(keys, data.y)
    pick = (keys + torch.where(data.w > 0, 0, data.budget + 1)).argsort(-1)[..., :budget]  # rows of weight zero come last
    return Distilled(*(part.take_along_dim(pick.view(*pick.shape, *(1,) * (part.ndim - 2)), 1) for part in data))


def _round(keys: Float[Tensor, "R n"], y: Float[Tensor, "R n c"]) -> Float[Tensor, "R n"]:
    """When each row is drawn if classes take turns: how many rows of its own class come before it in the order of the keys."""
    order = keys.argsort(-1)
    member = one_hot(y.argmax(-1), y.shape[-1]).take_along_dim(order.unsqueeze(-1), 1)
    before = (member * member.cumsum(1)).sum(-1) - 1
    return torch.zeros_like(keys).scatter(1, order, before.to(keys))
