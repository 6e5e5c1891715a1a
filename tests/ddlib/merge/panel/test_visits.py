"""Time: which row is which visit, how far visits are apart, and which of them are reported."""

import itertools

import numpy as np
import pandas as pd
import pytest
import torch
from hypothesis import given, settings
from hypothesis import strategies as st

from ddlib.merge import TableError, merge
from ddlib.merge.grid import put_on_grid, whole_steps
from ddlib.merge.panel import read_panel
from ddlib.merge.windows import natural_windows
from tests.ddlib.merge.hospital_tables import emptied, hospitals

FOREVER = settings(max_examples=60, deadline=None, database=None)


def frame_of(times, seed=0):
    """A table of patients with these times each."""
    draw = np.random.default_rng(seed)
    rows = [(f"{seed}-{who}", time) for who, mine in enumerate(times) for time in mine]
    frame = pd.DataFrame(rows, columns=["id", "time"])
    return frame.assign(a=draw.normal(size=len(frame)), b=draw.normal(size=len(frame)))


def read(*times, **options):
    return read_panel([frame_of(mine, seed) for seed, mine in enumerate(times)], "id", "time", **options)


def kinds(panel):
    return [note.kind for note in panel.warned]


MONTHLY = [(0, 28, 56)] * 20
LATE = [(0, 28, 56)] * 17 + [(0, 29, 56), (0, 28, 57), (0, 29, 57)]


def test_a_day_late_is_the_same_visit():
    found = read(LATE, MONTHLY)
    assert found.visits.labels.tolist() == [0, 28, 56] and found.visits.reading == "windows"
    assert found.visits.steps.tolist() == [1, 1]
    (note,) = found.warned
    assert note.kind == "windows" and "28 to 29, 56 to 57" in note.text
    assert not torch.cat(found.values).isnan().any()


def test_windows_can_be_given_or_kept_away():
    apart = read(LATE, MONTHLY, window=0)
    assert apart.visits.labels.tolist() == [0, 28, 56]  # too few patients come at 29 and 57 for visits of their own
    assert "left out" in kinds(apart)
    assert read(LATE * 2, MONTHLY, window=0).visits.labels.tolist() == [0, 28, 29, 56, 57]
    near = [(0, 20, 30)] * 10 + [(0, 24, 34)] * 10
    assert read(near, near).visits.labels.tolist() == [0, 20, 24, 30, 34]
    assert read(near, near, window=4).visits.labels.tolist() == [0, 20, 30]
    with pytest.raises(TableError, match="the patient '0-0' has rows at the times 20 and 30, in one window of 10"):
        read(near, near, window=10)


def test_whoever_comes_twice_has_two_visits():
    twice = [(0, 28, 29, 56)] * 5 + MONTHLY
    assert read(twice, MONTHLY).visits.labels.tolist() == [0, 28, 29, 56]


@pytest.mark.parametrize("times", [(1, 2, 3), (1, 8, 27), (-1, 0, 5), (0, 1, 7, 30, 90, 360), (0.5, 1.0, 1.5)])
def test_a_schedule_that_all_share_is_kept(times):
    some = [times, times[:-1], times[1:], times[::2]] * 5
    found = read(some, [times] * 10)
    assert found.visits.labels.tolist() == list(times) and found.visits.reading == "values" and found.visits.reported.all()


def test_gaps_are_counted_in_whole_steps():
    found = read([(0, 7, 30, 90, 180, 360)] * 10, [(0, 7, 30, 90, 180, 360)] * 10)
    assert found.visits.steps.tolist() == [1, 3, 9, 13, 26] and found.visits.unit == "7"
    assert kinds(found) == []
    wide = read([(0, 1, 1000)] * 10, [(0, 1, 1000)] * 10)
    assert wide.visits.steps.tolist() == [1, 999] and kinds(wide) == ["steps"]


