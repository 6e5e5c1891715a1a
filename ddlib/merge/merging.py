"""From the tables of several sources to one table of synthetic patients, and a report."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import TYPE_CHECKING, Any, NamedTuple

import numpy as np
import torch
from jaxtyping import Float
from torch import Tensor

from ddlib.dbn.model.network import Gaussian
from ddlib.merge.columns import shown
from ddlib.merge.errors import TableError
from ddlib.merge.estimate import MergeEstimate, estimate
from ddlib.merge.given import seeded
from ddlib.merge.joining import Join
from ddlib.merge.layout import patients_table, synthetic_names
from ddlib.merge.many_visits import many_visits
from ddlib.merge.model.fit import PRIOR
from ddlib.merge.panel import Panel, read_panel
from ddlib.merge.report import Findings, make_report
from ddlib.merge.rows import synthetic_patients
from ddlib.merge.scales import Margins, scales_of
from ddlib.merge.threads import few_threads
from ddlib.merge.timeless import with_times
from ddlib.merge.together import counts as count_together
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
        columns: the columns that change, in the table's order.
        static: those that do not change within a patient, likewise.
        law: mean and covariance of a complete patient, with a replicate axis of length one: the reported visits one after the
            other, each with its columns, then the static columns. In the columns' own units but for those whose margin is not
            normal (``report["columns"]``): these are on their latent scale.
        estimate: how the law was found.
        panel: the patients of the tables, as they were read.

    >>> import pandas as pd
    >>> north = pd.DataFrame({"id": [1, 1, 2, 2, 3, 3], "time": [0, 1] * 3, "hb": [13.0, 12.0, 11.0, 12.5, 14.0, 13.5]})
    >>> merged = merge([north, north.assign(hb=north.hb + 0.5)], "id", "time", rows=5)
    >>> merged.columns, merged.law.mean.shape
    (('hb',), torch.Size([1, 2]))
    """

    table: pd.DataFrame
    report: dict[str, Any]
    columns: tuple[str, ...]
    static: tuple[str, ...]
    law: Gaussian
    estimate: MergeEstimate
    panel: Panel


def merge(
    frames: Any,
    id: str,
    time: str | None = None,
    *,
    noise: Any = None,
    rows: int = 100,
    weights: bool = False,
    visits: Reading = "auto",
    window: float | None = None,
    max_visits: int | None = None,
    static: str | Sequence[str] = (),
    join: Join = "ask",
    margins: Margins = "auto",
    drop: Sequence[str] = (),
    seed: int = 0,
    prior: float = PRIOR,
    tolerance: float = 1e-2,
    iterations: int = 2000,
    progress: Progress | None = None,
    notice: Callable[[list[str]], None] | None = None,
) -> Merged:
    """Merge tables with intersecting columns into one table of complete synthetic patients.

    The estimate is the maximum of the observed-data likelihood, with a light prior, of a normal law with a mean for each visit, an
    offset for each hospital, a level for each patient and a Markov part, as far as the records ask for them
    (:mod:`ddlib.merge.model.law`, :mod:`ddlib.merge.model.choice`); cells are taken to be missing at random. What no patient has
    together is completed by the law of maximum entropy, a convention (:mod:`ddlib.merge.estimate`). From 2p + q + 1 patients, with
    p columns that change and q that do not, the synthetic table, without weights, has exactly the estimate's mean and covariance of
    each visit and of each pair of successive visits; from T·p + q + 1, every covariance.

    Args:
        frames: the sources' tables, at least two: a mapping from names to DataFrames, or a sequence. A row is a visit of a patient.
            Cells are numbers, or missing, or texts such as ``"<0.5"`` for values beyond a limit of detection.
        id, time: the columns with the patient and the time, of the same names in all tables. A table may lack the
            time if each patient has one row: this is one visit, ``"visit"`` where no time is named.
        noise: standard deviations of measurement errors, ``{"hb": 0.4}`` for all tables or ``{"north": {"hb": 0.4}}`` for one.
        rows: the number of synthetic patients.
        weights: add a column that says how many patients of the sources each synthetic one stands for.
        visits: ``"values"``: equal times are the same visit; ``"order"``: a patient's k-th row is visit k; ``"auto"`` chooses: see
            :mod:`ddlib.merge.visits`.
        window: rows whose times differ by so much at most may be one visit.
        max_visits: report so many visits, the first ones; when not given, those that enough patients have.
        static: columns that do not change within a patient; others are found.
        join: whether the same id in two tables is the same patient: ``"patients"``, ``"never"``, or ``"ask"``, which refuses where
            it matters.
        margins: ``"auto"``: columns of few values are categories, skewed ones a monotone map of a normal value; ``"normal"``: all
            are normal as they are.
        drop: columns to leave out.
        seed: of the random directions in which the synthetic patients scatter.
        prior: weight in patients of the prior; 0 is plain maximum likelihood.
        tolerance, iterations: of each fit: it stops when five iterations gain less, in nats of log-likelihood over all patients, or
            after so many.
        progress: called as the work goes on.
        notice: called once, when all has been checked and before the long work, with lines that a reader may want to see then.

    Raises:
        TableError: if the tables or the options cannot be used; one sentence says what is wrong and how to mend it.

    >>> import pandas as pd
    >>> north = pd.DataFrame({"id": [1, 1, 2, 2, 3, 3], "time": [0, 1] * 3, "hb": [13.0, 12.0, 11.0, 12.5, 14.0, 13.5]})
    >>> south = north.assign(crea=[88.0, 90.0, 70.0, 75.0, 80.0, 84.0])
    >>> merge({"north": north, "south": south}, "id", "time", rows=10).table.shape
    (20, 4)
    """
    _check_options(rows, drop, prior, tolerance, iterations, margins)
    generator = seeded(seed)
    say = progress or (lambda text, share: None)
    say("checking the tables", 0.0)
    left_out = [drop] if isinstance(drop, str) else drop
    frames, time, notes = with_times(frames, id, time)
    panel = read_panel(frames, id, time, noise, left_out, visits, static=static, window=window, max_visits=max_visits, join=join)
    notes += many_visits(panel)
    panel = panel._replace(warned=[*notes, *panel.warned])
    number = int(panel.visits.reported.sum())
    if rows * (number * len(panel.columns) + len(panel.static)) > _MOST_VALUES:
        raise TableError(f"{rows:,} synthetic patients are more than fit into memory: fewer carry the same estimate")
    if weights and _WEIGHT in (id, time, *panel.output):
        raise TableError(f"the weights go to a column {_WEIGHT!r}, which the tables have already: rename it there")
    counts = count_together(panel)
    if notice is not None:
        notice([note.text for note in notes])
    with few_threads():
        try:
            scales = scales_of(panel, margins)
            found = estimate(panel, scales, counts, prior, tolerance, iterations, say)
            patients = synthetic_patients(found.law, rows, number, len(panel.static), generator)
        except (ValueError, torch.linalg.LinAlgError) as error:
            raise TableError(
                f"the model cannot be fitted ({' '.join(str(error).split())}): drop columns that others determine or that hold "
                "numbers of very different sizes"
            ) from error
        say("writing the report", 0.95)
        report = make_report(Findings(id, time, panel, counts, found, patients))
    columns, fixed = _output(panel)
    law = _arranged(panel, scales.law(found.law, number))
    table = _table(panel, scales.own(patients, number), id, time, weights)
    return Merged(table, report, columns, fixed, law, found, panel)


