"""Simulated hospitals for the tests of the checks: alike, so that a test can plant one defect."""

from __future__ import annotations

import numpy as np

from ddlib.merge.checks.warned import Records

NAMES = ["north", "south", "west", "east", "middle"]


def hospitals(
    seed: int,
    sizes: tuple[int, ...] = (80, 80, 80),
    visits: int = 4,
    variables: int = 4,
    missing: float = 0.0,
    lacking: float = 0.0,
    heavy: float = 0.3,
    level: float = 0.5,
    mean: float = 10.0,
) -> Records:
    """Hospitals that are alike: levels of patients, autoregression, one common factor, a mean for each visit.

    Args:
        seed: of everything.
        sizes: patients of each.
        visits, variables: of each patient.
        missing: share of cells without a value.
        lacking: share of columns that a hospital does not measure; each column is left to two hospitals at least.
        heavy: share of the variance that all columns have in common.
        level: share of the variance that does not change over time.
        mean: of the columns, in standard deviations.
    """
    rng = np.random.default_rng(seed)
    shift = mean + rng.normal(0, 0.5, (visits, variables))
    scale = np.exp(rng.normal(0, 2, variables))
    values = []
    for patients in sizes:
        draw = rng.normal(size=(patients, visits + 1, variables))
        draw = np.sqrt(1 - heavy) * draw + np.sqrt(heavy) * rng.normal(size=(patients, visits + 1, 1))
        path = [draw[:, 0]]
        for t in range(1, visits):
            path.append(0.6 * path[-1] + 0.8 * draw[:, t])
        part = shift + np.sqrt(level) * draw[:, -1:] + np.sqrt(1 - level) * np.stack(path, 1)
        part[rng.random(part.shape) < missing] = np.nan
        values.append(part * scale)
    for j in range(variables):
        gone = [k for k in range(len(sizes)) if rng.random() < lacking]
        for k in gone[: len(sizes) - 2]:
            values[k][..., j] = np.nan
    return Records([f"c{j}" for j in range(variables)], NAMES[: len(sizes)], values)


def varied(seed: int) -> Records:
    """Hospitals that are alike, of another number, size and kind for each seed."""
    rng = np.random.default_rng(1000 + seed)
    return hospitals(
        seed,
        sizes=tuple(rng.integers(60, 201, rng.integers(2, 6)).tolist()),
        visits=int(rng.integers(1, 5)),
        variables=int(rng.integers(2, 9)),
        missing=float(rng.choice([0, 0.05, 0.3])),
        lacking=float(rng.choice([0, 0.3])),
        heavy=float(rng.choice([0, 0.3, 0.9])),
        level=float(rng.choice([0, 0.5, 0.95])),
        mean=float(rng.choice([0, 2, 5, 20])),
    )
