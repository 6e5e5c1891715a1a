"""The rows of Table 1: the authors' figures, and the methods with the computing that each gets."""

from __future__ import annotations

from typing import Any, NamedTuple

from ddbook.chapters.tails.published.designs import ChosenGrid, ExactSobol
from ddbook.chapters.tails.published.screening import LatinGrid, Screened
from ddbook.chapters.tails.published.unrolled import WholeUnrolled
from ddlib.methods import RandomRows
from ddlib.methods.derivative_free import DerivativeFree
from ddlib.pinn.learners.training import FastTraining
from ddlib.pinn.methods.kernel_distillation import KernelDistillation
from ddlib.pinn.methods.kernel_matching import KernelMatching
from ddlib.pinn.teachers.teacher import CollocationTeacher


class Published(NamedTuple):
    """The authors' figures for one number of points.

    Attributes:
        random: relative L2 error of a random subset.
        distilled: that of their distilled set.
        trainings: inner trainings of their search.
        goal: what this study set itself: an error that a set of this size should reach at any compute.
    """

    random: float
    distilled: float
    trainings: int
    goal: float


AUTHORS = {
    5: Published(0.370, 0.179, 300, 0.09),
    10: Published(0.346, 0.154, 300, 0.06),
    20: Published(0.0980, 0.0755, 400, 0.035),
    40: Published(0.0407, 0.0403, 100, 0.024),
}


class Effort(NamedTuple):
    """How much computing each method gets.

    Attributes:
        share: inner trainings of the published search, as a share of the authors' number.
        generation: candidates that the published search asks for at a time; the authors: 1.
        screen: inner trainings that screen designs, as a multiple of the authors' number.
        factor: inner trainings of the averaged search, as a multiple of the authors' number, after the screening.
        networks: that judge a candidate of the averaged search, and a finalist of the screening.
        updates: of the unrolled descent.
        unrolled: its networks.
        kernel_updates: of the descents in closed form.
        kernel_rows: rows of D that kernel distillation is given.
        batch: designs, or candidates of the averaged search, that are trained in one batch.
    """

    share: float = 1.0
    generation: int = 1
    screen: float = 1.0
    factor: float = 1.0
    networks: int = 4
    updates: int = 40
    unrolled: int = 4
    kernel_updates: int = 100
    kernel_rows: int = 100
    batch: int = 20


class Plan(NamedTuple):
    """A method and how long it runs.

    Attributes:
        method: the method.
        updates: after its start.
        networks: that judge a candidate; 0: the method sees the task itself, in double precision.
        curve: whether the method's sets are kept on its way.
        rows: random rows of D that it is given; 0: all.
        after: an earlier row whose sets it begins with, or screens with its own; empty: none.
    """

    method: Any
    updates: int = 0
    networks: int = 0
    curve: bool = False
    rows: int = 0
    after: str = ""


def plans(points: int, effort: Effort, opposite: bool = False, life: int = 1000) -> list[Plan]:
    """The rows of the table for one number of points, in their order.

    Args:
        points: how many.
        effort: of the methods.
        opposite: whether D and test lie on opposite tails of α.
        life: steps that the learner trains for.

    Raises:
        ValueError: if the authors have no figure for this number of points, or an effort is not positive.
    """
    if points not in AUTHORS:
        raise ValueError(f"the authors' table has {', '.join(map(str, AUTHORS))} points, but {points} are asked for")
    if min(effort) <= 0:
        raise ValueError(f"every part of the effort must be positive, but it is {effort}")
    trainings = AUTHORS[points].trainings
    few, many, searched = (max(8, round(share * trainings)) for share in (effort.share, effort.screen, effort.factor))
    candidates = max(4, round(searched / effort.networks))
    search = DerivativeFree(few, min(effort.generation, few))
    team = min(effort.batch, candidates)
    averaged = DerivativeFree(candidates, team, spread=0.03, optimiser="CMA", name="averaged_search")
    unrolled = WholeUnrolled(horizon=effort.updates, networks=effort.unrolled, training=FastTraining(life))
    kernel = effort.kernel_updates
    free = KernelDistillation(horizon=kernel, begin=RandomRows() if opposite else None, bounded=not opposite)
    teacher = CollocationTeacher(first=1e-8)  # there is no equation in D: the first function is the last
    rows = [
        Plan(RandomRows()),
        Plan(search, search.updates, 1, True),
        Plan(ChosenGrid(), 0, 1),
        Plan(screening(many, effort), 0, 1, after="tensor_grid"),
        Plan(averaged, averaged.updates, effort.networks, True, after="screened"),
        Plan(unrolled, effort.updates, 0, True, after="screened"),
        Plan(free, kernel, rows=effort.kernel_rows),
        Plan(KernelMatching(horizon=kernel, teacher=teacher), kernel),
        Plan(ExactSobol()),
    ]
    return [*rows, Plan(ExactSobol("target", "sobol_target"))] if opposite else rows


def screening(trainings: int, effort: Effort) -> Screened:
    """Latin grids, three for each random subset of D, and one Sobol set, in so many inner trainings."""
    finalists = min(8, max(1, trainings // (4 * effort.networks)))
    spent = finalists * effort.networks if finalists > 1 else 0
    sources = (LatinGrid(), LatinGrid(), LatinGrid(), RandomRows())
    return Screened(max(2, trainings - spent), effort.batch, sources, (ExactSobol(),), finalists=finalists, judges=effort.networks)
