r"""Training to a minimum: Adam for the first steps, then L-BFGS, the usual recipe for physics-informed networks."""

from __future__ import annotations

import math
from dataclasses import dataclass, field

import torch
from jaxtyping import Float
from torch import Tensor

from ddlib.arguments import is_whole
from ddlib.learners.check import whole_number
from ddlib.pinn.learners.equations import Equations, one_axis
from ddlib.pinn.learners.networks import TanhNetwork
from ddlib.pinn.learners.taylor import TaylorPass
from ddlib.pinn.learners.training import FastTraining, Misses
from ddlib.pinn.problems.problem import Problem

__all__ = ["QuasiNewton"]


@dataclass(frozen=True)
class QuasiNewton:
    r"""Adam, then limited-memory BFGS with a strong Wolfe line search (Liu and Nocedal 1989), network by network.

    .. math:: \theta_{t+1} = \theta_t - \eta_t H_t \nabla J(\theta_t)

    where :math:`H_t` is made of the last gradients. The residuals of an equation are badly scaled against each other, which first
    derivatives alone are slow to mend. Single precision is a third faster, and as good for some hundred iterations; then its line
    search finds no further descent.

    Attributes:
        iterations: of L-BFGS.
        first: what comes before.
        history: gradients that :math:`H_t` is made of.
        dtype: of all computation; the parameters come back in their own.

    >>> QuasiNewton(300, FastTraining(50)).steps
    350
    """

    iterations: int = 300
    first: FastTraining = field(default_factory=lambda: FastTraining(50, lr=1e-2, final=0.1))
    history: int = 50
    dtype: torch.dtype = torch.float64

    def __post_init__(self) -> None:
        if not is_whole(self.iterations) or not is_whole(self.history):
            raise ValueError(
                "L-BFGS needs at least 1 iteration and 1 remembered gradient, both whole numbers, but they are "
                f"{self.iterations} and {self.history}"
            )
        if self.dtype not in (torch.float32, torch.float64):
            raise ValueError(
                f"L-BFGS computes in torch.float32 or torch.float64, but the dtype is {self.dtype!r}: give one of these"
            )

    @property
    def steps(self) -> int:
        """Steps of both together."""
        return self.first.steps + self.iterations

    @torch.no_grad()
    def run(
        self,
        network: TanhNetwork,
        problem: Problem | None,
        asked: Equations,
        theta: Float[Tensor, "*N P"],
        steps: int | None = None,
    ) -> Float[Tensor, "*N P"]:
        """The parameters after the last iteration.

        Args:
            network: the function class.
            problem: whose residual is asked for; None if none is.
            asked: values and residuals, one system per network.
            theta: where to begin.
            steps: of L-BFGS, instead of the training's own number; those of Adam are run in any case.

        Raises:
            ValueError: if residuals are asked for but there is no problem, or the number of steps is none.
        """
        iterations = self.iterations if steps is None else steps
        whole_number(iterations, "the number of steps of L-BFGS", 0)
        asked = Equations(*(part.to(self.dtype) for part in asked))
        flat, start, batch = one_axis(asked, theta.to(self.dtype))
        begun = self.first.run(network, problem, flat, start)
        each = [
            self._finish(network, problem, Equations(*(part[at : at + 1] for part in flat)), one, iterations)
            for at, one in enumerate(begun.unsqueeze(1))
        ]
        return torch.cat(each).to(theta.dtype).reshape(*batch, -1)

    def _finish(self, network: TanhNetwork, problem: Problem | None, asked: Equations, theta: Tensor, iterations: int) -> Tensor:
        misses = Misses(problem, asked)
        passes = TaylorPass(network, theta, asked.points, misses.k, misses.timed)
        parameter = passes.theta.requires_grad_()
        parameter.grad = passes.gradient
        optimiser = torch.optim.LBFGS(
            [parameter],
            max_iter=iterations,
            max_eval=math.ceil(1.25 * iterations),
            history_size=self.history,
            line_search_fn="strong_wolfe",
            tolerance_grad=1e-12,
            tolerance_change=1e-14,
        )

        @torch.no_grad()
        def closure() -> float:
            out = passes.forward()
            passes.backward(misses.slope(out))
            return float(misses.total(out))

        if iterations:
            optimiser.step(closure)
        return passes.parameters().detach()
