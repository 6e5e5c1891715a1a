r"""Four surrogates in closed form, verified: gradient, distribution and trajectory matching, and quantisation.

With :math:`A = X^\top X`, :math:`b = X^\top y` for the data and :math:`A_S, b_S` for a set, weights included. (The closed forms
were derived for this project, except that of quantisation.) A check that fails raises an ``ArithmeticError``.
"""

from __future__ import annotations

import math
from dataclasses import replace
from typing import NamedTuple

import pandas as pd
import torch
from jaxtyping import Float
from torch import Tensor

from ddbook.chapters.methods_optimise.experiment import LINEAR, LinearWorld
from ddlib.learners import NearestNeighbour, Training
from ddlib.lens import relative_regret, scores
from ddlib.methods import (
    DistributionMatching,
    GradientMatching,
    KMeans,
    TrajectoryMatching,
    TruncatedSVD,
    from_moments,
    matched_moments,
)
from ddlib.problem import Distilled, distil
from ddlib.statistics import Number, estimate, quoted
from ddlib.tasks import ClassificationTask, RidgeTask, Splits, as_data, class_labels

SETTINGS = ((1.0, 1, 2), (0.5, 1, 10), (1.0, 5, 20), (0.1, 5, 10), (0.5, 10, 5), (0.5, 5, 5))
r"""Of trajectory matching: :math:`\eta\kappa_1`, steps of student and expert; in the last both make as many."""

WIDTHS = (0.0, 1.0, 2.0, 4.0, 8.0, 16.0)
"""How far the two halves of each class mean are moved apart, each way, in units of x."""

CELLS = 4000
"""Quantiles that stand for a law in :func:`quantisation`."""


def require(holds: bool, sentence: str) -> None:
    """Raise an ArithmeticError with the sentence unless it holds."""
    if not holds:
        raise ArithmeticError(f"theory and computation disagree: {sentence}")


def moments(points: Distilled) -> tuple[Float[Tensor, "R d d"], Float[Tensor, "R d"]]:
    r""":math:`A_S = \sum_i w_i x_i x_i^\top` and :math:`b_S = \sum_i w_i y_i x_i`."""
    rows = points.w.unsqueeze(-1) * points.x
    return points.x.mT @ rows, (rows.mT @ points.y.unsqueeze(-1)).squeeze(-1)


def principal(world: LinearWorld) -> tuple[Float[Tensor, " d"], Float[Tensor, "d d"]]:
    """The eigenvalues of A, largest first, and its eigenvectors as columns."""
    values, vectors = torch.linalg.eigh(moments(world.data)[0][0])
    return values.flip(0), vectors.flip(1)


def curvature(world: LinearWorld, points: Distilled) -> Float[Tensor, "R d"]:
    r""":math:`v_i^\top A_S v_i` along the principal directions :math:`v_i` of the data."""
    _, vectors = principal(world)
    return (vectors.T @ moments(points)[0] @ vectors).diagonal(dim1=-2, dim2=-1)


def gradient_gap(world: LinearWorld, points: Distilled) -> Float[Tensor, " R"]:
    r"""The closed form of gradient matching's surrogate, :math:`\tfrac1d \|A_S - A\|_F^2 + \|b_S - b\|^2`."""
    second, first = ((ours - theirs).square() for ours, theirs in zip(moments(points), moments(world.data), strict=True))
    return second.mean(-1).sum(-1) + first.sum(-1)


