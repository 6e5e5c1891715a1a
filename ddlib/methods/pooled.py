r"""Unrolled differentiation with a pool of models of many training ages."""

from __future__ import annotations

import math
from dataclasses import dataclass, field
from typing import Any, NamedTuple

import torch
from jaxtyping import Bool, Float, Int
from torch import Tensor

from ddlib.arguments import one_each
from ddlib.learners.training import Training
from ddlib.methods.descent import Descent, DescentState
from ddlib.methods.unrolled import OBJECTIVE, optimised
from ddlib.problem import Distilled, Task
from ddlib.requirement import Requirement

__all__ = ["Pool", "Pooled"]


class Pool(NamedTuple):
    """Models that are being trained, K for each replicate.

    Attributes:
        theta: their parameters.
        first, second: Adam's moments.
        age: steps since each was fresh, the same in all replicates.
        turn: indices of those whose turn it is.
        goal: what a subclass compares the models with.

    >>> zeros = torch.zeros(4, 1, 3)
    >>> Pool(zeros, zeros, zeros, age=torch.zeros(4, dtype=torch.long), turn=torch.arange(2)).theta.shape
    torch.Size([4, 1, 3])
    """

    theta: Float[Tensor, "K R P"]
    first: Float[Tensor, "K R P"]
    second: Float[Tensor, "K R P"]
    age: Int[Tensor, " K"]
    turn: Int[Tensor, " B"]
    goal: Any = None


