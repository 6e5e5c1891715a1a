import numpy as np
import pytest
import torch
from hypothesis import given, settings
from hypothesis import strategies as st

from ddlib.problem import regret
from ddlib.tasks import LogisticTask
from tests.ddlib.worlds import generator, random_data, seeds


@pytest.mark.parametrize("penalty", [0.0, -1.0, float("nan"), float("inf")])
def test_a_penalty_that_is_not_positive_is_refused_before_anything_is_learned(penalty):
    with pytest.raises(ValueError, match="penalty must be a positive number"):
        LogisticTask(random_data(0), penalty=penalty)


def test_labels_are_read_at_the_median_which_an_outlier_does_not_move():
    data = random_data(0)
    labels = torch.arange(20.0).double()[None]
    labels[0, -1] = 1e6
    read = LogisticTask(data._replace(y=labels)).read(data._replace(y=labels)).y
    assert read[0].tolist() == [-1.0] * 10 + [1.0] * 10


@given(seeds, st.floats(0.1, 30))
@settings(max_examples=20)
def test_the_risk_is_the_penalised_objective(seed, penalty):
    data = random_data(seed)
    task = LogisticTask(data, penalty=penalty)
    theta = torch.randn(1, 3, generator=generator(seed), dtype=torch.float64)
    sign = np.where(data.y[0].numpy() > np.median(data.y[0].numpy()), 1, -1)
    losses = np.logaddexp(0, -sign * (data.x[0].numpy() @ theta[0].numpy()))
    objective = losses.sum() + penalty / 2 * (theta[0].numpy() ** 2).sum()
    assert task.risk(theta).item() == pytest.approx(objective, rel=1e-12)


@given(seeds, st.floats(0.1, 30))
@settings(max_examples=20)
def test_no_model_near_the_reference_has_a_smaller_risk(seed, penalty):
    task = LogisticTask(random_data(seed), penalty=penalty)
    steps = torch.randn(20, 3, generator=generator(seed), dtype=torch.float64)
    for size in (1e-3, 1e-1):
        assert (regret(task, task.reference + size * steps) > 0).all()
    assert (regret(task, 0.99 * task.reference) > 0).all()
