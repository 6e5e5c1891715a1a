r"""Derivative-free distillation: the published Algorithm 2."""

from __future__ import annotations

import math
import warnings
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any, NamedTuple

import numpy as np
import torch
from jaxtyping import Float
from torch import Tensor

from ddlib.arguments import check_batch
from ddlib.extras import needed
from ddlib.methods.descent import Part
from ddlib.methods.needs import LEARNABLE, batched, first_set, judged
from ddlib.problem import ClosedForm, Distilled, Info, Task
from ddlib.requirement import Requirement, inherited

__all__ = ["DerivativeFree", "DerivativeFreeState"]


class DerivativeFreeState(NamedTuple):
    """What the search needs to go on.

    Attributes:
        distilled: the best set so far, per replicate.
        best: its training risk in the inner training that judged it, on the units that were looked at then.
        spent: inner trainings so far, per replicate.
        optimisers: one of nevergrad's per replicate. They are objects that learn: a state serves one update only, and
            cannot be written to a file (begin again at the set, with ``begin=Given(run.distilled)``).

    >>> rows = Distilled(torch.zeros(1, 2, 3), torch.zeros(1, 2), torch.ones(1, 2))
    >>> DerivativeFreeState(rows, torch.tensor([0.5]), spent=4, optimisers=()).spent
    4
    """

    distilled: Distilled
    best: Float[Tensor, " R"]
    spent: int
    optimisers: tuple[Any, ...]