@dataclass(frozen=True)
class Pooled(Descent):
    r"""Gradient descent on the risk after T more steps of training, averaged over models of every age.

    .. math:: \phi(S) = \mathbb{E}_{\theta \in \text{pool}} R\bigl(\theta_T\bigr), \qquad
        \theta_0 = \theta, \quad \theta_{t+1} = \theta_t - \eta\, D_t \nabla_\theta J(\theta_t; S)

    A learner that trains for thousands of steps cannot be unrolled in whole. Instead a pool of K models is kept; an update takes B
    of them at random, trains them for ``window`` steps on S from their present state (Adam's moments included), differentiates
    through these steps, and puts them back, trained for as many steps on the new S. Each then starts again from fresh weights with
    probability ``restart``, and surely at the age of ``life`` steps (neural feature regression with a pool: Zhou, Nezhadarya, Ba
    2022; windows: Feng et al. 2024). J is the task's objective, R its training risk; what is handed out is the last iterate.

    Attributes:
        pool: K.
        models: B.
        window: T.
        life: the age at which a model starts again: the steps that the learner trains for.
        restart: the probability of starting again after an update.
        training: the steps; their number does not matter.
        relative: take the logarithm of each model's risk, so that the large risks of young models do not drown those of old ones.
        clip: the greatest norm of a replicate's gradient in each part of S; one that is not finite counts as zero.

    >>> from ddlib import distil
    >>> from ddlib.tasks import RidgeTask, as_data
    >>> task = RidgeTask(as_data([[1.0], [2.0], [3.0], [4.0]], [1.0, 2.0, 3.0, 5.0]))
    >>> run = distil(Pooled(pool=4, models=2, window=3, life=20), task, 2, 5, torch.Generator().manual_seed(0))
    >>> run.distilled.x.shape, len(run.history)
    (torch.Size([1, 2, 1]), 5)
    """

    name: str = "pooled"
    keep: Any = "last"
    pool: int = 16
    models: int = 8
    window: int = 10
    life: int = 2000
    restart: float = 0.02
    training: Training = field(default_factory=lambda: Training(steps=1, lr=1e-3))
    clip: float = math.inf
    relative: bool = True

    def __post_init__(self) -> None:
        super().__post_init__()
        if not (1 <= self.models <= self.pool and 1 <= self.window <= self.life):
            raise ValueError(
                "a pool needs 1 to all of its models for an update and a window of 1 step to a whole life, but pool, models, "
                f"window and life are {self.pool}, {self.models}, {self.window} and {self.life}"
            )
        if not 0 <= self.restart <= 1 or not self.clip > 0:
            raise ValueError(f"restart is a probability and clip positive, but they are {self.restart} and {self.clip}")

    @property
    def requires(self) -> tuple[Requirement, ...]:
        """The objective to train on, and a gradient."""
        *before, gradient = super().requires
        return (*before, OBJECTIVE, gradient)

    def goal(self, task: Task, generator: torch.Generator) -> Any:
        """What models are compared with, found once: nothing, unless a subclass says otherwise."""
        return None

    def judge(self, task: Task, theta: Float[Tensor, "B R P"], goal: Any) -> Float[Tensor, "B R"]:
        """What a model is to be good at: the task's training risk, unless a subclass says otherwise."""
        return task.risk(theta)

    def init(self, task: Task, budget: int, generator: torch.Generator) -> DescentState:
        """Begin as all descent does, with a pool whose ages are spread evenly over a life."""
        state = super().init(task, budget, generator)
        return state._replace(memory=self.raise_pool(task, state.current, self.goal(task, generator), generator))

    def surrogate(self, task: Task, distilled: Distilled, generator: torch.Generator, memory: Any = None) -> Float[Tensor, " R"]:
        """The mean risk of the models whose turn it is, after the window."""
        pool: Pool = memory or self.raise_pool(task, distilled, self.goal(task, generator), generator)
        clipped = distilled._replace(**{part: _clipped(getattr(distilled, part), self.clip) for part in self.learn})
        ended = self.train(task, clipped, _part(pool, pool.turn), self.window)
        risk = self.judge(task, ended.theta, pool.goal)
        return (risk.log() if self.relative else risk).mean(0)

    @torch.no_grad()
    def proceed(self, task: Task, distilled: Distilled, generator: torch.Generator, memory: Any, step: int) -> Pool:
        """The models whose turn it was go on on the new set, and the next ones are drawn."""
        pool: Pool = memory
        grown = self.train(task, distilled, _part(pool, pool.turn), self.window)
        draw = torch.rand(len(pool.turn), generator=generator, device=generator.device).to(pool.age.device)
        grown = self._restarted(task, grown, (draw < self.restart) | (grown.age >= self.life), generator)
        return _put(pool, grown)._replace(turn=self._turn(generator, pool.age.device))

    @torch.no_grad()
    def raise_pool(self, task: Task, distilled: Distilled, goal: Any, generator: torch.Generator) -> Pool:
        """K models, trained on the set to ages 0, life/K, 2 life/K and so on, and what they are compared with."""
        theta = torch.stack([optimised(task).initial(generator) for _ in range(self.pool)])
        age = torch.zeros(self.pool, dtype=torch.long, device=theta.device)
        pool = Pool(theta, torch.zeros_like(theta), torch.zeros_like(theta), age, self._turn(generator, theta.device))
        for youngest in range(1, self.pool):
            older = torch.arange(youngest, self.pool, device=theta.device)
            steps = youngest * self.life // self.pool - (youngest - 1) * self.life // self.pool
            grown = self.train(task, distilled, _part(pool, older), steps)
            pool = _put(pool, grown)
        return pool._replace(goal=goal)

    def train(self, task: Task, distilled: Distilled, pool: Pool, steps: int) -> Pool:
        """Models after so many steps on the set; differentiable in the set where gradients are enabled."""
        graph, (beta1, beta2) = torch.is_grad_enabled(), self.training.betas
        theta, first, second, age = pool[:4]
        for _ in range(steps):
            with torch.enable_grad():
                here = theta if graph and theta.requires_grad else theta.detach().requires_grad_()
                value = optimised(task).objective(here, distilled)
                one_each(value, here.shape[: max(value.ndim, 1)], f"the objective of {task.name}")
                (gradient,) = torch.autograd.grad(value.sum(), here, create_graph=graph)
            age = age + 1
            if self.training.optimiser == "sgd":
                theta = theta - self.training.lr * gradient
                continue
            first = beta1 * first + (1 - beta1) * gradient
            second = beta2 * second + (1 - beta2) * gradient**2
            time = age.to(theta).view(-1, *(1,) * (theta.ndim - 1))
            scale = (second / (1 - beta2**time) + self.training.epsilon**2).sqrt()
            theta = theta - self.training.lr * (first / (1 - beta1**time)) / scale
        return Pool(theta, first, second, age, pool.turn)

    def _turn(self, generator: torch.Generator, device: torch.device) -> Int[Tensor, " B"]:
        return torch.randperm(self.pool, generator=generator, device=generator.device)[: self.models].to(device)

    def _restarted(self, task: Task, pool: Pool, which: Bool[Tensor, " B"], generator: torch.Generator) -> Pool:
        """The pool with fresh models in place of some."""
        if not bool(which.any()):
            return pool
        fresh = torch.stack([optimised(task).initial(generator) for _ in range(len(which))])
        mask = which.view(-1, *(1,) * (fresh.ndim - 1))
        zero = torch.zeros_like(fresh)
        theta, first, second = (torch.where(mask, new, old) for new, old in zip((fresh, zero, zero), pool[:3], strict=True))
        return Pool(theta, first, second, torch.where(which, 0, pool.age), pool.turn)


def _part(pool: Pool, rows: Tensor) -> Pool:
    """Some models of a pool."""
    return Pool(pool.theta[rows], pool.first[rows], pool.second[rows], pool.age[rows], rows)


def _put(pool: Pool, part: Pool) -> Pool:
    """A pool with some of its models in a new state."""
    theta, first, second, age = (old.index_copy(0, part.turn, new) for old, new in zip(pool[:4], part[:4], strict=True))
    return Pool(theta, first, second, age, pool.turn, pool.goal)


class _Clip(torch.autograd.Function):
    """The identity; backward, each replicate's gradient is cut to a norm."""

    @staticmethod
    def forward(ctx: Any, value: Tensor, limit: float) -> Tensor:
        ctx.limit = limit
        return value.view_as(value)

    @staticmethod
    def backward(ctx: Any, gradient: Tensor) -> tuple[Tensor, None]:
        flat = gradient.flatten(1)
        fine = flat.isfinite().all(-1, keepdim=True)
        norm = flat.norm(dim=-1, keepdim=True).clamp(min=torch.finfo(flat.dtype).tiny)
        cut = torch.where(fine, flat * (ctx.limit / norm).clamp(max=1.0), torch.zeros_like(flat))
        return cut.view_as(gradient), None


def _clipped(value: Tensor, limit: float) -> Tensor:
    return _Clip.apply(value, limit)
