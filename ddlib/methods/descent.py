"""What all gradient methods share: descent on a surrogate, with Adam's scaling and a falling step size."""

from __future__ import annotations

import math
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, replace
from typing import Any, Literal, NamedTuple, Self

import torch
from jaxtyping import Float, Int
from torch import Tensor

from ddlib.arguments import check_batch, instance, is_whole, not_given, one_each
from ddlib.methods.needs import batched, first_set
from ddlib.problem import ClosedForm, Distilled, Info, Task
from ddlib.requirement import Requirement, inherited

__all__ = ["GRADIENT", "Descent", "DescentState", "Part", "Piece"]

Part = Literal["x", "y", "w"]
"""Which part of a set is learned: units, labels or weights."""


class Piece(NamedTuple):
    """Units that are updated together, and the value that they descend.

    Attributes:
        rows: indices into the units, shape (b,).
        value: computes the surrogate, shape (R,).

    >>> Piece(torch.arange(2), lambda: torch.zeros(1)).value()
    tensor([0.])
    """

    rows: Int[Tensor, " b"]
    value: Callable[[], Float[Tensor, " R"]]


class DescentState(NamedTuple):
    """What descent needs to go on.

    Attributes:
        distilled: the set that would be handed out now, per replicate.
        best: its surrogate.
        current: the set that the next gradient is taken at.
        first, second: Adam's moments of the gradient for each part that is learned.
        updates: how often each unit has been updated.
        step: updates so far.
        memory: what a method carries besides the set.
        method: the class of the method.

    >>> from ddlib.tasks import RidgeTask, as_data
    >>> Descent().init(RidgeTask(as_data(torch.eye(2), torch.ones(2))), 1, torch.Generator().manual_seed(0)).step
    0
    """

    distilled: Distilled
    best: Float[Tensor, " R"]
    current: Distilled
    first: dict[str, Tensor]
    second: dict[str, Tensor]
    updates: Int[Tensor, " m"]
    step: int
    memory: Any = None
    method: str = ""


