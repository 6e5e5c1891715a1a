"""The command ``ddlib merge``: files in, files out, and nothing else."""

import json
import os
import stat
import subprocess
import sys

import numpy as np
import pandas as pd
import pytest

from ddlib.dbn import merge
from ddlib.study import cli, merge_tables
from ddlib.study.files import InputError
from tests.dbn.hospital_tables import hospitals

KEYS = ["--id", "patient", "--time", "visit"]


@pytest.fixture
def folder(tmp_path):
    for name, frame in hospitals(missing=0.05).items():
        frame.to_csv(tmp_path / f"{name}.csv", index=False)
    return tmp_path


def names(folder):
    return sorted(path.name for path in folder.iterdir())


def command(monkeypatch, capsys, *words):
    """The exit status and what was printed, in this process."""
    monkeypatch.setattr(sys, "argv", ["ddlib", "merge", *map(str, words)])
    with pytest.raises(SystemExit) as ended:
        cli.main()
    printed = capsys.readouterr()
    return ended.value.code or 0, printed.out, printed.err


def test_the_whole_way(folder):
    inputs = [str(folder / f"{name}.csv") for name in ("north", "south", "west")]
    words = [sys.executable, "-m", "ddlib.study.cli", "merge", *inputs, *KEYS, "-o", str(folder / "all.csv"), "--rows", "20"]
    done = subprocess.run(words, capture_output=True, text=True)
    assert done.returncode == 0, done.stderr
    assert "20 synthetic patients with 3 visits" in done.stdout and "all.report.html" in done.stdout
    assert names(folder) == ["all.csv", "all.report.html", "all.report.json", "north.csv", "south.csv", "west.csv"]
    table = pd.read_csv(folder / "all.csv")
    expected = merge({path.rsplit("/", 1)[1]: pd.read_csv(path) for path in inputs}, "patient", "visit", rows=20)
    pd.testing.assert_frame_equal(table, expected.table, check_exact=False, rtol=1e-12)
    report = json.loads((folder / "all.report.json").read_text())
    assert report["files"] == inputs and report["coverage"]["crea"]["north.csv"] == 0
    assert "north.csv" in (folder / "all.report.html").read_text()


def test_csv_and_parquet_give_the_same(folder):
    csv = [folder / f"{name}.csv" for name in ("north", "south", "west")]
    for path in csv:
        pd.read_csv(path).to_parquet(path.with_suffix(".parquet"))
    parquet = [path.with_suffix(".parquet") for path in csv]
    first = merge_tables.merge_files(csv, "patient", "visit", folder / "one.csv", rows=20)
    second = merge_tables.merge_files(parquet, "patient", "visit", folder / "two.parquet", rows=20)
    assert np.array_equal(first.merged.table.to_numpy(), second.merged.table.to_numpy())
    back = pd.read_csv(folder / "one.csv")
    pd.testing.assert_frame_equal(back, pd.read_parquet(folder / "two.parquet"), check_exact=True)


def test_noise_file_and_options(folder, monkeypatch, capsys):
    (folder / "noise.yml").write_text("bili: 0.1\nnorth.csv:\n  alt: 0.2\n")
    words = [*sorted(folder.glob("*.csv")), *KEYS, "-o", folder / "out.parquet", "--noise", folder / "noise.yml", "--rows", 9]
    code, _, error = command(monkeypatch, capsys, *words, "--weights", "--seed", 3, "--drop", "hb", "--visits", "order")
    assert code == 0, error
    table = pd.read_parquet(folder / "out.parquet")
    assert (table["represents"] == 20).all() and "hb" not in table and len(table) == 27
    report = json.loads((folder / "out.report.json").read_text())
    noise = {column["name"]: column["noise"] for column in report["columns"]}
    assert noise["bili"]["west.csv"] == 0.1 and noise["alt"] == {"north.csv": 0.2, "south.csv": 0.0, "west.csv": 0.0}
    assert report["visits"]["reading"] == "order"


def broken(folder):
    """Files that cannot be used, by name, and a word of what is said of each."""
    rows = "patient,visit,bili\n1,1,2.5\n"
    contents = {
        "empty.csv": (b"", "is empty"),
        "latin.csv": ("patient,visit,bili\n1,1,2\nä,1,2\n".encode("latin-1"), "UTF-8"),
        "ragged.csv": ((rows + "1,2,3,4,5\n").encode(), "not a CSV table"),
        "semicolons.csv": (rows.replace(",", ";").encode(), "semicolons"),
        "tabs.csv": (rows.replace(",", "\t").encode(), "tabs"),
        "twice.csv": (rows.replace("visit,bili", "bili,bili").encode(), "two columns called 'bili'"),
        "text.csv": ((rows + "1,2,high\n").encode(), "holds text ('high', data row 2)"),
        "torn.parquet": (b"PAR1 and nothing more", "cannot be read as parquet"),
        "sheet.xlsx": (b"", "neither in .csv nor in .parquet"),
    }
    for name, (content, _) in contents.items():
        (folder / name).write_bytes(content)
    return {**{name: word for name, (_, word) in contents.items()}, "absent.csv": "there is no file"}


