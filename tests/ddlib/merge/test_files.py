"""The command ``ddlib merge``: files in, files out, and nothing else."""

import json
import os
import signal
import stat
import subprocess
import sys

import numpy as np
import pandas as pd
import pytest

from ddlib import cli
from ddlib.files import InputError
from ddlib.merge import files as merge_tables
from ddlib.merge import merge
from ddlib.merge.reading.tables import read_tables
from tests.ddlib.merge.hospital_tables import hospitals

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
    words = [sys.executable, "-m", "ddlib.cli", "merge", *inputs, *KEYS, "-o", str(folder / "all.csv"), "--rows", "20"]
    done = subprocess.run(words, capture_output=True, text=True)
    assert done.returncode == 0, done.stderr
    assert "20 synthetic patients with 3 visits" in done.stdout and "all.report.html" in done.stdout
    assert names(folder) == ["all.csv", "all.report.html", "all.report.json", "north.csv", "south.csv", "west.csv"]
    table = pd.read_csv(folder / "all.csv")
    expected = merge(
        {path.rsplit("/", 1)[1]: pd.read_csv(path, dtype={"patient": str}) for path in inputs}, "patient", "visit", rows=20
    )
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
    (folder / "noise.yml").write_text("bili: 1e-1\nhb: 0.3\nnorth.csv:\n  alt: 0.2\n  hb: 0.1\n")
    words = [*sorted(folder.glob("*.csv")), *KEYS, "-o", folder / "out.parquet", "--noise", folder / "noise.yml", "--rows", 9]
    code, _, error = command(monkeypatch, capsys, *words, "--weights", "--seed", 3, "--drop", "hb", "--visits", "order")
    assert code == 0, error
    table = pd.read_parquet(folder / "out.parquet")
    assert (table["represents"] == 20).all() and "hb" not in table and len(table) == 27
    report = json.loads((folder / "out.report.json").read_text())
    noise = {column["name"]: column["noise"] for column in report["columns"]}
    assert noise["bili"]["west.csv"] == 0.1 and noise["alt"] == {"north.csv": 0.2, "south.csv": 0.0}
    assert report["visits"]["reading"] == "order"


def broken(folder):
    """Files that cannot be used, by name, and a word of what is said of each."""
    rows = "patient,visit,bili\n1,1,2.5\n"
    contents = {
        "empty.csv": (b"", "is empty"),
        "odd.csv": (b"patient,visit,bili\n1,1,2\n\x81\xff,1,2\n", "(it has the byte 81)"),
        "ragged.csv": ((rows + "1,2,3,4,5\n").encode(), "line 3 of {path} has 5 fields but the header has 3"),
        "comma.csv": ((rows.replace("2.5", "2.5,") + "1,2,3,\n").encode(), "line 2 of {path} has 4 fields but the header has 3"),
        "short.csv": ((rows + "\n1,2\n").encode(), "line 4 of {path} has 2 fields but the header has 3"),
        "unnamed.csv": (rows.replace("patient", ",patient").replace("1,1", "0,1,1").encode(), "column 1 of {path} has no name"),
        "filled.csv": (rows.replace("bili", "bili,").replace("2.5", "2.5,x").encode(), "column 4 of {path} has no name"),
        "open.csv": ((rows + '1,2,"3\n2,1,3\n').encode(), "in or after line 3 is not closed"),
        "swallowed.csv": ((rows + '1,2,"3\n2,1,3"\n').encode(), "join its lines 3 to 4 into one row"),
        "astray.csv": (rows.replace("bili", 'bi"li').encode(), "names a column 'bi\"li'"),
        "blank.csv": ((rows + '" "\n').encode(), "has 1 or 2 rows"),
        "wide.csv": (rows.encode("utf-16-le") + b"\0\0\0", "zero bytes"),
        "white.csv": (b"patient,visit,bili, bili\n1,1,2,3\n", "two columns called 'bili'"),
        "case.csv": (
            (rows + "1,2,3\n").replace("bili", "Bili").encode(),
            "'Bili' and north.csv a column 'bili', which differ",
        ),
        "mixed.csv": ((rows + "1;2;3\n").encode(), "line 3 of {path} has 1 field but the header has 3"),
        "twice.csv": (rows.replace("visit,bili", "bili,bili").encode(), "two columns called 'bili'"),
        "text.csv": ((rows + "1,2,high\n").encode(), "holds text ('high', data row 2)"),
        "torn.parquet": (b"PAR1 and nothing more", "cannot be read as parquet"),
        "sheet.xls": (b"", "save it as .xlsx or as CSV"),
        "torn.xlsx": (b"PK and nothing more", "cannot be read as an Excel file"),
        "page.html": (b"", "ends in none of .csv, "),
    }
    for name, (content, _) in contents.items():
        (folder / name).write_bytes(content)
    return {**{name: word for name, (_, word) in contents.items()}, "absent.csv": "there is no file"}


def test_broken_files_are_refused_in_a_sentence(folder):
    for name, word in broken(folder).items():
        before = names(folder)
        with pytest.raises(InputError) as caught:
            merge_tables.merge_files([folder / "north.csv", folder / name], "patient", "visit", folder / "out.csv")
        assert word.format(path=folder / name) in str(caught.value) and "\n" not in str(caught.value)
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
        ("bili: 1e-3x", "noise of 'bili' is '1e-3x'"),
        ("north.csv: {crea: 0.1}", "'crea' is given for north.csv, which has no measurement of it"),
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
        (["north.csv", "folder.csv/../north.csv", "-o", "out.csv"], "is the same file as north.csv"),
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