def test_a_monthly_and_a_yearly_hospital():
    monthly, yearly = [tuple(range(25))] * 10, [(0, 12, 24)] * 10
    found = read(monthly, yearly)
    assert found.visits.number == 25 and set(found.visits.steps.tolist()) == {1}
    seen = (~found.values[1].isnan()).all(0).all(-1)
    assert seen.nonzero().flatten().tolist() == [0, 12, 24]
    apart = read([(0, 1, 2, 3)] * 10, [(0, 12, 24)] * 10)
    assert apart.visits.steps.tolist() == [1, 1, 1, 9, 12]


@pytest.mark.parametrize(
    "write",
    [
        lambda day: day.strftime("%Y-%m-%d"),
        lambda day: day.strftime("%d.%m.%Y"),
        lambda day: int(day.strftime("%Y%m%d")),
        lambda day: day.strftime("%Y%m%d"),
        lambda day: day,
    ],
    ids=["ISO", "dotted", "number", "digits", "timestamp"],
)
def test_dates_in_all_ways_are_written(write):
    start = pd.Timestamp("2020-01-10")
    frames = [
        frame_of(MONTHLY, seed).assign(time=lambda frame: [write(start + pd.Timedelta(days=t)) for t in frame.time])
        for seed in range(2)
    ]
    found = read_panel(frames, "id", "time")
    assert [str(label)[:10] for label in found.visits.labels] == ["2020-01-10", "2020-02-07", "2020-03-06"]
    assert found.visits.steps.tolist() == [1, 1] and found.visits.unit == "28 days"
    assert kinds(found) == (["dates"] if isinstance(write(start), int) or str(write(start)).isdigit() else [])


def test_numbers_that_are_no_dates_stay_numbers_and_a_few_are_named():
    frames = [frame_of([(20200110, 20200210)] * 20, seed) for seed in range(2)]
    frames[0].loc[3, "time"] = 20200231
    found = read_panel(frames, "id", "time")
    assert found.visits.labels.dtype.kind == "f"
    assert "dates" in kinds(found) and any("20200231 in data row 4 of source 1" in note.text for note in found.warned)


def test_numbers_as_dates_go_with_dates():
    numbers = frame_of([(20200110, 20200210)] * 20)
    dates = frame_of([("2020-01-10", "2020-02-10")] * 20, 1)
    assert read_panel([numbers, dates], "id", "time").visits.number == 2
    with pytest.raises(TableError, match="dates in source 2 but numbers in source 1"):
        read_panel([frame_of(MONTHLY), dates], "id", "time")


@pytest.mark.parametrize(
    "times", [(20200110, "2020-02-10"), (1, pd.Timestamp("2020-02-10")), ("2020-01-10", "10.02.2020"), ("1/2/2020",)]
)
def test_a_column_is_written_in_one_way(times):
    frame = frame_of([times] * 20)
    with pytest.raises(TableError, match="times are numbers"):
        read_panel([frame.assign(time=frame.time.astype(object)), frame_of(MONTHLY, 1)], "id", "time")


def test_calendar_dates_that_differ_run_from_the_first_visit():
    draw = np.random.default_rng(0)
    frames = []
    for seed in range(2):
        days = np.array([0, 30, 61]) + np.array([0, 1, 1]) * draw.integers(-3, 4, (40, 3)) + draw.integers(0, 700, (40, 1))
        frame = frame_of(days.tolist(), seed)
        frames.append(frame.assign(time=pd.Timestamp("2020-01-01") + pd.to_timedelta(frame.time, "D")))
    found = read_panel(frames, "id", "time")
    assert found.visits.number == 3 and found.visits.steps.tolist() == [1, 1] and found.visits.labels.dtype.kind == "M"
    assert kinds(found) == ["own times", "windows"] and not torch.cat(found.values).isnan().any()


def scattered(seed, patients=100, extra=10):
    """Visits at days 0, 28, 56 and 112, up to two weeks early or late, and some more rows at any time."""
    draw = np.random.default_rng(seed)
    days = np.array([0, 28, 56, 112]) + np.array([0, 1, 1, 1]) * draw.normal(0, 4, (patients, 4)).clip(-13, 13)
    return [[*mine, 6 + draw.uniform(0, 110)] if who < extra else mine for who, mine in enumerate(days.tolist())]


