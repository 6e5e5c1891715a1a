"""Who measures what: patients of each source and column, and patients who have two columns."""

from __future__ import annotations

import torch
from jaxtyping import Int
from torch import Tensor

from ddlib.merge.panel import Panel


def patients_with(panel: Panel) -> Int[Tensor, "K c"]:
    """Patients of each source with at least one measurement of each column, static ones last."""
    seen = [panel.measured(k) for k in range(len(panel.sources))]
    moving = [part.any(1).sum(0) for part, _ in seen]
    fixed = [part.sum(0) for _, part in seen]
    return torch.cat([torch.stack(moving), torch.stack(fixed)], dim=1)


def patients_with_both(panel: Panel) -> Int[Tensor, "c c"]:
    """Patients who have both of two columns, at whichever visits; static ones last."""
    total = torch.zeros(*[len(panel.columns) + len(panel.static)] * 2, dtype=torch.long)
    for k in range(len(panel.sources)):
        moving, fixed = panel.measured(k)
        seen = torch.cat([moving.any(1), fixed], dim=1).to(torch.float32)
        total += (seen.mT @ seen).long()
    return total
