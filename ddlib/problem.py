r"""The formal model of dataset distillation: sets, tasks, methods, and what makes a distilled set good.

A distillation problem is defined only once an *inference task* is named (Kungurtsev et al. 2024, thesis; the notation is our
reconstruction). A task :math:`\tau = (A, Q, \ell)` is a learner :math:`A`, a deployment law :math:`Q` and a loss :math:`\ell`; a
distilled set :math:`S` is worth what the learner makes of it,

.. math:: R_\tau(S) = \mathbb{E}_\xi \, \mathbb{E}_{z \sim Q} \, \ell\bigl(A(S, \xi);\, z\bigr).

Everything carries a leading replicate axis ``R`` (seeds × settings), so that all replicates are computed in one batch. Learners and
risks accept further axes in front of it, which broadcast against the task's own data.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import Any, Literal, NamedTuple, Protocol, TypeVar, runtime_checkable

import torch
from jaxtyping import Float
from torch import Tensor

from ddlib.requirement import Requirement

Split = Literal["train", "validation", "test"]
Model = TypeVar("Model")


class Distilled(NamedTuple):
    """A weighted set of units: the distilled set S, and just as well the data D that it stands for.

    A unit is what a budget counts: a row, a trajectory, a collocation point. Weights and free labels are part of the type because
    exact distillation needs them.

    Attributes:
        x: the units, shape (R, m, ...).
        y: their labels, shape (R, m), or (R, m, 0) for a task without labels.
        w: their weights, shape (R, m); one everywhere for an ordinary data set.
    """

    x: Float[Tensor, "R m *unit"]
    y: Float[Tensor, "R m *label"]
    w: Float[Tensor, "R m"]

    @property
    def budget(self) -> int:
        """The number of units m."""
        return self.w.shape[-1]

    @property
    def replicates(self) -> int:
        """The length R of the replicate axis."""
        return self.w.shape[-2]

    @property
    def stored_numbers(self) -> int:
        """How many numbers one replicate stores: units and labels, and the weights unless all of them are one."""
        batch = self.w.ndim - 1
        per_unit = self.x.shape[batch + 1 :].numel() + self.y.shape[batch + 1 :].numel()
        return self.budget * (per_unit + int(not bool((self.w == 1).all())))


class Block(NamedTuple):
    """A part of S together with the risk that its update minimises.

    Attributes:
        rows: indices into the units of S, shape (b,).
        risk: maps the model learned from the whole of S to one number per replicate, shape (R,).
    """

    rows: Tensor
    risk: Callable[[Any], Float[Tensor, " R"]]


@runtime_checkable
class Task(Protocol[Model]):
    """An inference task: it owns its data, its learner and the criterion on its deployment law.

    Attributes:
        name: how tables and figures call it.
        train: the training data D, expanded to R replicates.
        reference: the model that regret is measured against.
    """

    @property
    def name(self) -> str: ...

    @property
    def train(self) -> Distilled: ...

    @property
    def reference(self) -> Model: ...

    def start(self, budget: int, generator: torch.Generator) -> Distilled:
        """``budget`` units of the training data, a fresh draw for each replicate: where iterative methods begin."""
        ...

    def fit(self, distilled: Distilled, generator: torch.Generator | None = None) -> Model:
        """The learner A. Differentiable in the distilled set unless the task says otherwise."""
        ...

    def risk(self, model: Model, split: Split = "train") -> Float[Tensor, " R"]:
        """The criterion on the deployment law, one number per replicate."""
        ...

    def blocks(self, distilled: Distilled) -> Sequence[Block]:
        """The parts of S that are updated in turn, each with its own risk: by default one, the whole set with the training risk."""
        ...


@runtime_checkable
class Optimised(Protocol):
    """A task whose learner minimises an objective: what unrolled and implicit differentiation need to know of it.

    The model is one tensor with the replicates in front.
    """

    def initial(self, generator: torch.Generator) -> Float[Tensor, " R *P"]:
        """The model that training begins at."""
        ...

    def objective(self, model: Float[Tensor, " R *P"], distilled: Distilled) -> Float[Tensor, " R"]:
        """What the learner minimises over models, given a set."""
        ...


class Fold(NamedTuple):
    """A task without some of its training units, and where it keeps them.

    Attributes:
        task: the task on the other units.
        split: the split of it whose risk is that of the units held out.
    """

    task: Task
    split: Split


@runtime_checkable
class Resampled(Protocol):
    """A task that can hold out some of its own training units: what early stopping needs to know of it."""

    def held_out(self, share: float) -> Sequence[Fold]:
        """The task without about this share of its units: once, or once for each of the folds that together hold all units."""
        ...


@runtime_checkable
class Constructible(Protocol):
    """A task that knows distilled sets of its own in closed form."""

    def construct(self, budget: int) -> Distilled:
        """A set of at most ``budget`` units (one or more); NotImplementedError where none is known."""
        ...

    def is_exact(self, budget: int) -> bool:
        """Whether that set serves the task with zero regret."""
        ...


@runtime_checkable
class Learner(Protocol):
    """A general inference procedure as an object, for tasks that take any.

    A learner that draws nothing may say so by ``deterministic = True``; then it is not trained again on the same set.
    """

    @property
    def name(self) -> str: ...

    def fit(self, data: Distilled, generator: torch.Generator | None = None) -> Any:
        """The model learned from a set."""
        ...

    def predict(self, model: Any, x: Float[Tensor, "*R n d"]) -> Float[Tensor, "*R n *label"]:
        """Labels, or a score for each class."""
        ...


class State(Protocol):
    """What a method needs to go on; at the least, the set it has reached."""

    @property
    def distilled(self) -> Distilled: ...


class Info(NamedTuple):
    """What a person wants to see of one update, kept apart from what the method needs.

    Attributes:
        surrogate: the objective that the method minimised in this step, shape (R,).
    """

    surrogate: Float[Tensor, " R"]


class Method(Protocol):
    """A way of choosing S: ``init`` makes a state, ``update`` improves it. Closed forms finish in ``init``."""

    @property
    def name(self) -> str: ...

    @property
    def requires(self) -> tuple[Requirement, ...]:
        """What a task must have; asked in this order, each only where all before it are met."""
        ...

    def init(self, task: Task, budget: int, generator: torch.Generator) -> Any: ...

    def update(self, task: Task, state: Any, generator: torch.Generator) -> tuple[Any, Info]: ...


class Chosen(NamedTuple):
    """The state of a closed-form method: the set, finished."""

    distilled: Distilled


class ClosedForm:
    """Base of the methods that choose S in one go: a subclass gives ``name`` and ``choose``."""

    name: str

    @property
    def requires(self) -> tuple[Requirement, ...]:
        """Nothing, unless a subclass says otherwise."""
        return ()

    def choose(self, task: Task, budget: int, generator: torch.Generator) -> Distilled:
        raise NotImplementedError

    def init(self, task: Task, budget: int, generator: torch.Generator) -> Chosen:
        return Chosen(self.choose(task, budget, generator))

    def update(self, task: Task, state: Chosen, generator: torch.Generator) -> tuple[Chosen, Info]:
        return state, Info(task.risk(task.fit(state.distilled, generator)).detach())


def whole_set(task: Task, distilled: Distilled) -> list[Block]:
    """The default of :meth:`Task.blocks`: all units, with the training risk."""
    return [Block(torch.arange(distilled.budget, device=distilled.w.device), task.risk)]


def distil(
    method: Method,
    task: Task,
    budget: int,
    steps: int,
    generator: torch.Generator,
    observe: Callable[[int, Distilled], None] | None = None,
) -> tuple[Distilled, list[Info]]:
    """Run a method on a task.

    Args:
        method: how S is chosen.
        task: what S is for.
        budget: the number of units m.
        steps: updates after ``init``; zero for closed forms.
        generator: the source of all randomness.
        observe: called with (step, set) before each update and after the last, for curves.

    Returns:
        The distilled set and one :class:`Info` per update.

    Raises:
        ValueError: if the budget is below one or the number of steps below zero.
        FloatingPointError: if the set that was reached holds a value that is not finite.
    """
    if budget < 1:
        raise ValueError(f"a distilled set needs a budget of at least 1 unit, but the budget is {budget}")
    if steps < 0:
        raise ValueError(f"the number of steps must be 0 or more, but it is {steps}")
    state = method.init(task, budget, generator)
    history = []
    for step in range(steps):
        if observe is not None:
            observe(step, state.distilled)
        state, info = method.update(task, state, generator)
        history.append(info)
    if observe is not None:
        observe(steps, state.distilled)
    if not all(bool(part.isfinite().all()) for part in state.distilled):
        raise FloatingPointError(
            f"{method.name} on {task.name} with budget {budget} reached a value that is not finite after {steps} steps: "
            "lower its step size or raise the budget"
        )
    return state.distilled, history


def regret(task: Task, model: Any, split: Split = "train") -> Float[Tensor, " R"]:
    r"""Regret :math:`R_\tau(S) - R_\tau(\text{reference})` of the model learned from S, per replicate."""
    return task.risk(model, split) - task.risk(task.reference, split)


def optimality_gap(risk: Float[Tensor, " R"], optimum: Float[Tensor, " R"]) -> Float[Tensor, " R"]:
    r"""Gap :math:`R_\tau(S) - \inf_{|S| \le m} R_\tau`, where ``optimum`` is the infimum or a certified lower bound of it."""
    return risk - optimum
