import pytest
import torch

from ddlib.learners import NearestNeighbour
from ddlib.methods.zeroth_order import ZerothOrder
from ddlib.problem import distil
from ddlib.tasks import ClassificationTask, LogisticTask
from ddlib.tasks.splits import Splits
from tests.ddlib.dbn.world import generator, merge_task
from tests.ddlib.methods.bowl import Bowl
from tests.ddlib.worlds import class_data, random_data


def test_one_step_is_the_published_formula():
    task = merge_task(objective="leave_one_out")
    method = ZerothOrder(sigma=0.05, lr=0.3, directions=4)
    state = method.init(task, 8, generator())
    after, info = method.update(task, state, generator(7))
    draw = generator(7)
    block = task.blocks(state.distilled)[int(torch.randint(3, (), generator=draw))]
    delta = torch.randn(4, 2, len(block.rows), 3, 4, dtype=torch.float64, generator=draw)
    base = block.risk(task.fit(state.distilled))
    gradient = torch.zeros_like(delta[0])
    for k in range(4):
        x = state.distilled.x.clone()
        x[:, block.rows] += 0.05 * delta[k]
        gradient += delta[k] * ((block.risk(task.fit(state.distilled._replace(x=x))) - base) / 0.05).view(2, 1, 1, 1) / 4
    expected = state.distilled.x.clone()
    expected[:, block.rows] -= 0.3 * gradient
    torch.testing.assert_close(after.distilled.x, expected, rtol=1e-9, atol=1e-9)
    torch.testing.assert_close(info.surrogate, base)


@pytest.mark.parametrize("antithetic", [False, True])
def test_many_directions_give_the_gradient(antithetic):
    task = Bowl()
    method = ZerothOrder(sigma=1e-3, lr=1.0, directions=100_000, antithetic=antithetic)
    state = method.init(task, 3, generator())
    after, _ = method.update(task, state, generator(1))
    gradient = (2 * (task.fit(state.distilled) - task.target) / 3).unsqueeze(1).expand(-1, 3, -1)
    torch.testing.assert_close(state.distilled.x - after.distilled.x, gradient, rtol=0, atol=0.05)


@pytest.mark.parametrize("antithetic", [False, True])
def test_many_directions_point_along_the_gradient_of_a_smooth_risk(antithetic):
    task = LogisticTask(random_data(0), 2)
    method = ZerothOrder(sigma=1e-3, lr=1.0, directions=4000, antithetic=antithetic)
    state = method.init(task, 3, generator())
    x = state.distilled.x.clone().requires_grad_()
    (gradient,) = torch.autograd.grad(task.risk(task.fit(state.distilled._replace(x=x))).sum(), x)
    moved = state.distilled.x - method.update(task, state, generator(1))[0].distilled.x
    assert (torch.cosine_similarity(moved.flatten(1), gradient.flatten(1)) > 0.99).all()


@pytest.mark.parametrize("antithetic", [False, True])
@pytest.mark.parametrize("one_batch", [False, True])
def test_the_surrogate_is_the_smoothed_risk(antithetic, one_batch):
    """Of a bowl with m points in two dimensions: the mean of the points moves with variance σ²/m along each axis."""
    task, method = (
        Bowl(),
        ZerothOrder(sigma=0.6, directions=20_000 if one_batch else 2000, antithetic=antithetic, one_batch=one_batch),
    )
    chosen = task.start(3, generator())
    expected = task.risk(task.fit(chosen)) + 2 * 0.6**2 / 3
    torch.testing.assert_close(method.surrogate(task, chosen, generator()), expected, rtol=0.05 if one_batch else 0.15, atol=0)


def test_a_learner_without_gradient_is_served():
    """The nearest neighbour's loss is a step function; smoothing it gives it a slope."""
    splits = Splits(*(class_data(seed, (5, 5, 5), 2, replicates=2) for seed in (4, 5, 6)))
    task = ClassificationTask(splits, NearestNeighbour())
    method = ZerothOrder(sigma=0.5, lr=1.0, directions=8, antithetic=True, one_batch=False)
    start, chosen = (distil(method, task, 3, steps, generator())[0] for steps in (0, 12))
    before, after = (task.training_loss(task.fit(distilled)) for distilled in (start, chosen))
    assert (after < before).all() and after.mean() < 0.8 * before.mean()
    batch, loop = (distil(ZerothOrder(antithetic=True, one_batch=one), task, 3, 2, generator())[0] for one in (True, False))
    assert torch.equal(batch.x, loop.x)


@pytest.mark.parametrize("antithetic", [False, True])
def test_a_loop_gives_what_the_batch_gives(antithetic):
    task = merge_task(objective="leave_one_out")
    batch, loop = (
        distil(ZerothOrder(directions=3, antithetic=antithetic, one_batch=one), task, 8, 5, generator())[0] for one in (True, False)
    )
    torch.testing.assert_close(batch.x, loop.x, rtol=1e-9, atol=1e-9)


def test_lowers_the_risk():
    task = merge_task(objective="leave_one_out")
    start = distil(ZerothOrder(), task, 10, 0, generator())[0]
    chosen = distil(ZerothOrder(sigma=0.05, lr=0.2), task, 10, 150, generator())[0]
    assert (task.risk(task.fit(chosen)) < task.risk(task.fit(start)) - 0.1).all()


def test_same_seed_bitwise_the_same():
    task = merge_task(objective="leave_one_out")
    first, second = (distil(ZerothOrder(), task, 8, 5, generator(3))[0] for _ in range(2))
    assert torch.equal(first.x, second.x)


@pytest.mark.parametrize("options", [{"sigma": 0.0}, {"lr": -1.0}, {"lr": float("nan")}, {"directions": 0}])
def test_clear_errors(options):
    with pytest.raises(ValueError, match="must be positive"):
        ZerothOrder(**options)