def _check_options(rows: Any, drop: Any, prior: Any, tolerance: Any, iterations: Any, margins: Any) -> None:
    def whole(value: Any) -> bool:
        return isinstance(value, int | np.integer) and not isinstance(value, bool)

    if not whole(rows) or rows < 1:
        raise TableError(f"the number of synthetic patients (--rows) must be a whole number of 1 or more, but it is {shown(rows)}")
    if margins not in ("auto", "normal"):
        raise TableError(f"the margins may be 'auto' or 'normal', but the choice is {shown(margins)}")
    if not isinstance(drop, str | list | tuple):
        raise TableError(f"the columns to drop must be a list of names, but they are {shown(drop)}")
    if isinstance(prior, bool) or not isinstance(prior, int | float) or not 0 <= prior < float("inf"):
        raise TableError(f"the weight of the prior must be a number of 0 or more, but it is {shown(prior)}")
    if not isinstance(tolerance, int | float) or not tolerance > 0:
        raise TableError(f"the tolerance must be a number above 0, but it is {shown(tolerance)}")
    if not whole(iterations) or iterations < 1:
        raise TableError(f"the number of iterations must be a whole number of 1 or more, but it is {shown(iterations)}")


def _output(panel: Panel) -> tuple[tuple[str, ...], tuple[str, ...]]:
    """The columns that change and those that do not, in the order of the output."""
    columns, fixed = (tuple(name for name in panel.output if name in kind) for kind in (panel.columns, panel.static))
    return columns, fixed


def _arranged(panel: Panel, law: Gaussian) -> Gaussian:
    """A law with the columns in the order of the output, and a replicate axis."""
    columns, fixed = _output(panel)
    p, visits = len(columns), int(panel.visits.reported.sum())
    order = torch.tensor([panel.columns.index(name) for name in columns], dtype=torch.long)
    moving = (torch.arange(visits).unsqueeze(-1) * p + order).flatten()
    last = visits * p + torch.tensor([panel.static.index(name) for name in fixed], dtype=torch.long)
    entries = torch.cat([moving, last])
    return Gaussian(law.mean[None, entries], law.covariance[entries][:, entries].unsqueeze(0))


def _table(panel: Panel, patients: Float[Tensor, "n E"], id: str, time: str, weights: bool) -> pd.DataFrame:
    """The synthetic patients with the inputs' columns."""
    rows = len(patients)
    table = patients_table(panel, patients, synthetic_names(panel, rows), id, time)
    if weights:
        table[_WEIGHT] = sum(len(values) for values in panel.values) / rows
    return table
