"""Long tables, several hospitals in one file, two words, limits of detection, units, and the command's options."""

import argparse
from pathlib import Path

import numpy as np
import pandas as pd
import pytest

from ddlib.files import InputError
from ddlib.merge.files import merge_files, summary
from ddlib.merge.reading.arguments import add_arguments, reading_options
from ddlib.merge.reading.options import ReadingOptions
from ddlib.merge.reading.tables import read_tables
from tests.ddlib.merge.hospital_tables import hospitals
from tests.ddlib.merge.reading.exports import WRITERS


def read(folder, *contents, **options):
    """What is read from some texts, which are files a.csv, b.csv and so on."""
    paths = [Path(folder) / f"{letter}.csv" for letter, _ in zip("abc", contents, strict=False)]
    for path, content in zip(paths, contents, strict=True):
        path.write_text(content)
    return read_tables(paths, "id", "day", ReadingOptions(**options))


def refused(folder, *contents, **options):
    with pytest.raises(InputError) as caught:
        read(folder, *contents, **options)
    assert "\n" not in str(caught.value)
    return str(caught.value)


LONG = {"long": ("LBTESTCD", "LBSTRESN")}
HEADER = "id,day,LBTESTCD,LBSTRESN,LBSTRESU,other\n"


def melted(frame):
    """A wide table as a long one, in no order."""
    long = frame.melt(["patient", "visit"], var_name="LBTESTCD", value_name="LBSTRESN")
    return long.assign(LBORRES="text").sample(frac=1, random_state=0).reset_index(drop=True)


@pytest.mark.parametrize("kind", ["commas", "semicolons", "excel", "parquet", "transport", "sas", "stata"])
def test_a_long_table_is_the_wide_one(tmp_path, kind):
    tables = hospitals(patients=20, missing=0.2)
    wide, long = [], []
    for name, frame in tables.items():
        wide.append(tmp_path / f"wide-{name}.csv")
        frame.to_csv(wide[-1], index=False)
        ending, write = WRITERS[kind]
        long.append(tmp_path / f"{name}{ending}")
        write(melted(frame), long[-1])
    first = read_tables(wide, "patient", "visit").frames
    second = read_tables(long, "patient", "visit", ReadingOptions(**LONG)).frames
    for one, two in zip(first.values(), second.values(), strict=True):
        order = ["patient", "visit"]
        two = two[list(one)].sort_values(order).reset_index(drop=True)
        pd.testing.assert_frame_equal(two, one.sort_values(order).reset_index(drop=True), check_dtype=False, rtol=1e-12)


def test_every_kind_of_cell_may_stand_in_a_long_table(tmp_path):
    rows = "1,0,ALT,2.5,U/L,x\n1,0,CRP,<5,mg/L,x\n1,0,HCG,neg,,x\n2,1,ALT,ND,U/L,x\n2,1,HCG,pos,,x\n2,1,COLOR,red,,x\n"
    reading = read(tmp_path, HEADER + rows, **LONG, limits="half", drop=("COLOR",))
    frame = reading.frames["a.csv"]
    assert list(frame) == ["id", "day", "ALT", "CRP", "HCG", "COLOR"]
    assert frame["HCG"].tolist() == [0, 1] and frame["CRP"].tolist()[0] == 2.5 and frame.isna().sum().sum() == 3
    assert reading.notes[0].startswith("a.csv: commas, decimal point, UTF-8; long table with 4 parameters in 'LBTESTCD'")
    assert "patient '1' at '0'" in refused(tmp_path, HEADER + rows, **LONG, limits="refuse", drop=("COLOR",))


@pytest.mark.parametrize(
    ("rows", "options", "said"),
    [
        (
            "1,0,ALT,2,,\n1,1,ALT,2,,\n1,0,ALT,2,,\n",
            {},
            "two values of 'ALT' for the patient '1' at the time '0' (data rows 1 and 3)",
        ),
        ("1,0,,2,,\n", {}, "'LBTESTCD' of {path} is empty in data row 1"),
        ("1,0,ALT,2,,\n,0,ALT,2,,\n", {}, "'id' of {path} is empty in data row 2"),
        ("1,0,day,2,,\n", {}, "a parameter called 'day'"),
        ("1,0,ALT,2,,\n", {"long": ("LBTEST", "LBSTRESN")}, "did you mean 'LBTESTCD'?"),
        ("1,0,ALT,2,,\n", {"long": ("id", "LBSTRESN")}, "cannot be the patient"),
        ("1,0,ALT,2,,\n", {"unit": "units"}, "no column 'units'"),
    ],
)
def test_long_tables_that_are_refused(tmp_path, rows, options, said):
    assert said.format(path=tmp_path / "a.csv") in refused(tmp_path, HEADER + rows, **{**LONG, **options})


def test_sodium_is_a_parameter(tmp_path):
    rows = HEADER + "1,0,NA,140,mmol/L,\n1,0,ND,.,,\n"
    assert read(tmp_path, rows, **LONG).frames["a.csv"]["NA"].tolist() == [140]


