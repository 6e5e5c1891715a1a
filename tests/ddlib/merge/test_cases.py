"""Records as hospitals have them, which the merge once got wrong without a word: each with its smallest input."""

import numpy as np
import pandas as pd
import pytest
import torch

from ddlib.merge import TableError, merge

KEYS = {"id": "id", "time": "visit"}


def markov(patients, visits, columns=2, memory=0.6, seed=0):
    """Independent columns of variance one, each remembering its last visit."""
    rng = np.random.default_rng(seed)
    values = [rng.normal(size=(patients, columns))]
    for _ in range(visits - 1):
        values.append(memory * values[-1] + (1 - memory**2) ** 0.5 * rng.normal(size=(patients, columns)))
    return np.stack(values, axis=1)


def table(values, names=("a", "b"), first=0, times=None):
    patients, visits, columns = values.shape
    frame = pd.DataFrame(values.reshape(-1, columns), columns=list(names[:columns]))
    frame.insert(0, "visit", np.tile(np.arange(visits) if times is None else times, patients))
    frame.insert(0, "id", np.repeat([f"p{i}" for i in range(first, first + patients)], visits))
    return frame


def halves(values, **options):
    middle = len(values) // 2
    return {"north": table(values[:middle], **options), "south": table(values[middle:], first=middle, **options)}


def correlation(law, i, j):
    covariance = law.covariance[0]
    return float(covariance[i, j] / (covariance[i, i] * covariance[j, j]).sqrt())


def kinds(merged):
    return {warning["kind"] for warning in merged.report["warnings"]}


def test_means_of_visits_are_kept_and_do_not_pass_for_levels():
    means = np.array([0.0, 2.0, 0.0, -1.0])
    values = markov(400, 4) + means[None, :, None]
    found = merge(halves(values), **KEYS)
    np.testing.assert_allclose(found.law.mean[0].view(4, 2), np.repeat(means[:, None], 2, 1), atol=0.2)
    np.testing.assert_allclose(found.law.covariance[0].diagonal().sqrt(), 1.0, atol=0.1)
    assert correlation(found.law, 0, 2) == pytest.approx(0.6, abs=0.08)
    assert found.report["model"]["visits_differ"]["used"] and "not Markov" not in kinds(found)


def test_a_column_that_is_entered_once_is_one_value_of_a_patient():
    values = markov(200, 3)
    frames = halves(values)
    age = np.random.default_rng(1).normal(60, 10, 200)
    for frame in frames.values():
        frame["age"] = np.where(frame.visit == 0, age[frame.id.str[1:].astype(int)], np.nan)
    found = merge(frames, **KEYS)
    assert found.static == ("age",) and "static" in kinds(found)
    assert found.table.groupby("id").age.nunique().eq(1).all()
    assert found.table.age.std() == pytest.approx(10, rel=0.2) and found.table.age.between(20, 100).all()


def test_two_files_about_the_same_patients_are_asked_about():
    values = markov(200, 2)
    rng = np.random.default_rng(2)
    north = table(values)
    south = pd.DataFrame(
        {"id": north.id, "visit": north.visit, "a": north.a, "c": 0.8 * north.a + 0.6 * rng.normal(size=len(north))}
    )
    with pytest.raises(TableError, match="--join"):
        merge({"north": north, "south": south}, **KEYS)
    third = table(markov(100, 2, seed=5), first=500)
    joined = merge({"north": north, "south": south, "third": third}, **KEYS, join="patients")
    assert joined.report["model"]["patients"] == 300
    place = [joined.columns.index(name) for name in "ac"]
    assert correlation(joined.law, *place) == pytest.approx(0.8, abs=0.06)


@pytest.mark.parametrize("pair", [("101.1", "101.10"), ("007", "7"), ("1E3", "1000")])
def test_ids_are_text(pair):
    frames = halves(markov(60, 2))
    for frame in frames.values():
        frame["id"] = frame["id"].replace({"p0": pair[0], "p1": pair[1], "p30": pair[0], "p31": pair[1]})
    assert merge(frames, **KEYS, join="never").report["model"]["patients"] == 60


def test_memory_decays_with_the_gap():
    chain = markov(600, 13, memory=0.8)
    monthly, yearly = chain[:300], chain[300:, [0, 12]]
    frames = {"monthly": table(monthly), "yearly": table(yearly, first=300, times=[0, 12])}
    found = merge(frames, **KEYS)
    assert found.report["visits"]["number"] == 13
    assert correlation(found.law, 0, 2) == pytest.approx(0.8, abs=0.05)
    uneven = merge(halves(chain[:, [0, 1, 4, 12]], times=[0, 1, 4, 12]), **KEYS)
    assert uneven.report["visits"]["steps"] == [1, 3, 8]
    assert [correlation(uneven.law, 2 * t, 2 * t + 2) for t in range(3)] == pytest.approx([0.8, 0.8**3, 0.8**8], abs=0.1)


