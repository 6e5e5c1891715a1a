r"""The formal model of dataset distillation: sets, tasks, methods, and what makes a distilled set good.

A distillation problem is defined only once an *inference task* is named (Kungurtsev et al. 2024, thesis; the notation is our
reconstruction). A task :math:`\tau = (A, Q, \ell)` is a learner :math:`A`, a deployment law :math:`Q` and a loss :math:`\ell`; a
distilled set :math:`S` is worth what the learner makes of it,

.. math:: R_\tau(S) = \mathbb{E}_\xi \, \mathbb{E}_{z \sim Q} \, \ell\bigl(A(S, \xi);\, z\bigr).

Everything carries a leading replicate axis ``R`` (seeds × settings), so that all replicates are computed in one batch. Learners and
risks accept further axes in front of it, which broadcast against the task's own data.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass
from typing import Any, Literal, NamedTuple, Protocol, TypeVar, runtime_checkable

import torch
from jaxtyping import Float
from torch import Tensor

from ddlib.arguments import check_run, not_given, one_each
from ddlib.distilled import Distilled
from ddlib.progress import Watch
from ddlib.reached import check_finite, check_set, check_state, check_step, replicates_of, state_of
from ddlib.requirement import Requirement

__all__ = ["Block", "Callback", "ClosedForm", "Distillation", "Distilled", "Info", "Method", "Split", "State", "Task"]
__all__ += ["distil", "optimality_gap", "regret", "whole_set"]

Split = Literal["train", "validation", "test"]  # the parts of a task's data
Model = TypeVar("Model")


class Block(NamedTuple):
    """A part of S together with the risk that its update minimises.

    Attributes:
        rows: indices into the units of S, shape (b,).
        risk: maps the model learned from the whole of S to one number per replicate, shape (R,).

    >>> Block(torch.arange(2), lambda model: model.square().sum(-1)).risk(torch.tensor([[3.0, 4.0]]))
    tensor([25.])
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


class State(Protocol):
    """What a method needs to go on; at the least, the set it has reached."""

    @property
    def distilled(self) -> Distilled: ...


class Info(NamedTuple):
    """What a person wants to see of one update, kept apart from what the method needs.

    Attributes:
        surrogate: the objective that the method minimised in this step, shape (R,).

    >>> Info(torch.tensor([0.5])).surrogate
    tensor([0.5000])
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
    """The state of a closed-form method: the set, finished, and the class of the method."""

    distilled: Distilled
    method: str = ""


class ClosedForm:
    """Base of the methods that choose S in one go: a subclass gives ``name`` and ``choose``.

    >>> class FirstRows(ClosedForm):
    ...     def choose(self, task, budget, generator):
    ...         return Distilled(*(part[:, :budget] for part in task.train))
    >>> from ddlib.tasks import RidgeTask, as_data
    >>> FirstRows().choose(RidgeTask(as_data(torch.eye(3), torch.arange(3.0))), 2, torch.Generator()).y
    tensor([[0., 1.]])
    """

    name: str

    @property
    def requires(self) -> tuple[Requirement, ...]:
        """Nothing, unless a subclass says otherwise."""
        return ()

    def choose(self, task: Task, budget: int, generator: torch.Generator) -> Distilled:
        """The set; a subclass gives it."""
        raise not_given(self, "choose(task, budget, generator)")

    def init(self, task: Task, budget: int, generator: torch.Generator) -> Chosen:
        return Chosen(self.choose(task, budget, generator), type(self).__name__)

    def update(self, task: Task, state: Chosen, generator: torch.Generator) -> tuple[Chosen, Info]:
        return state, Info(task.risk(task.fit(state.distilled, generator)).detach())


def whole_set(task: Task, distilled: Distilled) -> list[Block]:
    """The default of :meth:`Task.blocks`: all units, with the training risk.

    >>> from ddlib.tasks import RidgeTask, as_data
    >>> task = RidgeTask(as_data(torch.eye(3), torch.arange(3.0)))
    >>> [block.rows.tolist() for block in whole_set(task, task.train)]
    [[0, 1, 2]]
    """
    return [Block(torch.arange(distilled.budget, device=distilled.w.device), task.risk)]


Callback = Callable[[int, Distilled, "Float[Tensor, ' R'] | None"], "bool | None"]
"""Sees (step, set, surrogate) before each update and after the last, and stops the run by a true answer.

