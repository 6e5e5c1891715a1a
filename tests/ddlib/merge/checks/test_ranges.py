"""Every column whose law leaves its range is told of, and no other."""

import numpy as np
import pytest

from ddlib.merge.checks.ranges import outside, range_warnings
from ddlib.merge.checks.warned import Records


def said(name, make, patients=150):
    """In how many of 20 draws a column is told of, and what."""
    texts = []
    for seed in range(20):
        values = make(np.random.default_rng(seed), (2 * patients, 3))[..., None]
        records = Records([name], ["a", "b"], [values[:patients], values[patients:]])
        texts += [one.text for one in range_warnings(records, values.mean(0), values.std(0))]
    return texts


LIMITED = {
    "score": lambda rng, size: np.clip(np.round(rng.normal(4.5, 1.5, size)), 0, 6),
    "middle score": lambda rng, size: rng.binomial(6, 0.7, size).astype(float),
    "saturation": lambda rng, size: np.minimum(100, rng.normal(97, 3, size)),
    "percentage": lambda rng, size: 100 * rng.beta(9, 1, size),
    "bilirubin": lambda rng, size: rng.lognormal(0, 0.9, size),
    "crp": lambda rng, size: rng.exponential(5, size),
    "sex": lambda rng, size: rng.integers(0, 2, size).astype(float),
    "rare": lambda rng, size: (rng.random(size) < 0.15).astype(float),
    "grade": lambda rng, size: rng.integers(1, 5, size).astype(float),
    "counts": lambda rng, size: rng.poisson(2, size).astype(float),
}


@pytest.mark.parametrize("name", LIMITED)
def test_columns_with_limits_are_told_of(name):
    assert len(said(name, LIMITED[name])) == 20


@pytest.mark.parametrize("patients", [30, 150])
@pytest.mark.parametrize("digits", [1, 9])
def test_where_a_sample_ends_is_no_limit(patients, digits):
    assert len(said("hb", lambda rng, size: np.round(rng.normal(13, 1.5, size), digits), patients)) <= 1


def test_shares_range_and_cure_are_named():
    text = said("bilirubin", LIMITED["bilirubin"])[0]
    assert "of 'bilirubin' lie outside its range, 0 to" in text and "take its logarithm" in text
    (one,) = outside(Records(["x"], ["a"], [np.zeros((5, 2, 1)) + np.arange(2)[:, None]]), [[0.0], [1.0]], [[1.0], [1.0]])
    assert one.below == pytest.approx((0.5 + 0.158655) / 2, abs=1e-5) == one.above
