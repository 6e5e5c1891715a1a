"""Networks, hospitals and the merge on another device and in another precision."""

from __future__ import annotations

from dataclasses import replace

import pytest
import torch

from ddlib.dbn import (
    CarriedEm,
    CleanSubset,
    MergeTask,
    ceiling,
    draw_sources,
    em,
    entropy,
    exact_trajectories,
    expected_log_likelihood,
    expected_trajectories,
    joint,
    log_likelihood,
    mle,
    observed_log_likelihood,
    pairs_observed,
    random_networks,
    random_pattern,
    sample,
    spectral_radius,
    statistics,
    sufficient_rows,
    trajectory_moments,
)
from ddlib.dbn.estimators.accelerated import maximum_likelihood
from ddlib.dbn.estimators.dmmhc import DynamicMmhc
from ddlib.dbn.estimators.levels import LevelDbn, draw_level_sources, level_joint, level_maximum_likelihood, pair_network
from ddlib.dbn.estimators.regularised import cross_validate, ridge_path, stopped_path
from ddlib.dbn.estimators.ridge import penalty, ridge, ridge_maximum
from ddlib.dbn.estimators.static import chained_slice, estimate, fit_rows, visit_graph
from ddlib.dbn.estimators.structure import bic, learn_graph, structural_hamming_distance
from ddlib.dbn.likelihood.forecast import carried_forward_error, held_out_log_likelihood, next_visit_error, outcome_score
from ddlib.dbn.likelihood.information import limits
from ddlib.dbn.methods.staged import Staged
from ddlib.dbn.methods.stopped_descent import stopped_descent
from ddlib.dbn.methods.sufficient import rows_moments
from ddlib.dbn.model.moments import regressors
from ddlib.dbn.rivals import RIVALS, RIVALS_IGNORING_NOISE
from ddlib.dbn.sources import Sources, fold
from ddlib.dbn.task.ridge_merge import RidgeMerge
from ddlib.methods import FirstOrder, ZerothOrder
from tests.accelerator import DEVICE, NUMBER, Wait
from tests.ddlib import products
from tests.ddlib.dbn.world import World, world
from tests.ddlib.devices import agrees, distilling, everywhere

SLICES = 3
WORLD = world(trajectories=12)


def level_model(at: World) -> LevelDbn:
    return LevelDbn(at.truth, torch.full_like(at.truth.variance, 0.5))


def one_slice(at: World) -> Sources:
    return Sources(at.sources.values[..., :1, :], at.sources.observed[..., :1, :], at.sources.noise[..., :1, :])


def slice_graph(at: World):
    return visit_graph(*at.truth.variance.shape, "none", at.truth.variance.device)


def gradient(at: World, draw):
    free = at.truth._replace(intra=at.truth.intra.clone().requires_grad_())
    return torch.autograd.grad(observed_log_likelihood(free, statistics(at.sources), SLICES).sum(), free.intra)