The set is the one after so many updates of this run, the surrogate that of the update which led to it; None before the first.
"""


@dataclass(frozen=True)
class Distillation:
    """What a run of a method came to. It unpacks as ``chosen, history = distil(...)``.

    Attributes:
        distilled: the set.
        history: one :class:`Info` per update.
        state: what the method needs to go on: ``distil(..., state=run.state)``.
        stopped: why there was no further update.

    >>> chosen, history = Distillation(Distilled(torch.zeros(1, 2, 3), torch.zeros(1, 2), torch.ones(1, 2)), [], None, "done")
    >>> chosen.budget, history
    (2, [])
    """

    distilled: Distilled
    history: list[Info]
    state: Any
    stopped: str

    def __iter__(self) -> Iterator[Any]:
        return iter((self.distilled, self.history))

    def __getitem__(self, index: int) -> Any:
        return (self.distilled, self.history)[index]

    def __len__(self) -> int:
        return 2


def distil(
    method: Method,
    task: Task,
    budget: int,
    steps: int,
    generator: torch.Generator | None = None,
    callback: Callback | None = None,
    state: Any = None,
) -> Distillation:
    """Run a method on a task.

    A run that takes longer than some seconds shows a bar where the error stream is a terminal and rich is installed.

    Args:
        method: how the set is chosen, such as ``KMeans()`` or ``FirstOrder()`` (:mod:`ddlib.methods`).
        task: what the set is for: data, a learner and a risk (:mod:`ddlib.tasks`).
        budget: how many units (rows, images, ...) the set may have, for each replicate; some methods need fewer.
        steps: updates after the start; zero for closed forms. With zero an iterative method gives the set that it begins with.
        generator: the source of all randomness, which must be given, such as ``torch.Generator().manual_seed(0)``.
        callback: called as ``callback(step, set, surrogate)`` at each step; a true answer stops the run (:data:`Callback`).
        state: ``run.state`` of an earlier run of the same method, to go on from; with the earlier run's generator the two runs are
            to the last bit one long run, if the method's ``horizon`` is given. ``torch.load(path, weights_only=False)`` reads one.

    Returns:
        The set, the history of the surrogate, the state, and why it stopped; ``chosen, history = distil(...)`` takes the first two.

    Raises:
        TypeError: if an argument is of the wrong kind, or the state one of another method.
        ValueError: if budget or steps are too small, the task lacks what the method requires, or the method's set does not fit it.
        NotImplementedError: if the task has no exact construction, for ``Exact()``.
        FloatingPointError: if the set that was reached holds a value that is not finite, or no surrogate of a replicate was finite.

    >>> from ddlib.methods import FirstOrder
    >>> from ddlib.tasks import RidgeTask, as_data
    >>> task = RidgeTask(as_data([[1.0], [2.0], [3.0]], [2.0, 4.0, 5.0]))
    >>> run = distil(FirstOrder(), task, budget=1, steps=20, generator=torch.Generator().manual_seed(0))
    >>> run.distilled.x.shape, len(run.history), run.stopped
    (torch.Size([1, 1, 1]), 20, 'all steps are done')
    """
    check_run(method, task, budget, steps, generator)
    assert generator is not None  # checked, for the type checker
    replicates, state = replicates_of(task), None if state is None else state_of(state, method, task, budget)
    if hasattr(method, "planned"):
        method = method.planned(steps, state)
    state = method.init(task, budget, generator) if state is None else state
    check_state(state, method.name, budget, replicates)
    history: list[Info] = []
    stopped = "all steps are done" if steps else "no step was asked for"
    with Watch(steps, f"{method.name} on {task.name}") as watch:
        for step in range(steps + 1):
            if callback is not None and callback(step, state.distilled, history[-1].surrogate if history else None):
                stopped = f"the callback stopped it after {step} of {steps} steps"
                break
            if step < steps:
                state, info = check_step(method.update(task, state, generator), method.name, task.name, replicates)
                history.append(info)
                watch.done(step + 1)
    check_set(state.distilled, method.name, budget, replicates)
    surrogates = [info.surrogate for info in history]
    check_finite(state.distilled, surrogates, f"{method.name} on {task.name} with budget {budget}")
    return Distillation(state.distilled, history, state, stopped)


def regret(task: Task, model: Any, split: Split = "train") -> Float[Tensor, " R"]:
    r"""Regret :math:`R_\tau(S) - R_\tau(\text{reference})` of the model learned from S, per replicate.

    Raises:
        TypeError: if a set is given instead of a model.
        ValueError: if the risk is one number for all replicates.

    >>> from ddlib.tasks import RidgeTask, as_data
    >>> task = RidgeTask(as_data(torch.eye(2), torch.ones(2)))
    >>> regret(task, task.reference)
    tensor([0.])
    """
    if isinstance(model, Distilled):
        raise TypeError("the regret is that of a model, not of a set: write regret(task, task.fit(distilled))")
    risk = task.risk(model, split)
    one_each(risk, risk.shape or (replicates_of(task),), f"the risk of {task.name}")
    return risk - task.risk(task.reference, split)


def optimality_gap(risk: Float[Tensor, " R"], optimum: Float[Tensor, " R"]) -> Float[Tensor, " R"]:
    r"""Gap :math:`R_\tau(S) - \inf_{|S| \le m} R_\tau`, where ``optimum`` is the infimum or a certified lower bound of it.

    >>> optimality_gap(torch.tensor([3.0]), torch.tensor([2.5]))
    tensor([0.5000])
    """
    return risk - optimum
