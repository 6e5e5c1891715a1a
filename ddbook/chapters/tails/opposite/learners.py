"""Who learns from a set: the learner it was made for, one that knows the equation, and three that the distiller never saw."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, replace
from typing import Any, NamedTuple

import torch
from jaxtyping import Float
from torch import Tensor

from ddlib.learners import NTK, KernelRidge
from ddlib.learners.forest import RegressionForest
from ddlib.pinn.learners.learner import PhysicsNetwork
from ddlib.pinn.learners.networks import TanhNetwork, dtype_of
from ddlib.pinn.learners.training import FastTraining
from ddlib.pinn.task import PinnTask, moved
from ddlib.problem import Distilled
from ddlib.protocols import Learner

UNSEEN = ("wide", "kernel", "forest")


class Fitted(NamedTuple):
    """A model of scaled data, and the scaling.

    Attributes:
        model: the learner's own.
        low, extent: of the data, column by column.
        level: the mean of the labels.
    """

    model: Any
    low: Float[Tensor, "*R 1 d"]
    extent: Float[Tensor, "*R 1 d"]
    level: Float[Tensor, "*R 1"]


@dataclass(frozen=True, eq=False)
class Scaled:
    """A learner that is given its data as the unit cube, and labels without their mean.

    Attributes:
        learner: who learns.
        name: how tables call it.
    """

    learner: Learner
    name: str = "scaled"

    @property
    def deterministic(self) -> bool:
        """Whether the learner draws nothing."""
        return getattr(self.learner, "deterministic", False)

    def fit(self, data: Distilled, generator: torch.Generator | None = None) -> Fitted:
        """The learner's model with the scaling; a column that does not vary is only shifted."""
        low, high = data.x.amin(-2, keepdim=True), data.x.amax(-2, keepdim=True)
        extent = torch.where(high > low, high - low, torch.ones_like(low))
        level = data.y.mean(-1, keepdim=True)
        return Fitted(self.learner.fit(data._replace(x=(data.x - low) / extent, y=data.y - level), generator), low, extent, level)

    def predict(self, model: Fitted, x: Float[Tensor, "*R n d"]) -> Float[Tensor, "*R n"]:
        """The model at units."""
        return self.learner.predict(model.model, (x - model.low) / model.extent) + model.level


def judges(task: PinnTask, steps: int = 2000, trees: int = 50) -> dict[str, Learner]:
    """The learners of the tables.

    ``network`` is the plain network of 3 × 32 units that the sets are made for. ``equation`` is the same network, which is also
    trained on the residual at the set's own points, but on no boundary value. ``wide`` (3 × 64), ``kernel`` (ridge regression with
    the neural tangent kernel of a ReLU network) and ``forest`` were not used in any distillation.

    Args:
        task: whose equation.
        steps: of Adam.
        trees: of the forest.
    """
    training = FastTraining(steps)
    return {
        "network": PhysicsNetwork(training=training),
        "equation": PhysicsNetwork(task.problem, training=training, at_set=1 / task.problem.scale**2),
        "wide": PhysicsNetwork(network=TanhNetwork((64,) * 3), training=training),
        "kernel": Scaled(KernelRidge(NTK(1, 1.0), 1e-6), "kernel ridge"),
        "forest": RegressionForest(trees),
    }


def fit_all(learner: Learner, sets: Sequence[Distilled], generator: torch.Generator, precision: str = "float32") -> list[Any]:
    """A model from each set; networks are trained in one batch, each set's from the same first weights.

    Args:
        learner: who learns.
        sets: of one budget.
        generator: the source of first weights, or of the forests' seeds.
        precision: of the networks' training, ``"float32"`` or ``"float64"``; models come back in double precision.

    Raises:
        ValueError: if the precision is unknown.
    """
    dtype = dtype_of(precision)
    if not isinstance(learner, PhysicsNetwork):
        return [learner.fit(one, generator) for one in sets]
    rows = moved(Distilled(*(torch.stack(parts) for parts in zip(*sets, strict=True))), None, dtype)
    first = learner.initial(sets[0], generator).to(dtype)
    lighter = replace(learner, physics=moved(learner.physics, None, dtype))
    return list(lighter.train(first.expand(len(sets), *first.shape), rows).double().unbind(0))
