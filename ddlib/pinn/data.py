r"""Noisy measurements on one tail of α, exact values on the other, and points at which physics is asked for."""

from __future__ import annotations

import math
from typing import Literal, NamedTuple

import torch
from jaxtyping import Float
from torch import Tensor

from ddlib.arguments import is_whole
from ddlib.learners.check import whole_number
from ddlib.pinn.designs import scatter, tensor_grid
from ddlib.pinn.problems.law import Tail, Tails, known_tails
from ddlib.pinn.problems.problem import Problem, known_problem
from ddlib.problem import Distilled

__all__ = ["Level", "Physics", "PinnData", "draw_data", "physics", "released_data"]

Level = Literal[0, 1, 2, 3]
"""How much physics is known: none; all on the training tail; the equation on the target tail too; everything."""


class PinnData(NamedTuple):
    """What is measured, and what is true.

    Attributes:
        train: D, noisy rows on the training tail, shape (R, n, d).
        validation: as many other rows of the same law.
        inside: exact values on a dense grid over the training tail.
        target: exact values on a dense grid over the target tail: the test, which no method may look at.
        tails: where α comes from.

    >>> from ddlib.pinn import Poisson
    >>> data = draw_data(Poisson(), 1, torch.Generator().manual_seed(0), alphas=4, positions=3)
    >>> data.train.x.shape, data.target.budget
    (torch.Size([1, 12, 2]), 1020)
    """

    train: Distilled
    validation: Distilled
    inside: Distilled
    target: Distilled
    tails: Tails


class Physics(NamedTuple):
    """Where one may ask for the equation and for the boundary values.

    Attributes:
        interior: units at which the residual is known to be zero, shape (R, k, d); k may be zero.
        boundary: boundary units with their values, R replicates; its budget may be zero.

    >>> nothing = torch.zeros(1, 0, 2)
    >>> Physics(nothing, Distilled(nothing, nothing[..., 0], nothing[..., 0])).boundary.budget
    0
    """

    interior: Float[Tensor, "R k d"]
    boundary: Distilled


def draw_data(
    problem: Problem,
    replicates: int,
    generator: torch.Generator,
    tails: Tails = Tails(),  # noqa: B008
    noise: float = 0.05,
    alphas: int = 20,
    positions: int | None = None,
    grid: tuple[int, int] | None = None,
) -> PinnData:
    r"""Measurements at random positions for random α of the training tail, :math:`y = u + \epsilon`.

    The noise is normal with a standard deviation of ``noise`` times that of the training rows' exact values. Validation rows are
    drawn in the same way. The grids have no noise; their α have equal probability.

    Args:
        problem: the family.
        replicates: R.
        generator: the source of all randomness; the data lie on its device.
        tails: where α comes from.
        noise: relative to sd(u).
        alphas: values of α.
        positions: for each α; 10, or 20 for a problem with time.
        grid: values of α, and positions along each coordinate, of the dense grids; (20, 51), or (20, 17) for a problem with time.

    Raises:
        ValueError: if a count is no whole number of at least one, there is one row alone, or the noise is negative or infinite.

    >>> from ddlib.pinn import Poisson
    >>> data = draw_data(Poisson(), 1, torch.Generator().manual_seed(0), Tails("lower", "upper", 0.3))
    >>> bool(data.train.x[..., 1].max() < data.target.x[..., 1].min())  # α of the two tails
    True
    """
    known_problem(problem)
    known_tails(tails)
    positions = (20 if problem.timed else 10) if positions is None else positions
    grid = ((20, 17) if problem.timed else (20, 51)) if grid is None else grid
    pair = isinstance(grid, tuple | list) and len(grid) == 2
    if not (pair and all(is_whole(count) for count in (replicates, alphas, positions, *grid)) and 0 <= noise < math.inf):
        raise ValueError(
            "data need at least 1 replicate, α and position, two counts of grid points, all whole numbers, and a finite noise of 0 "
            f"or more, but got {replicates}, {alphas}, {positions}, {grid} and {noise}"
        )
    if alphas * positions < 2:
        raise ValueError("one α at one position is a single row, which has no spread: ask for two rows at least")
    train = _measured(problem, tails, (replicates, alphas, positions), noise, generator)
    validation = _measured(problem, tails, (replicates, alphas, positions), noise, generator)

    def dense(tail: Tail) -> Distilled:
        units = tensor_grid(problem, *grid, tail=tail, mass=tails.mass).to(generator.device)
        return problem.rows(*problem.split(units.expand(replicates, -1, -1)))

    return PinnData(train, validation, dense(tails.train), dense(tails.target), tails)


