"""R's random numbers as R prints them, and the published runs repeated."""

import numpy as np
import pytest
import torch

from ddbook.chapters.merge.published import published
from ddbook.chapters.merge.published.data import ReleasedSetting, from_files
from ddbook.chapters.merge.published.r_random import RRandom
from ddbook.chapters.merge.published.runs import RUNS, PublishedRun, repeat, start_of
from ddbook.chapters.merge.published.task import PublishedMerge
from ddlib.dbn.model.network import select
from ddlib.dbn.sources import Sources
from tests.ddlib.datasets.released import with_release


def test_numbers_are_those_that_r_prints():
    """R 4: set.seed(88); rnorm(5); sample(1:5, 1) twelve times; rnorm(2) - set.seed(45); runif(3); sample(1:1000, 1) six times."""
    numbers = RRandom(88)
    expected = [-0.226255689536158, 0.646569838387327, 2.346058252198157, -1.845618718439158, 0.459691054852836]
    np.testing.assert_allclose(numbers.normal(5), expected, rtol=1e-13)
    assert [numbers.index(5) + 1 for _ in range(12)] == [5, 2, 5, 1, 4, 2, 1, 3, 3, 5, 3, 1]
    np.testing.assert_allclose(numbers.normal(2), [-0.229194292183583, 0.170762674067546], rtol=1e-12)
    numbers = RRandom(45)
    np.testing.assert_allclose(numbers.uniform(3), [0.633372809970751, 0.317536648130044, 0.240921848919243], rtol=1e-14)
    assert [numbers.index(1000) + 1 for _ in range(6)] == [224, 551, 58, 595, 523, 832]
    np.testing.assert_allclose(numbers.normal(1), [-2.55661663629684], rtol=1e-13)
    np.testing.assert_allclose(RRandom(-3).uniform(1), [0.770523342536762], rtol=1e-14)


def small():
    """A small merge of one replicate."""
    task = ReleasedSetting(replicates=1, variables=4, sources=3, rows=30, test_rows=20, hidden=0.25).draw().task
    return PublishedMerge(select(task.truth, [1]), Sources(*(part[1:] for part in task.sources)), task.test[1:])


def test_a_run_starts_at_the_first_rows_with_gaps_filled_column_by_column():
    task = small()
    x, numbers = start_of(task, 12, RRandom(5)), RRandom(5)
    assert x.shape == (1, 12, 2, 4)
    for k, rows in enumerate(x[0].unflatten(0, (3, 4)).flatten(-2)):
        given = task.sources.values[0, k, :4].flatten(-2)
        for column in range(8):
            expected = torch.as_tensor(numbers.normal(4)) if given[0, column].isnan() else given[:, column]
            torch.testing.assert_close(rows[:, column], expected)


def test_a_repeated_run_descends_by_the_published_formula():
    task, run = small(), PublishedRun(3, 7, 0.1, 1e-4)
    chosen, logged = repeat(task, run, 12)
    numbers = RRandom(7)
    x = start_of(task, 12, numbers)
    for epoch in range(3):
        model = task.fit(chosen._replace(x=x))
        assert logged[epoch] == pytest.approx(-task.risk(model, "test").item())
        j = numbers.index(3)
        block = task.blocks(chosen)[j]
        gradient = torch.zeros(4, 8, dtype=x.dtype)
        for _ in range(10):
            delta = torch.as_tensor(numbers.normal(32).reshape(8, 4).T)  # R fills a matrix column by column
            moved = x.clone()
            moved[0, 4 * j : 4 * j + 4] += run.sigma * delta.unflatten(-1, (2, 4))
            gain = block.risk(task.fit(chosen._replace(x=moved))) - block.risk(model)
            gradient += delta * gain / run.sigma / 10
        x = x.clone()
        x[0, 4 * j : 4 * j + 4] -= run.lr * gradient.unflatten(-1, (2, 4))
    torch.testing.assert_close(chosen.x, x, rtol=1e-8, atol=1e-8)


@with_release
@pytest.mark.parametrize(("slices", "budget", "epochs"), [(2, 10, 20), (2, 20, 5), (10, 10, 3)])
def test_the_published_curves_come_out_to_the_nat(slices, budget, epochs):
    from ddlib.datasets import merge_release

    _, logged = repeat(from_files(merge_release(slices)).task, RUNS[slices, budget], budget, epochs)
    points = {epoch: value for epoch, value in published.LOGS[slices, budget].items() if epoch <= epochs}
    assert len(points) >= 2
    np.testing.assert_allclose([logged[epoch - 1] for epoch in points], [*points.values()], rtol=0, atol=1)


@with_release
def test_without_the_exchange_they_do_not():
    from ddlib.datasets import merge_release

    _, logged = repeat(from_files(merge_release(2), swapped=False).task, RUNS[2, 10], 10, 2)
    assert logged[0] == pytest.approx(published.LOGS[2, 10][1], abs=1) and abs(logged[1] - published.LOGS[2, 10][2]) > 100
