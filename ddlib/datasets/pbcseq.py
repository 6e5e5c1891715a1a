"""Follow-up visits of the Mayo Clinic trial in primary biliary cirrhosis."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import torch

from ddlib.datasets.download import RemoteFile, fetch
from ddlib.datasets.visits import Source, Visits, first_visits
from ddlib.extras import needed

FOLLOW_UP = RemoteFile(
    "pbcseq.csv",
    "https://raw.githubusercontent.com/vincentarelbundock/Rdatasets/1dcc2bf5f955cc1224a3e1307256e1fe86b68dae/csv/survival/pbcseq.csv",
    "03aca2f2e449c388b14ec130383654a09d91240f85f935ce364d206c8e848aed",
)
"""The table ``pbcseq`` of the R package survival, as Rdatasets exports it."""

SOURCE = Source(
    "Mayo Clinic primary biliary cirrhosis, sequential data (pbcseq)",
    "https://vincentarelbundock.github.io/Rdatasets/doc/survival/pbcseq.html",
    "GNU Lesser General Public License, version 2 or later (R package survival)",
    "T. M. Therneau and P. M. Grambsch, Modeling Survival Data: Extending the Cox Model, Springer 2000; exported by Rdatasets",
)

PANELS = {
    "liver": ("bili", "alk.phos", "ast"),
    "synthesis": ("albumin", "protime"),
    "platelets": ("platelet",),
}
VARIABLES = tuple(name for panel in PANELS.values() for name in panel)
UNITS = ("log mg/dL", "log U/L", "log U/mL", "g/dL", "log s", "log 10⁹/L")
YEARS = 11
"""Annual visits from enrolment (year 0) to year 10; few patients have later ones."""
WINDOW = 0.25
"""How far from a full year a visit may lie and still count as that year's, in years."""
HOSPITALS = 3


def pbc_visits(visits: int | None = None, cache: Path | None = None) -> Visits:
    """Six laboratory values at the annual visits of 312 patients.

    Choices: the visit of year k is the one nearest to k years after enrolment, if it lies within three months of that; the visits
    at half a year and the extra ones in between, which were often made because a patient got worse, are left out. The natural
    logarithm of everything but albumin. Cholesterol is left out, because it was not part of most visits. All patients belong to
    one clinic: ``sites`` deals them out in turn, in the order of enrolment, to three *made-up* hospitals A, B and C. Patients leave
    by death or transplantation, so that later visits are of those who did better: missing visits are not missing at random.

    Args:
        visits: how many annual visits, from enrolment on; patients without any result in them are left out.
        cache: where the fetched file is kept (:func:`ddlib.datasets.download.fetch`).

    Raises:
        DataUnavailableError: if the file is not on this machine and cannot be fetched.
        ChecksumError: if it has other content than the pinned one.
        ValueError: if the number of visits is below 1 or above 11.
    """
    pd = needed("pandas", "data")

    table = pd.read_csv(fetch(FOLLOW_UP, cache))
    years = table.day / 365.25
    table = table.assign(year=years.round().astype(int), off=(years - years.round()).abs())
    patients = sorted(table.id.unique())
    near = table[(table.off <= WINDOW) & (table.year < YEARS)]
    near = near.sort_values(["off", "day"], kind="stable").drop_duplicates(["id", "year"])
    columns = pd.MultiIndex.from_product([VARIABLES, range(YEARS)])
    wide = near.pivot(index="id", columns="year", values=list(VARIABLES)).reindex(index=patients, columns=columns)
    values = wide.to_numpy(dtype=float).reshape(len(patients), len(VARIABLES), YEARS).transpose(0, 2, 1)
    values = np.where([name == "albumin" for name in VARIABLES], values, np.log(values))
    found = Visits(
        torch.as_tensor(values),
        tuple(str(patient) for patient in patients),
        tuple("ABC"[i % HOSPITALS] for i in range(len(patients))),
        tuple(f"year {year}" for year in range(YEARS)),
        VARIABLES,
        UNITS,
        PANELS,
        SOURCE,
    )
    return first_visits(found, visits)
