"""Columns of every kind, in two hospitals: the correlations of what is behind them come out as from complete numbers."""

import numpy as np
import torch

from ddlib.merge.margins import Cells, choose_margin
from ddlib.merge.model.choice import Rows, groups_of
from ddlib.merge.model.fit import Fit, fit
from ddlib.merge.model.information import information
from ddlib.merge.model.law import Shape, law
from tests.ddlib.merge.model.worlds import generator, visit_numbers

SHAPE = Shape(4, 0, (1,), 2)
PATIENTS = 300
KEPT = torch.ones(8, 8, dtype=torch.bool).tril(-1)


def truth() -> torch.Tensor:
    """Correlations of 4 columns at 2 visits, clearly not zero."""
    across = torch.tensor(
        [[1, 0.7, 0.6, -0.5], [0.7, 1, 0.5, -0.4], [0.6, 0.5, 1, -0.6], [-0.5, -0.4, -0.6, 1]], dtype=torch.float64
    )
    return torch.kron(torch.tensor([[1, 0.6], [0.6, 1]], dtype=torch.float64), across)


def hospitals(seed: int) -> list[torch.Tensor]:
    """What is behind the patients' cells."""
    root = torch.linalg.cholesky(truth())
    draw = generator(seed)
    return [torch.randn(PATIENTS, 8, dtype=torch.float64, generator=draw) @ root.mT for _ in range(2)]


def as_measured(latent: torch.Tensor) -> list[Cells]:
    """A binary column, a score from 0 to 6, a log-normal one, and one of which a fifth is below the limit of detection."""
    z = latent.numpy()
    low = z < np.log(0.4)
    cells = []
    for j in range(8):
        if j % 4 == 0:
            cells.append(Cells.of(z[:, j] > 0.5))
        elif j % 4 == 1:
            cells.append(Cells.of(np.searchsorted([-0.3, 0.3, 0.7, 1.1, 1.5, 2.0], z[:, j])))
        elif j % 4 == 2:
            cells.append(Cells.of(np.exp(1 + 0.9 * z[:, j])))
        else:
            cells.append(Cells(np.where(low[:, j], -np.inf, 5 + z[:, j]), np.where(low[:, j], 5 + np.log(0.4), 5 + z[:, j])))
    return cells


def joined(columns: list[Cells]) -> Cells:
    return Cells(*(np.concatenate(ends) for ends in zip(*columns, strict=True)))


def rows_of(sources: list[list[Cells]]) -> Rows:
    """The patients as intervals of what is behind: one margin for each column, over all hospitals and visits."""
    margins = [choose_margin(joined([source[j] for source in sources for j in (column, column + 4)])) for column in range(4)]
    assert [margin.as_dict()["margin"] for margin in margins] == ["thresholds", "thresholds", "monotone", "normal"]
    limits = []
    for source in sources:
        cells = [margins[j % 4].forward(source[j]) for j in range(8)]
        limits.append(tuple(torch.from_numpy(np.stack(ends, axis=1)) for ends in zip(*cells, strict=True)))
    values = [torch.where(lower == upper, lower, torch.nan) for lower, upper in limits]
    cuts = tuple(margins[j % 4].cuts for j in range(8))
    return Rows(values, torch.zeros(2, 8, dtype=torch.float64), visit_numbers(SHAPE), limits, cuts)


def numbers_of(sources: list[list[Cells]]) -> Rows:
    """The patients with codes taken for numbers, and the limit of detection for a value."""
    values = [torch.from_numpy(np.stack([cells.upper for cells in source], axis=1)) for source in sources]
    together = torch.cat(values)
    values = [(part - together.mean(0)) / together.std(0) for part in values]
    return Rows(values, torch.zeros(2, 8, dtype=torch.float64), visit_numbers(SHAPE))


def fitted(rows: Rows) -> Fit:
    found = fit(groups_of(rows), SHAPE, 2 / rows.patients, unit=rows.unit)
    assert found.converged
    return found


def correlation(covariance: torch.Tensor) -> torch.Tensor:
    scale = covariance.diagonal().rsqrt()
    return covariance * torch.outer(scale, scale)


def test_correlations_are_those_of_what_is_behind_and_codes_as_numbers_are_biased():
    errors: dict[str, list[torch.Tensor]] = {"intervals": [], "codes": [], "complete": []}
    for seed in range(3):
        latent = hospitals(seed)
        sources = [as_measured(part) for part in latent]
        plain = Rows(latent, torch.zeros(2, 8, dtype=torch.float64), visit_numbers(SHAPE))
        for name, rows in (("intervals", rows_of(sources)), ("codes", numbers_of(sources)), ("complete", plain)):
            errors[name].append((correlation(law(fitted(rows).at, SHAPE)) - truth())[KEPT])
    rms = {name: float(torch.stack(parts).square().mean().sqrt()) for name, parts in errors.items()}
    assert rms["intervals"] < 1.5 * rms["complete"]
    assert rms["codes"] > 2 * rms["intervals"]


def test_standard_errors_of_correlations_behind_intervals_are_right():
    rows = rows_of([as_measured(part) for part in hospitals(7)])
    found = fitted(rows)
    known = information(found, groups_of(rows))
    assert known is not None
    draws = torch.stack([correlation(covariance)[KEPT] for _, covariance in known.draws(400, generator())])
    z = (correlation(law(found.at, SHAPE)) - truth())[KEPT] / draws.std(0)
    assert 0.5 < float(z.square().mean().sqrt()) < 1.6
    assert float(z.abs().max()) < 3.5
