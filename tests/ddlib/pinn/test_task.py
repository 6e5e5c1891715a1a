"""The task: its risks, what they may look at, and the learners that it takes."""

import dataclasses

import pytest
import torch

from ddlib.learners import RBF, KernelRidge
from ddlib.pinn import ARD, PROBLEMS, AffineRidge, FastTraining, PhysicsNetwork, PinnTask, Poisson
from ddlib.pinn.task import Weights
from ddlib.pinn.teachers.kernel import KernelCollocation
from ddlib.problem import Distilled, Task, regret
from ddlib.protocols import Optimised
from tests.ddlib.pinn.world import SMALL, every_problem, tiny
from tests.ddlib.worlds import generator


@every_problem
@pytest.mark.parametrize("level", [0, 1, 2, 3])
def test_a_task_of_every_problem_and_level(problem, level):
    task = tiny(problem, level, noise=0.0)
    assert isinstance(task, Task)
    assert isinstance(task, Optimised)
    assert task.name == f"{problem.name} I{level}"
    for split in ("train", "validation"):
        assert (task.risk(task.reference, split) < 1e-20).all()
    assert (task.risk(task.reference, "test") == 0).all()
    model = task.fit(task.start(4, generator()), generator())
    found = [task.risk(model, split) for split in ("train", "validation", "test")]
    assert all(part.shape == (2,) and bool((part > 0).all()) for part in found)
    assert torch.equal(regret(task, model, "test"), found[2])


@every_problem
def test_the_criterion_is_what_it_says(problem):
    task = tiny(problem)
    task = dataclasses.replace(task, weights=Weights(0.5, 2.0, 3.0))
    model = task.initial(generator())
    data, asked = task.data.validation, task.held_out
    spread = task.train.y.var(-1)
    labels = (task.predict(model, data.x) - data.y).square().mean(-1) / spread
    residual = problem.residual_at(task.jet(model, asked.interior), asked.interior).square().mean(-1) / problem.scale**2
    mismatch = (task.predict(model, asked.boundary.x) - asked.boundary.y).square().mean(-1) / spread
    assert torch.allclose(task.risk(model, "validation"), 0.5 * labels + 2 * residual + 3 * mismatch)
    assert not torch.allclose(task.risk(model, "validation"), task.risk(model, "train"))
    target = task.data.target
    assert torch.allclose(task.risk(model, "test"), (task.predict(model, target.x) - target.y).norm(dim=-1) / target.y.norm(dim=-1))


@every_problem
def test_learners_of_every_kind(problem):
    lengths = (0.4, 0.5, 0.7) if problem.timed else (0.4, 0.7)
    base = tiny(problem)
    learners = [
        PhysicsNetwork(network=SMALL, training=FastTraining(3)),
        PhysicsNetwork(problem, SMALL, FastTraining(3), physics=base.physics),
        KernelRidge(RBF(0.7), 1e-2),
        AffineRidge(problem, 3),
        KernelCollocation(problem, ARD(lengths), base.physics, 1e-4, steps=2),
    ]
    for learner in learners:
        task = dataclasses.replace(base, learner=learner)
        model = task.fit(task.train, generator())
        metrics = task.metrics(model)
        assert all(part.shape == (2,) and bool(part.isfinite().all()) for part in metrics)
        assert torch.equal(metrics.error, task.risk(model, "test").detach())
        assert bool(task.risk(model).isfinite().all())
        assert bool((task.metrics(model, "inside").error > 0).all())


def test_a_learner_without_derivatives_is_judged_by_its_predictions():
    class Constant:
        name = "constant"

        def fit(self, data, generator=None):
            return data.y.mean(-1, keepdim=True)

        def predict(self, model, x):
            return model.expand(*model.shape[:-1], x.shape[-2])

    task = tiny(Poisson(), learner=Constant())
    model = task.fit(task.train)
    assert bool(task.metrics(model).residual.isnan().all())
    assert bool(task.metrics(model).error.isfinite().all())
    with pytest.raises(ValueError, match="does not have"):
        task.risk(model)
    with pytest.raises(ValueError, match="minimises no objective"):
        task.initial(generator())
    assert bool(tiny(Poisson(), 0, Constant()).risk(model).isfinite().all())


def test_candidates_are_trained_and_judged_in_one_batch():
    task = tiny(PROBLEMS["wave"])
    sets = [task.start(4, generator(seed)) for seed in range(3)]
    many = Distilled(*(torch.stack(parts) for parts in zip(*sets, strict=True)))
    model = task.fit(many, generator())
    for split in ("train", "validation", "test"):
        risk = task.risk(model, split)
        assert risk.shape == (3, 2)
        assert torch.allclose(risk[1], task.risk(model[1], split))


def test_a_good_fit_with_physics_beats_one_without():
    problem = PROBLEMS["screened"]
    task = PinnTask.make(problem, 1, generator(), KernelRidge(RBF(0.7), 1e-3))
    physics = dataclasses.replace(task, learner=KernelCollocation(problem, ARD((0.5, 1.5)), task.physics, 1e-6))
    plain, full = task.metrics(task.fit(task.train)), physics.metrics(physics.fit(physics.train))
    assert full.error < 0.2 * plain.error
    assert full.residual < plain.residual
    assert full.mismatch < plain.mismatch


def test_the_released_setting():
    task = PinnTask.released(Poisson(), 2, generator(), PhysicsNetwork(Poisson(), SMALL, FastTraining(3), at_set=1.0), alphas=4)
    assert task.train.budget == 72
    model = task.fit(task.start(5, generator()), generator())
    relative = (task.predict(model, task.train.x) - task.train.y).square().mean(-1) / task.train.y.var(-1)
    assert torch.allclose(task.risk(model), relative)
    assert bool((task.label_error(task.start(5, generator())) == 0).all())


def test_precision_is_a_choice():
    problem = PROBLEMS["conduction"]
    learner = PhysicsNetwork(problem, SMALL, FastTraining(3), physics=tiny(problem).physics)
    task = tiny(problem, learner=learner).to(dtype=torch.float32)
    model = task.fit(task.train, generator())
    assert model.dtype == task.risk(model).dtype == task.risk(model, "test").dtype == torch.float32


def test_what_cannot_be_is_refused():
    task = tiny(Poisson())
    broken = task.data._replace(train=task.train._replace(y=task.train.y * torch.nan))
    with pytest.raises(ValueError, match="NaN"):
        dataclasses.replace(task, data=broken)
    with pytest.raises(ValueError, match="3 columns"):
        dataclasses.replace(task, problem=PROBLEMS["wave"])
    with pytest.raises(ValueError, match="weights of the criterion"):
        dataclasses.replace(task, weights=Weights(data=-1.0))
    with pytest.raises(ValueError, match="'target' or 'inside'"):
        task.metrics(task.reference, "train")
