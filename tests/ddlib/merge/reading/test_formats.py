"""The same records in every format are the same table."""

import sys

import numpy as np
import openpyxl
import pandas as pd
import pyreadstat
import pytest

from ddlib.files import InputError
from ddlib.merge.files import merge_files
from ddlib.merge.reading.options import ReadingOptions
from ddlib.merge.reading.tables import read_tables
from tests.ddlib.merge.hospital_tables import hospitals
from tests.ddlib.merge.reading.exports import WRITERS


def records():
    """Names that numbers would lose, a missing value, a two-valued text, a number with all its digits."""
    return pd.DataFrame(
        {
            "patient": ["007", "007", "7", "101.1", "101.10", "1E3", "1000"],
            "visit": [0, 1, 0, 0, 0, 0, 0.5],
            "hb": [13.1, np.nan, 1 / 3, -2.5, 0.0625, 14.0, 1e-5],
            "sex": ["f", "f", "m", "m", "f", "m", "f"],
        }
    )


def written(folder, kind, frame, stem="b"):
    ending, write = WRITERS[kind]
    path = folder / f"{stem}{ending}"
    write(frame, path)
    return path


def only(path, options=None, **given):
    reading = read_tables([path], "patient", "visit", options or ReadingOptions(**given))
    return reading.frames[path.name], reading.notes[0]


@pytest.mark.parametrize("kind", WRITERS)
def test_every_format_gives_the_same_table(tmp_path, kind):
    found, note = only(written(tmp_path, kind, records()))
    wanted = records().assign(sex=[0.0, 0, 1, 1, 0, 1, 0])
    exact = kind != "transport"  # SAS's old numbers have a few bits less or more
    pd.testing.assert_frame_equal(found, wanted, check_exact=exact, rtol=1e-15, check_dtype=False)
    assert note.startswith(f"b{WRITERS[kind][0]}: ") and "'sex': f = 0, m = 1" in note and "\n" not in note


@pytest.mark.parametrize("kind", WRITERS)
def test_every_format_merges_to_the_same(tmp_path, kind):
    tables = hospitals(patients=20, missing=0.05)
    plain = [written(tmp_path, "commas", frame, f"plain-{name}") for name, frame in tables.items()]
    others = [written(tmp_path, kind, frame, name) for name, frame in tables.items()]
    first = merge_files(plain, "patient", "visit", tmp_path / "one.csv", rows=9, iterations=4).merged.table
    second = merge_files(others, "patient", "visit", tmp_path / "two.csv", rows=9, iterations=4).merged.table
    pd.testing.assert_frame_equal(second, first, rtol=1e-9)


@pytest.mark.parametrize("kind", ["excel", "parquet", "transport", "sas", "spss", "stata"])
def test_names_that_are_numbers_have_no_decimals(tmp_path, kind):
    frame = records().assign(patient=[101.0, 101.0, 7.0, 8.0, 9.5, 1e15, 2.0])
    assert only(written(tmp_path, kind, frame))[0]["patient"].tolist() == ["101", "101", "7", "8", "9.5", "1000000000000000", "2"]


@pytest.mark.parametrize("kind", ["excel", "parquet", "transport", "spss", "stata"])
def test_dates_stay_dates(tmp_path, kind):
    days = pd.to_datetime(["2024-01-31", "2024-02-29", "2024-01-02", "2024-01-03", "2024-01-04", "2024-01-05", "2024-01-06"])
    found, _ = only(written(tmp_path, kind, records().assign(visit=days)))
    assert found["visit"].astype("datetime64[us]").tolist() == list(days)