@dataclass(frozen=True)
class Descent:
    r"""Gradient descent on a surrogate :math:`\phi(S)`; a subclass gives :meth:`surrogate`.

    One update moves the units whose turn it is by Adam (Kingma and Ba 2015),

    .. math::

        g = \nabla_S\, \phi(S), \quad m \leftarrow \beta_1 m + (1-\beta_1) g, \quad u \leftarrow \beta_2 u + (1-\beta_2) g^2,
        \quad S \leftarrow S - \eta_t \frac{\hat m}{\sqrt{\hat u} + \epsilon},

    or by plain descent :math:`S \leftarrow S - \eta_t g`. The surrogates of the replicates are summed before differentiation;
    replicates stay independent. The step size falls from lr to ``final`` × lr over ``horizon`` updates along half a cosine.

    Attributes:
        lr: the step size η at the start; for Adam in the units of x.
        horizon: updates over which the step size falls; None: as many as the run has (:func:`ddlib.problem.distil`), those before
            a state that it goes on from included. Updates by hand, outside a run, then keep the step size.
        optimiser: ``"adam"`` or ``"descent"``.
        schedule: ``"cosine"`` or ``"constant"``.
        final: the last step size as a share of the first.
        learn: which parts of the set are free. Weights are learned on the log scale and stay positive.
        betas, epsilon: Adam's constants.
        name: how tables call the method.
        begin: a closed-form method whose set the descent begins at; None: rows of the training data.
        batch: units of the training data that an update looks at, drawn with replacement; None: all of them.
        keep: hand out the ``"best"`` iterate by the surrogate, or the ``"last"``, which is right for a surrogate with random draws.

    >>> class TowardsZero(Descent):
    ...     def surrogate(self, task, distilled, generator, memory=None):
    ...         return distilled.x.square().sum((-2, -1))
    >>> from ddlib.tasks import RidgeTask, as_data
    >>> task, method = RidgeTask(as_data(torch.eye(2), torch.ones(2))), TowardsZero(lr=0.5, optimiser="descent")
    >>> state = method.init(task, 2, torch.Generator().manual_seed(0))
    >>> bool(method.update(task, state, torch.Generator())[0].current.x.any())
    False
    """

    lr: float = 0.05
    horizon: int | None = None
    optimiser: Literal["adam", "descent"] = "adam"
    schedule: Literal["cosine", "constant"] = "cosine"
    final: float = 0.01
    learn: tuple[Part, ...] = ("x",)
    betas: tuple[float, float] = (0.9, 0.999)
    epsilon: float = 1e-12
    name: str = "descent"
    begin: ClosedForm | None = None
    keep: Literal["best", "last"] = "best"
    batch: int | None = None

    def __post_init__(self) -> None:
        if not 0 < self.lr < math.inf or not 0 <= self.final < math.inf:
            raise ValueError(
                f"the step size must be positive and its last share at least 0, but they are {self.lr} and {self.final}"
            )
        if self.horizon is not None and not is_whole(self.horizon):
            raise ValueError(f"the step size must fall over a horizon of at least 1 update, but it is {self.horizon}")
        if self.batch is not None:
            check_batch(self.batch)
        if isinstance(self.learn, str):
            raise TypeError(f"the learned parts are a tuple, but they are the text {self.learn!r}: write {tuple(self.learn)!r}")
        if not self.learn or not set(self.learn) <= {"x", "y", "w"}:
            raise ValueError(f"the learned parts must be some of 'x', 'y' and 'w', but they are {self.learn}")
        if self.optimiser not in ("adam", "descent") or self.schedule not in ("cosine", "constant"):
            raise ValueError(f"unknown optimiser {self.optimiser!r} or schedule {self.schedule!r}")
        if self.begin is not None:
            instance(
                self.begin, ("choose",), "what a method begins at", "write begin=Given(distilled) for a set that is there already"
            )
        if self.keep not in ("best", "last"):
            raise ValueError(f"the set to keep must be the 'best' or the 'last', but it is {self.keep!r}")

    @property
    def requires(self) -> tuple[Requirement, ...]:
        """What ``begin`` requires, and a gradient of the surrogate."""
        return (*(inherited(self.begin) if self.begin else ()), GRADIENT)

    def planned(self, steps: int, state: DescentState | None = None) -> Self:
        """The method with its horizon: unless given, the steps of a run and those before it."""
        return self if self.horizon is not None else replace(self, horizon=max((state.step if state else 0) + steps, 1))

    def remember(self, task: Task, generator: torch.Generator) -> Any:
        """What the method computes once, before the first update: nothing, unless a subclass says otherwise."""
        return None

    def surrogate(self, task: Task, distilled: Distilled, generator: torch.Generator, memory: Any = None) -> Float[Tensor, " R"]:
        """What the method minimises; ``memory`` is what :meth:`remember` gave (None: computed anew)."""
        raise not_given(self, "surrogate(task, distilled, generator, memory=None)")

    def pieces(self, task: Task, distilled: Distilled, generator: torch.Generator, memory: Any) -> Sequence[Piece]:
        """The units that take turns: by default all of them at once."""
        rows = torch.arange(distilled.budget, device=distilled.w.device)
        return [Piece(rows, lambda: self.surrogate(task, distilled, generator, memory))]

    def more(self, memory: Any) -> dict[str, Float[Tensor, "R 1"]]:
        """Numbers of the memory that are learned with the set: none, unless a subclass says otherwise."""
        return {}

    def equipped(
        self, memory: Any, now: Mapping[str, Tensor], before: Mapping[str, Tensor] = {}, better: Tensor | None = None
    ) -> Any:
        """The memory with the numbers of :meth:`more` as they are now.

        Args:
            memory: the memory.
            now: the numbers, by name.
            before: what they were when the set was judged.
            better: for which replicates that set was the best so far, shape (R,).
        """
        return memory

    def looked_at(self, task: Task, generator: torch.Generator) -> Task:
        """The task as an update sees it: on a batch of its training data, if the method has one."""
        return batched(task, self.batch, generator)

    def proceed(self, task: Task, distilled: Distilled, generator: torch.Generator, memory: Any, step: int) -> Any:
        """The memory after an update: by default as it was."""
        return memory

    def init(self, task: Task, budget: int, generator: torch.Generator) -> DescentState:
        """Begin at the task's own start, or at the set of ``begin``."""
        start = first_set(self.begin, task, budget, generator)
        memory = self.remember(self.looked_at(task, generator), generator)
        free: dict[str, Tensor] = {part: torch.zeros_like(_free(start, part)) for part in self.learn}
        free |= {name: torch.zeros_like(value) for name, value in self.more(memory).items()}
        best = torch.full_like(start.w[..., 0], torch.inf)
        updates = torch.zeros(start.budget, dtype=torch.long, device=start.w.device)
        return DescentState(start, best, start, free, dict(free), updates, 0, memory, type(self).__name__)

    def rate(self, step: int) -> float:
        """The step size of an update."""
        if self.schedule == "constant" or self.horizon is None:
            return self.lr
        share = 0.5 * (1 + math.cos(math.pi * min(step / self.horizon, 1.0)))
        return self.lr * (self.final + (1 - self.final) * share)

    def differentiate(
        self, task: Task, state: DescentState, generator: torch.Generator
    ) -> tuple[dict[str, Tensor], Sequence[Piece], Tensor, Sequence[Tensor | None]]:
        """The learned numbers, all pieces, the value of the piece whose turn it is, and its gradient in each, if it has one."""
        parts: dict[str, Tensor] = {part: _free(state.current, part).detach().requires_grad_() for part in self.learn}
        more = {name: value.detach().requires_grad_() for name, value in self.more(state.memory).items()}
        with torch.enable_grad():
            pieces = self.pieces(task, _assemble(state.current, parts), generator, self.equipped(state.memory, more))
            parts |= more
            value = pieces[state.step % len(pieces)].value()
            one_each(value, state.current.w.shape[:-1], f"the surrogate of {self.name}, or the risk of {task.name} behind it,")
            if not value.requires_grad:
                return parts, pieces, value, [None] * len(parts)
            return parts, pieces, value, torch.autograd.grad(value.sum(), list(parts.values()), allow_unused=True)

    def update(self, task: Task, state: DescentState, generator: torch.Generator) -> tuple[DescentState, Info]:
        """One gradient step on the units whose turn it is.

        Raises:
            ValueError: if the surrogate has no gradient in the parts that are learned.
        """
        seen = self.looked_at(task, generator)
        parts, pieces, value, gradients = self.differentiate(seen, state, generator)
        if all(gradient is None for gradient in gradients):
            raise GRADIENT.refusal(f"{task.name} with {self.name}, which learns {self.learn},")
        turn = state.step % len(pieces)
        best, chosen = self._judge(pieces, turn, value.detach(), state)
        rows = pieces[turn].rows
        updates = state.updates.index_add(0, rows, torch.ones_like(rows))
        active = torch.zeros_like(updates, dtype=torch.bool).index_fill(0, rows, True)
        moved: dict[str, Tensor] = {}
        first, second = dict(state.first), dict(state.second)
        for (part, old), slope in zip(parts.items(), gradients, strict=True):
            gradient = torch.zeros_like(old) if slope is None else slope
            here, times = torch.ones_like(rows[:1], dtype=torch.bool), torch.full_like(rows[:1], state.step + 1)
            if part in self.learn:
                extra = (1,) * (old.ndim - 2)
                here, times = active.view(-1, *extra), updates.view(-1, *extra)
            step, first[part], second[part] = self._step(gradient, first[part], second[part], times, here)
            moved[part] = torch.where(here, old.detach() - self.rate(state.step) * step, old.detach())
        current = _assemble(state.current, moved)
        memory = self.equipped(state.memory, moved, parts, best < state.best)
        memory = self.proceed(seen, current, generator, memory, state.step + 1)
        chosen = current if self.keep == "last" else chosen
        state = DescentState(chosen, best, current, first, second, updates, state.step + 1, memory, state.method)
        return state, Info(value.detach())

    @torch.no_grad()
    def _judge(self, pieces: Sequence[Piece], turn: int, value: Tensor, state: DescentState) -> tuple[Tensor, Distilled]:
        """The best set so far and its surrogate; with K pieces every K-th iterate is judged, by the mean of all pieces' values."""
        if self.keep == "last" or turn != 0:
            return state.best, state.distilled
        judged = value if len(pieces) == 1 else torch.stack([piece.value() for piece in pieces]).mean(0)
        better = judged < state.best

        def pick(new: Tensor, old: Tensor) -> Tensor:
            return torch.where(better.view(-1, *(1,) * (new.ndim - 1)), new, old)

        kept = Distilled(*(pick(new, old) for new, old in zip(state.current, state.distilled, strict=True)))
        return torch.where(better, judged, state.best), kept

    def _step(self, gradient: Tensor, first: Tensor, second: Tensor, times: Tensor, here: Tensor) -> tuple[Tensor, Tensor, Tensor]:
        """The direction of descent and the new moments; elsewhere than ``here`` nothing changes."""
        if self.optimiser == "descent":
            return gradient, first, second
        beta1, beta2 = self.betas
        first = torch.where(here, beta1 * first + (1 - beta1) * gradient, first)
        second = torch.where(here, beta2 * second + (1 - beta2) * gradient**2, second)
        n = times.clamp(min=1).to(gradient.dtype)
        step = (first / (1 - beta1**n)) / ((second / (1 - beta2**n)).sqrt() + self.epsilon)
        return step, first, second


def _free(distilled: Distilled, part: Part) -> Tensor:
    """A part of the set in the coordinates in which it is learned."""
    value: Tensor = getattr(distilled, part)
    return value.log() if part == "w" else value


def _assemble(distilled: Distilled, parts: Mapping[str, Tensor]) -> Distilled:
    own = {part: value for part, value in parts.items() if part in Distilled._fields}
    return distilled._replace(**{part: value.exp() if part == "w" else value for part, value in own.items()})


def _follows(method: Descent, task: Task, budget: int) -> bool:
    generator = torch.Generator(task.train.w.device).manual_seed(0)
    if not GRADIENT.all_before(method, task, budget):
        return False
    *_, gradients = method.differentiate(task, method.init(task, budget, generator), generator)
    return any(gradient is not None for gradient in gradients)


GRADIENT = Requirement("gradient", _follows)
"""The surrogate of a descent follows what it learns of the set: for the risk itself, through the task's learner."""
