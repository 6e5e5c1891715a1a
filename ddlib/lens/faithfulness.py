r"""How faithful a method is: what it minimises against the risk, over one common cloud of sets."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Protocol

import numpy as np
import torch
from jaxtyping import Float
from scipy.stats import kendalltau
from torch import Tensor
from torch.utils._pytree import tree_map_only

from ddlib.closed_forms import label_scale
from ddlib.methods.needs import held
from ddlib.problem import Distilled, Task
from ddlib.serving import serves_many, serving, singly

__all__ = ["Surrogate", "cloud", "distinct", "faithfulness", "gradient_cosine", "kendall", "scores", "stacked"]


class Surrogate(Protocol):
    """A method that says what it minimises instead of the risk.

    >>> class Length:
    ...     name = "length of x"
    ...     def surrogate(self, task, distilled, generator):
    ...         return distilled.x.flatten(1).norm(dim=-1)
    >>> Length().surrogate(None, Distilled(torch.ones(2, 1, 4), torch.zeros(2, 1), torch.ones(2, 1)), torch.Generator())
    tensor([2., 2.])
    """

    @property
    def name(self) -> str: ...

    def surrogate(self, task: Task, distilled: Distilled, generator: torch.Generator) -> Float[Tensor, " R"]: ...


def kendall(a: Float[Tensor, " n"], b: Float[Tensor, " n"]) -> float:
    r"""Kendall's rank correlation with correction for ties, :math:`\tau_b` (Kendall 1945; SciPy's ``kendalltau``).

    1 where both put everything in the same order, -1 where in opposite orders; increasing transformations change nothing.

    Raises:
        ValueError: if the numbers are not as many, fewer than two, not all finite, or all the same on one side.

    >>> round(kendall(torch.tensor([1.0, 2.0, 3.0]), torch.tensor([10.0, 20.0, 15.0])), 4)
    0.3333
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

    >>> from ddlib.tasks import RidgeTask, as_data
    >>> task = RidgeTask(as_data(torch.eye(2), torch.ones(2)))
    >>> cloud(task, [task.train], torch.Generator().manual_seed(0), sizes=(0.1, 1.0)).replicates
    3
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
    """Sets of one budget along one replicate axis.

    >>> one = Distilled(torch.ones(1, 2, 3), torch.ones(1, 2), torch.ones(1, 2))
    >>> stacked([one, one]).replicates
    2
    """
    return Distilled(*(torch.cat(parts) for parts in zip(*sets, strict=True)))


def distinct(sets: Distilled) -> Distilled:
    """The replicates without those that repeat an earlier one.

    >>> one = Distilled(torch.ones(1, 2, 3), torch.ones(1, 2), torch.ones(1, 2))
    >>> distinct(stacked([one, one, one._replace(y=one.y + 1)])).replicates
    2
    """
    numbers = torch.cat([part.flatten(1) for part in sets], 1).cpu().numpy()
    first = torch.as_tensor(np.sort(np.unique(numbers, axis=0, return_index=True)[1]), device=sets.w.device)
    return Distilled(*(part[first] for part in sets))


def scores(method: Surrogate, task: Task, sets: Distilled, generator: torch.Generator, draws: int = 1) -> Float[Tensor, " n"]:
    """A method's surrogate at each of many sets, averaged over draws of whatever it draws.

    What the method remembers (networks, experts) is drawn once for all sets, so that differences are the sets'. What it draws while
    it computes may differ from set to set, and is averaged. Of data that are read as they are needed
    (:class:`~ddlib.tasks.StreamedTask`) each draw looks at one batch of the method's own size, the same for all sets; without a
    batch, at all of them, if the method can.

    Args:
        method: with a surrogate.
        task: any, on data of one replicate, which serves all sets; one that cannot serve several at a time (``serving``) is asked
            of one set after the other, each with the same draws.
        sets: n sets along the replicate axis.
        generator: the source of the draws.
        draws: over how many to average.

    Raises:
        ValueError: if the method has no surrogate, the task's data have several replicates, or ``draws`` is below one.
        TypeError: if the method looks at all data at once, and these are not held.

    >>> from ddlib.methods import FirstOrder
    >>> from ddlib.tasks import RidgeTask, as_data
    >>> task = RidgeTask(as_data(torch.eye(2), torch.ones(2)))
    >>> scores(FirstOrder(), task, task.train, torch.Generator()), task.risk(task.reference)
    (tensor([1.]), tensor([1.]))
    """
    if not hasattr(method, "surrogate"):
        raise ValueError(f"{method.name} has no surrogate: it can be judged by the regret of its sets, not by its faithfulness")
    if draws < 1:
        raise ValueError(f"a surrogate is averaged over at least 1 draw, but draws is {draws}")
    if not serves_many(task):
        return torch.cat([_drawn(method, task, one, generator.clone_state(), draws) for one in singly(task, sets)])
    return _drawn(method, serving(task, 1), sets, generator, draws)