def test_a_second_value_that_is_missing_is_no_second_value(tmp_path):
    reading = read(tmp_path, HEADER + "1,0,ALT,.,,\n1,0,ALT,2,,\n", **LONG)
    assert reading.frames["a.csv"]["ALT"].tolist() == [2]


def test_units_of_a_parameter_that_vary_are_warned_of(tmp_path):
    one = HEADER + "1,0,ALT,2,U/L,x\n1,0,GLU,5,mmol/L,x\n2,0,GLU,90,mg/dL,x\n"
    two = HEADER + "1,0,ALT,2,µkat/L,x\n1,0,CRP,5,mg/L,x\n"
    (alt, glu) = read(tmp_path, one, two, **LONG).warned
    assert alt.startswith("'ALT' has the units 'U/L', 'µkat/L' in a.csv, b.csv: ")
    assert glu.startswith("'GLU' has the units 'mmol/L', 'mg/dL' in a.csv: ")
    assert read(tmp_path, HEADER + "1,0,ALT,2,U/L,x\n", **LONG).warned == []
    renamed = (one.replace("LBSTRESU", "mass"), two.replace("LBSTRESU", "mass"))
    assert read(tmp_path, *renamed, **LONG).warned == [] and len(read(tmp_path, *renamed, **LONG, unit="mass").warned) == 2


def test_one_file_of_several_hospitals(tmp_path):
    rows = "id,site,day,x,y\n1,701,0,1.5,\n1,701,1,2,\n1,007,0,3,1\n2,7,0,4,2\n"
    frames = read(tmp_path, rows, source_column="site").frames
    assert list(frames) == ["701", "007", "7"] and list(frames["701"]) == ["id", "day", "x", "y"]
    assert frames["701"]["x"].tolist() == [1.5, 2] and frames["701"].index.tolist() == [0, 1]
    frames = read(tmp_path, rows, rows.replace("701", "702"), source_column="site").frames
    assert list(frames) == ["701", "a.csv, 007", "a.csv, 7", "702", "b.csv, 007", "b.csv, 7"]
    assert "is empty in data row 3: name the hospital" in refused(tmp_path, rows.replace("007", ""), source_column="site")


def test_one_file_merges_as_several_do(tmp_path):
    tables = hospitals(patients=20)
    for name, frame in tables.items():
        frame.to_csv(tmp_path / f"{name}.csv", index=False)
    together = pd.concat([frame.assign(site=name) for name, frame in tables.items()])
    together.to_excel(tmp_path / "all.xlsx", index=False)
    options = {"rows": 9, "iterations": 4}
    paths = [tmp_path / f"{name}.csv" for name in tables]
    several = merge_files(paths, "patient", "visit", tmp_path / "1.csv", **options)
    reading = ReadingOptions(source_column="site")
    one = merge_files([tmp_path / "all.xlsx"], "patient", "visit", tmp_path / "2.csv", reading=reading, **options)
    columns = list(several.merged.table)
    pd.testing.assert_frame_equal(one.merged.table[columns], several.merged.table, rtol=1e-9)
    assert "all.xlsx: Excel" not in summary(one) and one.merged.report["reading"]["notes"] == ["all.xlsx: Excel"]


@pytest.mark.parametrize(
    ("words", "values"),
    [
        (["f", "M"], [0, 1]),
        (["male", "female"], [1, 0]),
        (["Ja", "nein"], [1, 0]),
        (["w", "m"], [0, 1]),
        (["POSITIVE", "neg"], [1, 0]),
        (["treated", "control"], [1, 0]),
        (["F", "F"], [0, 0]),
    ],
)
def test_two_words_are_numbers(tmp_path, words, values):
    reading = read(tmp_path, f"id,day,s\n1,0,{words[0]}\n1,1,{words[1]}\n2,0,\n")
    assert reading.frames["a.csv"]["s"].tolist()[:2] == values
    assert f"{words[0].casefold()} = {values[0]}" in reading.notes[0]


def test_words_mean_the_same_in_all_files(tmp_path):
    rows = "id,day,x,s\n1,0,1.5,{}\n1,1,2,{}\n"
    frames = read(tmp_path, rows.format("m", "m"), rows.format("female", "male"), rows.format("f", ".")).frames
    assert [frame["s"].tolist()[0] for frame in frames.values()] == [1, 0, 0]
    frames = read(tmp_path, rows.format("b", "b"), rows.format("a", "a")).frames
    assert [frame["s"].tolist() for frame in frames.values()] == [[1, 1], [0, 0]]
    said = refused(tmp_path, rows.format("m", "f"), rows.format("1", "0"))
    assert said.startswith("the column 's' holds text ('f', 'm') in a.csv but numbers in b.csv")
    said = refused(tmp_path, rows.format("a", "b"), rows.format("c", "c"))
    assert "'a', 'b', 'c'" in said and "--drop" in said
    assert "'+' and '-'" in refused(tmp_path, rows.format("+", "-"))
    assert "holds text ('high', data row 2)" in refused(tmp_path, rows.format("5", "high"))
    assert "'s'" in refused(tmp_path, rows.format("x", "x"))


