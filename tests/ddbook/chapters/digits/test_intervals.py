import itertools
import math

import numpy as np
import pytest
import torch
from scipy import stats

from ddbook.chapters.digits import intervals
from ddbook.chapters.digits.intervals import BEGINNINGS, CRITERIA, LOCKED, SIZES, check, compare, tasks, unweighted
from ddbook.chapters.digits.judge import matrix
from ddlib import datasets
from ddlib.methods import Exact, KMeans
from ddlib.problem import Distilled, distil
from ddlib.settings import is_setting
from ddlib.tasks import IntervalTask, Splits
from tests.ddlib.worlds import generator

ALWAYS = ["full", "exact", "exact_unweighted"]


@pytest.fixture(scope="module")
def judged():
    return tasks(2, generator())


@pytest.fixture(scope="module")
def table(judged):
    return compare(judged, [4, 7], 25, generator(1))[0]


def scores(table, method, budget=None, begin=""):
    rows = table[(table.method == method) & (table.budget == (table.budget if budget is None else budget)) & (table.begin == begin)]
    return rows.sort_values("seed")[["rmse", "coverage", "width", "score"]]


def synthetic(rows=400, cases=4000, level=0.8):
    """Data of the regression's own kind: three columns, normal noise."""
    parts = []
    for part, size in enumerate((rows, 10, cases)):
        x = torch.randn(2, size, 3, generator=generator(part), dtype=torch.float64)
        y = 1 + x.sum(-1) + 0.5 * torch.randn(2, size, generator=generator(10 + part), dtype=torch.float64)
        parts.append(Distilled(x, y, torch.ones_like(y)))
    splits = Splits(*parts)
    return {"interval": IntervalTask(splits, level=level), "squared": IntervalTask(splits, level=level, criterion="squared")}


class TestTasks:
    def test_share_their_data_and_differ_in_what_is_deployed(self, judged):
        assert list(judged) == ["squared", "interval"] and judged["interval"].splits is judged["squared"].splits
        assert [task.criterion for task in judged.values()] == ["squared", "interval"]
        assert [task.level for task in tasks(1, generator(), 0.5).values()] == [0.5, 0.5]

    def test_are_the_diabetes_data_in_units_of_the_labels_deviation(self, judged):
        table = datasets.diabetes()
        for part, size in zip(judged["interval"].splits, (*SIZES, LOCKED), strict=True):
            assert part.x.shape == (2, size, 10) and part.y.shape == (2, size)
            same = (part.x[:, :, None] == table.x).all(-1)
            assert (same.sum(-1) == 1).all()
            torch.testing.assert_close(part.y * table.y.std(), table.y[same.int().argmax(-1)])
        everything = torch.cat([part.y for part in judged["interval"].splits], -1)  # 442 patients, all of them
        torch.testing.assert_close(everything.std(-1), torch.ones(2).double())

    def test_come_from_the_generator_alone(self, judged):
        again, other = (tasks(2, generator(seed))["interval"].train for seed in (0, 1))
        assert torch.equal(again.x, judged["interval"].train.x) and not torch.equal(again.x, other.x)

    @pytest.mark.parametrize("replicates", [0, -1])
    def test_without_a_replicate_are_refused(self, replicates):
        with pytest.raises(ValueError, match="replicates of the interval task must be a whole number of at least 1"):
            tasks(replicates, generator())

    @pytest.mark.parametrize("level", [0.0, 1.0, 90])
    def test_of_an_impossible_level_are_refused(self, level):
        with pytest.raises(ValueError, match="must lie between 0 and 1"):
            tasks(1, generator(), level)


@pytest.fixture(scope="module")
def carried(judged):
    return distil(Exact(), judged["interval"], 12, 0, generator())[0]


