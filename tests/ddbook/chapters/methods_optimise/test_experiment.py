import pytest
import torch

from ddbook.chapters.methods_optimise.experiment import (
    AWARE,
    BLIND,
    GIVEN,
    OWN,
    STEP_SIZES,
    WATCHED,
    LinearWorld,
    evenly,
    snapshot_steps,
    watched,
)
from ddbook.chapters.methods_optimise.faithful import Probes
from ddbook.chapters.methods_optimise.regret import lost
from ddlib.methods import is_exact
from ddlib.trial import log_spaced
from tests.ddbook.chapters.methods_optimise.world import made, small


@pytest.mark.parametrize(
    ("wrong", "sentence"),
    [
        ({"budget": 0}, "budget must be at least 1, but it is 0"),
        ({"budget": 10}, "budget must be below the 10 columns"),
        ({"replicates": 0}, "replicates must be at least 1"),
        ({"steps": 0}, "steps must be at least 1"),
        ({"unrolled_steps": 0}, "unrolled_steps must be at least 1"),
        ({"family_penalties": ()}, "family_penalties must name at least one"),
        ({"family_penalties": (1.0, 1.0)}, "none twice"),
        ({"family_penalties": (1.0, float("inf"))}, "family_penalties must be positive and finite"),
        ({"ridge_penalty": float("nan")}, "ridge_penalty must be positive and finite"),
        ({"logistic_penalty": 0.0}, "logistic_penalty must be positive and finite"),
    ],
)
def test_a_world_that_cannot_be_is_refused_at_once(wrong, sentence):
    with pytest.raises(ValueError, match=sentence):
        LinearWorld(**wrong)


@pytest.mark.parametrize(
    ("wrong", "sentence"),
    [
        ({"snapshots": 0}, "snapshots must be at least 1"),
        ({"snapshots": 17}, "snapshots must be at most 16"),
        ({"draws": 0}, "draws must be at least 1"),
        ({"perturbations": ()}, "one or more positive sizes"),
        ({"perturbations": (0.1, 0.0)}, "one or more positive sizes"),
        ({"perturbations": (float("inf"),)}, "one or more positive sizes"),
    ],
)
def test_probes_that_cannot_be_are_refused_at_once(wrong, sentence):
    with pytest.raises(ValueError, match=sentence):
        Probes(**wrong)


def test_every_method_has_its_name_and_an_unknown_one_is_refused():
    world = small()
    for name in ("exact", *GIVEN, *BLIND, *AWARE):
        assert world.method(name).name == name
    assert set(STEP_SIZES) == {*BLIND, *AWARE}
    with pytest.raises(ValueError, match="choose among exact, random"):
        world.method("magic")


def test_another_step_size_is_taken():
    world = small()
    assert all(world.method(name, 0.5).lr == 0.5 for name in STEP_SIZES)
    assert all(world.method(name).lr == size for name, size in STEP_SIZES.items())


def test_surrogates_with_draws_hand_out_the_last_set_and_all_others_the_best():
    world = small()
    kept = {name: getattr(world.method(name), "keep", None) for name in STEP_SIZES}
    drawn = {"gradient_matching", "gradient_matching_cosine", "trajectory_matching"}
    assert {name for name, keep in kept.items() if keep == "last"} == drawn
    assert {name for name, keep in kept.items() if keep == "best"} == set(STEP_SIZES) - drawn - {"zeroth_order"}


def test_all_methods_run_with_a_path_from_the_start_to_the_set():
    world, runs = small(), made()
    assert list(runs) == ["ridge", "logistic"]
    for key in runs:
        assert set(runs[key]) == {"exact", *GIVEN, *BLIND, *AWARE}
        for name, run in runs[key].items():
            assert list(run.path) == ([0] if name in ("exact", *GIVEN) else watched(world.steps))
            assert all(torch.equal(a, b) for a, b in zip(run.path[max(run.path)], run.distilled, strict=True))
            assert run.settings["method.name"] == name
            assert run.distilled.replicates == 2
            assert run.milliseconds > 0
    assert runs["ridge"]["k_means"] is runs["logistic"]["k_means"]
    for name in BLIND:
        assert (runs["ridge"][name] is runs["logistic"][name]) == (name not in OWN), name


def test_only_the_methods_that_are_published_so_keep_their_labels():
    for name, run in made()["ridge"].items():
        if len(run.path) > 1:
            kept = torch.equal(run.path[0].y, run.distilled.y)
            assert kept == (name in ("kernel_inducing", "zeroth_order")), name


def test_the_exact_set_of_the_classifier_loses_nothing():
    world, runs = small(), made()
    assert is_exact(world.classifier, 1)
    assert lost(world.classifier, runs["logistic"]["exact"].distilled).max() < 1e-12


@pytest.mark.parametrize("budget", [1, 9])
def test_the_smallest_and_the_largest_budget_run(budget):
    world = small(budget=budget, replicates=1, steps=1)
    for key, run in ((key, run) for key, runs in made(budget=budget, replicates=1, steps=1).items() for run in runs.values()):
        assert 1 <= run.distilled.budget <= budget, key
        assert lost(world.tasks[key], run.distilled).isfinite().all()


def test_even_numbers_begin_at_zero_and_end_at_the_last():
    assert evenly(3, 31) == [0, 1, 2, 3]
    assert len(evenly(200, 31)) == 31


def test_snapshots_go_back_from_the_end():
    assert snapshot_steps(200, 1) == [200]
    assert snapshot_steps(200, 2) == [0, 200]
    assert snapshot_steps(200, 4) == [0, 12, 50, 200]
    assert snapshot_steps(1, 4) == [0, 1]


@pytest.mark.parametrize("steps", [1, 12, 200, 1000, 5000])
def test_what_can_be_asked_for_of_a_path_was_watched(steps):
    kept = set(watched(steps))
    assert kept >= set(evenly(steps, WATCHED)) | set(log_spaced(steps, WATCHED))
    for snapshots in range(1, 17):
        assert kept >= set(snapshot_steps(steps, snapshots))
