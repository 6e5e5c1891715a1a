"""Choosing by held-out patients: folds, early stopping of EM and of a descent, the ridge."""

import pytest
import torch

from ddlib.dbn.estimators.regularised import RIDGES, cross_validate, ridge_path, stopped_path
from ddlib.dbn.estimators.ridge import ridge, ridge_maximum
from ddlib.dbn.likelihood.observed import em, observed_log_likelihood
from ddlib.dbn.methods.stopped_descent import WATCHED, stopped_descent
from ddlib.dbn.sources import fold, statistics
from ddlib.dbn.task.ridge_merge import RidgeMerge
from ddlib.methods.composed import pick
from ddlib.problem import distil
from ddlib.protocols import Resampled
from tests.ddlib.dbn.world import difference, folds_add_up, generator, merge_task, world

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


def test_a_stopped_descent_hands_out_the_iterate_that_held_out_patients_choose():
    task = merge_task(trajectories=40)
    method = stopped_descent(8, folds=2, early=10, most=20)
    distilled, (info,) = distil(method, task, 8, 1, generator(3))
    watched = [step for step in WATCHED if step <= 20]
    assert info.held_out.shape == (len(watched), 2)
    assert info.updates.tolist() == [watched[int(place)] for place in info.held_out.argmin(0)]
    assert torch.equal(info.surrogate, info.held_out.amin(0))
    for replicate, updates in enumerate(info.updates.tolist()):
        alone, _ = distil(method.method, task, 8, updates, generator(3))
        torch.testing.assert_close(distilled.x[replicate], alone.x[replicate])
    start = task.start(8, generator(3))
    assert (task.risk(task.fit(distilled)) < task.risk(task.fit(start))).all()


def test_a_stopped_descent_needs_folds():
    with pytest.raises(ValueError, match="at least 2 folds"):
        stopped_descent(8, folds=1)


@pytest.mark.parametrize("stated", [merge_task, lambda **sizes: RidgeMerge(merge_task(**sizes), 0.1)])
def test_a_merge_holds_out_folds_of_its_patients(stated):
    task = stated(trajectories=23)
    assert isinstance(task, Resampled)
    folds_add_up(task, 23)
    with pytest.raises(ValueError, match="leave too few"):
        task.held_out(0.9)
