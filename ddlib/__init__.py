"""Dataset distillation from first principles: tasks, methods, exact sets and bounds, in batched torch.

Where to look: :mod:`ddlib.problem` states the formal model, :mod:`ddlib.tasks` what a distilled set is for, :mod:`ddlib.methods`
how it is chosen, :mod:`ddlib.lens` how good and how faithful it is, :mod:`ddlib.dbn` and :mod:`ddlib.pinn` the two families of
case studies, :mod:`ddlib.merge` the merge of tables of one's own.
"""

from __future__ import annotations

import importlib
from importlib.metadata import PackageNotFoundError, version
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from ddlib.problem import Distilled, Method, Task, distil, optimality_gap, regret

__all__ = ["Distilled", "Method", "Task", "distil", "optimality_gap", "regret"]

try:
    __version__ = version("ddlib")
except PackageNotFoundError:  # a checkout that is not installed
    __version__ = "unknown"


def __getattr__(name: str) -> Any:
    """The formal model, on first use: the command answers ``--help`` without the seconds that torch takes to load."""
    if name in __all__:
        return getattr(importlib.import_module("ddlib.problem"), name)
    raise AttributeError(f"module 'ddlib' has no attribute {name!r}")
