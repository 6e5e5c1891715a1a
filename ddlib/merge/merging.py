"""From the tables of several sources to one table of synthetic patients, and a report."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import TYPE_CHECKING, Any, NamedTuple

import numpy as np
import torch

from ddlib.dbn.model.moments import fit_moments, gaussian_moments, regressors
from ddlib.dbn.model.network import Dbn, Gaussian, joint
from ddlib.merge.columns import shown
from ddlib.merge.errors import TableError
from ddlib.merge.fit import LEAST_RIDGE, PRIOR, Fit, fit, saturated
from ddlib.merge.panel import Panel, read_panel
from ddlib.merge.patterns import Group, group_patients
from ddlib.merge.report import Findings, make_report
from ddlib.merge.rows import synthetic_patients
from ddlib.merge.visits import Reading

if TYPE_CHECKING:
    import pandas as pd

__all__ = ["Merged", "Progress", "merge"]

_WEIGHT = "represents"
"""Name of the column with the weights."""
_MOST_VALUES = 100_000_000
"""Values that the synthetic table may have."""
Progress = Callable[[str, float], None]
"""Called with what is being done, in words, and the share of the whole work that is done."""


class Merged(NamedTuple):
    """What a merge gives.

    Attributes:
        table: the synthetic patients: the id and time columns, then every measured column; one row per patient and visit.
        report: plain dictionaries, lists, texts and numbers, as written to the JSON file.
        columns: the measured columns, in the table's order.
        model: the merged estimate, in the columns' own units, with a replicate axis of length one.
        law: mean and covariance of a complete trajectory under it, likewise.

    >>> import pandas as pd
    >>> north = pd.DataFrame({"id": [1, 1, 2, 2, 3, 3], "time": [0, 1] * 3, "hb": [13.0, 12.0, 11.0, 12.5, 14.0, 13.5]})
    >>> merged = merge([north, north.assign(hb=north.hb + 0.5)], "id", "time", rows=5)
    >>> merged.columns, merged.law.mean.shape
    (('hb',), torch.Size([1, 2]))
    """

    table: pd.DataFrame
    report: dict[str, Any]
    columns: tuple[str, ...]
    model: Dbn
    law: Gaussian


def merge(
    frames: Any,
    id: str,
    time: str,
    *,
    noise: Any = None,
    rows: int = 100,
    weights: bool = False,
    visits: Reading = "auto",
    drop: Sequence[str] = (),
    seed: int = 0,
    prior: float = PRIOR,
    tolerance: float = 1e-3,
    cycles: int = 400,
    progress: Progress | None = None,
) -> Merged:
    """Merge tables with intersecting columns into one table of complete synthetic patients.

    The estimate is the maximum of the observed-data likelihood, with a light prior, of a saturated linear-Gaussian DBN with one
    transition for all visits (:mod:`ddlib.merge.fit`); cells are taken to be missing at random. From 2p + 1 patients the
    synthetic table, without weights, has exactly the estimate's mean and covariance of each visit and of each pair of successive
    visits; from T·p + 1, every covariance.

    Args:
        frames: the sources' tables, at least two: a mapping from names to DataFrames, or a sequence. A row is a visit of a patient.
            The same id in two tables is two patients.
        id, time: the columns with the patient and the time, of the same names in all tables.
        noise: standard deviations of measurement errors, ``{"hb": 0.4}`` for all tables or ``{"north": {"hb": 0.4}}`` for one.
        rows: the number of synthetic patients.
        weights: add a column that says how many patients of the sources each synthetic one stands for.
        visits: ``"values"``: equal times are the same visit; ``"order"``: a patient's k-th row is visit k; ``"auto"`` chooses: see
            :mod:`ddlib.merge.visits`.
        drop: columns to leave out.
        seed: of the random directions in which the synthetic patients scatter.
        prior: weight in patients of the prior; 0 is plain maximum likelihood: see :mod:`ddlib.merge.fit`.
        tolerance, cycles: of EM: it stops when a cycle gains less, in nats of log-likelihood over all patients, or after so many.
        progress: called as the work goes on.

    Raises:
        TableError: if the tables or the options cannot be used; one sentence says what is wrong and how to mend it.

    >>> import pandas as pd
    >>> north = pd.DataFrame({"id": [1, 1, 2, 2, 3, 3], "time": [0, 1] * 3, "hb": [13.0, 12.0, 11.0, 12.5, 14.0, 13.5]})
    >>> south = north.assign(crea=[88.0, 90.0, 70.0, 75.0, 80.0, 84.0])
    >>> merge({"north": north, "south": south}, "id", "time", rows=10).table.shape
    (20, 4)
    """
    _check_options(rows, seed, visits, drop, prior, tolerance, cycles)
    say = progress or (lambda text, share: None)
    say("checking the tables", 0.0)
    panel = read_panel(frames, id, time, noise, [drop] if isinstance(drop, str) else drop, visits)
    if rows * panel.visits.number * len(panel.columns) > _MOST_VALUES:
        raise TableError(f"{rows:,} synthetic patients are more than fit into memory: fewer carry the same estimate")
    if weights and _WEIGHT in (id, time, *panel.columns):
        raise TableError(f"the weights go to a column {_WEIGHT!r}, which the tables have already: rename it there")
    groups = [group for k in range(len(panel.sources)) for group in group_patients(*panel.standard(k), k)]
    columns = tuple(panel.columns[place] for place in panel.order)
    try:
        ridge = max(LEAST_RIDGE, prior / sum(group.patients for group in groups))
        merged = _fit(panel, groups, ridge, tolerance, cycles, say)
        model, law = _own_units(panel, merged.model)
        patients = synthetic_patients(model, rows, panel.visits.number, torch.Generator().manual_seed(seed))
        report = make_report(Findings(id, time, panel, groups, merged, patients, law, ridge, tolerance, cycles), say)
    except (ValueError, torch.linalg.LinAlgError) as error:
        raise TableError(
            f"the model cannot be fitted ({' '.join(str(error).split())}): drop columns that others determine or that hold numbers "
            "of very different sizes"
        ) from error
    return Merged(_table(panel, patients, id, time, columns, weights), report, columns, model, law)


def _check_options(rows: Any, seed: Any, visits: Any, drop: Any, prior: Any, tolerance: Any, cycles: Any) -> None:
    def whole(value: Any) -> bool:
        return isinstance(value, int | np.integer) and not isinstance(value, bool)

    if not whole(rows) or rows < 1:
        raise TableError(f"the number of synthetic patients (--rows) must be a whole number of 1 or more, but it is {shown(rows)}")
    if not whole(seed) or not 0 <= seed < 2**63:
        raise TableError(f"the seed must be a whole number of 0 or more, but it is {shown(seed)}")
    if visits not in ("auto", "values", "order"):
        raise TableError(f"visits are read by 'auto', 'values' or 'order', but the choice is {shown(visits)}")
    if not isinstance(drop, str | list | tuple):
        raise TableError(f"the columns to drop must be a list of names, but they are {shown(drop)}")
    if isinstance(prior, bool) or not isinstance(prior, int | float) or not 0 <= prior < float("inf"):
        raise TableError(f"the weight of the prior must be a number of 0 or more, but it is {shown(prior)}")
    if not isinstance(tolerance, int | float) or not tolerance > 0:
        raise TableError(f"the tolerance must be a number above 0, but it is {shown(tolerance)}")
    if not whole(cycles) or cycles < 1:
        raise TableError(f"the number of cycles must be a whole number of 1 or more, but it is {shown(cycles)}")


def _fit(panel: Panel, groups: list[Group], ridge: float, tolerance: float, cycles: int, say: Progress) -> Fit:
    def watch(cycle: int, objective: float) -> None:
        say(f"fitting: EM cycle {cycle + 1}, {objective:.4f} nats per patient", 0.05 + 0.55 * (1 - 0.96**cycle))

    return fit(groups, panel.visits.number, tolerance, cycles, ridge, watch)


def _own_units(panel: Panel, model: Dbn) -> tuple[Dbn, Gaussian]:
    """An estimate in standard units as one in the columns' own units and in the order of the output."""
    visits = panel.visits.number
    law = joint(model, visits)
    order = torch.tensor(panel.order)
    entries = (torch.arange(visits).unsqueeze(-1) * len(order) + order).flatten()
    scale = panel.spread[order].repeat(visits)
    mean = panel.centre[order].repeat(visits) + scale * law.mean[:, entries]
    covariance = law.covariance[:, entries][:, :, entries] * torch.outer(scale, scale)
    law = Gaussian(mean, covariance)
    return fit_moments(gaussian_moments(law, visits), regressors(saturated(len(order)))), law


def _table(panel: Panel, patients: torch.Tensor, id: str, time: str, columns: Sequence[str], weights: bool) -> pd.DataFrame:
    """The synthetic patients with the inputs' columns; ids are whole numbers where all tables have whole numbers."""
    import pandas as pd

    rows, visits, variables = patients.shape
    names = (
        list(range(1, rows + 1)) if panel.visits.whole_ids else [f"synthetic-{i:0{len(str(rows))}d}" for i in range(1, rows + 1)]
    )
    labels = panel.visits.labels
    if labels.dtype.kind == "f" and (labels == labels.round()).all() and np.abs(labels).max() < 2**53:
        labels = labels.astype("int64")
    table = pd.DataFrame({id: np.repeat(names, visits), time: np.tile(labels, rows)})
    cells = pd.DataFrame(patients.reshape(-1, variables).numpy(), columns=list(columns))
    table = pd.concat([table, cells], axis=1)
    if weights:
        table[_WEIGHT] = sum(len(values) for values in panel.values) / rows
    return table
