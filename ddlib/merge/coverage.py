"""Who measures what: patients of each source and column, and patients who have two columns."""

from __future__ import annotations

import torch
from jaxtyping import Int
from torch import Tensor

from ddlib.merge.panel import Panel


def patients_with(panel: Panel) -> Int[Tensor, "K c"]:
    """Patients of each source with at least one measurement of each column, static ones last."""
    moving = [(~values.isnan()).any(1).sum(0) for values in panel.values]
    fixed = [(~values.isnan()).sum(0) for values in panel.fixed]
    return torch.cat([torch.stack(moving), torch.stack(fixed)], dim=1)


def patients_with_both(panel: Panel) -> Int[Tensor, "c c"]:
    """Patients who have both of two columns, at whichever visits; static ones last."""
    total = torch.zeros(*[len(panel.columns) + len(panel.static)] * 2, dtype=torch.long)
    for values, fixed in zip(panel.values, panel.fixed, strict=True):
        seen = torch.cat([(~values.isnan()).any(1), ~fixed.isnan()], dim=1).to(torch.float32)
        total += (seen.mT @ seen).long()
    return total
