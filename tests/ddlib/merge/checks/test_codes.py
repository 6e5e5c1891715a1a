"""Numbers that are written for a missing cell, and natural zeros that are none."""

import numpy as np
import pytest

from ddlib.merge.checks.codes import missing_code
from ddlib.merge.checks.columns import column_warnings
from ddlib.merge.checks.warned import Records

RNG = np.random.default_rng(0)
WEIGHTS = np.round(RNG.normal(75, 9, 300).clip(45, 110), 1)


@pytest.mark.parametrize(
    ("values", "code", "often"),
    [
        (WEIGHTS, 0, 1),
        (WEIGHTS, 0, 3),
        (WEIGHTS, 999, 3),
        (WEIGHTS, -9, 3),
        (RNG.normal(0.9, 0.05, 300), 0, 2),
        (np.exp(RNG.normal(3, 0.25, 300)), 0, 3),
        (np.round(RNG.normal(60, 6, 300)), 99, 4),
        (RNG.integers(30, 50, 300).astype(float), 77, 4),
        (RNG.integers(18, 80, 300).astype(float), 999, 4),
        (RNG.integers(120, 160, 300).astype(float), 0, 1),
    ],
)
def test_a_code_apart_from_all_others_is_named_with_how_often_it_comes(values, code, often):
    coded = np.r_[values, np.full(often, float(code))]
    assert missing_code(coded) == code and missing_code(values) is None
    said = [one for one in column_warnings(Records(["weight"], ["north"], [coded[:, None, None]])) if one.kind == "extreme values"]
    assert len(said) == 1 and said[0].columns == ("weight",)
    assert said[0].text.startswith(f"{code} in {often} cell{'s' * (often > 1)} of 'weight'")
    kept = values[values > code] if code <= 0 else values[values < code]
    assert f"{(kept.min() if code <= 0 else kept.max()):.4g} or {'more' if code <= 0 else 'less'}" in said[0].text


@pytest.mark.parametrize(
    "values",
    [
        RNG.poisson(2, 300),
        RNG.poisson(5, 300),
        np.where(RNG.random(300) < 0.3, 0, RNG.normal(50, 5, 300)),
        np.r_[np.exp(RNG.normal(0, 1, 300)), 0, 0],
        RNG.integers(0, 11, 300) * 10,
        np.r_[RNG.integers(1, 8, 300) * 5, 0, 0],
        np.maximum(RNG.normal(1, 1, 300), 0),
        np.r_[RNG.normal(0, 1, 300), 0, 0],
        np.round(RNG.uniform(0, 100, 300)),
        np.r_[np.arange(100.0), 99.0, 99.0, 99.0],
        RNG.integers(0, 2, 300),
        np.r_[np.abs(RNG.normal(0, 20, 300)), 0],
    ],
    ids=range(12),
)
def test_natural_zeros_and_nines_are_none(values):
    assert missing_code(np.asarray(values, dtype=float)) is None
