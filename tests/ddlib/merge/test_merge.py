"""The merge of tables through its Python entry: what comes out, what does not matter, and what is warned of."""

import json

import numpy as np
import pandas as pd
import pytest
import torch

from ddlib.dbn import joint
from ddlib.merge import merge, report_page
from tests.ddlib.merge.hospital_tables import COLUMNS, emptied, hospitals, network, records, table

KEYS = {"id": "patient", "time": "visit"}


@pytest.fixture(scope="module")
def merged():
    return merge(hospitals(missing=0.05), **KEYS, rows=20, tolerance=1e-5)


def kinds(report):
    return {warning["kind"] for warning in report["warnings"]}


def wide(frame, columns, visits):
    """One row per synthetic patient, visit after visit."""
    return torch.from_numpy(frame[list(columns)].to_numpy().reshape(-1, visits * len(columns)))


def test_every_synthetic_patient_has_all_visits_and_all_columns(merged):
    assert list(merged.table.columns) == ["patient", "visit", "alt", "bili", "hb", "crea"]
    assert merged.columns == ("alt", "bili", "hb", "crea")
    assert len(merged.table) == 60
    assert (merged.table.groupby("patient")["visit"].apply(list).map(tuple) == (1, 2, 3)).all()
    assert np.isfinite(merged.table.to_numpy(float)).all()


def test_mean_and_covariance_of_successive_visits_are_the_estimates(merged):
    flat = wide(merged.table, merged.columns, 3)
    torch.testing.assert_close(flat.mean(0), merged.law.mean[0], rtol=1e-8, atol=1e-8)
    torch.testing.assert_close(flat.T.cov(correction=0), merged.law.covariance[0], rtol=1e-8, atol=1e-8)
    fewer = merge(hospitals(missing=0.05), **KEYS, rows=9)
    found = wide(fewer.table, fewer.columns, 3).T.cov(correction=0)
    for pair in (slice(0, 8), slice(4, 12)):
        torch.testing.assert_close(found[pair, pair], fewer.law.covariance[0][pair, pair], rtol=1e-8, atol=1e-8)
    assert fewer.report["synthetic"]["needed_for_successive_visits"] == 9


def test_complete_tables_come_back_as_their_own_moments():
    tables = [table(records(network(), 50, 3, seed=k)) for k in range(2)]
    found = merge(tables, **KEYS, rows=30, prior=0, tolerance=1e-7)
    pooled = torch.cat([wide(frame, COLUMNS, 3) for frame in tables])[:, :4]
    torch.testing.assert_close(found.law.mean[0][:4], pooled.mean(0), rtol=1e-4, atol=1e-4)
    torch.testing.assert_close(found.law.covariance[0][:4, :4], pooled.T.cov(correction=0), rtol=1e-4, atol=1e-4)


def test_the_truth_is_approached():
    truth = network()
    tables = {
        "a": table(records(truth, 2000, 3, 0.1, seed=1), hide=("crea",)),
        "b": table(records(truth, 2000, 3, 0.1, seed=2), hide=("alt",)),
        "c": table(records(truth, 2000, 3, 0.1, seed=3), hide=("hb",)),
    }
    found, law = merge(tables, **KEYS, rows=20), joint(truth, 3)
    place = [4 * t + COLUMNS.index(name) for t in range(3) for name in found.columns]
    assert (found.law.mean[0] - law.mean[0][place]).abs().max() < 0.06
    assert (found.law.covariance[0] - law.covariance[0][place][:, place]).abs().max() < 0.08
    assert not found.report["warnings"]


def test_the_order_of_columns_and_rows_means_nothing(merged):
    shuffled = {
        name: frame[["visit", *sorted(frame.columns[2:], reverse=True), "patient"]].sample(frac=1, random_state=1)
        for name, frame in hospitals(missing=0.05).items()
    }
    found = merge(shuffled, **KEYS, rows=20, tolerance=1e-5)
    place = [merged.columns.index(name) for name in found.columns]
    entries = [4 * t + i for t in range(3) for i in place]
    torch.testing.assert_close(found.law.mean[0], merged.law.mean[0][entries], rtol=1e-5, atol=1e-5)
    torch.testing.assert_close(found.law.covariance[0], merged.law.covariance[0][entries][:, entries], rtol=1e-4, atol=1e-4)


def test_the_order_of_sources_means_nothing(merged):
    found = merge(dict(reversed(hospitals(missing=0.05).items())), **KEYS, rows=20, tolerance=1e-5)
    place = [merged.columns.index(name) for name in found.columns]
    entries = [4 * t + i for t in range(3) for i in place]
    torch.testing.assert_close(found.law.covariance[0], merged.law.covariance[0][entries][:, entries], rtol=1e-4, atol=1e-4)


