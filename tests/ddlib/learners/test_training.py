import pytest
import torch
from hypothesis import given, settings
from hypothesis import strategies as st

from ddlib.learners import Network, Training
from ddlib.problem import Distilled
from tests.ddlib.worlds import generator, seeds

OPTIMISERS = ["sgd", "adam"]


def valley(theta, centre=0.0):
    """A curved objective per replicate, whose gradient depends on the centre."""
    return ((theta - centre) ** 2 * torch.arange(1.0, 1 + theta.shape[-1])).sum(-1) / 5 + (theta * centre).sin().sum(-1)


def start(seed=0, replicates=2):
    return torch.randn(replicates, 3, generator=generator(seed), dtype=torch.float64)


@given(seeds, st.sampled_from(OPTIMISERS), st.integers(1, 30))
@settings(max_examples=20)
def test_the_steps_are_torchs(seed, optimiser, steps):
    training = Training(steps, 0.03, optimiser, (0.8, 0.95), 1e-12)
    theirs = start(seed).requires_grad_()
    kind = {"sgd": torch.optim.SGD, "adam": lambda p, lr: torch.optim.Adam(p, lr, (0.8, 0.95), 1e-12)}[optimiser]([theirs], lr=0.03)
    path = list(training.path(lambda theta: valley(theta, 0.7), start(seed)))
    assert len(path) == steps + 1 and torch.equal(path[0], start(seed))
    for ours in path[1:]:
        kind.zero_grad()
        valley(theirs, 0.7).sum().backward()
        kind.step()
        torch.testing.assert_close(ours, theirs.detach(), rtol=1e-9, atol=1e-10)
    assert torch.equal(training.run(lambda theta: valley(theta, 0.7), start(seed)), path[-1])


def unrolled_by_hand(training, centre, window):
    """The same steps with an explicit cut: what came before the window is a constant."""
    theta = start()
    first = second = torch.zeros_like(theta)
    for step in range(1, training.steps + 1):
        if step == training.steps - window + 1:
            theta, first, second = theta.detach(), first.detach(), second.detach()
        theta = theta if theta.requires_grad else theta.requires_grad_()
        (gradient,) = torch.autograd.grad(valley(theta, centre).sum(), theta, create_graph=True)
        if training.optimiser == "sgd":
            theta = theta - training.lr * gradient
        else:
            (b1, b2), t = training.betas, step
            first, second = b1 * first + (1 - b1) * gradient, b2 * second + (1 - b2) * gradient**2
            theta = theta - training.lr * first / (1 - b1**t) / (second / (1 - b2**t) + training.epsilon**2).sqrt()
    return theta


@pytest.mark.parametrize("optimiser", OPTIMISERS)
def test_the_gradient_goes_through_the_window_and_no_further(optimiser):
    training = Training(6, 0.1, optimiser)
    slopes = []
    for window in (1, 2, 4, 6):
        centre = torch.tensor(0.7, dtype=torch.float64, requires_grad=True)
        end = training.run(lambda theta, centre=centre: valley(theta, centre), start(), window)
        expected = unrolled_by_hand(training, centre, window)
        torch.testing.assert_close(end, expected)
        slopes += [torch.autograd.grad(value.square().sum(), centre)[0] for value in (end, expected)]
        torch.testing.assert_close(slopes[-2], slopes[-1])
    assert len({f"{slope:.9f}" for slope in slopes}) == 4  # each window has a gradient of its own
    centre = torch.tensor(0.7, dtype=torch.float64, requires_grad=True)
    end = training.run(lambda theta: valley(theta, centre), start(), None)
    torch.testing.assert_close(torch.autograd.grad(end.square().sum(), centre)[0], slopes[-1])


@pytest.mark.parametrize("optimiser", OPTIMISERS)
@pytest.mark.parametrize("steps", [1, 5])
def test_the_whole_path_has_the_gradient_of_its_values(optimiser, steps):
    training, centre = Training(steps, 0.1, optimiser), torch.tensor([0.3, 0.7, -0.4], dtype=torch.float64, requires_grad=True)
    theta = start().requires_grad_()
    assert torch.autograd.gradcheck(lambda c, theta: training.run(lambda t: valley(t, c), theta), (centre, theta))


@pytest.mark.parametrize("optimiser", OPTIMISERS)
def test_without_gradients_nothing_is_remembered(optimiser):
    centre = torch.tensor(0.7, dtype=torch.float64, requires_grad=True)
    training = Training(4, 0.1, optimiser)
    with torch.no_grad():
        quiet = training.run(lambda theta: valley(theta, centre), start())
    assert not quiet.requires_grad
    assert torch.equal(quiet, training.run(lambda theta: valley(theta, centre), start()).detach())


@pytest.mark.parametrize("optimiser", OPTIMISERS)
def test_replicates_do_not_touch_each_other(optimiser):
    training = Training(7, 0.1, optimiser)
    both = training.run(lambda theta: valley(theta, 0.7), start())
    for r in range(2):
        torch.testing.assert_close(both[r], training.run(lambda theta: valley(theta, 0.7), start()[r : r + 1])[0])


@pytest.mark.parametrize("optimiser", OPTIMISERS)
def test_where_the_objective_is_flat_there_is_a_gradient_of_zero_and_not_nan(optimiser):
    """Units that are dead have gradients of zero; Adam's root of their second moments has no slope without its epsilon."""
    network = Network((4,))
    x = torch.randn(1, 5, 3, generator=generator(), dtype=torch.float64).requires_grad_()
    y, w = torch.ones(1, 5, dtype=torch.float64), torch.ones(1, 5, dtype=torch.float64)
    theta = network.initial(Distilled(x.detach(), y, w), generator())
    theta[:, 12:14] = -100  # the biases of the first two units
    end = Training(5, 0.05, optimiser).run(lambda t: network.loss(t, Distilled(x, y, w)), theta)
    assert torch.equal(end[:, 12:14], theta[:, 12:14]) and (end[:, 14:16] != theta[:, 14:16]).any()
    (gradient,) = torch.autograd.grad(end.square().sum(), x)
    assert gradient.isfinite().all() and gradient.any()


def test_no_steps_leave_everything_as_it_was():
    assert torch.equal(Training(0).run(valley, start()), start())


@pytest.mark.parametrize(
    ("options", "message"),
    [
        ({"steps": -1}, "0 or more steps"),
        ({"lr": 0.0}, "a positive step size"),
        ({"lr": float("inf")}, "a positive step size"),
        ({"lr": float("nan")}, "a positive step size"),
        ({"optimiser": "descent"}, "must be 'sgd' or 'adam'"),
    ],
)
def test_clear_errors(options, message):
    with pytest.raises(ValueError, match=message):
        Training(**options)
