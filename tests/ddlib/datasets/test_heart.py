"""The four hospitals' files against plain readings of them, and what is wrong with copies that are about."""

import os
import re

import numpy as np
import pytest

from ddlib.datasets import DATA_FOLDER, TABLES, ChecksumError, DataUnavailableError, heart, heart_disease, records

folder = os.environ.get(DATA_FOLDER)
with_data = pytest.mark.skipif(not folder, reason=f"{DATA_FOLDER} is not set: the heart disease records are not at hand")


def lines(table):
    return records.at_hand(table).read_text().split()


@pytest.fixture
def copies(tmp_path, monkeypatch):
    """A folder with the four files, to be spoilt."""
    for table in TABLES:
        (tmp_path / table.remote.name).write_bytes(records.at_hand(table).read_bytes())
    monkeypatch.setenv(DATA_FOLDER, str(tmp_path))
    return tmp_path


@pytest.mark.parametrize("table", TABLES, ids=lambda table: table.name)
def test_addresses_are_the_repositorys_own_and_pinned_by_a_hash(table):
    assert table.remote.url.startswith("https://archive.ics.uci.edu/ml/machine-learning-databases/heart-disease/processed.")
    assert len(table.remote.sha256) == 64 and int(table.remote.sha256, 16)


@with_data
def test_every_cell_is_that_of_the_files_or_missing():
    found = heart_disease()
    cells = [line.split(",") for table in TABLES for line in lines(table)]
    assert found.values.shape == (920, 13) and len(cells) == 920 and len(found.variables) == 13
    for own, cell, disease in zip(found.values.tolist(), cells, found.disease.tolist(), strict=True):
        assert disease == (float(cell[13]) > 0)
        for name, value, text in zip(found.variables, own, cell[:13], strict=True):
            missing = text == "?" or (name in ("trestbps", "chol") and float(text) == 0)
            assert np.isnan(value) if missing else value == float(text)


@with_data
def test_patients_and_events_of_each_hospital_are_the_published_ones():
    found = heart_disease()
    assert found.hospitals == ("Cleveland", "Budapest", "Switzerland", "Long Beach")
    assert found.hospital.bincount().tolist() == [303, 294, 123, 200]
    assert found.hospital.bincount(found.disease).tolist() == [139, 106, 115, 149]


@with_data
def test_zeros_that_mean_not_measured_are_missing_and_marked():
    found = heart_disease()
    counts = {name: found.hospital.bincount(found.zero[:, j].double()).tolist() for j, name in enumerate(found.variables)}
    assert {name: count for name, count in counts.items() if any(count)} == {"trestbps": [0, 0, 0, 1], "chol": [0, 0, 123, 49]}
    assert bool(found.values[found.zero].isnan().all())
    measured = found.values.isfinite()
    assert found.hospital.bincount(measured[:, heart.VARIABLES.index("ca")].double()).tolist() == [299, 3, 5, 2]
    assert found.hospital.bincount(measured[:, heart.VARIABLES.index("thal")].double()).tolist() == [301, 28, 71, 34]


@with_data
def test_the_two_records_that_stand_twice_are_kept_and_marked():
    found = heart_disease()
    again = [i for i, first in enumerate(found.same.tolist()) if i != first]
    assert [found.hospitals[found.hospital[i]] for i in again] == ["Budapest", "Long Beach"]
    for i in again:
        first = int(found.same[i])
        assert np.array_equal(found.values[i], found.values[first], equal_nan=True) and found.hospital[i] == found.hospital[first]
    cells = [f"{number} {line}" for number, table in enumerate(TABLES) for line in lines(table)]
    assert len(set(cells)) == 920 - len(again)


@with_data
def test_codes_have_a_meaning():
    found = heart_disease()
    for name, meanings in heart.CATEGORIES.items():
        column = found.values[:, heart.VARIABLES.index(name)]
        assert set(column[column.isfinite()].tolist()) == set(meanings)


@with_data
def test_mirrors_with_other_line_ends_spellings_and_no_final_newline_are_the_same_table(copies):
    before = heart_disease()
    for table in TABLES:
        path = copies / table.remote.name
        text = re.sub(r"(\d)\.0\b", r"\1", path.read_text().rstrip("\n")).replace("\n", "\r\n")
        path.write_bytes(text.encode())
    after = heart_disease()
    assert all(np.array_equal(old, new, equal_nan=True) for old, new in zip(before[:5], after[:5], strict=True))


@with_data
def test_the_copy_with_a_patient_in_the_wrong_hospital_is_refused(copies):
    cleveland, budapest = (copies / table.remote.name for table in TABLES[:2])
    rows = budapest.read_text().splitlines(keepends=True)
    cleveland.write_text(cleveland.read_text() + rows[0])
    budapest.write_text("".join(rows[1:]))
    with pytest.raises(ChecksumError, match="304 rows where 303"):
        heart_disease()


DEFECTS = {
    "another age": lambda text: text.replace("63.0", "64.0", 1),
    "0 for a question mark": lambda text: text.replace("?", "0"),
    "a line with the names": lambda text: ",".join((*heart.VARIABLES, "num")) + "\n" + text,
    "a column too many": lambda text: text.replace("\n", ",0\n").replace("63.0,", "0,63.0,", 1),
}


@with_data
@pytest.mark.parametrize("defect", DEFECTS)
def test_other_tables_are_refused(defect, copies):
    path = copies / TABLES[0].remote.name
    path.write_text(DEFECTS[defect](path.read_text()))
    with pytest.raises(ChecksumError, match=re.escape(str(path))):
        heart_disease()


def test_without_the_files_the_message_says_where_to_put_them(tmp_path, monkeypatch):
    monkeypatch.setenv(DATA_FOLDER, str(tmp_path))
    nowhere = [table._replace(remote=table.remote._replace(url="http://127.0.0.1:9/nothing")) for table in TABLES]
    monkeypatch.setattr(heart, "TABLES", tuple(nowhere))
    with pytest.raises(DataUnavailableError, match=DATA_FOLDER) as caught:
        heart_disease(cache=tmp_path / "cache")
    assert "pip install" not in str(caught.value)  # no package ships them
