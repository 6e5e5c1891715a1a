"""The tasks, the methods with their settings, and what each method makes of each task."""

from __future__ import annotations

import math
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from functools import cached_property
from types import MappingProxyType
from typing import Any, NamedTuple

import torch

from ddbook.chapters.methods_optimise.own import ClassMatching, LogisticNetwork
from ddlib import datasets
from ddlib.learners import KernelRidge, Linear, Network, Training
from ddlib.methods import (
    DistributionMatching,
    Exact,
    FirstOrder,
    GradientMatching,
    Herding,
    Implicit,
    KCenter,
    KernelInducing,
    KMeans,
    RandomRows,
    TrajectoryMatching,
    TruncatedSVD,
    Unrolled,
    ZerothOrder,
)
from ddlib.methods.descent import Part
from ddlib.problem import ClosedForm, Distilled, Method
from ddlib.settings import Plain
from ddlib.tasks import EmpiricalTask, LogisticTask, RidgeTask, as_data
from ddlib.trial import log_spaced, run_trial

STEP_SIZES = {
    "gradient_matching": 1.0,
    "gradient_matching_cosine": 0.1,
    "distribution_matching": 0.3,
    "trajectory_matching": 1.0,
    "kernel_inducing": 0.3,
    "kernel_inducing_labels": 0.3,
    "first_order": 0.3,
    "implicit": 0.3,
    "unrolled": 1.0,
    "zeroth_order": 0.01,
}
"""Chosen by the method's own surrogate, from starts that no chapter shows: see benchmarks/linear_world_step_sizes.py."""

GIVEN = ("random", "herding", "k_center", "k_means", "truncated_svd")
"""The closed forms that look at the data only."""

BLIND = (
    "gradient_matching",
    "gradient_matching_cosine",
    "distribution_matching",
    "trajectory_matching",
    "kernel_inducing",
    "kernel_inducing_labels",
)
"""The iterative methods that do not ask the task's learner."""

OWN = ("gradient_matching", "gradient_matching_cosine", "distribution_matching", "trajectory_matching")
"""Those of them that take a task's own loss, or its classes: one surrogate for the regressions and another for the classifier."""

AWARE = ("first_order", "implicit", "unrolled", "zeroth_order")
"""The iterative methods that do."""

LINEAR = Network(widths=(), bias=False, mean=False)
"""The linear model with half the summed squared loss; its initial coefficients have variance 1/d, the custom for a linear layer."""

BOTH: tuple[Part, ...] = ("x", "y")

WATCHED = 31
"""The most sets that are taken from a path, evenly spaced or on a logarithmic scale."""

MOST = 16
"""The most snapshots of a path that a cloud can ask for."""


class Run(NamedTuple):
    """What a method made.

    Attributes:
        distilled: the set that it ended at, R replicates.
        path: the sets that it would have handed out, by step: those of :func:`watched`; of a closed form only the one.
        milliseconds: per step and replicate; of a closed form for the whole set.
        settings: of the trial.
    """

    distilled: Distilled
    path: Mapping[int, Distilled]
    milliseconds: float
    settings: Mapping[str, Plain] = MappingProxyType({})