@dataclass(frozen=True)
class DerivativeFree:
    r"""Black-box search over all coordinates and labels of S (Algorithm 2 of Kungurtsev et al. 2024, as released).

    .. math:: S^\ast = \arg\min_{S \in \{S_0, \dots, S_{B-1}\}} R(A(S, \xi)), \qquad
        S_b \text{ proposed by an optimiser that sees } (S_i, R_i)_{0 < i < b}

    :math:`S_0` is a random subset of D and is trained first, R the training risk of a learner retrained on S, and B the number of
    inner trainings. The optimiser is nevergrad's NgIohTuned (Rapin and Teytaud 2018; Meunier et al. 2022), which begins at
    :math:`S_0` and chooses among evolution strategies and local searches by the size of the problem. A ``generation`` of 1 trains
    one candidate after another, as published; a larger one asks for so many before it tells what became of them, and trains them
    in one batch along a leading axis.

    What is kept is the best that was seen. Where the learner draws random numbers, or with a ``batch``, this is the best of noisy
    values, too good by selection: judge the set by retraining, on all data.

    Attributes:
        trainings: B, for each replicate; updates after the last one change nothing.
        generation: candidates per update.
        learn: which parts of the set are searched. Weights are searched on the log scale and stay positive.
        spread: the standard deviation of the first steps, in the units of the parts.
        optimiser: a name of nevergrad's registry.
        one_batch: train a generation in one batch; set to false for a task that cannot.
        begin: a closed-form method whose set the search begins at; None: rows of the training data.
        name: how tables call the method.
        batch: units of the training data that a generation is judged on, drawn with replacement; None: all of them.

    >>> DerivativeFree(trainings=300, generation=32).updates  # the steps to ask distil for
    10
    """

    trainings: int = 300
    generation: int = 1
    learn: tuple[Part, ...] = ("x", "y")
    spread: float = 1.0
    optimiser: str = "NgIohTuned"
    one_batch: bool = True
    begin: ClosedForm | None = None
    name: str = "derivative_free"
    batch: int | None = None

    def __post_init__(self) -> None:
        if self.trainings < 1 or not 1 <= self.generation <= self.trainings:
            raise ValueError(
                "the search needs at least 1 inner training and a generation of 1 to all of them, but they are "
                f"{self.trainings} and {self.generation}"
            )
        if not self.learn or not set(self.learn) <= {"x", "y", "w"}:
            raise ValueError(f"the searched parts must be some of 'x', 'y' and 'w', but they are {self.learn}")
        if not 0 < self.spread < math.inf:
            raise ValueError(f"the spread of the first steps must be a positive number, but it is {self.spread}")
        if self.batch is not None:
            check_batch(self.batch)

    @property
    def updates(self) -> int:
        """How many updates the inner trainings last for."""
        return math.ceil(self.trainings / self.generation)

    @property
    def requires(self) -> tuple[Requirement, ...]:
        """What ``begin`` requires, and a learner that learns from its set."""
        return (*(inherited(self.begin) if self.begin else ()), LEARNABLE)

    def init(self, task: Task, budget: int, generator: torch.Generator) -> DerivativeFreeState:
        """Begin at the task's own start, or at the set of ``begin``; nothing is trained yet.

        Raises:
            ModuleNotFoundError: if nevergrad is not installed.
            ValueError: if nevergrad has no optimiser of this name.
        """
        start = first_set(self.begin, task, budget, generator)
        seeds = torch.randint(2**31 - 1, (start.replicates,), generator=generator, device=generator.device).tolist()
        first = self._flat(start)
        optimisers = tuple(self._optimiser(values, seed) for values, seed in zip(first, seeds, strict=True))
        return DerivativeFreeState(start, torch.full_like(start.w[..., 0], torch.inf), 0, optimisers)

    @torch.no_grad()
    def update(self, task: Task, state: DerivativeFreeState, generator: torch.Generator) -> tuple[DerivativeFreeState, Info]:
        """Train one generation and tell the optimisers; a candidate whose risk is not finite counts as very bad."""
        count = min(self.generation, self.trainings - state.spent)
        if count < 1:
            return state, Info(state.best)
        own = 0 if state.spent else 1  # the start is the first candidate
        asked = [[optimiser.ask() for _ in range(count - own)] for optimiser in state.optimisers]
        proposed = [torch.stack([torch.as_tensor(row[number].value) for row in asked]) for number in range(count - own)]
        values = [self._flat(state.distilled)] * own + [each.to(state.distilled.x) for each in proposed]
        candidates = self._sets(state.distilled, torch.stack(values))
        risks = self._risks(batched(task, self.batch, generator), candidates, generator)
        told = torch.nan_to_num(risks, nan=1e12, posinf=1e12).cpu()
        for replicate, (optimiser, row) in enumerate(zip(state.optimisers, asked, strict=True)):
            for number, each in enumerate(row):
                optimiser.tell(each, float(told[own + number, replicate]))
        lowest, winner = torch.nan_to_num(risks, nan=torch.inf).min(0)
        better, replicates = lowest < state.best, torch.arange(state.distilled.replicates, device=winner.device)

        def pick(new: Tensor, old: Tensor) -> Tensor:
            return torch.where(better.view(-1, *(1,) * (old.ndim - 1)), new[winner, replicates], old)

        kept = Distilled(*(pick(new, old) for new, old in zip(candidates, state.distilled, strict=True)))
        best = torch.where(better, lowest, state.best)
        mean = torch.where(risks.isfinite(), risks, torch.nan).nanmean(0)
        return DerivativeFreeState(kept, best, state.spent + count, state.optimisers), Info(mean)

    def _optimiser(self, values: Tensor, seed: int) -> Any:
        nevergrad = needed("nevergrad", "nevergrad")
        if self.optimiser not in nevergrad.optimizers.registry:
            raise ValueError(
                f"nevergrad has no optimiser {self.optimiser!r}: take 'NgIohTuned', 'CMA', 'DE' or another of its registry"
            )
        # SciPy's COBYLA mends options of nevergrad's and says so from a thread, out of reach of a filter that is taken back
        warnings.filterwarnings("ignore", message="COBYLA", category=UserWarning)
        space = nevergrad.p.Array(init=values.detach().cpu().double().numpy()).set_mutation(sigma=self.spread)
        space.random_state = np.random.RandomState(seed)
        return nevergrad.optimizers.registry[self.optimiser](space, budget=max(1, self.trainings - 1), num_workers=self.generation)

    def _risks(self, task: Task, candidates: Distilled, generator: torch.Generator) -> Float[Tensor, "K R"]:
        """The training risk of each candidate."""
        if self.one_batch:
            return judged(task, task.risk, candidates, generator)
        each: Sequence[Distilled] = [Distilled(*parts) for parts in zip(*candidates, strict=True)]
        return torch.stack([judged(task, task.risk, one, generator) for one in each])

    def _flat(self, distilled: Distilled) -> Float[Tensor, "R n"]:
        """What is searched, as one vector per replicate."""
        parts = [getattr(distilled, part) for part in self.learn]
        return torch.cat([(p.log() if name == "w" else p).flatten(1) for name, p in zip(self.learn, parts, strict=True)], -1)

    def _sets(self, like: Distilled, values: Float[Tensor, "K R n"]) -> Distilled:
        """Vectors as sets, along a leading axis; what is not searched is as in ``like``."""
        sizes = [getattr(like, part)[0].numel() for part in self.learn]
        searched = dict(zip(self.learn, values.split(sizes, -1), strict=True))
        parts = {}
        for name, old in like._asdict().items():
            new = searched.get(name)
            many = (len(values), *old.shape)
            parts[name] = old.expand(many) if new is None else (new.exp() if name == "w" else new).reshape(many)
        return Distilled(**parts)
