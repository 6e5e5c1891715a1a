"""First-order distillation: the gradient of the risk through the learner."""

from __future__ import annotations

import math
from dataclasses import dataclass
from typing import Literal, NamedTuple

import torch
from jaxtyping import Float, Int
from torch import Tensor

from ddlib.problem import Distilled, Info, Task

Part = Literal["x", "y", "w"]


class FirstOrderState(NamedTuple):
    """What first-order distillation needs to go on.

    Attributes:
        distilled: the best set judged so far, per replicate.
        best: its surrogate.
        current: the set that the next gradient is taken at.
        first, second: Adam's moments of the gradient for each part that is learned.
        updates: how often each unit has been updated.
        step: updates so far.
    """

    distilled: Distilled
    best: Float[Tensor, " R"]
    current: Distilled
    first: dict[Part, Tensor]
    second: dict[Part, Tensor]
    updates: Int[Tensor, " m"]
    step: int


@dataclass(frozen=True)
class FirstOrder:
    r"""Gradient descent on :math:`R(A(S))` by automatic differentiation through the learner A.

    One update takes the gradient of one block's risk with respect to that block's units and moves them by Adam (Kingma & Ba 2015),

    .. math::

        g = \nabla_{S_j} R_j(A(S)), \quad m \leftarrow \beta_1 m + (1-\beta_1) g, \quad u \leftarrow \beta_2 u + (1-\beta_2) g^2,
        \quad S_j \leftarrow S_j - \eta_t \frac{\hat m}{\sqrt{\hat u} + \epsilon},

    or by plain descent :math:`S_j \leftarrow S_j - \eta_t g`. Blocks take turns; a task with one block updates the whole set. The
    risks of the replicates are summed before differentiation; replicates stay independent, since none enters another's risk.
    The step size falls from lr to ``final`` × lr over ``horizon`` updates along half a cosine, and stays there.

    The state's set is the best of the iterates judged so far, per replicate, by the *training* surrogate: with one block every
    iterate but the last is judged, with K blocks every K-th, by the mean of the block risks.

    Attributes:
        lr: the step size η at the start; for Adam in the units of x.
        horizon: updates over which the step size falls.
        optimiser: ``"adam"`` or ``"descent"``.
        schedule: ``"cosine"`` or ``"constant"``.
        final: the last step size as a share of the first.
        learn: which parts of the set are free. Weights are learned on the log scale and stay positive.
        betas, epsilon: Adam's constants.
        name: how tables call the method.
    """

    lr: float = 0.05
    horizon: int = 600
    optimiser: Literal["adam", "descent"] = "adam"
    schedule: Literal["cosine", "constant"] = "cosine"
    final: float = 0.01
    learn: tuple[Part, ...] = ("x",)
    betas: tuple[float, float] = (0.9, 0.999)
    epsilon: float = 1e-12
    name: str = "first_order"

    def __post_init__(self) -> None:
        if not 0 < self.lr < math.inf or not 0 <= self.final < math.inf:
            raise ValueError(
                f"the step size must be positive and its last share at least 0, but they are {self.lr} and {self.final}"
            )
        if self.horizon < 1:
            raise ValueError(f"the step size must fall over a horizon of at least 1 update, but it is {self.horizon}")
        if not self.learn or not set(self.learn) <= {"x", "y", "w"}:
            raise ValueError(f"the learned parts must be some of 'x', 'y' and 'w', but they are {self.learn}")
        if self.optimiser not in ("adam", "descent") or self.schedule not in ("cosine", "constant"):
            raise ValueError(f"unknown optimiser {self.optimiser!r} or schedule {self.schedule!r}")

    def init(self, task: Task, budget: int, generator: torch.Generator) -> FirstOrderState:
        """Begin at the task's own start."""
        start = task.start(budget, generator)
        free = {part: torch.zeros_like(_free(start, part)) for part in self.learn}
        best = torch.full_like(start.w[..., 0], torch.inf)
        updates = torch.zeros(budget, dtype=torch.long, device=start.w.device)
        return FirstOrderState(start, best, start, free, dict(free), updates, 0)

    def rate(self, step: int) -> float:
        """The step size of an update."""
        if self.schedule == "constant":
            return self.lr
        share = 0.5 * (1 + math.cos(math.pi * min(step / self.horizon, 1.0)))
        return self.lr * (self.final + (1 - self.final) * share)

    def update(self, task: Task, state: FirstOrderState, generator: torch.Generator) -> tuple[FirstOrderState, Info]:
        """One gradient step on the block whose turn it is.

        Raises:
            ValueError: if the task's risk has no gradient in the parts that are learned.
        """
        parts: dict[Part, Tensor] = {part: _free(state.current, part).detach().requires_grad_() for part in self.learn}
        candidate = _assemble(state.current, parts)
        blocks = task.blocks(candidate)
        turn = state.step % len(blocks)
        with torch.enable_grad():
            model = task.fit(_assemble(state.current, parts), generator)
            risk = blocks[turn].risk(model)
            if not risk.requires_grad:
                raise ValueError(f"the risk of {task.name} has no gradient in {self.learn}: choose a method that needs none")
            gradients = torch.autograd.grad(risk.sum(), list(parts.values()), allow_unused=True)
        best, chosen = state.best, state.distilled
        if turn == 0:
            with torch.no_grad():
                judged = risk.detach() if len(blocks) == 1 else torch.stack([block.risk(model) for block in blocks]).mean(0)
            best, chosen = _keep(judged, state, best)
        updates = state.updates.index_add(0, blocks[turn].rows, torch.ones_like(blocks[turn].rows))
        moved: dict[Part, Tensor] = {}
        first, second = dict(state.first), dict(state.second)
        active = torch.zeros_like(updates, dtype=torch.bool).index_fill(0, blocks[turn].rows, True)
        for (part, value), found in zip(parts.items(), gradients, strict=True):
            gradient = torch.zeros_like(value) if found is None else found
            extra = (1,) * (value.ndim - 2)
            here, times = active.view(-1, *extra), updates.view(-1, *extra)
            step, first[part], second[part] = self._step(gradient, first[part], second[part], times, here)
            moved[part] = torch.where(here, value.detach() - self.rate(state.step) * step, value.detach())
        current = _assemble(state.current, moved)
        return FirstOrderState(chosen, best, current, first, second, updates, state.step + 1), Info(risk.detach())

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


def _assemble(distilled: Distilled, parts: dict[Part, Tensor]) -> Distilled:
    return distilled._replace(**{part: value.exp() if part == "w" else value for part, value in parts.items()})


def _keep(judged: Float[Tensor, " R"], state: FirstOrderState, best: Float[Tensor, " R"]) -> tuple[Tensor, Distilled]:
    better = judged < best

    def pick(new: Tensor, old: Tensor) -> Tensor:
        return torch.where(better.view(-1, *(1,) * (new.ndim - 1)), new, old)

    kept = Distilled(*(pick(new, old) for new, old in zip(state.current, state.distilled, strict=True)))
    return torch.where(better, judged, best), kept
