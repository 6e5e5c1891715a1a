"""Points that stay where α and the coordinates belong."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

import torch
from jaxtyping import Float
from torch import Tensor

from ddlib.methods.descent import Descent, DescentState
from ddlib.pinn.data import Physics
from ddlib.pinn.designs import scatter
from ddlib.pinn.learners.affine import AffineRidge
from ddlib.pinn.problems.law import Tail
from ddlib.problem import Distilled, Info, Task

__all__ = ["at_target"]

_EDGE = 0.005  # of a tail's probability: its infinite end is cut there


def bounds(task: Any, tail: Tail | None = None) -> tuple[Float[Tensor, " d"], Float[Tensor, " d"]]:
    """The lowest and the highest unit of the domain and a tail of α (None: the target), of whose probability the ends are cut."""
    problem, tails = task.problem, task.data.tails
    level = constants(task.train.x, [_EDGE, 1 - _EDGE])
    alpha = problem.law.at(tail or tails.target, tails.mass, level)
    low, high = (constants(level, side) for side in zip(*problem.box, strict=True))
    return torch.cat([low, alpha[:1]]), torch.cat([high, alpha[1:]])


def constants(like: Tensor, numbers: Sequence[float]) -> Float[Tensor, " n"]:
    """Numbers in a tensor's precision and on its device, made there: a copy is what the CPU would wait for."""
    return torch.stack([like.new_full((), number) for number in numbers])


def at_target(task: Any) -> Physics | None:
    """The physics of the target tail, if the level has all of it: equation and boundary values; None below I3.

    >>> from ddlib.pinn import PinnTask, Poisson
    >>> task = PinnTask.make(Poisson(), 1, torch.Generator().manual_seed(0), interior=8)
    >>> at_target(task).interior.shape, task.physics.interior.shape
    (torch.Size([1, 8, 2]), torch.Size([1, 16, 2]))
    """
    if task.level < 3:
        return None
    tails = task.data.tails
    low, high = task.problem.law.interval(tails.target, tails.mass)
    interior, boundary = task.physics

    def inside(units: Tensor) -> Tensor:
        return ((units[..., -1] >= low) & (units[..., -1] <= high)).all(0)

    kept = inside(boundary.x)
    return Physics(interior[:, inside(interior)], Distilled(*(part[:, kept] for part in boundary)))


@dataclass(frozen=True)
class Bounded(Descent):
    """Descent for PINN tasks: it begins at Sobol points of the target tail, and its points stay in the domain and in that tail.

    Attributes:
        bounded: whether they are put back after every update.
    """

    bounded: bool = True

    def goal(self, task: Any, generator: torch.Generator) -> Any:
        """What the set is compared with, found before anything else: nothing, unless a subclass says otherwise."""
        return None

    def label(self, task: Any, units: Float[Tensor, "R m d"], goal: Any) -> Distilled:
        """The first labels of the first points: what ridge regression affine in α learns from D, unless a subclass differs."""
        learner = AffineRidge(task.problem)
        y = learner.predict(learner.fit(task.train), units)
        return Distilled(units, y, torch.ones_like(y))

    def relabel(self, task: Any, distilled: Distilled, memory: Any) -> Distilled:
        """The set with the labels that belong to its points: as they are, unless a subclass says otherwise."""
        return distilled

    def memory(self, task: Any, start: Distilled, goal: Any, generator: torch.Generator) -> Any:
        """What is carried from update to update: the goal, unless a subclass says otherwise."""
        return goal

    def init(self, task: Any, budget: int, generator: torch.Generator) -> DescentState:
        """Begin at Sobol points of the target tail, or at the set of ``begin``."""
        tails, start = task.data.tails, None if self.begin is None else self.begin.choose(task, budget, generator)
        # the first draw: the same generator gives TeacherLabelled the same points, which makes the two comparable in pairs
        units = scatter(task.problem, budget, task.train.replicates, generator, tails.target, tails.mass).to(task.train.x)
        goal = self.goal(task, generator)
        start = self.label(task, units, goal) if start is None else start
        memory = self.memory(task, start, goal, generator)
        start = self.relabel(task, start, memory)
        moments: dict[str, torch.Tensor] = {part: torch.zeros_like(getattr(start, part)) for part in self.learn}
        best = torch.full_like(start.w[..., 0], torch.inf)
        updates = torch.zeros(start.budget, dtype=torch.long, device=start.w.device)
        return DescentState(start, best, start, moments, dict(moments), updates, 0, memory, type(self).__name__)

    def update(self, task: Task, state: DescentState, generator: torch.Generator) -> tuple[DescentState, Info]:
        """One gradient step, then the way back."""
        state, info = super().update(task, state, generator)
        current = state.current
        if self.bounded and "x" in self.learn:
            low, high = bounds(task)
            current = current._replace(x=current.x.clamp(low, high))
        current = self.relabel(task, current, state.memory)
        return state._replace(current=current, distilled=current if self.keep == "last" else state.distilled), info