def test_units_mean_nothing(merged):
    other = {name: frame.assign(bili=1000 * frame.bili + 1e5) for name, frame in hospitals(missing=0.05).items()}
    found = merge(other, **KEYS, rows=20, tolerance=1e-5)
    scale = torch.tensor([1000.0 if name == "bili" else 1.0 for name in found.columns] * 3, dtype=torch.float64)
    torch.testing.assert_close(found.law.covariance[0] / torch.outer(scale, scale), merged.law.covariance[0], rtol=1e-5, atol=1e-5)
    torch.testing.assert_close(wide(found.table, found.columns, 3).mean(0), found.law.mean[0], rtol=1e-8, atol=1e-8)


def test_the_report_is_json_and_a_page(merged):
    report = json.loads(json.dumps(merged.report, allow_nan=False))
    assert report["coverage"]["crea"] == {"north": 0, "south": 60, "west": 60}
    assert [pair["columns"] for pair in report["never_together"]] == []
    assert [one["name"] for one in report["sources"]] == ["north", "south", "west"]
    assert report["by_visit"]["hb"]["observed"].keys() == {"north", "west"}
    assert report["model"]["undetermined_directions"] == 0
    page = report_page(merged.report)
    for word in ("north", "crea", "Pairs never observed together", "prefers-color-scheme"):
        assert word in page
    assert "http" not in page


@pytest.mark.parametrize("visits", [2, 4])
def test_pairs_never_together_are_a_convention_with_bounds(visits):
    tables = hospitals(patients=200, visits=visits)
    found = merge({name: tables[name] for name in ("north", "south")}, **KEYS)
    (pair,) = found.report["never_together"]
    assert pair["columns"] == ["crea", "hb"] and pair["patients_with_both"] == 0
    assert -1 <= pair["bounds"][0] < pair["correlation"] < pair["bounds"][1] <= 1
    assert "never together" in kinds(found.report)
    truth = joint(network(), visits).covariance[0].view(visits, 4, visits, 4).diagonal(dim1=0, dim2=2).mean(-1)
    a, b = COLUMNS.index("crea"), COLUMNS.index("hb")
    assert pair["bounds"][0] < float(truth[a, b] / (truth[a, a] * truth[b, b]).sqrt()) < pair["bounds"][1]
    precision = torch.linalg.inv(found.law.covariance[0]).view(visits, 4, visits, 4)
    scale = precision.flatten(0, 1).flatten(1).diagonal().sqrt().view(visits, 4)
    a, b = (found.columns.index(name) for name in ("crea", "hb"))
    assert (precision[:, a, :, b] / torch.outer(scale[:, a], scale[:, b])).abs().max() < 1e-6


def test_markup_in_names_is_text():
    tables = hospitals()
    named = {f"<b>{name}": frame.rename(columns={"bili": "<script>"}) for name, frame in tables.items()}
    page = report_page(merge(named, **KEYS).report)
    assert "<script>" not in page and "<b>north" not in page and "&lt;script&gt;" in page


def test_weights_say_how_many_patients_each_stands_for():
    table = merge(hospitals(), **KEYS, rows=30, weights=True).table
    assert (table["represents"] == 6.0).all()


def test_ids_and_times_keep_their_kind():
    tables = {
        name: frame.assign(patient="p" + frame.patient.astype(str), visit=frame.visit / 2) for name, frame in hospitals().items()
    }
    found = merge(tables, **KEYS, rows=12).table
    assert found.patient.iloc[0] == "synthetic-01"
    assert found.visit.iloc[:3].tolist() == [0.5, 1.0, 1.5]


def test_noise_is_taken_off():
    truth = network()
    clean, noisy = ([table(records(truth, 300, 3, seed=k)) for k in range(2)] for _ in range(2))
    rng = np.random.default_rng(0)
    for frame in noisy:
        frame["hb"] += rng.normal(0, 0.5, len(frame))
    plain, known, want = (merge(*arguments, **KEYS) for arguments in ((noisy,), (noisy,), (clean,)))
    known = merge(noisy, **KEYS, noise={"hb": 0.5})
    place = plain.columns.index("hb")
    variances = [found.law.covariance[0, place, place].item() for found in (plain, known, want)]
    assert abs(variances[1] - variances[2]) < 0.06 < variances[0] - variances[2]
    special = merge(noisy, **KEYS, noise={"source 1": {"hb": 0.5}, "source 2": {"hb": 0.5}})
    torch.testing.assert_close(special.law.mean, known.law.mean)


