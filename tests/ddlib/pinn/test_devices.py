"""Problems, data, learners, teachers and methods of physics-informed networks on another device and in another precision."""

from __future__ import annotations

from collections import Counter
from dataclasses import replace

import pytest

from ddlib.methods import DerivativeFree
from ddlib.pinn import (
    ARD,
    PROBLEMS,
    AffineRidge,
    CollocationTeacher,
    FastTraining,
    KernelDistillation,
    KernelMatching,
    NetworkTeacher,
    PhysicsGradientMatching,
    PhysicsNetwork,
    PhysicsUnrolled,
    QuasiNewton,
    Smoothed,
    TanhNetwork,
    TeacherLabelled,
    TeacherMatching,
    TensorGrid,
    draw_data,
    physics,
    released_data,
    scatter,
)
from ddlib.pinn.teachers.kernel import KernelCollocation
from tests.accelerator import COPY, DEVICE, NUMBER, Wait
from tests.ddlib.devices import agrees, distilling, everywhere
from tests.ddlib.pinn.world import tiny

SMALL = TanhNetwork((4,))
TRAINED = PhysicsNetwork(network=SMALL, training=FastTraining(3))
POOL = {"pool": 3, "models": 2, "window": 2, "life": 4}
QUICK = CollocationTeacher(lengths=((0.3, 2.0),), centres=8, steps=2)
METHODS = [
    DerivativeFree(4, generation=2),
    PhysicsUnrolled(**POOL),
    TeacherMatching(teacher=QUICK, count=8, **POOL),
    PhysicsGradientMatching(**POOL),
    KernelDistillation(lengths=((0.5, 1.0),), first=1, steps=1),
    KernelMatching(teacher=QUICK, count=8),
    TeacherLabelled(QUICK),
    TeacherLabelled(NetworkTeacher(2, SMALL, FastTraining(3)), "uniform", "random"),
    TensorGrid(),
    TensorGrid(QUICK, "target", name="tensor_grid_target"),
    Smoothed(),
]
CONDUCTION, WAVE = PROBLEMS["conduction"], PROBLEMS["wave"]
TASKS = {name: tiny(problem, learner=replace(TRAINED, problem=problem)) for name, problem in PROBLEMS.items()}


def judged(task, model):
    """All that a task says about a model."""
    return (
        [task.risk(model, split) for split in ("train", "validation", "test")],
        task.metrics(model),
        task.jet(model, task.data.target.x),
    )


def learned(learner):
    def compute(task, draw):
        asked = replace(task, learner=learner(task))
        return judged(asked, asked.fit(asked.train, draw))

    return compute


LEARNERS = {
    "fast training": lambda task: PhysicsNetwork(task.problem, SMALL, FastTraining(3), at_set=0.1),
    "with physics": lambda task: PhysicsNetwork(task.problem, SMALL, FastTraining(3), 0.0, task.physics),
    "quasi-Newton": lambda task: PhysicsNetwork(task.problem, SMALL, QuasiNewton(first=FastTraining(2), iterations=2)),
    "affine ridge": lambda task: AffineRidge(task.problem),
    "collocation": lambda task: KernelCollocation(task.problem, ARD((0.5,) * len(task.problem.box) + (2.0,))),
}


MADE = {
    "draw_data": lambda problem, draw: draw_data(problem, 2, draw, alphas=3, positions=2, grid=(2, 3)),
    "physics": lambda problem, draw: physics(problem, 3, 2, draw, interior=3, alphas=2),
    "sobol": lambda problem, draw: scatter(problem, 3, 2, draw),
    "uniform": lambda problem, draw: scatter(problem, 3, 2, draw, design="uniform"),
    "released": lambda problem, draw: released_data(CONDUCTION, 2, draw, True, alphas=2),
}


TRAINING, POOLED, SOLVED = (
    Wait(NUMBER, f"ddlib.{where}")
    for where in ("pinn.learners.learner.PhysicsNetwork.train", "methods.pooled.Pooled._restarted", "pinn.teachers.labels._factor")
)
SEARCH = "ddlib.methods.derivative_free.DerivativeFree.update"
TRAINED_ONCE = {TRAINING: 2}  # a set without weights is refused, and a training that diverges
WEIGHED = {Wait(NUMBER, "ddlib.learners.check._remembered"): 1}  # a negative weight is refused
UPDATES = {  # what an update waits for at I3, and at the other levels at most
    # nevergrad proposes on the CPU and is told there
    "derivative_free": TRAINED_ONCE | WEIGHED | {Wait(COPY, f"{SEARCH}.<locals>.<listcomp>"): 2, Wait(COPY, SEARCH): 1},
    # fresh networks are drawn only if one starts again
    **{name: {POOLED: 1} for name in ("unrolled", "teacher_matching", "gradient_matching")},
    # a kernel matrix that is singular is refused, once for the slope, and before and after each linearisation of the labels
    "kernel_matching": {SOLVED: 1},
    "kernel_distillation": {SOLVED: 4},
}


@everywhere
@pytest.mark.parametrize("problem", PROBLEMS.values(), ids=lambda problem: problem.name)
def test_every_problem(problem, dtype, draws):
    def compute(task, draw):
        return judged(task, task.reference), problem.boundary(task.train.x[..., -1]), task.start(3, draw)

    agrees(compute, TASKS[problem.name], dtype, draws)


@pytest.mark.parametrize("name", MADE)
def test_what_is_made_of_a_generator_alone_lies_on_its_device(name):
    for problem in (CONDUCTION, WAVE):
        agrees(lambda data, draw, problem=problem: MADE[name](problem, draw), None)


@everywhere
@pytest.mark.parametrize(("problem", "level"), [(CONDUCTION, 3), (PROBLEMS["Burgers"], 0), (WAVE, 1)], ids=["I3", "I0", "I1"])
@pytest.mark.parametrize("method", METHODS, ids=lambda method: method.name)
def test_every_method(method, problem, level, dtype, draws):
    task = tiny(problem, level, replace(TRAINED, problem=problem))
    waits = agrees(distilling(method, 4), task, dtype, draws)
    if draws == DEVICE:
        expected = UPDATES.get(method.name, TRAINED_ONCE)
        assert waits == expected if level == 3 else waits <= Counter(expected)


@pytest.mark.parametrize("name", ["fast training", "with physics"])
def test_a_step_of_training_waits_for_nothing(name):
    """Two refusals before and after the whole of it, and as many after one step more."""

    def steps(count):
        def compute(task, draw):
            learner = LEARNERS[name](task)
            return learner.train(learner.initial(task.train, draw), task.train, count)

        return compute

    assert agrees(steps(2), TASKS["wave"]) == agrees(steps(3), TASKS["wave"]) == TRAINED_ONCE | WEIGHED


@everywhere
@pytest.mark.parametrize("name", LEARNERS)
@pytest.mark.parametrize("problem", ["conduction", "wave"])
def test_every_learner(problem, name, dtype, draws):
    agrees(learned(LEARNERS[name]), TASKS[problem], dtype, draws)
