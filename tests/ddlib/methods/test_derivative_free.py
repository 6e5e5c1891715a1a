import sys
from dataclasses import replace

import pytest
import torch

from ddlib.methods.derivative_free import DerivativeFree
from ddlib.methods.given import Given
from ddlib.problem import distil
from ddlib.tasks import RidgeTask
from tests.ddlib.methods.bowl import Bowl
from tests.ddlib.worlds import closed_form_tasks, generator, random_data, split_tasks

TASKS = [*closed_form_tasks(random_data(0)), *split_tasks(0)]


@pytest.mark.parametrize("which", range(len(TASKS)), ids=[f"{task.name}-{i}" for i, task in enumerate(TASKS)])
def test_serves_every_task(which):
    task, method = TASKS[which], DerivativeFree(4, generation=2)
    chosen, history = distil(method, task, 4, method.updates, generator())
    assert len(history) == 2 and chosen.budget == 4 and chosen.replicates == 2
    assert task.risk(task.fit(chosen)).isfinite().all() and (chosen.w == 1).all()


@pytest.mark.parametrize("generation", [1, 10])
def test_finds_the_bottom_of_a_bowl(generation):
    task, method = Bowl(), DerivativeFree(120, generation)
    start = method.init(task, 2, generator()).distilled
    chosen, _ = distil(method, task, 2, method.updates, generator())
    assert (task.risk(task.fit(chosen)) < 0.1 * task.risk(task.fit(start))).all()


def test_keeps_the_best_it_has_seen():
    """Per replicate: the risk of what is kept is the least of all candidates, in one batch or in a loop."""
    task, method = Bowl(3), DerivativeFree(24, generation=4)
    state, seen = method.init(task, 2, generator()), []
    for _ in range(method.updates):
        state, info = method.update(task, state, generator())
        seen.append(info.surrogate)
        torch.testing.assert_close(task.risk(task.fit(state.distilled)), state.best)
    assert state.spent == 24 and (state.best <= torch.stack(seen).min(0).values).all()
    loop = distil(DerivativeFree(24, generation=4, one_batch=False), task, 2, 6, generator())[0]
    assert torch.equal(loop.x, state.distilled.x)


@pytest.mark.parametrize("generation", [1, 3])
def test_the_start_is_the_first_candidate(generation):
    """A search whose every step is far too long hands out what it began with."""
    task, method = Bowl(), DerivativeFree(6, generation, spread=1e6)
    state = method.init(task, 2, generator())
    start, first = state.distilled, task.risk(task.fit(state.distilled))
    state, _ = method.update(task, state, generator())
    torch.testing.assert_close(state.best, first)
    assert torch.equal(state.distilled.x, start.x)


def test_what_is_not_searched_stays_and_weights_stay_positive():
    task = Bowl()
    start = DerivativeFree().init(task, 3, generator()).distilled
    chosen = distil(DerivativeFree(10, learn=("w",)), task, 3, 10, generator())[0]
    assert torch.equal(chosen.x, start.x) and torch.equal(chosen.y, start.y) and (chosen.w > 0).all() and (chosen.w != 1).any()


def test_the_budget_of_inner_trainings_is_kept():
    task, method = Bowl(), DerivativeFree(5, generation=2)
    trained = []
    task.fit, fit = lambda chosen, draw=None: trained.append(len(chosen.x)) or fit(chosen, draw), task.fit
    distil(method, task, 2, method.updates + 2, generator())
    assert trained == [2, 2, 1] and method.updates == 3


@pytest.mark.parametrize("one_batch", [True, False])
def test_a_generation_is_judged_on_one_batch_and_the_next_on_another(one_batch):
    """With the same batch each time the search is that on a task which has no other rows."""
    task, seen = RidgeTask(random_data(0), 2), []
    small = task.minibatch(5, generator(1))
    method = DerivativeFree(12, generation=4, begin=Given(task.start(3, generator())), one_batch=one_batch)
    task.__dict__["minibatch"] = lambda size, draw: seen.append(size) or small
    found = distil(replace(method, batch=5), task, 3, 3, generator())
    assert seen == [5, 5, 5]
    assert torch.equal(found.distilled.x, distil(method, small, 3, 3, generator()).distilled.x)
    del task.__dict__["minibatch"]
    first, second = (
        torch.stack([i.surrogate for i in distil(replace(method, batch=b), task, 3, 3, generator())[1]]) for b in (5, None)
    )
    assert first.isfinite().all() and (first != second).all()


def test_same_seed_bitwise_the_same_and_replicates_differ():
    first, second = (distil(DerivativeFree(12, 3), Bowl(), 2, 4, generator(3))[0] for _ in range(2))
    assert torch.equal(first.x, second.x)
    steps = first.x - Bowl().start(2, generator(3)).x
    assert not torch.allclose(steps[0], steps[1])


def test_a_risk_that_is_not_finite_is_passed_over():
    task = Bowl()
    risk, first = task.risk, torch.tensor([True, False])
    task.risk = lambda model, split="train": torch.where(first & (model[..., 0] > 1.5), torch.nan, risk(model))
    chosen = distil(DerivativeFree(60), task, 2, 60, generator())[0]
    assert risk(task.fit(chosen)).isfinite().all() and (task.fit(chosen)[0, 0] <= 1.5).all()


@pytest.mark.parametrize(
    ("options", "words"),
    [
        ({"trainings": 0}, "at least 1 inner training"),
        ({"trainings": 3, "generation": 4}, "generation of 1 to all"),
        ({"learn": ()}, "searched parts"),
        ({"learn": ("z",)}, "searched parts"),
        ({"spread": 0.0}, "positive number"),
        ({"batch": 0}, "batch must have a whole number"),
    ],
)
def test_clear_errors(options, words):
    with pytest.raises(ValueError, match=words):
        DerivativeFree(**options)


def test_an_unknown_optimiser_and_a_missing_nevergrad_are_named(monkeypatch):
    with pytest.raises(ValueError, match="no optimiser 'Newton'"):
        DerivativeFree(optimiser="Newton").init(Bowl(), 2, generator())
    monkeypatch.setitem(sys.modules, "nevergrad", None)
    with pytest.raises(ModuleNotFoundError, match=r"ddlib\[nevergrad\]"):
        DerivativeFree().init(Bowl(), 2, generator())
