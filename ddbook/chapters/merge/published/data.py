"""The released data, re-drawn from their description, and the same without the defect that was found in them.

Both generators share their networks: 20 variables, intra-slice graph with edge probability 2·1.3/p and weights U(0.1, 1),
inter-slice half self edges and half others with weights U(0.4, 1.1), no intercepts, noise of standard deviation 0.5, but 1 at the
roots of the first slice. 1000 clean rows are split into 5 sources of 200; each hides 2 of the 20 variables, others in each slice,
and adds noise.

*As released*: in the released file every column after the first slice is independent white noise, and the noise of the measurements
is one number per row and slice. The white noise is taken to have the declared standard deviation, 0.5: the entropy of such a
network fits the log-likelihood that the true generator has on the released rows.

*As described*: edges into later slices are alive and each entry has noise of its own. Inter-slice weights are multiplied by one
factor where the spectral radius of the transition exceeds 0.9, so that ten slices stay finite.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import NamedTuple

import torch
from jaxtyping import Float
from torch import Tensor

from ddbook.chapters.merge.published.task import PublishedMerge
from ddlib.dbn.methods.baselines import complete
from ddlib.dbn.model.generate import check_at_least, random_graphs, sample
from ddlib.dbn.model.network import Dbn, Graph, spectral_radius
from ddlib.dbn.sources import Sources, random_pattern
from ddlib.problem import Distilled

GENERATORS = ("released", "described")
"""With and without the defect; the replicates of the former come first."""
INTRA_WEIGHTS, INTER_WEIGHTS = (0.1, 1.0), (0.4, 1.1)
LARGEST_RADIUS = 0.9


def declared_networks(replicates: int, variables: int, generator: torch.Generator) -> tuple[Graph, Dbn]:
    """Random networks as the release declares them."""
    graph = random_graphs(replicates, variables, generator)

    def weights(mask: Tensor, low: float, high: float) -> Tensor:
        share = torch.rand(mask.shape, dtype=torch.float64, device=generator.device, generator=generator)
        return mask * (low + (high - low) * share)

    intra, inter = weights(graph.intra, *INTRA_WEIGHTS), weights(graph.inter, *INTER_WEIGHTS)
    nothing = torch.zeros(replicates, variables, dtype=torch.float64, device=generator.device)
    first_variance = torch.where(graph.first.any(-1), 0.25, 1.0).to(torch.float64)
    return graph, Dbn(nothing, intra, first_variance, nothing.clone(), intra.clone(), inter, torch.full_like(nothing, 0.25))


def without_later_edges(model: Dbn) -> Dbn:
    """The networks that the released data follow: no edge into a later slice is alive."""
    return model._replace(intra=torch.zeros_like(model.intra), inter=torch.zeros_like(model.inter))


def stable(model: Dbn, largest: float = LARGEST_RADIUS) -> Dbn:
    """Inter-slice weights multiplied by one factor per network where its spectral radius exceeds ``largest``."""
    factor = (largest / spectral_radius(model)).clamp(max=1.0)
    return model._replace(inter=model.inter * factor[:, None, None])


class Released(NamedTuple):
    """One draw of everything; replicates as released first, then as described, on the same networks.

    Attributes:
        task: the merge as released.
        clean: the sources' own rows, clean and complete, one source after the other.
        graph: the declared graphs.
        declared: the declared networks; the data follow ``task.truth``.
    """

    task: PublishedMerge
    clean: Distilled
    graph: Graph
    declared: Dbn


@dataclass(frozen=True)
class ReleasedSetting:
    """The sizes of the released experiment.

    Attributes:
        replicates: seeds per generator.
        slices: 2, or 10 for the scale-up.
        variables: of a row.
        sources: the number of partitions.
        rows: per partition.
        test_rows: clean test rows.
        hidden: share of the variables that a source hides in each slice.
        noise: standard deviation of the measurement noise.
        most_parents, gamma: of the learner, see :class:`~ddbook.chapters.merge.published.task.PublishedMerge`.
        seed: of all randomness.
        device: where to compute.
    """

    replicates: int = 3
    slices: int = 2
    variables: int = 20
    sources: int = 5
    rows: int = 200
    test_rows: int = 1000
    hidden: float = 0.1
    noise: float = 0.1
    most_parents: int = 3
    gamma: float = 1.0
    seed: int = 0
    device: str = "cpu"

    def __post_init__(self) -> None:
        check_at_least(self, replicates=1, slices=2, variables=2, sources=2, rows=5, test_rows=2)

    def generator(self, stream: int) -> torch.Generator:
        """A stream of random numbers of its own: 0 for the data, others for the methods."""
        return torch.Generator(self.device).manual_seed(1_000_003 * self.seed + stream)

    def draw(self) -> Released:
        """Networks, rows and sources of both generators."""
        draw = self.generator(0)
        graph, model = declared_networks(self.replicates, self.variables, draw)
        dynamic = stable(model)
        truth = Dbn(*(torch.cat(parts) for parts in zip(without_later_edges(model), dynamic, strict=True)))
        declared = Dbn(*(torch.cat(parts) for parts in zip(model, dynamic, strict=True)))
        both = Graph(*(torch.cat([part, part]) for part in graph))
        clean = sample(truth, self.sources * self.rows, self.slices, draw)
        test = sample(truth, self.test_rows, self.slices, draw)
        pattern = random_pattern(self.replicates, self.sources, self.slices, self.variables, draw, self.hidden, per_slice=True)
        sources = self._measure(clean.unflatten(1, (self.sources, self.rows)), torch.cat([pattern, pattern]), draw)
        task = PublishedMerge(truth, sources, test, self.most_parents, self.gamma)
        return Released(task, complete(clean), both, declared)

    def _measure(self, clean: Float[Tensor, "R K n T p"], observed: Tensor, generator: torch.Generator) -> Sources:
        """Noise, one number per row and slice in the first half of the replicates and per entry in the second; then gaps."""
        error = torch.randn(clean.shape, dtype=clean.dtype, device=generator.device, generator=generator).to(clean)
        error[: self.replicates] = error[: self.replicates, ..., :1].clone()
        values = torch.where(observed.unsqueeze(2), clean + self.noise * error, torch.nan)
        return Sources(values, observed, torch.full(observed.shape, self.noise, dtype=clean.dtype, device=clean.device))
