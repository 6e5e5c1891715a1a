"""Columns that are skewed, of few values, coded, filled in or computed from others."""

import numpy as np
import pandas as pd
import pytest

from ddlib.merge import merge
from ddlib.merge.checks.collinear import collinear
from ddlib.merge.checks.columns import column_warnings
from ddlib.merge.checks.warned import Records
from tests.ddlib.merge.checks.worlds import hospitals


def changed(change, seed=0, **kind):
    records = hospitals(seed, variables=4, **kind)
    for part in records.values:
        spread = np.nanstd(part[..., 0])
        part[..., 0] = change(part[..., 0] / spread, np.random.default_rng(seed))
    return records


def coded(code, share=0.02):
    return lambda values, rng: np.where(rng.random(values.shape) < share, code, values)


@pytest.mark.parametrize(
    ("kind", "change", "word"),
    [
        ("skewed", lambda values, rng: np.exp(values - values.mean()), "right"),
        ("skewed", lambda values, rng: -np.exp(values - values.mean()), "left"),
        ("few values", lambda values, rng: np.digitize(values, np.quantile(values, [0.1, 0.3, 0.5, 0.7, 0.8, 0.9])), "0, 1, 2"),
        ("extreme values", coded(999), "999"),
        ("extreme values", coded(-9), "-9"),
        ("extreme values", lambda values, rng: coded(99)(60 + 6 * (values - values.mean()), rng), "99 in"),
        ("repeated value", lambda values, rng: np.maximum(values, np.quantile(values, 0.3)), "limit of what can be measured"),
        ("repeated value", lambda values, rng: np.where(rng.random(values.shape) < 0.3, 10.0, values), "put in for missing"),
    ],
)
def test_columns_are_told_of(kind, change, word):
    found = [one for one in column_warnings(changed(change)) if one.kind == kind]
    assert found and found[0].columns == ("c0",) and word in found[0].text


def test_means_that_differ_by_visit_are_no_skewness():
    records = hospitals(0)
    for part in records.values:
        part[:, 3] += 8 * part[:, 3].std(0)
    assert not [one for one in column_warnings(records) if one.kind == "skewed"]


def test_computed_columns_are_found_in_incomplete_rows_and_named():
    records = hospitals(1, sizes=(150, 150), variables=6, missing=0.0)
    spread = np.std(np.concatenate(records.values), axis=(0, 1))
    for k, part in enumerate(records.values):
        part[..., 5] = part[..., 0] / spread[0] - 2 * part[..., 1] / spread[1]
        part[np.random.default_rng(k).random(part.shape) < 0.5] = np.nan
    assert collinear(records)[0].columns == ("c0", "c1", "c5")
    records = hospitals(1, variables=3)
    for k, part in enumerate(records.values):
        part[..., 2] = 3 * part[..., 1] + 1
        part[k::2, :, 0] = np.nan
    assert collinear(records)[0].columns == ("c1", "c2")


def test_four_columns_of_which_one_is_the_sum_are_found():
    records = hospitals(2, variables=4)
    for part in records.values:
        part[..., 3] = (part[..., :3] / np.nanstd(part[..., :3], axis=(0, 1))).sum(-1)
    assert set(collinear(records)[0].columns) == {"c0", "c1", "c2", "c3"}


def test_columns_of_different_sources_are_no_relation():
    records = hospitals(3, variables=2)
    records.values[0][..., 0] = records.values[1][..., 1] = np.nan
    assert collinear(Records(records.columns, records.sources[:2], records.values[:2])) == []


def relation(records):
    (one,) = collinear(records)
    return one.text


def test_it_is_named_which_columns_determine_which():
    records = hospitals(4, sizes=(150, 150), variables=8)
    spread = np.std(np.concatenate(records.values), axis=(0, 1))
    for part in records.values:
        part[..., 1] = part[..., 0]
        part[..., 3] = 3 * part[..., 2] + 1
        part[..., 6] = part[..., 4] / spread[4] - 2 * part[..., 5] / spread[5]
    said = relation(records)
    assert "'c0' and 'c1' are the same" in said and "'c2' and 'c3' are the same but for a factor and an offset" in said
    assert sum(f"'{one}' is a linear combination of '{two}' and '{three}'" in said for one, two, three in
               (("c6", "c4", "c5"), ("c5", "c4", "c6"), ("c4", "c5", "c6"))) == 1  # fmt: skip
    assert "c7" not in said


def test_of_many_columns_only_those_that_are_needed_are_named():
    records = hospitals(5, sizes=(200, 200), variables=9, heavy=0.0)
    for part in records.values:
        part /= np.nanstd(part, axis=(0, 1))
        part[..., 3] = part[..., :3].sum(-1) + 0.01 * np.random.default_rng(0).normal(size=part.shape[:2])
    said = relation(records)
    assert all(f"'c{j}'" in said for j in range(4)) and not any(f"'c{j}'" in said for j in range(4, 9))


def test_columns_that_are_nearly_on_one_line_are_said_to_be():
    records = hospitals(6, variables=3)
    for k, part in enumerate(records.values):
        part[..., 1] = part[..., 0] * (1 + 0.003 * np.random.default_rng(k).normal(size=part.shape[:2]))
    assert "'c0' and 'c1' lie on one straight line (99." in relation(records)


@pytest.mark.parametrize(
    ("change", "advised"),
    [
        (lambda values, rng: np.exp(values - values.mean()), "take its logarithm"),
        (lambda values, rng: 9 - np.exp(values - values.mean()), "distance from an upper limit"),
        (lambda values, rng: np.maximum((values - values.mean()), 0.0) ** 2, ""),
        (lambda values, rng: np.where(rng.random(values.shape) < 0.05, values + 9, values), "no usual transformation"),
    ],
)
def test_a_transformation_is_advised_only_where_it_mends(change, advised):
    (said,) = (one.text for one in column_warnings(changed(change)) if one.kind == "skewed")
    assert advised in said
    if "take its logarithm" in said:
        assert advised == "take its logarithm"


def test_two_columns_that_a_handful_of_patients_has_are_named_and_those_that_many_have_are_not():
    draw = np.random.default_rng(0)
    frame = pd.DataFrame(draw.normal(size=(120, 3)), columns=["x", "y", "w"]).assign(id=range(120), time=0)
    for number, said in ((4, True), (60, False)):
        north, south = frame[:60].drop(columns="w"), frame[60:].copy()
        south.loc[south.index[number:], "y"] = np.nan
        found = merge({"north": north, "south": south}, "id", "time", rows=10).report["warnings"]
        assert any(one["kind"] == "hardly together" and set(one["columns"]) == {"y", "w"} for one in found) == said
