"""L-BFGS after Adam: gradients against autograd, the minimum of a linear problem, and a better PINN in as many passes."""

from dataclasses import replace

import pytest
import torch

from ddlib.pinn import PROBLEMS, FastTraining, PhysicsNetwork, PinnTask, QuasiNewton, TanhNetwork
from ddlib.pinn.learners.equations import loss
from ddlib.pinn.learners.taylor import TaylorPass
from ddlib.pinn.learners.training import Misses
from tests.ddlib.worlds import generator

NETWORK = TanhNetwork((8, 8))


def informed(name: str = "Poisson", training=None) -> tuple[PinnTask, PhysicsNetwork]:
    task = PinnTask.make(PROBLEMS[name], 2, generator(), interior=24, alphas=4)
    learner = PhysicsNetwork(
        task.problem, NETWORK, training or QuasiNewton(30, FastTraining(10)), physics=task.physics, residual=task.problem.scale**-2
    )
    return task, learner


@pytest.mark.parametrize("name", ["Burgers", "wave"])
def test_the_total_and_its_slope_are_those_of_the_loss(name):
    task, learner = informed(name)
    theta = learner.initial(task.train, generator())
    asked = learner.equations(task.train)
    misses = Misses(task.problem, asked)
    passes = TaylorPass(NETWORK, theta, asked.points, misses.k, misses.timed)
    out = passes.forward()
    assert torch.allclose(misses.total(out), loss(NETWORK, task.problem, theta, asked), rtol=1e-12)
    leaf = out.clone().requires_grad_()
    (direct,) = torch.autograd.grad(misses.total(leaf).sum(), leaf)
    assert torch.allclose(misses.slope(out), direct, rtol=1e-10, atol=1e-12)


def test_it_goes_below_adam_and_every_replicate_on_its_own():
    task, learner = informed()
    theta = learner.initial(task.train, generator())
    adam = replace(learner, training=FastTraining(60)).train(theta, task.train)
    found = learner.train(theta, task.train)
    assert (learner.objective(found, task.train) < 0.5 * learner.objective(adam, task.train)).all()
    second = [part[1:] for part in task.train]
    alone = replace(
        learner, physics=type(task.physics)(task.physics.interior[1:], type(task.train)(*(p[1:] for p in task.physics.boundary)))
    )
    assert torch.allclose(alone.train(theta[1:], type(task.train)(*second)), found[1:], atol=1e-6)


def test_without_an_equation_it_fits_labels_and_keeps_the_precision():
    task, _ = informed()
    plain = PhysicsNetwork(network=NETWORK, training=QuasiNewton(20, FastTraining(5)))
    rows = type(task.train)(*(part[:, :10].float() for part in task.train))
    theta = plain.initial(rows, generator())
    found = plain.train(theta, rows)
    assert found.dtype == torch.float32
    assert (plain.objective(found, rows) < plain.objective(theta, rows)).all()
    assert plain.training.steps == 25
    assert torch.allclose(plain.train(theta, rows, 0), replace(plain, training=FastTraining(5)).train(theta, rows), atol=1e-5)


def test_no_iterations_are_refused():
    with pytest.raises(ValueError, match="at least 1 iteration"):
        QuasiNewton(0)
