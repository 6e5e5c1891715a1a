import contextlib

import pytest
import torch

from ddlib.dbn.sources import draw_sources, pairs_observed, random_pattern, statistics
from ddlib.dbn.task.merge_task import MergeTask
from tests.ddlib.dbn.world import generator, world


def test_each_source_hides_its_share_and_every_variable_is_measured_somewhere():
    pattern = random_pattern(50, 5, 4, 10, generator(), hidden=0.3)
    assert ((~pattern).sum(-1) == 3).all()
    assert pattern.any(1).all()
    assert (pattern == pattern[:, :, :1]).all()


def test_every_pair_can_be_asked_for():
    assert pairs_observed(random_pattern(50, 5, 2, 10, generator(), hidden=0.2, every_pair=True)).all()


def test_patterns_can_differ_between_slices():
    pattern = random_pattern(5, 5, 4, 10, generator(), per_slice=True)
    assert (pattern != pattern[:, :, :1]).any()
    assert ((~pattern).sum(-1) == 2).all()


def test_noise_is_drawn_for_each_entry():
    _, truth, _ = world()
    pattern = random_pattern(2, 3, 3, 4, generator(), hidden=0.25)
    clean = draw_sources(truth, pattern, 20_000, generator(1), noise=0.0)
    noisy = draw_sources(truth, pattern, 20_000, generator(1), noise=0.3)
    error = (noisy.values - clean.values).movedim(2, -1)[pattern]
    assert (error.std(-1) - 0.3).abs().max() < 0.01
    correlation = torch.corrcoef(error) - torch.eye(len(error), dtype=torch.float64)
    assert correlation.abs().max() < 0.04
    assert noisy.values.movedim(2, -1)[~pattern].isnan().all()


def test_statistics_are_the_moments_of_what_is_measured():
    sources = world().sources
    found = statistics(sources)
    rows = sources.values[1, 2].flatten(1)
    seen = sources.observed[1, 2].flatten()
    torch.testing.assert_close(found.mean[1, 2, seen], rows[:, seen].mean(0))
    torch.testing.assert_close(found.covariance[1, 2][seen][:, seen], rows[:, seen].T.cov(correction=0))
    assert (found.mean[1, 2, ~seen] == 0).all() and (found.covariance[1, 2, ~seen] == 0).all()


@pytest.mark.parametrize("every_pair", [False, True])
@pytest.mark.parametrize("per_slice", [False, True])
def test_every_drawn_pattern_makes_a_merge_task(per_slice, every_pair):
    graph, truth, _ = world(replicates=30)
    pattern = random_pattern(30, 3, 3, 4, generator(), hidden=0.25, every_pair=every_pair, per_slice=per_slice)
    MergeTask(graph, truth, draw_sources(truth, pattern, 5, generator()))


def test_the_last_attempt_counts():
    def found(attempts):
        count = 0
        for seed in range(40):
            with contextlib.suppress(ValueError):
                random_pattern(1, 2, 1, 2, generator(seed), hidden=0.5, attempts=attempts)
                count += 1
        return count

    assert 0 < found(0) < found(1) < 40


@pytest.mark.parametrize(
    ("options", "message"),
    [({"hidden": 1.0}, "hidden share"), ({"hidden": 0.75, "every_pair": True}, "in every slice and every pair of variables")],
)
def test_impossible_patterns_are_refused(options, message):
    with pytest.raises(ValueError, match=message):
        random_pattern(2, 2, 3, 4, generator(), **options)


@pytest.mark.parametrize(
    ("trajectories", "noise", "message"), [(1, 0.3, "at least 2 trajectories"), (10, -1.0, "must not be negative")]
)
def test_impossible_sources_are_refused(trajectories, noise, message):
    pattern = random_pattern(2, 3, 3, 4, generator())
    with pytest.raises(ValueError, match=message):
        draw_sources(world().truth, pattern, trajectories, generator(), noise)
