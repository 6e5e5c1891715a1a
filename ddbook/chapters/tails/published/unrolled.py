r"""Unrolled differentiation through all steps of training: Adam's adjoint, run backwards over the stored path."""

from __future__ import annotations

import math
from dataclasses import dataclass, field
from typing import Any

import torch
from jaxtyping import Float
from torch import Tensor

from ddlib.methods.descent import Descent, Part
from ddlib.methods.unrolled import OBJECTIVE, optimised
from ddlib.pinn.learners.training import FastTraining
from ddlib.problem import Distilled, Task
from ddlib.requirement import Requirement


@dataclass(frozen=True)
class WholeUnrolled(Descent):
    r"""Gradient descent on the log risk at the end of training, through every step of it, averaged over fresh networks.

    .. math:: \phi(S) = \frac1K \sum_{k=1}^{K} \log R\bigl(\theta_T(S, \xi_k)\bigr)

    with :math:`\theta_{t+1} = \theta_t - \eta\, \hat m_t / (\sqrt{\hat v_t} + \epsilon)` from first weights :math:`\xi_k` that are
    drawn anew for every update. The gradient is the adjoint of these steps (Maclaurin, Duvenaud and Adams 2015; here the path is
    stored, not reversed): with :math:`\lambda_\theta, \lambda_m, \lambda_v` the slopes of the risk in a state and g the gradient of
    the learner's objective J,

    .. math::
        \lambda_g = (1 - \beta_1) \lambda_m + 2 (1 - \beta_2)\, g\, \lambda_v, \qquad
        \lambda_\theta \leftarrow \lambda_\theta + \nabla^2_{\theta\theta} J\, \lambda_g, \qquad
        \nabla_S \phi \leftarrow \nabla_S \phi + \nabla^2_{S\theta} J\, \lambda_g .

    It needs one product with second derivatives for each step, and the memory of the path: three times the parameters, for every
    step and network. A network's gradient is cut to the length of the middle one of its K, and to ``clip``, before the mean:
    some first weights give gradients that are longer by orders of magnitude.

    Attributes:
        networks: K.
        training: the steps; the learner's own.
        clip: the greatest length of one network's gradient.
    """

    name: str = "unrolled"
    lr: float = 0.015
    horizon: int = 40
    betas: tuple[float, float] = (0.8, 0.95)
    learn: tuple[Part, ...] = ("x", "y")
    keep: Any = "last"
    networks: int = 4
    training: FastTraining = field(default_factory=lambda: FastTraining(1000))
    clip: float = 3.0

    def __post_init__(self) -> None:
        super().__post_init__()
        if self.networks < 1 or not self.clip > 0 or self.training.steps < 1:
            raise ValueError(
                "unrolling needs at least 1 network, a positive clip and a step of training, but they are "
                f"{self.networks}, {self.clip} and {self.training.steps}"
            )

    @property
    def requires(self) -> tuple[Requirement, ...]:
        """The objective to train on, and a gradient."""
        *before, gradient = super().requires
        return (*before, OBJECTIVE, gradient)

    def surrogate(self, task: Task, distilled: Distilled, generator: torch.Generator, memory: Any = None) -> Float[Tensor, " R"]:
        """The mean log risk of fresh networks, with its gradient in the set where gradients are enabled."""
        theta = torch.stack([optimised(task).initial(generator) for _ in range(self.networks)])
        many = Distilled(*(tensor.expand(self.networks, *tensor.shape) for tensor in distilled))
        return _Trained.apply(self, task, theta, *many).mean(0)

    def path(
        self, task: Task, many: Distilled, theta: Float[Tensor, "K R P"], keep: bool
    ) -> tuple[Tensor, list[tuple[Tensor, ...]]]:
        """The parameters after the last step, and where kept each step's parameters before it and moments after it."""
        (beta1, beta2), kept = self.training.betas, list[tuple[Tensor, ...]]()
        first, second = torch.zeros_like(theta), torch.zeros_like(theta)
        for step in range(1, self.training.steps + 1):
            gradient = _gradient(task, theta, many)
            before = theta
            first = beta1 * first + (1 - beta1) * gradient
            second = beta2 * second + (1 - beta2) * gradient.square()
            spread = (second / (1 - beta2**step)).sqrt() + self.training.epsilon
            theta = theta - self.training.rate(step - 1, self.training.steps) * (first / (1 - beta1**step)) / spread
            if keep:
                kept.append((before, first, second))
        return theta, kept

    def adjoint(self, task: Task, many: Distilled, theta: Tensor, kept: list[tuple[Tensor, ...]]) -> tuple[Tensor, ...]:
        """From the slope in the last parameters to those in x, y and w, one for each network."""
        (beta1, beta2), tiny = self.training.betas, torch.finfo(theta.dtype).tiny ** 0.5
        of_first, of_second = torch.zeros_like(theta), torch.zeros_like(theta)
        total = [torch.zeros_like(tensor) for tensor in many]
        for step in range(self.training.steps, 0, -1):
            before, first, second = kept[step - 1]
            root = (second / (1 - beta2**step)).sqrt()
            pushed = theta * self.training.rate(step - 1, self.training.steps) / (root + self.training.epsilon)
            of_first = of_first - pushed / (1 - beta1**step)
            ratio = first / (1 - beta1**step) / (root + self.training.epsilon)
            of_second = of_second + pushed * ratio / (2 * root.clamp(min=tiny)) / (1 - beta2**step)
            with torch.enable_grad():
                here = [tensor.detach().requires_grad_() for tensor in (before, *many)]
                (gradient,) = torch.autograd.grad(
                    optimised(task).objective(here[0], Distilled(*here[1:])).sum(), here[0], create_graph=True
                )
                of_gradient = (1 - beta1) * of_first + 2 * (1 - beta2) * gradient.detach() * of_second
                slopes = torch.autograd.grad(gradient, here, of_gradient, allow_unused=True)
            theta = theta + slopes[0]
            total = [old if new is None else old + new for old, new in zip(total, slopes[1:], strict=True)]
            of_first, of_second = beta1 * of_first, beta2 * of_second
        return tuple(total)


