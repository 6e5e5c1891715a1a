"""Every row: it learns, it never sees the diagnosis of those whom it scores, it knows what to do with a new hospital."""

import numpy as np
import pytest
from sklearn.linear_model import LogisticRegression
from sklearn.metrics import roc_auc_score

from ddbook.chapters.merge.four.completing import Boosting, MultipleImputation
from ddbook.chapters.merge.four.joint import CompletedRegression, JointLaw
from ddbook.chapters.merge.four.nested import Recalibrated
from ddbook.chapters.merge.four.penalised import Recalibration, chosen_penalty, coefficients, log_losses, with_constant
from ddbook.chapters.merge.four.rows import Design, Federated, OwnRecords, Prevalence, common_columns, with_indicators
from tests.ddbook.chapters.merge.four.world import cohort

PLAIN = [
    OwnRecords(),
    common_columns(False),
    common_columns(),
    with_indicators(),
    Federated(rounds=20),
    Boosting(most=20),
    MultipleImputation(draws=2, rounds=2),
]
MERGES = [JointLaw("joint_plain", offsets=False), JointLaw("joint"), JointLaw("intervals", intervals=True), CompletedRegression()]
EVERY = [Prevalence(), *PLAIN, *MERGES, Recalibrated(CompletedRegression(), 2)]


def pair(row):
    """Training and test patients; fewer for the row that takes long."""
    return [cohort(each=(40, 25, 8, 10) if row.name == "intervals" else (60, 50, 30, 40), seed=seed) for seed in (0, 1)]


by_name = pytest.mark.parametrize("row", EVERY, ids=lambda row: row.name)


@by_name
def test_scores_tell_the_ill_from_the_healthy_and_do_not_look_at_the_diagnosis(row):
    train, test = pair(row)
    score = row.fit(train, 0)
    found = score(test)
    assert found.shape == (test.size,) and np.isfinite(found).all()
    least = {"prevalence": 0.55, "intervals": 0.6}.get(row.name, 0.7)
    assert roc_auc_score(test.disease, found) > least
    np.testing.assert_array_equal(score(test._replace(disease=1 - test.disease)), found)


@pytest.mark.parametrize("row", PLAIN, ids=lambda row: row.name)
def test_a_seed_gives_the_same_row_again(row):
    train, test = pair(row)
    np.testing.assert_array_equal(row.fit(train, 4)(test), row.fit(train, 4)(test))


@pytest.mark.parametrize("absent", [0, 3])  # the first is the only one that measures ca and thal
@by_name
def test_patients_of_a_hospital_that_was_not_there_get_a_score(row, absent):
    train, test = pair(row)
    score = row.fit(train.take(np.flatnonzero(train.hospital != absent)), 0)
    found = score(test.take(np.flatnonzero(test.hospital == absent)))
    assert np.isfinite(found).all() and len(found) == (test.hospital == absent).sum()


def test_the_prevalence_is_counted():
    train = cohort(each=(3, 1, 0, 0))._replace(disease=np.array([1.0, 1.0, 0.0, 1.0]))
    shares = 1 / (1 + np.exp(-Prevalence().fit(train, 0)(train._replace(hospital=np.array([0, 1, 2, 3])))))
    np.testing.assert_allclose(shares, [3 / 5, 2 / 3, 1 / 2, 1 / 2])


def test_own_records_do_not_move_with_those_of_others():
    train, test = cohort(seed=0), cohort(seed=1)
    own, other = np.flatnonzero(train.hospital == 0), train.hospital != 0
    before = OwnRecords().fit(train, 0)(test)
    after = OwnRecords().fit(train._replace(disease=np.where(other, 1 - train.disease, train.disease)), 0)(test)
    here = test.hospital == 0
    np.testing.assert_array_equal(before[here], after[here])
    assert np.abs(before[~here] - after[~here]).max() > 0.1 and len(own) == 60


def test_common_columns_are_all_that_the_common_row_sees():
    train, test = cohort(seed=0), cohort(seed=1)
    other = test.values.copy()
    other[:, [test.names.index(name) for name in ("chol", "fbs", "slope", "ca", "thal")]] = np.nan
    score = common_columns().fit(train, 0)
    np.testing.assert_array_equal(score(test), score(test._replace(values=other)))


def test_a_design_fills_with_the_training_mean_and_marks_each_pattern_of_gaps_once():
    train = cohort(gaps=0.0)
    design = Design(train, None, indicators=True, hospitals=True)
    assert design(train).shape[1] == 17 + 1 + 4  # ca and thal are missing for the same patients: one mark for all their columns
    x = design(train)
    assert np.isfinite(x).all()


def test_federated_averaging_at_one_hospital_is_the_regression_with_that_penalty():
    train = cohort(each=(150, 0, 0, 0), gaps=0.1)
    federated = Federated(rounds=4000, local=1, penalty=10.0).fit(train, 0)(train)
    columns = with_constant(Design(train, None, True, False)(train))
    regression = columns @ coefficients(columns, train.disease, 10.0)[0]
    np.testing.assert_allclose(federated, regression, atol=0.02)


def test_coefficients_are_scikit_learns_and_weights_leave_patients_out():
    draw = np.random.default_rng(0)
    x, disease, keep = draw.normal(size=(80, 3)), (draw.random(80) < 0.4).astype(float), (np.arange(80) < 50).astype(float)
    both = coefficients(x, disease, 2.0, np.stack([np.ones(80), keep]))
    for theta, rows in zip(both, (slice(None), slice(50)), strict=True):
        oracle = LogisticRegression(C=0.5, fit_intercept=False, tol=1e-10).fit(x[rows], disease[rows])
        np.testing.assert_allclose(theta, oracle.coef_[0], atol=1e-5)


def test_the_penalty_is_heavy_where_there_is_nothing_to_learn():
    draw = np.random.default_rng(0)
    x = with_constant(draw.normal(size=(200, 5)))
    noise, signal = (draw.random(200) < 0.5).astype(float), (x[:, 0] > 0).astype(float)
    assert chosen_penalty(x, noise, 0) >= 30.0 and chosen_penalty(x, signal, 0) == 0.3


def test_recalibration_mends_scores_that_are_too_extreme_and_off_in_one_hospital():
    draw = np.random.default_rng(0)
    truth, hospital = draw.normal(size=20_000), draw.integers(2, size=20_000)
    disease = (draw.random(20_000) < 1 / (1 + np.exp(-truth))).astype(float)
    wrong = 3 * truth + np.where(hospital == 1, 2.0, 0.0)
    mended = Recalibration(wrong, disease, hospital, 3)
    np.testing.assert_allclose(mended(wrong, hospital), truth, atol=0.15)
    assert log_losses(mended(wrong, hospital), disease).mean() < log_losses(wrong, disease).mean() - 0.2
    unseen = mended(np.array([0.0, 1.0]), np.array([2, 2]))
    assert 0.2 < unseen[1] - unseen[0] < 0.5
