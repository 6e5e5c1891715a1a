"""The merge as an estimator."""

import pickle

import numpy as np
import pandas as pd
import pytest
import torch
from sklearn.base import clone

from ddlib.merge import Merge, TableError, merge
from tests.ddlib.merge.uncertainty.records import TIMES, complete, hospitals, small


@pytest.fixture(scope="module")
def model():
    tables, options = small()
    return Merge(**options).fit(tables)


def test_it_gives_what_the_function_gives(model):
    tables, options = small()
    merged = merge(tables, **options)
    assert torch.equal(model.law_.covariance, merged.law.covariance) and model.report == merged.report
    assert model.sample(10).equals(merged.table)


def test_it_can_be_cloned_and_pickled(model):
    other = clone(model)
    assert other.get_params() == model.get_params() and not hasattr(other, "merged_")
    again = pickle.loads(pickle.dumps(model))
    assert again.sample(30, seed=1).equals(model.sample(30, seed=1)) and repr(again) == repr(model)
    assert again.complete(draws=2).tables[1].equals(model.complete(draws=2).tables[1])


def test_options_are_set_and_shown():
    model = Merge("id", "time", rows=5)
    assert repr(model) == "Merge('id', 'time', rows=5)"
    assert model.set_params(id="patient", seed=3) is model
    assert model.get_params()["seed"] == 3 and repr(model) == "Merge('patient', 'time', rows=5, seed=3)"
    for wrong in (lambda: Merge("id", "time", row=5), lambda: model.set_params(row=5)):
        with pytest.raises(TableError, match="did you mean 'rows'"):
            wrong()


def test_a_progress_that_cannot_be_pickled_is_left_behind():
    tables, options = small(progress=lambda text, share: None)
    assert pickle.loads(pickle.dumps(Merge(**options).fit(tables))).get_params()["progress"] is None


def test_nothing_goes_before_the_fit():
    for wrong in (lambda model: model.sample(), lambda model: model.report, lambda model: model.predict(None, "a")):
        with pytest.raises(TableError, match="call fit"):
            wrong(Merge("id", "time"))


def test_predictions_are_the_conditional_law_of_the_average_hospital(model):
    frame = pd.DataFrame(
        {"id": [7, 7, 9], "time": [3.2, 0, 1], "a": [np.nan, 1.5, np.nan], "b": [0.4, np.nan, np.nan]}, index=[5, 3, 1]
    )
    found = model.predict(frame, "a")
    law, order = model.law_, model.merged_.columns
    mean, covariance = law.mean[0], law.covariance[0]
    seen, values = [order.index("a"), 4 + order.index("b")], torch.tensor([1.5, 0.4], dtype=torch.float64)
    gain = covariance[4 + order.index("a"), seen] @ torch.linalg.inv(covariance[seen][:, seen])
    assert list(found.index) == [5, 3, 1] and list(found.columns) == ["mean", "sd"]
    assert found["mean"][5] == pytest.approx(float(mean[4 + order.index("a")] + gain @ (values - mean[seen])))
    spread = covariance[4, 4] - gain @ covariance[seen, 4 + order.index("a")]
    assert found["sd"][5] == pytest.approx(float(spread) ** 0.5)
    assert found["mean"][3] == pytest.approx(1.5) and found["sd"][3] == pytest.approx(0, abs=1e-6)
    assert found["mean"][1] == pytest.approx(float(mean[2 + order.index("a")]))


def test_a_named_hospital_has_its_own_mean():
    tables = hospitals(complete(300, 4))
    tables["h0"]["a"] += 1.0
    model = Merge("id", "time", join="never").fit(tables)
    frame = pd.DataFrame({"id": [1], "time": [0]})
    other, shifted = (model.predict(frame, "a", hospital)["mean"][0] for hospital in ("h2", "h0"))
    assert shifted - other == pytest.approx(1.0, abs=0.25)
    assert len(model.complete("h0", draws=2).tables[0]) == 100 * len(TIMES)
    assert model.complete(frame, draws=200, hospital="h0").drawn.all(axis=None)


def test_new_patients_are_completed(model):
    frame = pd.DataFrame({"id": [7, 7], "time": [0, 3], "a": [1.5, np.nan], "age": [60.0, np.nan]})
    found = model.complete(frame, draws=4)
    assert len(found.tables) == 4 and list(found.tables[0].columns) == ["id", "time", "a", "age", "b"]
    for table in found.tables:
        assert table.a[0] == 1.5 and (table.age == 60).all() and not table.isna().any(axis=None) and list(table.time) == list(TIMES)
    assert found.tables[0].a[1] != found.tables[1].a[1]


@pytest.mark.parametrize(
    ("frame", "message"),
    [
        ({"id": [1], "time": [9]}, "not near any reported visit"),
        ({"id": [1, 1], "time": [0, 0.1]}, "two rows of the patient"),
        ({"id": [1], "time": ["2020-01-31"]}, None),
        ({"id": [1], "time": [0], "c": [1.0]}, "no table of the merge had"),
        ({"id": [1, 1], "time": [0, 1], "age": [50.0, 51.0]}, "static"),
        ({"id": [1], "time": [0], "a": ["x"]}, "write numbers"),
        ({"time": [0]}, "no column 'id'"),
    ],
)
def test_tables_that_do_not_fit_are_refused(model, frame, message):
    if message is None:  # dates are counted from the patient's first visit
        assert model.predict(pd.DataFrame(frame), "a").shape == (1, 2)
        return
    with pytest.raises(TableError, match=message):
        model.predict(pd.DataFrame(frame), "a")


def test_unknown_names_are_refused(model):
    frame = pd.DataFrame({"id": [1], "time": [0]})
    with pytest.raises(TableError, match="no column 'c'"):
        model.predict(frame, "c")
    with pytest.raises(TableError, match="no table 'h9'"):
        model.predict(frame, "a", "h9")
    with pytest.raises(TableError, match="no table 'north'"):
        model.complete("north")
    with pytest.raises(TableError, match="1 or more"):
        model.sample(0)


def test_rows_numbered_in_order_are_visits_of_new_patients_too():
    tables, options = small(visits="order")
    model = Merge(**options).fit(tables)
    late = pd.DataFrame({"id": [1, 1], "time": [70, 50], "a": [np.nan, 1.0]})
    early = late.assign(time=[1, 0])
    assert model.predict(late, "b")["mean"].tolist() == model.predict(early, "b")["mean"].tolist()
    with pytest.raises(TableError, match="more visits than the 3"):
        model.predict(pd.DataFrame({"id": 1, "time": range(4)}), "a")


@pytest.mark.parametrize("seed", ["a", 1.5, -1, True, 2**63])
@pytest.mark.parametrize("what", ["sample", "draws", "complete"])
def test_a_seed_that_is_none_is_refused_in_a_sentence(model, what, seed):
    with pytest.raises(TableError, match="the seed must be a whole number"):
        getattr(model, what)(seed=seed)
