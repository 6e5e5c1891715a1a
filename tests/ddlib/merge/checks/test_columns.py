"""Columns that are skewed, of few values, coded, filled in or computed from others."""

import numpy as np
import pytest

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