MODEL = {
    "sample": lambda at, draw: sample(at.truth, 5, SLICES, draw),
    "joint": lambda at, draw: joint(at.truth, SLICES),
    "entropy": lambda at, draw: entropy(at.truth, SLICES),
    "spectral_radius": lambda at, draw: spectral_radius(at.truth),
    "mle": lambda at, draw: mle(at.graph, sample(at.truth, 30, SLICES, draw)),
    "log_likelihood": lambda at, draw: log_likelihood(at.truth, sample(at.truth, 5, SLICES, draw)),
    "expected_log_likelihood": lambda at, draw: expected_log_likelihood(at.truth, at.truth, SLICES),
    "exact_trajectories": lambda at, draw: exact_trajectories(at.graph, at.truth, 8, SLICES, draw),
    "sufficient_rows": lambda at, draw: rows_moments(
        sufficient_rows(trajectory_moments(sample(at.truth, 40, SLICES, draw)), 40, SLICES)
    ),
}
SOURCES = {
    "draw_sources": lambda at, draw: draw_sources(at.truth, at.sources.observed, 4, draw),
    "statistics": lambda at, draw: statistics(at.sources),
    "fold": lambda at, draw: fold(at.sources, 1, 4),
    "pairs_observed": lambda at, draw: pairs_observed(at.sources.observed),
}
LIKELIHOOD = {
    "observed": lambda at, draw: observed_log_likelihood(at.truth, statistics(at.sources), SLICES),
    "gradient": gradient,
    "expected_trajectories": lambda at, draw: expected_trajectories(at.truth, statistics(at.sources), SLICES),
    "em": lambda at, draw: em(at.graph, statistics(at.sources), SLICES, iterations=4),
    "limits": lambda at, draw: limits(at.graph, at.truth, statistics(at.sources), SLICES),
    "held_out": lambda at, draw: held_out_log_likelihood(joint(at.truth, SLICES), statistics(at.sources)),
    "next_visit_error": lambda at, draw: next_visit_error(joint(at.truth, SLICES), at.sources.values[:, 0]),
    "carried_forward_error": lambda at, draw: carried_forward_error(at.sources.values[:, 0]),
    "outcome_score": lambda at, draw: outcome_score(joint(at.truth, 1), sample(at.truth, 9, 1, draw).squeeze(2)),
}
ESTIMATORS = {
    "maximum_likelihood": lambda at, draw: maximum_likelihood(at.graph, statistics(at.sources), SLICES, cycles=3),
    "ridge_maximum": lambda at, draw: ridge_maximum(
        at.graph, statistics(at.sources), SLICES, ridge(at.graph, statistics(at.sources), SLICES, 0.1), cycles=3
    ),
    "ridge penalty": lambda at, draw: penalty(at.truth, ridge(at.graph, statistics(at.sources), SLICES, 0.1), SLICES),
    "stopped_path": lambda at, draw: stopped_path(at.graph, statistics(at.sources), SLICES, (1, 3)),
    "ridge_path": lambda at, draw: ridge_path(at.graph, statistics(at.sources), SLICES, (1.0, 9.0), cycles=2),
    "cross_validate": lambda at, draw: cross_validate(
        at.graph, at.sources, lambda *words: stopped_path(*words, iterations=(1, 3)), folds=2
    ),
    "draw_level_sources": lambda at, draw: draw_level_sources(level_model(at), at.sources.observed, 4, draw),
    "level_joint": lambda at, draw: pair_network(at.graph, level_joint(level_model(at), SLICES), SLICES),
    "levels": lambda at, draw: level_maximum_likelihood(at.graph, statistics(at.sources), SLICES, cycles=2),
    "learn_graph": lambda at, draw: learn_graph(trajectory_moments(sample(at.truth, 60, SLICES, draw)), 60, 120),
    "dynamic_mmhc": lambda at, draw: DynamicMmhc(slices=None).fit(sample(at.truth, 60, SLICES, draw)),
    "few sets": lambda at, draw: DynamicMmhc(0.3, largest_set=1).fit(sample(at.truth, 60, SLICES, draw)),
    "bic": lambda at, draw: bic(trajectory_moments(sample(at.truth, 60, SLICES, draw)), at.graph, 60, 120),
    "distance": lambda at, draw: structural_hamming_distance(at.graph, at.graph),
    "fit_rows": lambda at, draw: fit_rows(
        rows := sample(at.truth, 30, 1, draw), rows.new_ones(rows.shape[:2]), regressors(slice_graph(at))
    ),
    "estimate": lambda at, draw: estimate(slice_graph(at), statistics(one_slice(at)), 1, cycles=2, prior=1.0),
    "chained_slice": lambda at, draw: chained_slice(slice_graph(at), one_slice(at), rounds=1),
}
RIVAL = {
    f"{name}, noise {noise}": lambda at, draw, rival=rival: rival(at.graph, at.sources)
    for noise, rivals in (("subtracted", RIVALS), ("ignored", RIVALS_IGNORING_NOISE))
    for name, rival in rivals.items()
}
PATHS = MODEL | SOURCES | LIKELIHOOD | ESTIMATORS | RIVAL


