"""What a task, a learner or a network may offer beyond the formal model of :mod:`ddlib.problem`, by the names methods ask for."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any, NamedTuple, Protocol, runtime_checkable

import torch
from jaxtyping import Float
from torch import Tensor

from ddlib.distilled import Distilled
from ddlib.problem import Split, Task

__all__ = ["Constructible", "Fold", "Learner", "Minibatched", "Optimised", "Parametric", "Resampled"]


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

    >>> from ddlib.tasks import RidgeTask, as_data
    >>> Fold(RidgeTask(as_data([[1.0]], [1.0])), "validation").split
    'validation'
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

    A learner that draws nothing may say so by ``deterministic = True``; then it is not trained again on the same set. One that
    takes units of any shape says so by ``any_shape = True``; tasks hand others their units as rows of numbers.
    """

    @property
    def name(self) -> str: ...

    def fit(self, data: Distilled, generator: torch.Generator | None = None) -> Any:
        """The model learned from a set."""
        ...

    def predict(self, model: Any, x: Float[Tensor, "*R n d"]) -> Float[Tensor, "*R n *label"]:
        """Labels, or a score for each class."""
        ...


@runtime_checkable
class Minibatched(Protocol):
    """A task that can stand on some of its training units at a time: what the ``batch`` of a method needs to know of it."""

    def minibatch(self, size: int, generator: torch.Generator) -> Task:
        """The task on ``size`` of its training units, drawn with replacement for each replicate; other splits stay as they are."""
        ...


@runtime_checkable
class Parametric(Protocol):
    r"""A class of functions :math:`f_\theta` with a loss: what methods look at that match gradients, features or training.

    Parameters are one flat vector for each function. Parameters may have more axes in front than the units have; units then
    serve all functions along them.

    Attributes:
        mean: whether the loss is divided by the summed weights.
    """

    @property
    def mean(self) -> bool: ...

    def initial(self, data: Distilled, generator: torch.Generator) -> Float[Tensor, "*R P"]:
        """Random parameters, one function for each replicate of the data, along all axes in front of their units."""
        ...

    def predict(self, theta: Float[Tensor, "*R P"], x: Float[Tensor, "R n *unit"]) -> Float[Tensor, "*R n c"]:
        r"""The outputs :math:`f_\theta(x)`."""
        ...

    def features(self, theta: Float[Tensor, "*R P"], x: Float[Tensor, "R n *unit"]) -> Float[Tensor, "*R n h"]:
        """What the last layer sees, as rows of numbers."""
        ...

    def loss(self, theta: Float[Tensor, "*R P"], data: Distilled) -> Float[Tensor, "*R"]:
        """The weighted loss on a set, one number per function."""
        ...

    def weights(self, theta: Float[Tensor, "*R P"], data: Distilled) -> Sequence[Float[Tensor, "*R a b"]]:
        """The layers' weights as matrices, one column for each output unit of a layer; ``data`` has the shape of a unit."""
        ...
