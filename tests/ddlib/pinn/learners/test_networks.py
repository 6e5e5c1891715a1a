"""Jets by three ways, the hand-written gradient against automatic differentiation, and training."""

import math

import pytest
import torch
from hypothesis import given, settings
from hypothesis import strategies as st

from ddlib.learners import Training
from ddlib.pinn import PROBLEMS, FastTraining, PhysicsNetwork, Poisson, TanhNetwork, Wave, autograd_jet, jet, physics, scatter
from ddlib.pinn.learners.equations import Equations, equations, loss
from ddlib.pinn.learners.taylor import TaylorPass
from ddlib.pinn.problems.problem import Jet
from ddlib.problem import Distilled
from tests.ddlib.worlds import generator

ALL = list(PROBLEMS.values())
named = pytest.mark.parametrize("problem", ALL, ids=lambda problem: problem.name)


def labelled(problem, count=6, replicates=2, seed=0):
    units = scatter(problem, count, replicates, generator(seed), design="uniform")
    return problem.rows(*problem.split(units))


def asked_of(problem, replicates=2, at_set=0.0, seed=0):
    data = labelled(problem, 6, replicates, seed)._replace(w=0.5 + torch.rand(replicates, 6, dtype=torch.float64))
    points = physics(problem, 3, replicates, generator(seed), interior=4, alphas=2)
    return data, equations(data, at_set, points.interior, points.boundary, 0.3, 2.0)


def started(problem, widths, replicates=2, seed=1):
    network = TanhNetwork(widths)
    theta = network.initial(labelled(problem, 6, replicates), generator(seed))
    return network, theta + 0.1 * torch.randn(theta.shape, generator=generator(seed), dtype=theta.dtype)


@named
@pytest.mark.parametrize("widths", [(5,), (7, 4), (6, 5, 8)])
def test_taylor_propagation_is_automatic_differentiation(problem, widths):
    network, theta = started(problem, widths)
    units = labelled(problem).x
    ours = jet(network, theta, units, problem.timed)
    other = autograd_jet(lambda z: network.predict(theta, z).squeeze(-1), units, problem.timed)
    assert (ours.u_t is None) == (not problem.timed)
    for mine, theirs in zip(ours, other, strict=True):
        if mine is not None:
            assert (mine - theirs).abs().max() < 1e-12
    assert (problem.residual_at(ours, units) - problem.residual_at(other, units)).abs().max() < 1e-10


@settings(max_examples=20, deadline=None)
@given(
    st.sampled_from(ALL),
    st.lists(st.integers(1, 7), min_size=1, max_size=3),
    st.sampled_from([0.0, 0.7]),
    st.booleans(),
    st.integers(0, 2**31),
)
def test_the_gradient_by_hand_is_that_of_autograd(problem, widths, at_set, interior, seed):
    network, theta = started(problem, tuple(widths), seed=seed)
    data, asked = asked_of(problem, 2, at_set, seed)
    if not interior:
        asked = equations(data, at_set)
    k, n, timed = asked.residual_weights.shape[-1], asked.values.shape[-1], problem.timed
    passes = TaylorPass(network, theta, asked.points, k, timed and k > 0)
    out = passes.forward().clone().requires_grad_()
    u = out[:, :n]
    total = (asked.value_weights * (u - asked.values) ** 2).sum()
    if k:
        parts = out[:, n:].split(k, -1)
        r = problem.residual_at(Jet(u[:, :k], parts[0], parts[1], parts[2] if timed else None), asked.points[:, :k])
        total = total + (asked.residual_weights * r**2).sum()
    passes.backward(torch.autograd.grad(total, out)[0])
    by_hand = torch.cat(
        [p.flatten(1) for pair in zip(passes.weight_gradients, passes.bias_gradients, strict=True) for p in pair], -1
    )
    theta = theta.requires_grad_()
    value = loss(network, problem, theta, asked)
    (expected,) = torch.autograd.grad(value.sum(), theta)
    assert torch.allclose(passes.parameters(), theta, rtol=0, atol=0)
    assert total.item() == pytest.approx(value.sum().item(), rel=1e-11)
    assert torch.allclose(by_hand, expected, rtol=1e-9, atol=1e-11 * float(expected.abs().max()))


@named
def test_fast_training_is_torch_s_adam(problem):
    network, theta = started(problem, (6, 5))
    _, asked = asked_of(problem, 2, 0.5)
    fast = FastTraining(12, 0.01, final=0.2).run(network, problem, asked, theta)
    slow = theta.clone().requires_grad_()
    adam = torch.optim.Adam([slow], lr=0.01)
    for step in range(12):
        adam.param_groups[0]["lr"] = 0.01 * (0.2 + 0.8 * 0.5 * (1 + math.cos(math.pi * step / 12)))
        (slow.grad,) = torch.autograd.grad(loss(network, problem, slow, asked).sum(), slow)
        adam.step()
    assert (fast - slow).abs().max() < 1e-9