MADE = {
    "random_networks": lambda draw: random_networks(3, 4, draw),
    "random_pattern": lambda draw: random_pattern(3, 3, SLICES, 4, draw),
    "every pair": lambda draw: random_pattern(2, 3, SLICES, 4, draw, 0.25, every_pair=True, per_slice=True),
}
METHODS = [
    *[method for method in products.METHODS if method.name in ("derivative_free", "first_order", "random", "zeroth_order")],
    CleanSubset(),
    CarriedEm(1e-3),
    Staged(early=1, steps=1, rounds=1),
    replace(stopped_descent(8, folds=2, early=1, most=5), method=FirstOrder(keep="last")),
]
LIKELIHOODS, MOMENTS = "ddlib.dbn.likelihood.observed", "ddlib.dbn.model.moments"
ITERATIONS = {  # of how many iterations, and what one more of them waits for: refusals, and whether all have converged
    "em": (
        lambda at, count: em(at.graph, statistics(at.sources), SLICES, iterations=count),
        {f"{LIKELIHOODS}.measured": 1, f"{MOMENTS}.fit_moments": 1, f"{LIKELIHOODS}.em": 1},
    ),
    "accelerated": (
        lambda at, count: maximum_likelihood(at.graph, statistics(at.sources), SLICES, cycles=count),
        {f"{LIKELIHOODS}.measured": 3, f"{MOMENTS}.fit_moments": 3, "ddlib.dbn.estimators.accelerated.accelerate": 1},
    ),
}
UPDATES = {  # what one update waits for: a set or a law that is singular is refused, and nevergrad computes on the CPU
    "first_order": {Wait(NUMBER, f"{LIKELIHOODS}.measured"): 1, Wait(NUMBER, f"{MOMENTS}.fit_moments"): 1},
    "zeroth_order": {Wait(NUMBER, f"{LIKELIHOODS}.measured"): 1, Wait(NUMBER, f"{MOMENTS}.fit_moments"): 1},
}


def merge(at: World, objective: str = "all") -> MergeTask:
    return MergeTask(*at, objective=objective, validation=at.sources)  # type: ignore[arg-type]


def judged(at: World, draw):
    """All that a merge says about the model of a set, with and without a ridge, and the folds that it holds out."""
    tasks = [merge(at), merge(at, "leave_one_out"), RidgeMerge(merge(at), 0.1)]
    model = tasks[0].fit(tasks[0].start(8, draw))
    risks = [task.risk(model, split) for task in tasks for split in ("train", "validation", "test")]
    blocks = [(block.rows, block.risk(model)) for task in tasks for block in task.blocks(tasks[0].start(8, draw))]
    return risks, blocks, [held.task.risk(model, held.split) for held in tasks[0].held_out(0.5)], ceiling(tasks[0])


@everywhere
@pytest.mark.parametrize("name", PATHS)
def test_every_path_of_networks_and_sources(name, dtype, draws):
    agrees(PATHS[name], WORLD, dtype, draws)


@pytest.mark.parametrize("name", MADE)
def test_what_is_made_of_a_generator_alone_lies_on_its_device(name):
    agrees(lambda data, draw: MADE[name](draw), None)


@everywhere
def test_a_merge(dtype, draws):
    agrees(judged, WORLD, dtype, draws)


@everywhere
@pytest.mark.parametrize(
    ("method", "objective"),
    [*((method, "all") for method in METHODS), (FirstOrder(), "leave_one_out"), (ZerothOrder(), "leave_one_out")],
    ids=lambda value: getattr(value, "name", value),
)
def test_every_method_on_a_merge(method, objective, dtype, draws):
    compute = distilling(method, 8)
    waits = agrees(lambda at, draw: compute(merge(at, objective), draw), WORLD, dtype, draws)
    if draws == DEVICE and objective == "all" and method.name in UPDATES and method in products.METHODS:
        assert waits == UPDATES[method.name]


@pytest.mark.parametrize("name", ITERATIONS)
def test_an_iteration_waits_for_its_refusals_and_its_end_alone(name):
    run, expected = ITERATIONS[name]
    more, fewer = (agrees(lambda at, draw, count=count: run(at, count), WORLD) for count in (4, 3))
    assert {wait.where: count for wait, count in (more - fewer).items()} == expected
    assert {wait.why for wait in more - fewer} == {NUMBER}
