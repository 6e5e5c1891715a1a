"""Bad input gets one sentence that says what is wrong and how to mend it, before any long work."""

import math
from dataclasses import replace

import pytest
import torch

from ddlib.learners.forest import RegressionForest
from ddlib.pinn import (
    PROBLEMS,
    AffineRidge,
    CollocationTeacher,
    FastTraining,
    KernelDistillation,
    KernelMatching,
    NetworkTeacher,
    PhysicsNetwork,
    PinnTask,
    Poisson,
    QuasiNewton,
    TeacherMatching,
    Wave,
    draw_data,
    physics,
    released_data,
    scatter,
    solve,
    tensor_grid,
)
from ddlib.pinn import deepxde_bridge as bridge
from ddlib.pinn.problems.law import Tails
from ddlib.pinn.task import Weights
from ddlib.pinn.teachers.kernel import ARD, KernelCollocation
from tests.ddlib.pinn.world import SMALL, tiny
from tests.ddlib.worlds import generator

P, G = Poisson(), generator()
QUICK = PhysicsNetwork(network=SMALL, training=FastTraining(3))
NEWTON = replace(QUICK, training=QuasiNewton(2, FastTraining(2)))
ROWS = P.rows(torch.linspace(-1, 1, 4, dtype=torch.float64).view(1, 4, 1), torch.ones(1, 4, dtype=torch.float64))
TWICE = physics(P, 1, 2, generator(), interior=3, alphas=1)
NOBODY = ROWS._replace(x=ROWS.x[:, :0], y=ROWS.y[:, :0], w=ROWS.w[:, :0])
ONE, HALF = torch.ones(1, dtype=torch.float64), torch.full((1,), 0.5, dtype=torch.float64)
PAIRS = [
    ({"lengths": ()}, "a kernel at least"),
    ({"lengths": 0.3}, "a kernel at least"),
    ({"lengths": ((0.3, -1.0),)}, "length of a kernel must be a positive number"),
    ({"lengths": ((0.3,),)}, "two lengths"),
    ({"lengths": (0.3, 0.5)}, "two lengths"),
]

