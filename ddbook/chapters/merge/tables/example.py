"""Simulated hospitals for the merge tool, whose truth is known, and how far a merged estimate is from it."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING, NamedTuple

import numpy as np
import torch

from ddlib.dbn.model.generate import random_networks
from ddlib.dbn.model.network import Gaussian, joint
from ddlib.dbn.sources import draw_sources, random_pattern
from ddlib.merge.coverage import correlations, within_visit
from ddlib.merge.merging import Merged

if TYPE_CHECKING:
    import pandas as pd


class Example(NamedTuple):
    """Hospitals that were drawn from one random network.

    Attributes:
        tables: their tables by name, with the columns ``patient``, ``visit`` and those that they measure.
        columns: all measured columns.
        law: of a complete clean trajectory, in the order of ``columns``, with a replicate axis of length one.
        noise: standard deviation of the measurement error of every column.
    """

    tables: dict[str, pd.DataFrame]
    columns: tuple[str, ...]
    law: Gaussian
    noise: float


def example_hospitals(
    seed: int,
    hospitals: int = 3,
    patients: int = 300,
    variables: int = 8,
    visits: int = 4,
    hidden: float = 0.25,
    missing: float = 0.05,
    noise: float = 0.3,
) -> Example:
    """Draw a random network and hospitals that each hide other variables of their patients.

    Args:
        seed: of all draws.
        hospitals, patients, variables, visits: how many; patients are those of one hospital.
        hidden: share of the variables that a hospital does not measure.
        missing: share of the other cells that are missing at random.
        noise: standard deviation of the measurement error.

    Raises:
        ValueError: if a number is out of its range.
    """
    import pandas as pd

    if not 0 <= missing < 1:
        raise ValueError(f"the share of missing cells must be at least 0 and below 1, but it is {missing}")
    draw = torch.Generator().manual_seed(seed)
    _, truth = random_networks(1, variables, draw)
    pattern = random_pattern(1, hospitals, visits, variables, draw, hidden)
    sources = draw_sources(truth, pattern, patients, draw, noise)
    columns = tuple(f"x{i}" for i in range(1, variables + 1))
    tables = {}
    for k in range(hospitals):
        values = sources.values[0, k]
        values = torch.where(torch.rand(values.shape, generator=draw) < missing, torch.nan, values)
        frame = pd.DataFrame(values.flatten(0, 1).numpy(), columns=list(columns)).loc[:, pattern[0, k, 0].tolist()]
        frame.insert(0, "visit", np.tile(np.arange(1, visits + 1), patients))
        frame.insert(0, "patient", np.repeat(np.arange(1, patients + 1), visits))
        tables[f"hospital {k + 1}"] = frame
    return Example(tables, columns, joint(truth, visits), noise)


def write_example(example: Example, folder: Path) -> tuple[list[Path], Path]:
    """Write the tables as CSV files and the noise as a YAML file, as a user would have them.

    Returns:
        The paths of the tables and of the noise file.
    """
    folder.mkdir(parents=True, exist_ok=True)
    paths = []
    for name, frame in example.tables.items():
        paths.append(folder / f"{name.replace(' ', '_')}.csv")
        frame.to_csv(paths[-1], index=False)
    noise = folder / "noise.yml"
    noise.write_text("".join(f"{column}: {example.noise}\n" for column in example.columns), encoding="utf-8")
    return paths, noise


class Accuracy(NamedTuple):
    """How far a merged estimate is from the truth.

    Attributes:
        regret: Kullback–Leibler divergence of the estimate from the truth, in nats per patient.
        promised: the regret that the report's effective number of patients N leads one to expect of an efficient unbiased estimate,
            parameters / 2N; infinite where it is not identified.
        together, apart: root mean squared error of the correlations within a visit, of pairs that some patient has together and of
            those that none has; not-a-number where there are none.
    """

    regret: float
    promised: float
    together: float
    apart: float


def accuracy(merged: Merged, example: Example) -> Accuracy:
    """Compare a merged estimate of an example's tables with the network that they were drawn from."""
    visits = merged.report["visits"]["number"]
    truth = in_order(example, merged.columns)
    off = (correlations(within_visit(merged.law, visits)) - correlations(within_visit(truth, visits)))[0]
    apart = torch.zeros_like(off, dtype=torch.bool)
    for pair in merged.report["never_together"]:
        i, j = sorted(merged.columns.index(name) for name in pair["columns"])
        apart[i, j] = True
    pairs = torch.ones_like(apart).triu(1)
    effective = merged.report["identifiability"]["effective_patients"]
    return Accuracy(
        regret=divergence(truth, merged.law),
        promised=merged.report["model"]["parameters"] / (2 * effective) if effective else float("inf"),
        together=float(off[pairs & ~apart].square().mean().sqrt()),
        apart=float(off[apart].square().mean().sqrt()),
    )


def in_order(example: Example, columns: tuple[str, ...]) -> Gaussian:
    """The truth of an example with its columns in another order."""
    visits = example.law.mean.shape[-1] // len(example.columns)
    place = torch.tensor([example.columns.index(name) for name in columns])
    entries = (torch.arange(visits).unsqueeze(-1) * len(example.columns) + place).flatten()
    return Gaussian(example.law.mean[:, entries], example.law.covariance[:, entries][:, :, entries])


def divergence(truth: Gaussian, estimate: Gaussian) -> float:
    """Kullback–Leibler divergence of one normal law (with a replicate axis of length one) from another, in nats."""
    root = torch.linalg.cholesky(estimate.covariance[0])
    spread = torch.linalg.solve_triangular(root, torch.linalg.cholesky(truth.covariance[0]), upper=False)
    shift = torch.linalg.solve_triangular(root, (truth.mean - estimate.mean).mT, upper=False)
    return float(0.5 * (spread**2).sum() + 0.5 * (shift**2).sum() - 0.5 * len(root) - spread.diagonal().log().sum())
