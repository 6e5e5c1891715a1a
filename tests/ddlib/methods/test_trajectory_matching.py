import pytest
import torch
from hypothesis import assume, given, settings
from hypothesis import strategies as st

from ddlib.learners import Network, Training, ridge
from ddlib.methods import TrajectoryMatching, from_moments, matched_moments
from ddlib.methods.trajectory_matching import Experts
from ddlib.problem import Distilled, distil
from ddlib.tasks import EmpiricalTask
from tests.ddlib.worlds import any_set, class_data, diabetes, generator, random_data, seeds

LINEAR = Network((), bias=False, mean=False)
RATIOS = [(5, 10), (3, 7), (4, 4), (4, 3)]  # steps of the student for steps of the expert


def moments(data):
    rows = data.x * data.w.unsqueeze(-1)
    return rows.mT @ data.x, (rows.mT @ data.y.unsqueeze(-1)).squeeze(-1)


def inverse_curvature(data):
    return 1 / torch.linalg.eigvalsh(moments(data)[0])[..., -1].max().item()


def matching(student, stride, lr, **options):
    """With full-batch descent of one step size on both sides."""
    options = {"network": LINEAR, "relative": False, "latest": 4, "experts": 3, **options}
    return TrajectoryMatching(
        expert=Training(stride + 4, lr, "sgd"), student=Training(student, lr, "sgd"), stride=stride, **options
    )


@given(seeds, st.sampled_from(RATIOS), st.floats(0.1, 0.99))
@settings(max_examples=20)
def test_matched_moments_are_optimal_and_keep_the_minimiser(seed, steps, share):
    data = random_data(seed)
    data = data._replace(w=torch.rand(data.w.shape, generator=generator(seed), dtype=torch.float64) + 0.1)
    assume(torch.linalg.cond(moments(data)[0][0]) < 1e4)
    (student, stride), lr = steps, share * inverse_curvature(data)
    a, b = matched_moments(data, lr, student, stride)
    chosen = from_moments(a, b)
    assert chosen.budget == 3
    torch.testing.assert_close(moments(chosen), (a, b))
    for draw in range(4):
        assert (matching(student, stride, lr).surrogate(EmpiricalTask(data), chosen, generator(draw)) < 1e-20).all()
    least_squares = ridge(data, 0.0)
    assert ((ridge(chosen, 0.0) - least_squares).norm() < 1e-10 * least_squares.norm()).item()
    if student == stride:
        torch.testing.assert_close((a, b), moments(data))


def test_the_same_data_give_the_same_bits_wherever_they_lie_in_memory():
    data = diabetes()
    lr = 0.5 * inverse_curvature(data)
    found, held = set(), []
    for size in range(1, 60):
        held.append(bytearray(977 * size))  # moves what is allocated next
        found.add(matched_moments(data, lr, 2, 3)[1].numpy().tobytes())
    assert len(found) == 1


def test_the_curvature_is_not_kept_so_that_ridge_regression_is_served_badly():
    """On the diabetes data at a penalty of 10, by tens of per cent; hardly by the step size."""
    data = diabetes()
    exact = ridge(data, 10.0)
    for student, stride, share, off in [(5, 10, 0.5, 0.188), (5, 10, 0.1, 0.188), (3, 7, 0.99, 0.233), (5, 20, 0.5, 0.394)]:
        chosen = from_moments(*matched_moments(data, share * inverse_curvature(data), student, stride))
        assert ((ridge(chosen, 10.0) - exact).norm() / exact.norm()).item() == pytest.approx(off, abs=0.001)
        assert ((ridge(chosen, 0.0) - ridge(data, 0.0)).norm() / ridge(data, 0.0).norm()).item() < 1e-10


@given(seeds)
@settings(max_examples=10)
def test_a_step_that_overshoots_has_a_set_only_for_whole_ratios(seed):
    data = random_data(seed)
    lr = 1.5 * inverse_curvature(data)
    with pytest.raises(ValueError, match="3/2 steps are no whole number"):
        matched_moments(data, lr, 2, 3)
    a, b = matched_moments(data, lr, 2, 4)
    value = matching(2, 4, lr).surrogate(EmpiricalTask(data), from_moments(a, b), generator())
    assert (value < 1e-20).all()