def test_visits_that_come_a_day_late_are_the_same_visits():
    values = markov(200, 3)
    frames = halves(values, times=[0, 28, 56])
    late = np.random.default_rng(0).random(600) < 0.2
    for k, frame in enumerate(frames.values()):
        frame["visit"] += late[300 * k : 300 * k + 300]
    found = merge(frames, **KEYS)
    assert found.report["visits"]["number"] == 3
    assert correlation(found.law, 0, 2) == pytest.approx(0.6, abs=0.1)


def test_dates_as_numbers_are_dates():
    frames = halves(markov(100, 3), times=[20200110, 20200410, 20200710])
    found = merge(frames, **KEYS)
    assert found.report["visits"]["labels"] == ["2020-01-10", "2020-04-10", "2020-07-10"]
    assert found.report["visits"]["steps"] == [1, 1]


def test_one_patient_with_many_visits_does_not_give_them_to_all():
    frames = halves(markov(200, 3))
    frames["north"] = pd.concat([frames["north"], table(markov(1, 30, seed=3), first=900)])
    found = merge(frames, **KEYS)
    assert found.report["visits"]["number"] == 3 and len(found.table) == 300


def test_a_shifted_hospital_neither_moves_the_covariances_nor_goes_unnoticed():
    values = markov(240, 4)
    values[80:160] += 0.5
    frames = {str(k): table(values[80 * k : 80 * k + 80], first=80 * k) for k in range(3)}
    found = merge(frames, **KEYS)
    assert found.report["model"]["hospitals_differ"]["used"]
    truth = np.kron(0.6 ** np.abs(np.subtract.outer(np.arange(4), np.arange(4))), np.eye(2))
    assert np.sqrt(np.mean((found.law.covariance[0].numpy() - truth) ** 2)) < 0.1
    offsets = [column["offsets"] for column in found.report["columns"]]
    assert all(one["1"] - (one["0"] + one["2"]) / 2 == pytest.approx(0.5, abs=0.25) for one in offsets)


@pytest.mark.parametrize(
    ("kind", "values"),
    [
        ("binary", lambda z: (z > 0.5).astype(float)),
        ("score", lambda z: np.clip(np.round(2 + 1.5 * z), 0, 6)),
        ("positive", lambda z: np.exp(z)),
        ("percentage", lambda z: 100 * (1 - np.exp(np.minimum(z, 2) - 2.2))),
    ],
)
def test_synthetic_values_are_of_the_kind_that_was_observed(kind, values):
    frames = halves(markov(300, 2))
    for frame in frames.values():
        frame["x"] = values((frame.a + frame.b).to_numpy() / 2**0.5)
    everything = pd.concat(frames.values()).x
    found = merge(frames, **KEYS, rows=400).table.x
    low, high = {"positive": (0, np.inf), "percentage": (0, 100)}.get(kind, (everything.min(), everything.max()))
    assert found.between(low, high).all()
    assert found.mean() == pytest.approx(everything.mean(), abs=0.25 * everything.std())
    assert "on the scales" in merge(frames, **KEYS).report["synthetic"]["carried"]
    if kind in ("binary", "score"):
        assert set(found.unique()) <= set(everything.unique())


def test_a_relation_that_no_patient_shows_at_any_lag_is_named_with_its_lag():
    values = markov(200, 2)
    frames = halves(values)
    frames["north"].loc[frames["north"].visit == 0, "a"] = np.nan
    frames["south"].loc[frames["south"].visit == 1, "b"] = np.nan
    found = merge(frames, **KEYS)
    (told,) = (warning for warning in found.report["warnings"] if warning["kind"] == "never at successive visits")
    assert "'a' with 'b' one visit later" in told["text"] or "'a' at visit 1 with 'b' at visit 2" in told["text"]
    precision = torch.linalg.inv(found.law.covariance[0])
    assert abs(float(precision[0, 3])) < 1e-6


@pytest.mark.parametrize("share", [0.02, 1.0])
def test_other_units_are_found_and_only_the_hospital_that_has_them_is_blamed(share):
    values = markov(240, 3, columns=1)
    frames = {str(k): table(90 + 12 * values[80 * k : 80 * k + 80], ("glucose",), 80 * k) for k in range(3)}
    rng = np.random.default_rng(0)
    slipped = rng.random(len(frames["1"])) < share
    frames["1"]["glucose"] = np.where(slipped, frames["1"].glucose / 18.016, frames["1"].glucose)
    told = [warning for warning in merge(frames, **KEYS).report["warnings"] if "glucose" in warning["text"] and warning["sources"]]
    assert told and all(warning["sources"] == ["1"] for warning in told)
    assert any("18" in warning["text"] for warning in told)


