"""What a method needs of a task beyond the formal model."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, replace
from itertools import takewhile
from typing import Any

__all__ = ["Requirement", "inherited"]


@dataclass(frozen=True)
class Requirement:
    """What a method needs of a task beyond :class:`ddlib.problem.Task`; the method refuses a task that lacks it.

    Attributes:
        name: what is needed.
        met: whether a task has it, for this method at this budget; to find out, the learner may be trained once. It never raises.
        instead: what to do without it.
        error: the type of the refusal.

    >>> small = Requirement("budget that fits", lambda method, task, budget: budget <= 10, "ask for 10 units at most")
    >>> small.met(None, None, 20)
    False
    >>> small.refusal("ridge")
    ValueError('ridge has no budget that fits: ask for 10 units at most')
    """

    name: str
    met: Callable[[Any, Any, int], bool]
    instead: str = "choose a method that needs none, such as KMeans() or ZerothOrder()"
    error: type[Exception] = ValueError

    def refusal(self, whose: str, because: str | None = None) -> Exception:
        """The error for a task that lacks it; ``because`` says what to do better than ``instead``."""
        return self.error(f"{whose} has no {self.name}: {because or self.instead}")

    def check(self, method: Any, task: Any, budget: int) -> None:
        """Refuse a task that lacks it: raises what :meth:`refusal` makes."""
        if not self.met(method, task, budget):
            raise self.refusal(task.name)

    def all_before(self, method: Any, task: Any, budget: int) -> bool:
        """Whether a task has all that the method requires before this."""
        return all(need.met(method, task, budget) for need in takewhile(lambda need: need is not self, method.requires))

    def of(self, method: Any) -> Requirement:
        """The same, asked for this method whoever is asked about: what a method passes on of one that it is made of."""
        return replace(self, met=lambda _, task, budget: self.met(method, task, budget))


def inherited(method: Any) -> tuple[Requirement, ...]:
    """What a method that is made of another passes on of the other's requirements.

    >>> from ddlib.methods import Exact, FirstOrder
    >>> [need.name for need in inherited(FirstOrder(begin=Exact()))]
    ['exact construction', 'model of this set', 'gradient']
    """
    return tuple(need.of(method) for need in method.requires)
