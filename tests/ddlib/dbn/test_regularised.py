"""Choosing by held-out patients: folds, early stopping of EM and of a descent, the ridge."""

import pytest
import torch

from ddlib.dbn.estimators.regularised import RIDGES, cross_validate, fold, pick, ridge_path, stopped_path
from ddlib.dbn.estimators.ridge import ridge, ridge_maximum
from ddlib.dbn.likelihood.observed import em, independent_start, observed_log_likelihood
from ddlib.dbn.methods.stopped import WATCHED, distil_and_stop
from ddlib.dbn.sources import statistics
from ddlib.dbn.task.merge_task import MergeTask
from ddlib.problem import Distilled
from tests.ddlib.dbn.world import difference, generator, world

SLICES = 3


@pytest.mark.parametrize(("patients", "folds"), [(20, 2), (21, 2), (23, 5)])
def test_folds_hold_each_patient_out_once(patients, folds):
    _, _, sources = world(trajectories=patients)
    seen = []
    for number in range(folds):
        rest, held = fold(sources, number, folds)
        assert rest.values.shape[2] + held.values.shape[2] == patients
        both = torch.cat([rest.values, held.values], dim=2)[0, 0, :, 0].nan_to_num(-1e9)
        assert torch.equal(both.sort(0).values, sources.values[0, 0, :, 0].nan_to_num(-1e9).sort(0).values)
        seen.append(held.values)
    together = torch.cat(seen, dim=2).nan_to_num(-1e9)
    assert torch.equal(together.sort(2).values, sources.values.nan_to_num(-1e9).sort(2).values)


@pytest.mark.parametrize("folds", [1, 6])
def test_folds_that_are_too_small_are_refused(folds):
    _, _, sources = world(trajectories=11)
    with pytest.raises(ValueError, match="leave too few"):
        fold(sources, 0, folds)


def test_stopped_em_is_em_after_so_many_iterations():
    graph, _, sources = world()
    data = statistics(sources)
    for number, model in zip((2, 5, 9), stopped_path(graph, data, SLICES, (2, 5, 9)), strict=True):
        assert difference(model, em(graph, data, SLICES, tolerance=-1.0, iterations=number).model) < 1e-12


def test_the_ridge_path_holds_a_maximum_for_each_number_of_pseudo_patients():
    graph, _, sources = world()
    data = statistics(sources)
    numbers = (0.5, 50.0, 5.0)
    for number, model in zip(numbers, ridge_path(graph, data, SLICES, numbers, cycles=1000), strict=True):
        alone = ridge_maximum(
            graph, data, SLICES, ridge(graph, data, SLICES, number / 300), tolerance=1e-13
        ).model  # 3 × 100 patients
        assert difference(model, alone) < 0.02
    assert min(RIDGES) > 0 and len(set(RIDGES)) == len(RIDGES)


def test_the_choice_is_the_likeliest_for_held_out_patients():
    graph, _, sources = world(trajectories=30)

    def path(graph, data, slices):
        return stopped_path(graph, data, slices, (1, 4, 16, 64))

    found = cross_validate(graph, sources, path, 3)
    scores = torch.zeros(4, 2, dtype=torch.float64)
    for number in range(3):  # each fold on its own, not in one batch
        rest, held = fold(sources, number, 3)
        for place, model in enumerate(path(graph, statistics(rest), SLICES)):
            scores[place] += observed_log_likelihood(model, statistics(held), SLICES).sum(-1) / 90
    torch.testing.assert_close(found.held_out, scores)
    assert torch.equal(found.choice, scores.argmax(0))
    whole = path(graph, statistics(sources), SLICES)
    assert difference(found.model, pick(whole, found.choice)) < 1e-10


def test_each_replicate_gets_its_own_candidate():
    graph, _, sources = world()
    data = statistics(sources)
    path = [independent_start(graph, data, SLICES), em(graph, data, SLICES, iterations=3).model]
    found = pick(path, torch.tensor([1, 0]))
    assert torch.equal(found.variance[0], path[1].variance[0]) and torch.equal(found.variance[1], path[0].variance[1])
    sets = [Distilled(*(torch.full(shape, float(value)) for shape in ((2, 3, 4), (2, 3, 0), (2, 3)))) for value in range(3)]
    chosen = pick(sets, torch.tensor([2, 1]))
    assert isinstance(chosen, Distilled) and chosen.w[:, 0].tolist() == [2.0, 1.0] and chosen.x.shape == (2, 3, 4)


def test_a_stopped_descent_hands_out_the_iterate_that_held_out_patients_choose():
    graph, truth, sources = world(trajectories=40)
    task = MergeTask(graph, truth, sources)
    found = distil_and_stop(task, 8, 3, folds=2, early=10, most=20)
    watched = [step for step in WATCHED if step <= 20]
    assert found.held_out.shape == (len(watched), 2)
    assert found.updates.tolist() == [watched[int(place)] for place in found.held_out.argmax(0)]
    assert found.distilled.x.shape == (2, 8, SLICES, 4)
    again = distil_and_stop(task, 8, 3, folds=2, early=10, most=20)
    assert torch.equal(found.distilled.x, again.distilled.x)
    start = task.start(8, generator(3))
    assert (task.risk(task.fit(found.distilled)) < task.risk(task.fit(start))).all()
