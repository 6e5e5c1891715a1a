r"""Pools of networks for PINN tasks: unrolled differentiation on physics, teacher matching, gradient matching."""

from __future__ import annotations

from dataclasses import dataclass, field, replace
from typing import Any

import torch
from jaxtyping import Float
from torch import Tensor

from ddlib.methods.descent import Part
from ddlib.methods.pooled import Pool, Pooled
from ddlib.methods.unrolled import optimised
from ddlib.pinn.methods.bounded import Bounded, at_target
from ddlib.pinn.teachers.teacher import CollocationTeacher, Lesson, Teacher, label, lesson
from ddlib.problem import Distilled

__all__ = ["PhysicsGradientMatching", "PhysicsUnrolled", "TeacherMatching"]


@dataclass(frozen=True)
class PhysicsUnrolled(Bounded, Pooled):
    r"""Unrolled differentiation of the physics: a set on which networks of every age learn to obey equation and boundary values.

    .. math:: \phi(S) = \mathbb{E}_{\theta \in \text{pool}} \log R(\theta_T)

    The pool is that of :class:`~ddlib.methods.pooled.Pooled`. At I3 the boundary-value problem of the target tail is complete, and
    R is the mean squared residual and boundary mismatch there; below, it is the task's training risk. The descent begins at Sobol
    points of the target tail with labels from a ridge regression that is affine in α.

    >>> from ddlib import distil
    >>> from ddlib.pinn import FastTraining, PhysicsNetwork, PinnTask, Poisson, TanhNetwork
    >>> learner = PhysicsNetwork(network=TanhNetwork((4,)), training=FastTraining(10))
    >>> task = PinnTask.make(Poisson(), 1, torch.Generator().manual_seed(0), learner, interior=8)
    >>> distil(PhysicsUnrolled(pool=3, models=2, window=2, life=6), task, 4, 1, torch.Generator().manual_seed(0))[0].x.shape
    torch.Size([1, 4, 2])
    """

    name: str = "unrolled"
    lr: float = 0.01
    horizon: int = 200
    learn: tuple[Part, ...] = ("x", "y")
    clip: float = 1.0

    def memory(self, task: Any, start: Distilled, goal: Any, generator: torch.Generator) -> Pool:
        """The pool, raised once, with the goal."""
        return self.raise_pool(task, start, goal, generator)

    def goal(self, task: Any, generator: torch.Generator) -> Any:
        """The task that judges: with the target tail's physics alone, if the level has it."""
        return _judging(task)

    def judge(self, task: Any, theta: Float[Tensor, "B R P"], goal: Any) -> Float[Tensor, "B R"]:
        """Residual and boundary mismatch."""
        return goal.risk(theta)


@dataclass(frozen=True)
class TeacherMatching(PhysicsUnrolled):
    r"""Gradient descent on the distance between networks that learn from S and a teacher, on the target tail.

    .. math:: \phi(S) = \mathbb{E}_{\theta \in \text{pool}} \log \frac{\overline{(u_{\theta_T} - u_{\text{teacher}})^2}}
        {\operatorname{var} u_{\text{teacher}}}

    The teacher has the data and the physics of the task's level. Both are compared at Sobol points of the target tail, no label of
    which anyone has. The descent begins at other Sobol points of that tail with the teacher's labels; points and labels are free,
    but the points do not leave the tail. (The physics is our reconstruction.)

    Attributes:
        teacher: who labels.
        count: points at which students and teacher are compared.

    >>> from ddlib import distil
    >>> from ddlib.pinn import FastTraining, PhysicsNetwork, PinnTask, Poisson, TanhNetwork
    >>> from ddlib.pinn.teachers.teacher import Taught
    >>> learner = PhysicsNetwork(network=TanhNetwork((4,)), training=FastTraining(10))
    >>> task = PinnTask.make(Poisson(), 1, torch.Generator().manual_seed(0), learner, interior=8)
    >>> method = TeacherMatching(pool=3, models=2, window=2, life=6, teacher=Taught(Poisson().exact_at), count=8)
    >>> distil(method, task, 4, 1, torch.Generator().manual_seed(0))[0].x.shape
    torch.Size([1, 4, 2])
    """

    name: str = "teacher_matching"
    teacher: Teacher = field(default_factory=CollocationTeacher)
    count: int = 256

    def goal(self, task: Any, generator: torch.Generator) -> Lesson:
        """The teacher's function, and points of the target tail with its labels."""
        return lesson(task, self.teacher, self.count, generator)

    def label(self, task: Any, units: Float[Tensor, "R m d"], goal: Lesson) -> Distilled:
        """The teacher's labels."""
        return label(units, goal.labels)

    def judge(self, task: Any, theta: Float[Tensor, "B R P"], goal: Lesson) -> Float[Tensor, "B R"]:
        """The students' mean squared distance from the teacher, relative to its variance."""
        rows = goal.rows
        return (task.predict(theta, rows.x) - rows.y).square().mean(-1) / rows.y.var(-1)


