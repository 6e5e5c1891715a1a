"""Columns that do not change within a patient."""

import numpy as np
import pandas as pd
import pytest
import torch

from ddlib.merge import TableError
from ddlib.merge.panel import read_panel
from tests.ddlib.merge.hospital_tables import hospitals

KEYS = ("patient", "visit")


def ages(frame, seed):
    return np.random.default_rng(seed).normal(60, 10, frame.patient.max() + 1)[frame.patient].round(1)


def with_age(patients=60, visits=3, first_only=False, **more):
    tables = {}
    for k, (name, frame) in enumerate(hospitals(patients, visits).items()):
        frame = frame.assign(age=ages(frame, k), sex=np.random.default_rng(9 + k).integers(0, 2, patients + 1)[frame.patient])
        if first_only:
            frame.loc[frame.visit > 1, ["age", "sex"]] = np.nan
        tables[name] = frame.assign(**more)
    return tables


@pytest.mark.parametrize("first_only", [False, True])
def test_age_and_sex_are_found(first_only):
    tables = with_age(first_only=first_only)
    found = read_panel(tables, *KEYS)
    assert found.static == ["age", "sex"] and found.columns == ["alt", "bili", "crea", "hb"]
    assert found.output == ["alt", "bili", "hb", "age", "sex", "crea"]
    (note,) = found.warned
    assert note.kind == "static" and "'age', 'sex'" in note.text and ("first visit" in note.text) is first_only
    first = tables["north"].drop_duplicates("patient")
    torch.testing.assert_close(found.fixed[0], torch.from_numpy(first[["age", "sex"]].to_numpy(float)))
    everyone = pd.concat([frame.drop_duplicates("patient") for frame in tables.values()])
    assert found.static_centre[0].item() == pytest.approx(everyone.age.mean())
    assert found.static_spread[0].item() == pytest.approx(everyone.age.std(ddof=0))
    plain = read_panel(hospitals(), *KEYS)
    for one, two in zip(found.values, plain.values, strict=True):
        torch.testing.assert_close(one, two, rtol=0, atol=0, equal_nan=True)


def test_most_is_enough_for_the_first_visit_but_a_change_is_not_allowed():
    tables = with_age(first_only=True)
    frame = tables["north"]
    again = frame.visit.eq(2) & frame.patient.lt(8)
    frame.loc[again, "age"] = ages(frame, 0)[again]
    assert "age" in read_panel(tables, *KEYS).static
    frame.loc[again & frame.patient.eq(3), "age"] += 1
    assert "age" not in read_panel(tables, *KEYS).static


def test_a_column_that_one_hospital_measures_again_is_not_static():
    tables = with_age(first_only=True)
    tables["south"] = tables["south"].assign(age=np.random.default_rng(0).normal(60, 10, len(tables["south"])))
    assert "age" not in read_panel(tables, *KEYS).static


@pytest.mark.parametrize(("patients", "found"), [(2, False), (3, True)])
def test_three_patients_it_takes(patients, found):
    def small(k):
        draw = np.random.default_rng(k)
        frame = pd.DataFrame({"patient": np.repeat(range(patients - k), 2), "visit": [0, 1] * (patients - k)})
        return frame.assign(a=draw.normal(size=len(frame)), age=draw.normal(size=patients - k)[frame.patient])

    alone = small(0)
    other = pd.DataFrame({"patient": list("xyz") * 2, "visit": [0] * 3 + [1] * 3, "a": range(6)})
    assert (read_panel([alone, other], *KEYS).static == ["age"]) is found


def test_few_values_that_stay_by_chance_are_not_static():
    """Three patients with two visits, and 0 or 1 for each: one in eight such columns never changes."""
    frame = pd.DataFrame({"patient": np.repeat(range(3), 2), "visit": [0, 1] * 3, "ill": [0, 0, 1, 1, 0, 0]})
    tables = [frame.assign(a=np.random.default_rng(k).normal(size=6)) for k in range(2)]
    assert read_panel(tables, *KEYS).static == []
    assert read_panel(tables, *KEYS, static="ill").static == ["ill"]


def test_a_named_column_that_changes_is_refused_with_the_first_patient():
    tables = with_age()
    frame = tables["south"]
    frame.loc[(frame.patient == 7) & (frame.visit == 3), "age"] += 1
    assert "age" not in read_panel(tables, *KEYS).static
    with pytest.raises(TableError, match=r"'age' is named as static .* changes within the patient '7' of south \(.*, then .*\)"):
        read_panel(tables, *KEYS, static=("age",))
    tables["south"] = frame.drop(columns="age")
    assert read_panel(tables, *KEYS, static=["sex", "age"]).static == ["age", "sex"]


@pytest.mark.parametrize(
    ("static", "word"),
    [(["agee"], "did you mean 'age'"), ([3], "name 3"), (3, "must be a list of names"), ("patient", "'patient' cannot be static")],
)
def test_static_columns_must_be_columns(static, word):
    with pytest.raises(TableError, match=word):
        read_panel(with_age(), *KEYS, static=static)


def test_one_visit_has_no_static_columns_unless_they_are_named():
    tables = {name: frame[frame.visit == 1] for name, frame in with_age().items()}
    found = read_panel(tables, *KEYS)
    assert found.static == [] and found.columns == ["age", "alt", "bili", "crea", "hb", "sex"] and found.visits.number == 1
    named = read_panel(tables, *KEYS, static="age")
    assert named.static == ["age"] and "age" not in named.columns


def test_where_nothing_changes_there_is_one_visit():
    tables = {name: frame[["patient", "visit", "age", "sex"]] for name, frame in with_age().items()}
    found = read_panel(tables, *KEYS, join="never")
    assert found.static == [] and found.columns == ["age", "sex"] and found.visits.number == 1
    assert [len(values) for values in found.values] == [60, 60, 60]
    assert [note.kind for note in found.warned] == ["one visit"]


def test_noise_of_a_static_column_is_kept():
    found = read_panel(with_age(), *KEYS, noise={"age": 2.0, "hb": 0.1})
    assert found.static_noise[:, 0].tolist() == [2.0] * 3 and found.noise[0, 3].item() == 0.1
    assert found.standard_fixed(0)[1][0].item() == pytest.approx(2.0 / found.static_spread[0].item())


def test_who_has_static_columns_only_is_kept():
    tables = with_age()
    frame = tables["north"]
    frame.loc[frame.patient == 5, ["alt", "bili", "hb"]] = np.nan
    found = read_panel(tables, *KEYS)
    assert found.dropped == 0 and "5" in found.patients[0]
    assert found.values[0][4].isnan().all() and not found.fixed[0][4].isnan().any()
