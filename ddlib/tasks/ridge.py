"""Ridge regression for one penalty, or for several that one distilled set must serve."""

from __future__ import annotations

from dataclasses import dataclass

import torch
from jaxtyping import Float
from torch import Tensor

from ddlib.arguments import same_units
from ddlib.closed_forms import factor, serve_solutions, span, weighted
from ddlib.learners import ridge
from ddlib.learners.check import number_labels, penalty_or_none
from ddlib.problem import Distilled
from ddlib.tasks.empirical import EmpiricalTask

__all__ = ["RidgeTask"]


@dataclass(frozen=True, eq=False)
class RidgeTask(EmpiricalTask):
    r"""Ridge regressions with penalties :math:`\lambda_1, \dots, \lambda_L`; the risk is the mean of their objectives on D.

    .. math:: R(\theta_1, \dots, \theta_L) = \frac1L \sum_{l=1}^L \|y - X\theta_l\|^2 + \lambda_l \|\theta_l\|^2

    A penalty of zero is ordinary least squares with the solution of least norm. A model has shape (R, L, d).

    Attributes:
        penalties: :math:`\lambda_1, \dots, \lambda_L`, each 0 or more.

    >>> from ddlib.tasks import as_data
    >>> RidgeTask(as_data(torch.eye(2), torch.ones(2)), penalties=(0.0, 1.0)).reference.round(decimals=3).tolist()
    [[[1.0, 1.0], [0.5, 0.5]]]
    """

    name: str = "ridge"
    penalties: tuple[float, ...] = (1.0,)

    def __post_init__(self) -> None:
        super().__post_init__()
        number_labels(self.data)
        if not isinstance(self.penalties, tuple | list):
            raise TypeError(
                f"the penalties are a tuple, one for each regression, but they are {self.penalties!r}: write ({self.penalties!r},)"
            )
        if not self.penalties or len(set(self.penalties)) < len(self.penalties):
            raise ValueError(f"a ridge task needs at least one penalty and no penalty twice, but got {self.penalties}")
        for penalty in self.penalties:
            penalty_or_none(penalty)

    def fit(self, distilled: Distilled, generator: torch.Generator | None = None) -> Float[Tensor, "R L d"]:
        same_units(distilled, self.data, self.name)
        return torch.stack([ridge(distilled, penalty) for penalty in self.penalties], dim=-2)

    def objective(self, model: Float[Tensor, "R L d"], distilled: Distilled) -> Float[Tensor, " R"]:
        residual = distilled.y.unsqueeze(-2) - model @ distilled.x.mT
        squared = (distilled.w.unsqueeze(-2) * residual.square()).sum(-1)
        lengths = model.square().sum(-1).unbind(-1)  # a tensor of penalties would be copied to the device every time
        decay = torch.stack([penalty * length for penalty, length in zip(self.penalties, lengths, strict=True)], -1)
        return (squared + decay).mean(-1)

    def construct(self, budget: int) -> Distilled:
        """As many points as the L solutions have dimensions; with a smaller budget, for as many penalties, spread over the list."""
        if budget >= self.data.x.shape[-1] + 1:
            return factor(self.train)
        count, solutions = len(self.penalties), self.fit(self.train)
        served = serve_solutions(self.train, solutions)
        if served.budget <= budget:
            return served
        spread = torch.linspace(0, count - 1, budget).round().long() if budget > 1 else torch.tensor([(count - 1) // 2])
        return serve_solutions(self.train, solutions[..., spread, :])

    def is_exact(self, budget: int) -> bool:
        """From as many points on as there are penalties, or as D has dimensions."""
        return budget >= min(len(self.penalties), span(weighted(self.data)[0]).shape[-1])

    def parameter_error(self, model: Float[Tensor, "R L d"]) -> Float[Tensor, " R"]:
        r"""Root mean square over the penalties of :math:`\|\theta_l - \theta_{l,D}\| / \|\theta_{l,D}\|`."""
        relative = (model - self.reference).norm(dim=-1) / self.reference.norm(dim=-1)
        return (relative**2).mean(-1).sqrt()
