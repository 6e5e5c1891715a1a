"""Staged descents: never worse than their start, the best of several, and at the optimum."""

import pytest
import torch

from ddlib.dbn.estimators.accelerated import maximum_likelihood
from ddlib.dbn.methods.staged import Staged
from ddlib.dbn.task.ridge_merge import RidgeMerge
from ddlib.methods import FirstOrder
from ddlib.problem import distil
from tests.ddlib.dbn.world import generator, merge_task
from tests.ddlib.methods.bowl import Bowl


def risk(task, distilled):
    return task.risk(task.fit(distilled)).detach()


def reach(method, task, budget, generator):
    """The set, and what the method tells of it."""
    distilled, (info,) = distil(method, task, budget, 1, generator)
    return distilled, info


def test_it_reaches_a_known_minimum():
    task = Bowl()
    distilled, info = reach(Staged(0.3, ridges=(), steps=150, rounds=4), task, 3, generator())
    torch.testing.assert_close(task.fit(distilled), task.target, rtol=0, atol=1e-5)
    assert info.converged.all() and info.updates in (2 * 150, 3 * 150, 4 * 150)


@pytest.mark.parametrize("seed", range(3))
def test_the_training_risk_is_never_above_the_starts(seed):
    task = merge_task(seed)
    distilled, info = reach(Staged(early=1, steps=2, rounds=1), task, 8, generator(seed))
    assert (info.surrogate <= risk(task, task.start(8, generator(seed)))).all()
    torch.testing.assert_close(info.surrogate, risk(task, distilled))


def test_it_reaches_em_without_being_shown_it():
    task = merge_task(trajectories=300)
    _, info = reach(Staged(early=30, steps=150), task, 10, generator())
    best = task.risk(maximum_likelihood(task.graph, task.statistics, 3).model)
    assert info.converged.all()
    assert ((info.surrogate - best).abs() < 1e-6).all()


def test_of_several_descents_the_lowest_risk_counts_per_replicate():
    task, draw = merge_task(), generator(4)
    alone = torch.stack([reach(Staged(early=1, steps=3, rounds=1), task, 8, draw)[1].surrogate for _ in range(3)])
    distilled, info = reach(Staged(early=1, steps=3, rounds=1, starts=3), task, 8, generator(4))
    torch.testing.assert_close(info.surrogate, alone.amin(0))
    torch.testing.assert_close(info.surrogate, risk(task, distilled))
    assert info.updates == 3 * 5 and not info.converged.any()


@pytest.mark.parametrize("options", [{"starts": 0}, {"rounds": -1}])
def test_it_needs_a_start(options):
    with pytest.raises(ValueError, match="at least 1 start and 0 rounds"):
        Staged(**options)


def test_it_stops_when_a_round_gains_nothing():
    _, info = reach(Staged(early=5, steps=5, rounds=4, tolerance=1e9), merge_task(), 8, generator())
    assert info.converged.all() and info.updates == 2 * 5 + 2 * 5  # the first round is compared with infinity


def test_without_rounds_the_set_is_that_of_the_last_ridge():
    task = merge_task()
    distilled, info = reach(Staged(ridges=(0.5,), early=7, rounds=0), task, 8, generator())
    alone, _ = distil(FirstOrder(0.1, 7), RidgeMerge(task, 0.5), 8, 7, generator())
    torch.testing.assert_close(distilled.x, alone.x)
    assert not info.converged.any() and info.updates == 7