def test_dates_that_all_share_are_visits_and_others_run_from_the_first_visit():
    start = pd.Timestamp("2024-01-10")
    shared = {
        n: f.assign(visit=(start + pd.to_timedelta(30 * f.visit, "D")).dt.strftime("%Y-%m-%d")) for n, f in hospitals().items()
    }
    found = merge(shared, **KEYS)
    assert found.report["visits"]["reading"] == "values"
    assert found.table.visit.iloc[:3].dt.strftime("%Y-%m-%d").tolist() == ["2024-02-09", "2024-03-10", "2024-04-09"]
    own = {
        n: f.assign(visit=start + pd.to_timedelta(30 * f.visit + 7 * f.patient + f.patient % 3 * f.visit, "D"))
        for n, f in hospitals().items()
    }
    found = merge(own, **KEYS)
    assert found.report["visits"]["reading"] == "windows" and "own times" in kinds(found.report)
    assert found.report["visits"]["number"] == 3
    assert found.table.visit.iloc[:3].is_monotonic_increasing
    forced = merge(hospitals(), **KEYS, visits="order")
    assert forced.table.visit.iloc[:3].tolist() == [1, 2, 3]


def test_unequal_visits_are_missing_slices():
    tables = {name: frame[(frame.visit < 3) | (frame.patient % 2 == 0)] for name, frame in hospitals(patients=100).items()}
    found = merge(tables, **KEYS)
    assert found.report["visits"]["number"] == 3
    assert found.report["sources"][0]["visits"] == 250
    assert len(found.table) == 300


def test_progress_goes_from_nothing_towards_one():
    seen = []
    merge(hospitals(), **KEYS, progress=lambda text, share: seen.append((text, share)))
    shares = [share for _, share in seen]
    assert shares == sorted(shares) and shares[0] == 0 and shares[-1] > 0.9
    assert any("nats per patient" in text for text, _ in seen)


def skewed(frame):
    return frame.assign(alt=np.exp(2 * frame.alt)) if "alt" in frame else frame


def stable(frame):
    level = np.random.default_rng(1).normal(0, 3, frame.patient.max() + 1)
    return frame.assign(bili=frame.bili + level[frame.patient])


def remembered(frame):
    """What a patient was two visits ago counts, what he was at the last visit does not."""
    rng = np.random.default_rng(int(1e6 * abs(frame.bili.iloc[0])))
    values = rng.normal(size=(frame.patient.max() + 1, frame.visit.max() + 1))
    for visit in range(2, values.shape[1]):
        values[:, visit] = -0.9 * values[:, visit - 2] + 0.3 * rng.normal(size=len(values))
    return frame.assign(bili=values[frame.patient, frame.visit])


def skewed_to_the_left(frame):
    return frame.assign(alt=-np.exp(2 * frame.alt)) if "alt" in frame else frame


def coded(frame):
    return frame.assign(bili=frame.bili.where(frame.patient % 20 > 0, 999.0))


def aged(frame):
    return frame.assign(age=np.random.default_rng(2).normal(60, 9, frame.patient.max() + 1)[frame.patient])


@pytest.mark.parametrize(
    ("kind", "visits", "change"),
    [
        ("margins", 3, skewed),
        ("margins", 3, skewed_to_the_left),
        ("extreme values", 3, coded),
        ("static", 3, aged),
        ("collinear", 3, lambda frame: frame.assign(double=2 * frame.bili + 1)),
        ("not Markov", 6, remembered),
        ("too few patients", 3, lambda frame: frame[frame.patient < 6]),
        ("margins", 3, lambda frame: frame.assign(bili=(frame.bili > frame.bili.median()).astype(float))),
        ("empty patients", 3, lambda frame: emptied(frame, frame.patient == 2)),
    ],
)
def test_warnings(kind, visits, change):
    plain = hospitals(patients=100, visits=visits)
    assert kind not in kinds(merge(plain, **KEYS).report)
    changed = {name: change(frame) for name, frame in plain.items()}
    assert kind in kinds(merge(changed, **KEYS).report)


def test_warnings_say_what_to_do():
    def said(change):
        tables = {name: change(frame) for name, frame in hospitals(patients=100).items()}
        return {warning["kind"]: warning["text"] for warning in merge(tables, **KEYS).report["warnings"]}

    codes = said(coded)
    assert all(part in codes["extreme values"] for part in ("999", "45", "'bili'"))
    assert "skewed" not in codes and "extreme values" not in said(skewed)
    assert "'alt' (skewed to the left)" in said(skewed_to_the_left)["margins"]
    assert said(aged)["static"].startswith("'age' never changes within a patient")


def test_noise_of_a_dropped_column_is_of_no_account():
    found = merge(hospitals(), **KEYS, drop=["hb"], noise={"hb": 0.1, "north": {"hb": 0.2}})
    plain = merge(hospitals(), **KEYS, drop=["hb"])
    pd.testing.assert_frame_equal(found.table, plain.table)


def test_a_source_in_another_unit_is_named():
    tables = hospitals(patients=200)
    tables["south"] = tables["south"].assign(bili=17.1 * tables["south"].bili)
    report = merge(tables, **KEYS).report
    (told,) = (w for w in report["warnings"] if w["kind"] == "differs between sources")
    assert "'bili'" in told["text"] and "a factor of 17.1" in told["text"] and told["sources"] == ["south"]


def test_few_rows_are_warned_of():
    assert "few rows" in kinds(merge(hospitals(), **KEYS, rows=5).report)
