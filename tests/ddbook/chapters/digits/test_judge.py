import numpy as np
import pytest
import torch

from ddbook.chapters.digits.chosen import ADAM, FOREST, KERNEL
from ddbook.chapters.digits.experiment import Digits
from ddbook.chapters.digits.judge import answers, matrix, models, retrain_all, text
from ddlib.settings import is_setting
from ddlib.trial import given, retrained_risk


@pytest.fixture(scope="module")
def digits():
    return Digits(2, (60, 20))


def test_of_a_learner_that_draws_nothing_they_are_those_of_its_one_model(digits):
    task, rows = digits.tasks[KERNEL.name], digits.splits.train
    right = answers(task, rows, digits.generator("x"), fits=3)
    assert right.shape == (2, 400)
    torch.testing.assert_close(1 - right.double().mean(-1), task.risk(task.reference, "test"))


def test_networks_answer_in_turn_one_image_each(digits):
    task, rows = digits.tasks[ADAM.name], digits.splits.train
    right, stream = answers(task, rows, digits.generator("x"), fits=3), digits.generator("x")
    test = task.splits.test
    for fit in range(3):
        scores = task.predict(task.fit(rows, stream), test.x)
        assert torch.equal(right[:, fit::3], (scores.argmax(-1) == test.y.argmax(-1))[:, fit::3])
    one = answers(task, rows, digits.generator("x"), fits=1)
    torch.testing.assert_close(1 - one.double().mean(-1), retrained_risk(task, rows, digits.generator("x")))


def test_only_networks_and_forests_are_trained_more_than_once(digits):
    several = {name for name, task in digits.tasks.items() if models(task, 8) == 8}
    assert several == {"network, Adam", "network, SGD", FOREST.name}


def test_no_network_is_refused(digits):
    with pytest.raises(ValueError, match="fits must be a whole number of at least 1"):
        answers(digits.tasks[KERNEL.name], digits.splits.train, digits.generator("x"), 0)


def test_a_cell_holds_a_digit_for_each_image_and_is_read_again(digits):
    right = torch.tensor([[True, False, False], [False, True, True]])
    assert text(right) == ["100", "011"]
    np.testing.assert_array_equal(matrix(text(right)), right.double())


def test_the_table_has_a_row_for_each_set_learner_and_draw_with_its_settings_last(digits):
    made = {("full", 60): given(digits.splits.train), ("some", 10): given(digits.tasks["1-NN"].start(10, digits.generator("y")))}
    table = retrain_all(digits, made, fits=2)
    assert len(table) == 2 * 7 * 2 and not table.duplicated(["method", "budget", "learner", "seed"]).any()
    assert table.right.str.fullmatch("[01]{400}").all()
    np.testing.assert_allclose(table.accuracy, matrix(table.right).mean(1))
    settings = [is_setting(column) for column in table.columns]
    assert settings == sorted(settings) and {"judge.images", "judge.models", "learner.type"} <= set(table.columns)
    assert table["judge.images"].nunique() == 1
