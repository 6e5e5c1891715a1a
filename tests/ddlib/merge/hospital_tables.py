"""Tables of a few simulated hospitals that the tests of the merge tool share."""

from __future__ import annotations

import numpy as np
import pandas as pd
import torch

from ddlib.dbn.model.generate import random_networks, sample
from ddlib.dbn.model.network import Dbn
from tests.ddlib.dbn.world import generator

COLUMNS = ("alt", "bili", "crea", "hb")


def network(variables: int = 4, seed: int = 0) -> Dbn:
    """One random network."""
    return random_networks(1, variables, generator(seed))[1]


def records(model: Dbn, patients: int, visits: int, missing: float = 0.0, seed: int = 0) -> torch.Tensor:
    """Measurements of some patients, with cells missing at random; every patient has at least one."""
    draw = generator(seed)
    values = sample(model, patients, visits, draw)[0]
    gone = torch.rand(values.shape, generator=draw) < missing
    gone[:, 0, 0] &= ~gone.flatten(1).all(-1)
    return torch.where(gone, torch.nan, values)


def table(values: torch.Tensor, columns: tuple[str, ...] = COLUMNS, hide: tuple[str, ...] = ()) -> pd.DataFrame:
    """Records as a table with the columns ``patient`` and ``visit``, without the hidden columns."""
    patients, visits, variables = values.shape
    frame = pd.DataFrame(values.reshape(-1, variables).numpy(), columns=list(columns[:variables]))
    frame.insert(0, "visit", np.tile(np.arange(1, visits + 1), patients))
    frame.insert(0, "patient", np.repeat(np.arange(1, patients + 1), visits))
    return frame.drop(columns=list(hide))


def hospitals(patients: int = 60, visits: int = 3, missing: float = 0.0, seed: int = 0) -> dict[str, pd.DataFrame]:
    """Three hospitals, each of which lacks another column."""
    model = network(seed=seed)
    hidden = {"north": ("crea",), "south": ("hb",), "west": ("alt",)}
    return {
        name: table(records(model, patients, visits, missing, seed=10 * seed + k), hide=gone)
        for k, (name, gone) in enumerate(hidden.items())
    }


def emptied(frame, rows):
    """The same table with nothing measured in some rows."""
    measured = [name for name in frame.columns if name not in ("patient", "visit")]
    frame = frame.copy()
    frame.loc[rows, measured] = np.nan
    return frame
