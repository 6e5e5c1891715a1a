"""Small models, and patients drawn from them, that the tests of the merge tool's model share."""

from __future__ import annotations

import torch

from ddlib.merge.model.choice import Rows
from ddlib.merge.model.law import Parameters, Shape, law, means

STEPS = (1, 3, 2)


def generator(seed: int = 0) -> torch.Generator:
    return torch.Generator().manual_seed(seed)


def parameters(shape: Shape, seed: int = 0) -> Parameters:
    """Parameters of a stable process in which nothing is zero that the shape has."""
    draw = generator(seed)

    def normal(*size: int) -> torch.Tensor:
        return torch.randn(*size, generator=draw, dtype=torch.float64)

    p, q = shape.variables, shape.fixed
    identity = torch.eye(p, dtype=torch.float64)
    level = 0.4 * normal(p + q, p + q).tril() + 0.5 * torch.eye(p + q, dtype=torch.float64)
    if not shape.level:
        level[q:, q:] = 0
    return Parameters(
        normal(p),
        (0.2 * normal(p, p)).tril(-1) + identity,
        0.3 * normal(p),
        0.5 * identity + 0.1 * normal(p, p),
        (0.2 * normal(p, p)).tril(-1) + 0.6 * identity,
        level,
        normal(q),
        0.5 * normal(shape.number, p) * shape.visits,
        0.5 * normal(shape.sources, p + q) * shape.hospitals,
    )


def visit_numbers(shape: Shape) -> torch.Tensor:
    """The visit of each entry; −1 for static columns."""
    moving = torch.arange(shape.number).repeat_interleave(shape.variables)
    return torch.cat([moving, torch.full((shape.fixed,), -1)])


def drawn(at: Parameters, shape: Shape, patients: int, missing: float = 0.2, noise: float = 0.0, seed: int = 1) -> Rows:
    """Patients of each hospital, with cells missing at random; every patient has at least one."""
    draw = generator(seed)
    root = torch.linalg.cholesky(law(at, shape))
    values = []
    for mean in means(at, shape):
        rows = mean + torch.randn(patients, shape.entries, generator=draw, dtype=torch.float64) @ root.mT
        rows = rows + noise * torch.randn(rows.shape, generator=draw, dtype=torch.float64)
        gone = torch.rand(rows.shape, generator=draw) < missing
        gone[:, 0] &= ~gone.all(-1)
        values.append(torch.where(gone, torch.nan, rows))
    variance = torch.full((shape.sources, shape.entries), noise**2, dtype=torch.float64)
    return Rows(values, variance, visit_numbers(shape))


def cut(rows: Rows, entries: list[int], thresholds: tuple[float, ...]) -> Rows:
    """The same patients, of whom only the category is known of some entries: between which thresholds they are."""
    ends = torch.tensor([-torch.inf, *thresholds, torch.inf], dtype=torch.float64)
    values, limits = [], []
    for part in rows.values:
        known = ~part[:, entries].isnan()
        place = torch.bucketize(part[:, entries], ends[1:-1])
        lower, upper = torch.full_like(part, -torch.inf), torch.full_like(part, torch.inf)
        lower[:, entries] = torch.where(known, ends[place.clamp(max=len(thresholds))], -torch.inf)
        upper[:, entries] = torch.where(known, ends[place.clamp(max=len(thresholds)) + 1], torch.inf)
        gone = part.clone()
        gone[:, entries] = torch.nan
        values.append(gone)
        limits.append((lower, upper))
    return rows._replace(values=values, limits=limits)
