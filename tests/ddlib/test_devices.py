"""Every method on every task, on another device and in another precision, and what an update waits for."""

from __future__ import annotations

from dataclasses import replace
from itertools import pairwise
from unittest import mock

import pytest
import torch

from ddlib.dbn.estimators.hill_climbing import hill_climb
from ddlib.learners import Network, TrainedNetwork, Training
from ddlib.lens import cloud, cross_task, gradient_cosine, scores
from ddlib.methods import FirstOrder, Unrolled
from ddlib.pinn import PROBLEMS, FastTraining, PhysicsNetwork, QuasiNewton, TanhNetwork
from ddlib.problem import Task
from ddlib.tasks import RidgeTask
from ddlib.tasks.splits import split
from tests.accelerator import CHECK, COPY, CPU, DEVICE, NUMBER, SIZE, Wait, moved
from tests.ddlib.devices import Allowed, agrees, distilling, everywhere, still_needed, within
from tests.ddlib.pinn.world import tiny
from tests.ddlib.products import METHODS, refusal
from tests.ddlib.worlds import closed_form_tasks, random_data, split_tasks

BUDGET = 4
TASKS: dict[str, Task] = {
    **{task.name: task for task in closed_form_tasks(random_data(0))},
    **{f"{task.name}-{number}": task for number, task in enumerate(split_tasks(0))},
}
BY_NAME = {method.name: method for method in METHODS}

LEARNERS, WAYS = "ddlib.learners", "ddlib.methods"
SCIPY, SKLEARN, NEVERGRAD = "SciPy computes on the CPU", "scikit-learn computes on the CPU", "nevergrad searches on the CPU"
CONVERGED, SOLVED = "Newton's method ends when it has converged", "a system that has no solution is refused"
DRAWN = "which expert it is, and its age, are drawn on the device"
ALLOWED = {
    Wait(CHECK, f"{LEARNERS}.logistic._newton"): Allowed(None, SOLVED, ("random", "logistic")),
    Wait(NUMBER, f"{LEARNERS}.logistic._halved"): Allowed(None, CONVERGED, ("random", "logistic")),
    Wait(NUMBER, f"{LEARNERS}.logistic.logistic"): Allowed(None, CONVERGED, ("random", "logistic")),
    Wait(CHECK, f"{LEARNERS}.ridge.ridge"): Allowed(3, f"{SOLVED}, for each penalty", ("first_order", "ridge family")),
    Wait(NUMBER, f"{LEARNERS}.check.unsolved"): Allowed(1, SOLVED, ("kernel_inducing", "ridge")),
    Wait(NUMBER, f"{LEARNERS}.check._remembered"): Allowed(1, "a negative weight is refused", ("derivative_free", "ridge")),
    Wait(COPY, f"{LEARNERS}.bayesian_linear.BayesianLinear.interval"): Allowed(2, SCIPY, ("random", "predictive interval-4")),
    Wait(COPY, f"{LEARNERS}.least_absolute.least_absolute.<locals>.<genexpr>"): Allowed(
        3, SCIPY, ("random", "least absolute deviation")
    ),
    Wait(COPY, f"{LEARNERS}.least_absolute.least_absolute"): Allowed(1, SCIPY, ("random", "least absolute deviation")),
    Wait(COPY, f"{LEARNERS}.softmax.SoftmaxRegression.fit.<locals>.<genexpr>"): Allowed(2, SKLEARN, ("random", "logistic-1")),
    Wait(COPY, f"{LEARNERS}.softmax.SoftmaxRegression.fit"): Allowed(1, SKLEARN, ("random", "logistic-1")),
    Wait(COPY, f"{LEARNERS}.estimators.fit_each.<locals>.<genexpr>"): Allowed(3, SKLEARN, ("random", "1-NN-3")),
    Wait(COPY, f"{LEARNERS}.estimators.answer_each"): Allowed(2, SKLEARN, ("random", "1-NN-3")),
    Wait(COPY, f"{WAYS}.derivative_free.DerivativeFree.update"): Allowed(1, NEVERGRAD, ("derivative_free", "ridge")),
    Wait(COPY, f"{WAYS}.derivative_free.DerivativeFree.update.<locals>.<listcomp>"): Allowed(
        1, NEVERGRAD, ("derivative_free", "ridge")
    ),
    Wait(NUMBER, f"{WAYS}.joined.members"): Allowed(
        1, "a batch is as large as the smallest class", ("gradient_matching", "kernel ridge-0")
    ),
    Wait(NUMBER, f"{WAYS}.joined.of_each_class"): Allowed(
        1, "S has as many rows of a class as its largest", ("gradient_matching", "kernel ridge-0")
    ),
    Wait(NUMBER, f"{WAYS}.implicit.Implicit.surrogate"): Allowed(1, "no curvature is refused", ("implicit", "ridge")),
    Wait(NUMBER, f"{WAYS}.implicit._solve"): Allowed(
        1, "a Hessian that is ill-conditioned is inverted otherwise", ("implicit", "ridge")
    ),
    Wait(NUMBER, f"{WAYS}.trajectory_matching.TrajectoryMatching.surrogate"): Allowed(2, DRAWN, ("trajectory_matching", "ridge")),
}