def gradient_matching(world: LinearWorld, reached: Distilled, rounds: int = 50) -> dict[str, Number]:
    r"""T6: the surrogate over random networks against its closed form, and the bound :math:`\tfrac1d \sum_{i>m} \lambda_i^2`.

    For :math:`\theta \sim N(0, I/d)`, the initial coefficients of a linear layer.

    Args:
        world: the data and the budget m.
        reached: the sets that gradient matching ended at.
        rounds: of a hundred networks each, from which the interval is taken.

    Raises:
        ArithmeticError: if the average is more than six standard errors off, truncated SVD of X does not attain the bound, or a set
            goes below it.
    """
    start, generator = world.single.start(world.budget, world.generator()), world.generator()
    method = GradientMatching(network=LINEAR, draws=100)
    sampled = torch.cat([scores(method, world.single, start, generator).detach() for _ in range(rounds)]) / gradient_gap(
        world, start
    )
    mean, error = float(sampled.mean()), float(sampled.std()) / math.sqrt(rounds)
    require(abs(mean - 1) < 6 * error, f"gradient matching's surrogate is {mean:.3f} ± {error:.3f} times its closed form")
    values, _ = principal(world)
    least = float(values[world.budget :].square().sum()) / len(values)
    unlabelled = RidgeTask(as_data(world.table.x, torch.zeros_like(world.table.y)))
    truncated, _ = distil(TruncatedSVD(), unlabelled, world.budget, 0, generator)
    attained = float((moments(truncated)[0] - moments(world.data)[0]).square().sum()) / len(values) / least
    require(abs(attained - 1) < 1e-9, f"truncated SVD has {attained} times the least gradient distance")
    times = gradient_gap(world, reached) / least
    require(bool((times > 1 - 1e-9).all()), f"gradient matching reached {float(times.min())} times the least gradient distance")
    return {
        "gm_sampled": Number(mean, mean - 1.96 * error, mean + 1.96 * error, 100 * rounds),
        "gm_networks": Number(100 * rounds),
        "gm_attained": Number(abs(attained - 1)),
        "gm_reached": quoted(estimate(times.cpu(), "median")),
        "gm_kept": Number(float(values[: world.budget].sum() / values.sum())),
    }


def class_means(world: LinearWorld) -> tuple[Distilled, Float[Tensor, "2 d"]]:
    """The data with two classes, "not above the median" and "above", and the mean of each."""
    above = (world.data.y > world.classifier.threshold)[0].long()
    two = world.data._replace(y=class_labels(above, 2).to(world.data.x)[None])
    return two, torch.stack([world.data.x[0][above == label].mean(0) for label in (0, 1)])


def distribution_matching(world: LinearWorld) -> dict[str, Number]:
    """T7, first half: descent with one point per class finds the class means, and with them the nearest-mean classifier."""
    two, means = class_means(world)
    nearest = ClassificationTask(Splits(two, two, two), NearestNeighbour())
    points, _ = distil(world.method("distribution_matching"), nearest, 2, world.steps, world.generator())
    found = points.x[0, points.y[0].argmax(-1).argsort()]
    says = two.x[0] @ (means[1] - means[0]) > 0.5 * (means[1] @ means[1] - means[0] @ means[0])
    learned = nearest.learner.predict(nearest.fit(points), two.x)[0].argmax(-1)
    return {
        "dm_error": Number(float((found - means).norm() / means.norm())),
        "dm_disagreements": Number(int((learned != says.long()).sum())),
    }


def same_means(world: LinearWorld) -> pd.DataFrame:
    """T7, second half: sets with the class means of the data, whose surrogate is zero, and what they lose.

    Each mean is split into two points that move apart along the direction in which the classes vary most. They have the weight and
    the mean label of their class.

    Returns:
        One row per width, with the surrogate and the share of the learnable that is lost on the single ridge regression and on the
        classifier.

    Raises:
        ArithmeticError: if a surrogate is not zero.
    """
    two, means = class_means(world)
    member = two.y[0].argmax(-1)
    share = torch.stack([(member == label).sum() for label in (0, 1)]).to(two.x)
    label = torch.stack([world.data.y[0][member == label].mean() for label in (0, 1)])
    inside = two.x[0] - means[member]
    wide = torch.linalg.eigh(inside.T @ inside)[1][:, -1]
    nearest = ClassificationTask(Splits(two, two, two), NearestNeighbour())
    classes = class_labels(torch.tensor([0, 1, 0, 1], device=two.x.device), 2).to(two.x)[None]
    rows = []
    for width in WIDTHS:
        pairs = torch.cat([means + width * wide, means - width * wide])[None]
        points = Distilled(pairs, label.repeat(2)[None], share.repeat(2)[None] / 2)
        surrogate = float(DistributionMatching().surrogate(nearest, points._replace(y=classes), world.generator()))
        require(surrogate < 1e-20, f"sets with the class means have a surrogate of {surrogate}")
        lost = [float(relative_regret(task, points)) for task in (world.single, replace(world.classifier, replicates=1))]
        rows.append((width, surrogate, *lost))
    return pd.DataFrame(rows, columns=["width", "surrogate", "ridge", "logistic"])