def test_groups_and_batches_do_not_change_a_network():
    problem = Poisson()
    network, theta = started(problem, (6, 5), 5)
    _, asked = asked_of(problem, 5)
    whole = FastTraining(20).run(network, problem, asked, theta)
    assert torch.equal(whole, FastTraining(20).run(network, problem, asked, theta))
    assert (whole - FastTraining(20, group=2).run(network, problem, asked, theta)).abs().max() < 1e-10
    single = Equations(*(part[3:4] for part in asked))
    assert (whole[3:4] - FastTraining(20).run(network, problem, single, theta[3:4])).abs().max() < 1e-10


def test_training_reduces_the_loss_and_its_step_size():
    problem = Poisson()
    learner = PhysicsNetwork(problem, TanhNetwork((16, 16)), FastTraining(400, 5e-3, final=0.1), at_set=0.01)
    data = labelled(problem, 12)
    theta = learner.initial(data, generator())
    assert bool((learner.objective(learner.train(theta, data), data) < 0.05 * learner.objective(theta, data)).all())
    assert learner.training.rate(0, 100) == 5e-3
    assert learner.training.rate(100, 100) == pytest.approx(5e-4)


@pytest.mark.parametrize("dtype", [torch.float32, torch.float64])
def test_axes_and_precision_follow_the_data(dtype):
    problem = Wave()
    data = Distilled(*(part.to(dtype).expand(3, *part.shape) for part in labelled(problem, 5)))
    learner = PhysicsNetwork(problem, TanhNetwork((6, 5)), FastTraining(3), at_set=1.0)
    theta = learner.fit(data, generator())
    assert theta.shape == (3, 2, learner.network.parameters(3))
    assert theta.dtype == dtype
    assert learner.predict(theta, data.x[0]).shape == (3, 2, 5)
    assert not torch.equal(theta[0], theta[1])


def test_fresh_weights_are_glorot_uniform():
    network = TanhNetwork((40, 30))
    theta = network.initial(labelled(Poisson(), 2, 50), generator())
    for layer, (a, b) in zip(network.layers(theta, 2), [(2, 40), (40, 30), (30, 1)], strict=True):
        bound = math.sqrt(6 / (a + b))
        assert bool((layer.weight[..., -1, :] == 0).all())
        assert layer.weight[..., :-1, :].abs().max() == pytest.approx(bound, rel=0.02)
        assert layer.weight[..., :-1, :].std() == pytest.approx(bound / math.sqrt(3), rel=0.05)


def test_unrolled_gradients_are_finite_differences():
    problem = Poisson()
    learner = PhysicsNetwork(problem, TanhNetwork((5, 4)), at_set=0.1)
    data = labelled(problem, 3, 1)
    theta = learner.initial(data, generator())
    target = labelled(problem, 9, 1, 5)

    def risk(x, y):
        chosen = Distilled(x, y, data.w)
        found = Training(6, 0.02).run(lambda t: learner.objective(t, chosen), theta)
        miss = (learner.predict(found, target.x) - target.y).square().mean()
        return miss + problem.residual_at(learner.jet(found, target.x), target.x).square().mean()

    x, y = data.x.clone().requires_grad_(), data.y.clone().requires_grad_()
    assert torch.autograd.gradcheck(risk, (x, y), eps=1e-6, atol=1e-6, rtol=1e-4)


def test_what_cannot_be_is_refused():
    data = labelled(Poisson(), 3, 1)
    with pytest.raises(ValueError, match="no problem is given"):
        FastTraining(1).run(TanhNetwork((3,)), None, equations(data, 1.0), torch.zeros(1, 13, dtype=torch.float64))
    with pytest.raises(ValueError, match="give problem"):
        PhysicsNetwork(at_set=1.0)
    with pytest.raises(ValueError, match="weights of a loss"):
        PhysicsNetwork(Poisson(), residual=-1.0)
    with pytest.raises(ValueError, match="tanh"):
        TanhNetwork((3,), activation="relu")
    with pytest.raises(ValueError, match="step size"):
        FastTraining(lr=0.0)
    with pytest.raises(ValueError, match="group"):
        FastTraining(group=0)
    with pytest.raises(FloatingPointError, match="not finite"):
        PhysicsNetwork(network=TanhNetwork((3,)), training=FastTraining(3)).fit(data._replace(y=data.y * math.nan))
    with pytest.raises(ValueError, match="does not have"):
        autograd_jet(lambda z: z.detach().sum(-1), data.x)
