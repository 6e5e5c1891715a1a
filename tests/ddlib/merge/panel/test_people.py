"""Who is who: names of patients as they are given, and tables about the same patients."""

import numpy as np
import pandas as pd
import pytest
import torch
from hypothesis import given, settings
from hypothesis import strategies as st

from ddlib.merge import TableError
from ddlib.merge.panel import read_panel
from tests.ddlib.merge.hospital_tables import COLUMNS, hospitals, network, records, table

FOREVER = settings(max_examples=30, deadline=None, database=None)


def visits_of(*names, seed=0):
    """Two visits of each patient, with two columns."""
    draw = np.random.default_rng(seed)
    frame = pd.DataFrame({"id": np.repeat(np.array(names, dtype=object), 2), "time": [0, 1] * len(names)})
    return frame.assign(a=draw.normal(size=len(frame)), b=draw.normal(size=len(frame)))


def read(*frames, **options):
    return read_panel({f"table {k}": frame for k, frame in enumerate(frames)}, "id", "time", **options)


@pytest.mark.parametrize(
    ("names", "kept"),
    [
        (["101.1", "101.10"], ["101.1", "101.10"]),
        (["007", "7"], ["007", "7"]),
        (["1E3", "1000"], ["1000", "1E3"]),
        ([" 7", "8 "], ["7", "8"]),
        ([101.0, 102.0], ["101", "102"]),
        ([101.5, 102.0], ["101.5", "102"]),
        ([10, 9], ["9", "10"]),
        (["a", 7], ["7", "a"]),
    ],
)
def test_names_are_text(names, kept):
    frame, other = visits_of(*names), visits_of("x", "y")
    assert read(frame, other).patients[0] == kept
    plain = frame.assign(id=frame.id.infer_objects())
    assert read(plain, other).patients[0] == kept


@pytest.mark.parametrize("kind", ["int64", "float64", "Int64", "str", "category", "string"])
def test_the_type_of_the_column_means_nothing(kind):
    frame, other = visits_of(1, 2, 3), visits_of("x", "y")
    changed = frame.assign(id=frame.id.astype("int64").astype(kind))
    assert read(changed, other).patients == read(frame, other).patients == [["1", "2", "3"], ["x", "y"]]


@pytest.mark.parametrize(("names", "whole"), [((1, 2), True), ((1.0, 2.0), True), (("1", "2"), True), (("01", "2"), False)])
def test_whole_names_are_known(names, whole):
    assert read(visits_of(*names), visits_of(8, 9)).visits.whole_ids is whole


@pytest.mark.parametrize("value", ["", "  ", None, np.nan, pd.NaT])
def test_a_patient_without_a_name_is_refused(value):
    frame = visits_of("a", "b")
    frame.loc[2, "id"] = value
    with pytest.raises(TableError, match="is empty in data row 3: name the patient"):
        read(frame, visits_of("x", "y"))


def test_a_patient_twice_at_a_time_is_found_whatever_the_white_space():
    frame = visits_of("a", "b")
    frame.loc[1] = ["a ", 0, 1.0, 1.0]
    with pytest.raises(TableError, match=r"'a ' twice at the time 0 .again in data row 2"):
        read(frame, visits_of("x", "y"))


@FOREVER
@given(st.randoms(use_true_random=False))
def test_the_order_of_rows_means_nothing(random):
    tables = hospitals(patients=12, missing=0.2)
    shuffled = {name: frame.iloc[random.sample(range(len(frame)), len(frame))] for name, frame in tables.items()}
    first, second = (read_panel(one, "patient", "visit") for one in (tables, shuffled))
    assert first.patients == second.patients and first.columns == second.columns
    for one, two in zip(first.values, second.values, strict=True):
        torch.testing.assert_close(one, two, rtol=0, atol=0, equal_nan=True)


@FOREVER
@given(st.lists(st.text("abcxyz0123456789.-", min_size=1, max_size=5), min_size=12, max_size=12, unique=True))
def test_what_patients_are_called_means_nothing(names):
    tables = hospitals(patients=12, missing=0.2)
    renamed = {name: frame.assign(patient=[names[who - 1] for who in frame.patient]) for name, frame in tables.items()}
    first = read_panel(tables, "patient", "visit")
    second = read_panel(renamed, "patient", "visit", join="never")
    for k, values in enumerate(second.values):
        place = [second.patients[k].index(names[int(who) - 1]) for who in first.patients[k]]
        torch.testing.assert_close(values[place], first.values[k], rtol=0, atol=0, equal_nan=True)
    assert first.visits.labels.tolist() == second.visits.labels.tolist()


def exports(patients=40, prefix="S", seed=0):
    """Two exports of one hospital: both have `alt`, one `bili`, the other `crea`."""
    whole = table(records(network(seed=seed), patients, 3, seed=seed))
    whole = whole.assign(patient=prefix + whole.patient.astype(str) if prefix else whole.patient)
    return whole.drop(columns=["crea", "hb"]), whole.drop(columns=["bili", "hb"]), whole