@dataclass(frozen=True)
class PhysicsGradientMatching(PhysicsUnrolled):
    r"""A set on which the learner's gradient points where that of the physics points (after Zhao, Mopuri and Bilen 2021).

    .. math:: \phi(S) = \mathbb{E}_{\theta \in \text{pool}} \frac1L \sum_{l} \Bigl(1 - \cos\bigl(\nabla_{\theta_l} J(\theta; S),\,
        \nabla_{\theta_l} R(\theta)\bigr)\Bigr)

    over the layers l, with R as in :class:`PhysicsUnrolled`; the networks are those of the pool, of every age.

    >>> from ddlib import distil
    >>> from ddlib.pinn import FastTraining, PhysicsNetwork, PinnTask, Poisson, TanhNetwork
    >>> learner = PhysicsNetwork(network=TanhNetwork((4,)), training=FastTraining(10))
    >>> task = PinnTask.make(Poisson(), 1, torch.Generator().manual_seed(0), learner, interior=8)
    >>> distil(PhysicsGradientMatching(pool=3, models=2, window=2, life=6), task, 4, 1, torch.Generator().manual_seed(0))[0].x.shape
    torch.Size([1, 4, 2])
    """

    name: str = "gradient_matching"

    def surrogate(self, task: Any, distilled: Distilled, generator: torch.Generator, memory: Any = None) -> Float[Tensor, " R"]:
        """The mean distance of the two gradients."""
        pool = memory or self.raise_pool(task, distilled, self.goal(task, generator), generator)
        with torch.enable_grad():
            theta = pool.theta[pool.turn].detach().requires_grad_()
            (mine,) = torch.autograd.grad(optimised(task).objective(theta, distilled).sum(), theta, create_graph=True)
            (other,) = torch.autograd.grad(pool.goal.risk(theta).sum(), theta)
        network, inputs = task.learner.network, distilled.x.shape[-1]
        pairs = zip(network.layers(mine, inputs), network.layers(other.detach(), inputs), strict=True)
        apart = [1 - _cosine(a.weight.flatten(-2), b.weight.flatten(-2)) for a, b in pairs]
        return torch.stack(apart).mean((0, 1))


def _judging(task: Any) -> Any:
    """The task whose training risk is the target tail's physics alone; at a level without it the task itself."""
    physics = at_target(task)
    if physics is None:
        return task
    return replace(task, physics=physics, weights=task.weights._replace(data=0.0))


def _cosine(a: Float[Tensor, "*R n"], b: Float[Tensor, "*R n"]) -> Float[Tensor, "*R"]:
    tiny = torch.finfo(a.dtype).eps
    return (a * b).sum(-1) / ((a.square().sum(-1) + tiny**2) * (b.square().sum(-1) + tiny**2)).sqrt()
