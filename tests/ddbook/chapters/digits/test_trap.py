import itertools
from dataclasses import replace

import numpy as np
import pytest
import torch

from ddbook.chapters.digits.chosen import SGD
from ddbook.chapters.digits.experiment import Digits
from ddbook.chapters.digits.judge import answers, matrix
from ddbook.chapters.digits.trap import ARMS, LEARNER, STEP_SIZES, warm_and_cold
from ddlib.settings import is_setting, settings

BUDGET = 10


@pytest.fixture(scope="module")
def digits():
    return Digits(2, (60, 20))


@pytest.fixture(scope="module")
def curves(digits):
    return warm_and_cold(digits, BUDGET, 2, 2)


def judge(digits):
    """The task whose learner is trained inside the loop and after it."""
    return replace(digits.tasks[SGD.name], learner=LEARNER)


def at(curves, arm, step, column, step_size=STEP_SIZES[0]):
    rows = curves[(curves.arm == arm) & (curves.step == step) & (curves.step_size == step_size)]
    return rows.sort_values("seed")[column].to_numpy()


def test_there_is_one_row_per_arm_step_size_step_and_draw(curves):
    rows = set(itertools.product(ARMS, STEP_SIZES, range(3), range(2)))
    found = curves[["arm", "step_size", "step", "seed"]].itertuples(index=False, name=None)
    assert set(found) == rows and len(curves) == len(rows)
    np.testing.assert_allclose(curves.retrained, matrix(curves.right).mean(1))


def differing(one, other):
    """The settings in which two arms differ."""
    ours, theirs = (settings(ARMS[arm].method(0.05, torch.zeros(1)), "method") for arm in (one, other))
    assert set(ours) == set(theirs)
    return {name for name in ours if ours[name] != theirs[name]}


def test_each_arm_differs_from_the_one_before_in_one_thing():
    assert differing("warm", "cold") == {"method.warm"}
    assert differing("cold", "cold_long") == {"method.training.steps"}


def test_so_do_their_rows(curves):
    noted = [column for column in curves if is_setting(column)]
    assert noted and list(curves.columns[-len(noted) :]) == noted
    rows = curves[curves.step_size == STEP_SIZES[0]]
    varied = {column for column in noted if rows[column].nunique(dropna=False) > 1}
    assert varied == {"method.warm", "method.training.steps"}


def test_all_begin_at_the_same_rows_and_are_retrained_by_one_learner(digits, curves):
    task = judge(digits)
    rows = task.start(BUDGET, digits.generator("trap", "start"))
    right = answers(task, rows, digits.generator("trap", "fresh"), 2)
    for arm, size in itertools.product(ARMS, STEP_SIZES):
        np.testing.assert_array_equal(matrix(at(curves, arm, 0, "right", size)), right.double())
    assert any((at(curves, "warm", 2, "right", size) != at(curves, "cold", 2, "right", size)).any() for size in STEP_SIZES)


def test_the_warm_network_is_the_one_that_the_method_keeps(digits, curves):
    """Its training is gone through again for the curve; the method itself, step by step, is the oracle."""
    task, stream = judge(digits), digits.generator("trap")
    rows = task.start(BUDGET, digits.generator("trap", "start"))
    method = ARMS["warm"].method(STEP_SIZES[2], rows).planned(2)
    state = method.init(task, BUDGET, stream)
    for step in range(3):
        inside = 1 - task.risk(state.memory.model, "test")
        np.testing.assert_allclose(at(curves, "warm", step, "inside", STEP_SIZES[2]), inside, atol=1e-12)
        state, _ = method.update(task, state, stream)


def test_a_cold_network_is_trained_as_long_as_the_arm_says(digits, curves):
    task = judge(digits)
    rows = task.start(BUDGET, digits.generator("trap", "start"))
    for arm in ("cold", "cold_long"):
        training = replace(LEARNER.training, steps=ARMS[arm].steps)
        model = training.run(lambda theta: task.objective(theta, rows), task.initial(digits.generator("trap", "inside")))
        np.testing.assert_allclose(at(curves, arm, 0, "inside"), 1 - task.risk(model, "test"), atol=1e-12)


def test_the_same_seed_gives_the_same_curves_and_another_seed_others(digits, curves):
    assert warm_and_cold(Digits(2, digits.sizes), BUDGET, 2, 2).equals(curves)
    assert not warm_and_cold(Digits(2, digits.sizes, seed=1), BUDGET, 1, 1).inside.equals(
        warm_and_cold(digits, BUDGET, 1, 1).inside
    )


@pytest.mark.parametrize(("updates", "points", "steps"), [(1, 12, {0, 1}), (3, 2, {0, 2, 3}), (2, 1, {0, 2})])
def test_curves_have_both_ends_and_no_more_points_than_asked_for(digits, updates, points, steps):
    found = warm_and_cold(digits, BUDGET, updates, 1, points)
    assert all(set(part.step) == steps for _, part in found.groupby("arm"))


def test_the_sets_in_the_end_are_handed_out(digits):
    made = []
    warm_and_cold(digits, BUDGET, 1, 1, export=lambda *given: made.append(given))
    sizes = ("small", "middle", "large")
    assert [name for _, name, _ in made] == [f"{arm}_{size}" for arm, size in itertools.product(ARMS, sizes)]
    assert all(problem == "trap" and distilled.budget == BUDGET for problem, _, distilled in made)


@pytest.mark.parametrize(
    ("budget", "updates", "fits", "points", "message"),
    [
        (0, 3, 1, 12, "the budget of the warm-start trap"),
        (BUDGET, 0, 1, 12, "the updates of the warm-start trap"),
        (BUDGET, -1, 1, 12, "the updates of the warm-start trap"),
        (BUDGET, 3, 0, 12, "the networks of the warm-start trap"),
        (BUDGET, 3, 1, 0, "the points of the warm-start trap's curve"),
    ],
)
def test_what_gives_no_curve_is_refused(digits, budget, updates, fits, points, message):
    with pytest.raises(ValueError, match=f"{message} must be a whole number of at least 1"):
        warm_and_cold(digits, budget, updates, fits, points)
