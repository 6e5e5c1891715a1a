"""Every method on every closed-form task: finite sets, regret never negative, exact where theory says so."""

import pytest
import torch
from hypothesis import given, settings

from ddlib.lens import relative_regret
from ddlib.methods import FirstOrder, Implicit, is_exact
from ddlib.problem import regret
from ddlib.tasks import LeastAbsoluteTask
from tests.products import METHODS, reach
from tests.worlds import closed_form_tasks, random_data, seeds

TASKS = range(len(closed_form_tasks(random_data(0))))


def no_gradient(method, task):
    return isinstance(method, FirstOrder | Implicit) and isinstance(task, LeastAbsoluteTask)


@pytest.mark.parametrize("which", TASKS, ids=[task.name for task in closed_form_tasks(random_data(0))])
@pytest.mark.parametrize("method", METHODS, ids=lambda method: method.name)
@given(seed=seeds)
@settings(max_examples=4)
def test_every_method_on_every_task(method, which, seed):
    task = closed_form_tasks(random_data(seed))[which]
    for budget in (1, 4):
        if no_gradient(method, task):
            with pytest.raises(ValueError, match=r"no gradient|no curvature"):
                reach(method, task, budget)
            continue
        chosen = reach(method, task, budget)
        assert chosen.budget <= budget
        assert all(bool(part.isfinite().all()) for part in chosen)
        model = task.fit(chosen)
        assert (regret(task, model) >= -1e-9 * task.risk(task.reference).abs()).all()
        if method.name == "exact" and is_exact(task, budget):
            assert (relative_regret(task, chosen).abs() < 1e-10).all()


@pytest.mark.parametrize("method", METHODS, ids=lambda method: method.name)
def test_the_same_seed_gives_bitwise_the_same_set(method):
    for task in closed_form_tasks(random_data(5)):
        if no_gradient(method, task):
            continue
        first, second = reach(method, task, 2), reach(method, task, 2)
        assert all(torch.equal(a, b) for a, b in zip(first, second, strict=True))
