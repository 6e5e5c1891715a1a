"""Hospitals that are alike give no warning, whatever their number, size, gaps and correlation."""

import numpy as np

from ddlib.merge.checks.before import before_merge
from ddlib.merge.checks.columns import steady
from ddlib.merge.checks.ranges import range_warnings
from tests.ddlib.merge.checks.worlds import varied


def test_at_most_three_of_sixty_merges_of_like_hospitals_are_warned_of():
    warned = []
    for seed in range(60):
        records = varied(seed)
        patients = np.concatenate(records.values)
        warned += [
            [*before_merge(records), *steady(records), *range_warnings(records, np.nanmean(patients, 0), np.nanstd(patients, 0))]
        ]
    assert sum(map(bool, warned)) <= 3, warned


def test_the_worlds_vary():
    worlds = [varied(seed) for seed in range(60)]
    assert {len(world.sources) for world in worlds} == {2, 3, 4, 5}
    assert {world.values[0].shape[1] for world in worlds} == {1, 2, 3, 4}
    assert any(min(world.measured(0)) == 0 for world in worlds)
    assert any(np.isnan(world.values[0][..., -1]).mean() > 0.2 for world in worlds)
