"""Text: separators, decimal signs, encodings, missing values, dates; what may mean two things is refused."""

from pathlib import Path
from tempfile import TemporaryDirectory

import numpy as np
import pandas as pd
import pytest
from hypothesis import event, given
from hypothesis import strategies as st

from ddlib.files import InputError
from ddlib.merge.reading.options import MISSING, ReadingOptions
from ddlib.merge.reading.tables import read_tables
from tests.ddlib.merge.damaged_tables import often
from tests.ddlib.merge.reading.exports import text


def read(folder, content, name="b.csv", bytes_in="utf-8", **options):
    """The table of a text, and the line about it."""
    path = Path(folder) / name
    path.write_bytes(content.encode(bytes_in))
    reading = read_tables([path], "id", "day", ReadingOptions(**options))
    return reading.frames[name], reading.notes[0]


def refused(folder, content, **options):
    with pytest.raises(InputError) as caught:
        read(folder, content, **options)
    assert "\n" not in str(caught.value)
    return str(caught.value)


NAMES = (
    st.text(st.sampled_from("0123456789.E-xäß é"), min_size=1, max_size=6)
    .map(str.strip)
    .filter(lambda name: name and name.casefold() not in {text.casefold() for text in MISSING})
)
NUMBER = st.one_of(st.floats(-1e6, 1e6), st.integers(-9999, 9999).map(float), st.sampled_from([1.234, 0.5, 12.125, np.nan]))
SIGNS = st.sampled_from([(",", "."), (",", ","), (";", "."), (";", ","), ("\t", "."), ("\t", ","), ("|", "."), ("|", ",")])
ENCODINGS = ("utf-8", "utf-8-sig", "utf-16", "utf-16-le", "utf-16-be", "latin-1", "cp1252")


@often(150)
@given(
    st.lists(st.tuples(NAMES, st.integers(0, 99), NUMBER, NUMBER), min_size=1, max_size=8),
    SIGNS,
    st.sampled_from(ENCODINGS),
    st.sampled_from(["", *MISSING]),
    st.sampled_from(["\n", "\r\n"]),
)
def test_round_trips(rows, signs, encoding, missing, end):
    separator, decimal = signs
    frame = pd.DataFrame(rows, columns=["id", "day", "größe", "b"])
    content = text(frame, separator, decimal, missing).replace("\n", end)
    with TemporaryDirectory() as folder:
        try:
            found, note = read(folder, content, bytes_in=encoding)
        except InputError as error:
            event("ambiguous")
            assert "(--decimal . or --decimal ,)" in str(error)
            found, note = read(folder, content, bytes_in=encoding, decimal=decimal)
    pd.testing.assert_frame_equal(found, frame, check_dtype=False, check_exact=True)
    marks = {"commas": ",", "semicolons": ";", "tabs": "\t", "bars": "|"}
    assert marks[note.removeprefix("b.csv: ").partition(",")[0]] == separator
    assert f"decimal {'comma' if decimal == '.' else 'point'}" not in note


@pytest.mark.parametrize("spelling", [*MISSING, *(text.lower() for text in MISSING), "", "  ", "9999"])
def test_spellings_of_missing(tmp_path, spelling):
    options = {"na": ("9999",)} if spelling == "9999" else {}
    found, note = read(tmp_path, f"id;day;x;s\na;0;1,5;f\na;1;{spelling};m\nb;0;2;{spelling}\n", **options)
    assert found["x"].isna().tolist() == [False, True, False] and found["s"].tolist()[:2] == [0, 1]
    assert (f"{spelling!r} read as missing" in note) == bool(spelling.strip())


def test_the_list_of_spellings_is_replaced(tmp_path):
    content = "id,day,x\na,0,1.5\na,1,ND\n"
    assert "'ND'" in refused(tmp_path, content, na=("k.A.",)) and read(tmp_path, content)[0]["x"].isna().sum() == 1
    assert read(tmp_path, content.replace("ND", "k.a."), na=("k.A.",))[0]["x"].isna().sum() == 1