LIMITS = "id;day;x;y\n1;0;<79,5;1\n1;1;> 200;2\n2;0;≤-3;3\n2;1;;4\n3;1;80;5\n"


def test_limits_of_detection_are_read_as_what_they_are(tmp_path):
    reading = read(tmp_path, LIMITS)
    assert reading.frames["a.csv"]["x"].tolist()[:3] == ["<79.5", ">200.0", "<=-3.0"]
    assert pd.isna(reading.frames["a.csv"]["x"][3]) and reading.frames["a.csv"]["x"][4] == 80
    assert "'x': 3 values beyond a limit of detection (<-3 to 79.5, >200)" in reading.notes[0]


def test_limits_of_detection_may_be_replaced_or_refused(tmp_path):
    assert "(<79.5, data row 1)" in refused(tmp_path, LIMITS, limits="refuse")
    frames = {how: read(tmp_path, LIMITS, limits=how).frames["a.csv"]["x"].tolist() for how in ("half", "limit")}
    np.testing.assert_equal(frames, {"half": [39.75, 200, -3, np.nan, 80], "limit": [79.5, 200, -3, np.nan, 80]})
    assert "3 values beyond a limit of detection, taken as half the limit" in read(tmp_path, LIMITS, limits="half").notes[0]
    assert read(tmp_path, LIMITS, drop=("x",)).frames["a.csv"]["x"].tolist()[0] == "<79,5"


def test_limits_go_into_other_units(tmp_path):
    rows = "id;day;x;y\n1;0;<80;1\n1;1;>=200;2\n2;0;;3\n2;1;10;4\n"
    frame = read(tmp_path, rows, units={"x": [-0.5, 1], "a.csv": {"y": 2}}).frames["a.csv"]
    assert frame["x"].tolist()[:2] == [">-39.0", "<=-99.0"] and frame["x"][3] == -4
    assert frame["y"].tolist() == [2, 4, 6, 8]


def test_units(tmp_path):
    rows = "id,day,x,site\n1,0,1,A\n1,1,2,B\n"
    frames = read(tmp_path, rows, rows, units={"x": 10, "b.csv": {"x": "1e-3"}}, drop=("site",)).frames
    assert [frame["x"].tolist() for frame in frames.values()] == [[10, 20], [0.001, 0.002]]
    frames = read(tmp_path, rows, units={"B": {"x": 5}}, source_column="site").frames
    assert [frame["x"].tolist() for frame in frames.values()] == [[1], [10]]


@pytest.mark.parametrize(
    ("units", "said"),
    [
        ({"xx": 2}, "the units name 'xx', but no column is called that: did you mean 'xx1'?"),
        ({"a.csw": {"x": 2}}, "no table is called that: did you mean 'a.csv'?"),
        ({"a.csv": {"y": 2}}, "no column of a.csv is called that"),
        ({"x": 0}, "the unit of 'x' is 0: give a factor"),
        ({"x": [1, 2, 3]}, "give a factor"),
        ({"x": "fast"}, "give a factor"),
        ({"x": True}, "give a factor"),
        (3, "must map columns to factors"),
    ],
)
def test_units_that_are_refused(tmp_path, units, said):
    assert said in refused(tmp_path, "id,day,x,xx1\n1,0,1,1\n", "id,day,x,y\n1,0,1,1\n", units=units)


def test_what_the_command_understands(tmp_path):
    parser = argparse.ArgumentParser()
    add_arguments(parser)
    assert reading_options(parser.parse_args([])) == ReadingOptions()
    (tmp_path / "units.yml").write_text("x: 1e-3\nb.csv: {x: [2, 3]}\n")
    words = (
        "--separator tab --decimal , --encoding cp1252 --na -9 --na k.A. --long A=B --unit-column C --source-column D --limits half"
    )
    given = parser.parse_args([*words.split(), "--units", str(tmp_path / "units.yml")])
    units = {"x": 0.001, "b.csv": {"x": [2, 3]}}
    wanted = ReadingOptions("tab", ",", "cp1252", ("-9", "k.A."), ("A", "B"), "C", "D", units, "half")
    assert reading_options(given) == wanted
    for path, content in (("none.yml", None), ("empty.yml", "")):
        if content is not None:
            (tmp_path / path).write_text(content)
        with pytest.raises(InputError, match=r"there is no file of units|is empty"):
            reading_options(parser.parse_args(["--units", str(tmp_path / path)]))
    with pytest.raises(InputError, match="--long takes NAME=VALUE"):
        reading_options(parser.parse_args(["--long", "LBTESTCD"]))


def test_the_patient_and_the_time_have_to_be_there(tmp_path):
    assert refused(tmp_path, "id,dya,x\n1,0,1\n") == "a.csv has no column 'day': did you mean 'dya'?"
    assert "has no rows: leave it out, or fill it" in refused(tmp_path, "id,day,x\n")


def test_a_sentence_does_not_name_all_of_many_columns(tmp_path):
    names = ",".join(f"lab{k:02d}" for k in range(30))
    said = refused(tmp_path, f"id,day,{names}\n1,0{',1' * 30}\n", units={"q": 2})
    assert said.endswith("'lab08', 'lab09', 20 more")