class TestExact:
    def test_weighted_points_give_the_predictive_law_of_all_the_data(self, judged, carried):
        task = judged["interval"]
        assert carried.budget == task.train.x.shape[-1] + 2 == 12
        found, cases = task.fit(carried), task.splits.test.x
        torch.testing.assert_close(found.shape, task.reference.shape, rtol=1e-9, atol=0)  # the degrees of freedom
        for level in (0.5, 0.9, 0.999):
            ends, expected = (torch.stack(task.learner.interval(model, cases, level)) for model in (found, task.reference))
            torch.testing.assert_close(ends, expected, rtol=0, atol=1e-9)

    def test_without_their_weights_they_claim_to_know_less(self, judged, carried):
        task = judged["interval"]
        bare = unweighted(carried)
        assert (bare.w == 1).all() and torch.equal(bare.x, carried.x) and torch.equal(bare.y, carried.y)
        model = task.fit(bare)
        assert (model.shape < task.reference.shape / 10).all()
        assert (task.width(model) > 1.1 * task.width(task.reference)).all()
        assert (task.risk(model) > task.risk(task.reference)).all()


def by_hand(train, test, level):
    """Error, coverage, width and interval score of Bayesian regression on one replicate, by the textbook's formulas."""
    x, new = (np.column_stack([np.ones(len(part.y)), part.x]) for part in (train, test))
    prior = np.diag([1e-6, *np.ones(x.shape[1] - 1)])
    inverse = np.linalg.inv(prior + x.T @ x)
    mean = inverse @ x.T @ train.y
    a = 1 + len(x) / 2
    b = 1 + (train.y @ train.y - mean @ (prior + x.T @ x) @ mean) / 2
    scale = np.sqrt(b / a * (1 + np.einsum("ij,jk,ik->i", new, inverse, new)))
    low, high = stats.t.interval(level, 2 * a, new @ mean, scale)
    missed = np.maximum(low - test.y, 0) + np.maximum(test.y - high, 0)
    inside = (low <= test.y) & (test.y <= high)
    score = high - low + 2 / (1 - level) * missed
    return [np.sqrt(np.mean((new @ mean - test.y) ** 2)), inside.mean(), np.mean(high - low), score.mean()]