class Solved(NamedTuple):
    """Trajectory matching, solved.

    Attributes:
        table: one row per setting.
        sets: the solutions, in the same order.
    """

    table: pd.DataFrame
    sets: list[Distilled]


def trajectory_matching(world: LinearWorld) -> Solved:
    r"""T8: :math:`G_S = (I - (I - \eta G)^{t_D/t_S})/\eta`, :math:`g_S = G_S \theta^*` has surrogate zero and the minimiser.

    Along a principal direction :math:`1 - (1 - \eta\kappa_i)^{t_D/t_S} = \eta\kappa_i` if and only if :math:`t_S = t_D`,
    :math:`\kappa_i = 0` or :math:`\eta\kappa_i = 1`. So the curvature is kept for as many steps of both, and
    for no other numbers of steps if at least two eigenvalues are positive and differ.

    Returns:
        A table with the surrogate and the relative errors of least squares and of ridge regression learned from each solution, and
        the solutions.

    Raises:
        ArithmeticError: if a surrogate is not zero, a minimiser not the data's, or the curvature kept for other numbers of steps.
    """
    top = float(principal(world)[0][0])
    squares = RidgeTask(world.data, penalties=(0.0,))
    rows, sets = [], []
    for rate, student, stride in SETTINGS:
        points = from_moments(*matched_moments(world.data, rate / top, student, stride))
        expert, learner = Training(stride + 10, rate, "sgd"), Training(student, rate, "sgd")
        method = TrajectoryMatching(network=LINEAR, expert=expert, student=learner, stride=stride, latest=10)
        mismatch = float(scores(method, world.single, points, world.generator(), 10).detach())
        errors = [float(task.parameter_error(task.fit(points))) for task in (squares, world.single)]
        require(mismatch < 1e-20, f"solved trajectory matching has a surrogate of {mismatch}")
        require(errors[0] < 1e-10, f"solved trajectory matching has a minimiser that is {errors[0]} off")
        kept = errors[1] < 1e-10
        require(
            kept == (student == stride),
            f"ridge regression is {errors[1]} off for {student} steps of the student and {stride} of the expert",
        )
        rows.append((rate, student, stride, mismatch, *errors))
        sets.append(points)
    columns = ["eta_lambda1", "N", "M", "surrogate", "minimiser_error", "ridge_error"]
    return Solved(pd.DataFrame(rows, columns=columns), sets)


def quantisation(world: LinearWorld) -> pd.DataFrame:
    r"""T9: k-means on a grid of quantiles against the least :math:`W_2^2` to the uniform and the normal law.

    Returns:
        One row per law and number of points, with what was found and what is exact.

    Raises:
        ArithmeticError: if they differ by more than half a per cent.
    """
    middle = (torch.arange(CELLS, dtype=torch.float64, device=world.device) + 0.5) / CELLS
    laws = {"uniform": middle, "normal": math.sqrt(2) * torch.erfinv(2 * middle - 1)}
    rows = []
    for law, count, exact in [*(("uniform", k, 1 / (12 * k**2)) for k in (1, 2, 3, 4)), ("normal", 2, 1 - 2 / math.pi)]:
        line = RidgeTask(as_data(laws[law][:, None], torch.zeros_like(middle)))
        points, _ = distil(KMeans(), line, count, 0, world.generator())
        found = float(KMeans().surrogate(line, points))
        require(abs(found / exact - 1) < 5e-3, f"k-means with {count} points has {found} on the {law} law, not {exact}")
        rows.append((law, count, found, exact))
    return pd.DataFrame(rows, columns=["law", "points", "found", "exact"])