def test_one_visit_per_patient_is_a_table_too():
    values = markov(300, 1, columns=3)
    values[..., 2] = 0.8 * values[..., 0] + 0.6 * values[..., 2]
    found = merge(halves(values, names=("a", "b", "c")), **KEYS)
    assert found.report["visits"]["number"] == 1 and len(found.table) == 100
    assert correlation(found.law, 0, 2) == pytest.approx(0.8, abs=0.06)


def test_hospitals_alike_raise_no_alarm():
    quiet = 0
    for seed in range(12):
        rng = np.random.default_rng(seed)
        hospitals, visits, columns = int(rng.integers(2, 5)), int(rng.integers(1, 5)), int(rng.integers(2, 6))
        values = markov(100 * hospitals, visits, columns, seed=seed) @ rng.normal(size=(columns, columns))
        names = "abcdef"[:columns]
        frames = {str(k): table(values[100 * k : 100 * k + 100], names, 100 * k) for k in range(hospitals)}
        harmless = {"static", "one visit", "same names", "few rows", "margins", "too few patients"}
        quiet += not kinds(merge(frames, **KEYS)) - harmless
    assert quiet >= 11


def test_a_column_that_is_entered_once_is_static_where_some_patients_come_once_too():
    rng = np.random.default_rng(3)
    once, often = table(markov(100, 1, 1), ("a",)), table(markov(100, 3, 1, seed=1), ("a",), 100)
    once["age"] = rng.normal(60, 10, len(once))
    found = merge({"once": once, "often": often}, **KEYS)
    assert found.static == ("age",) and found.table.age.between(10, 110).all()


def test_a_slip_in_a_static_column_is_named_with_its_patient():
    frames = halves(markov(200, 3))
    for frame in frames.values():
        frame["age"] = 60.0 + frame.id.str[1:].astype(int) % 30
    frames["south"].loc[5, "age"] += 1
    (told,) = (w for w in merge(frames, **KEYS).report["warnings"] if w["kind"] == "nearly static")
    assert "'age'" in told["text"] and frames["south"].id[5] in told["text"]


def test_a_column_of_next_to_nobody_is_not_to_be_trusted():
    frames = halves(markov(200, 3))
    frames["north"]["z"] = np.where(frames["north"].id.isin(["p0", "p1", "p2"]), np.arange(len(frames["north"])) % 7.0, np.nan)
    (told,) = (w for w in merge(frames, **KEYS).report["warnings"] if w["kind"] == "hardly measured")
    assert "'z'" in told["text"] and "3 patients" in told["text"]


def test_many_zeros_stay_zeros():
    rng = np.random.default_rng(4)
    values = markov(600, 1)
    frames = halves(values)
    for frame in frames.values():
        latent = 0.7 * frame.a + 0.71 * rng.normal(size=len(frame))
        frame["x"] = np.where(latent < 0.6, 0.0, np.exp(latent))
    everything = pd.concat(frames.values()).x
    found = merge(frames, **KEYS, rows=2000).table.x
    assert (found == 0).mean() == pytest.approx((everything == 0).mean(), abs=0.04)
    assert found.mean() == pytest.approx(everything.mean(), rel=0.15)


def test_the_prior_neither_shakes_a_column_that_hardly_moves_nor_counts_a_trend_as_spread():
    rng = np.random.default_rng(5)
    weight = rng.normal(70, 10, (400, 1)) + np.cumsum(rng.normal(0, 0.1, (400, 3)), axis=1)
    found = merge(halves(np.stack([weight, rng.normal(size=(400, 3))], axis=-1)), **KEYS, rows=400)
    assert np.diff(found.table.a.to_numpy().reshape(-1, 3), axis=1).std() == pytest.approx(0.1, rel=0.1)
    rising = 20.0 * np.arange(4) + markov(60, 4, columns=1)[..., 0]
    found = merge(halves(rising[..., None], names=("a",)), **KEYS)
    np.testing.assert_allclose(found.law.covariance[0].diagonal().sqrt(), rising.std(0), rtol=0.1)


def test_spreads_that_the_model_does_not_have_are_told():
    rng = np.random.default_rng(6)
    slopes = rng.normal(size=(200, 1)) * (0.2 + np.arange(6) ** 2)
    found = merge(halves((slopes + 0.3 * rng.normal(size=slopes.shape))[..., None], names=("a",)), **KEYS)
    observed, fitted = slopes.std(0), found.law.covariance[0].diagonal().sqrt().numpy()
    off = np.abs(np.log(fitted / np.hypot(observed, 0.3))).max()
    assert off < 0.3 or "misfit" in kinds(found)


def test_dates_with_a_zone_are_those_on_the_clock():
    frames = halves(markov(60, 2), times=["2022-06-01T00:00+02:00", "2022-07-01T00:00+02:00"])
    assert merge(frames, **KEYS).report["visits"]["labels"] == ["2022-06-01", "2022-07-01"]
