"""Tables without a time column: one visit where each patient has one row, refused where not."""

import numpy as np
import pandas as pd
import pytest

from ddlib.files import InputError
from ddlib.merge import Merge, TableError, merge
from ddlib.merge.files import merge_files
from ddlib.merge.reading.options import ReadingOptions


def once(seed: int, first: int = 1) -> pd.DataFrame:
    rng = np.random.default_rng(seed)
    values = rng.normal(size=(40, 3)) + rng.normal(size=(40, 1))
    return pd.DataFrame({"id": np.arange(first, first + 40), **dict(zip("abc", values.T, strict=True))})


def test_it_is_the_merge_with_a_constant_time():
    frames = {"north": once(0).drop(columns="c"), "south": once(1, 101)}
    found, other = merge(frames, "id"), merge({name: frame.assign(visit=1) for name, frame in frames.items()}, "id", "visit")
    pd.testing.assert_frame_equal(found.table, other.table)
    said = [one["text"] for one in found.report["warnings"] if one["kind"] == "no times"]
    assert len(said) == 1 and "north and south" in said[0]
    assert not [one for one in other.report["warnings"] if one["kind"] == "no times"]


def test_ids_that_repeat_are_refused():
    frames = {"north": once(0), "south": pd.concat([once(1), once(2)])}
    with pytest.raises(TableError, match="south has several rows of a patient, and no time column is named"):
        merge(frames, "id")
    with pytest.raises(TableError, match="south has no column 'when'"):
        merge({"north": once(0).assign(when=0), "south": frames["south"]}, "id", "when")


def test_a_name_that_is_nearly_one_of_the_table_s_is_refused():
    with pytest.raises(TableError, match="did you mean 'visit'"):
        merge({"north": once(0).assign(visit=0), "south": once(1, 101).assign(visit=0)}, "id", "visti")
    with pytest.raises(TableError, match="say so"):
        merge({"north": once(0).assign(visit=0), "south": once(1, 101)}, "id")


def test_one_table_without_times_is_at_the_first_of_the_others():
    rng = np.random.default_rng(3)
    long = pd.concat([once(0).assign(year=year, b=rng.normal(size=40)) for year in (3, 4)])
    found = merge({"long": long, "once": once(1, 101)}, "id", "year", join="never")
    assert found.report["coverage"]["b"] == {"long": 40, "once": 40}
    assert found.report["by_visit"]["b"]["observed"]["once"]["patients"] == [40, 0]
    dated = long.assign(year=[f"{year}-01-31" for year in 2000 + long.year])
    with pytest.raises(TableError, match="once has no column 'year'"):
        merge({"long": dated, "once": once(1, 101)}, "id", "year")


def test_the_estimator_needs_no_time_either():
    model = Merge("id").fit({"north": once(0), "south": once(1, 101)})
    new = once(5).drop(columns="a")
    assert model.predict(new, "a").shape == (40, 2) and len(model.complete(new, draws=2).tables[0]) == 40
    assert len(model.sample(5)) == 5 and model.get_params()["time"] is None
    with pytest.raises(TableError, match="two rows of the patient"):
        model.predict(pd.concat([new, new]), "a")


def write(folder, **frames):
    paths = [folder / f"{name}.csv" for name in frames]
    for path, frame in zip(paths, frames.values(), strict=True):
        frame.to_csv(path, index=False)
    return paths


@pytest.mark.parametrize("time", [None, "moment"])
def test_files_need_none_either(tmp_path, time):
    told = []
    paths = write(tmp_path, north=once(0), south=once(1, 101))
    written = merge_files(paths, "id", time, tmp_path / "all.csv", notice=told.append, complete=1)
    assert list(pd.read_csv(written.table).columns) == ["id", time or "visit", "a", "b", "c"]
    assert told[0].startswith("north.csv: commas") and len([line for line in told if "one visit" in line]) == 1


def test_one_file_of_several_hospitals_may_repeat_names_of_patients(tmp_path):
    both = pd.concat([once(0).assign(site="n"), once(1).assign(site="s")])
    (path,) = write(tmp_path, all=both)
    reading = ReadingOptions(source_column="site")
    assert len(merge_files([path], "id", None, tmp_path / "o.csv", reading=reading, join="never").merged.panel.sources) == 2
    with pytest.raises(InputError, match=r"all\.csv has several rows of a patient, and no time column is named"):
        merge_files([path], "id", None, tmp_path / "p.csv")
