"""Files at a pinned address, fetched once and checked against a pinned hash."""

from __future__ import annotations

from pathlib import Path
from typing import NamedTuple

from ddlib.extras import needed

__all__ = ["DATA_FOLDER", "ChecksumError", "DataUnavailableError", "RemoteFile", "fetch"]

DATA_FOLDER = "DDLIB_DATA_DIR"
"""Environment variable: a folder that holds the files by name, for machines without network."""

_TIMEOUT = 20.0
"""Seconds to wait for an answer of the server."""


class DataUnavailableError(RuntimeError):
    """The data are neither on this machine nor can they be fetched; the message says what to do.

    >>> raise DataUnavailableError("lb.parquet is not on this machine: put it into a folder")
    Traceback (most recent call last):
        ...
    ddlib.datasets.download.DataUnavailableError: lb.parquet is not on this machine: put it into a folder
    """


class ChecksumError(ValueError):
    """A file does not hold what this project was written for.

    >>> raise ChecksumError("lb.parquet holds other values than the pinned records: replace it")
    Traceback (most recent call last):
        ...
    ddlib.datasets.download.ChecksumError: lb.parquet holds other values than the pinned records: replace it
    """


class RemoteFile(NamedTuple):
    """A file with a pinned address and content.

    Attributes:
        name: its name in the folder of :data:`DATA_FOLDER` and in the cache.
        url: where it is fetched from.
        sha256: of its content, as 64 hexadecimal digits.

    >>> RemoteFile("lb.parquet", "https://example.org/lb.parquet", "0" * 64).name
    'lb.parquet'
    """

    name: str
    url: str
    sha256: str


def fetch(file: RemoteFile, cache: Path | None = None) -> Path:
    """The path of a file with the pinned content, in pooch's cache; fetched into it if it is not there.

    Args:
        file: which one.
        cache: where fetched files are kept; by default pooch's folder for ``ddlib``.

    Raises:
        ChecksumError: if a file is fetched whose content is not the pinned one.
        DataUnavailableError: if the file cannot be fetched.

    >>> import hashlib, tempfile
    >>> file = RemoteFile("kept.csv", "https://example.org/kept.csv", hashlib.sha256(b"1,2").hexdigest())
    >>> with tempfile.TemporaryDirectory() as folder:
    ...     _ = (Path(folder) / "kept.csv").write_bytes(b"1,2")  # as fetched before
    ...     fetch(file, Path(folder)).read_text()
    '1,2'
    """
    pooch = needed("pooch", "data")

    downloader = pooch.HTTPDownloader(timeout=_TIMEOUT) if file.url.startswith("http") else None
    try:
        fetched = pooch.retrieve(
            file.url,
            known_hash=f"sha256:{file.sha256}",
            fname=file.name,
            path=cache_folder(cache),
            downloader=downloader,
            progressbar=False,
        )
    except OSError as error:  # no network, no such address, no right to write: requests' errors are among them
        raise DataUnavailableError(
            f"{file.name} is not on this machine and could not be fetched from {file.url} ({_reason(error)}): "
            f"put the file into a folder and set {DATA_FOLDER} to it"
        ) from error
    except ValueError as error:
        if "hash" not in str(error):
            raise
        raise ChecksumError(
            f"what {file.url} serves today has another SHA-256 than {file.sha256}, so it was not used: "
            f"put the file {file.name} with that hash into a folder and set {DATA_FOLDER} to it"
        ) from error
    return Path(fetched)


def cache_folder(cache: Path | None = None) -> Path:
    """Where fetched files are kept: the given folder, or pooch's for ``ddlib``."""
    return Path(needed("pooch", "data").os_cache("ddlib")) if cache is None else cache


def _reason(error: OSError) -> str:
    """An error in a few words: the kind, and a server's answer where there is one."""
    answer = getattr(getattr(error, "response", None), "status_code", None)
    return type(error).__name__ + (f", status {answer}" if answer is not None else "")
