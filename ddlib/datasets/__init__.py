"""Real data, bundled or downloaded. Knows nothing of the rest of the library.

:mod:`ddlib.datasets.bundled` has what comes with scikit-learn; :mod:`ddlib.datasets.cdisc` and :mod:`ddlib.datasets.pbcseq` load
laboratory visits that are fetched once (:mod:`ddlib.datasets.download`). Loading those needs the ``book`` extra.
"""

from ddlib.datasets.bundled import Images, Table, diabetes, digits
from ddlib.datasets.cdisc import cdisc_visits
from ddlib.datasets.download import DATA_FOLDER, ChecksumError, DataUnavailableError, RemoteFile, fetch
from ddlib.datasets.pbcseq import pbc_visits
from ddlib.datasets.visits import Source, Visits

__all__ = [
    "DATA_FOLDER",
    "ChecksumError",
    "DataUnavailableError",
    "Images",
    "RemoteFile",
    "Source",
    "Table",
    "Visits",
    "cdisc_visits",
    "diabetes",
    "digits",
    "fetch",
    "pbc_visits",
]
