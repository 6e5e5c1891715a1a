"""Random covariances, masks of what is measured, random completions, and an optimiser of another kind than the library's."""

import numpy as np
import torch
from scipy.optimize import minimize


def generator(seed):
    return torch.Generator().manual_seed(seed)


def law(size, seed, ridge=0.3):
    """A random covariance with unequal variances."""
    factors = torch.randn(size, size, generator=generator(seed), dtype=torch.float64)
    scale = torch.linspace(0.5, 3, size, dtype=torch.float64)
    return (factors @ factors.T / size + ridge * torch.eye(size, dtype=torch.float64)) * torch.outer(scale, scale)


def mask(size, apart):
    measured = torch.ones(size, size, dtype=torch.bool)
    for i, j in apart:
        measured[i, j] = measured[j, i] = False
    return measured


def block(size, rows, columns):
    return mask(size, [(i, j) for i in rows for j in columns])


RING = [(0, 2), (1, 3)]  # the shortest graph that is not chordal: 0-1-2-3-0
MASKS = {
    "one entry": mask(4, [(0, 3)]),
    "one block": block(6, (0, 1), (4, 5)),
    "uneven block": block(5, (0,), (3, 4)),
    "everything": mask(4, []),
    "nothing": torch.eye(3, dtype=torch.bool),
    "chain": mask(5, [(0, 2), (0, 3), (0, 4), (1, 3), (1, 4), (2, 4)]),
    "ring": mask(4, RING),
    "ring and a common one": mask(5, RING),
    "ring of five": mask(5, [(i, (i + 2) % 5) for i in range(5)]),
    "three blocks": block(6, (0, 1), (2, 3)) & block(6, (2, 3), (4, 5)) & mask(6, [(0, 4)]),
}
"""Each of at most six variables, which the independent optimiser can still solve."""


def functionals(measured, number, seed):
    """Random functionals that weigh measured and unmeasured entries."""
    return torch.randn(number, *measured.shape, generator=generator(seed), dtype=torch.float64)


def value(functional, covariance):
    return (functional * covariance).sum((-2, -1))


def random_completion(covariance, measured, seed):
    """Go from one completion in a random direction, as far as a random part of the way to the edge."""
    free = (~measured).to(covariance.dtype)
    step = torch.randn(covariance.shape, generator=generator(seed), dtype=torch.float64) * free
    step = (step + step.T) * covariance.diagonal().mean()
    root = torch.linalg.cholesky(covariance)
    half = torch.linalg.solve_triangular(root, step, upper=False)
    slopes = torch.linalg.eigvalsh(torch.linalg.solve_triangular(root, half.T, upper=False))
    part = torch.rand((), generator=generator(seed), dtype=torch.float64)
    return covariance + step * (part / max(-float(slopes[0]), 1e-12)) if float(slopes[0]) < 0 else covariance


def by_another_optimiser(objective, covariance, measured):
    """The least of a function of the completion: SLSQP over a Cholesky factor whose product has to have the measured entries."""
    covariance, lower = covariance.numpy(), np.tril_indices(len(covariance))
    known = np.nonzero(np.tril(measured.numpy()))

    def product(entries):
        root = np.zeros_like(covariance)
        root[lower] = entries
        return root @ root.T

    found = minimize(
        lambda entries: objective(product(entries)),
        np.linalg.cholesky(covariance)[lower],
        constraints={"type": "eq", "fun": lambda entries: (product(entries) - covariance)[known]},
        method="SLSQP",
        options={"maxiter": 2000, "ftol": 1e-14},
    )
    return found.fun, product(found.x)


def greatest(functional, covariance, measured, starts=3):
    """The greatest value of a functional over all completions, by :func:`by_another_optimiser` from several of them."""
    weights = ((functional + functional.T) / 2).numpy()
    begin = [covariance, *(random_completion(covariance, measured, seed) for seed in range(starts))]
    return max(-by_another_optimiser(lambda law: -float((weights * law).sum()), start, measured)[0] for start in begin)


def entries_apart(columns, visits, apart):
    """The mask of a trajectory's covariance when some pairs of columns were never measured together, whatever the visits."""
    return mask(columns, apart).repeat(visits, visits)
