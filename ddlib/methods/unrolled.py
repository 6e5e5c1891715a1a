"""Unrolled differentiation: back-propagation through the steps of training, all of them or a window."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field, replace
from typing import Any, NamedTuple

import torch
from jaxtyping import Float
from torch import Tensor

from ddlib.learners.training import Training
from ddlib.methods.descent import Descent, DescentState
from ddlib.problem import Distilled, Task
from ddlib.protocols import Optimised
from ddlib.requirement import Requirement

__all__ = ["OBJECTIVE", "Unrolled", "Unrolling", "optimised"]


class Unrolling(NamedTuple):
    """What unrolled differentiation carries besides the set.

    Attributes:
        model: of a warm start, shape (R, *P).
        log: the logarithm of the factor by which the step size of the training is multiplied.
        best: the same, of the set that would be handed out.

    >>> Unrolling(torch.zeros(2, 5), log=torch.zeros(2, 1), best=torch.zeros(2, 1)).model.shape
    torch.Size([2, 5])
    """

    model: Float[Tensor, " R *P"] | None
    log: Float[Tensor, "R 1"] | None
    best: Float[Tensor, "R 1"] | None


@dataclass(frozen=True)
class Unrolled(Descent):
    r"""Gradient descent on the risk of the model that N steps of training on S end at.

    .. math:: \phi(S) = R(\theta_N(S)), \qquad \theta_{t+1} = \theta_t - \eta\, D_t \nabla_\theta J(\theta_t; S),

    with the task's own objective J and initial model :math:`\theta_0`, drawn afresh for every update. The gradient goes through
    the last ``window`` steps (None: all). With ``random_end`` training stops at a random step, so that a short window meets every
    age of a model (Maclaurin et al. 2015; Wang et al. 2018; truncated and random windows: Feng et al. 2024).

    With ``learn_rate`` the step size of the training is learned with the set, on the log scale, one for each replicate (Wang et al.
    2018); :meth:`step_sizes` gives those that belong to the set.

    ``warm`` goes on from the model of the update before instead of a fresh one. It is here to show what that does: the set then
    matters only to a model that has already learned from its predecessors.

    Attributes:
        training: the steps; for a task whose learner is trained, the learner's own.
        window: how many of the last steps the gradient goes through.
        random_end: whether training stops at a random step, at the earliest after one window.
        warm: whether the model is kept from update to update.
        learn_rate: whether the step size of the training is learned.

    >>> from ddlib import distil
    >>> from ddlib.tasks import RidgeTask, as_data
    >>> task = RidgeTask(as_data([[1.0], [2.0], [3.0], [4.0]], [1.0, 2.0, 3.0, 5.0]))
    >>> method = Unrolled(training=Training(steps=5, lr=0.1))
    >>> distil(method, task, 2, 5, torch.Generator().manual_seed(0)).distilled.x.shape
    torch.Size([1, 2, 1])
    """

    name: str = "unrolled"
    training: Training = field(default_factory=lambda: Training(steps=50, lr=0.1))
    window: int | None = None
    random_end: bool = False
    warm: bool = False
    learn_rate: bool = False

    def __post_init__(self) -> None:
        super().__post_init__()
        if self.training.steps < 1 or (self.window is not None and not 1 <= self.window <= self.training.steps):
            raise ValueError(
                f"unrolling needs a step and a window of 1 to all steps, but they are {self.training.steps} and {self.window}"
            )

    @property
    def requires(self) -> tuple[Requirement, ...]:
        """The objective to train on, and a gradient."""
        *before, gradient = super().requires
        return (*before, OBJECTIVE, gradient)

    def remember(self, task: Task, generator: torch.Generator) -> Any:
        """The model of a warm start and the logarithm of the learned step size's factor, as far as there are any."""
        model = optimised(task).initial(generator) if self.warm else None
        log = torch.zeros_like(task.train.w[..., :1]) if self.learn_rate else None
        return Unrolling(model, log, log)

    def more(self, memory: Any) -> dict[str, Float[Tensor, "R 1"]]:
        """The logarithm of the step size's factor, if it is learned."""
        return {"rate": memory.log} if self.learn_rate else {}

    def equipped(
        self, memory: Any, now: Mapping[str, Tensor], before: Mapping[str, Tensor] = {}, better: Tensor | None = None
    ) -> Any:
        """The memory with another step size, and that of the best set."""
        if not self.learn_rate:
            return memory
        best = now["rate"] if self.keep == "last" or better is None else torch.where(better[:, None], before["rate"], memory.best)
        return memory._replace(log=now["rate"], best=best.detach())

    def step_sizes(self, state: DescentState) -> Float[Tensor, " R"]:
        """The step size of the training that belongs to the set of a state, of each replicate."""
        if not self.learn_rate:
            return torch.full_like(state.best, self.training.lr)
        return self.training.lr * state.memory.best.exp().squeeze(-1)

    def surrogate(self, task: Task, distilled: Distilled, generator: torch.Generator, memory: Any = None) -> Float[Tensor, " R"]:
        """The mean of the block risks after training; the gradient goes through the window."""
        model, log, _ = memory or Unrolling(None, None, None)
        start = optimised(task).initial(generator) if model is None else model
        lr = None if log is None else self.training.lr * log.exp().view(-1, *(1,) * (start.ndim - 1))
        model = self._training(generator).run(lambda theta: task.objective(theta, distilled), start, self.window, lr)  # type: ignore[attr-defined]
        return torch.stack([block.risk(model) for block in task.blocks(distilled)]).mean(0)

    def proceed(self, task: Task, distilled: Distilled, generator: torch.Generator, memory: Any, step: int) -> Any:
        """A warm model is trained on; there is no other memory."""
        if not self.warm:
            return memory
        with torch.no_grad():
            model = self.training.run(lambda theta: task.objective(theta, distilled), memory.model)  # type: ignore[attr-defined]
        return memory._replace(model=model)

    def _training(self, generator: torch.Generator) -> Training:
        if not self.random_end:
            return self.training
        earliest = self.window or 1
        steps = torch.randint(earliest, self.training.steps + 1, (), generator=generator, device=generator.device)
        return replace(self.training, steps=int(steps))


def optimised(task: Any) -> Optimised:
    """The task, if it names the objective that its learner minimises.

    >>> from ddlib.tasks import RidgeTask, as_data
    >>> task = RidgeTask(as_data(torch.eye(2), torch.ones(2)))
    >>> optimised(task) is task
    True
    """
    if not isinstance(task, Optimised):
        raise OBJECTIVE.refusal(f"the learner of {getattr(task, 'name', task)}")
    return task


def _named(method: Any, task: Task, budget: int) -> bool:
    try:
        return isinstance(optimised(task).initial(torch.Generator(task.train.w.device).manual_seed(0)), Tensor)
    except ValueError:
        return False


OBJECTIVE = Requirement("objective", _named)
"""An objective that the learner minimises over models of one tensor: see :class:`~ddlib.protocols.Optimised`."""
