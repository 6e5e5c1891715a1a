"""The data that the paper's authors released of their merge of partitions: for reading, not for passing on.

They come without a licence, so they are not part of this library and are fetched only when that is asked for.
"""

from __future__ import annotations

import hashlib
import os
import sys
from pathlib import Path
from typing import NamedTuple

import numpy as np
import torch
from jaxtyping import Float
from torch import Tensor

from ddlib.datasets.download import DATA_FOLDER, ChecksumError, DataUnavailableError, RemoteFile, cache_folder, fetch
from ddlib.datasets.records import MISSING, READ
from ddlib.datasets.visits import Source

__all__ = ["FILES", "INPUT", "SOURCE", "MergeRelease", "merge_release", "release_at_hand"]

_COMMIT = "a6f98640ebb1319b4b82f7990dbee4b913042799"
_SHA256 = {
    "dd_10.csv": "f9db4aa5068b573d8633702d1e29adb25378609778c747893889272c8cecb2e6",
    "dd_data.csv": "ba7a6075d9a8be96f461459cf52bc2b12c47506ee39d19945b2420624797b1b2",
    "dd_data5.csv": "2570caa23a76a106fba33eb290faff422735284714832fcebc2b6afaf45a5b6c",
    "original_test.csv": "0268aeed698a4335ce7ee8ff3c8d24c8e813ac061d4fcca8670d9ba8e99be9f8",
    "original_test_10.csv": "0e35585df01fac22aa69639983851167ccf1d7a5f50c2c87d3dc7e676c99bcce",
    "original_train.csv": "a5da248cbe2de79831e409f50201a033e56af7889355541cce74b47313fae474",
    "original_train_10.csv": "dbc8037b05ef2a9a2a3e061881cb4daa61dc6a02f88dc674d8a7997e82fd63d3",
    "seperated_data/partition_0.csv": "cc48d726df875b22e9dc9d90a937f5d58f487e235a898fc8ef88524cbe0ac6e8",
    "seperated_data/partition_1.csv": "343ea8878ad425ebcb2d250f43aaba4cd82d1a17e03fc05d982c2deba98eb821",
    "seperated_data/partition_2.csv": "964520c60d6767b1e52e1c80494714705f2414b6875c5178468c5a911d60b2dd",
    "seperated_data/partition_3.csv": "897506d789400576a32175429fce0ef31247d646addc6e1ca11963afe2229cf7",
    "seperated_data/partition_4.csv": "8c04755f284745c1fb06a26314d136e303a0af65ebd0bd92b275b6de9a6e7b9d",
    "seperated_data_10/partition_0.csv": "d113d99534853b54cf127189c7681646504508d8c637b0552bb3d8e9cd188e56",
    "seperated_data_10/partition_1.csv": "d66249be60f58e7c3f81d38bdcbb54c4d5ab0f5c00b2b99dd9c34fa9e952550f",
    "seperated_data_10/partition_2.csv": "f6512b5ce3f83e8d1bf1e0faeb464cf27fb3dd2bf28ed124e0bff0a5877ba26a",
    "seperated_data_10/partition_3.csv": "5ccd99ea4500ed597e85454742090d32e2ff80b243a226dbfc182896c707bda9",
    "seperated_data_10/partition_4.csv": "97c05839b61a171d2aab517722ff2f9c69540b59f56956b74d87ec3d7ec0962b",
    "weight_matrix.csv": "d55893163bcf56b7fe87854c4153f4764bb6c07e2b7d589265c8d2a4fae6ec44",
    "weight_matrix_10.csv": "eec6481b77eb0bb5029a8eb17b896b4ac86d76d3645601ea0758ca5d37e6b299",
}
FILES = {
    name: RemoteFile(
        f"release/data/{name}", f"https://raw.githubusercontent.com/yfpeng1234/dd_medical/{_COMMIT}/data/{name}", sha256
    )
    for name, sha256 in _SHA256.items()
}
"""Every file, by its name in the authors' folder ``data``."""
INPUT = "merge_release: "
"""How the name of a file begins in the audit events (:mod:`ddlib.datasets.records`)."""
SOURCE = Source(
    "Data of the merge of partitions in Dataset Distillation from First Principles",
    f"https://github.com/yfpeng1234/dd_medical/tree/{_COMMIT}",
    "none stated: no part of these data may be passed on",
    "Kungurtsev, Peng, Gu, Vahidian, Quinn, Idlahcen and Chen (2024), arXiv 2409.01410",
)
"""Where the data come from, and on which terms."""
_PARTITIONS, _VARIABLES = 5, 20
_DISTILLED = {2: ("dd_data.csv", "dd_data5.csv"), 10: ("dd_10.csv",)}
"""Names of the distilled sets, by the number of slices of the data that they were distilled from."""


