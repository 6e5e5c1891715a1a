"""Which images train, tune and judge: 400 are locked away before anything is tuned, and only the judging sees them."""

from __future__ import annotations

from typing import NamedTuple

import torch
from jaxtyping import Int
from torch import Tensor

from ddlib import datasets

LOCKED = 400
"""So many images are set aside."""
LOCK = 2028
"""The seed of the lock: no parameter of a run changes which images are set aside. Drafts were judged on those of other seeds."""


class Rows(NamedTuple):
    """Numbers of images, one row for each draw.

    Attributes:
        train: learned from.
        validation: looked at while settings are chosen.
        test: judged on.
    """

    train: Int[Tensor, "R n"]
    validation: Int[Tensor, "R v"]
    test: Int[Tensor, "R t"]


def lock() -> tuple[Int[Tensor, " 400"], Int[Tensor, " 1397"]]:
    """The locked images and the open ones, in ascending order.

    >>> locked, opened = lock()
    >>> len(locked), len(opened), set(locked.tolist()) & set(opened.tolist())
    (400, 1397, set())
    """
    count = len(datasets.digits().label)
    order = torch.randperm(count, generator=torch.Generator().manual_seed(LOCK))
    return order[:LOCKED].sort().values, order[LOCKED:].sort().values


def deal(sizes: tuple[int, int], draws: int, generator: torch.Generator, sealed: bool = False) -> Rows:
    """Training and validation images drawn from the open ones, anew for each draw; the locked ones are the test images of all.

    Args:
        sizes: of training and validation data.
        draws: R, how often they are dealt.
        generator: the source of randomness.
        sealed: whether the locked images stay locked, as for tuning: the test images are then the validation images.

    Raises:
        ValueError: if a part is empty, or the open images do not fill both.

    >>> [part.shape for part in deal((1000, 397), 3, torch.Generator().manual_seed(0))]
    [torch.Size([3, 1000]), torch.Size([3, 397]), torch.Size([3, 400])]
    """
    locked, opened = lock()
    if min(sizes) < 1 or sum(sizes) > len(opened):
        raise ValueError(
            f"sizes are {tuple(sizes)}, but training and validation need an image each and there are {len(opened)} for both: "
            f"{LOCKED} are locked away to judge on"
        )
    order = torch.rand(draws, len(opened), generator=generator, device=generator.device).argsort(-1).cpu()
    train, validation = opened[order[:, : sum(sizes)]].split(list(sizes), -1)
    return Rows(train, validation, validation if sealed else locked.expand(draws, -1))
