import pytest
import torch

from ddlib.learners.training import Training
from ddlib.methods.pooled import Pool, Pooled
from ddlib.problem import distil
from ddlib.tasks import RidgeTask
from tests.ddlib.worlds import generator, random_data

SGD = Training(1, 1e-4, "sgd")
ADAM = Training(1, 0.05)


def task():
    return RidgeTask(random_data(0), 2, "ridge", (1.0,))


@pytest.mark.parametrize("training", [SGD, ADAM])
def test_the_window_is_ordinary_training(training):
    """From fresh models, the pool's steps are those of Training."""
    world, method = task(), Pooled(training=training, pool=1, models=1, window=5, life=9)
    chosen = world.start(4, generator())
    fresh = world.initial(generator(3)).unsqueeze(0)
    zero = torch.zeros_like(fresh)
    with torch.no_grad():
        pool = method.train(
            world, chosen, Pool(fresh, zero, zero, torch.zeros(1, dtype=torch.long), torch.zeros(1, dtype=torch.long)), 5
        )
        run = Training(5, training.lr, training.optimiser).run(lambda theta: world.objective(theta, chosen), fresh)
    torch.testing.assert_close(pool.theta, run)
    assert pool.age.tolist() == [5]


@pytest.mark.parametrize("training", [SGD, ADAM])
def test_the_gradient_through_the_window_is_that_of_finite_differences(training):
    world, method = task(), Pooled(training=training, pool=3, models=2, window=4, life=9, learn=("x", "y"))
    state = method.init(world, 3, generator())
    x = state.current.x.clone().requires_grad_()
    phi = lambda where: method.surrogate(world, state.current._replace(x=where), generator(), state.memory)  # noqa: E731
    (slope,) = torch.autograd.grad(phi(x).sum(), x)
    for index in ((0, 0, 0), (1, 2, 1)):
        step = torch.zeros_like(x)
        step[index] = 1e-6
        ratio = (phi(x.detach() + step) - phi(x.detach() - step)).sum() / 2e-6
        torch.testing.assert_close(slope[index], ratio, rtol=1e-5, atol=1e-8)


def test_ages_begin_spread_out_and_end_with_a_life():
    world, method = task(), Pooled(training=SGD, pool=4, models=4, window=3, life=12, restart=0.0)
    state = method.init(world, 3, generator())
    assert state.memory.age.tolist() == [0, 3, 6, 9]
    for expected in ([3, 6, 9, 0], [6, 9, 0, 3]):
        state, _ = method.update(world, state, generator())
        assert state.memory.age.tolist() == expected
    always = Pooled(training=SGD, pool=4, models=2, window=3, life=12, restart=1.0)
    state, _ = always.update(world, always.init(world, 3, generator()), generator())
    assert (state.memory.age == 0).sum() >= 2


def test_the_pool_is_raised_once():
    raised = []

    class Counted(Pooled):
        def raise_pool(self, task, distilled, goal, generator):
            raised.append(goal)
            return super().raise_pool(task, distilled, goal, generator)

        def goal(self, task, generator):
            return "goal"

    world, method = task(), Counted(training=SGD, pool=2, models=1, window=2, life=4)
    assert distil(method, world, 3, 3, generator())[0].budget == 3
    assert raised == ["goal"]


def test_lowers_the_risk_and_is_reproducible():
    world = task()
    method = Pooled(training=ADAM, pool=4, models=4, window=5, life=40, lr=0.03, horizon=60, learn=("x", "y"), clip=1.0)
    start = distil(method, world, 5, 0, generator())[0]
    first, second = (distil(method, world, 5, 40, generator())[0] for _ in range(2))
    before, after = (method.surrogate(world, chosen, generator(7)) for chosen in (start, first))
    assert (after < before).all()
    assert torch.equal(first.x, second.x)


def test_clipping_bounds_the_gradient_and_drops_what_is_not_finite():
    from ddlib.methods.pooled import _clipped

    x = torch.ones(2, 3, 1, dtype=torch.float64, requires_grad=True)
    weights = torch.tensor([[3.0, 0, 4.0], [torch.inf, 0, 0]], dtype=torch.float64).unsqueeze(-1)
    (slope,) = torch.autograd.grad((_clipped(x, 1.0) * weights).sum(), x)
    torch.testing.assert_close(slope[..., 0], torch.tensor([[0.6, 0, 0.8], [0, 0, 0]], dtype=torch.float64))


@pytest.mark.parametrize(
    "options", [{"pool": 2, "models": 3}, {"window": 0}, {"window": 30, "life": 20}, {"restart": -0.1}, {"clip": 0.0}]
)
def test_clear_errors(options):
    with pytest.raises(ValueError, match=r"pool needs|probability"):
        Pooled(**options)