class MergeRelease(NamedTuple):
    """Rows of T slices of 20 variables, the earliest slice first.

    Attributes:
        train: clean, complete rows.
        test: clean, complete rows for judging.
        partitions: the sources' rows, with noise; not-a-number where hidden.
        intra: declared weights within each slice, [child, parent]; an edge is where there is one.
        inter: declared weights from one slice to the next, [child, parent].
        distilled: the released distilled sets, of two slices whatever T is, by the names of their files.

    >>> rows, weights = torch.zeros(10, 2, 20), torch.zeros(20, 20)
    >>> MergeRelease(rows, rows, rows.unflatten(0, (5, 2)), weights, weights, {}).partitions.shape
    torch.Size([5, 2, 2, 20])
    """

    train: Float[Tensor, "n T p"]
    test: Float[Tensor, "n T p"]
    partitions: Float[Tensor, "K m T p"]
    intra: Float[Tensor, "p p"]
    inter: Float[Tensor, "p p"]
    distilled: dict[str, Float[Tensor, "b 2 p"]]


def merge_release(slices: int = 2, download: bool = False, cache: Path | None = None) -> MergeRelease:
    """The released data of two or of ten slices, files with the pinned content only.

    A file is read from ``release/data`` in the folder that ``DDLIB_DATA_DIR`` names, else from the cache.

    Args:
        slices: 2, or 10 for the scale-up.
        download: fetch files that are on neither place from the authors' repository at a pinned commit. The authors state no
            licence: whether you may use the data is yours to decide.
        cache: where fetched files are kept (:func:`ddlib.datasets.download.fetch`).

    Raises:
        ValueError: if the number of slices is another.
        DataUnavailableError: if a file is not on this machine and is not to be fetched, or cannot be.
        ChecksumError: if a file holds something else than the pinned one.

    >>> try:
    ...     merge_release().train.shape
    ... except DataUnavailableError:
    ...     torch.Size([1000, 2, 20])
    torch.Size([1000, 2, 20])
    """
    if slices not in _DISTILLED:
        raise ValueError(f"the release has data of 2 and of 10 slices, but {slices} were asked for")
    end = "" if slices == 2 else f"_{slices}"

    def rows(name: str) -> Tensor:
        return _table(name, download, cache).unflatten(-1, (-1, _VARIABLES))

    weights = (
        _table(f"weight_matrix{end}.csv", download, cache).unflatten(0, (slices, _VARIABLES)).unflatten(-1, (slices, _VARIABLES))
    )
    return MergeRelease(
        rows(f"original_train{end}.csv"),
        rows(f"original_test{end}.csv"),
        torch.stack([rows(f"seperated_data{end}/partition_{number}.csv") for number in range(_PARTITIONS)]),
        weights[0, :, 0].mT.clone(),
        weights[0, :, 1].mT.clone(),
        {name: rows(name) for name in _DISTILLED[slices]},
    )


def _table(name: str, download: bool, cache: Path | None) -> Float[Tensor, "n d"]:
    """The numbers of a file with one line of names, whose columns are ordered by slice, the earliest first, then by variable."""
    path = _path(name, download, cache)
    with path.open("rb") as stream:
        if hashlib.file_digest(stream, "sha256").hexdigest() != FILES[name].sha256:
            raise ChecksumError(f"{path} holds something else than the pinned file: replace it by the file at {FILES[name].url}")
        stream.seek(0)
        return torch.as_tensor(np.genfromtxt(stream, delimiter=",", skip_header=1))


def release_at_hand(name: str, cache: Path | None = None) -> Path | None:
    """The folder's file of that name if it is there, else the cache's, else nothing.

    Args:
        name: as in :data:`FILES`.
        cache: where fetched files are kept.

    >>> release_at_hand("no such file.csv") is None
    True
    """
    file, folder = f"release/data/{name}", os.environ.get(DATA_FOLDER)
    if folder and (path := Path(folder).expanduser() / file).is_file():
        return path
    try:
        kept = cache_folder(cache) / file
    except ModuleNotFoundError:
        return None
    return kept if kept.is_file() else None


def _path(name: str, download: bool, cache: Path | None) -> Path:
    """The file that is at hand, else a fetched one."""
    file, path = FILES[name], release_at_hand(name, cache)
    if path is None and download:
        path = fetch(file, cache)
    if path is None:
        sys.audit(MISSING, INPUT + name)
        raise DataUnavailableError(
            f"{file.name} is not on this machine: put it into the folder of {DATA_FOLDER}, or ask for it with download=True "
            f"(from {file.url}; its authors state no licence)"
        )
    sys.audit(READ, INPUT + name, str(path))
    return path
