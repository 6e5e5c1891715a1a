r"""What is put beside the published search: sets with exact labels, and risks averaged over networks."""

from __future__ import annotations

import dataclasses
from collections.abc import Sequence
from dataclasses import dataclass
from itertools import product
from typing import Any, Literal

import torch
from jaxtyping import Float
from torch import Tensor

from ddlib.pinn.data import PinnData
from ddlib.pinn.designs import scatter, tensor_grid
from ddlib.pinn.problems.problem import Problem
from ddlib.pinn.task import PinnTask
from ddlib.pinn.teachers.teacher import label
from ddlib.problem import Block, ClosedForm, Distilled, Split, whole_set


def relative_error(task: PinnTask, model: Any, rows: Distilled) -> Float[Tensor, " *R"]:
    r"""The relative L2 error, :math:`\|u - y\| / \|y\|`, on some rows."""
    return ((task.predict(model, rows.x) - rows.y).square().sum(-1) / rows.y.square().sum(-1)).sqrt()


@dataclass(frozen=True, eq=False)
class Averaged:
    r"""A task whose learner is trained several times on each set, from fresh weights, and judged by the mean relative error.

    .. math:: \bar R(S) = \frac1K \sum_{k=1}^{K} \frac{\|u(\cdot; S, \xi_k) - y\|}{\|y\|}

    A search on the risk of one network keeps the set whose network was lucky; this one averages the luck. With one network it is
    the outer objective of the release.

    Attributes:
        task: whose learner and whose rows.
        networks: K.
    """

    task: PinnTask
    networks: int = 1

    def __post_init__(self) -> None:
        if self.networks < 1:
            raise ValueError(f"an average needs at least 1 network, but there are {self.networks}")

    @property
    def name(self) -> str:
        """The task's own."""
        return self.task.name

    @property
    def problem(self) -> Problem:
        """The family."""
        return self.task.problem

    @property
    def data(self) -> PinnData:
        """What is measured, and what is true."""
        return self.task.data

    @property
    def train(self) -> Distilled:
        """D."""
        return self.task.train

    @property
    def reference(self) -> Any:
        """The exact solution, once for each network."""
        return self.task.reference

    def start(self, budget: int, generator: torch.Generator) -> Distilled:
        """Rows of D."""
        return self.task.start(budget, generator)

    def fit(self, distilled: Distilled, generator: torch.Generator | None = None) -> Float[Tensor, "K *R P"]:
        """K networks for each set."""
        return self.task.fit(Distilled(*(tensor.expand(self.networks, *tensor.shape) for tensor in distilled)), generator)

    def risk(self, model: Any, split: Split = "train") -> Float[Tensor, " *R"]:
        """The mean of the networks' relative errors; on the training or validation rows, or on the test grid."""
        rows = {"train": self.data.train, "validation": self.data.validation, "test": self.data.target}[split]
        errors = relative_error(self.task, model, rows)
        return errors if model is self.task.reference else errors.mean(0)

    def blocks(self, distilled: Distilled) -> Sequence[Block]:
        """One block: the whole set."""
        return whole_set(self, distilled)


@dataclass(frozen=True)
class ExactSobol(ClosedForm):
    """Sobol points over the domain and a tail of α, with exact labels.

    Attributes:
        over: the tail ``"train"`` or ``"target"``; with the latter the labels are answers that nobody has.
        name: how tables call the method.
    """

    over: str = "train"
    name: str = "sobol"

    def choose(self, task: Any, budget: int, generator: torch.Generator) -> Distilled:
        tails, replicates = task.data.tails, task.train.replicates
        units = scatter(task.problem, budget, replicates, generator, tail=getattr(tails, self.over), mass=tails.mass).to(
            task.train.x
        )
        return label(units, task.problem.exact_at)


@dataclass(frozen=True)
class ChosenGrid(ClosedForm):
    """A tensor grid over the training data's α with exact labels, its form chosen on validation rows.

    Candidates have a number of values of α that :func:`divisors` allows, evenly from the least to the greatest of D, × Chebyshev or
    Lobatto points (the latter hold both ends). All replicates take the same one, that of the least mean validation risk over
    replicates. A budget without a divisor that leaves two values of α and two positions gets one position for all α.

    Attributes:
        name: how tables call the method.
    """

    name: str = "tensor_grid"

    @torch.no_grad()
    def choose(self, task: Any, budget: int, generator: torch.Generator) -> Distilled:
        forms: list[tuple[int, Any]] = list(product(divisors(budget), ("chebyshev", "lobatto")))
        many = stacked([exact_grid(task, budget, *form) for form in forms])
        risks = task.risk(task.fit(many, generator), "validation").mean(-1)
        return Distilled(*(tensor[int(risks.nan_to_num(torch.inf).argmin())] for tensor in many))


def exact_grid(task: PinnTask, budget: int, alphas: int, spacing: Literal["chebyshev", "lobatto"] = "chebyshev") -> Distilled:
    """A tensor grid over the one coordinate and D's α, with exact labels.

    Args:
        task: with the data and the problem, which has no time.
        budget: the number of points, which ``alphas`` divides.
        alphas: values of α, evenly spaced from the least to the greatest of D.
        spacing: of the positions.
    """
    known = task.train.x[..., -1]
    low, high = known.min(-1, keepdim=True).values, known.max(-1, keepdim=True).values
    share = torch.linspace(0, 1, alphas, dtype=known.dtype, device=known.device)
    kind = spacing if budget > alphas else "chebyshev"
    places = tensor_grid(task.problem, 1, budget // alphas, spacing=kind)[:, :1].to(known)
    alpha = (low + share * (high - low)).repeat_interleave(len(places), -1)
    units = task.problem.join(places.repeat(alphas, 1).expand(len(known), -1, -1), alpha)
    return label(units, task.problem.exact_at)


def divisors(budget: int) -> list[int]:
    """How many values of α a grid of so many points may have, at least two and with at least two positions for each.

    Two divisors up to the square root of the budget and one above it, if there are so many; none at all leaves the budget itself.

    >>> divisors(20), divisors(40), divisors(5)
    ([2, 4, 5], [4, 5, 8], [5])
    """
    every = [k for k in range(2, budget // 2 + 1) if budget % k == 0]
    below, above = [k for k in every if k * k <= budget], [k for k in every if k * k > budget]
    return [*below[-2:], *above[:1]] or [budget]


def stacked(sets: Sequence[Distilled]) -> Distilled:
    """Sets of one size along a new leading axis."""
    return Distilled(*(torch.stack(tensors) for tensors in zip(*sets, strict=True)))


def without_test(task: PinnTask) -> PinnTask:
    """The task without any label of the test grid: whoever looks at one gets NaN."""
    target = task.data.target
    return dataclasses.replace(task, data=task.data._replace(target=target._replace(y=torch.full_like(target.y, torch.nan))))