def test_times_scattered_about_a_schedule_are_its_visits():
    found = read(scattered(0), scattered(1))
    assert found.visits.reading == "windows" and kinds(found) == ["scattered", "left out"]
    assert np.abs(found.visits.labels - [0, 28, 56, 112]).max() < 1.5 and found.visits.steps.tolist() == [1, 1, 2]
    values = torch.cat(found.values)
    assert values.isnan().any(-1).float().mean() < 0.03  # two visits of one patient in one window, and those near day 0
    left = next(note.text for note in found.warned if note.kind == "left out")
    assert left.endswith("or of further rows of a visit.")
    moved = [[time + 1000 * who for time in mine] for who, mine in enumerate(scattered(0) + scattered(1))]
    own = read(moved[::2], moved[1::2])
    assert own.visits.reading == "windows" and own.visits.steps.tolist() == [1, 1, 2]


def irregular(seed, patients=60, visits=5):
    draw = np.random.default_rng(seed)
    return np.cumsum(draw.integers(7, 361, (patients, visits)), axis=1).tolist()


def test_irregular_times_go_on_a_grid():
    found = read(irregular(0), irregular(1))
    assert found.visits.reading == "grid" and "grid" in kinds(found) and "own times" not in kinds(found)
    gaps = np.diff(np.array(irregular(0) + irregular(1)), axis=1)
    step = float(found.visits.unit)
    assert np.median(gaps) / step == pytest.approx(2, rel=1e-3) or np.median(gaps) / step == pytest.approx(4, rel=1e-3)
    ranked = read(irregular(0), irregular(1), reading="order")
    assert ranked.visits.number == 5 and ranked.visits.reading == "order" and not torch.cat(ranked.values).isnan().any()


@FOREVER
@given(st.lists(st.lists(st.integers(0, 60), min_size=2, max_size=6, unique=True), min_size=3, max_size=12))
def test_no_reading_merges_two_rows_of_a_patient(times):
    for reading in ("auto", "values", "order"):
        try:
            found = read(times, times, reading=reading)
        except TableError:
            continue
        for patient, visit in zip(found.visits.patient, found.visits.visit, strict=True):
            kept = visit >= 0
            places = list(zip(patient[kept], visit[kept], strict=True))
            assert len(set(places)) == len(places)
            assert all(v > u for (p, u), (q, v) in itertools.pairwise(places) if p == q)
        assert (np.diff(found.visits.labels) > 0).all() and (found.visits.steps >= 1).all() and found.visits.reported.any()
        assert len(found.visits.steps) == found.visits.number - 1 == len(found.visits.reported) - 1


@FOREVER
@given(st.lists(st.lists(st.floats(0, 100), min_size=1, max_size=5, unique=True).map(sorted), min_size=1, max_size=10))
def test_windows_hold_one_row_of_a_patient_and_lie_apart(times):
    person = np.repeat(np.arange(len(times)), [len(mine) for mine in times])
    flat = np.concatenate([np.array(mine) for mine in times])
    before = np.where(np.diff(person, prepend=-1) != 0, -np.inf, np.roll(flat, 1))
    slot = natural_windows(flat, before, 1.0)
    assert len({*zip(person, slot, strict=True)}) == len(flat)
    spans = [(flat[slot == k].min(), flat[slot == k].max()) for k in range(slot.max() + 1)]
    for (low, high), (later, _) in itertools.pairwise(spans):
        assert high < later and (high == low or high - low < later - high)


