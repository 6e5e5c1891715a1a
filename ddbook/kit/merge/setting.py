"""The random networks and hospitals of chapters 04 and 06."""

from __future__ import annotations

from dataclasses import dataclass

import torch
from torch import Tensor

from ddlib.dbn.methods.baselines import complete
from ddlib.dbn.model.generate import check_at_least, random_networks
from ddlib.dbn.model.network import Dbn, Graph
from ddlib.dbn.sources import draw_sources, random_pattern
from ddlib.dbn.task.merge_task import MergeTask
from ddlib.problem import Distilled


@dataclass(frozen=True)
class Setting:
    """Everything that a run's networks and sources are drawn from.

    Attributes:
        replicates: random networks.
        variables, slices: of a trajectory.
        sources: hospitals.
        trajectories: per source.
        hidden: share of the variables that a source hides.
        noise: standard deviation of the measurement noise.
        seed: of all randomness.
        device: where to compute.
    """

    replicates: int = 3
    variables: int = 10
    slices: int = 5
    sources: int = 5
    trajectories: int = 1000
    hidden: float = 0.2
    noise: float = 0.3
    seed: int = 0
    device: str = "cpu"

    def __post_init__(self) -> None:
        check_at_least(self, replicates=1, variables=2, slices=2, sources=2, trajectories=2)

    def generator(self, stream: int) -> torch.Generator:
        """A stream of random numbers of its own: 0 for the data, others for the methods."""
        return torch.Generator(self.device).manual_seed(1_000_003 * self.seed + stream)

    def draw(self) -> tuple[MergeTask, MergeTask]:
        """The merge task with all sources in the risk, and Algorithm 1's leave-one-source-out form, on the same data."""
        graph, truth, pattern, draw = self._population()
        sources = draw_sources(truth, pattern, self.trajectories, draw, self.noise)
        return MergeTask(graph, truth, sources), MergeTask(graph, truth, sources, objective="leave_one_out")

    def clean(self) -> Distilled:
        """The trajectories of :meth:`draw`'s sources as they were before anything was hidden or measured with noise."""
        _, truth, pattern, draw = self._population()
        return complete(draw_sources(truth, torch.ones_like(pattern), self.trajectories, draw, noise=0.0).values.flatten(1, 2))

    def _population(self) -> tuple[Graph, Dbn, Tensor, torch.Generator]:
        """Graphs, networks, which entries are measured, and the stream from which the trajectories are to be drawn."""
        draw = self.generator(0)
        graph, truth = random_networks(self.replicates, self.variables, draw)
        pattern = random_pattern(self.replicates, self.sources, self.slices, self.variables, draw, self.hidden)
        return graph, truth, pattern, draw
