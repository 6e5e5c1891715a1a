"""The authors' own files as a task, and data re-drawn from their description: as released, and without the defect found in them.

*Files.* The released rows and partitions. Replicate r reads them from another place on: the r-th hundred of the clean rows and the
r-th twenty of each partition come first, so that replicate 0 has the rows of the published figures.

Both generators of *rebuilt* data share their networks: 20 variables, intra-slice graph with edge probability 2·1.3/p and weights
U(0.1, 1), inter-slice half self edges and half others with weights U(0.4, 1.1), no intercepts, noise of standard deviation 0.5, but
1 at the roots of the first slice. 1000 clean rows are split into 5 sources of 200; each hides 2 of the 20 variables, others in each
slice, and adds noise.

*As released*: in the released files every column after the first slice is independent white noise, and the noise of the
measurements is one number per row and slice. The white noise is taken to have the declared standard deviation, 0.5: that is
the spread of the released columns.

*As described*: edges into later slices are alive and each entry has noise of its own. Inter-slice weights are multiplied by one
factor where the spectral radius of the transition exceeds 0.9, so that ten slices stay finite.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import NamedTuple

import numpy as np
import torch
from jaxtyping import Float
from torch import Tensor

from ddbook.chapters.merge.published.task import PublishedMerge, as_rows
from ddlib.datasets import MergeRelease
from ddlib.dbn.model.generate import check_at_least, random_graphs, sample
from ddlib.dbn.model.network import Dbn, Graph, spectral_radius
from ddlib.dbn.sources import Sources, random_pattern
from ddlib.problem import Distilled

FILES, GENERATORS = "files", ("released", "described")
"""The authors' own data; rebuilt data with and without the defect, of which the replicates of the former come first."""
MOST_SEEDS = 10
"""So many hundreds of clean rows there are."""
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
    """One draw of everything.

    Attributes:
        task: the merge.
        clean: the sources' own rows, clean and complete, one source after the other.
        graph: the declared graphs.
        declared: the declared networks; the data follow ``task.truth``.
        kinds: what the data are: equally many replicates of each, in this order.
    """

    task: PublishedMerge
    clean: Distilled
    graph: Graph
    declared: Dbn
    kinds: tuple[str, ...]

    @property
    def columns(self) -> dict[str, np.ndarray]:
        """The kind of data and the seed of each replicate."""
        seeds = self.clean.replicates // len(self.kinds)
        return {"data": np.repeat(self.kinds, seeds), "seed": np.tile(np.arange(seeds), len(self.kinds))}


def from_files(release: MergeRelease, replicates: int = 1, swapped: bool = True) -> Released:
    """The authors' files, each replicate from another row on.

    Args:
        release: of two or ten slices.
        replicates: seeds; the first has the rows in their order.
        swapped: exchange filled cells as in the release.

    Raises:
        ValueError: if there are more replicates than places to begin at.
    """
    if not 1 <= replicates <= MOST_SEEDS:
        raise ValueError(f"the files have rows for 1 to {MOST_SEEDS} seeds, but {replicates} were asked for")

    def turned(rows: Tensor, step: int) -> Tensor:
        return torch.stack([rows.roll(-step * r, dims=-3) for r in range(replicates)])

    def shared(part: Tensor) -> Tensor:
        return part.expand(replicates, *part.shape)

    values = turned(release.partitions, 20)
    observed = ~values.isnan().any(2)
    variables = release.intra.shape[-1]
    nothing = release.train.new_zeros(variables)
    first_variance = torch.where((release.intra != 0).any(-1), 0.25, 1.0).to(nothing)
    model = Dbn(nothing, release.intra, first_variance, nothing, release.intra, release.inter, nothing + 0.25)
    declared = Dbn(*map(shared, model))
    graph = Graph(declared.intra != 0, declared.intra != 0, declared.inter != 0)
    sources = Sources(values, observed, torch.zeros(observed.shape, dtype=values.dtype))
    task = PublishedMerge(without_later_edges(declared), sources, shared(release.test), swapped)
    return Released(task, as_rows(turned(release.train, 100)), graph, declared, (FILES,))


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
        task = PublishedMerge(truth, sources, test)
        return Released(task, as_rows(clean), both, declared, GENERATORS)

    def _measure(self, clean: Float[Tensor, "R K n T p"], observed: Tensor, generator: torch.Generator) -> Sources:
        """Noise, one number per row and slice in the first half of the replicates and per entry in the second; then gaps."""
        error = torch.randn(clean.shape, dtype=clean.dtype, device=generator.device, generator=generator).to(clean)
        error[: self.replicates] = error[: self.replicates, ..., :1].clone()
        values = torch.where(observed.unsqueeze(2), clean + self.noise * error, torch.nan)
        return Sources(values, observed, torch.full(observed.shape, self.noise, dtype=clean.dtype, device=clean.device))
