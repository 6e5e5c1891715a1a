"""Real data, bundled or downloaded. Knows nothing of the rest of the library.

:mod:`ddlib.datasets.bundled` has what comes with scikit-learn; :mod:`ddlib.datasets.cdisc` and :mod:`ddlib.datasets.pbcseq` load
laboratory visits, :mod:`ddlib.datasets.heart` patients of four hospitals, from a folder, an installed package or the network
(:mod:`ddlib.datasets.records`). Loading those needs the extra ``data``. :mod:`ddlib.datasets.release` loads what the paper's
authors released of their merge.
"""

from ddlib.datasets.bundled import Images, Table, diabetes, digits
from ddlib.datasets.cdisc import DEMOGRAPHICS, LABORATORY, cdisc_visits
from ddlib.datasets.download import DATA_FOLDER, ChecksumError, DataUnavailableError, RemoteFile, fetch
from ddlib.datasets.heart import TABLES, HeartDisease, heart_disease
from ddlib.datasets.pbcseq import FOLLOW_UP, pbc_visits
from ddlib.datasets.records import Records, at_hand
from ddlib.datasets.release import MergeRelease, merge_release
from ddlib.datasets.visits import Source, Visits

PINNED = (LABORATORY, DEMOGRAPHICS, FOLLOW_UP, *TABLES)
"""Every table that is not bundled; a data set is all tables with its name."""

__all__ = [
    "DATA_FOLDER",
    "PINNED",
    "ChecksumError",
    "DataUnavailableError",
    "HeartDisease",
    "Images",
    "MergeRelease",
    "Records",
    "RemoteFile",
    "Source",
    "Table",
    "Visits",
    "at_hand",
    "cdisc_visits",
    "diabetes",
    "digits",
    "fetch",
    "heart_disease",
    "merge_release",
    "pbc_visits",
]
