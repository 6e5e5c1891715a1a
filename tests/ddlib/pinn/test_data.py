"""Measurements, grids, designs and information levels."""

import pytest
import torch

from ddlib.pinn import PROBLEMS, Poisson, Tails, Wave, draw_data, physics, released_data, scatter, tensor_grid
from ddlib.pinn.task import moved
from tests.ddlib.worlds import generator

ALL = list(PROBLEMS.values())
named = pytest.mark.parametrize("problem", ALL, ids=lambda problem: problem.name)


def flat(value):
    return (
        [value]
        if isinstance(value, torch.Tensor)
        else [x for part in value if not isinstance(part, str | float) for x in flat(part)]
    )


@named
def test_the_same_seed_gives_the_same_data_to_the_bit(problem):
    def everything(seed):
        g = generator(seed)
        return [*flat(draw_data(problem, 2, g)), *flat(physics(problem, 3, 2, g)), scatter(problem, 8, 2, g)]

    first, again, other = everything(3), everything(3), everything(4)
    assert all(torch.equal(a, b) for a, b in zip(first, again, strict=True))
    assert not torch.equal(first[0], other[0])


@named
def test_training_and_target_lie_on_opposite_tails(problem):
    data = draw_data(problem, 3, generator())
    rows = 400 if problem.timed else 200
    assert data.train.x.shape == data.validation.x.shape == (3, rows, problem.dimension)
    top, bottom = problem.law.interval("lower", 0.3)[1], problem.law.interval("upper", 0.3)[0]
    for part in (data.train, data.validation, data.inside):
        assert bool((part.x[..., -1] < top).all())
    assert bool((data.target.x[..., -1] > bottom).all())
    assert len(data.train.x[0, :, -1].unique()) == 20
    assert not torch.equal(data.train.x[0], data.train.x[1])
    assert torch.equal(data.target.y, problem.exact_at(data.target.x))


@pytest.mark.parametrize("noise", [0.0, 0.05, 0.2])
def test_noise_is_a_share_of_the_spread(noise):
    problem = Poisson()
    data = draw_data(problem, 40, generator(), noise=noise)
    exact = problem.exact_at(data.train.x)
    share = (data.train.y - exact).std(-1) / exact.std(-1)
    assert share.mean() == pytest.approx(noise, rel=0.02)
    assert torch.equal(data.inside.y, problem.exact_at(data.inside.x))


def test_the_release_trains_and_tests_on_the_same_draws():
    data = released_data(Poisson(), 2, generator())
    assert data.train.x.shape == (2, 1800, 2)
    assert data.target.x.shape == (2, 10_000, 2)
    assert torch.equal(data.train.y, Poisson().exact_at(data.train.x))
    assert torch.equal(data.train.x[0, :, 1].unique(), data.target.x[0, :, 1].unique())
    assert int((data.train.x[..., 0].abs() == 1).sum()) == 2 * 100 * 2
    opposite = released_data(Poisson(), 2, generator(), opposite=True)
    assert opposite.train.x[..., 1].max() < opposite.target.x[..., 1].min()
    with pytest.raises(ValueError, match="no time"):
        released_data(Wave(), 1, generator())


@named
def test_levels_add_what_they_say(problem):
    asked = [physics(problem, level, 2, generator(), interior=16, alphas=4) for level in (0, 1, 2, 3)]
    assert [part.interior.shape[1] for part in asked] == [0, 16, 32, 32]
    each = problem.boundary(torch.ones(4, dtype=torch.float64), 4).budget
    assert [part.boundary.budget for part in asked] == [0, each, each, 2 * each]
    top, bottom = problem.law.interval("lower", 0.3)[1], problem.law.interval("upper", 0.3)[0]
    assert bool((asked[1].interior[..., -1] < top).all())
    assert bool((asked[2].interior[:, 16:, -1] > bottom).all())
    assert bool((asked[2].boundary.x[..., -1] < top).all())
    assert bool((asked[3].boundary.x[:, each:, -1] > bottom).all())
    assert (problem.exact_at(asked[3].boundary.x) - asked[3].boundary.y).abs().max() < 1e-14
    with pytest.raises(ValueError, match="information level"):
        physics(problem, 4, 2, generator())


@named
def test_designs_fill_the_target_tail(problem):
    low, high = problem.law.interval("upper", 0.3)
    middle = float(problem.law.grid("upper", 0.3, 1))
    for design in ("sobol", "uniform"):
        units = scatter(problem, 64, 2, generator(), design=design)
        assert units.shape == (2, 64, problem.dimension)
        assert not torch.equal(units[0], units[1])
        assert bool(((units[..., -1] > low) & (units[..., -1] < high)).all())
        for column, (a, b) in enumerate(problem.box):
            assert bool(((units[..., column] >= a) & (units[..., column] <= b)).all())
    assert int((scatter(problem, 64, 1, generator())[..., -1] < middle).sum()) == 32
    with pytest.raises(ValueError, match="design"):
        scatter(problem, 4, 1, generator(), design="grid")


def test_a_grid_has_every_pair():
    grid = tensor_grid(Poisson(), 4, 5, spacing="chebyshev")
    assert grid.shape == (20, 2)
    assert len(grid[:, 0].unique()) == 5
    assert grid[:, 0].max() == pytest.approx(float(torch.cos(torch.tensor(torch.pi / 10, dtype=torch.float64))))
    assert tensor_grid(Wave(), 3, 4).shape == (48, 3)
    ends = tensor_grid(Poisson(), 3, 5, "both", spacing="lobatto", levels="even")
    assert torch.allclose(ends[:, 0].unique(), -torch.cos(torch.pi * torch.arange(5, dtype=torch.float64) / 4), atol=1e-15)
    low, middle, high = ends[:, 1].unique().tolist()
    assert (low, middle, high) == pytest.approx((-2.0537489, 0, 2.0537489))
    with pytest.raises(ValueError, match="spacing"):
        tensor_grid(Poisson(), 3, 5, spacing="odd")


@pytest.mark.parametrize("bad", [dict(noise=-0.1), dict(alphas=0), dict(replicates=0)])
def test_impossible_data_are_refused(bad):
    with pytest.raises(ValueError, match="data need at least"):
        draw_data(Poisson(), **{"replicates": 1, "generator": generator(), **bad})


def test_tails_may_be_exchanged_and_precision_changed():
    data = draw_data(Poisson(), 1, generator(), Tails("upper", "lower", 0.1))
    assert data.train.x[..., 1].min() > data.target.x[..., 1].max()
    single = moved(data, None, torch.float32)
    assert single.train.x.dtype == torch.float32
    assert single.tails == data.tails