DATA = {
    "no positions": (lambda: draw_data(P, 1, G, positions=0), "data need at least 1"),
    "half an alpha": (lambda: draw_data(P, 1, G, alphas=2.5), "all whole numbers"),
    "half a replicate": (lambda: draw_data(P, 1.5, G), "all whole numbers"),
    "one grid count": (lambda: draw_data(P, 1, G, grid=5), "two counts of grid points"),
    "no grid": (lambda: draw_data(P, 1, G, grid=()), "two counts of grid points"),
    "one row": (lambda: draw_data(P, 1, G, alphas=1, positions=1), "no spread"),
    "endless noise": (lambda: draw_data(P, 1, G, noise=math.inf), "a finite noise"),
    "noise is NaN": (lambda: draw_data(P, 1, G, noise=math.nan), "a finite noise"),
    "tails without names": (lambda: draw_data(P, 1, G, ("lower", "upper", 0.3)), r"tails must be Tails\(train"),
    "no mass": (lambda: draw_data(P, 1, G, Tails(mass=0.0)), "mass of a tail"),
    "no such tail": (lambda: physics(P, 0, 1, G, Tails("left")), "a tail is 'lower'"),
    "a name": (lambda: draw_data("Poisson", 1, G), r'PROBLEMS\["Poisson"\]'),
    "a class": (lambda: scatter(Poisson, 4, 1, G), "is not a problem"),
    "released, a name": (lambda: released_data("Poisson", 1, G), "is not a problem"),
    "released, no alpha": (lambda: released_data(P, 1, G, alphas=0), "values of α"),
    "nothing scattered": (lambda: scatter(P, 0, 1, G), "number of scattered units must be a whole number"),
    "scattered never": (lambda: scatter(P, 4, 0, G), "number of replicates must be a whole number"),
    "grid without alpha": (lambda: tensor_grid(P, 0, 3), "values of α must be a whole number"),
    "grid without positions": (lambda: tensor_grid(P, 3, 0), "positions must be a whole number"),
    "level 1.0": (lambda: physics(P, 1.0, 1, G), "information level"),
    "level 4": (lambda: physics(P, 4, 1, G), "information level"),
    "no sides": (lambda: physics(Wave(), 3, 1, G, sides=0), "points on a side"),
}
TASKS = {
    "a name": (lambda: PinnTask.make("Poisson", 1, G), r'PROBLEMS\["Poisson"\]'),
    "no interior": (lambda: PinnTask.make(P, 1, G, interior=0), "points of the equation on a tail"),
    "level 4": (lambda: PinnTask.make(P, 1, G, level=4), "information level"),
    "learner by name": (lambda: PinnTask.make(P, 1, G, learner="mlp"), "a learner has a name, fit and predict"),
    "learner by class": (lambda: PinnTask.make(P, 1, G, learner=PhysicsNetwork), "a learner has a name, fit and predict"),
    "weights are NaN": (lambda: tiny(P, weights=Weights(math.nan)), "weights of the criterion"),
    "weights without names": (lambda: tiny(P, weights=(1.0, 1.0, 1.0)), "weights of the criterion"),
}
LEARNERS = {
    "a name": (lambda: PhysicsNetwork("Poisson"), r'PROBLEMS\["Poisson"\]'),
    "ridge, a name": (lambda: AffineRidge("Poisson"), "is not a problem"),
    "collocation, a name": (lambda: KernelCollocation("Poisson", ARD((1.0, 1.0))), "is not a problem"),
    "half a degree": (lambda: AffineRidge(P, 1.5), "degree"),
    "collocation backwards": (lambda: KernelCollocation(P, ARD((1.0, 1.0)), steps=-1), "Gauss–Newton"),
    "negative weights": (lambda: QUICK.fit(ROWS._replace(w=-ROWS.w)), "weights must be 0 or more"),
    "weights of zero": (lambda: QUICK.fit(ROWS._replace(w=0 * ROWS.w)), "no unit has a positive weight"),
    "no units": (lambda: QUICK.fit(NOBODY), "no unit has a positive weight"),
    "steps backwards": (lambda: QUICK.train(QUICK.initial(ROWS, G), ROWS, steps=-1), "number of steps must be a whole number"),
    "Newton backwards": (lambda: NEWTON.train(NEWTON.initial(ROWS, G), ROWS, steps=-1), "number of steps of L-BFGS must be"),
    "half a step": (lambda: FastTraining(steps=1.5), "a whole number of 0 or more steps"),
    "a beta of one": (lambda: FastTraining(betas=(0.9, 1.0)), "two betas"),
    "a negative beta": (lambda: FastTraining(betas=(-0.1, 0.9)), "two betas"),
    "one beta": (lambda: FastTraining(betas=(0.9,)), "two betas"),
    "no epsilon": (lambda: FastTraining(epsilon=0.0), "epsilon must be a positive number"),
    "half a network": (lambda: FastTraining(group=1.5), "a group holds"),
    "half an iteration": (lambda: QuasiNewton(1.5), "whole numbers"),
    "half a memory": (lambda: QuasiNewton(history=1.5), "whole numbers"),
    "dtype by name": (lambda: QuasiNewton(dtype="float32"), "torch.float32 or torch.float64"),
    "dtype without fractions": (lambda: QuasiNewton(dtype=torch.int64), "torch.float32 or torch.float64"),
    "a forest's weights": (lambda: RegressionForest(1).fit(ROWS._replace(w=-ROWS.w)), "weights must be 0 or more"),
}
METHODS = {
    **{
        f"{kind.__name__} {at}": (lambda kind=kind, bad=bad: kind(**bad), words)
        for kind in (KernelMatching, KernelDistillation, CollocationTeacher)
        for at, (bad, words) in enumerate(PAIRS)
    },
    "matching nowhere": (lambda: KernelMatching(count=0), "a whole number of at least 2"),
    "networks matched at one point": (lambda: TeacherMatching(count=1).goal(tiny(P), G), "a whole number of at least 2"),
    "distillation backwards": (lambda: KernelDistillation(first=-1), "Gauss–Newton"),
    "distillation steps": (lambda: KernelDistillation(steps=1.5), "Gauss–Newton"),
    "negative damping": (lambda: KernelDistillation(damping=-1.0), "damping of kernel distillation"),
    "no centres": (lambda: CollocationTeacher(centres=0), "centres must be a whole number"),
    "negative penalty": (lambda: CollocationTeacher(penalty=-1.0), "a collocation penalty"),
    "negative first penalty": (lambda: CollocationTeacher(first=-1.0), "a first collocation penalty"),
    "teacher backwards": (lambda: CollocationTeacher(steps=-1), "Gauss–Newton"),
    "against the equation": (lambda: CollocationTeacher(residual=-1.0), "weight of the equation"),
    "half a teacher": (lambda: NetworkTeacher(1.5), "at least 1 network"),
    "against the boundary": (lambda: NetworkTeacher(mismatch=math.nan), "weight of the boundary values"),
}
SOLVER = {
    "a number": (lambda: solve(P, 1.0, HALF), "a vector with a value of α at least, but it is 1.0"),
    "no axis": (lambda: solve(P, ONE[0], HALF), "a vector with a value of α"),
    "no alpha": (lambda: solve(P, ONE[:0], HALF), "a vector with a value of α"),
    "position by number": (lambda: solve(P, ONE, 0.5), "a vector with a value of x"),
    "outside": (lambda: solve(P, ONE, 5 * HALF), "x = 2.5 does not lie between -1 and 1"),
    "NaN": (lambda: solve(P, ONE * math.nan, HALF), "α = nan does not lie"),
    "no tolerance": (lambda: solve(P, ONE, HALF, tolerance=-1.0), "tolerance of a solver"),
    "no such flow": (lambda: solve(PROBLEMS["Burgers"], 0 * ONE, HALF), "α = 0 does not lie between 0 and inf"),
    "a name": (lambda: solve("Poisson", ONE, HALF), "is not a problem"),
}
DEEPXDE = {
    "a name": (lambda: bridge.train("Poisson", ROWS), "is not a problem"),
    "columns": (lambda: bridge.train(Wave(), ROWS), "the units have 2 columns"),
    "no steps": (lambda: bridge.train(P, ROWS, steps=0), "number of steps of Adam"),
    "no layers": (lambda: bridge.train(P, ROWS, widths=()), "a hidden layer at least"),
    "an empty layer": (lambda: bridge.train(P, ROWS, widths=(3, 0)), "width of a hidden layer"),
    "no step size": (lambda: bridge.train(P, ROWS, lr=0.0), "step size of Adam"),
    "half precision": (lambda: bridge.train(P, ROWS, precision="half"), "the precision is"),
    "labels are NaN": (lambda: bridge.train(P, ROWS._replace(y=ROWS.y * math.nan)), "NaN or infinity"),
    "replicates inside": (lambda: bridge.train(P, physics=TWICE._replace(boundary=NOBODY)), "one replicate"),
    "replicates beside data": (lambda: bridge.train(P, ROWS, TWICE._replace(boundary=NOBODY)), "one replicate"),
    "only empty parts": (lambda: bridge.train(P, NOBODY, physics(P, 0, 1, G), True), "nothing to train on"),
}
EVERY = {
    f"{part}, {name}": case
    for part, cases in dict(data=DATA, task=TASKS, learner=LEARNERS, method=METHODS, solver=SOLVER, deepxde=DEEPXDE).items()
    for name, case in cases.items()
}


