"""The task against plain normal laws and scikit-learn; sets of every method."""

from dataclasses import replace

import numpy as np
import pytest
import torch
from scipy.stats import multivariate_normal
from sklearn.linear_model import LogisticRegression

from ddbook.chapters.merge.four.distillation import ALL, LEARNERS, Updates, distilled_sets, learned_scores, methods, shrunk
from ddbook.chapters.merge.four.nested import Plan
from ddbook.chapters.merge.four.task import RIDGE, columns_of, disease_task, filled, likelihood, scores_of, with_gaps
from ddlib import distil
from tests.ddbook.chapters.merge.four.world import cohort

TRAIN, TEST = cohort(seed=0), cohort(seed=1)
TASK = disease_task(TRAIN, TEST, 0)
QUICK = Updates(steps=15, trees=10)


def generator(seed=0):
    return torch.Generator().manual_seed(seed)


def test_the_training_patients_are_completed_and_what_was_measured_stays():
    columns = columns_of(TRAIN)
    seen = ~np.isnan(columns)
    x = TASK.train.x[0].numpy()
    assert np.isfinite(x).all() and x.shape == (180, 20)
    np.testing.assert_allclose(x[seen], columns[seen], atol=1e-12)
    assert (TASK.train.y[0].argmax(-1).numpy() == TRAIN.disease).all()


def test_gaps_are_filled_by_the_sets_law_and_scored_by_its_regression():
    rows = TASK.start(60, generator())
    model = TASK.fit(rows)
    x, w = rows.x[0].numpy(), rows.w[0].numpy()
    mean = np.average(x, axis=0, weights=w)
    covariance = np.cov(x.T, aweights=w, ddof=0) + RIDGE * np.eye(20)
    columns = columns_of(TEST)
    expected = columns.copy()
    for i, row in enumerate(columns):
        o, m = ~np.isnan(row), np.isnan(row)
        expected[i, m] = mean[m] + covariance[np.ix_(m, o)] @ np.linalg.solve(covariance[np.ix_(o, o)], row[o] - mean[o])
    np.testing.assert_allclose(filled(model, with_gaps(TEST))[0], expected, atol=1e-8)
    oracle = LogisticRegression(C=1 / TASK.penalty, fit_intercept=False, tol=1e-10, max_iter=1000)
    oracle.fit(np.column_stack([x, np.full(60, 30.0)]), rows.y[0].argmax(-1).numpy(), sample_weight=w)
    scores = np.column_stack([expected, np.full(180, 30.0)]) @ oracle.coef_[0]
    np.testing.assert_allclose(scores_of(model, with_gaps(TEST))[0], scores, atol=0.02)


@pytest.mark.parametrize("diagnosis", [True, False])
def test_the_likelihood_is_that_of_what_was_measured(diagnosis):
    model = TASK.reference
    found = likelihood(model, TASK.measured, diagnosis)[0]
    rows = np.column_stack([columns_of(TRAIN), TRAIN.disease - 0.5 if diagnosis else np.full(180, np.nan)])
    for i in range(0, 180, 20):
        o = ~np.isnan(rows[i])
        law = multivariate_normal(model.mean[0, o].numpy(), model.covariance[0][o][:, o].numpy())
        assert float(found[i]) == pytest.approx(law.logpdf(rows[i, o]))


def test_nothing_of_the_training_patients_but_the_set_decides_a_score():
    """Another cohort's task gives the same scores to the same patients from the same set at the same penalty."""
    rows, other = TASK.start(40, generator()), disease_task(cohort(seed=7), TEST, 0)
    ours, theirs = (scores_of(task.fit(rows), task.held_out) for task in (TASK, replace(other, penalty=TASK.penalty)))
    torch.testing.assert_close(ours, theirs)


def test_random_patients_are_stratified_and_weigh_as_much_as_their_kind():
    rows = TASK.start(20, generator())
    ill = rows.y[0].argmax(-1) == 1
    assert int(ill.sum()) == 10 and float(rows.w[0, ill].sum()) == pytest.approx(TRAIN.disease.sum())
    assert float(rows.w.sum()) == pytest.approx(180)


@pytest.mark.parametrize("name", methods(QUICK))
def test_every_method_makes_a_set_and_descents_fall(name):
    method, objective, steps = methods(QUICK)[name]
    task = replace(TASK, objective=objective)
    run = distil(method, task, 12, steps, generator())
    assert run.distilled.x.shape == (1, 12, 20) and bool((run.distilled.w > 0).all())
    if steps:
        with torch.no_grad():
            assert float(task.surrogate(task.fit(run.distilled))) < float(run.history[0].surrogate) - 0.05


def test_the_gradient_of_each_objective_is_that_of_differences():
    rows = TASK.start(30, generator())
    for objective in ("own", "log_loss", "joint", "both"):
        task = replace(TASK, objective=objective)

        def value(x, task=task):
            return task.surrogate(task.fit(rows._replace(x=x)))

        assert torch.autograd.gradcheck(value, (rows.x.clone().requires_grad_(),), fast_mode=True, atol=1e-4)


def test_a_set_may_ask_for_more_shrinkage_never_for_less():
    rows = TASK.start(30, generator())
    chosen = shrunk(TASK, rows)
    assert chosen.penalty > TASK.penalty  # thirty rows in twenty columns are separable
    risks = [float(one.risk(one.fit(rows))) for one in (TASK, chosen)]
    assert risks[1] < risks[0]


def test_scores_do_not_look_at_the_diagnosis_of_those_who_are_held_out():
    rows = TASK.start(30, generator())
    flipped = disease_task(TRAIN, TEST._replace(disease=1 - TEST.disease), 0)
    one, two = (learned_scores(task, rows, 10, 0) for task in (TASK, flipped))
    assert set(one) == set(LEARNERS)
    for learner in LEARNERS:
        np.testing.assert_array_equal(one[learner], two[learner])


def test_every_patient_is_scored_by_a_set_of_other_patients():
    people = cohort(each=(40, 30, 15, 25), seed=3)
    found = distilled_sets(people, Plan((), (), repeats=1, outer=2, seed=1), [8], QUICK._replace(steps=2))
    kinds = [(ALL, 0), *((name, 8) for name in methods(QUICK))]
    assert set(found.scores) == {(*kind, learner) for kind in kinds for learner in LEARNERS}
    assert all(np.isfinite(score).all() for score in found.scores.values())
    assert all(len(found.trials[kind]) == 2 for kind in kinds)
    first = found.trials["random", 8][0].distilled.x[0]
    assert found.trials["first_order", 8][0].settings["method.lr"] == QUICK.rate and first.shape == (8, 20)