def test_interrupted(folder, monkeypatch, capsys):
    def interrupt(*arguments, **options):
        signal.raise_signal(signal.SIGINT)

    words = [*sorted(folder.glob("*.csv")), *KEYS, "-o", folder / "out.csv", "--rows", 9]
    for step in ("merge", "table_bytes", "report_page", "write_json"):
        (folder / "out.report.json").write_text("old")
        before = names(folder)
        with monkeypatch.context() as patch:
            patch.setattr(merge_tables, step, interrupt)
            code, out, error = command(patch, capsys, *words, "--force")
        assert (code, error) == (130, "Interrupted, nothing was written.\n") and "Wrote" not in out
        assert names(folder) == before and (folder / "out.report.json").read_text() == "old"


def test_an_interrupt_while_files_get_their_names_comes_too_late(folder):
    before = signal.getsignal(signal.SIGINT)
    with merge_tables._uninterrupted():
        signal.raise_signal(signal.SIGINT)
    assert signal.getsignal(signal.SIGINT) is before


def test_a_comma_at_the_end_of_every_line_means_nothing(folder):
    inputs = [folder / "north.csv", folder / "south.csv"]
    plain = merge_tables.merge_files(inputs, "patient", "visit", folder / "one.csv", rows=9, iterations=4)
    text = inputs[0].read_text().replace(",bili", ' ,"\tbili "')
    inputs[0].write_text("\ufeff\n" + text.replace("\n", ",\r\n\n"))
    found = merge_tables.merge_files(inputs, "patient", "visit", folder / "two.csv", rows=9, iterations=4)
    pd.testing.assert_frame_equal(found.merged.table, plain.merged.table, check_exact=True)


def test_names_in_parquet_lose_white_space(folder):
    frame = pd.read_csv(folder / "north.csv")
    frame.set_axis([f" {name} " for name in frame], axis=1).to_parquet(folder / "north.parquet")
    found = read_tables([folder / "north.parquet"], "patient", "visit").frames["north.parquet"]
    pd.testing.assert_frame_equal(found.astype({"patient": int}), frame, check_dtype=False)


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
    told: list[str] = []
    inputs = [folder / "north.csv", folder / "south.csv"]
    found = merge_tables.merge_files(inputs, "patient", "visit", folder / "out.csv", rows=3, notice=told.append)
    lines = merge_tables.summary(found)
    assert told == [f"{name}.csv: commas, decimal point, UTF-8" for name in ("north", "south")]
    assert lines[0].startswith("120 patients of 2 sources, 4 columns → 3 synthetic patients with 3 visits each, which carry the")
    assert any("few rows" in line for line in lines) and "1 pair of columns was never measured together." in lines


def test_one_is_singular(folder):
    found = merge_tables.merge_files([folder / "north.csv", folder / "south.csv"], "patient", "visit", folder / "out.csv", rows=1)
    said = merge_tables.summary(found)[0]
    assert "→ 1 synthetic patient with 3 visits, which carries the merged estimate's means." in said
    page = merge_tables.report_page(found.merged.report)
    assert "1 complete synthetic patient with 3 visits." in page and "1 patient (3 rows) carries" in page
    assert "1 synthetic patient cannot" in page


def test_tables_of_an_earlier_merge_do_not_stay_beside_new_ones(folder):
    arguments = ([folder / "north.csv", folder / "south.csv"], "patient", "visit", folder / "out.csv")
    merge_tables.merge_files(*arguments, complete=3, draws=2)
    with pytest.raises(merge_tables.InputError, match="--force"):
        merge_tables.merge_files(*arguments, complete=1)
    merge_tables.merge_files(*arguments, complete=1, force=True)
    assert sorted(path.name for path in folder.glob("out.*.csv")) == ["out.completed-1.csv"]


def test_what_was_read_is_said_before_the_fit_and_so_is_that_visits_are_many(folder, monkeypatch):
    """In the order in which things happen; sixty visits, of which a fit would take its time."""
    happened = []

    class Fitted(Exception):
        pass

    def fit(panel, *rest):
        happened.append(f"fit of {panel.visits.number} visits")
        raise Fitted

    monkeypatch.setattr("ddlib.merge.merging.estimate", fit)
    inputs = [folder / "north.csv", folder / "south.csv"]
    for visits in (3, 60):
        for path in inputs * (visits > 3):
            first = pd.read_csv(path).drop_duplicates("patient")
            measured = first.columns.difference(["patient", "visit"])
            frame = pd.concat([first.assign(visit=visit, **(first[measured] + visit % 7)) for visit in range(visits)])
            frame.to_csv(path, index=False)
        with pytest.raises(Fitted):
            merge_tables.merge_files(inputs, "patient", "visit", folder / "out.csv", notice=happened.append)
    few, many = happened[:3], happened[3:]
    assert [line.partition(":")[0] for line in few] == ["north.csv", "south.csv", "fit of 3 visits"]
    assert [line.partition(":")[0] for line in many[:2]] == ["north.csv", "south.csv"] and many[-1] == "fit of 60 visits"
    assert len(many) == 4 and many[2].startswith("60 visits of 4 columns are 240 values per patient")
