"""DeepXDE as an independent implementation: residuals, training, and no traces left behind."""

import os
import subprocess
import sys

import numpy as np
import pytest
import torch

from ddlib.pinn import PROBLEMS, FastTraining, PhysicsNetwork, Poisson, TanhNetwork, autograd_jet, jet, physics, scatter
from ddlib.pinn import deepxde_bridge as bridge
from ddlib.problem import Distilled
from tests.ddlib.worlds import generator

named = pytest.mark.parametrize("problem", PROBLEMS.values(), ids=lambda problem: problem.name)


def one_set(problem, count=6, seed=0):
    return problem.rows(*problem.split(scatter(problem, count, 1, generator(seed), "both")))


@named
def test_residuals_by_three_ways(problem):
    network, data = TanhNetwork((7, 6)), one_set(problem, 11)
    theta = network.initial(data, generator(1))
    theta = theta + 0.2 * torch.randn(theta.shape, generator=generator(2), dtype=theta.dtype)
    taylor = problem.residual_at(jet(network, theta, data.x, problem.timed), data.x)
    torch_s = problem.residual_at(autograd_jet(lambda z: network.predict(theta, z).squeeze(-1), data.x, problem.timed), data.x)
    net = bridge.parameters(network, theta[0], problem.dimension)
    dde = bridge.load()
    z = data.x[0].clone().requires_grad_()
    dde.grad.clear()
    theirs = problem.deepxde(dde, z, net(z)).squeeze(-1)
    dde.grad.clear()
    assert theirs.shape == (11,)
    assert (taylor[0] - theirs).abs().max() < 1e-10
    assert (taylor - torch_s).abs().max() < 1e-10


@pytest.mark.parametrize("name", ["Poisson", "wave"])
@pytest.mark.parametrize("at_set", [True, False])
def test_both_train_to_the_same_network(name, at_set, monkeypatch):
    """From the same initial weights, a hundred steps of Adam lead to the same predictions."""
    problem, network, steps = PROBLEMS[name], TanhNetwork((8, 8)), 100
    data, points = one_set(problem), physics(problem, 3, 1, generator(3), interior=8, alphas=2)
    points = None if at_set else points
    ours = PhysicsNetwork(problem, network, FastTraining(steps), float(at_set), points)
    if points is not None:  # DeepXDE's loss has the labels and the boundary values as two means, as ours has
        assert points.boundary.budget > 0
    theta = ours.initial(data, generator(1))
    start = bridge.parameters(network, theta[0], problem.dimension)
    dde = bridge.load()
    monkeypatch.setattr(dde.nn, "FNN", lambda *_: start)
    theirs = bridge.train(problem, data, points, at_set, network.widths, steps)
    units = scatter(problem, 40, 1, generator(4), "both")
    assert (ours.predict(ours.train(theta, data), units) - theirs.predict(units)).abs().max() < 1e-8


def test_final_errors_lie_within_the_spread_of_seeds():
    problem, steps = Poisson(), 100
    data = one_set(problem, 10)
    ours = PhysicsNetwork(problem, TanhNetwork((10, 10)), FastTraining(steps, 5e-3), at_set=1.0)
    many = Distilled(*(part.expand(12, *part.shape) for part in data))
    units = scatter(problem, 100, 1, generator(4), "both")
    exact = problem.exact_at(units)

    def error(u):
        return ((u - exact).norm(dim=-1) / exact.norm()).flatten().numpy()

    mine = error(ours.predict(ours.fit(many, generator()), units))
    other = np.array(
        [error(bridge.train(problem, data, None, True, (10, 10), steps, 5e-3, seed).predict(units)) for seed in range(3)]
    )
    assert mine.min() - 3 * mine.std() < other.min()
    assert other.max() < mine.max() + 3 * mine.std()


def test_a_seed_is_a_network_and_labels_matter():
    problem, data = Poisson(), one_set(Poisson())
    units = data.x
    first, again = (bridge.train(problem, data, widths=(5,), steps=5, seed=3).predict(units) for _ in range(2))
    assert torch.equal(first, again)
    assert not torch.equal(first, bridge.train(problem, data, widths=(5,), steps=5, seed=4).predict(units))
    shifted = data._replace(y=data.y + 1)
    assert not torch.equal(first, bridge.train(problem, shifted, widths=(5,), steps=5, seed=3).predict(units))
    assert len(bridge.train(problem, data, physics(problem, 3, 1, generator()), True, (5,), 2).losses) == 3


def test_nothing_global_changes():
    bridge.load()
    torch.manual_seed(5)
    np.random.seed(5)  # noqa: NPY002
    before = torch.get_rng_state(), np.random.get_state()[1].copy(), torch.get_default_dtype(), torch.get_default_device()  # noqa: NPY002
    bridge.train(Poisson(), one_set(Poisson()), widths=(3,), steps=2, seed=1)
    after = torch.get_rng_state(), np.random.get_state()[1], torch.get_default_dtype(), torch.get_default_device()  # noqa: NPY002
    assert torch.equal(before[0], after[0])
    assert np.array_equal(before[1], after[1])
    assert before[2:] == after[2:]
    assert torch.are_deterministic_algorithms_enabled() is False


def test_importing_it_writes_no_file_at_home(tmp_path):
    environment = {name: value for name, value in os.environ.items() if name not in ("DDE_BACKEND", "DDEBACKEND")}
    environment |= {"HOME": str(tmp_path), "PYTHONPATH": os.pathsep.join(sys.path)}
    script = "from ddlib.pinn.deepxde_bridge import load; print(load().backend.backend_name)"
    found = subprocess.run([sys.executable, "-c", script], env=environment, capture_output=True, text=True, check=True)
    assert found.stdout == "pytorch\n"
    assert found.stderr == ""
    assert not (tmp_path / ".deepxde").exists()


def test_what_cannot_be_is_refused():
    data = one_set(Poisson())
    with pytest.raises(ValueError, match="nothing to train on"):
        bridge.train(Poisson())
    with pytest.raises(ValueError, match="one replicate"):
        bridge.train(Poisson(), Distilled(*(torch.cat([part, part]) for part in data)))
    with pytest.raises(ValueError, match="weights of one"):
        bridge.train(Poisson(), data._replace(w=2 * data.w))
