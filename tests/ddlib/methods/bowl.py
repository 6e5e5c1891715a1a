"""A task whose answer is obvious: the learner is the weighted mean of x + y, the risk its squared distance from a target."""

from __future__ import annotations

import torch

from ddlib.problem import Block, Distilled, whole_set


class Bowl:
    name = "bowl"

    def __init__(self, replicates: int = 2, blocks: int = 1) -> None:
        self.target = torch.arange(2.0 * replicates, dtype=torch.float64).view(replicates, 2)
        self._blocks = blocks

    @property
    def train(self) -> Distilled:
        return self.start(10, torch.Generator().manual_seed(0))

    @property
    def reference(self) -> torch.Tensor:
        return self.target

    def start(self, budget: int, generator: torch.Generator) -> Distilled:
        shape = (len(self.target), budget, 2)
        x = self.target.unsqueeze(1) + 1.5 + 2 * torch.randn(shape, dtype=torch.float64, generator=generator)
        return Distilled(x, torch.zeros_like(x), torch.ones_like(x[..., 0]))

    def fit(self, distilled: Distilled, generator: torch.Generator | None = None) -> torch.Tensor:
        w = distilled.w.unsqueeze(-1)
        return (w * (distilled.x + distilled.y)).sum(-2) / w.sum(-2)

    def risk(self, model: torch.Tensor, split: str = "train") -> torch.Tensor:
        return (model - self.target).square().sum(-1)

    def blocks(self, distilled: Distilled) -> list[Block]:
        if self._blocks == 1:
            return whole_set(self, distilled)
        return [Block(torch.arange(j, distilled.budget, self._blocks), self.risk) for j in range(self._blocks)]
