import numpy as np
import pytest
import torch
from hypothesis import given, settings
from hypothesis import strategies as st

from ddlib.learners import BayesianLinear
from ddlib.methods import factor
from ddlib.problem import Distilled, regret
from ddlib.tasks import IntervalTask
from ddlib.tasks.splits import Splits
from tests.ddlib.worlds import generator, random_data, seeds

THROUGH_ZERO = BayesianLinear(intercept=False)


def splits(seed=0, weighted=True):
    """Two replicates, with weights."""
    parts = []
    for part in range(3):
        x, y, w = (torch.cat(pair) for pair in zip(*(random_data(seed + part + 10 * r, 24) for r in range(2)), strict=True))
        weight = torch.rand(w.shape, generator=generator(seed + part), dtype=torch.float64) + 0.1
        parts.append(Distilled(x, y, weight if weighted else w))
    return Splits(*parts)


@pytest.mark.parametrize("split", ["train", "validation", "test"])
@given(seed=seeds, level=st.sampled_from([0.5, 0.9, 0.99]))
@settings(max_examples=5)
def test_score_coverage_and_width_are_what_a_loop_over_rows_finds(split, seed, level):
    task = IntervalTask(splits(seed), level=level)
    model = task.fit(task.start(8, generator(seed)))
    data = task.splits.part(split)
    low, high = task.learner.interval(model, data.x, level)
    for r in range(2):
        score, inside, width = [], [], []
        for lower, upper, y in zip(low[r].tolist(), high[r].tolist(), data.y[r].tolist(), strict=True):
            missed = lower - y if y < lower else y - upper if y > upper else 0.0
            score.append(upper - lower + 2 / (1 - level) * missed)
            inside.append(lower <= y <= upper)
            width.append(upper - lower)
        weights = data.w[r].numpy()
        assert task.risk(model, split)[r].item() == pytest.approx(np.average(score, weights=weights))
        assert task.coverage(model, split)[r].item() == pytest.approx(np.average(inside, weights=weights))
        assert task.width(model, split)[r].item() == pytest.approx(np.average(width, weights=weights))


def test_the_squared_criterion_is_the_error_of_the_means():
    task = IntervalTask(splits(), criterion="squared")
    model = task.fit(task.start(8, generator()))
    error = (task.learner.predict(model, task.splits.test.x) - task.splits.test.y).square()
    expected = [np.average(e, weights=w) for e, w in zip(error.numpy(), task.splits.test.w.numpy(), strict=True)]
    np.testing.assert_allclose(task.risk(model, "test"), expected)
    assert (task.name, IntervalTask(splits()).name) == ("predictive mean", "predictive interval")


def test_on_data_of_its_own_model_the_interval_is_right_as_often_as_it_says():
    x = torch.randn(3, 1, 4000, 3, generator=generator(), dtype=torch.float64)
    y = x.sum(-1) + torch.randn(3, 1, 4000, generator=generator(1), dtype=torch.float64)
    task = IntervalTask(Splits(*(Distilled(*part, torch.ones(1, 4000).double()) for part in zip(x, y, strict=True))), level=0.8)
    assert task.coverage(task.reference).item() == pytest.approx(0.8, abs=0.02)
    assert task.width(task.reference).item() == pytest.approx(2 * 1.2816, rel=0.05)


@given(seeds)
@settings(max_examples=10)
def test_a_weighted_factor_carries_the_whole_posterior_and_an_unweighted_one_only_its_mean(seed):
    """d + 1 rows have the data's second moments; the interval depends on the number of rows too, and weights carry it."""
    data = splits(seed, weighted=False)
    task, rows = IntervalTask(data, THROUGH_ZERO), factor(data.train)
    means = IntervalTask(data, THROUGH_ZERO, criterion="squared")
    weight = data.train.budget / rows.budget
    carried = Distilled(rows.x / weight**0.5, rows.y / weight**0.5, weight * rows.w)
    assert carried.budget == 4
    whole, bare = task.fit(carried), task.fit(rows)
    for part, expected in zip(whole, task.reference, strict=True):
        torch.testing.assert_close(part, expected, rtol=1e-9, atol=1e-9)
    for split in ("train", "validation", "test"):
        zero = torch.zeros(2).double()
        torch.testing.assert_close(regret(task, whole, split), zero, rtol=0, atol=1e-8)
        torch.testing.assert_close(regret(means, bare, split), zero, rtol=0, atol=1e-8)
        wider = task.width(bare, split) / task.width(task.reference, split)
        assert (wider > 1.2).all()
    assert (regret(task, bare, "train") > 0.1 * task.risk(task.reference, "train")).all()


def test_weights_of_the_data_are_carried_too():
    data = splits().train
    rows, total = factor(data), data.w.sum(-1, keepdim=True)
    weight = (total / rows.budget).expand_as(rows.w)
    carried = Distilled(rows.x / weight.sqrt().unsqueeze(-1), rows.y / weight.sqrt(), weight)
    for part, expected in zip(THROUGH_ZERO.fit(carried), THROUGH_ZERO.fit(data), strict=True):
        torch.testing.assert_close(part, expected, rtol=1e-9, atol=1e-9)


def test_start_and_blocks_are_rows_of_the_training_data_and_its_risk():
    task = IntervalTask(splits())
    chosen = task.start(5, generator())
    same = (chosen.x[:, :, None] == task.train.x[:, None]).all(-1)
    assert (same.sum(-1) == 1).all()
    (block,) = task.blocks(chosen)
    model = task.fit(chosen)
    assert block.rows.tolist() == list(range(5)) and torch.equal(block.risk(model), task.risk(model, "train"))


@pytest.mark.parametrize("level", [0.0, 1.0, 90.0])
def test_a_level_that_is_no_probability_is_refused(level):
    with pytest.raises(ValueError, match="level of an interval must lie between 0 and 1"):
        IntervalTask(splits(), level=level)


def test_an_unknown_criterion_is_refused():
    with pytest.raises(ValueError, match="must be 'interval' or 'squared'"):
        IntervalTask(splits(), criterion="absolute")
