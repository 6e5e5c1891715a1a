"""Sources that differ are found and blamed, in level, spread and slope; what could have been seen is seen."""

import numpy as np
import pytest

from ddlib.merge.checks.before import before_merge
from ddlib.merge.checks.shifts import detectable, levels, slopes, spreads
from tests.ddlib.merge.checks.worlds import hospitals


def level(part, spread):
    part[..., 0] += 0.8 * spread


def wide(part, spread):
    middle = np.nanmean(part[..., 0])
    part[..., 0] = middle + 1.8 * (part[..., 0] - middle)


def turned(part, spread):
    part[..., 0] = 2 * np.nanmean(part[..., 0], 0) - part[..., 0]


def forgetful(part, spread):
    for t in range(part.shape[1]):
        part[:, t] = part[np.random.default_rng(t).permutation(len(part)), t]


@pytest.mark.parametrize("sources", [2, 3, 5])
@pytest.mark.parametrize(
    ("look", "change"), [(levels, level), (spreads, wide), (slopes, turned), (slopes, forgetful)], ids=lambda one: one.__name__
)
def test_the_source_that_differs_is_blamed(look, change, sources):
    right = 0
    for seed in range(20):
        records = hospitals(seed, sizes=(100,) * sources, missing=0.05)
        change(records.values[1], np.nanstd(records.values[1][..., 0]))
        want = {"north", "south"} if sources == 2 else {"south"}
        right += any(set(one.sources) == want and "c0" in one.columns for one in look(records))
    assert right >= 18


def test_sources_with_other_visits_are_not_blamed_for_these():
    warned = 0
    for seed in range(20):
        records = hospitals(seed)
        spread = np.nanstd(np.concatenate(records.values), axis=(0, 1))
        for part in records.values:
            part += 3 * spread * np.arange(4)[:, None] ** 2
        records.values[1][:, 2:] = np.nan
        warned += bool([*levels(records), *spreads(records), *slopes(records)])
    assert warned <= 1


def test_skewed_columns_raise_no_alarm_of_spread():
    warned = 0
    for seed in range(30):
        records = hospitals(seed, mean=0, variables=2)
        warned += bool(spreads(records._replace(values=[np.exp(part / np.nanstd(part)) for part in records.values])))
    assert warned <= 1


def test_what_could_have_been_seen_is_seen_four_times_of_five():
    found = 0
    for seed in range(100):
        records = hospitals(seed, sizes=(60, 90, 150), variables=1)
        shift = next(one.shift for one in detectable(records) if one.source == "south")
        records.values[1][..., 0] += shift
        found += any(one.sources == ("south",) for one in levels(records))
    assert 65 <= found <= 95
    sizes = [next(one for one in detectable(hospitals(0, sizes=(n, n))) if one.column == "c0") for n in (50, 200)]
    assert sizes[0].patients == 50 and sizes[0].deviations > sizes[1].deviations
    assert not [one for one in detectable(hospitals(0, sizes=(8, 8)))]


def test_one_cause_is_told_of_once():
    records = hospitals(0, mean=20)
    records.values[1][..., 0] *= 10
    assert [one.kind for one in before_merge(records)] == ["differs between sources"]
