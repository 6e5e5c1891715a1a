"""One small table in all its sources: whichever is there gives the same, and what differs is said in one sentence."""

import hashlib
import importlib
import subprocess
import sys

import pandas as pd
import pytest

from ddlib.datasets import DATA_FOLDER, ChecksumError, DataUnavailableError, RemoteFile
from ddlib.datasets.records import Column, Packaged, Records, at_hand, column_sha256, read

NOWHERE = "http://127.0.0.1:9/small.csv"
FRAME = pd.DataFrame({"who": ["a", "b", ""], "value": [8.55, 2.0, float("nan")], "unused": [1, 2, 3]})
COLUMNS = {name: Column(kind, column_sha256(FRAME[name], kind)) for name, kind in (("who", "text"), ("value", "number"))}


def csv(frame=FRAME):
    return frame.to_csv(index=False).encode()


def records(name="small.csv", path="smalldata/small.parquet", version="1.0", sha256="", url=NOWHERE):
    remote = RemoteFile(name, url, hashlib.sha256(csv()).hexdigest())
    return Records("small", remote, Packaged("smalldata", version, path, sha256, "extra"), len(FRAME), COLUMNS)


@pytest.fixture(autouse=True)
def nowhere(tmp_path, monkeypatch):
    """No source at all, until a test makes one."""
    (tmp_path / "folder").mkdir()
    (tmp_path / "site" / "smalldata").mkdir(parents=True)
    monkeypatch.setenv(DATA_FOLDER, str(tmp_path / "folder"))
    monkeypatch.setenv("XDG_CACHE_HOME", str(tmp_path / "caches"))
    monkeypatch.syspath_prepend(tmp_path / "site")


def in_folder(tmp_path, content=None):
    path = tmp_path / "folder" / "small.csv"
    path.write_bytes(csv() if content is None else content)
    return path


def in_package(tmp_path, frame=FRAME, version="1.0"):
    """An installed package, as far as its metadata and its file go."""
    about = tmp_path / "site" / f"smalldata-{version}.dist-info"
    about.mkdir()
    (about / "METADATA").write_text(f"Metadata-Version: 2.1\nName: smalldata\nVersion: {version}\n")
    path = tmp_path / "site" / "smalldata" / "small.parquet"
    frame.to_parquet(path)
    importlib.invalidate_caches()
    return path


def in_cache(tmp_path):
    path = tmp_path / "cache" / "small.csv"
    path.parent.mkdir()
    path.write_bytes(csv())
    return path


def neighbours(frame):
    """The same table as another program would have written it: other line ends, other columns, last bits and kinds of missing."""
    off = frame.assign(value=[8.549999999999999, 2.0, float("nan")], who=["a", "b", None], more=[0, 0, 0])
    return off.drop(columns="unused")


SOURCES = {
    "folder": lambda tmp_path: in_folder(tmp_path),
    "folder, other bytes": lambda tmp_path: in_folder(tmp_path, csv(neighbours(FRAME)).replace(b"\n", b"\r\n")),
    "package": in_package,
    "package, other bytes": lambda tmp_path: in_package(tmp_path, neighbours(FRAME)),
    "cache": in_cache,
}


@pytest.mark.parametrize("source", SOURCES)
def test_every_source_gives_the_same_table_to_the_last_bit(source, tmp_path):
    SOURCES[source](tmp_path)
    table = read(records(), tmp_path / "cache")
    pd.testing.assert_frame_equal(table, FRAME[["who", "value"]], check_exact=True, check_dtype=False)


def test_the_folder_goes_before_the_package_and_that_before_the_cache(tmp_path):
    for make in (in_cache, in_package, in_folder):  # each new one goes before those that are there
        assert make(tmp_path) == at_hand(records(), tmp_path / "cache")


def test_a_package_of_another_version_is_no_source(tmp_path):
    in_package(tmp_path, version="1.1")
    assert at_hand(records()) is None
    in_cache(tmp_path)
    assert len(read(records(), tmp_path / "cache")) == len(FRAME)


DEFECTS = {
    "a value": (FRAME.assign(value=[8.56, 2.0, float("nan")]), "value"),
    "a value too many": (FRAME.assign(value=[8.55, 2.0, 0.0]), "value"),
    "the order of rows": (FRAME.iloc[[1, 0, 2]], "who and value"),
    "a row too few": (FRAME.iloc[:2], "2 rows where 3"),
    "a column": (FRAME.drop(columns="value"), "no column value"),
    "words for numbers": (FRAME.astype({"value": object}).assign(value=["much", "2", "1"]), "cannot be read"),
}


@pytest.mark.parametrize("defect", DEFECTS)
@pytest.mark.parametrize("source", ["folder", "package"])
def test_a_source_with_another_table_is_named_with_what_differs(defect, source, tmp_path):
    frame, words = DEFECTS[defect]
    path = in_folder(tmp_path, csv(frame)) if source == "folder" else in_package(tmp_path, frame)
    with pytest.raises(ChecksumError, match=words) as caught:
        read(records(), tmp_path / "cache")
    assert str(path) in str(caught.value) and (NOWHERE if source == "folder" else "smalldata==1.0") in str(caught.value)
    assert "\n" not in str(caught.value)


@pytest.mark.parametrize("content", [b"", b"\xff\xfe\x00", b"PAR1 and no more"])
@pytest.mark.parametrize("name", ["small.csv", "small.parquet"])
def test_a_file_that_is_no_table_is_one_sentence(name, content, tmp_path):
    (tmp_path / "folder" / name).write_bytes(content)
    with pytest.raises(ChecksumError, match=name):
        read(records(name=name), tmp_path / "cache")


def test_only_the_pinned_pickle_is_opened(tmp_path):
    path = in_package(tmp_path).with_name("small.pkl.compress")
    FRAME.to_pickle(path, compression="xz")
    sha256 = hashlib.sha256(path.read_bytes()).hexdigest()
    assert len(read(records(path="smalldata/small.pkl.compress", sha256=sha256))) == len(FRAME)
    with pytest.raises(ChecksumError, match="cannot be read"):
        read(records(path="smalldata/small.pkl.compress", sha256="0" * 64))


def test_without_any_source_the_message_names_all_ways_to_have_one(tmp_path):
    with pytest.raises(DataUnavailableError) as caught:
        read(records(), tmp_path / "cache")
    assert all(word in str(caught.value) for word in ("small.csv", NOWHERE, DATA_FOLDER, "ddlib[extra]"))
    assert at_hand(records()) is None


def test_what_is_read_and_what_is_missing_can_be_heard(tmp_path):
    """In a process of its own: an audit hook cannot be taken away."""
    program = f"""
import sys
sys.addaudithook(lambda event, given: print(event, *given) if event.startswith("ddlib") else None)
from tests.ddlib.datasets.test_records import records
from ddlib.datasets.records import read
try:
    read(records(), {str(tmp_path / "cache")!r})
except RuntimeError:
    pass
"""

    def heard():
        return subprocess.run([sys.executable, "-c", program], capture_output=True, text=True, check=True).stdout.splitlines()

    assert heard() == ["ddlib.datasets.missing small"]
    path = in_folder(tmp_path)
    assert heard() == [f"ddlib.datasets.read small: small.csv {path}"]


def test_the_folder_may_begin_with_a_tilde(tmp_path, monkeypatch):
    monkeypatch.setenv("HOME", str(tmp_path))
    monkeypatch.setenv(DATA_FOLDER, "~/folder")
    assert at_hand(records()) is None
    assert in_folder(tmp_path) == at_hand(records())