def test_what_a_file_declares_as_missing_is_missing(tmp_path):
    frame = records().drop(columns="sex").fillna(-9.0)
    path = tmp_path / "b.sav"
    labels = {"visit": {0: "first", 1: "second"}}
    pyreadstat.write_sav(frame, str(path), missing_ranges={"hb": [-9.0, -2.5]}, variable_value_labels=labels)
    found, note = only(path)
    assert np.flatnonzero(found["hb"].isna()).tolist() == [1, 3]
    assert found["visit"].tolist() == frame["visit"].tolist() and note == "b.sav: SPSS, codes, not labels, of 'visit'"
    path = tmp_path / "b.dta"
    frame["hb"] = frame["hb"].astype(object).replace(-9.0, "a")
    pyreadstat.write_dta(frame, str(path), missing_user_values={"hb": ["a"]})
    assert np.flatnonzero(only(path)[0]["hb"].isna()).tolist() == [1]


@pytest.mark.parametrize("kind", ["commas", "excel", "parquet", "spss"])
def test_a_number_may_stand_for_missing(tmp_path, kind):
    found, note = only(written(tmp_path, kind, records().fillna({"hb": -99.0})), na=("-99", "-99.0"))
    assert np.flatnonzero(found["hb"].isna()).tolist() == [1] and "read as missing" in note


def test_excel_sheets(tmp_path):
    path, book = tmp_path / "b.xlsx", openpyxl.Workbook()
    sheet = book.create_sheet("Labs")
    for row in (
        [],
        ["patient", " visit", None, "hb"],
        ["1", 0, None, "13,5"],
        [" ", None],
        [1, 1, None, 12],
        ["007", 1, None, "nd"],
    ):
        sheet.append(row)
    book.save(path)
    found, note = only(path)
    assert note == "b.xlsx: Excel, sheet 'Labs' alone of 2, decimal comma; 'nd' read as missing"
    assert found["patient"].tolist() == ["1", "1", "007"] and found["hb"].tolist()[:2] == [13.5, 12]
    for place, value, said in (
        ("C3", 5, "column 3 of {path} has no name (row 2)"),
        ("C2", "hb", "two columns called 'hb'"),
        ("D4", "=D3", "the cell D4 of {path} has a formula whose value was never computed"),
        ("D4", "high", "holds text ('high', data row 2)"),
    ):
        book = openpyxl.load_workbook(path)
        book["Labs"][place if place != "D4" else "D5"] = value
        book.save(tmp_path / "c.xlsx")
        with pytest.raises(InputError) as caught:
            only(tmp_path / "c.xlsx")
        assert said.replace("D4", "D5").format(path=tmp_path / "c.xlsx") in str(caught.value)


def test_an_empty_workbook(tmp_path):
    openpyxl.Workbook().save(tmp_path / "b.xlsx")
    with pytest.raises(InputError, match="is empty: leave it out, or fill it"):
        only(tmp_path / "b.xlsx")


@pytest.mark.parametrize(
    ("kind", "package"), [("excel", "openpyxl"), ("spss", "pyreadstat"), ("stata", "pyreadstat"), ("sas", "pyreadstat")]
)
def test_a_package_that_is_not_there(tmp_path, monkeypatch, kind, package):
    path = written(tmp_path, kind, records())
    monkeypatch.setitem(sys.modules, package, None)
    with pytest.raises(InputError, match=rf"which takes the package {package}: pip install 'ddlib\[formats\]'"):
        only(path)


@pytest.mark.parametrize("column", ["patient", "visit", "hb"])
def test_lists_in_a_column_are_refused(tmp_path, column):
    records().assign(**{column: [[1]] * 7}).to_parquet(tmp_path / "b.parquet")
    with pytest.raises(InputError, match=f"the column '{column}' of b.parquet holds lists or other compound values"):
        only(tmp_path / "b.parquet")


def test_an_index_with_repeated_labels_does_not_count(tmp_path):
    records().set_axis([0] * 7, axis=0).to_parquet(tmp_path / "b.parquet")
    assert only(tmp_path / "b.parquet")[0]["visit"].tolist() == records()["visit"].tolist()


def test_an_index_with_the_patient_is_a_column(tmp_path):
    records().set_index("patient").to_parquet(tmp_path / "b.parquet")
    assert only(tmp_path / "b.parquet")[0]["patient"].tolist() == records()["patient"].tolist()
