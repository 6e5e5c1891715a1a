r"""How good a distilled set is and how faithful a method: certificates, the cross-task view, surrogate against risk."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace
from typing import Any, Protocol

import numpy as np
import torch
from jaxtyping import Float
from scipy.optimize import minimize_scalar
from scipy.stats import kendalltau
from torch import Tensor

from ddlib.closed_forms import label_scale
from ddlib.problem import Distilled, Task, regret


class Surrogate(Protocol):
    """A method that says what it minimises instead of the risk."""

    @property
    def name(self) -> str: ...

    def surrogate(self, task: Task, distilled: Distilled, generator: torch.Generator) -> Float[Tensor, " R"]: ...


def ridge_lower_bound(solutions: Float[Tensor, "*R L d"], budget: int) -> Float[Tensor, "*R"]:
    r"""The least root-mean-square relative parameter error over L ridge tasks that *any* method can reach with m points.

    Every ridge solution learned from m points lies in the span of these points, so by Eckart and Young (1936)

    .. math:: \Bigl(\tfrac1L \sum_{l=1}^L \frac{\|\hat\theta_l - \theta_l\|^2}{\|\theta_l\|^2}\Bigr)^{1/2}
        \ge \Bigl(\tfrac1L \sum_{i>m} \sigma_i^2\Bigr)^{1/2},

    where :math:`\sigma_i` are the singular values of the column-normalised matrix :math:`[\theta_1 \dots \theta_L]`.

    Args:
        solutions: the solutions on D, one row per task.
        budget: m.

    Raises:
        ValueError: if the budget is below one.
    """
    if budget < 1:
        raise ValueError(f"the bound is for sets of at least 1 point, but the budget is {budget}")
    unit = solutions / solutions.norm(dim=-1, keepdim=True)
    singular = torch.linalg.svdvals(unit)
    return (singular[..., budget:] ** 2).sum(-1).div(solutions.shape[-2]).sqrt()


def untrained(task: Task) -> Any:
    """The model that the learner gives when every row has weight zero: what it says before it has seen data."""
    data = task.train
    return task.fit(data._replace(w=torch.zeros_like(data.w)))


def relative_regret(task: Task, distilled: Distilled) -> Float[Tensor, " R"]:
    r"""The share of what can be learned from D that is lost when learning from S.

    .. math:: \frac{R_\tau(S) - R_\tau(D)}{R_\tau(\varnothing) - R_\tau(D)}

    0 is as good as the data, 1 as bad as no data; above 1 is worse than no data.
    """
    return regret(task, task.fit(distilled)) / regret(task, untrained(task))


def cross_task(sets: Sequence[Distilled], tasks: Sequence[Task]) -> Float[Tensor, "sets tasks R"]:
    """:func:`relative_regret` of every set on every task."""
    return torch.stack([torch.stack([relative_regret(task, distilled) for task in tasks]) for distilled in sets])


def one_point_lower_bound(task: Task, direction: Float[Tensor, " d"]) -> float:
    r"""The least relative regret on a linear task that *any* single point along a direction can have.

    Ridge, least-norm and penalised logistic learners all return a multiple of the only x that they see, whatever its length, label
    and weight. A point that serves another task exactly lies along that task's solution u, so it loses here at least

    .. math:: \min_{c \in \mathbb{R}} \frac{R_\tau(c\,u) - R_\tau(D)}{R_\tau(\varnothing) - R_\tau(D)}.

    The risk is convex in c. (Derived for this project.)

    Args:
        task: a task with one solution and one replicate.
        direction: u, of any length but zero.

    Raises:
        ValueError: if the task has more than one solution or replicate, or the direction is zero.
    """
    shape = task.reference.shape
    if shape.numel() != direction.numel() or not bool(direction.any()):
        given = f"a direction of {direction.numel()} numbers"
        raise ValueError(f"{given} was given: one solution of shape {tuple(shape)} needs as many, not all zero")
    unit = (direction / direction.norm()).view(shape) * task.reference.norm()
    best = minimize_scalar(lambda c: float(task.risk(c * unit)), bracket=(0.0, 1.0), tol=1e-12)
    return float(regret(task, best.x * unit) / regret(task, untrained(task)))


def kendall(a: Float[Tensor, " n"], b: Float[Tensor, " n"]) -> float:
    r"""Kendall's rank correlation with correction for ties, :math:`\tau_b` (Kendall 1945; SciPy's ``kendalltau``).

    1 where both put everything in the same order, -1 where in opposite orders; increasing transformations change nothing.

    Raises:
        ValueError: if the numbers are not as many, fewer than two, not all finite, or all the same on one side.
    """
    ours, theirs = (values.detach().cpu().double().flatten() for values in (a, b))
    if ours.shape != theirs.shape or len(ours) < 2:
        raise ValueError(f"a rank correlation needs two lists of the same 2 or more sets, but got {len(ours)} and {len(theirs)}")
    if not bool(torch.cat([ours, theirs]).isfinite().all()):
        raise ValueError("a rank correlation needs finite numbers: leave out the sets whose surrogate or risk is not")
    if bool((ours == ours[0]).all()) or bool((theirs == theirs[0]).all()):
        raise ValueError("a rank correlation needs numbers that differ, but all of one side are the same: compare other sets")
    return float(kendalltau(ours.numpy(), theirs.numpy()).statistic)


def cloud(
    task: Task, starts: Sequence[Distilled], generator: torch.Generator, sizes: Sequence[float] = (0.03, 0.1, 0.3, 1.0)
) -> Distilled:
    r"""The common cloud on which methods are compared: given sets, and Gaussian perturbations of each in several sizes.

    .. math:: x' = x + s\, \operatorname{rms}(x)\, \epsilon, \qquad y' = y + s\, \operatorname{rms}(y)\, \epsilon',
        \qquad \epsilon, \epsilon' \sim N(0, I)

    with the root mean squares of each set's own units and labels; weights are kept. Of equal sets one is kept, and only sets whose
    risk is finite. There are no mixtures of sets: their units come in no common order.

    Args:
        task: whose risk must be finite.
        starts: sets of one budget, such as points on the paths of all methods; replicates count as sets.
        generator: the source of the perturbations.
        sizes: s, one perturbation of every set for each.

    Returns:
        The sets, along the replicate axis.

    Raises:
        ValueError: if there is no set, the budgets differ, a size is not positive, or no set has a finite risk.
    """
    budgets = sorted({distilled.budget for distilled in starts})
    if len(budgets) != 1 or min(sizes, default=1.0) <= 0:
        raise ValueError(f"a cloud needs sets of one budget and positive sizes, but these are {budgets} and {list(sizes)}")
    given = distinct(stacked([Distilled(*(part.detach() for part in distilled)) for distilled in starts]))

    def moved(part: Tensor, size: float) -> Tensor:
        rms = part.square().mean(tuple(range(1, part.ndim)), keepdim=True).sqrt()
        noise = torch.randn(part.shape, generator=generator, device=generator.device, dtype=part.dtype)
        return part + size * rms * noise.to(part.device)

    around = [given._replace(x=moved(given.x, size), y=moved(given.y, size)) for size in sizes]
    sets = stacked([given, *around])
    finite = _risk(task, sets).isfinite() & torch.stack([part.flatten(1).isfinite().all(-1) for part in sets]).all(0)
    if not bool(finite.any()):
        raise ValueError(f"no set of the cloud has a finite risk on {task.name}: give other sets or smaller perturbations")
    return Distilled(*(part[finite] for part in sets))


def stacked(sets: Sequence[Distilled]) -> Distilled:
    """Sets of one budget along one replicate axis."""
    return Distilled(*(torch.cat(parts) for parts in zip(*sets, strict=True)))


def distinct(sets: Distilled) -> Distilled:
    """The replicates without those that repeat an earlier one."""
    numbers = torch.cat([part.flatten(1) for part in sets], 1).cpu().numpy()
    first = torch.as_tensor(np.sort(np.unique(numbers, axis=0, return_index=True)[1]), device=sets.w.device)
    return Distilled(*(part[first] for part in sets))


def scores(method: Surrogate, task: Task, sets: Distilled, generator: torch.Generator, draws: int = 1) -> Float[Tensor, " n"]:
    """A method's surrogate at each of many sets, averaged over draws of whatever it draws.

    What the method remembers (networks, experts) is drawn once for all sets, so that differences are the sets'. What it draws while
    it computes may differ from set to set, and is averaged.

    Args:
        method: with a surrogate.
        task: whose data have one replicate, which serves all sets.
        sets: n sets along the replicate axis.
        generator: the source of the draws.
        draws: over how many to average.

    Raises:
        ValueError: if the method has no surrogate, the task's data have several replicates, or ``draws`` is below one.
    """
    if not hasattr(method, "surrogate"):
        raise ValueError(f"{method.name} has no surrogate: it can be judged by the regret of its sets, not by its faithfulness")
    if draws < 1:
        raise ValueError(f"a surrogate is averaged over at least 1 draw, but draws is {draws}")
    one, many, values = serving(task, 1), serving(task, sets.replicates), []
    for _ in range(draws):
        memory = method.remember(one, generator) if hasattr(method, "remember") else None
        if isinstance(memory, Tensor):
            memory = memory.expand(*memory.shape[:-2], sets.replicates, memory.shape[-1])
        more = {} if memory is None else {"memory": memory}
        values.append(method.surrogate(many, sets, generator, **more))
    return torch.stack(values).mean(0)


def faithfulness(method: Surrogate, task: Task, sets: Distilled, generator: torch.Generator, draws: int = 8) -> float:
    r"""Kendall's :math:`\tau_b` between a method's surrogate and the task's risk over sets.

    Over one common :func:`cloud` it says whether the surrogate leads where the task wants to go. Along a method's own path it does
    not: there both are functions of the number of steps.

    Args:
        method, task, sets, generator, draws: see :func:`scores`.

    Raises:
        ValueError: as :func:`scores` and :func:`kendall`.
    """
    with torch.no_grad():
        return kendall(scores(method, task, sets, generator, draws), _risk(task, sets))


def gradient_cosine(
    method: Surrogate, task: Task, sets: Distilled, generator: torch.Generator, draws: int = 8
) -> Float[Tensor, " n"]:
    r"""Cosine between the gradients of a method's surrogate and of the task's risk at each set.

    .. math:: \frac{\langle \nabla\phi, \nabla R \rangle}{\|\nabla\phi\|\, \|\nabla R\|}, \qquad
        \nabla = (\partial_x,\; \operatorname{sd}(y)\, \partial_y) \text{ over all units of } S

    Units and labels are moved, weights are not. A cosine depends on the unit of each coordinate: the label counts in units of its
    standard deviation on D, as one more column (:mod:`ddlib.methods.joined`); x as it comes, so give columns of one scale. Where
    one of the gradients is zero, so is the cosine.

    Args:
        method, task, sets, generator, draws: see :func:`scores`.

    Raises:
        ValueError: as :func:`scores`, or if surrogate or risk has no gradient.
    """
    scale = label_scale(serving(task, 1).train)
    parts = [sets.x.detach().requires_grad_(), (sets.y.detach() / scale).requires_grad_()]

    def gradient(surrogate: bool) -> Tensor:
        with torch.enable_grad():
            free = sets._replace(x=parts[0], y=parts[1] * scale)
            value = scores(method, task, free, generator, draws) if surrogate else _risk(task, free)
            if not value.requires_grad:
                what = f"the surrogate of {method.name}" if surrogate else "the risk"
                raise ValueError(f"{what} on {task.name} has no gradient: compare ranks instead")
            found = torch.autograd.grad(value.sum(), parts, allow_unused=True, materialize_grads=True)
        return torch.cat([part.flatten(1) for part in found], 1)

    return torch.cosine_similarity(gradient(surrogate=True), gradient(surrogate=False), dim=-1, eps=0.0).nan_to_num(0.0)


def serving(task: Task, replicates: int) -> Any:
    """The task for another number of sets side by side.

    Raises:
        ValueError: if the task cannot serve them.
    """
    if not hasattr(task, "replicates"):
        raise ValueError(f"{task.name} has a fixed number of replicates: compare methods on a task whose data serve any number")
    return replace(task, replicates=replicates)  # type: ignore[type-var]


def _risk(task: Task, sets: Distilled) -> Float[Tensor, " n"]:
    many = serving(task, sets.replicates)
    return many.risk(many.fit(sets))