class TestCompare:
    def test_has_every_method_at_every_budget_once_per_split(self, table):
        made = [(f"first_order_{criterion}", begin) for criterion in CRITERIA for begin in BEGINNINGS]
        made += [(begin, "") for begin in BEGINNINGS]
        rows = {(*names, budget, seed) for names in made for budget in (4, 7) for seed in (0, 1)}
        rows |= {(method, "", 300 if method == "full" else 12, seed) for method in ALWAYS for seed in (0, 1)}
        found = table[["method", "begin", "budget", "seed"]].itertuples(index=False, name=None)
        assert set(found) == rows and len(table) == len(rows)
        assert np.isfinite(table[["rmse", "coverage", "width", "score"]]).all(axis=None)
        np.testing.assert_allclose(matrix(table.covered).mean(1), table.coverage)

    def test_beginnings_differ_in_the_start_and_criteria_in_the_criterion(self, table):
        noted = [column for column in table if is_setting(column) and column != "trial.generator"]
        rows = table[table.method.str.startswith("first_order") & (table.budget == 7)]
        for method, part in rows.groupby("method"):
            varied = {column for column in noted if part[column].nunique(dropna=False) > 1}
            assert varied == {"method.begin.distilled", "method.begin.name", "trial.start"}, method
        for _, part in rows.groupby("begin"):
            varied = {column for column in noted if part[column].nunique(dropna=False) > 1}
            assert varied == {"task.criterion", "task.name"}

    def test_the_data_are_judged_as_by_hand(self, judged, table):
        task = judged["interval"]
        replicates = [
            [Distilled(*(value[r].numpy() for value in part)) for part in (task.train, task.splits.test)] for r in range(2)
        ]
        expected = [by_hand(train, test, 0.9) for train, test in replicates]
        np.testing.assert_allclose(scores(table, "full"), expected, rtol=1e-9)

    def test_random_rows_are_judged_as_by_hand(self):
        judged = synthetic(40, 50)
        task = judged["interval"]
        table, sets = compare(judged, [6], 0, generator(3))
        rows = sets["random_"]
        assert (rows.x[:, :, None] == task.train.x[:, None]).all(-1).any(-1).all()
        train = [Distilled(*(value[r].numpy() for value in rows)) for r in range(2)]
        test = [Distilled(*(value[r].numpy() for value in task.splits.test)) for r in range(2)]
        expected = [by_hand(*pair, 0.8) for pair in zip(train, test, strict=True)]
        np.testing.assert_allclose(scores(table, "random"), expected, rtol=1e-9)

    def test_exact_points_are_as_good_as_the_data_and_without_weights_they_are_not(self, table):
        full, exact, bare = (scores(table, method) for method in ALWAYS)
        np.testing.assert_allclose(exact, full, rtol=1e-9)
        assert (bare.width > 1.1 * full.width.to_numpy()).all() and (bare.score > full.score.to_numpy()).all()

    def test_numbers_are_counted_with_weights_where_there_are_any(self, table):
        stored = table.groupby(["method", "budget"]).stored_numbers.unique().str[0]
        assert stored["full", 300] == 300 * 11 and stored["exact", 12] == 12 * 12 and stored["exact_unweighted", 12] == 12 * 11
        for budget in (4, 7):
            assert stored["random", budget] == budget * 11 and stored["first_order_interval", budget] == budget * 12

    @pytest.mark.parametrize("begin", BEGINNINGS)
    def test_descent_serves_what_it_is_made_for(self, table, begin):
        for budget in (4, 7):
            begun = scores(table, begin, budget).mean()
            interval, squared = (scores(table, f"first_order_{name}", budget, begin).mean() for name in ("interval", "squared"))
            assert interval.score < begun.score and squared.rmse < begun.rmse and interval.score < squared.score

    def test_without_steps_descent_stays_where_it_begins(self, judged):
        table, sets = compare(judged, [5], 0, generator(2))
        for begin, criterion in itertools.product(BEGINNINGS, CRITERIA):
            descended, begun = sets[f"first_order_{criterion}_{begin}"], sets[f"{begin}_"]
            assert all(torch.equal(*pair) for pair in zip(descended, begun, strict=True))
            np.testing.assert_array_equal(scores(table, f"first_order_{criterion}", 5, begin), scores(table, begin, 5))
        expected = distil(KMeans(), judged["interval"], 5, 0, generator())[0]
        assert sets["k_means_"].x.shape == expected.x.shape

    def test_the_same_seed_gives_the_same_table(self, judged):
        one, two, other = (compare(judged, [4], 2, generator(seed))[0] for seed in (1, 1, 2))
        assert one.equals(two) and not one.equals(other)

    def test_on_data_of_its_own_kind_the_interval_is_right_as_often_as_it_says(self):
        table, _ = compare(synthetic(), [6], 0, generator())
        for method in ("full", "exact"):
            found = scores(table, method)
            assert found.coverage.to_numpy() == pytest.approx([0.8, 0.8], abs=0.025)
            assert found.rmse.to_numpy() == pytest.approx([0.5, 0.5], rel=0.05)
            assert found.width.to_numpy() == pytest.approx([2 * 0.5 * stats.norm.ppf(0.9)] * 2, rel=0.1)
        assert set(table[table.method == "exact"].budget) == {5}


@pytest.mark.parametrize(
    ("budgets", "steps", "message"),
    [
        ([], 2, "at least one budget and none twice"),
        ([6, 12, 6], 2, "at least one budget and none twice"),
        ([6, 0], 2, "the interval budgets have 0: give 1 to 300 points"),
        ([6, -1], 2, "the interval budgets have -1"),
        ([6, 301], 2, "the interval budgets have 301: give 1 to 300 points"),
        ([6, math.nan], 2, "the interval budgets have nan"),
        ([6], -1, "need 0 or more steps, but they have -1"),
    ],
)
def test_what_cannot_be_compared_is_refused_before_any_work(judged, monkeypatch, budgets, steps, message):
    monkeypatch.setattr(intervals, "run_trial", None)
    for refuse in (lambda: check(budgets, steps), lambda: compare(judged, budgets, steps, generator())):
        with pytest.raises(ValueError, match=message):
            refuse()


def test_one_point_and_all_the_rows_are_let_through():
    assert check([1, 300], 0) is None
    with pytest.raises(ValueError, match="give 1 to 40 points"):
        compare(synthetic(40, 10), [41], 0, generator())
