"""The joint law's conditional laws against regressions and integrals."""

import numpy as np
import torch
from scipy.stats import multivariate_normal, norm

from ddbook.chapters.merge.four.cohort import Cohort, encoded
from ddbook.chapters.merge.four.joint import (
    CompletedRegression,
    FittedLaw,
    JointLaw,
    Table,
    as_numbers,
    as_table,
    completed,
    conditional,
    fit_law,
    log_odds,
    numeric_margins,
)
from tests.ddbook.chapters.merge.four.world import cohort


def test_with_all_cells_measured_the_score_is_monotone_in_the_least_squares_prediction():
    train = cohort(each=(300, 200, 0, 0), gaps=0.0, hidden=())
    score = JointLaw("joint_plain", offsets=False).fit(train, 0)(train)
    design = np.column_stack([encoded(train), np.ones(train.size)])
    prediction = design @ np.linalg.lstsq(design, train.disease, rcond=None)[0]
    order = np.argsort(prediction)
    assert np.corrcoef(norm.ppf(1 / (1 + np.exp(-score)))[order], prediction[order])[0, 1] > 0.9995


def test_offsets_are_there_where_hospitals_differ():
    train = cohort(each=(150, 150, 0, 0), gaps=0.0, hidden=())
    train = train._replace(values=train.values + np.where(np.arange(13) == 4, 100.0, 0.0) * (train.hospital == 1)[:, None])
    margins = numeric_margins(train, True)
    law = fit_law(as_table(as_numbers(train, True), margins), train, margins, offsets=True)
    chol = 6  # after age, sex, three columns of cp, and trestbps
    assert 1.5 < float(law.mean[1, chol] - law.mean[0, chol]) < 2.1
    assert float(law.covariance[chol, chol]) < 0.1
    np.testing.assert_allclose(law.mean[2], law.mean[3])
    between = 0.5 * (law.mean[0, chol] + law.mean[1, chol])
    assert abs(float(law.mean[2, chol] - between)) < 0.3  # a hospital without records is like the average one


def test_a_value_given_an_interval_is_an_orthant():
    law = FittedLaw(torch.zeros(1, 3).double(), torch.tensor([[1.0, 0.6, 0.3], [0.6, 1.0, 0.5], [0.3, 0.5, 1.0]]).double())
    lower = torch.tensor([[0.4, 0.0, -torch.inf], [-torch.inf, 0.0, -torch.inf]]).double()
    upper = torch.tensor([[0.4, torch.inf, 0.0], [torch.inf, torch.inf, 0.0]]).double()
    mean, variance = conditional(law, Table(lower, upper), np.zeros(2, dtype=int), [2])
    joint = multivariate_normal(np.zeros(2), law.covariance[1:, 1:].numpy())
    exact = joint.cdf([0.0, 0.0]) / 0.5  # both above zero, given that one is
    np.testing.assert_allclose(norm.cdf(mean[1, 0] / variance[1, 0].sqrt()), exact, atol=0.01)
    rest = law.covariance[1:, 1:] - torch.outer(law.covariance[0, 1:], law.covariance[0, 1:])
    given = multivariate_normal(0.4 * law.covariance[0, 1:].numpy(), rest.numpy())
    draws = given.rvs(400_000, random_state=0)
    kept = draws[draws[:, 0] > 0, 1]
    np.testing.assert_allclose([float(mean[0, 0]), float(variance[0, 0])], [kept.mean(), kept.var()], atol=0.01)


def test_log_odds_are_those_of_the_normal_law_also_far_out():
    mean = torch.tensor([0.0, 1.0, 50.0]).double()
    found = log_odds(mean, torch.ones(3).double(), cut=0.5)
    np.testing.assert_allclose(found[:2], [np.log(norm.cdf(z) / norm.sf(z)) for z in (-0.5, 0.5)])
    assert np.isfinite(found[2]) and found[2] > 1000


def test_completion_is_the_regression_on_what_was_measured():
    law = FittedLaw(torch.tensor([[1.0, 2.0]]).double(), torch.tensor([[1.0, 0.5], [0.5, 2.0]]).double())
    values = np.array([[3.0, np.nan], [np.nan, np.nan], [np.nan, 4.0]])
    filled = np.where(np.isnan(values), -np.inf, values), np.where(np.isnan(values), np.inf, values)
    table = Table(*(torch.from_numpy(part) for part in filled))
    people = Cohort(values, np.zeros(3), np.zeros(3, dtype=int), np.arange(3), ("a", "b"), 1)
    np.testing.assert_allclose(completed(law, table, people), [[3.0, 3.0], [1.0, 2.0], [1.5, 4.0]])


def test_gaps_cost_little_where_other_columns_tell_what_is_missing():
    """Twins of one column: a patient who lacks one of them is scored by the other."""
    train = cohort(each=(200, 100, 0, 0), gaps=0.0, hidden=())
    places = [train.names.index(name) for name in ("thalach", "chol")]
    train.values[:, places[1]] = 240 + 2 * (train.values[:, places[0]] - 140) + 0.01 * np.random.default_rng(0).normal(size=300)
    gapped = train.values.copy()
    gapped[:, places[0]] = np.nan
    score = CompletedRegression().fit(train, 0)
    np.testing.assert_allclose(score(train._replace(values=gapped)), score(train), atol=0.05)
