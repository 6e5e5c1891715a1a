"""Random numbers of the PINN chapters: one source for each problem, seed and purpose."""

from __future__ import annotations

import zlib
from typing import Any

import torch

from ddlib.pinn.problems.problem import Problem


def generator_for(problem: Problem, seed: int, purpose: str, device: torch.device | str = "cpu") -> torch.Generator:
    """A generator that no other problem, seed or purpose shares, so that problems are independent repetitions.

    Args:
        problem: the family.
        seed: of all draws.
        purpose: what is drawn: ``"data"``, ``"weights"``, …
        device: where to draw.
    """
    return torch.Generator(device).manual_seed(zlib.crc32(f"{problem.name}/{seed}/{purpose}".encode()))


def draws_for(task: Any, seed: int, purpose: str) -> torch.Generator:
    """:func:`generator_for` a PINN task's problem, on its device."""
    return generator_for(task.problem, seed, purpose, task.train.x.device)
