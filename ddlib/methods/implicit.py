"""Implicit differentiation: the gradient at a learner's optimum, however it was found."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

import torch
from jaxtyping import Float
from torch import Tensor

from ddlib.methods.descent import Descent
from ddlib.methods.unrolled import optimised
from ddlib.problem import Distilled, Task

LARGEST = 4096


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
    """

    name: str = "implicit"

    def surrogate(self, task: Task, distilled: Distilled, generator: torch.Generator, memory: Any = None) -> Float[Tensor, " R"]:
        """The mean of the block risks at the learner's optimum.

        Raises:
            ValueError: if the task names no objective, its objective has no curvature, or its model is too large.
        """
        objective = optimised(task).objective
        with torch.no_grad():
            fixed = Distilled(*(part.detach() for part in distilled))
            found = task.fit(fixed, generator)
        if not isinstance(found, Tensor):
            raise ValueError(f"{task.name} names no objective over models of one tensor: choose a method that needs none")
        size = found[0].numel()
        if size > LARGEST:
            raise ValueError(
                f"the model of {task.name} has {size} parameters; implicit differentiation takes at most {LARGEST}: unroll"
            )
        with torch.enable_grad():
            theta = found.detach().requires_grad_()
            (gradient,) = torch.autograd.grad(objective(theta, distilled).sum(), theta, create_graph=True)
            hessian = _hessian(gradient, theta)
            if not bool(hessian.any()):
                raise ValueError(f"the objective of {task.name} has no curvature: choose a method that needs no gradient")
            step = _solve(hessian, gradient.view(len(theta), -1))
            model = theta.detach() - (step - step.detach()).view_as(theta)  # the learner's answer, with the theorem's derivative
            return torch.stack([block.risk(model) for block in task.blocks(distilled)]).mean(0)


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
    if not bool(failed.any()) and bool((pivots.amin(-1) > 1e-5 * pivots.amax(-1)).all()):
        return torch.cholesky_solve(right.unsqueeze(-1), factor).squeeze(-1)
    inverse = torch.linalg.pinv(hessian, hermitian=True, rtol=1e-12)
    return (inverse @ right.unsqueeze(-1)).squeeze(-1)
