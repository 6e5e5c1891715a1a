"""The tables that a merge can give beside the exact one: the hospitals' own patients completed, and random synthetic patients.

Both carry the uncertainty of the estimate: each table is from its own draw of the law (:mod:`ddlib.merge.posterior`), so that the
results of one analysis of all tables can be combined (:mod:`ddlib.merge.combining`) to one with a standard error.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, NamedTuple

import numpy as np
import torch
from jaxtyping import Float
from torch import Tensor

from ddlib.dbn.model.network import Gaussian
from ddlib.merge.conditional import drawn_patients
from ddlib.merge.errors import TableError
from ddlib.merge.estimate import MergeEstimate, reported_entries
from ddlib.merge.given import seeded
from ddlib.merge.latent import Limits, latent_rows, own_rows
from ddlib.merge.layout import patients_table, synthetic_names
from ddlib.merge.panel import Panel
from ddlib.merge.posterior import CERTAIN, drawn_laws
from ddlib.merge.scales import Scales
from ddlib.merge.streams import Streams
from ddlib.merge.threads import few_threads

if TYPE_CHECKING:
    import pandas as pd

__all__ = ["REAL", "Completed", "completed_tables", "drawn_tables"]

REAL = (
    "The completed tables hold real patients: whatever was measured of them stands there as it was given. They need the same "
    "protection and the same permissions as the records themselves."
)
"""What has to be said wherever completed tables are given out."""
_WITHIN = (
    "Cells beyond a limit of detection hold values that were drawn within their limits, which differ between completed tables."
)
"""What has to be said with tables of patients of whom some cells are known to be beyond a limit only."""
_SOURCE = "source"
"""The column of completed tables with the table that a patient is of."""


class Completed(NamedTuple):
    """The hospitals' own patients, completed several times.

    Attributes:
        tables: one row for each patient and reported visit: the id and time columns, ``source``, then every measured column. What
            was measured as a number is the same in all, as it was given; what is beyond a limit of detection is drawn within it.
        drawn: which cells of the measured columns were missing, and were drawn; the rows and columns of the tables.
        notes: what has to be said with them.

    >>> Completed._fields
    ('tables', 'drawn', 'notes')
    """

    tables: list[pd.DataFrame]
    drawn: pd.DataFrame
    notes: tuple[str, ...]


def completed_tables(panel: Panel, found: MergeEstimate, id: str, time: str, draws: int = 5, seed: int = 0) -> Completed:
    """The hospitals' own patients, with missing cells of reported visits drawn from their law given what was measured of them.

    Each table has its own draw of the law, hospital means included. A patient has a row for each reported visit, kept or missed;
    what was measured at visits that are not reported is left out, and not used. A drawn cell is drawn as it would have been
    measured: with the noise that was given for it.

    Args:
        panel: the patients.
        found: their estimate.
        id, time: names of the columns with the patient and the time.
        draws: the number of tables m.
        seed: of the draws.

    Raises:
        TableError: if there is a column called ``source``, or the number of tables is below one.

    >>> import pandas as pd
    >>> from ddlib.merge import merge
    >>> north = pd.DataFrame({"id": [1, 1, 2, 2, 3, 3], "time": [0, 1] * 3, "hb": [13.0, 12.0, 11.0, None, 14.0, 13.5]})
    >>> merged = merge({"north": north, "south": north.assign(hb=north.hb + 0.5)}, "id", "time", join="never")
    >>> completed = completed_tables(merged.panel, merged.estimate, "id", "time", draws=2)
    >>> len(completed.tables), completed.tables[0].shape, int(completed.drawn.hb.sum())
    (2, (12, 4), 2)
    """
    import pandas as pd

    check_number(draws)
    if _SOURCE in (id, time, *panel.output):
        raise TableError(
            f"completed tables have a column {_SOURCE!r} with the patients' table, which the tables have already: rename it"
        )
    generator, visits = seeded(seed), int(panel.visits.reported.sum())
    whole = panel.visits.whole_ids
    names = [[int(name) for name in part] if whole else part for part in panel.patients]
    measured = [reported_values(panel, k) for k in range(len(panel.sources))]
    limits = [_reported_limits(panel, k) for k in range(len(panel.sources))]

    def table(patients: list[Float[Tensor, "n E"]]) -> pd.DataFrame:
        parts = [patients_table(panel, *part, id, time) for part in zip(patients, names, strict=True)]
        for part, source in zip(parts, panel.sources, strict=True):
            part.insert(2, _SOURCE, source)
        return pd.concat(parts, ignore_index=True)

    tables = []
    with few_threads():
        for number, drawn in enumerate(drawn_laws(panel, found, draws, generator)):
            rows = []
            for k, values in enumerate(measured):
                law = Gaussian(drawn.hospitals[k], drawn.law.covariance)
                streams = Streams.of(panel.patients[k], seed, number, panel.sources[k])
                rows.append(completed_rows(found.scales, values, law, entry_noise(panel, k), visits, streams, limits[k]))
            tables.append(table(rows))
    known = [known_cells(*part) for part in zip(measured, limits, strict=True)]
    return Completed(tables, table(known)[panel.output].isna(), completed_notes(found, panel.limits is not None))


def completed_notes(found: MergeEstimate, limits: bool) -> tuple[str, ...]:
    """What has to be said with completed tables.

    Args:
        found: the estimate.
        limits: whether some cells of the patients are beyond a limit of detection.
    """
    return (REAL, *((_WITHIN,) if limits else ()), *(() if found.information is not None else (CERTAIN,)))


def drawn_tables(
    panel: Panel, found: MergeEstimate, id: str, time: str, draws: int = 20, rows: int | None = None, seed: int = 0
) -> list[pd.DataFrame]:
    """Tables of random synthetic patients, each from its own draw of the law of the average of the hospitals.

    Args:
        panel: the patients.
        found: their estimate.
        id, time: names of the columns with the patient and the time.
        draws: the number of tables m; twenty give intervals of a good width.
        rows: patients in each table; as many as the records have when not given.
        seed: of the draws.

    Raises:
        TableError: if the number of tables or of patients is below one.

    >>> import pandas as pd
    >>> from ddlib.merge import merge
    >>> north = pd.DataFrame({"id": [1, 1, 2, 2, 3, 3], "time": [0, 1] * 3, "hb": [13.0, 12.0, 11.0, 12.5, 14.0, 13.5]})
    >>> merged = merge({"north": north, "south": north.assign(hb=north.hb + 0.5)}, "id", "time", join="never")
    >>> [table.shape for table in drawn_tables(merged.panel, merged.estimate, "id", "time", draws=2, rows=10)]
    [(20, 3), (20, 3)]
    """
    number = sum(map(len, panel.patients)) if rows is None else rows
    check_number(draws)
    check_number(number)
    generator, visits = seeded(seed), int(panel.visits.reported.sum())
    tables = []
    with few_threads():
        for drawn in drawn_laws(panel, found, draws, generator):
            mean, root = drawn.law.mean, torch.linalg.cholesky(drawn.law.covariance)
            patients = mean + torch.randn(number, len(mean), dtype=mean.dtype, generator=generator) @ root.mT
            tables.append(patients_table(panel, found.scales.own(patients, visits), synthetic_names(panel, number), id, time))
    return tables


def check_number(number: int) -> None:
    """Refuse what is no number of tables.

    Raises:
        TableError: if it is no whole number of 1 or more.
    """
    if isinstance(number, bool) or not isinstance(number, int | np.integer) or number < 1:
        raise TableError(f"the number of tables (--complete, --draws) and of patients must be 1 or more, but it is {number!r}")


def entry_noise(panel: Panel, source: int) -> Float[Tensor, " E"]:
    """Variance of the measurement noise of a source's reported entries, in standard units."""
    visits = int(panel.visits.reported.sum())
    moving, fixed = panel.noise[source] / panel.spread, panel.static_noise[source] / panel.static_spread
    return torch.cat([moving.repeat(visits), fixed]).square()


