import pytest
import torch

from ddlib.problem import Distilled
from ddlib.tasks import EmpiricalTask, RidgeTask
from tests.ddlib.worlds import closed_form_tasks, random_data


def spoilt(part: str, value: float) -> Distilled:
    """Data with one entry replaced."""
    data = random_data(0)
    bad = getattr(data, part).clone()
    bad.view(-1)[3] = value
    return data._replace(**{part: bad})


@pytest.mark.parametrize(
    ("data", "message"),
    [
        (spoilt("x", float("nan")), "hold NaN or infinity"),
        (spoilt("y", float("inf")), "hold NaN or infinity"),
        (spoilt("w", float("nan")), "hold NaN or infinity"),
        (spoilt("w", -1e-3), "weights must be 0 or more"),
        (random_data(0)._replace(w=torch.zeros(1, 20).double()), "not all of them 0"),
        (Distilled(torch.zeros(1, 0, 3), torch.zeros(1, 0), torch.zeros(1, 0)), "have no rows"),
    ],
)
@pytest.mark.parametrize("kind", [EmpiricalTask, RidgeTask])
def test_data_that_no_learner_can_use_are_refused(kind, data, message):
    with pytest.raises(ValueError, match=message):
        kind(data)


def test_some_rows_of_weight_zero_are_data():
    assert RidgeTask(spoilt("w", 0.0)).reference.isfinite().all()


def test_a_task_equals_itself_alone_and_can_be_a_key():
    for task, twin in zip(closed_form_tasks(random_data(0)), closed_form_tasks(random_data(0)), strict=True):
        assert task == task
        assert task != twin
        assert len({task, twin, task}) == 2
