"""Columns that are the same in all patients of a source."""

import numpy as np
import pandas as pd
import pytest

from ddlib.merge import Merge, TableError, merge
from tests.ddlib.merge.detection import hospitals


def tables(seed=0, names=("north", "south", "west"), patients=80):
    """Hospitals with a yes or no that goes with ``b``, and the patients' sex."""
    draw, found = np.random.default_rng(seed), {}
    for place, name in enumerate(names):
        frame = hospitals(100 * seed + place, patients=patients)["north"]
        frame["sign"] = (frame.b + draw.normal(size=len(frame)) > 20).astype(int)
        found[name] = frame.assign(sex=np.repeat(draw.integers(0, 2, patients), 2))
    return found


def merged(frames, **options):
    return merge(frames, "id", "time", join="never", **options)


@pytest.mark.parametrize(("column", "value"), [("sign", 0), ("sex", 1)])
@pytest.mark.parametrize("margins", ["auto", "normal"])
def test_a_category_may_be_the_same_in_all_patients_of_a_ward(column, value, margins):
    frames = tables()
    frames["north"][column] = value
    found = merged(frames, margins=margins)
    (said,) = [one for one in found.report["warnings"] if one["kind"] == "constant"]
    assert said["columns"] == [column] and said["sources"] == ["north"]
    about = next(one for one in found.report["columns"] if one["name"] == column)
    assert all(np.isfinite(list(about["offsets"].values()))) and bool(found.law.covariance.isfinite().all())
    blamed = [one["text"] for one in found.report["warnings"] if one["kind"] == "differs between sources"]
    assert not [text for text in blamed if "slopes" in text or "standard deviation:" in text]


def test_the_other_tables_tell_how_it_goes_with_other_columns():
    def correlation(frames):
        law = merged(frames).law.covariance[0]
        spread = law.diagonal() ** 0.5
        return float((law / spread / spread[:, None])[1, 3])

    complete = correlation(tables(1, ("south", "west")))
    frames = tables(1, ("south", "west", "north"))
    frames["north"]["sign"] = 0
    assert correlation(frames) == pytest.approx(complete, abs=0.08)
    done = Merge("id", "time", join="never").fit(frames).complete(draws=1).tables[0]
    assert (done.sign[done.source == "north"] == 0).all()


def test_a_patient_of_a_ward_who_was_not_asked_is_like_the_others_there():
    frames = tables(2)
    frames["north"]["sign"] = 0.0
    frames["north"].loc[::7, "sign"] = np.nan
    done = Merge("id", "time", join="never").fit(frames).complete(draws=5)
    here = (done.tables[0].source == "north").to_numpy()
    drawn = np.concatenate([table.sign[here & done.drawn.sign.to_numpy()] for table in done.tables])
    assert len(drawn) > 50 and set(drawn) <= {0.0, 1.0} and drawn.mean() < 0.1


@pytest.mark.parametrize("scores", [False, True])
def test_a_score_may_be_constant_and_a_number_may_not(scores):
    frames = tables(3)
    for frame in frames.values():
        frame["c"] = (frame.c / 5).round().clip(4, 8) if scores else frame.c
    frames["north"]["c"] = 5.0
    if scores:
        assert merged(frames).report["columns"][2]["margin"]["margin"] == "thresholds"
        return
    with pytest.raises(TableError, match=r"'c' of north is constant \(all 160 measurements are 5\): drop it from this table"):
        merged(frames)


def test_a_column_that_only_tells_sources_apart_is_refused():
    frames = {name: frame.assign(ward=place) for place, (name, frame) in enumerate(tables(4, ("north", "south")).items())}
    with pytest.raises(TableError, match=r"'ward' of north is constant .*, and so it is in every table that has it: drop it"):
        merged(frames)
    frames = {name: frame.assign(ward=3) for name, frame in frames.items()}
    with pytest.raises(TableError, match="'ward' of north is constant"):
        merged(frames)
    frames["north"] = frames["north"].drop(columns="ward")
    with pytest.raises(TableError, match="'ward' of south is constant"):
        merged(frames)


def test_one_measurement_of_a_category_is_no_reason_to_refuse_it():
    frames = tables(5)
    frames["north"]["sign"] = np.nan
    frames["north"].loc[0, "sign"] = 1
    found = merged(frames)
    assert found.report["coverage"]["sign"]["north"] == 1
    assert pd.Series(found.table.sign).isin([0, 1]).all()