@FOREVER
@given(st.lists(st.floats(0.01, 100), min_size=1, max_size=8))
def test_places_on_a_grid_rise_and_are_nearest(gaps):
    since = np.concatenate([[0.0], np.cumsum(gaps)])
    grid = put_on_grid(np.zeros(len(since), dtype=int), since, float(np.median(gaps)))
    assert (np.diff(grid.place) >= 1).all() and grid.place[0] >= 0
    nearest = np.floor(since / grid.step + 0.5)
    if (np.diff(nearest) >= 1).all():
        assert grid.place.tolist() == nearest.tolist() and grid.moved == 0


def test_crowded_rows_are_moved_as_little_as_can_be():
    grid = put_on_grid(np.zeros(20, dtype=int), np.array([0.0, 1.1, 1.2, *range(4, 21)]), 1.0)
    assert grid.place[:4].tolist() == [0, 1, 2, 4] and grid.moved == 1


@FOREVER
@given(st.lists(st.floats(0.5, 500), min_size=1, max_size=8))
def test_steps_are_near_the_gaps_or_it_is_known(gaps):
    found = whole_steps(np.array(gaps))
    assert (found.number >= 1).all()
    off = np.abs(np.array(gaps) - found.size * found.number) / np.array(gaps)
    assert off.max() == pytest.approx(found.off)
    assert found.off <= 0.5


def test_only_visits_that_enough_patients_have_are_reported():
    one = read([(1, 2, 3)] * 100, [(1, 2, 3)] * 100 + [tuple(range(1, 31))])
    assert one.visits.labels.tolist() == [1, 2, 3] and one.visits.reported.all()
    (note,) = one.warned
    assert note.kind == "left out" and note.text.startswith("54 measurements of 1 patient were left out")
    some = read([(1, 2, 3)] * 100, [(1, 2, 3)] * 96 + [(1, 2, 3, 4, 5)] * 4)
    assert some.visits.number == 5 and some.visits.reported.tolist() == [True] * 3 + [False] * 2
    assert kinds(some) == ["few at visits"]
    more = read([(1, 2, 3)] * 100, [(1, 2, 3)] * 96 + [(1, 2, 3, 4, 5)] * 4, max_visits=4)
    assert more.visits.reported.tolist() == [True] * 4 + [False] and kinds(more) == []


def test_synthetic_patients_have_the_reported_visits():
    tables = hospitals(100, 5)
    tables = {name: frame[(frame.visit < 4) | (frame.patient < 4)] for name, frame in tables.items()}
    found = merge(tables, "patient", "visit", rows=9, iterations=4)
    assert found.report["visits"]["labels"] == [1, 2, 3] and found.table.visit.tolist() == [1, 2, 3] * 9
    assert found.report["synthetic"]["rows"] == 27


def test_one_visit_each_is_one_visit():
    found = read([(0,)] * 10, [(0,)] * 10)
    assert found.visits.number == 1 and found.visits.steps.tolist() == [] and found.warned == [] and found.visits.reading == "one"
    spread = read([(k,) for k in range(10)], [(0,)] * 10)
    assert spread.visits.number == 1 and kinds(spread) == ["one visit"]
    with pytest.raises(TableError, match="no patient was measured at two of the visits"):
        read([(0,)] * 10, [(1,)] * 10, reading="values")
    only = {name: emptied(frame, frame.visit != k + 1) for k, (name, frame) in enumerate(hospitals().items())}
    assert read_panel(only, "patient", "visit").visits.number == 1


@pytest.mark.parametrize(
    ("options", "word"),
    [
        ({"window": -1}, "window .* must be a number of 0 or more"),
        ({"window": float("nan")}, "window"),
        ({"window": True}, "window"),
        ({"window": "7"}, "window"),
        ({"window": 7, "reading": "order"}, "of no account"),
        ({"max_visits": 0}, "--max-visits"),
        ({"max_visits": 2.0}, "--max-visits"),
        ({"join": "yes"}, "'ask', 'patients' or 'never'"),
        ({"reading": "dates"}, "'auto', 'values' or 'order'"),
    ],
)
def test_options_are_checked_before_the_tables(options, word):
    with pytest.raises(TableError, match=word):
        read_panel(3, "id", "time", **options)
