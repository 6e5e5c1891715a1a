r"""Units spread over the domain and over a tail of α: scattered, or on a grid."""

from __future__ import annotations

from typing import Literal

import torch
from jaxtyping import Float
from torch import Tensor

from ddlib.learners.check import whole_number
from ddlib.pinn.problems.law import Tail
from ddlib.pinn.problems.problem import Problem, known_problem

__all__ = ["scatter", "tensor_grid"]


def scatter(
    problem: Problem,
    count: int,
    replicates: int,
    generator: torch.Generator,
    tail: Tail = "upper",
    mass: float = 0.3,
    design: Literal["sobol", "uniform"] = "sobol",
) -> Float[Tensor, "R m d"]:
    """Units spread over the domain and over a tail of α, anew for each replicate.

    Args:
        problem: the family.
        count: how many.
        replicates: R.
        generator: the source of all randomness.
        tail: where α lies; the design is even in its probability.
        mass: of the tail.
        design: ``"sobol"`` (scrambled; Owen 1998) or ``"uniform"`` (independent draws).

    Raises:
        ValueError: if the design is unknown, or a count is no whole number of at least one.

    >>> from ddlib.pinn import Wave
    >>> scatter(Wave(), 8, 1, torch.Generator().manual_seed(0)).shape
    torch.Size([1, 8, 3])
    """
    known_problem(problem)
    whole_number(count, "the number of scattered units")
    whole_number(replicates, "the number of replicates")
    shape = (replicates, count, problem.dimension)
    if design == "uniform":
        share = torch.rand(shape, generator=generator, device=generator.device, dtype=torch.float64)
    elif design == "sobol":
        seeds = torch.randint(2**31 - 1, (replicates,), generator=generator, device=generator.device).tolist()
        engines = [torch.quasirandom.SobolEngine(problem.dimension, scramble=True, seed=seed) for seed in seeds]
        share = torch.stack([engine.draw(count, dtype=torch.float64) for engine in engines]).to(generator.device)
    else:
        raise ValueError(f"the design must be 'sobol' or 'uniform', but it is {design!r}")
    return _stretch(problem, share, tail, mass)


def tensor_grid(
    problem: Problem,
    alphas: int,
    positions: int,
    tail: Tail = "upper",
    mass: float = 0.3,
    spacing: Literal["even", "chebyshev", "lobatto"] = "even",
    levels: Literal["probability", "even"] = "probability",
) -> Float[Tensor, "m d"]:
    r"""Values of α × positions along each coordinate.

    Args:
        problem: the family.
        alphas: values of α.
        positions: along each coordinate.
        tail: where α lies.
        mass: of the tail.
        spacing: ``"even"`` from end to end, the ``"chebyshev"`` points :math:`\cos \pi (2 i - 1) / 2 n`, or those of Chebyshev and
            ``"lobatto"``, :math:`\cos \pi i / (n - 1)`, which hold both ends.
        levels: values of α that have equal ``"probability"``, or ``"even"`` steps between the tail's 2 % and 98 % quantiles.

    Raises:
        ValueError: if the spacing or the levels are unknown, or a count is no whole number of at least one.

    >>> from ddlib.pinn import Poisson
    >>> tensor_grid(Poisson(), alphas=1, positions=3, tail="both").round(decimals=4).abs()
    tensor([[1., 0.],
            [0., 0.],
            [1., 0.]], dtype=torch.float64)
    """
    known_problem(problem)
    whole_number(alphas, "the number of values of α")
    whole_number(positions, "the number of positions")
    step = torch.arange(positions, dtype=torch.float64)
    lines = {
        "even": torch.linspace(0, 1, positions, dtype=torch.float64),
        "chebyshev": (1 - torch.cos(torch.pi * (step + 0.5) / positions)) / 2,
        "lobatto": (1 - torch.cos(torch.pi * step / max(positions - 1, 1))) / 2,
    }
    if spacing not in lines or levels not in ("probability", "even"):
        raise ValueError(
            f"the spacing is 'even', 'chebyshev' or 'lobatto' and the levels 'probability' or 'even', but they are {spacing!r} and "
            f"{levels!r}"
        )
    low, high = torch.tensor(problem.box, dtype=torch.float64).unbind(-1)
    x = low + torch.cartesian_prod(*[lines[spacing]] * len(low)).view(-1, len(low)) * (high - low)
    ends = problem.law.at(tail, mass, torch.tensor([0.02, 0.98], dtype=torch.float64))
    alpha = problem.law.grid(tail, mass, alphas)
    if levels == "even":
        alpha = ends[0] + (ends[1] - ends[0]) * (torch.linspace(0, 1, alphas, dtype=torch.float64) if alphas > 1 else 0.5)
    return problem.join(x.repeat_interleave(alphas, 0), alpha.reshape(-1).repeat(len(x)))


def _stretch(problem: Problem, share: Float[Tensor, "*R m d"], tail: Tail, mass: float) -> Float[Tensor, "*R m d"]:
    """Points of the unit cube as units."""
    low, high = share.new_tensor(problem.box).unbind(-1)
    alpha = problem.law.at(tail, mass, share[..., -1])
    return problem.join(low + share[..., :-1] * (high - low), alpha)