@everywhere
@pytest.mark.parametrize("method", METHODS, ids=lambda method: method.name)
def test_every_method_on_every_task(method, dtype, draws):
    """The numbers of the CPU, on the data's device and in their precision, and no update waits but for what is on the list."""
    for task in TASKS.values():
        task = moved(task, dtype=dtype)
        if refusal(method, task, BUDGET) is None:
            waits = agrees(distilling(method, BUDGET), task, dtype, draws)
            if draws == DEVICE:  # draws of the CPU are copied
                within(waits, ALLOWED)


@pytest.mark.parametrize("wait", ALLOWED, ids=lambda wait: f"{wait.why} {wait.where.removeprefix('ddlib.')}")
def test_every_wait_on_the_list_is_needed(wait):
    method, task = ALLOWED[wait].witness
    still_needed(agrees(distilling(BY_NAME[method], BUDGET), TASKS[task]), wait, ALLOWED[wait])


@pytest.mark.parametrize("name", ["unrolled", "distribution_matching"])
def test_an_update_of_these_waits_for_nothing(name):
    for task in ("ridge", "network-2"):
        assert not agrees(distilling(BY_NAME[name], BUDGET), TASKS[task])


@everywhere
def test_the_lens(dtype, draws):
    """Clouds, scores and the cross-task view."""

    def compute(task, draw):
        one = replace(task, replicates=1)
        sets = cloud(one, [one.start(3, draw) for _ in range(2)], draw)
        return (
            sets,
            scores(FirstOrder(), one, sets, draw),
            gradient_cosine(FirstOrder(), one, sets, draw, 1),
            cross_task([sets], [task]),
        )

    task = RidgeTask(random_data(0), 10, penalties=(0.5,))
    agrees(compute, task, dtype, draws)


def test_rows_are_dealt_on_the_data_s_device():
    agrees(lambda data, draw: split(data.x[0], data.y[0], (4, 3, 2), 2, draw), random_data(0))
    agrees(lambda data, draw: split(data.x[0], data.y[0], (4, 3, 2), 2, draw), random_data(0), draws=CPU)


def lbfgs(count):
    learner = PhysicsNetwork(CONDUCTION, SMALL, QuasiNewton(first=FastTraining(2), iterations=9))
    return lambda task, draw: learner.train(learner.initial(task.train, draw), task.train, count)


def newton(count):
    def compute(alpha, draw):
        with mock.patch("ddlib.pinn.problems.burgers._NEWTON", count):
            return PROBLEMS["Burgers"].speed(alpha)

    return compute


def climbing(count):
    """A search on so many independent pairs of variables, which takes as many moves."""

    def compute(covariance, draw):
        paired = covariance.clone()
        for first in range(0, 2 * count, 2):
            paired[:, first, first + 1] = paired[:, first + 1, first] = 0.5 + 0.05 * first
        return hill_climb(paired, torch.full_like(covariance[:, 0, 0], 100.0), covariance.shape[-1])

    return compute


def unrolled(count):
    return distilling(Unrolled(training=Training(count, 0.1)), BUDGET)


def trained(count):
    learner = TrainedNetwork(Network((4,)), Training(count, 0.1))
    return lambda data, draw: learner.fit(data, draw)


def fast(count):
    learner = PhysicsNetwork(CONDUCTION, SMALL, FastTraining(count))
    return lambda task, draw: learner.fit(task.train, draw)


CONDUCTION, SMALL = PROBLEMS["conduction"], TanhNetwork((4,))
LINE_SEARCH = "torch's L-BFGS is a loop of Python, which searches along a line and ends when it has converged"
MOVES, CLIMB = (
    "a search ends when no move is left, and only what a move changes is scored again",
    "ddlib.dbn.estimators.hill_climbing",
)
FINISH = "ddlib.pinn.learners.quasi_newton.QuasiNewton._finish"
INNER = {  # of so many inner steps, on what, and what one step more waits for: how often (None: a step varies), and why it must
    "gradient steps": (trained, random_data(0), {}),
    "unrolled steps": (unrolled, TASKS["network-2"], {}),
    "steps on an equation": (fast, tiny(CONDUCTION), {}),
    "L-BFGS": (
        lbfgs,
        tiny(CONDUCTION),
        {Wait(NUMBER, FINISH): (None, LINE_SEARCH), Wait(NUMBER, f"{FINISH}.<locals>.closure"): (None, LINE_SEARCH)},
    ),
    "Newton's method for Burgers": (
        newton,
        torch.linspace(0.1, 2.0, 5, dtype=torch.float64),
        {Wait(NUMBER, "ddlib.pinn.problems.burgers.Burgers.speed"): (1, CONVERGED)},
    ),
    "hill climbing": (
        climbing,
        torch.eye(8, dtype=torch.float64).repeat(2, 1, 1),
        {
            Wait(NUMBER, f"{CLIMB}.hill_climb"): (1, MOVES),
            Wait(SIZE, f"{CLIMB}.hill_climb"): (1, MOVES),
            Wait(SIZE, f"{CLIMB}._toggle"): (1, MOVES),
        },
    ),
}


@pytest.mark.parametrize("name", INNER)
def test_an_inner_step_waits_for_nothing_but_for_a_reason(name):
    run, data, reasons = INNER[name]
    waits = [agrees(run(count), data) for count in (2, 3, 4)]
    for fewer, more in pairwise(waits):
        assert set(more - fewer) == set(reasons) and not fewer - more
        assert all(most in (None, (more - fewer)[wait]) for wait, (most, _) in reasons.items())
