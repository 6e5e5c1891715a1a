"""Unrolled differentiation: back-propagation through the steps of training, all of them or a window."""

from __future__ import annotations

from dataclasses import dataclass, field, replace
from typing import Any

import torch
from jaxtyping import Float
from torch import Tensor

from ddlib.learners.training import Training
from ddlib.methods.descent import Descent
from ddlib.problem import Distilled, Optimised, Task
from ddlib.requirement import Requirement


@dataclass(frozen=True)
class Unrolled(Descent):
    r"""Gradient descent on the risk of the model that N steps of training on S end at.

    .. math:: \phi(S) = R(\theta_N(S)), \qquad \theta_{t+1} = \theta_t - \eta\, D_t \nabla_\theta J(\theta_t; S),

    with the task's own objective J and initial model :math:`\theta_0`, drawn afresh for every update. The gradient goes through
    the last ``window`` steps (None: all). With ``random_end`` training stops at a random step, so that a short window meets every
    age of a model (Maclaurin et al. 2015; Wang et al. 2018; truncated and random windows: Feng et al. 2024).

    ``warm`` goes on from the model of the update before instead of a fresh one. It is here to show what that does: the set then
    matters only to a model that has already learned from its predecessors.

    Attributes:
        training: the steps; for a task whose learner is trained, the learner's own.
        window: how many of the last steps the gradient goes through.
        random_end: whether training stops at a random step, at the earliest after one window.
        warm: whether the model is kept from update to update.
    """

    name: str = "unrolled"
    training: Training = field(default_factory=lambda: Training(steps=50, lr=0.1))
    window: int | None = None
    random_end: bool = False
    warm: bool = False

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
        """The model of a warm start, and nothing otherwise."""
        return optimised(task).initial(generator) if self.warm else None

    def surrogate(self, task: Task, distilled: Distilled, generator: torch.Generator, memory: Any = None) -> Float[Tensor, " R"]:
        """The mean of the block risks after training; the gradient goes through the window."""
        start = optimised(task).initial(generator) if memory is None else memory
        model = self._training(generator).run(lambda theta: task.objective(theta, distilled), start, self.window)  # type: ignore[attr-defined]
        return torch.stack([block.risk(model) for block in task.blocks(distilled)]).mean(0)

    def proceed(self, task: Task, distilled: Distilled, generator: torch.Generator, memory: Any, step: int) -> Any:
        """A warm model is trained on; there is no other memory."""
        if not self.warm:
            return None
        with torch.no_grad():
            return self.training.run(lambda theta: task.objective(theta, distilled), memory)  # type: ignore[attr-defined]

    def _training(self, generator: torch.Generator) -> Training:
        if not self.random_end:
            return self.training
        earliest = self.window or 1
        steps = torch.randint(earliest, self.training.steps + 1, (), generator=generator, device=generator.device)
        return replace(self.training, steps=int(steps))


def optimised(task: Any) -> Optimised:
    """The task, if it names the objective that its learner minimises."""
    if not isinstance(task, Optimised):
        raise OBJECTIVE.refusal(f"the learner of {getattr(task, 'name', task)}")
    return task


def _named(method: Any, task: Task, budget: int) -> bool:
    try:
        return isinstance(optimised(task).initial(torch.Generator(task.train.w.device).manual_seed(0)), Tensor)
    except ValueError:
        return False


OBJECTIVE = Requirement("objective", _named)
"""An objective that the learner minimises over models of one tensor: see :class:`~ddlib.problem.Optimised`."""
