"""The conditions of chapter 06: chapter 04's base case with one factor changed at a time, each as a merge task."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import Literal, NamedTuple

import torch
from jaxtyping import Bool, Float, Int
from torch import Tensor

from ddbook.chapters.merge.limit.restated import restated
from ddbook.chapters.merge.limit.unknown_noise import maximum_likelihood_with_noise, with_noise
from ddbook.chapters.merge.limit.untied import (
    UntiedMerge,
    draw_untied_sources,
    drifting,
    unrolled,
    unrolled_graph,
    untied_maximum_likelihood,
)
from ddbook.kit.merge.setting import Setting
from ddlib.dbn.estimators.accelerated import maximum_likelihood
from ddlib.dbn.estimators.structure import learn_graph, structural_hamming_distance
from ddlib.dbn.likelihood.observed import Em, expected_trajectories
from ddlib.dbn.methods.baselines import complete
from ddlib.dbn.model.generate import random_networks
from ddlib.dbn.model.moments import gaussian_moments
from ddlib.dbn.model.network import Dbn, Graph
from ddlib.dbn.sources import Sources, Statistics, draw_sources, random_pattern
from ddlib.dbn.task.merge_task import MergeTask
from ddlib.problem import Distilled

Hiding = Literal["random", "every_pair", "never_together"]
Knowledge = Literal["known", "ignored", "estimated"]
MOST_PARENTS = 6
"""Largest in-degree of a learned graph."""


@dataclass(frozen=True)
class Condition:
    """One condition: the setting, and what differs from chapter 04's base case.

    Attributes:
        name: how tables and figures call it.
        setting: sizes, noise and seed.
        hiding: variables hidden at random; likewise, but every pair is measured together somewhere; or half of the sources hide one
            group of variables and the others another, so that no pair across the groups is ever measured together.
        noise: what is known of the noise.
        graph: known, or learned from the sources.
        learner: whether the learner ties the transitions.
        drift: the truth's transitions differ by so much (zero: they are the same).
    """

    name: str
    setting: Setting = field(default_factory=Setting)
    hiding: Hiding = "random"
    noise: Knowledge = "known"
    graph: Literal["known", "learned"] = "known"
    learner: Literal["tied", "untied"] = "tied"
    drift: float = 0.0


class World(NamedTuple):
    """A condition drawn.

    Attributes:
        task: with the noise and the graph as the condition lets them be known.
        graph: the true graphs, unrolled if the learner does not tie the transitions.
        truth: the true networks in the learner's form; where that cannot hold them (a drift that is tied), none.
        statistics: of the sources, with the true noise.
        slices: as the learner's form counts them: one if unrolled.
        clean: the sources' own trajectories, complete and without noise.
        notes: numbers worth reporting: structural Hamming distance, estimated noise.
    """

    task: MergeTask
    graph: Graph
    truth: Dbn | None
    statistics: Statistics
    slices: int
    clean: Distilled
    notes: dict[str, Tensor]


def split_pattern(
    replicates: int, sources: int, slices: int, variables: int, generator: torch.Generator, hidden: float
) -> Bool[Tensor, "R K T p"]:
    """Two random groups of variables; every second source hides the one, the others hide the other.

    Raises:
        ValueError: if the groups hold more than all variables.
    """
    size = round(hidden * variables)
    if not 0 < 2 * size <= variables:
        raise ValueError(f"two groups of {size} hidden variables do not fit into {variables}: hide at least one and at most half")
    rank = (
        torch.rand(replicates, variables, dtype=torch.float64, device=generator.device, generator=generator).argsort(-1).argsort(-1)
    )
    group = torch.stack([rank < size, (rank >= size) & (rank < 2 * size)])
    which: Int[Tensor, " K"] = torch.arange(sources, device=generator.device) % 2
    return ~group[which].transpose(0, 1).unsqueeze(2).expand(-1, -1, slices, -1).clone()


def draw_pattern(condition: Condition, generator: torch.Generator) -> Bool[Tensor, "R K T p"]:
    """Which entries each source measures."""
    s = condition.setting
    if condition.hiding == "never_together":
        return split_pattern(s.replicates, s.sources, s.slices, s.variables, generator, s.hidden)
    every = condition.hiding == "every_pair"
    return random_pattern(s.replicates, s.sources, s.slices, s.variables, generator, s.hidden, every_pair=every)


def learned_graph(sources: Statistics, variables: int, slices: int) -> Graph:
    """A graph from the sources alone: EM without restrictions on the edges, then a greedy BIC search on its expected moments."""
    every = torch.ones(sources.size.shape[0], variables, variables, dtype=torch.bool, device=sources.mean.device)
    model = maximum_likelihood(Graph(every.tril(-1), every.tril(-1), every), sources, slices, tolerance=1e-7).model
    moments = gaussian_moments(expected_trajectories(model, sources, slices)[0], slices)
    total = sources.size.sum(-1)
    return learn_graph(moments, total, total * (slices - 1), MOST_PARENTS)


def draw(condition: Condition) -> World:
    """The networks and sources of a condition, and the task as it is known to the methods."""
    s = condition.setting
    generator = s.generator(0)
    graph, model = random_networks(s.replicates, s.variables, generator)
    pattern = draw_pattern(condition, generator)
    if condition.drift or condition.learner == "untied":
        return _drifting(condition, graph, model, pattern, generator)
    state = generator.get_state()
    sources = draw_sources(model, pattern, s.trajectories, generator, s.noise)
    generator.set_state(state)  # the same patients
    clean = draw_sources(model, torch.ones_like(pattern), s.trajectories, generator, 0.0).values.flatten(1, 2)
    task = MergeTask(graph, model, sources)
    data, notes = task.statistics, {}
    if condition.graph == "learned":
        found = learned_graph(data, s.variables, s.slices)
        notes["hamming"] = structural_hamming_distance(found, graph).to(torch.float64)
        notes["edges"] = sum((mask.sum((-2, -1)) for mask in graph), torch.zeros(1)).to(torch.float64)
        task = MergeTask(found, model, sources)
    task = _told(condition.noise, task, notes)
    return World(task, graph, model, data, s.slices, complete(clean), notes)


def _told(noise: Knowledge, task: MergeTask, notes: dict[str, Tensor]) -> MergeTask:
    """The task with the noise as it is known."""
    if noise == "known":
        return task
    size: Float[Tensor, " R"] = torch.zeros_like(task.statistics.size[:, 0])
    if noise == "estimated":
        size = maximum_likelihood_with_noise(task.graph, task.statistics, task.slices, tolerance=1e-10).deviation
        notes["noise"] = size
    return restated(task, with_noise(task.statistics, size**2))


def _drifting(condition: Condition, graph: Graph, model: Dbn, pattern: Tensor, generator: torch.Generator) -> World:
    s = condition.setting
    models = drifting(model, s.slices, generator, condition.drift) if condition.drift else [model] * (s.slices - 1)
    truth = unrolled(models)
    state = generator.get_state()
    sources: Sources = draw_untied_sources(truth, pattern, s.trajectories, generator, s.noise)
    generator.set_state(state)
    clean = draw_untied_sources(truth, torch.ones_like(pattern), s.trajectories, generator, 0.0).values.flatten(1, 2)
    task = UntiedMerge(graph, model, truth, sources, tied=condition.learner == "tied")
    held = None if condition.learner == "tied" else truth
    shape = graph if condition.learner == "tied" else unrolled_graph(graph, s.slices)
    return World(task, shape, held, task.statistics, 1, complete(clean), {})


def best_fit(world: World, cycles: int = 400) -> Em:
    """The maximum of the observed-data likelihood under what the task knows: EM's estimate.

    With little information the likelihood can rise for ever towards a variance of zero; then EM does not converge in these cycles.
    """
    task = world.task
    if isinstance(task, UntiedMerge) and not task.tied:
        return untied_maximum_likelihood(task.graph, task.statistics, task.slices, cycles=cycles)
    found = maximum_likelihood(task.graph, task.statistics, task.slices, tolerance=1e-12, cycles=cycles)
    return found._replace(model=unrolled([found.model] * (task.slices - 1))) if isinstance(task, UntiedMerge) else found
