"""Sets that are given, and the choice of a candidate for each replicate."""

from typing import NamedTuple

import pytest
import torch

from ddlib.methods import FirstOrder
from ddlib.methods.composed import pick
from ddlib.methods.given import Given
from ddlib.problem import Distilled, distil
from tests.ddlib.methods.bowl import Bowl
from tests.ddlib.worlds import generator


class Model(NamedTuple):
    mean: torch.Tensor
    variance: torch.Tensor


def test_a_given_set_is_where_a_descent_begins():
    task = Bowl()
    begun = task.start(3, generator(7))
    assert distil(Given(begun), task, 3, 0, generator())[0] is begun
    assert FirstOrder(begin=Given(begun)).init(task, 3, generator()).current is begun


def test_a_given_set_has_its_own_budget():
    task = Bowl()
    with pytest.raises(ValueError, match="3 units, but the budget is 4"):
        distil(Given(task.start(3, generator())), task, 4, 0, generator())


def test_each_replicate_gets_its_own_candidate():
    models = [Model(torch.full((2, 3), float(value)), torch.full((2,), float(value))) for value in range(3)]
    chosen = pick(models, torch.tensor([2, 0]))
    assert isinstance(chosen, Model) and chosen.mean.shape == (2, 3) and chosen.variance.tolist() == [2.0, 0.0]
    sets = [Distilled(*(torch.full(shape, float(value)) for shape in ((2, 3, 4), (2, 3, 0), (2, 3)))) for value in range(3)]
    found = pick(sets, torch.tensor([2, 1]))
    assert isinstance(found, Distilled) and found.w[:, 0].tolist() == [2.0, 1.0] and found.x.shape == (2, 3, 4)
