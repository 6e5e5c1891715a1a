"""What a method needs of a task beyond the formal model."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from typing import Any


@dataclass(frozen=True)
class Requirement:
    """What a method needs of a task beyond :class:`ddlib.problem.Task`; the method refuses a task that lacks it.

    Attributes:
        name: what is needed.
        met: whether a task has it, for this method at this budget; to find out, the learner may be trained once.
        instead: what to do without it.
        error: the type of the refusal.
    """

    name: str
    met: Callable[[Any, Any, int], bool]
    instead: str = "choose a method that needs none"
    error: type[Exception] = ValueError

    def refusal(self, whose: str) -> Exception:
        """The error for a task that lacks it."""
        return self.error(f"{whose} has no {self.name}: {self.instead}")