@dataclass(frozen=True, eq=False)
class LinearWorld:
    """The diabetes data, a family of ridge regressions and a classifier, and one budget for all methods.

    Attributes:
        replicates: R independent starts of every method.
        budget: points of a set; fewer than the data have columns, for with as many most surrogates can be brought to zero.
        family_penalties: of the ridge regressions that one set serves together.
        ridge_penalty: of kernel inducing points and of the single ridge regression.
        logistic_penalty: of the classifier.
        steps: of every iterative method.
        unrolled_steps: training steps that unrolling goes through.
        seed: of all random draws.
        device: where torch computes.
    """

    replicates: int = 6
    budget: int = 3
    family_penalties: tuple[float, ...] = (0.1, 1.0, 10.0, 100.0, 1e3, 1e4)
    ridge_penalty: float = 10.0
    logistic_penalty: float = 1.0
    steps: int = 1000
    unrolled_steps: int = 10
    seed: int = 0
    device: str = "cpu"

    def __post_init__(self) -> None:
        for name in ("replicates", "budget", "steps", "unrolled_steps"):
            if getattr(self, name) < 1:
                raise ValueError(f"{name} must be at least 1, but it is {getattr(self, name)}")
        columns = self.data.x.shape[-1]
        if self.budget >= columns:
            raise ValueError(f"the budget must be below the {columns} columns of the data, but it is {self.budget}")
        if not self.family_penalties or len(set(self.family_penalties)) < len(self.family_penalties):
            raise ValueError(
                f"family_penalties must name at least one penalty and none twice, but they are {list(self.family_penalties)}"
            )
        named = [("family_penalties", penalty) for penalty in self.family_penalties]
        for name, penalty in [*named, ("ridge_penalty", self.ridge_penalty), ("logistic_penalty", self.logistic_penalty)]:
            if not 0 < penalty < math.inf:
                raise ValueError(f"{name} must be positive and finite, but one is {penalty}")

    @cached_property
    def table(self) -> datasets.Table:
        """The patients, columns of unit variance."""
        return datasets.diabetes(self.device)

    @cached_property
    def data(self) -> Distilled:
        """D, one replicate; the label in units of its standard deviation."""
        return as_data(self.table.x, self.table.y / self.table.y.std())

    @cached_property
    def family(self) -> RidgeTask:
        """All ridge regressions together."""
        return RidgeTask(self.data, self.replicates, "ridge family", self.family_penalties)

    @cached_property
    def classifier(self) -> LogisticTask:
        """Above the median or not."""
        return LogisticTask(self.data, self.replicates, penalty=self.logistic_penalty)

    @property
    def tasks(self) -> dict[str, EmpiricalTask]:
        """The two tasks of the map."""
        return {"ridge": self.family, "logistic": self.classifier}

    @cached_property
    def single(self) -> RidgeTask:
        """The one ridge regression whose squared error kernel inducing points descend; one replicate."""
        return RidgeTask(self.data, 1, "ridge", (self.ridge_penalty,))

    def generator(self, stream: int = 0) -> torch.Generator:
        """A fresh stream of random numbers, the same whenever it is asked for."""
        return torch.Generator(self.device).manual_seed(1000 * self.seed + stream)

    def method(self, name: str, lr: float | None = None, key: str = "ridge") -> Any:
        """A method with its settings.

        A surrogate with random draws has no best iterate: there the last set is handed out, elsewhere the best by the surrogate.
        All iterative methods learn points and labels, except two that are
        published for points: kernel inducing points, which has a variant for both, and the zeroth-order method.

        Args:
            name: of :data:`GIVEN`, :data:`BLIND` or :data:`AWARE`, or ``exact``.
            lr: another step size than that in :data:`STEP_SIZES`.
            key: the task whose loss, or classes, the methods of :data:`OWN` take: ``ridge`` or ``logistic``.

        Raises:
            ValueError: if there is no such method.
        """
        closed = [Exact(), RandomRows(), Herding(), KCenter(), KMeans(), TruncatedSVD()]
        for found in closed:
            if found.name == name:
                return found
        if name not in STEP_SIZES:
            names = [*(method.name for method in closed), *STEP_SIZES]
            raise ValueError(f"no method is called {name!r}: choose among {', '.join(names)}")
        return self._descent(name, STEP_SIZES[name] if lr is None else lr, key == "logistic")

    def _descent(self, name: str, lr: float, classifies: bool) -> Method:
        common: dict[str, Any] = {"lr": lr, "horizon": self.steps, "name": name, "learn": BOTH}
        last: dict[str, Any] = common | {"keep": "last"}
        limit = float(self.classifier.threshold)
        network = LogisticNetwork(widths=(), bias=False, mean=False, threshold=limit) if classifies else LINEAR
        if name.startswith("gradient_matching"):
            return GradientMatching(network=network, draws=8, distance=_distance(name), **last)
        if name == "distribution_matching":
            return ClassMatching(threshold=limit, **common) if classifies else DistributionMatching(**common)
        if name == "trajectory_matching":
            return TrajectoryMatching(network=network, experts=4, **last)
        if name.startswith("kernel_inducing"):
            free = BOTH if name.endswith("labels") else ("x",)
            return KernelInducing(learner=KernelRidge(Linear(), self.ridge_penalty), **(common | {"learn": free}))
        if name == "unrolled":
            return Unrolled(training=Training(self.unrolled_steps, 0.05), **common)
        if name == "zeroth_order":
            return ZerothOrder(0.1, lr, antithetic=True)
        return {"first_order": FirstOrder, "implicit": Implicit}[name](**common)

    def run(self, method: Method, task: EmpiricalTask, stream: int = 0) -> Run:
        """A method on a task, with its path and its time."""
        count = 0 if isinstance(method, ClosedForm) else self.steps
        trial = run_trial(method, task, self.budget, count, self.generator(stream), watched(count))
        milliseconds = 1e3 * trial.seconds / max(count, 1) / task.replicates
        return Run(trial.distilled, trial.watched, milliseconds, trial.settings)

    def run_all(self) -> dict[str, dict[str, Run]]:
        """Every method on every task, by task and method.

        Methods that are blind to the task run once for both, on the family, of which they see the patients only. So do those of
        :data:`OWN`, but for each task's loss.
        """
        blind = {name: self.run(self.method(name), self.family) for name in (*GIVEN, *BLIND)}
        own = {name: self.run(self.method(name, key="logistic"), self.family) for name in OWN}
        return {
            key: blind
            | (own if key == "logistic" else {})
            | {name: self.run(self.method(name), task) for name in ("exact", *AWARE)}
            for key, task in self.tasks.items()
        }


def _distance(name: str) -> Any:
    return "cosine" if name.endswith("cosine") else "squared"


def replicate(distilled: Distilled, which: int) -> Distilled:
    """One replicate of a set."""
    return every(distilled, slice(which, which + 1))


def every(distilled: Distilled, which: slice) -> Distilled:
    """Some replicates of a set."""
    return Distilled(*(part[which] for part in distilled))


def watched(steps: int) -> list[int]:
    """The steps whose sets a run keeps: all that the cloud, the curves along a path and their correlations can ask for.

    >>> watched(4)
    [0, 1, 2, 3, 4]
    """
    return sorted({*snapshot_steps(steps, MOST), *evenly(steps, WATCHED), *log_spaced(steps, WATCHED)})


def snapshot_steps(steps: int, snapshots: int) -> list[int]:
    """The steps whose sets enter the cloud: the end, the start, and between them by factors of four back from the end.

    >>> snapshot_steps(200, 4)
    [0, 12, 50, 200]
    """
    back = {round(steps / 4**k) for k in range(max(snapshots - 1, 1))}
    return sorted(back | {0} if snapshots > 1 else back)


def evenly(last: int, count: int) -> Sequence[int]:
    """At most ``count`` whole numbers from 0 to ``last``, evenly spaced.

    >>> evenly(10, 3)
    [0, 5, 10]
    """
    return sorted({round(last * k / (count - 1)) for k in range(count)})
