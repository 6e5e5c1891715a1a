"""How much chapters 11 and 12 draw, train and search: one value for all of it, checked before any work."""

from __future__ import annotations

from dataclasses import dataclass

from ddlib.learners.check import whole_number, zero_or_more
from ddlib.pinn.learners.networks import dtype_of

ROWS = 200  # noisy measurements of a problem without time


@dataclass(frozen=True)
class Setting:
    """Everything that a run of a problem depends on, the problem apart.

    Attributes:
        replicates: seeds: data sets, each with sets and models of its own.
        seed: of all draws.
        budgets: numbers of points of a set, each once and below 200, the noisy rows of a problem without time; text and pictures
            are about the first.
        mass: the probability q of each tail.
        noise: on training values in sd(u).
        updates: of kernel matching.
        distillation_updates: of kernel distillation.
        slow_updates: of the gradient methods that train networks as they search.
        trainings: inner trainings of the derivative-free search.
        steps: of Adam, for networks on sets.
        iterations: of L-BFGS, for the physics-informed network.
        precision: of the networks' training, ``"float32"`` or ``"float64"``; sets, data and judgement are in double precision.
        device: where to compute.

    Raises:
        ValueError: if a count is no whole number of at least 1, a budget is missing, given twice or too large, mass or noise is out
            of its range, or the precision is unknown; the sentence names it.
    """

    replicates: int = 3
    seed: int = 0
    budgets: tuple[int, ...] = (20,)
    mass: float = 0.3
    noise: float = 0.05
    updates: int = 200
    distillation_updates: int = 20
    slow_updates: int = 10
    trainings: int = 20
    steps: int = 2000
    iterations: int = 300
    precision: str = "float32"
    device: str = "cpu"

    def __post_init__(self) -> None:
        for size in self.budgets:
            whole_number(size, "a budget")
        if not self.budgets or len(set(self.budgets)) < len(self.budgets) or max(self.budgets) >= ROWS:
            raise ValueError(
                f"give at least one budget, each once and below the {ROWS} noisy rows, but they are {list(self.budgets)}"
            )
        for name in ("replicates", "updates", "distillation_updates", "slow_updates", "trainings", "steps", "iterations"):
            whole_number(getattr(self, name), f"the parameter {name}")
        whole_number(self.seed, "the parameter seed", least=0)
        zero_or_more(self.noise, "the parameter noise")
        if not 0 < self.mass <= 1:
            raise ValueError(f"the parameter mass must lie above 0 and at most at 1, but it is {self.mass}: give 0.3 for 30 %")
        dtype_of(self.precision)

    @property
    def budget(self) -> int:
        """The first budget, which text and pictures are about."""
        return self.budgets[0]
