"""Measures and calibration against scikit-learn, counting, DeLong's formula and known laws."""

import numpy as np
import pytest
from scipy.special import expit
from sklearn.linear_model import LogisticRegression
from sklearn.metrics import accuracy_score, brier_score_loss, log_loss, roc_auc_score

from ddbook.chapters.merge.four.calibration import bins, calibration
from ddbook.chapters.merge.four.measures import MEASURES, auc_parts, measured, parts_of, within_parts


def drawn(n=120, seed=0, ties=False):
    draw = np.random.default_rng(seed)
    score, hospital = draw.normal(size=n), draw.integers(3, size=n)
    score = score.round(1) if ties else score
    disease = (draw.random(n) < expit(1.5 * score + hospital - 1)).astype(float)
    return score, disease, hospital


@pytest.mark.parametrize("ties", [False, True])
@pytest.mark.parametrize("seed", range(4))
def test_the_mean_of_the_parts_is_the_area_and_their_variance_delongs(seed, ties):
    score, disease, _ = drawn(seed=seed, ties=ties)
    parts = auc_parts(score, disease)
    assert parts.mean() == pytest.approx(roc_auc_score(disease, score))
    ill, healthy = score[disease == 1], score[disease == 0]
    wins = (ill[:, None] > healthy) + 0.5 * (ill[:, None] == healthy)
    delong = wins.mean(1).var(ddof=1) / len(ill) + wins.mean(0).var(ddof=1) / len(healthy)
    assert parts.var(ddof=1) / len(parts) == pytest.approx(delong, rel=0.05)


@pytest.mark.parametrize("seed", range(4))
def test_within_hospitals_only_pairs_of_one_hospital_count(seed):
    score, disease, hospital = drawn(seed=seed)
    pairs = [(i, j) for i in range(120) for j in range(120) if hospital[i] == hospital[j] and disease[i] > disease[j]]
    share = np.mean([score[i] > score[j] for i, j in pairs])
    assert within_parts(score, disease, hospital).mean() == pytest.approx(share)
    moved = score + 100 * hospital  # shifts between hospitals do not matter within
    np.testing.assert_allclose(within_parts(moved, disease, hospital), within_parts(score, disease, hospital))


def test_a_hospital_of_one_kind_has_no_pairs_and_an_area_of_one_kind_is_refused():
    score, disease, hospital = drawn()
    alone = np.where(hospital == 2, 1.0, disease)
    rest = hospital != 2
    parts = within_parts(score, alone, hospital)
    assert parts.mean() == pytest.approx(within_parts(score[rest], disease[rest], hospital[rest]).mean())
    with pytest.raises(ValueError, match="ill and healthy"):
        auc_parts(score, np.ones_like(disease))


def test_the_other_measures_are_scikit_learns():
    score, disease, hospital = drawn()
    means = {name: parts_of(name, score[None], disease, hospital).mean() for name in MEASURES}
    share = expit(score)
    assert means["log_loss"] == pytest.approx(log_loss(disease, share))
    assert means["brier"] == pytest.approx(brier_score_loss(disease, share))
    assert means["accuracy"] == pytest.approx(accuracy_score(disease, share > 0.5))


def test_a_difference_is_that_of_the_measures_and_narrower_than_either_where_scores_agree():
    score, disease, hospital = drawn()
    draw = np.random.default_rng(1)
    ours, theirs = (score + 0.1 * draw.normal(size=(5, 120)) for _ in range(2))
    for name in MEASURES:
        one, two, both = (
            measured(name, *scores)
            for scores in ((ours, disease, hospital), (theirs, disease, hospital), (ours, disease, hospital, theirs))
        )
        assert both.value == pytest.approx(one.value - two.value)
        assert both.high - both.low < one.high - one.low


def test_the_interval_holds_the_true_area_of_new_patients():
    inside = 0
    for seed in range(200):
        draw = np.random.default_rng(seed)
        disease = (draw.random(150) < 0.4).astype(float)
        score = draw.normal(size=150) + disease  # the area is Φ(1/√2)
        found = measured("auc", np.stack([score, score + 0.05 * draw.normal(size=150)]), disease, np.zeros(150, dtype=int))
        inside += found.low <= 0.76025 <= found.high
    assert inside >= 182


def test_calibration_is_the_unpenalised_regression_on_the_score():
    score, disease, _ = drawn(n=400)
    oracle = LogisticRegression(C=np.inf, tol=1e-12).fit(score[:, None], disease)
    found = calibration(score[None], disease)
    assert found.slope.value == pytest.approx(oracle.coef_[0, 0], rel=1e-4)
    doubled = calibration(2 * score[None], disease)
    np.testing.assert_allclose(doubled.slope[:3], np.array(found.slope[:3]) / 2)
    again = calibration(np.stack([score] * 3), disease)
    np.testing.assert_allclose(again.slope[:3], found.slope[:3])


def test_probabilities_that_are_right_are_called_so():
    covered = 0
    for seed in range(100):
        draw = np.random.default_rng(seed)
        score = 1.5 * draw.normal(size=300)
        disease = (draw.random(300) < expit(score)).astype(float)
        found = calibration(score[None], disease)
        covered += (found.slope.low <= 1 <= found.slope.high) + (found.intercept.low <= 0 <= found.intercept.high)
    assert covered >= 180


def test_what_separates_has_no_slope():
    score = np.array([[-2.0, -1.0, 1.0, 2.0]])
    assert np.isnan(calibration(score, np.array([0.0, 0.0, 1.0, 1.0])).slope.value)


def test_bins_hold_equal_shares_of_the_patients_in_the_order_of_their_scores():
    score, disease, _ = drawn(n=100)
    found = bins(score[None], disease, 4)
    assert found.shape == (4, 4) and (np.diff(found[:, 0]) > 0).all()
    order = np.argsort(score)
    np.testing.assert_allclose(found[0, :2], [expit(score[order[:25]]).mean(), disease[order[:25]].mean()])
    assert ((found[:, 2] <= found[:, 1]) & (found[:, 1] <= found[:, 3])).all()