def _drawn(method: Surrogate, task: Task, sets: Distilled, generator: torch.Generator, draws: int) -> Tensor:
    """The surrogate averaged over draws; what is remembered, or read, of a task is drawn for one replicate and serves all."""
    values = []
    for _ in range(draws):
        one = _held(method, task, generator)
        memory = method.remember(one, generator) if hasattr(method, "remember") else None
        more = {} if memory is None else {"memory": tree_map_only(Tensor, lambda part: _for_all(part, sets.replicates), memory)}
        many = serving(one, sets.replicates) if serves_many(one) else one
        values.append(method.surrogate(many, sets, generator, **more))
    return torch.stack(values).mean(0)


def _held(method: Surrogate, task: Task, generator: torch.Generator) -> Task:
    """The task, or what the method looks at in an update of one whose data are read as they are needed."""
    if getattr(task, "streamed", False) and hasattr(method, "looked_at"):
        seen: Task = method.looked_at(task, generator)
        return seen
    return held(task, getattr(method, "batch", None), generator)


def _for_all(part: Tensor, replicates: int) -> Tensor:
    """What is remembered of one replicate, for as many: parameters have the replicates as their last axis but one."""
    return part.expand(*part.shape[:-2], replicates, part.shape[-1]) if part.ndim > 1 and part.shape[-2] == 1 else part


def faithfulness(method: Surrogate, task: Task, sets: Distilled, generator: torch.Generator, draws: int = 8) -> float:
    r"""Kendall's :math:`\tau_b` between a method's surrogate and the task's risk over sets.

    Over one common :func:`cloud` it says whether the surrogate leads where the task wants to go. Along a method's own path it does
    not: there both are functions of the number of steps.

    Args:
        method, task, sets, generator, draws: see :func:`scores`.

    Raises:
        ValueError: as :func:`scores` and :func:`kendall`.

    >>> from ddlib.methods import FirstOrder
    >>> from ddlib.tasks import RidgeTask, as_data
    >>> task, generator = RidgeTask(as_data(torch.eye(2), torch.ones(2))), torch.Generator().manual_seed(0)
    >>> sets = cloud(task, [task.train], generator)
    >>> round(faithfulness(FirstOrder(), task, sets, generator), 4)  # it minimises the risk itself
    1.0
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

    >>> from ddlib.methods import FirstOrder
    >>> from ddlib.tasks import RidgeTask, as_data
    >>> task, generator = RidgeTask(as_data(torch.eye(2), torch.arange(2.0))), torch.Generator().manual_seed(0)
    >>> gradient_cosine(FirstOrder(), task, cloud(task, [task.train], generator, (0.3,)), generator)[1:].round(decimals=4)
    tensor([1.])
    """
    one = serving(task, 1) if serves_many(task) else task
    scale = label_scale(held(one, getattr(method, "batch", None), generator.clone_state()).train)
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


def _risk(task: Task, sets: Distilled) -> Float[Tensor, " n"]:
    if not serves_many(task):
        return torch.cat([task.risk(task.fit(one)) for one in singly(task, sets)])
    many = serving(task, sets.replicates)
    return many.risk(many.fit(sets))
