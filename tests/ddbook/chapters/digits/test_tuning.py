"""The settings in use are those that the record of the tuning chose."""

import pandas as pd
import pytest
import torch

from ddbook.chapters.digits import intervals, tuning
from ddbook.chapters.digits.chosen import ADAM, KERNEL, LOGISTIC, SGD, STEP_SIZES, STEPS, TANGENT
from ddbook.chapters.digits.experiment import Digits


@pytest.fixture(scope="module")
def record():
    return pd.read_csv(tuning.RECORD).set_index(["setting", "units"])


def chosen(record, setting, units):
    rows = record.loc[(setting, units)]
    assert len(rows) == 3 and rows.chosen.sum() == 1
    return float(rows.value[rows.chosen].iloc[0])


def test_every_method_takes_the_recorded_step_sizes(record):
    for name in STEPS:
        assert STEP_SIZES[name] == tuple(chosen(record, name, budget) for budget in tuning.BUDGETS)
    assert chosen(record, "first_order", 12) == intervals.STEP_SIZE


def test_every_learner_takes_the_recorded_settings(record):
    taken = {
        "kernel length": KERNEL.kernel.length,
        "kernel penalty": KERNEL.penalty,
        "tangent kernel penalty": TANGENT.penalty,
        "Adam step size": ADAM.training.lr,
        "SGD step size": SGD.training.lr,
        "logistic penalty": LOGISTIC.penalty,
    }
    assert taken == {setting: chosen(record, setting, 1000) for setting in tuning.learners()}


def test_the_record_is_that_of_the_grid(record):
    grid = {(setting, 1000): [value for value, _ in values] for setting, values in tuning.learners().items()}
    grid |= tuning.step_sizes() | {("first_order", 12): [0.0125, 0.05, 0.2]}
    assert {key: rows.value.tolist() for key, rows in record.groupby(level=[0, 1], sort=False)} == grid


@pytest.mark.parametrize(
    ("score", "place"),
    [
        ([[0.1, 0.2, 0.3], [0.5, 0.6, 0.7], [0.9, 0.4, 0.6]], 1),  # the last is better, but within two standard errors
        ([[0.1, 0.2, 0.3], [0.5, 0.6, 0.7], [0.7, 0.81, 0.9]], 2),
        ([[0.6, 0.71, 0.8], [0.5, 0.6, 0.7], [0.7, 0.81, 0.9]], 2),
        ([[0.6, 0.71, 0.8], [0.5, 0.6, 0.7], [0.5, 0.6, 0.7]], 0),
        ([[0.5, 0.6, 0.7]] * 3, 1),
    ],
)
def test_the_middle_value_stays_unless_another_is_better_beyond_noise(score, place):
    rows = tuning.rows("x", 10, [1.0, 2.0, 3.0], torch.tensor(score))
    assert rows.chosen.tolist() == [k == place for k in range(3)]


def test_methods_and_learners_are_tuned_on_validation_images(monkeypatch):
    small = Digits(2, (60, 20), sealed=True)
    monkeypatch.setattr(tuning, "step_sizes", lambda: {("kernel_inducing", 10): [0.05, 0.1, 0.2]})
    monkeypatch.setattr(tuning, "EFFORT", 1e-6)
    ((name, budget, rates, score),) = tuning.of_methods(small)
    assert (name, budget, rates, score.shape) == ("kernel_inducing", 10, [0.05, 0.1, 0.2], (3, 2))
    torch.testing.assert_close(20 * score, (20 * score).round())  # shares of the 20 validation images
    *_, (setting, images, values, score) = tuning.of_learners(small)
    assert (setting, images, values) == ("logistic penalty", 60, [0.01, 0.1, 1.0])
    torch.testing.assert_close(20 * score, (20 * score).round())
