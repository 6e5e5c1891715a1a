"""The digits' data, the learners that are trained on distilled sets, and the methods with their tuned settings."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from functools import cached_property
from typing import NamedTuple

import numpy as np
import pandas as pd
import torch
from jaxtyping import Float
from torch import Tensor

from ddlib import datasets
from ddlib.learners import (
    NTK,
    RBF,
    KernelRidge,
    NearestNeighbour,
    Network,
    RandomForest,
    SoftmaxRegression,
    TrainedNetwork,
    Training,
)
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
from ddlib.problem import Method
from ddlib.tasks import ClassificationTask, Splits, class_labels, split
from ddlib.trial import Trial, given, run_trial, transfer_table

KERNEL = KernelRidge(RBF(1.75), 1e-3, name="kernel ridge, RBF")
TANGENT = KernelRidge(NTK(1), 1e-3, name="kernel ridge, NTK")
ADAM = TrainedNetwork(Network((64,), scale=0.1), Training(60, 0.02, epsilon=3e-3), name="network, Adam")
SGD = TrainedNetwork(Network((64,), scale=0.3), Training(200, 0.5, "sgd"), name="network, SGD")
FOREST = RandomForest(trees=100)
LOGISTIC = SoftmaxRegression(0.1, name="logistic")
MATCHED = Network((64,), scale=0.3)
"""The network whose gradients, features and trajectories are matched."""

CLOSED = ("random", "herding", "k_center", "k_means", "solved_labels_random", "solved_labels")
"""The methods without steps."""

STEPS = {
    "distribution_matching": 200,
    "gradient_matching": 150,
    "gradient_matching_cosine": 150,
    "trajectory_matching": 150,
    "kernel_inducing": 300,
    "kernel_inducing_labels": 300,
    "unrolled": 100,
    "unrolled_truncated": 150,
    "implicit": 15,
    "zeroth_order_antithetic": 40,
}
"""Updates at an effort of one."""

STEP_SIZES = {
    "distribution_matching": (0.02, 0.02),
    "gradient_matching": (0.02, 0.02),
    "gradient_matching_cosine": (0.02, 0.005),
    "trajectory_matching": (0.02, 0.02),
    "kernel_inducing": (0.05, 0.05),
    "kernel_inducing_labels": (0.05, 0.05),
    "unrolled": (0.02, 0.02),
    "unrolled_truncated": (0.005, 0.02),
    "implicit": (0.02, 0.02),
    "zeroth_order_antithetic": (0.2, 0.2),
}
"""For at most ``FEW`` points and for more: chosen on validation data of other splits by benchmarks/digits_step_sizes.py."""

FEW = 30
METHODS = [*CLOSED, *STEPS]

TASK_FREE = ("random", "herding", "k_center", "k_means")
"""The methods that look at no learner."""

OWN = dict.fromkeys([*CLOSED, "kernel_inducing", "kernel_inducing_labels"], KERNEL.name) | {
    "distribution_matching": ADAM.name,
    "gradient_matching": ADAM.name,
    "gradient_matching_cosine": ADAM.name,
    "trajectory_matching": ADAM.name,
    "unrolled": ADAM.name,
    "unrolled_truncated": ADAM.name,
    "implicit": LOGISTIC.name,
    "zeroth_order_antithetic": "1-NN",
}
"""The learner that a method looks at, or that it is compared on where it looks at none."""


class Recipe(NamedTuple):
    """How a set is made: a method, the task that it is made for, and the number of updates."""

    method: Method
    task: ClassificationTask
    steps: int = 0


@dataclass(frozen=True, eq=False)
class Digits:
    """The experiment's data and tasks.

    Attributes:
        replicates: R splits of the images, each with a distillation and a retraining of its own.
        sizes: of training, validation and test data.
        seed: of the splits.
        device: where torch computes.
    """

    replicates: int = 3
    sizes: tuple[int, int, int] = (1000, 297, 500)
    seed: int = 0
    device: str = "cpu"

    def __post_init__(self) -> None:
        whole_number(self.replicates, "replicates")
        if len(self.sizes) != 3:
            raise ValueError(f"sizes must be those of training, validation and test data, but they are {tuple(self.sizes)}")

    @cached_property
    def _data(self) -> tuple[Splits, Float[Tensor, "R 1 d"]]:
        images = datasets.digits(self.device)
        labels = class_labels(images.label, 10)
        return split(images.x, labels, self.sizes, self.replicates, self.generator("splits")).centred()

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
            ValueError: if the images are too few for the sizes, a digit has no training image, there is no budget, one is given
                twice or does not fit the classes, or the effort is not a positive number.
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

    def recipe(self, name: str, budget: int, effort: float = 1.0, lr: float | None = None) -> Recipe:
        """A method with its tuned settings.

        Args:
            name: as in :data:`STEPS`, or a method without steps.
            budget: points, which the step size depends on.
            effort: scales the number of updates.
            lr: another step size than the tuned one.

        Raises:
            ValueError: if there is no such method, or the effort is not a positive number.
        """
        positive_number(effort, "the effort")
        closed = {
            "random": RandomRows(),
            "herding": Herding(),
            "k_center": KCenter(),
            "k_means": KMeans(),
            "solved_labels_random": SolvedLabels(RandomRows(), KERNEL, "solved_labels_random"),
            "solved_labels": SolvedLabels(KMeans(), KERNEL),
        }
        if name in closed:
            return Recipe(closed[name], self.tasks[KERNEL.name])
        if name not in STEPS:
            raise ValueError(f"no method is called {name!r}: choose among {', '.join([*closed, *STEPS])}")
        return self._descent(name, max(1, round(effort * STEPS[name])), STEP_SIZES[name][budget > FEW] if lr is None else lr)

    def _descent(self, name: str, steps: int, lr: float) -> Recipe:
        kernel, network = self.tasks[KERNEL.name], self.tasks[ADAM.name]
        both: tuple[Part, ...] = ("x", "y")
        start = KMeans()
        path, part = Training(60, 0.3, "sgd"), Training(10, 0.3, "sgd")
        recipes: dict[str, tuple[Method, ClassificationTask]] = {
            "distribution_matching": (
                DistributionMatching(lr, steps, begin=start, keep="last", name=name, network=Network((256,))),
                network,
            ),
            "gradient_matching": (GradientMatching(lr, steps, begin=start, keep="last", name=name, network=MATCHED), network),
            "gradient_matching_cosine": (
                GradientMatching(lr, steps, begin=start, keep="last", name=name, network=MATCHED, distance="cosine", restart=10),
                network,
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
                network,
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
        """Every method's trial at every budget, and all the training data under the name ``full``."""
        trials = {
            (name, budget): make(self.recipe(name, budget, effort), budget, self.generator(name, budget))
            for budget in budgets
            for name in METHODS
        }
        return trials | {("full", self.splits.train.budget): given(self.splits.train)}

    def retrain_all(self, trials: Mapping[tuple[str, int], Trial], fits: int = 1) -> pd.DataFrame:
        """What every learner makes of every set; see :func:`~ddlib.trial.transfer_table`."""
        return transfer_table(trials, list(self.tasks.values()), self.generator("retrain"), fits)


def make(recipe: Recipe, budget: int, generator: torch.Generator) -> Trial:
    """A recipe carried out."""
    return run_trial(recipe.method, recipe.task, budget, recipe.steps, generator)
