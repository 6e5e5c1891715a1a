r"""Fast training: Adam on many networks at once, by hand-written passes; nothing is remembered for differentiation."""

from __future__ import annotations

import math
from dataclasses import dataclass

import torch
from jaxtyping import Float
from torch import Tensor

from ddlib.arguments import is_whole
from ddlib.learners.check import positive_number, whole_number
from ddlib.pinn.learners.equations import Equations, needs_problem, one_axis
from ddlib.pinn.learners.networks import TanhNetwork
from ddlib.pinn.learners.taylor import TaylorPass
from ddlib.pinn.problems.problem import Jet, Problem

__all__ = ["FastTraining"]

_CACHE = 2**20  # numbers: on a CPU, networks are trained in groups whose layers fit the cache


@dataclass(frozen=True)
class FastTraining:
    r"""Adam (Kingma and Ba 2015) on a weighted sum of squares of values and residuals, all networks in one batch.

    .. math:: \theta_{t+1} = \theta_t - \eta_t\, \hat m_t / (\sqrt{\hat v_t} + \epsilon), \qquad
        \eta_t = \eta \bigl(\rho + (1 - \rho)\, \tfrac12 (1 + \cos \pi t / T)\bigr)

    The last parameters are kept, not the best. What comes out has no gradient in the data: to differentiate through training, run
    :class:`ddlib.learners.training.Training` on :func:`ddlib.pinn.learners.equations.loss`.

    Attributes:
        steps: T.
        lr: the step size :math:`\eta`.
        final: the last step size as a share :math:`\rho` of the first; 1 keeps it constant, as published.
        betas, epsilon: Adam's constants.
        group: networks that are trained together, then the next so many; None: by the cache of a CPU, all on a GPU.

    >>> [round(FastTraining(lr=0.01, final=0.1).rate(step, 100), 4) for step in (0, 50, 100)]
    [0.01, 0.0055, 0.001]
    """

    steps: int = 2000
    lr: float = 1e-3
    final: float = 1.0
    betas: tuple[float, float] = (0.9, 0.999)
    epsilon: float = 1e-8
    group: int | None = None

    def __post_init__(self) -> None:
        if not is_whole(self.steps, 0) or not 0 < self.lr < math.inf or not 0 <= self.final < math.inf:
            raise ValueError(
                "training needs a whole number of 0 or more steps, a positive step size and a last share of at least 0, but they "
                f"are {self.steps}, {self.lr} and {self.final}"
            )
        if len(self.betas) != 2 or not all(0 <= beta < 1 for beta in self.betas):
            raise ValueError(f"Adam has two betas of at least 0 and below 1, but they are {self.betas}: take (0.9, 0.999)")
        positive_number(self.epsilon, "Adam's epsilon")
        if self.group is not None and not is_whole(self.group):
            raise ValueError(f"a group holds at least 1 network, but it is {self.group}: leave it out for the default")

    def rate(self, step: int, steps: int) -> float:
        """The step size of a step."""
        return self.lr * (self.final + (1 - self.final) * 0.5 * (1 + math.cos(math.pi * step / max(steps, 1))))

    @torch.no_grad()
    def run(
        self,
        network: TanhNetwork,
        problem: Problem | None,
        asked: Equations,
        theta: Float[Tensor, "*N P"],
        steps: int | None = None,
    ) -> Float[Tensor, "*N P"]:
        """The parameters after the last step.

        Args:
            network: the function class.
            problem: whose residual is asked for; None if none is.
            asked: values and residuals, one system per network.
            theta: where to begin.
            steps: how many, instead of the training's own number.

        Raises:
            ValueError: if residuals are asked for but there is no problem, or the number of steps is none.
        """
        steps = self.steps if steps is None else steps
        whole_number(steps, "the number of steps", 0)
        needs_problem(problem, asked.residual_weights.shape[-1])
        flat, start, batch = one_axis(asked, theta)
        size = self.group or self._group(network, flat)
        parts = [
            self._run(network, problem, Equations(*(part[at : at + size] for part in flat)), start[at : at + size], steps)
            for at in range(0, len(start), size)
        ]
        return torch.cat(parts).reshape(*batch, -1)

    @staticmethod
    def _group(network: TanhNetwork, asked: Equations) -> int:
        """How many networks fit the cache."""
        count, n, dimension = asked.points.shape
        if asked.points.device.type != "cpu":
            return max(count, 1)
        one = 3 * (n + 2 * asked.residual_weights.shape[-1]) * max(network.widths) + 4 * network.parameters(dimension)
        groups = math.ceil(count / max(1, _CACHE // one))
        return max(1, math.ceil(count / max(groups, 1)))

    def _run(self, network: TanhNetwork, problem: Problem | None, asked: Equations, theta: Tensor, steps: int) -> Tensor:
        misses = Misses(problem, asked)
        passes = TaylorPass(network, theta, asked.points, misses.k, misses.timed)
        parameter = passes.theta.requires_grad_()
        parameter.grad = passes.gradient
        adam = torch.optim.Adam([parameter], lr=self.lr, betas=self.betas, eps=self.epsilon, fused=True)
        for step in range(steps):
            passes.backward(misses.slope(passes.forward()))
            adam.param_groups[0]["lr"] = self.rate(step, steps)
            adam.step()
        return passes.parameters().detach()


class Misses:
    r"""The weighted sum of squares that networks are asked to make small, as a function of what they say at its points.

    .. math:: J = \sum_i a_i (u_i - y_i)^2 + \sum_{i \le k} b_i r_i^2

    Attributes:
        k: points that carry residuals.
        timed: whether these need u_t.
    """

    def __init__(self, problem: Problem | None, asked: Equations) -> None:
        self.problem, self.asked = problem, asked
        self.n, self.k = asked.values.shape[-1], asked.residual_weights.shape[-1]
        needs_problem(problem, self.k)
        self.timed = self.k > 0 and problem is not None and problem.timed
        self.places = problem.split(asked.points[:, : self.k]) if self.k and problem is not None else None
        self.twice = 2 * asked.value_weights, 2 * asked.residual_weights

    def slope(self, out: Float[Tensor, "N rows"]) -> Float[Tensor, "N rows"]:
        """The gradient of J in the values and derivatives that :meth:`~ddlib.pinn.learners.taylor.TaylorPass.forward` gives."""
        slope = torch.empty_like(out)
        torch.sub(out[:, : self.n], self.asked.values, out=slope[:, : self.n]).mul_(self.twice[0])
        if self.k:
            with torch.enable_grad():
                leaf = out.detach().requires_grad_()
                r = self._residual(leaf)
                (found,) = torch.autograd.grad(r, leaf, self.twice[1] * r.detach())
            slope[:, self.n :] = 0
            slope.add_(found)
        return slope

    def total(self, out: Float[Tensor, "N rows"]) -> Float[Tensor, " N"]:
        """J itself, one number per network."""
        total = (self.asked.value_weights * (out[:, : self.n] - self.asked.values).square()).sum(-1)
        return total + (self.asked.residual_weights * self._residual(out).square()).sum(-1) if self.k else total

    def _residual(self, out: Tensor) -> Tensor:
        u_x, u_xx, *u_t = out[:, self.n :].split(self.k, -1)
        jet = Jet(out[:, : self.k], u_x, u_xx, u_t[0] if self.timed else None)
        return self.problem.residual(jet, *self.places)  # type: ignore[union-attr, misc]
