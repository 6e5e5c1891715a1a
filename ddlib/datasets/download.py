"""Files that are fetched once, checked against a pinned hash, and found offline in a folder that the user names."""

from __future__ import annotations

import hashlib
import os
from pathlib import Path
from typing import NamedTuple

from ddlib.extras import needed

DATA_FOLDER = "DDLIB_DATA_DIR"
"""Environment variable: a folder that holds the files by name, for machines without network."""

TIMEOUT = 20.0
"""Seconds to wait for an answer of the server."""


class DataUnavailableError(RuntimeError):
    """The data are neither on this machine nor can they be fetched; the message says what to do."""


class ChecksumError(ValueError):
    """A file does not hold the bytes that this project was written for."""


class RemoteFile(NamedTuple):
    """A file with a pinned address and content.

    Attributes:
        name: its name in the folder of :data:`DATA_FOLDER` and in the cache.
        url: where it is fetched from.
        sha256: of its content, as 64 hexadecimal digits.
    """

    name: str
    url: str
    sha256: str


def fetch(file: RemoteFile, cache: Path | None = None) -> Path:
    """The path of a file with the pinned content.

    It is looked for in the folder that the environment variable ``DDLIB_DATA_DIR`` names, then in pooch's cache, and then fetched
    into that cache.

    Args:
        file: which one.
        cache: where fetched files are kept; by default pooch's folder for ``ddlib``.

    Raises:
        ChecksumError: if a file is found or fetched whose content is not the pinned one.
        DataUnavailableError: if the file is nowhere and cannot be fetched.
    """
    named = os.environ.get(DATA_FOLDER)
    if named and (path := Path(named).expanduser() / file.name).is_file():
        found = hashlib.sha256(path.read_bytes()).hexdigest()
        if found != file.sha256:
            raise ChecksumError(
                f"{path} has the SHA-256 {found}, but {file.sha256} is expected: replace it by the file at {file.url}"
            )
        return path
    return _retrieve(file, cache)


def _retrieve(file: RemoteFile, cache: Path | None) -> Path:
    """The file from pooch's cache, fetched if it is not there."""
    pooch = needed("pooch", "data")

    folder = Path(pooch.os_cache("ddlib")) if cache is None else cache
    downloader = pooch.HTTPDownloader(timeout=TIMEOUT) if file.url.startswith("http") else None
    try:
        found = pooch.retrieve(
            file.url, known_hash=f"sha256:{file.sha256}", fname=file.name, path=folder, downloader=downloader, progressbar=False
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
    return Path(found)


def _reason(error: OSError) -> str:
    """An error in a few words: the kind, and a server's answer where there is one."""
    answer = getattr(getattr(error, "response", None), "status_code", None)
    return type(error).__name__ + (f", status {answer}" if answer is not None else "")
