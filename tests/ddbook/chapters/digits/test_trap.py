import itertools

import numpy as np
import pytest

from ddbook.chapters.digits.experiment import ADAM, Digits
from ddbook.chapters.digits.trap import STEP_SIZES, warm_and_cold
from ddlib.trial import retrained_risk

BUDGET = 10


@pytest.fixture(scope="module")
def digits():
    return Digits(2, (60, 20, 20))


@pytest.fixture(scope="module")
def curves(digits):
    return warm_and_cold(digits, BUDGET, 2, 2)


def at(curves, start, step, column, step_size=STEP_SIZES[0]):
    rows = curves[(curves.start == start) & (curves.step == step) & (curves.step_size == step_size)]
    return rows.sort_values("seed")[column].to_numpy()


def test_there_is_one_row_per_start_step_size_step_and_split(curves):
    rows = set(itertools.product(("warm", "cold"), STEP_SIZES, range(3), range(2)))
    found = curves[["start", "step_size", "step", "seed"]].itertuples(index=False, name=None)
    assert set(found) == rows and len(curves) == len(rows)


def test_accuracies_are_shares_of_the_validation_images(curves):
    for column in ("inside", "retrained"):
        counts = curves[column].to_numpy() * 20 * (2 if column == "retrained" else 1)  # two fresh networks
        assert np.isfinite(counts).all() and curves[column].between(0, 1).all()
        np.testing.assert_allclose(counts, counts.round(), atol=1e-9)


@pytest.fixture(scope="module")
def begun(digits):
    """The rows that both starts begin at, and the network that the warm one keeps."""
    task, stream = digits.tasks[ADAM.name], digits.generator("trap")
    return task, task.start(BUDGET, stream), task.initial(stream)


def test_a_cold_start_looks_at_a_fresh_network(digits, curves, begun):
    task, rows, _ = begun
    stream = digits.generator("trap", "fresh")
    fresh = task.fit(rows, stream)
    np.testing.assert_array_equal(at(curves, "cold", 0, "inside"), 1 - task.risk(fresh, "validation"))
    np.testing.assert_array_equal(at(curves, "cold", 0, "retrained"), 1 - retrained_risk(task, rows, stream, 2, "validation"))


def test_a_warm_start_looks_at_the_network_that_it_keeps(digits, curves, begun):
    task, rows, kept = begun
    np.testing.assert_array_equal(at(curves, "warm", 0, "inside"), 1 - task.risk(kept, "validation"))
    again = 1 - retrained_risk(task, rows, digits.generator("trap", "fresh"), 2, "validation")
    np.testing.assert_array_equal(at(curves, "warm", 0, "retrained"), again)


def test_both_step_sizes_begin_at_the_same_set_and_part(curves):
    small, large = STEP_SIZES
    for start in ("warm", "cold"):
        for column in ("inside", "retrained"):
            np.testing.assert_array_equal(at(curves, start, 0, column, small), at(curves, start, 0, column, large))
    assert any((at(curves, start, 2, "inside", small) != at(curves, start, 2, "inside", large)).any() for start in ("warm", "cold"))


def test_a_kept_network_learns_while_the_set_is_updated(curves):
    assert (at(curves, "warm", 2, "inside") > at(curves, "warm", 0, "inside")).all()


def test_the_same_seed_gives_the_same_curves_and_another_seed_others(digits, curves):
    assert warm_and_cold(Digits(2, digits.sizes), BUDGET, 2, 2).equals(curves)
    assert not warm_and_cold(Digits(2, digits.sizes, seed=1), BUDGET, 1, 1).inside.equals(
        warm_and_cold(digits, BUDGET, 1, 1).inside
    )


@pytest.mark.parametrize(("updates", "points", "steps"), [(1, 12, {0, 1}), (3, 2, {0, 2, 3}), (2, 1, {0, 2})])
def test_curves_have_both_ends_and_no_more_points_than_asked_for(digits, updates, points, steps):
    found = warm_and_cold(digits, BUDGET, updates, 1, points)
    assert all(set(part.step) == steps for _, part in found.groupby("start"))


@pytest.mark.parametrize(
    ("budget", "updates", "points", "message"),
    [
        (0, 3, 12, "the budget of the warm-start trap"),
        (BUDGET, 0, 12, "the updates of the warm-start trap"),
        (BUDGET, -1, 12, "the updates of the warm-start trap"),
        (BUDGET, 3, 0, "the points of the warm-start trap's curve"),
    ],
)
def test_what_gives_no_curve_is_refused(digits, budget, updates, points, message):
    with pytest.raises(ValueError, match=f"{message} must be a whole number of at least 1"):
        warm_and_cold(digits, budget, updates, 1, points)


def test_without_a_fresh_network_there_is_nothing_to_compare_with(digits):
    with pytest.raises(ValueError, match="at least 1 retrained model, but fits is 0"):
        warm_and_cold(digits, BUDGET, 3, 0)