def test_no_set_has_negative_moments_and_singular_ones_are_met_in_their_span():
    with pytest.raises(ValueError, match="negative eigenvalue"):
        from_moments(torch.diag(torch.tensor([1.0, -0.5]).double())[None], torch.ones(1, 2).double())
    data = any_set(random_data(0), 2, 0)  # two points in three dimensions
    torch.testing.assert_close(moments(from_moments(*moments(data))), moments(data))


@pytest.mark.parametrize("relative", [False, True])
@pytest.mark.parametrize("mean", [False, True])
def test_experts_go_the_way_of_plain_descent(relative, mean):
    data = Distilled(*(torch.cat(parts) for parts in zip(random_data(0), random_data(1), strict=True)))
    network, lr = Network((), bias=False, mean=mean), 0.3 if relative else 1e-3
    method = TrajectoryMatching(network=network, expert=Training(6, lr, "sgd"), stride=2, latest=3, experts=2, relative=relative)
    paths = method.remember(EmpiricalTask(data, 2), generator()).paths
    assert paths.shape == (2, 7, 2, 3) and (paths[0, 0] != paths[1, 0]).all()
    a, b = (part / (20 if mean else 1) for part in moments(data))
    step = lr / torch.linalg.eigvalsh(a).amax(-1).view(2, 1) if relative else lr  # each replicate has a step size of its own
    theta = paths[:, 0]
    for age in range(1, 7):
        theta = theta - step * ((a @ theta.unsqueeze(-1)).squeeze(-1) - b)
        torch.testing.assert_close(paths[:, age], theta)


def test_the_surrogate_is_the_relative_distance_of_the_ends():
    data, method = random_data(2), matching(2, 3, 1e-3, latest=0, experts=1)
    task, chosen = EmpiricalTask(data), any_set(random_data(2), 4, 1)
    paths = method.remember(task, generator()).paths
    theta, goal = paths[0, 0], paths[0, 3]
    for _ in range(2):
        residual = chosen.y - (chosen.x @ theta.unsqueeze(-1)).squeeze(-1)
        theta = theta + 1e-3 * (chosen.x.mT @ (chosen.w * residual).unsqueeze(-1)).squeeze(-1)
    expected = (theta - goal).square().sum(-1) / (paths[0, 0] - goal).square().sum(-1)
    torch.testing.assert_close(method.surrogate(task, chosen, generator(), Experts(paths, None)), expected)


def test_students_begin_at_every_age_up_to_the_latest_of_every_expert():
    task, chosen = EmpiricalTask(random_data(2)), any_set(random_data(2), 4, 1)
    method, alone = matching(2, 3, 1e-3, latest=2, experts=2), matching(2, 3, 1e-3, latest=0, experts=1)
    memory = method.remember(task, generator())
    paths = memory.paths
    starts = [Experts(paths[e : e + 1, t:], memory.lr) for e in range(2) for t in range(3)]
    allowed = {alone.surrogate(task, chosen, generator(), start).item() for start in starts}
    assert len(allowed) == 6
    assert {method.surrogate(task, chosen, generator(seed), memory).item() for seed in range(80)} == allowed


@pytest.mark.parametrize("optimiser", ["sgd", "adam"])
def test_the_surrogate_has_the_gradient_of_its_values(optimiser):
    method = TrajectoryMatching(
        network=Network((3,), "tanh"), expert=Training(6, 0.1, optimiser), student=Training(3, 0.1, optimiser), stride=3, latest=2
    )
    task = EmpiricalTask(class_data(0))
    parts = [part.requires_grad_() for part in any_set(task.train, 3, 1)]
    memory = method.remember(task, generator())
    assert torch.autograd.gradcheck(lambda *parts: method.surrogate(task, Distilled(*parts), generator(), memory), parts)


def test_descent_lowers_the_distance():
    method = TrajectoryMatching(lr=0.1, horizon=150, learn=("x", "y"))
    _, history = distil(method, EmpiricalTask(random_data(0), 2), 3, 150, generator())
    path = torch.stack([info.surrogate for info in history])
    assert (path[-20:].mean(0) < 0.3 * path[:20].mean(0)).all()


@pytest.mark.parametrize(
    ("options", "message"),
    [
        ({"stride": 0}, "give the expert more steps"),
        ({"latest": -1}, "give the expert more steps"),
        ({"latest": 21}, "give the expert more steps"),
        ({"student": Training(0)}, "at least 1 step"),
        ({"experts": 0}, "at least 1 expert"),
    ],
)
def test_clear_errors(options, message):
    with pytest.raises(ValueError, match=message):
        TrajectoryMatching(**options)
