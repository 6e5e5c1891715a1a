"""Training, validation and test data, and the rows that a distillation begins with."""

from __future__ import annotations

from typing import NamedTuple

import torch
from jaxtyping import Float, Int
from torch import Tensor
from torch.nn.functional import one_hot

from ddlib.problem import Distilled, Split


class Splits(NamedTuple):
    """Three disjoint parts of a data set, each with R replicates."""

    train: Distilled
    validation: Distilled
    test: Distilled

    def centred(self) -> tuple[Splits, Float[Tensor, "R 1 d"]]:
        """The splits with the columns' means over the training rows taken away, and these means."""
        mean = self.train.x.mean(1, keepdim=True)
        return Splits(*(data._replace(x=data.x - mean) for data in self)), mean

    def part(self, split: Split) -> Distilled:
        """The part of that name."""
        return {"train": self.train, "validation": self.validation, "test": self.test}[split]


def split(
    x: Float[Tensor, "n d"],
    y: Float[Tensor, " n *label"],
    sizes: tuple[int, int, int],
    replicates: int,
    generator: torch.Generator,
) -> Splits:
    """Rows dealt at random to training, validation and test data, anew for each replicate; rows left over are not used.

    Raises:
        ValueError: if a part is empty, the sizes exceed the rows, or a value is not finite.
    """
    if min(sizes) < 1 or sum(sizes) > len(x):
        raise ValueError(
            f"parts of {sizes} rows cannot be made of {len(x)}: each needs at least 1 row, and all of them at most that"
        )
    if not (bool(x.isfinite().all()) and bool(y.isfinite().all())):
        raise ValueError("the data hold NaN or infinity: drop or impute these rows first")
    order = torch.rand(replicates, len(x), generator=generator, device=generator.device).argsort(-1).to(x.device)
    parts = order[:, : sum(sizes)].split(sizes, -1)
    return Splits(*(Distilled(x[rows], y[rows], torch.ones_like(x[rows][..., 0])) for rows in parts))


def class_labels(labels: Int[Tensor, " n"], count: int) -> Float[Tensor, "n c"]:
    """One-hot rows minus 1/C: labels that sum to zero, so that a model that says nothing is at their mean for equal classes."""
    return one_hot(labels.long(), count).to(torch.float64) - 1 / count


def random_rows(data: Distilled, budget: int, generator: torch.Generator, name: str = "the task") -> Distilled:
    """Rows drawn without replacement, a fresh draw for each replicate; with class labels the classes take turns.

    Raises:
        ValueError: if there are fewer rows than the budget asks for.
    """
    rows = data.budget
    if budget > rows:
        raise ValueError(f"the budget is {budget} rows but the data of {name} have {rows}: ask for at most as many")
    keys = torch.rand(data.w.shape, generator=generator, device=generator.device).to(data.w.device)
    if data.y.ndim > data.w.ndim and data.y.shape[-1] > 0:
        keys = keys + _round(keys, data.y)
    pick = keys.argsort(-1)[..., :budget]
    return Distilled(*(part.take_along_dim(pick.view(*pick.shape, *(1,) * (part.ndim - 2)), 1) for part in data))


def _round(keys: Float[Tensor, "R n"], y: Float[Tensor, "R n c"]) -> Float[Tensor, "R n"]:
    """When each row is drawn if classes take turns: how many rows of its own class come before it in the order of the keys."""
    order = keys.argsort(-1)
    member = one_hot(y.argmax(-1), y.shape[-1]).take_along_dim(order.unsqueeze(-1), 1)
    before = (member * member.cumsum(1)).sum(-1) - 1
    return torch.zeros_like(keys).scatter(1, order, before.to(keys))