def test_broken_files_are_refused_in_a_sentence(folder):
    for name, word in broken(folder).items():
        before = names(folder)
        with pytest.raises(InputError) as caught:
            merge_tables.merge_files([folder / "north.csv", folder / name], "patient", "visit", folder / "out.csv")
        assert word in str(caught.value) and "\n" not in str(caught.value)
        assert names(folder) == before


@pytest.mark.parametrize(
    ("content", "word"),
    [
        ("bili: [", "not YAML"),
        ("", "is empty"),
        ("bili", "must map columns"),
        ("bili: -1", "noise of 'bili' is -1"),
        ("bilirubin: 1", "noise names 'bilirubin'"),
        ("bili: .inf", "noise of 'bili' is inf"),
        (None, "there is no noise file"),
    ],
)
def test_a_bad_noise_file_is_refused(folder, content, word):
    path = folder / "noise.yml"
    if content is not None:
        path.write_text(content)
    inputs = [folder / "north.csv", folder / "south.csv"]
    with pytest.raises(InputError, match=word):
        merge_tables.merge_files(inputs, "patient", "visit", folder / "out.csv", path)
    assert not (folder / "out.csv").exists()


@pytest.mark.parametrize(
    ("words", "said"),
    [
        (["north.csv", "-o", "out.csv"], "at least 2 tables"),
        (["north.csv", "south.csv", "-o", "out.txt"], "must end in .csv or .parquet"),
        (["north.csv", "south.csv", "-o", "new/out.csv"], "there is no folder"),
        (["north.csv", "south.csv", "-o", "south.csv"], "is one of the inputs"),
        (["north.csv", "south.csv", "-o", "south.csv", "--force"], "is one of the inputs"),
        (["north.csv", "south.csv", "-o", "west.csv"], "exists"),
        (["north.csv", "south.csv", "-o", "folder.csv", "--force"], "is a folder"),
        (["north.csv", "north.csv", "-o", "out.csv"], "given twice"),
        (["north.csv", "south.csv", "-o", "out.csv", "--rows", "0"], "--rows"),
        (["north.csv", "south.csv", "-o", "out.csv", "--visits", "dates"], "'auto', 'values' or 'order'"),
        (["north.csv", "south.csv", "-o", "out.csv", "--drop", "age"], "'age'"),
    ],
)
def test_wrong_input_is_one_sentence_and_status_2(folder, monkeypatch, capsys, words, said):
    monkeypatch.chdir(folder)
    (folder / "folder.csv").mkdir()
    before = names(folder)
    code, out, error = command(monkeypatch, capsys, *words, *KEYS)
    assert code == 2
    assert error.startswith("ddlib: ") and said in error and error.count("\n") == 1
    assert not out
    assert names(folder) == before


def test_force_replaces(folder):
    inputs = [folder / "north.csv", folder / "south.csv"]
    (folder / "out.csv").write_text("old")
    merge_tables.merge_files(inputs, "patient", "visit", folder / "out.csv", force=True, rows=9)
    assert len(pd.read_csv(folder / "out.csv")) == 27
    with pytest.raises(InputError, match=r"exists.*--force"):
        merge_tables.merge_files(inputs, "patient", "visit", folder / "out.csv", rows=9)


def test_a_folder_without_permission(folder, monkeypatch):
    inputs, locked = [folder / "north.csv", folder / "south.csv"], folder / "locked"
    locked.mkdir()
    locked.chmod(stat.S_IRUSR | stat.S_IXUSR)
    if os.access(locked, os.W_OK):  # a superuser may write anywhere: say what others would be told
        monkeypatch.setattr(merge_tables.os, "access", lambda path, mode: False)
    with pytest.raises(InputError, match="no permission"):
        merge_tables.merge_files(inputs, "patient", "visit", locked / "out.csv")


@pytest.mark.parametrize("step", ["write_json", "write_atomically", "table_bytes"])
def test_a_full_disk_leaves_nothing(folder, monkeypatch, step):
    real, calls = getattr(merge_tables, step), []

    def fail(*arguments):
        calls.append(arguments)
        if step == "write_atomically" and len(calls) == 1:
            return real(*arguments)
        raise OSError(28, "No space left on device")

    monkeypatch.setattr(merge_tables, step, fail)
    before = names(folder)
    inputs = [folder / "north.csv", folder / "south.csv"]
    with pytest.raises((InputError, OSError), match="No space left"):
        merge_tables.merge_files(inputs, "patient", "visit", folder / "out.csv", rows=9)
    assert names(folder) == before


def test_two_files_of_one_name_are_told_apart(folder):
    other = folder / "other"
    other.mkdir()
    (folder / "south.csv").rename(other / "north.csv")
    found = merge_tables.merge_files([folder / "north.csv", other / "north.csv"], "patient", "visit", folder / "out.csv", rows=9)
    assert [source["name"] for source in found.merged.report["sources"]] == [str(folder / "north.csv"), str(other / "north.csv")]


def test_the_summary_has_the_warnings(folder):
    found = merge_tables.merge_files([folder / "north.csv", folder / "south.csv"], "patient", "visit", folder / "out.csv", rows=3)
    lines = merge_tables.summary(found)
    assert any("few rows" in line for line in lines) and "1 pair of columns was never measured together." in lines
