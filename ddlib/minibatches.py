"""Minibatches: some of the units at a time, so that an update costs as much whatever the size of the data."""

from __future__ import annotations

import torch
from jaxtyping import Int
from torch import Tensor

from ddlib.arguments import check_batch
from ddlib.distilled import Distilled

__all__ = ["drawn"]


def drawn(data: Distilled, size: int, generator: torch.Generator) -> Distilled:
    """Units drawn with replacement, as often as they weigh, a fresh draw for each replicate; sums and means over them are unbiased.

    Raises:
        ValueError: if the size is no whole number of at least 1.

    >>> data = Distilled(torch.arange(8.0).view(1, 8, 1), torch.zeros(1, 8), torch.ones(1, 8))
    >>> batch = drawn(data, 2, torch.Generator().manual_seed(0))
    >>> batch.x.shape, batch.w
    (torch.Size([1, 2, 1]), tensor([[4., 4.]]))
    """
    check_batch(size)
    lead = data.w.shape[:-1]
    share = torch.rand((*lead, size), generator=generator, device=generator.device, dtype=torch.float64).to(data.w.device)
    heights = data.w.to(torch.float64).cumsum(-1)
    total = heights[..., -1:]
    rows = torch.searchsorted(heights.contiguous(), share * total, right=True).clamp(max=data.budget - 1)
    w = (total / size).expand(*lead, size).to(data.w.dtype)
    return Distilled(_taken(data.x, rows), _taken(data.y, rows), w)


def _taken(part: Tensor, rows: Int[Tensor, "*R b"]) -> Tensor:
    """The units of these numbers, replicate by replicate."""
    lead, flat = rows.shape[:-1], rows.flatten(0, -2)
    part = part.expand(*lead, *part.shape[rows.ndim - 1 :]).reshape(-1, *part.shape[rows.ndim - 1 :]) if rows.ndim > 2 else part
    return part[torch.arange(len(flat), device=rows.device).unsqueeze(-1), flat].unflatten(0, lead)