def test_the_line_of_a_file(tmp_path):
    content = "id;day;größe\n1;0;1,5\n1;1;ND\n2;0;.\n"
    said = "b.csv: semicolons, decimal comma, Latin-1; 'ND' and '.' read as missing"
    assert read(tmp_path, content, bytes_in="latin-1")[1] == said
    assert read(tmp_path, content.replace("ö", "œ"), bytes_in="cp1252")[1].startswith(
        "b.csv: semicolons, decimal comma, Windows-1252"
    )
    given = {"separator": "semicolon", "decimal": ",", "encoding": "cp850"}
    found, note = read(tmp_path, content, bytes_in="cp850", **given)
    assert list(found) == ["id", "day", "größe"] and "cp850" in note


@pytest.mark.parametrize(
    ("cells", "values"),
    [
        (["1.234,5", "2"], [1234.5, 2]),
        (["1,234.5", "2"], [1234.5, 2]),
        (["1.234.567", "0,5"], [1234567, 0.5]),
        (["1,234,567", "1,234"], [1234567, 1234]),
        (["1,234", "1,234.5", "0.5"], [1234, 1234.5, 0.5]),
        (["1.234", "1.234,5", "0,5"], [1234, 1234.5, 0.5]),
        (["1.234", "0.123"], [1.234, 0.123]),
        (["1'234.5", "2\u00a0345.5"], [1234.5, 2345.5]),
        ([".5", "-1.5e-3"], [0.5, -0.0015]),
        (["−2,5", "+3"], [-2.5, 3]),
        (["12", "13"], [12, 13]),
    ],
)
def test_decimal_signs_by_all_numbers(tmp_path, cells, values):
    content = "id\tday\tx\n" + "".join(f"{k}\t0\t{cell}\n" for k, cell in enumerate(cells))
    assert read(tmp_path, content)[0]["x"].tolist() == values


def test_evidence_comes_from_other_columns_but_not_from_names(tmp_path):
    rows = "id;day;x;y\n1,5;0;1.234;{}\n1,5;1;2.345;7\n"
    assert "may be a decimal sign or part thousands" in refused(tmp_path, rows.format("7"))
    assert read(tmp_path, rows.format("7,5"))[0]["x"].tolist() == [1234, 2345]
    assert read(tmp_path, rows.format("7.5"))[0]["x"].tolist() == [1.234, 2.345]
    assert read(tmp_path, rows.format("7"), decimal=".")[0]["x"].tolist() == [1.234, 2.345]


@pytest.mark.parametrize(
    ("cells", "said"),
    [
        (["1,5", "2.5"], "with a decimal point ('2.5' in 'x') and with a decimal comma ('1,5' in 'x')"),
        (["1,234", "2,345"], "the comma of '1,234' in 'x'"),
        (["1,234", "2.345"], "the comma of '1,234' in 'x'"),
        (["1,234", "0.5"], "holds '1,234' and '0.5': say --decimal . if the first is above a thousand"),
        (["1.234", "0,5"], "holds '1.234' and '0,5': say --decimal , if the first is above a thousand"),
        (["1,23,4", "2"], "holds text ('1,23,4'"),
        (["12.34.56", "2"], "holds text ('12.34.56'"),
        (["1 234", "2"], "holds text ('1 234'"),
        (["1_000", "2"], "holds text ('1_000'"),
        (["inf", "2"], "holds text ('inf'"),
        (["0x1F", "2"], "holds text ('0x1F'"),
        (["5 mg", "2"], "holds text ('5 mg'"),
        (["٣", "2"], "holds text ('٣'"),
    ],
)
def test_numbers_that_are_refused(tmp_path, cells, said):
    content = "id\tday\tx\n" + "".join(f"{k}\t0\t{cell}\n" for k, cell in enumerate(cells))
    assert said in refused(tmp_path, content)


@pytest.mark.parametrize(
    "name", ["007", "7", "101.1", "101.10", "1E3", "1000", "-1", "+1", "1,5", "1.0", "0x10", "True", "1e400", "Ä 1", "2024-01-02"]
)
def test_names_stay_as_they_are_written(tmp_path, name):
    found, _ = read(tmp_path, f"id;day;x;site\n{name};0;1,5;{name}\n 7x ;1;2;b\n", source_column=None, drop=("site",))
    assert found["id"].tolist() == [name, "7x"]
    path = tmp_path / "b.csv"
    assert list(read_tables([path], "id", "day", ReadingOptions(source_column="site")).frames) == [name, "b"]


