"""Predictions under a Gaussian law."""

import numpy as np
import pytest
import scipy.stats
import torch
from sklearn.linear_model import LinearRegression
from sklearn.metrics import r2_score

from ddlib.dbn.estimators.static import fit_rows, visit_graph
from ddlib.dbn.likelihood.forecast import carried_forward_error, held_out_log_likelihood, next_visit_error, outcome_score, predict
from ddlib.dbn.model.generate import random_networks, sample
from ddlib.dbn.model.moments import regressors
from ddlib.dbn.model.network import Gaussian, joint
from ddlib.dbn.sources import Sources, statistics
from tests.ddlib.dbn.world import generator


def law(seed=0, replicates=2, size=5):
    draw = generator(seed)
    root = torch.randn(replicates, size, size, dtype=torch.float64, generator=draw)
    return Gaussian(torch.randn(replicates, size, dtype=torch.float64, generator=draw), root @ root.mT + 0.1 * torch.eye(size))


def test_predictions_are_the_conditional_law():
    found = law()
    values = torch.randn(2, 7, 5, dtype=torch.float64, generator=generator(1))
    given = torch.rand(2, 7, 5, generator=generator(2)) > 0.5
    values = torch.where(given, values, torch.nan)
    mean, variance = predict(found, values, given)
    for r in range(2):
        for i in range(7):
            g = given[r, i].numpy()
            mu, sigma = found.mean[r].numpy(), found.covariance[r].numpy()
            gain = sigma[:, g] @ np.linalg.inv(sigma[np.ix_(g, g)]) if g.any() else np.zeros((5, 0))
            np.testing.assert_allclose(mean[r, i], mu + gain @ (values[r, i].numpy()[g] - mu[g]), atol=1e-8)
            np.testing.assert_allclose(variance[r, i], np.diag(sigma - gain @ sigma[g]), atol=1e-8)
    torch.testing.assert_close(mean[given], values[given])


def test_held_out_likelihood_is_the_mean_density_of_the_patients():
    found = law(size=6)
    values = torch.randn(2, 9, 3, 2, dtype=torch.float64, generator=generator(3))
    values[:, ::2, 1, 0] = torch.nan
    patients = Sources(values.unsqueeze(2), values.isfinite(), torch.zeros_like(values))  # every one a source of its own
    got = held_out_log_likelihood(found, statistics(patients))
    for r in range(2):
        total = 0.0
        for row in values[r].flatten(1).numpy():
            seen = np.isfinite(row)
            marginal = scipy.stats.multivariate_normal(found.mean[r][seen], found.covariance[r].numpy()[np.ix_(seen, seen)])
            total += marginal.logpdf(row[seen])
        assert float(got[r]) == pytest.approx(total / 9)


def test_the_next_visit_is_predicted_from_earlier_visits_only():
    _, truth = random_networks(1, 3, generator())
    values = sample(truth, 4000, 4, generator(1))
    best = next_visit_error(joint(truth, 4), values)
    shuffled = values.clone()
    shuffled[:, :, 1:] = values[:, torch.randperm(4000, generator=generator(2)), 1:]
    assert float(best) < float(next_visit_error(joint(truth, 4), shuffled))
    step = torch.linalg.inv(torch.eye(3, dtype=torch.float64) - truth.intra[0])
    innovation = (step @ torch.diag(truth.variance[0]) @ step.mT).diagonal().mean().sqrt()
    assert float(best) == pytest.approx(float(innovation), rel=0.03)  # a Markov network's error is its own innovation


def test_gaps_are_neither_used_nor_asked_for():
    _, truth = random_networks(1, 3, generator())
    values = sample(truth, 50, 3, generator(1))
    gaps = values.clone()
    gaps[:, :, 2, 1] = torch.nan
    patient = values.clone()
    patient[:, 0, :2] = torch.nan  # nobody can predict this patient's last visit: not asked
    assert bool(next_visit_error(joint(truth, 3), gaps).isfinite().all())
    torch.testing.assert_close(next_visit_error(joint(truth, 3), patient), next_visit_error(joint(truth, 3), patient[:, 1:]))


def test_carrying_forward_on_a_small_table_by_hand():
    nan = torch.nan
    values = torch.tensor([[[[1.0, 2.0], [3.0, nan], [4.0, 5.0]], [[nan, nan], [1.0, 1.0], [nan, 3.0]]]], dtype=torch.float64)
    # patient 1: 3 − 1, 4 − 3, 5 − 2; patient 2 begins at its second visit: 3 − 1
    assert float(carried_forward_error(values)) == pytest.approx(((4 + 1 + 9 + 4) / 4) ** 0.5)


def test_an_outcome_is_predicted_as_by_regression():
    draw = generator(4)
    rows = torch.randn(1, 200, 4, dtype=torch.float64, generator=draw) @ torch.randn(4, 4, dtype=torch.float64, generator=draw)
    train, test = rows[:, :150], rows[:, 150:]
    graph = visit_graph(1, 4, "none")
    fitted = fit_rows(train.unsqueeze(2), torch.ones(1, 150, dtype=torch.float64), regressors(graph))
    got = outcome_score(joint(fitted, 1), test)
    regression = LinearRegression().fit(train[0, :, :3], train[0, :, 3])
    predicted = regression.predict(test[0, :, :3])
    assert float(got.r_squared) == pytest.approx(r2_score(test[0, :, 3], predicted))
    residual = float(np.std(train[0, :, 3].numpy() - regression.predict(train[0, :, :3])))
    assert float(got.log_likelihood) == pytest.approx(scipy.stats.norm(predicted, residual).logpdf(test[0, :, 3]).mean())
