"""Staged descents: never worse than their start, the best of several, and at EM's maximum."""

import pytest
import torch

from ddbook.chapters.merge.limit.untied import UntiedMerge, draw_untied_sources, drifting, unrolled, untied_maximum_likelihood
from ddlib.dbn.estimators.accelerated import maximum_likelihood
from ddlib.dbn.methods.staged import Given, Stages, distil_in_stages
from tests.ddlib.dbn.world import difference, generator, merge_task, world

QUICK = Stages(early=20, steps=60, rounds=3)


def risk(task, distilled):
    return task.risk(task.fit(distilled)).detach()


@pytest.mark.parametrize("seed", range(3))
def test_the_training_risk_is_never_above_the_starts(seed):
    task = merge_task(seed)
    found = distil_in_stages(task, 8, generator(seed), Stages(early=1, steps=2, rounds=1))
    assert (found.risk <= risk(task, task.start(8, generator(seed)))).all()
    torch.testing.assert_close(found.risk, risk(task, found.distilled))


def test_it_reaches_em_without_being_shown_it():
    task = merge_task(trajectories=300)
    found = distil_in_stages(task, 10, generator(), Stages(early=30, steps=150))
    best = task.risk(maximum_likelihood(task.graph, task.statistics, 3).model)
    assert found.converged.all()
    assert ((found.risk - best).abs() < 1e-6).all()


def test_of_several_descents_the_lowest_risk_counts_per_replicate():
    task, plan = merge_task(), Stages(early=1, steps=3, rounds=1)
    draw = generator(4)
    alone = torch.stack([distil_in_stages(task, 8, draw, plan).risk for _ in range(3)])
    found = distil_in_stages(task, 8, generator(4), Stages(early=1, steps=3, rounds=1, starts=3))
    torch.testing.assert_close(found.risk, alone.amin(0))
    assert found.updates == 3 * 5 and not found.converged.any()
    with pytest.raises(ValueError, match="1 round and 1 start"):
        Stages(starts=0)


def test_it_stops_when_a_round_gains_nothing():
    task = merge_task()
    lazy = distil_in_stages(task, 8, generator(), Stages(early=5, steps=5, rounds=4, tolerance=1e9))
    assert lazy.converged.all() and lazy.updates == 2 * 5 + 2 * 5  # the first round is compared with infinity
    begun = task.start(8, generator())
    assert Given(begun).choose(task, 8, generator()) is begun


@pytest.mark.parametrize("tied", [False, True])
def test_a_drifting_truth_is_learned_with_untied_and_with_tied_transitions(tied):
    graph, model, sources = world(trajectories=600)
    truth = unrolled(drifting(model, 3, generator(1)))
    task = UntiedMerge(graph, model, truth, draw_untied_sources(truth, sources.observed, 600, generator(2), 0.1), tied=tied)
    found = distil_in_stages(task, 12, generator(3), QUICK)
    fitted = task.fit(found.distilled)
    if tied:
        assert torch.equal(fitted.first_weights[:, 4:8, 4:8], fitted.first_weights[:, 8:, 8:])
    else:
        best = untied_maximum_likelihood(graph, task.statistics, 3)
        assert (found.risk >= task.risk(best.model) - 1e-9).all()
        assert difference(best.model, truth) < 0.5
