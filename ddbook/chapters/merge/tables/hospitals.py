"""Simulated hospitals for the merge tool, whose truth is known."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, NamedTuple

import numpy as np
import torch
from jaxtyping import Bool, Float
from torch import Tensor

from ddlib.dbn.model.generate import random_networks, sample
from ddlib.dbn.model.network import Gaussian, joint

if TYPE_CHECKING:
    import pandas as pd


@dataclass(frozen=True)
class World:
    """How hospitals are simulated. All but what is named here is the same in two worlds with one seed: patients, errors, gaps.

    Attributes:
        hospitals: how many, K.
        patients: of one hospital.
        variables: columns of the population.
        visits: of a patient.
        hidden: share of the columns that a hospital does not have, one block of columns after the other; with three hospitals every
            pair of columns is measured in one of them.
        missing: share of the other cells that are missing at random.
        noise: standard deviation of the measurement error.
        offset: standard deviation of the hospitals' offsets, in those of a column.
        trend: standard deviation of the visits' means, likewise.
        lone: whether the second hospital alone has the first column, so that no patient has it and what that hospital lacks.
    """

    hospitals: int = 3
    patients: int = 100
    variables: int = 5
    visits: int = 3
    hidden: float = 0.2
    missing: float = 0.05
    noise: float = 0.3
    offset: float = 0.5
    trend: float = 0.5
    lone: bool = False


class Hospitals(NamedTuple):
    """Hospitals that were drawn from one random network, K of N patients each.

    Attributes:
        tables: their tables by name, with the columns ``patient``, ``visit`` and those that they measure.
        columns: all measured columns.
        law: of a complete clean patient of the average hospital, visits one after the other.
        noise: standard deviation of the measurement error of every column.
        offsets: of hospitals and columns, centred over the hospitals that measure a column; nan where one does not.
        seen: what the hospitals have; nan where nothing was measured.
        complete: what nobody sees, all cells of all patients without error and offset.
    """

    tables: dict[str, pd.DataFrame]
    columns: tuple[str, ...]
    law: Gaussian
    noise: float
    offsets: Float[Tensor, "K p"]
    seen: Float[Tensor, "K N T p"]
    complete: Float[Tensor, "K N T p"]

    @property
    def spread(self) -> Float[Tensor, " p"]:
        """Standard deviation of each column, its variance averaged over the visits."""
        return self.law.covariance.diagonal().unflatten(0, (-1, len(self.columns))).mean(0).sqrt()

    @property
    def together(self) -> Bool[Tensor, "p p"]:
        """Whether some hospital measures both columns."""
        has = (~self.offsets.isnan()).double()
        return has.T @ has > 0


def draw_hospitals(world: World, seed: int) -> Hospitals:
    """Draw a random network, its patients, and what hospitals measure of them.

    Args:
        world: what is simulated.
        seed: of all draws.

    Raises:
        ValueError: if a share is out of its range, or no hospital has some column.
    """
    if not 0 <= world.missing < 1:
        raise ValueError(f"the share of missing cells must be at least 0 and below 1, but it is {world.missing}")
    draw = torch.Generator().manual_seed(seed)
    network = random_networks(1, world.variables, draw)[1]
    mean, covariance = (part[0] for part in joint(network, world.visits))
    size = (world.hospitals, world.patients, world.visits, world.variables)
    clean = sample(network, world.hospitals * world.patients, world.visits, draw)[0].view(size)
    spread = covariance.diagonal().unflatten(0, (world.visits, -1)).mean(0).sqrt()
    trend, offsets, error = (torch.randn(part, dtype=clean.dtype, generator=draw) for part in (size[2:], (size[0], size[3]), size))
    gone = torch.rand(size, generator=draw) < world.missing
    has = measured(world)
    offsets = torch.where(has, world.offset * spread * offsets, torch.nan)
    offsets = offsets - offsets.nanmean(0)
    clean = clean + world.trend * spread * trend
    seen = clean + offsets.view(size[0], 1, 1, -1) + world.noise * error
    seen = torch.where(gone, torch.nan, seen)
    columns = tuple(f"x{i}" for i in range(1, world.variables + 1))
    tables = {f"hospital {k + 1}": as_table(seen[k], columns, has[k]) for k in range(world.hospitals)}
    law = Gaussian(mean + (world.trend * spread * trend).flatten(), covariance)
    return Hospitals(tables, columns, law, world.noise, offsets, seen, clean)


def measured(world: World) -> Bool[Tensor, "K p"]:
    """Which columns each hospital has.

    Raises:
        ValueError: if the hidden share is out of its range, or no hospital has some column.

    >>> measured(World(hospitals=2, variables=3)).tolist()
    [[False, True, True], [True, False, True]]
    """
    if not 0 <= world.hidden < 1:
        raise ValueError(f"the hidden share of the columns must be at least 0 and below 1, but it is {world.hidden}")
    block = round(world.hidden * world.variables)
    has = torch.ones(world.hospitals, world.variables, dtype=torch.bool)
    for k in range(world.hospitals):
        has[k, (k * block + torch.arange(block)) % world.variables] = False
    if world.lone:
        has[[k for k in range(world.hospitals) if k != 1], 0] = False
    if not bool(has.any(0).all()):
        raise ValueError(
            f"no hospital has the column x{int((~has.any(0)).nonzero()[0]) + 1}: with {world.hospitals} hospitals hide less than "
            f"{world.hidden:g} of the columns"
        )
    return has


def as_table(values: Float[Tensor, "n T p"], columns: tuple[str, ...], has: Bool[Tensor, " p"], first: int = 1) -> pd.DataFrame:
    """A hospital's table: a row for each patient and visit, with the columns that it has.

    Args:
        values: of patients, visits and columns.
        columns: names.
        has: which of them the hospital has.
        first: number of the first patient.
    """
    import pandas as pd

    number, visits = values.shape[:2]
    frame = pd.DataFrame(values.flatten(0, 1)[:, has].numpy(), columns=[columns[j] for j in has.nonzero().flatten().tolist()])
    frame.insert(0, "visit", np.tile(np.arange(1, visits + 1), number))
    frame.insert(0, "patient", np.repeat(np.arange(first, first + number), visits))
    return frame


def write_tables(hospitals: Hospitals, folder: Path) -> tuple[list[Path], Path]:
    """Write the tables as CSV files and the noise as a YAML file, as a user would have them.

    Returns:
        The paths of the tables and of the noise file.
    """
    folder.mkdir(parents=True, exist_ok=True)
    paths = []
    for name, frame in hospitals.tables.items():
        paths.append(folder / f"{name.replace(' ', '_')}.csv")
        frame.to_csv(paths[-1], index=False)
    noise = folder / "noise.yml"
    noise.write_text("".join(f"{column}: {hospitals.noise}\n" for column in hospitals.columns), encoding="utf-8")
    return paths, noise
