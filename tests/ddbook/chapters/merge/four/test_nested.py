"""Folds and nested cross-validation: who is judged has not been learned from."""

from dataclasses import dataclass

import numpy as np
import pytest

from ddbook.chapters.merge.four.folds import folds, splits
from ddbook.chapters.merge.four.nested import (
    AVERAGED,
    PICKED,
    RECALIBRATED,
    Plan,
    Recalibrated,
    inner_loss,
    inner_scores,
    nested,
    without_each,
)
from ddbook.chapters.merge.four.rows import Prevalence, common_columns, with_indicators
from tests.ddbook.chapters.merge.four.world import cohort

PEOPLE = cohort()
PLAN = Plan((Prevalence(), common_columns()), (common_columns(False), with_indicators()), repeats=2, outer=3, inner=2, seed=5)


@pytest.mark.parametrize("seed", range(5))
def test_folds_are_of_equal_size_in_all_and_in_each_group(seed):
    found = folds(PEOPLE, 5, seed)
    assert np.ptp(np.bincount(found)) <= 1
    for k in range(4):
        for disease in (0, 1):
            own = found[(PEOPLE.hospital == k) & (PEOPLE.disease == disease)]
            assert np.ptp(np.bincount(own, minlength=5)) <= 1


@pytest.mark.parametrize("seed", range(5))
def test_equal_records_stay_together(seed):
    same = PEOPLE.same.copy()
    same[[7, 30, 100]] = [3, 3, 90]
    found = folds(PEOPLE._replace(same=same), 5, seed)
    assert found[7] == found[30] == found[3] and found[100] == found[90]


def test_each_patient_is_out_once():
    out = [test for _, test in splits(PEOPLE, 4, 0)]
    assert sorted(np.concatenate(out).tolist()) == list(range(PEOPLE.size))
    assert all(not set(train.tolist()) & set(test.tolist()) for train, test in splits(PEOPLE, 4, 0))


@dataclass(frozen=True)
class Remembering:
    """Scores a patient by whether it was learned from, and notes how many were."""

    name: str = "remembering"

    def fit(self, train, seed):
        known = set(train.same.tolist())
        return lambda cohort: np.array([1.0 if number in known else -1.0 for number in cohort.same.tolist()])


def test_no_patient_is_scored_by_a_row_that_has_seen_it_neither_outside_nor_inside():
    judged = nested(PEOPLE, PLAN._replace(plain=(Remembering(),), merges=()))
    assert (judged.scores["remembering"] == -1).all()
    train = PEOPLE.take(np.arange(0, PEOPLE.size, 2))
    assert (inner_scores(Remembering(), train, 3, 0).score == -1).all()


def test_every_row_scores_every_patient_in_every_repeat():
    judged = nested(PEOPLE, PLAN)
    merges = ["common_no_hospital", "indicators"]
    names = ["prevalence", "common", *merges, *(name + RECALIBRATED for name in merges), PICKED, AVERAGED]
    assert list(judged.scores) == names
    assert all(score.shape == (2, PEOPLE.size) and np.isfinite(score).all() for score in judged.scores.values())
    mean = np.mean([judged.scores[name + RECALIBRATED] for name in merges], axis=0)
    np.testing.assert_allclose(judged.scores[AVERAGED], mean)
    assert set(judged.seconds) == {"prevalence", "common", *merges} and min(judged.seconds.values()) > 0
    assert np.abs(judged.scores["common"][0] - judged.scores["common"][1]).max() > 0  # repeats deal anew


def test_the_picked_scores_are_those_of_the_row_that_was_picked():
    judged = nested(PEOPLE, PLAN)
    for repeat, picked in enumerate(judged.picked):
        assert len(picked) == PLAN.outer
        own = [judged.scores[name + RECALIBRATED][repeat] for name in dict.fromkeys(picked)]
        assert (np.stack(own) == judged.scores[PICKED][repeat]).any(0).all()


def test_a_seed_gives_the_same_scores_and_another_does_not():
    one, two, other = (nested(PEOPLE, PLAN._replace(seed=seed, repeats=1)) for seed in (1, 1, 2))
    assert all((one.scores[name] == two.scores[name]).all() for name in one.scores)
    assert (one.scores["common"] != other.scores["common"]).any()


def test_a_row_that_knows_nothing_loses_inside():
    train = cohort(each=(150, 100, 60, 80), seed=2)
    losses = [inner_loss(inner_scores(row, train, 3, 0), train) for row in (Prevalence(), with_indicators())]
    assert losses[1] < losses[0] - 0.05


def test_rows_are_fitted_to_the_other_hospitals_where_one_is_left_out():
    found = without_each(PEOPLE, (Remembering(), Recalibrated(common_columns(), 2)), 0)
    assert (found["remembering"] == -1).all()
    k = PEOPLE.hospital == 2
    rest = PEOPLE.take(np.flatnonzero(~k))
    alone = Recalibrated(common_columns(), 2).fit(rest, 0)(PEOPLE.take(np.flatnonzero(k)))
    np.testing.assert_array_equal(found["common" + RECALIBRATED][k], alone)
