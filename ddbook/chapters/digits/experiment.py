"""The digits' data, the task of each learner, and the methods with their chosen settings."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from functools import cached_property
from typing import NamedTuple

import numpy as np
import torch
from jaxtyping import Float
from torch import Tensor

from ddbook.chapters.digits.chosen import (
    ADAM,
    FEW,
    FOREST,
    KERNEL,
    LOGISTIC,
    MATCHED,
    METHODS,
    SGD,
    STEP_SIZES,
    STEPS,
    TANGENT,
)
from ddbook.chapters.digits.rows import Rows, deal
from ddlib import datasets
from ddlib.learners import NearestNeighbour, Training
from ddlib.learners.check import positive_number, whole_number
from ddlib.methods import (
    DistributionMatching,
    GradientMatching,
    Herding,
    Implicit,
    KCenter,
    KernelInducing,
    KMeans,
    RandomRows,
    SolvedLabels,
    TrajectoryMatching,
    Unrolled,
    ZerothOrder,
)
from ddlib.methods.descent import Part
from ddlib.methods.given import Given
from ddlib.problem import ClosedForm, Distilled, Method
from ddlib.tasks import ClassificationTask, Splits, class_labels
from ddlib.trial import Trial, given, run_trial


class Recipe(NamedTuple):
    """How a set is made: a method, the task that it is made for, and the number of updates."""

    method: Method
    task: ClassificationTask
    steps: int = 0


@dataclass(frozen=True, eq=False)
class Digits:
    """The experiment's data and tasks.

    Attributes:
        replicates: R draws of training and validation images, each with a distillation and a retraining of its own.
        sizes: of training and validation data.
        seed: of the draws.
        device: where torch computes.
        sealed: whether the locked images stay locked (:func:`ddbook.chapters.digits.rows.deal`).
    """

    replicates: int = 3
    sizes: tuple[int, int] = (1000, 397)
    seed: int = 0
    device: str = "cpu"
    sealed: bool = False

    def __post_init__(self) -> None:
        whole_number(self.replicates, "replicates")
        if len(self.sizes) != 2:
            raise ValueError(f"sizes must be those of training and validation data, but they are {tuple(self.sizes)}")

    @cached_property
    def rows(self) -> Rows:
        """Which images train, tune and judge."""
        return deal(self.sizes, self.replicates, self.generator("splits"), self.sealed)

    @cached_property
    def _data(self) -> tuple[Splits, Float[Tensor, "R 1 d"]]:
        images = datasets.digits(self.device)
        labels = class_labels(images.label, 10)
        parts = (rows.to(self.device) for rows in self.rows)
        return Splits(*(Distilled(images.x[n], labels[n], images.x.new_ones(n.shape)) for n in parts)).centred()

    @property
    def splits(self) -> Splits:
        """Pixels between 0 and 1, less their mean over the training rows."""
        return self._data[0]

    @property
    def mean(self) -> Float[Tensor, "R 1 d"]:
        """The mean training image, to be added again for pictures."""
        return self._data[1]

    def generator(self, *stream: int | str) -> torch.Generator:
        """An independent stream of random numbers for each name; a name may have several parts."""
        words = [int.from_bytes(str(part).encode(), "little") for part in stream]
        seed = np.random.SeedSequence([self.seed, *words]).generate_state(1, np.uint64)[0] >> np.uint64(1)
        return torch.Generator(self.device).manual_seed(int(seed))

    @cached_property
    def tasks(self) -> dict[str, ClassificationTask]:
        """The evaluating learners, by name."""
        learners = (KERNEL, TANGENT, ADAM, SGD, LOGISTIC, NearestNeighbour(), FOREST)
        return {
            learner.name: ClassificationTask(self.splits, learner, "cross_entropy" if learner is LOGISTIC else "squared")
            for learner in learners
        }

    def check(self, budgets: Sequence[int], effort: float) -> None:
        """Refuse what would fail only after long work.

        Raises:
            ValueError: if the open images are too few for the sizes, a digit has no training image, there is no budget, one is
                given twice or does not fit the classes, or the effort is not a positive number.
        """
        positive_number(effort, "the effort")
        if not budgets or len(set(budgets)) < len(budgets):
            raise ValueError(f"budgets must name at least one budget and none twice, but they are {list(budgets)}")
        labels = self.splits.train.y.argmax(-1)
        fewest = min(int((labels == label).sum(-1).min()) for label in range(10))
        if fewest < 1:
            raise ValueError(f"{self.sizes[0]} training images lack a digit: raise the first of sizes")
        for budget in budgets:
            if not 10 <= budget <= 10 * fewest:
                raise ValueError(
                    f"budgets has {budget}: every digit needs a point, and the rarest has {fewest}; give 10 to {10 * fewest}"
                )

    def recipe(
        self, name: str, budget: int, effort: float = 1.0, lr: float | None = None, begin: ClosedForm | None = None
    ) -> Recipe:
        """A method with its tuned settings.

        Args:
            name: as in :data:`STEPS`, or a method without steps.
            budget: points, which the step size depends on.
            effort: scales the number of updates.
            lr: another step size than the tuned one.
            begin: whose points a method takes over or begins at; by default those of k-means, or random rows for those that take
                over random rows.

        Raises:
            ValueError: if there is no such method, or the effort is not a positive number.
        """
        positive_number(effort, "the effort")
        closed = {
            "random": RandomRows(),
            "herding": Herding(),
            "k_center": KCenter(),
            "k_means": KMeans(),
            "solved_labels_random": SolvedLabels(begin or RandomRows(), KERNEL, "solved_labels_random"),
            "solved_labels": SolvedLabels(begin or KMeans(), KERNEL),
        }
        if name in closed:
            return Recipe(closed[name], self.tasks[KERNEL.name])
        if name not in STEPS:
            raise ValueError(f"no method is called {name!r}: choose among {', '.join([*closed, *STEPS])}")
        lr = STEP_SIZES[name][budget > FEW] if lr is None else lr
        return self._descent(name, max(1, round(effort * STEPS[name])), lr, begin or KMeans())

    def _descent(self, name: str, steps: int, lr: float, start: ClosedForm) -> Recipe:
        kernel, network, matched = (self.tasks[learner.name] for learner in (KERNEL, ADAM, SGD))
        both: tuple[Part, ...] = ("x", "y")
        path, part = Training(60, 0.3, "sgd"), Training(10, 0.3, "sgd")
        recipes: dict[str, tuple[Method, ClassificationTask]] = {
            "distribution_matching": (
                DistributionMatching(lr, steps, begin=start, keep="last", name=name, network=MATCHED),
                matched,
            ),
            "gradient_matching": (GradientMatching(lr, steps, begin=start, keep="last", name=name, network=MATCHED), matched),
            "gradient_matching_cosine": (
                GradientMatching(lr, steps, begin=start, keep="last", name=name, network=MATCHED, distance="cosine", restart=10),
                matched,
            ),
            "trajectory_matching": (
                TrajectoryMatching(
                    lr,
                    steps,
                    learn=both,
                    begin=start,
                    keep="last",
                    name=name,
                    network=MATCHED,
                    experts=3,
                    expert=path,
                    student=part,
                    stride=10,
                    latest=40,
                    relative=False,
                ),
                matched,
            ),
            "kernel_inducing": (KernelInducing(lr, steps, begin=start, name=name, learner=KERNEL), kernel),
            "kernel_inducing_labels": (
                KernelInducing(lr, steps, learn=both, begin=start, name=name, learner=KERNEL, solve_first=True),
                kernel,
            ),
            "unrolled": (Unrolled(lr, steps, learn=both, begin=start, keep="last", name=name, training=ADAM.training), network),
            "unrolled_truncated": (
                Unrolled(
                    lr, steps, learn=both, begin=start, keep="last", name=name, training=ADAM.training, window=15, random_end=True
                ),
                network,
            ),
            "implicit": (Implicit(lr, steps, begin=start, name=name), self.tasks[LOGISTIC.name]),
            "zeroth_order_antithetic": (
                ZerothOrder(0.1, lr, 10, antithetic=True, one_batch=False, begin=start, name=name),
                self.tasks["1-NN"],
            ),
        }
        method, task = recipes[name]
        return Recipe(method, task, steps)

    def make_all(self, budgets: Sequence[int], effort: float = 1.0) -> dict[tuple[str, int], Trial]:
        """Every method's trial at every budget, and all the training data under the name ``full``.

        What begins at k-means or solves labels takes over the very points of the row ``k_means`` (or ``random``).
        """
        trials: dict[tuple[str, int], Trial] = {}
        for budget in budgets:
            for name in METHODS:
                source = "random" if name == "solved_labels_random" else "k_means"
                begin = Given(trials[source, budget].distilled, source) if (source, budget) in trials else None
                recipe = self.recipe(name, budget, effort, begin=begin)
                trials[name, budget] = make(recipe, budget, self.generator(name, budget))
        return trials | {("full", self.splits.train.budget): given(self.splits.train)}


def make(recipe: Recipe, budget: int, generator: torch.Generator) -> Trial:
    """A recipe carried out."""
    return run_trial(recipe.method, recipe.task, budget, recipe.steps, generator)