def test_two_exports_of_the_same_patients_are_asked_about_and_joined():
    left, right, whole = exports()
    with pytest.raises(TableError, match=r"40 of the 40 patients' names .* 100% of what both measured agrees.*--join.*--no-join"):
        read_panel({"labs": left, "more": right}, "patient", "visit")
    found = read_panel({"labs": left, "more": right}, "patient", "visit", join="patients")
    assert found.sources == ["labs + more"] and found.columns == ["alt", "bili", "crea"]
    complete = read_panel({"whole": whole.drop(columns="hb"), "copy": whole.drop(columns="hb")}, "patient", "visit", join="never")
    torch.testing.assert_close(found.values[0], complete.values[0], rtol=0, atol=0)
    apart = read_panel({"labs": left, "more": right}, "patient", "visit", join="never")
    assert [len(values) for values in apart.values] == [40, 40]


def test_running_numbers_do_not_hide_the_same_patients():
    left, right, _ = exports(prefix="")
    with pytest.raises(TableError, match="the same patients"):
        read_panel([left, right], "patient", "visit")


def test_rounded_exports_and_a_part_of_the_patients_are_recognised():
    left, right, _ = exports(patients=60)
    part = right[right.patient.isin(right.patient.unique()[:20])].assign(alt=right.alt.round(2))
    with pytest.raises(TableError, match="the same patients"):
        read_panel([left, part], "patient", "visit")
    with pytest.raises(TableError, match="cannot be joined: 'alt' of the patient 'S1' at the time 1 is"):
        read_panel([left, part], "patient", "visit", join="patients")


def test_no_common_measurement_is_asked_about():
    left, right, whole = exports()
    third = whole.assign(patient="T" + whole.patient)
    with pytest.raises(TableError, match="no numeric column in common, and the measurements do not tell"):
        read_panel({"left": left.drop(columns="alt"), "right": right.drop(columns="alt"), "third": third}, "patient", "visit")
    later = right.assign(visit=right.visit + 10)
    with pytest.raises(TableError, match="the measurements do not tell"):
        read_panel([left, later], "patient", "visit")


def test_what_never_changes_tells_across_times():
    left, right, whole = exports()
    age = dict(zip(whole.patient.unique(), np.random.default_rng(0).normal(60, 9, 40), strict=True))
    left, right = (frame.drop(columns="alt").assign(age=frame.patient.map(age)) for frame in (left, right))
    with pytest.raises(TableError, match="the same patients"):
        read_panel([left, right.assign(visit=right.visit + 10)], "patient", "visit")


@pytest.mark.parametrize("seed", range(12))
@pytest.mark.parametrize("prefix", ["", "P"])
def test_different_patients_of_the_same_names_are_not_asked_about(seed, prefix):
    tables = hospitals(patients=10 + seed, visits=2, seed=seed)
    for frame in tables.values():
        frame["patient"] = prefix + frame.patient.astype(str)
        frame["late"] = (frame.bili > 0).astype(int)  # agrees by chance in every second row
    found = read_panel(tables, "patient", "visit")
    assert not any(note.kind == "same names" for note in found.warned)


def test_running_numbers_without_a_common_measurement_are_taken_for_different_people_and_that_is_said():
    left, right, _ = exports(prefix="")
    found = read_panel([left, right.assign(visit=right.visit + 10, alt=np.roll(right.alt, 3))], "patient", "visit")
    assert [note.kind for note in found.warned].count("same names") == 1


def test_a_third_hospital_with_the_same_numbers_is_not_joined():
    left, right, _ = exports(prefix="")
    other = table(records(network(seed=5), 40, 3, seed=9), hide=("hb",))
    found = read_panel({"labs": left, "more": right, "other": other}, "patient", "visit", join="patients")
    assert found.sources == ["labs + more", "other"]
    assert any("other" in note.text and note.kind == "same names" for note in found.warned)


def test_joining_what_contradicts_itself_is_refused():
    tables = hospitals()
    with pytest.raises(
        TableError, match=r"cannot be joined: '[a-z]+' of the patient '1' at the time 1 is .* in north but .* in south"
    ):
        read_panel(tables, "patient", "visit", join="patients")
    with pytest.raises(TableError, match="nothing to join"):
        read({"t": visits_of("a", "b")}["t"], visits_of("x", "y"), join="patients")


def test_noise_of_joined_tables_is_that_of_either():
    left, right, _ = exports()
    noise = {"labs": {"alt": 0.1, "bili": 0.2}, "more": {"crea": 0.3}}
    found = read_panel({"labs": left, "more": right}, "patient", "visit", noise=noise, join="patients")
    assert found.noise[0].tolist() == [0.1, 0.2, 0.3]
    with pytest.raises(TableError, match="noise of 'alt' differs"):
        read_panel({"labs": left, "more": right}, "patient", "visit", noise={**noise, "more": {"alt": 0.2}}, join="patients")


def test_dates_are_joined_too():
    left, right, _ = exports()
    dates = pd.Timestamp("2024-01-01") + pd.to_timedelta(30 * left.visit, "D")
    found = read_panel([left.assign(visit=dates), right.assign(visit=dates)], "patient", "visit", join="patients")
    assert found.visits.number == 3 and found.columns == ["alt", "bili", "crea"] and len(COLUMNS) == 4