@pytest.mark.parametrize(("call", "words"), EVERY.values(), ids=EVERY)
def test_one_clear_sentence(call, words):
    with pytest.raises(ValueError, match=words) as caught:
        call()
    assert "\n" not in str(caught.value)


def test_the_least_that_is_allowed():
    assert draw_data(P, 1, generator(), alphas=2, positions=1, grid=(1, 1)).train.budget == 2
    assert scatter(P, 1, 1, generator()).shape == (1, 1, 2)
    assert tensor_grid(P, 1, 1).shape == (1, 2)
    assert torch.allclose(solve(P, ONE, P.box[0][0] + 0 * ONE), ONE.unsqueeze(-1))
    assert FastTraining(0, betas=(0.0, 0.0)).steps == 0


def test_physics_alone_is_enough_to_learn_from():
    asked = physics(P, 3, 1, generator(), interior=4, alphas=2)
    informed = replace(QUICK, problem=P, physics=asked)
    theta = informed.initial(NOBODY, generator())
    assert informed.objective(informed.train(theta, NOBODY, 50), NOBODY) < informed.objective(theta, NOBODY)


def test_an_error_of_a_learner_is_not_taken_for_a_lack_of_derivatives():
    class Broken(PhysicsNetwork):
        def jet(self, model, units, timed=False):
            raise ValueError("a fault of its own")

    task = tiny(P, learner=Broken(network=SMALL, training=FastTraining(2)))
    with pytest.raises(ValueError, match="a fault of its own"):
        task.metrics(task.fit(task.train, generator()))
    flat = replace(task, learner=RegressionForest(2))
    assert bool(flat.metrics(flat.fit(task.train)).residual.isnan().all())
