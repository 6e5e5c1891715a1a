"""Networks with a transition of their own for each pair of visits."""

import pytest
import torch

from ddbook.chapters.merge.limit.untied import UntiedMerge, draw_untied_sources, drifting, unrolled, untied_maximum_likelihood
from ddlib.dbn.methods.staged import Staged
from ddlib.problem import distil
from tests.ddlib.dbn.world import difference, folds_add_up, generator, world


@pytest.mark.parametrize("tied", [False, True])
def test_a_drifting_truth_is_learned_with_untied_and_with_tied_transitions(tied):
    graph, model, sources = world(trajectories=600)
    truth = unrolled(drifting(model, 3, generator(1)))
    task = UntiedMerge(graph, model, truth, draw_untied_sources(truth, sources.observed, 600, generator(2), 0.1), tied=tied)
    distilled, (info,) = distil(Staged(early=20, steps=60, rounds=3), task, 12, 1, generator(3))
    fitted = task.fit(distilled)
    if tied:
        assert torch.equal(fitted.first_weights[:, 4:8, 4:8], fitted.first_weights[:, 8:, 8:])
    else:
        best = untied_maximum_likelihood(graph, task.statistics, 3)
        assert (info.surrogate >= task.risk(best.model) - 1e-9).all()
        assert difference(best.model, truth) < 0.5


def test_a_merge_without_ties_holds_out_folds_of_its_patients():
    graph, model, sources = world(trajectories=23)
    folds_add_up(UntiedMerge(graph, model, unrolled(drifting(model, 3, generator(1))), sources), 23)