def reported_values(panel: Panel, source: int) -> Float[Tensor, "n E"]:
    """What was measured of a source's patients at the reported visits, in the columns' own units."""
    moving = panel.values[source][:, torch.from_numpy(panel.visits.reported)]
    return torch.cat([moving.flatten(1), panel.fixed[source]], dim=1)


def _reported_limits(panel: Panel, source: int) -> Limits | None:
    """The ends of the same cells; None where no cell of the panel lies in an interval."""
    if panel.limits is None:
        return None
    lower, upper = (end[:, reported_entries(panel)] for end in panel.limits[source])
    return lower, upper


def known_cells(values: Float[Tensor, "n E"], limits: Limits | None) -> Float[Tensor, "n E"]:
    """Not-a-number where nothing was measured, and some number elsewhere."""
    return values if limits is None else torch.where(limits[0].isfinite() | limits[1].isfinite(), 0.0, values)


def completed_rows(
    scales: Scales,
    values: Float[Tensor, "n E"],
    law: Gaussian,
    noise: Float[Tensor, " E"],
    visits: int,
    streams: Streams,
    limits: Limits | None = None,
) -> Float[Tensor, "n E"]:
    """Patients with their missing entries drawn, in the columns' own units; the measured ones bit for bit, or within their limits.

    Args:
        scales: the margins of the columns.
        values: measurements in the columns' own units, not-a-number where there is no number.
        law, noise: on the latent scales.
        visits: the number of reported visits.
        streams: each patient's random numbers.
        limits: ends of all cells, where some lie in intervals.
    """
    latent = latent_rows(scales, values, law, noise, visits, streams, limits)
    return own_rows(scales, drawn_patients(latent, law, noise, streams), values, visits, limits)