def released_data(
    problem: Problem, replicates: int, generator: torch.Generator, opposite: bool = False, alphas: int = 100, mass: float = 0.3
) -> PinnData:
    """Data as the authors' released experiment has them, for problems without time; nothing has noise.

    For each of the random α, 16 random interior points and the boundary points train, and 100 points from end to end test. Training
    and test share the same draws of the whole law.

    Args:
        problem: the family.
        replicates: R.
        generator: the source of all randomness.
        opposite: draw α for training from the lower and for the test from the upper tail instead, as the paper's Figure 5 says.
        alphas: values of α.
        mass: of the tails, if they are opposite.

    Raises:
        ValueError: if the problem has time, or a count is no whole number of at least one.

    >>> from ddlib.pinn import Poisson
    >>> released_data(Poisson(), 1, torch.Generator().manual_seed(0), alphas=5).train.x.shape
    torch.Size([1, 90, 2])
    """
    known_problem(problem)
    whole_number(replicates, "the number of replicates")
    whole_number(alphas, "the number of values of α")
    if problem.timed:
        raise ValueError(f"the released protocol has no time, but {problem.name} has: take draw_data")
    tails = Tails("lower", "upper", mass) if opposite else Tails("both", "both", mass)
    low, high = problem.box[0]
    ends = [(end - low) / (high - low) for end in problem.ends(torch.zeros(1, dtype=torch.float64))]

    def training(alpha: Tensor) -> Distilled:
        share = torch.rand(*alpha.shape, 16, generator=generator, device=generator.device, dtype=torch.float64)
        return _all_pairs(problem, alpha, torch.cat([share, share.new_tensor(ends).expand(*alpha.shape, -1)], -1))

    def testing(alpha: Tensor) -> Distilled:
        return _all_pairs(
            problem, alpha, torch.linspace(0, 1, 100, dtype=alpha.dtype, device=alpha.device).expand(*alpha.shape, -1)
        )

    first, second = (problem.law.draw(tails.train, mass, (replicates, alphas), generator) for _ in range(2))
    target = problem.law.draw(tails.target, mass, (replicates, alphas), generator) if opposite else first
    return PinnData(training(first), training(second), testing(first), testing(target), tails)


def physics(
    problem: Problem,
    level: Level,
    replicates: int,
    generator: torch.Generator,
    tails: Tails = Tails(),  # noqa: B008
    interior: int = 128,
    alphas: int = 16,
    sides: int = 4,
) -> Physics:
    """What may be asked at an information level: points of the equation and boundary values.

    I0 has none. I1 has both on the training tail, I2 the equation at the target tail as well, and I3 also the boundary values
    there.

    Args:
        problem: the family.
        level: 0 to 3.
        replicates: R.
        generator: the source of all randomness.
        tails: where α comes from.
        interior: points of the equation on each tail (Sobol).
        alphas: values of α with boundary values on each tail, one from each of as many parts of equal probability.
        sides: points on each side of the domain of a problem with time.

    Raises:
        ValueError: if the level is not 0, 1, 2 or 3, or a count is no whole number of at least one.

    >>> from ddlib.pinn import Poisson
    >>> generator = torch.Generator().manual_seed(0)
    >>> [physics(Poisson(), level, 1, generator, interior=8).interior.shape[1] for level in (0, 1, 2, 3)]
    [0, 8, 16, 16]
    """
    known_problem(problem)
    known_tails(tails)
    known_level(level)
    for count, what in ((interior, "points of the equation on a tail"), (alphas, "values of α"), (sides, "points on a side")):
        whole_number(count, f"the number of {what}")
    both = [tails.train, tails.target]
    inside = [scatter(problem, interior, replicates, generator, tail, tails.mass) for tail in both]
    edges = [problem.boundary(problem.law.stratified(tail, tails.mass, (replicates, alphas), generator), sides) for tail in both]
    inside, edges = inside[: (0, 1, 2, 2)[level]], edges[: (0, 1, 1, 2)[level]]
    none = torch.zeros(replicates, 0, problem.dimension, dtype=torch.float64, device=generator.device)
    if not edges:
        return Physics(none, Distilled(none, none[..., 0], none[..., 0]))
    return Physics(torch.cat(inside, 1), Distilled(*(torch.cat(parts, 1) for parts in zip(*edges, strict=True))))


def known_level(level: object) -> None:
    """Raise a ValueError unless it is an information level."""
    if not is_whole(level, 0) or level not in (0, 1, 2, 3):
        raise ValueError(f"an information level is the whole number 0, 1, 2 or 3, but it is {level!r}")


def _measured(problem: Problem, tails: Tails, shape: tuple[int, int, int], noise: float, generator: torch.Generator) -> Distilled:
    """Random positions for each of the random α, with noise; α first in the order of the rows."""
    alpha = problem.law.draw(tails.train, tails.mass, shape[:2], generator)
    share = torch.rand(*shape, len(problem.box), generator=generator, device=generator.device, dtype=torch.float64)
    low, high = alpha.new_tensor(problem.box).unbind(-1)
    rows = problem.rows((low + share * (high - low)).flatten(1, 2), alpha.repeat_interleave(shape[2], 1))
    disturbance = torch.randn(rows.y.shape, generator=generator, device=generator.device, dtype=torch.float64)
    return rows._replace(y=rows.y + noise * rows.y.std(-1, keepdim=True) * disturbance)


def _all_pairs(problem: Problem, alpha: Float[Tensor, "R a"], share: Float[Tensor, "R a p"]) -> Distilled:
    low, high = problem.box[0]
    positions = (low + share * (high - low)).flatten(1).unsqueeze(-1)
    return problem.rows(positions, alpha.repeat_interleave(share.shape[-1], 1))
