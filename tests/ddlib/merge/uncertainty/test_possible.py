"""Values of new patients that cannot be are refused, those that are far are told of."""

import warnings

import numpy as np
import pandas as pd
import pytest

from ddlib.merge import Merge, TableError


def records(seed: int) -> pd.DataFrame:
    rng = np.random.default_rng(seed)
    n = 60
    values = rng.normal(size=(n, 1, 5)) + rng.normal(size=(n, 2, 5))
    frame = pd.DataFrame(values.reshape(-1, 5), columns=["change", "crp", "ill", "height", "share"])
    frame["crp"] = np.exp(frame.crp)
    frame["ill"] = (frame.ill > 0.3).astype(float)
    frame["height"] = 160 + 5 * frame.height
    frame["share"] = 100 * np.minimum(1, np.exp(0.3 * frame.share - 0.3))
    frame["sex"] = np.repeat(rng.integers(1, 3, n), 2)
    frame.insert(0, "visit", np.tile([0, 1], n))
    frame.insert(0, "id", np.repeat(np.arange(n), 2))
    return frame


@pytest.fixture(scope="module")
def model():
    return Merge("id", "visit", join="never", tolerance=1.0).fit({"north": records(0), "south": records(1)})


def patient(**cells):
    return pd.DataFrame({"id": ["p1"], "visit": [1], **{name: [value] for name, value in cells.items()}})


def both(model, frame):
    """What completion and prediction say."""
    said = [text for text in model.complete(frame, draws=1).notes if "far from" in text]
    with warnings.catch_warnings(record=True) as caught:
        warnings.simplefilter("always")
        model.predict(frame, "change")
    assert [str(one.message) for one in caught if "far from" in str(one.message)] == said
    return said


@pytest.mark.parametrize(
    "cells", [{"ill": 7}, {"ill": 0.5}, {"sex": 0}, {"crp": -3}, {"height": -160}, {"share": 101}, {"share": -1}], ids=str
)
def test_what_cannot_be_is_refused_with_the_patient_and_the_column(model, cells):
    for use in (lambda: model.complete(patient(**cells)), lambda: model.predict(patient(**cells), "change")):
        with pytest.raises(TableError, match=rf"'{next(iter(cells))}' of the table is .* for the patient 'p1'"):
            use()


@pytest.mark.parametrize("cells", [{"change": 60}, {"change": -60}, {"crp": 1e6}, {"height": 1600}, {"height": 16}], ids=str)
def test_what_is_far_is_told_of(model, cells):
    (said,) = both(model, patient(**cells))
    assert repr(next(iter(cells))) in said and "'p1'" in said


@pytest.mark.parametrize(
    "cells", [{"change": -5.0}, {"crp": 60.0}, {"crp": 0.0}, {"height": 185.0}, {"share": 0.0}, {"sex": 2}, {}], ids=str
)
def test_what_may_be_is_taken_in_silence(model, cells):
    assert both(model, patient(**cells)) == []


def test_the_tables_of_the_merge_itself_are_possible(model):
    assert both(model, records(0)) == []


@pytest.mark.parametrize("cell", ["<-1", "<=-1"])
def test_limits_beyond_all_that_can_be_are_refused_as_numbers_are(cell):
    draw = np.random.default_rng(0)
    frame = pd.DataFrame(
        {"id": range(120), "conc": np.exp(draw.normal(size=120)), "grade": draw.integers(0, 3, 120), "y": draw.normal(size=120)}
    )
    model = Merge("id").fit({"a": frame[:60], "b": frame[60:]})
    with pytest.raises(TableError, match="'conc'"):
        model.predict(pd.DataFrame({"id": ["n"], "conc": [cell]}), "y")
    for impossible in ("<0", ">2"):
        with pytest.raises(TableError, match="'grade'"):
            model.complete(pd.DataFrame({"id": ["n"], "grade": [impossible]}))
    assert len(model.complete(pd.DataFrame({"id": ["n"], "grade": [">0"]}), draws=2).tables) == 2
    with pytest.warns(UserWarning, match="extrapolated"):
        model.predict(pd.DataFrame({"id": ["n"], "conc": [">1e7"]}), "y")


@pytest.mark.parametrize("draws", [0, -1, 2.5, True])
def test_a_number_of_tables_that_is_none_is_refused_for_a_table_too(draws):
    draw = np.random.default_rng(0)
    frame = pd.DataFrame({"id": range(40), "x": draw.normal(size=40)})
    model = Merge("id").fit({"a": frame[:20], "b": frame[20:]})
    with pytest.raises(TableError, match="number of tables"):
        model.complete(frame[:3], draws=draws)