class _Trained(torch.autograd.Function):
    """The log risk after training, one per network; its gradient is found on the way forward."""

    @staticmethod
    def forward(ctx: Any, method: WholeUnrolled, task: Any, theta: Tensor, x: Tensor, y: Tensor, w: Tensor) -> Tensor:
        many, wanted = Distilled(x.detach(), y.detach(), w.detach()), any(ctx.needs_input_grad)
        end, kept = method.path(task, many, theta, wanted)
        with torch.enable_grad():
            end = end.detach().requires_grad_()
            risk = task.risk(end).log()
            (slope,) = torch.autograd.grad(risk.sum(), end)
        if wanted:
            ctx.save_for_backward(*_cut(method.adjoint(task, many, slope, kept), method.clip))
        return risk.detach()

    @staticmethod
    def backward(ctx: Any, outer: Tensor) -> tuple[Tensor | None, ...]:
        slopes = [outer.view(*outer.shape, *(1,) * (slope.ndim - outer.ndim)) * slope for slope in ctx.saved_tensors]
        return (None, None, None, *slopes)


def _gradient(task: Any, theta: Tensor, many: Distilled) -> Tensor:
    with torch.enable_grad():
        here = theta.detach().requires_grad_()
        (gradient,) = torch.autograd.grad(optimised(task).objective(here, many).sum(), here)
    return gradient


def _cut(slopes: tuple[Tensor, ...], clip: float) -> list[Tensor]:
    """All parts of a network's gradient, shortened to the middle length of the networks, at most to ``clip``; 0 if not finite."""
    flat = torch.cat([slope.flatten(2) for slope in slopes], -1)
    fine = flat.isfinite().all(-1)
    length = torch.where(fine, flat.norm(dim=-1), math.inf)
    limit = length.quantile(0.5, dim=0, interpolation="lower").clamp(max=clip)
    share = torch.where(fine, (limit / length.clamp(min=torch.finfo(flat.dtype).tiny)).clamp(max=1.0), 0.0)
    return [
        torch.where(fine.view(*fine.shape, *(1,) * (slope.ndim - 2)), slope, 0.0)
        * share.view(*share.shape, *(1,) * (slope.ndim - 2))
        for slope in slopes
    ]
