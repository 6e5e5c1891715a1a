"""Implicit differentiation: the gradient at a learner's optimum, however it was found."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

import torch
from jaxtyping import Float
from torch import Tensor

from ddlib.arguments import one_each
from ddlib.methods.descent import Descent
from ddlib.methods.needs import LEARNABLE, first_set, learned
from ddlib.methods.unrolled import OBJECTIVE, optimised
from ddlib.problem import Distilled, Task
from ddlib.requirement import Requirement

__all__ = ["CURVATURE", "SMALL", "Implicit"]

_LARGEST = 4096


@dataclass(frozen=True)
class Implicit(Descent):
    r"""Gradient descent on the risk at the learner's optimum, by the implicit function theorem.

    .. math::

        \phi(S) = R(\theta^*(S)), \quad \nabla_\theta J(\theta^*; S) = 0
        \;\Rightarrow\; \frac{d\phi}{dS} = -\,\partial_S \nabla_\theta J(\theta^*; S)^\top H^{+}\, \nabla_\theta R,
        \qquad H = \nabla^2_\theta J(\theta^*; S).

    The learner is a black box: only its answer :math:`\theta^*` is used, and the objective that this minimises. Where H is singular
    (fewer rows than parameters and no penalty) the pseudo-inverse leaves out how the minimiser of least norm turns in the null
    space of H. H is formed whole, so models may have at most a few thousand parameters. (Bengio 2000; Lorraine et al. 2020.)

    >>> from ddlib import distil
    >>> from ddlib.tasks import LogisticTask, as_data
    >>> task = LogisticTask(as_data([[-1.0], [-2.0], [3.0], [4.0]], [0.0, 1.0, 2.0, 3.0]))
    >>> run = distil(Implicit(), task, 2, 20, torch.Generator().manual_seed(0))
    >>> bool(run.history[-1].surrogate < run.history[0].surrogate)
    True
    """

    name: str = "implicit"

    @property
    def requires(self) -> tuple[Requirement, ...]:
        """An objective with a Hessian that can be solved, and a gradient."""
        *before, gradient = super().requires
        return (*before, OBJECTIVE, LEARNABLE, SMALL, CURVATURE, gradient)

    def surrogate(self, task: Task, distilled: Distilled, generator: torch.Generator, memory: Any = None) -> Float[Tensor, " R"]:
        """The mean of the block risks at the learner's optimum.

        Raises:
            ValueError: if the task names no objective, its objective has no curvature, or its model is too large.
        """
        theta = _answer(task, distilled, generator)
        if theta[0].numel() > _LARGEST:
            raise SMALL.refusal(f"{task.name}, whose model has {theta[0].numel()} parameters,")
        with torch.enable_grad():
            gradient, hessian = _slope_and_hessian(task, theta, distilled)
            if not bool(hessian.any()):
                raise CURVATURE.refusal(f"the objective of {task.name}")
            step = _solve(hessian, gradient.view(len(theta), -1))
            model = theta.detach() - (step - step.detach()).view_as(theta)  # the learner's answer, with the theorem's derivative
            return torch.stack([block.risk(model) for block in task.blocks(distilled)]).mean(0)


def _answer(task: Task, distilled: Distilled, generator: torch.Generator) -> Float[Tensor, " R *P"]:
    """The learner's model, free to be differentiated by."""
    optimised(task)
    with torch.no_grad():
        model = learned(task, Distilled(*(part.detach() for part in distilled)), generator)
    if not isinstance(model, Tensor):
        raise OBJECTIVE.refusal(f"the learner of {task.name}, whose model is not one tensor,")
    return model.detach().requires_grad_()


def _slope_and_hessian(
    task: Task, theta: Float[Tensor, " R *P"], distilled: Distilled
) -> tuple[Float[Tensor, " R *P"], Float[Tensor, "R P P"]]:
    """Both of the learner's objective; the slope is differentiable in the set."""
    value = optimised(task).objective(theta, distilled)
    one_each(value, theta.shape[:1], f"the objective of {task.name}")
    (gradient,) = torch.autograd.grad(value.sum(), theta, create_graph=True)
    return gradient, _hessian(gradient, theta)


def _hessian(gradient: Float[Tensor, " R *P"], theta: Float[Tensor, " R *P"]) -> Float[Tensor, "R P P"]:
    size = theta[0].numel()
    if not gradient.requires_grad:
        return theta.new_zeros(len(theta), size, size)
    eye = torch.eye(size, dtype=theta.dtype, device=theta.device).view(size, 1, *theta.shape[1:]).expand(size, *theta.shape)
    (rows,) = torch.autograd.grad(
        gradient, theta, eye, is_grads_batched=True, retain_graph=True, allow_unused=True, materialize_grads=True
    )
    return rows.detach().reshape(size, len(theta), size).movedim(0, 1)


def _solve(hessian: Float[Tensor, "R P P"], right: Float[Tensor, "R P"]) -> Float[Tensor, "R P"]:
    """H⁺ times the right side: by Cholesky where H is well conditioned, by its spectrum otherwise."""
    factor, failed = torch.linalg.cholesky_ex(hessian)
    pivots = factor.diagonal(dim1=-2, dim2=-1)
    if bool(((failed == 0) & (pivots.amin(-1) > 1e-5 * pivots.amax(-1))).all()):
        return torch.cholesky_solve(right.unsqueeze(-1), factor).squeeze(-1)
    inverse = torch.linalg.pinv(hessian, hermitian=True, rtol=1e-12)
    return (inverse @ right.unsqueeze(-1)).squeeze(-1)


def _few_parameters(method: Any, task: Task, budget: int) -> bool:
    if not OBJECTIVE.met(method, task, budget):
        return False
    return optimised(task).initial(torch.Generator(task.train.w.device).manual_seed(0))[0].numel() <= _LARGEST


def _curved(method: Any, task: Task, budget: int) -> bool:
    if not CURVATURE.all_before(method, task, budget):
        return False
    generator = torch.Generator(task.train.w.device).manual_seed(0)
    start = first_set(method.begin, task, budget, generator)
    return bool(_slope_and_hessian(task, _answer(task, start, generator), start)[1].any())


SMALL = Requirement(f"Hessian of at most {_LARGEST} rows", _few_parameters, "unroll")
"""A model of few enough parameters to form the Hessian of its objective whole."""
CURVATURE = Requirement("curvature", _curved, "choose a method that needs no gradient")
"""An objective whose slope changes with the model."""
