"""What the merge tool refuses, in its own sentences, and what synthetic rows do to p-values."""

from __future__ import annotations

from collections.abc import Sequence

import pandas as pd
import torch
from jaxtyping import Float
from scipy import stats
from torch import Tensor

from ddbook.chapters.merge.tables.hospitals import Hospitals
from ddlib.dbn.model.network import Gaussian
from ddlib.merge import Merged, TableError, merge
from ddlib.merge.rows import synthetic_patients

LEVEL = 0.05
"""What is called significant."""


def refusals(hospitals: Hospitals) -> pd.DataFrame:
    """Tables that cannot be merged as they are, and the sentence that each gets.

    Args:
        hospitals: whose tables are spoilt; two at least.

    Raises:
        AssertionError: if one of them is merged.
    """
    first, second, *_ = hospitals.tables.values()
    shared = [name for name in first if name in second and name not in ("patient", "visit")]
    chart = first[["patient", "visit", *shared]]
    elsewhere = second.rename(columns={name: f"{name}_si" for name in shared}).assign(patient=second.patient + len(second))
    spoilt = {
        "Two exports about the same patients": {"chart.csv": chart, "laboratory.csv": first},
        "A column that never varies": {"north.csv": first.assign(hiv=0), "south.csv": second},
        "A table that shares no column": {"north.csv": chart, "south.csv": elsewhere},
        "A misspelt name": {"north.csv": first, "south.csv": second.rename(columns={"visit": "vist"})},
    }
    rows = []
    for what, tables in spoilt.items():
        try:
            merge(tables, "patient", "visit")
        except TableError as error:
            rows.append({"tables": what, "sentence": str(error)})
        else:
            raise AssertionError(f"{what} was merged")
    return pd.DataFrame(rows)


def undecided(hospitals: Hospitals) -> tuple[str, str]:
    """The two columns whose slope at the first visit just fails to be significant in the patients who have both.

    Of all pairs that some hospital has together, the one with the least p-value above .05; if there is none, with the greatest.
    """
    pairs = [
        (first, second)
        for i, first in enumerate(hospitals.columns)
        for j, second in enumerate(hospitals.columns)
        if i < j and bool(hospitals.together[i, j])
    ]
    found = {pair: _p_value(_measured(hospitals, pair)) for pair in pairs}
    open_ones = [pair for pair in pairs if found[pair] > LEVEL]
    return min(open_ones, key=found.__getitem__) if open_ones else max(pairs, key=found.__getitem__)


def p_values(merged: Merged, hospitals: Hospitals, pair: tuple[str, str], numbers: Sequence[int]) -> pd.DataFrame:
    """P-values of the slope of one column on another at the first visit: from the real patients who have both, from synthetic rows.

    Args:
        merged: a merge of the hospitals.
        hospitals: whose patients they are.
        pair: the columns, first the one that is explained.
        numbers: of synthetic patients.
    """
    law = Gaussian(merged.law.mean[0], merged.law.covariance[0])
    visits, fixed = merged.report["visits"]["number"], len(merged.static)
    place = [merged.columns.index(name) for name in pair]
    rows = []
    for number in numbers:
        made = synthetic_patients(law, number, visits, fixed, torch.Generator().manual_seed(0))[:, place]
        rows.append({"rows": "synthetic", "patients": number, "p": _p_value(made)})
    real = _measured(hospitals, pair)
    return pd.DataFrame([*rows, {"rows": "measured", "patients": len(real), "p": _p_value(real)}])


def _measured(hospitals: Hospitals, pair: tuple[str, str]) -> Float[Tensor, "n 2"]:
    """Two columns at the first visit of all patients who have both, the true offsets of their hospitals taken off."""
    place = [hospitals.columns.index(name) for name in pair]
    values = (hospitals.seen[:, :, 0] - hospitals.offsets.nan_to_num().unsqueeze(1))[..., place].flatten(0, 1)
    return values[~values.isnan().any(-1)]


def _p_value(values: Float[Tensor, "n 2"]) -> float:
    return float(stats.linregress(values[:, 1].numpy(), values[:, 0].numpy()).pvalue)
