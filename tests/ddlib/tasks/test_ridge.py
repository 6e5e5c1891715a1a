import pytest
import torch

from ddlib.tasks import RidgeTask
from tests.ddlib.worlds import generator, random_data


@pytest.mark.parametrize("penalties", [(), (1.0, 1.0)])
def test_penalties_that_make_no_family_are_refused(penalties):
    with pytest.raises(ValueError, match="at least one penalty and no penalty twice"):
        RidgeTask(random_data(0), penalties=penalties)


def test_the_risk_of_a_family_is_the_mean_of_its_members():
    data = random_data(0)
    family = RidgeTask(data, penalties=(0.5, 2.0))
    start = family.start(5, generator())
    members = [RidgeTask(data, penalties=(penalty,)) for penalty in family.penalties]
    mean = torch.stack([task.risk(task.fit(start)) for task in members]).mean(0)
    torch.testing.assert_close(family.risk(family.fit(start)), mean)


def test_parameter_error_is_relative():
    task = RidgeTask(random_data(0), penalties=(0.5, 2.0))
    torch.testing.assert_close(task.parameter_error(1.1 * task.reference), torch.tensor([0.1]).double())


@pytest.mark.parametrize("penalty", [-1.0, float("nan"), float("inf")])
def test_a_penalty_that_is_negative_or_not_finite_is_refused_before_anything_is_learned(penalty):
    with pytest.raises(ValueError, match="penalty must be 0 or a positive number"):
        RidgeTask(random_data(0), penalties=(1.0, penalty))