def test_a_missing_name_is_missing(tmp_path):
    assert read(tmp_path, "id,day,x\n,0,1\n7,1,2\n")[0]["id"].isna().tolist() == [True, False]
    content = "id,day,x\n7,0,1\nNA,1,2\n"
    assert "'id' of b.csv holds 'NA' (data row 2), which stands for a missing value" in refused(tmp_path, content)
    assert read(tmp_path, content, na=(".",))[0]["id"].tolist() == ["7", "NA"]


@pytest.mark.parametrize(
    ("cells", "days"),
    [
        (["31.01.2024", "1.2.2024"], ["2024-01-31", "2024-02-01"]),
        (["2024-01-31", "2024/2/1"], ["2024-01-31", "2024-02-01"]),
        (["31/01/2024", "01/02/2024"], ["2024-01-31", "2024-02-01"]),
        (["01/31/2024", "02-01-2024"], ["2024-01-31", "2024-02-01"]),
        (["2024-01-31T10:30", "01.02.2024 07:15"], ["2024-01-31 10:30", "2024-02-01 07:15"]),
        (["2024-01-31T10:30:00+02:00", "2024-02-01"], ["2024-01-31 10:30", "2024-02-01"]),
    ],
)
def test_dates(tmp_path, cells, days):
    found, note = read(tmp_path, f"id,day,x\n1,{cells[0]},1\n1,{cells[1]},2\n")
    assert found["day"].tolist() == [pd.Timestamp(day) for day in days]
    assert ("dates with the" in note) == any("/" in cell[:3] for cell in cells)


@pytest.mark.parametrize(
    ("cells", "said"),
    [
        (["01/02/2024", "03/04/2024"], "its day may be the month"),
        (["31/01/2024", "01/31/2024"], "the month stands first in some"),
        (["31.13.2024", "1.1.2024"], "holds '31.13.2024' (data row 1)"),
        (["2024-01", "2024-02"], "holds '2024-01' (data row 1)"),
        (["31.01.24", "1"], "holds '31.01.24' (data row 1)"),
        (["WEEK 2", "WEEK 4"], "times are numbers (1, 2, 3.5) or dates"),
        (["2024-01-31", "7"], "holds '7' (data row 2)"),
    ],
)
def test_dates_that_are_refused(tmp_path, cells, said):
    assert said in refused(tmp_path, f"id,day,x\n1,{cells[0]},1\n1,{cells[1]},2\n")


def test_separators(tmp_path):
    for content in ("sep=;\nid;day;a,b\n1;0;2\n", "id;day;a,b\n1;0;2\n", '\n"id";"day";"a,b"\n"1";"0";"2"\n'):
        assert list(read(tmp_path, content)[0]) == ["id", "day", "a,b"]
    assert "has no column 'id'" in refused(tmp_path, "id^day^x\n1^0^2\n")
    assert read(tmp_path, "id^day^x\n1^0^2\n", separator="^")[0]["x"].tolist() == [2]
    assert "line 3 of" in refused(tmp_path, "id;day;x\n1;0;2\n1;1;2;5\n")


@pytest.mark.parametrize(
    ("options", "said"),
    [
        ({"separator": "ab"}, "--separator"),
        ({"decimal": ";"}, "--decimal"),
        ({"encoding": "klingon"}, "no encoding is called 'klingon'"),
        ({"limits": "double"}, "--limits"),
        ({"long": ("x", "x")}, "NAME=VALUE"),
        ({"unit": "x"}, "in long tables only"),
        ({"source_column": "id"}, "different columns"),
        ({"source_column": "dya"}, "did you mean 'day'"),
        ({"encoding": "utf-16"}, "not in utf-16"),
    ],
)
def test_options_that_are_refused(tmp_path, options, said):
    assert said in refused(tmp_path, "id,day,x\n1,0,1\n", **options)
