r"""Lines in α: the closed form of their error on the other tail against simulated data."""

from __future__ import annotations

from collections.abc import Iterable

import pandas as pd
import torch

from ddlib.pinn.designs import tensor_grid
from ddlib.pinn.learners.affine import AffineRidge, affine_line, affine_variance
from ddlib.pinn.problems.problem import Problem
from ddlib.problem import Distilled

DEGREES = {False: 8, True: 4}  # of the polynomials, without and with time


def line_errors(
    problem: Problem,
    mass: float,
    noise: float,
    generator: torch.Generator,
    simulations: int = 400,
    alphas: int = 20,
    readings: int = 25,
) -> pd.DataFrame:
    r"""The error of a fit affine in α at boundary values of the whole law: in closed form, and simulated.

    The design is a grid of α of the training tail × Chebyshev positions, as many as the polynomials in x have coefficients. Then
    :class:`~ddlib.pinn.learners.affine.AffineRidge` with next to no penalty is a least-squares line in α at each position, and

    .. math:: \operatorname{MSE}(\alpha^\circ) = b(\alpha^\circ)^2
        + \sigma^2 \Bigl(\frac1n + \frac{(\alpha^\circ - \bar\alpha)^2}{S_{\alpha\alpha}}\Bigr),

    with b what the line through the exact values misses, zero where u is affine in α; both sides are averaged over positions.

    Args:
        problem: the family.
        mass: of the training tail.
        noise: relative to sd(u).
        generator: of the simulated noise.
        simulations: data sets.
        alphas: n, boundary values with measurements.
        readings: boundary values at which the fits are read.

    Returns:
        One row per reading with problem and alpha, and with variance_only, closed_form and simulated as root mean squares relative
        to that of u on the target tail.
    """
    degree = DEGREES[problem.timed]
    law = problem.law
    at, read = law.grid("lower", mass, alphas), law.grid("both", mass, readings)
    units = tensor_grid(problem, alphas, degree + 1, "lower", mass, spacing="chebyshev")
    exact = problem.exact_at(units)
    sigma = noise * float(exact.std())
    coordinates = problem.split(units)[0].reshape(-1, alphas, len(problem.box))  # α runs fastest
    truth = problem.exact(coordinates[:, :1].expand(-1, readings, -1), read.expand(len(coordinates), -1))
    bias = affine_line(at, exact.reshape(-1, alphas), read) - truth
    variance = affine_variance(at, read, sigma)

    ridge = AffineRidge(problem, degree, 1e-10)
    y = exact + sigma * torch.randn(simulations, len(units), generator=generator, dtype=torch.float64)
    model = ridge.fit(Distilled(units.unsqueeze(0), y, torch.ones(1, len(units), dtype=torch.float64)))
    there = problem.join(coordinates[:, :1].expand(-1, readings, -1), read.expand(len(coordinates), -1)).flatten(0, 1)
    miss = ridge.predict(model, there.unsqueeze(0)).reshape(simulations, -1, readings) - truth

    target = problem.exact_at(tensor_grid(problem, 20, degree + 1, "upper", mass, spacing="chebyshev"))
    size = target.square().mean().sqrt()
    return pd.DataFrame(
        {
            "problem": problem.name,
            "alpha": read.numpy(),
            "variance_only": (variance.sqrt() / size).numpy(),
            "closed_form": ((bias.square().mean(0) + variance).sqrt() / size).numpy(),
            "simulated": (miss.square().mean((0, 1)).sqrt() / size).numpy(),
        }
    )


def all_line_errors(problems: Iterable[Problem], mass: float, noise: float, seed: int = 0, simulations: int = 400) -> pd.DataFrame:
    """:func:`line_errors` of several families, each with draws of its own."""
    return pd.concat(
        [
            line_errors(problem, mass, noise, torch.Generator().manual_seed(seed + index), simulations)
            for index, problem in enumerate(problems)
        ],
        ignore_index=True,
    )


def amplification(problem: Problem, mass: float, alphas: int = 20) -> float:
    """How many times the noise's standard deviation a line's error is at the mean of the target tail."""
    target = torch.tensor([problem.law.tail_mean("upper", mass)], dtype=torch.float64)
    return float(affine_variance(problem.law.grid("lower", mass, alphas), target, 1.0).sqrt())
