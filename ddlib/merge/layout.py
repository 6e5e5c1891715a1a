"""Patients as a table with the inputs' columns: one row for each patient and reported visit."""

from __future__ import annotations

from collections.abc import Sequence
from typing import TYPE_CHECKING

import numpy as np
from jaxtyping import Float
from torch import Tensor

from ddlib.merge.panel import Panel

if TYPE_CHECKING:
    import pandas as pd


def visit_labels(panel: Panel) -> np.ndarray:
    """The nominal times of the reported visits; whole numbers where all are."""
    labels = panel.visits.labels[panel.visits.reported]
    if labels.dtype.kind == "f" and (labels == labels.round()).all() and np.abs(labels).max() < 2**53:
        labels = labels.astype("int64")
    return labels


def patients_table(panel: Panel, patients: Float[Tensor, "n E"], names: Sequence[str | int], id: str, time: str) -> pd.DataFrame:
    """Patients as rows.

    Args:
        panel: whose columns and visits they have.
        patients: in the columns' own units: the reported visits one after the other, each with its columns, then the static ones.
        names: of the patients.
        id, time: what the columns with the patient and the time are called.
    """
    import pandas as pd

    labels = visit_labels(panel)
    rows, visits = len(patients), len(labels)
    moving = visits * len(panel.columns)
    cells = dict(zip(panel.columns, patients[:, :moving].reshape(rows * visits, -1).T.numpy(), strict=True))
    cells |= dict(zip(panel.static, patients[:, moving:].repeat_interleave(visits, 0).T.numpy(), strict=True))
    measured = {name: cells[name] for name in panel.output}
    return pd.DataFrame({id: np.repeat(names, visits), time: np.tile(labels, rows), **measured})


def synthetic_names(panel: Panel, number: int) -> list[str] | list[int]:
    """Names of synthetic patients: whole numbers where all tables have whole numbers."""
    if panel.visits.whole_ids:
        return list(range(1, number + 1))
    return [f"synthetic-{place:0{len(str(number))}d}" for place in range(1, number + 1)]
