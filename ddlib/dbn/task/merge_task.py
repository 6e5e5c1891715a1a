r"""The merge task: a set of complete trajectories from which one network is learned that fits every hospital's data.

The learner is the maximum-likelihood fit of a DBN with a known graph. The training risk is the negative log-likelihood of what the
sources measured, under the network learned from S,

.. math:: R(S) = -\frac{\sum_k \log p(D_k \mid \hat\theta(S))}{\sum_k N_k} \quad \text{(nats per trajectory)},

and the test risk is the expected negative log-likelihood of a clean complete trajectory under the true network, in closed form.
"""

from __future__ import annotations

import copy
from collections.abc import Sequence
from typing import Literal

import torch
from jaxtyping import Float, Int
from torch import Tensor

from ddlib.dbn.likelihood.observed import observed_log_likelihood
from ddlib.dbn.model.moments import check_rank, expected_log_likelihood, fit_moments, in_degrees, regressors, trajectory_moments
from ddlib.dbn.model.network import Dbn, Graph, topological_order
from ddlib.dbn.sources import Sources, Statistics, fold, statistics
from ddlib.problem import Block, Distilled, Split, whole_set
from ddlib.protocols import Fold

__all__ = ["Fill", "MergeTask", "Objective"]

Objective = Literal["all", "leave_one_out"]
"""Which risk each part of the set is updated for."""
Fill = Literal["marginal", "standard_normal"]
"""What stands at hidden entries when a source's rows start the set."""


class MergeTask:
    """Merging K sources with different hidden variables into one set of complete trajectories.

    A unit is a trajectory: ``x`` has shape (R, m, T, p), ``y`` has no columns.

    Attributes:
        objective: ``"all"``: one block, whose risk is that of all sources. ``"leave_one_out"``: the published Algorithm 1; block j
            holds the trajectories that began as rows of source j and is updated for the risk of the *other* sources.
        sources: what the hospitals hold.
        statistics: the sources' sufficient statistics.
        truth: the true networks.

    >>> from ddlib.dbn import draw_sources, random_networks, random_pattern
    >>> generator = torch.Generator().manual_seed(0)
    >>> graph, truth = random_networks(1, 3, generator)
    >>> task = MergeTask(graph, truth, draw_sources(truth, random_pattern(1, 2, 4, 3, generator), 20, generator))
    >>> task.start(6, generator).x.shape, task.risk(truth).shape
    (torch.Size([1, 6, 4, 3]), torch.Size([1]))
    """

    def __init__(
        self,
        graph: Graph,
        truth: Dbn,
        sources: Sources,
        objective: Objective = "all",
        validation: Sources | None = None,
        fill: Fill = "marginal",
        name: str = "merge",
    ) -> None:
        """State the task.

        Args:
            graph: the known graphs.
            truth: the true networks: the reference and the law of the test risk.
            sources: the training data.
            objective: which risk each part of S is updated for.
            validation: held-out trajectories of the same sources, for the validation risk.
            fill: what stands at hidden entries when a source's rows start the set: draws from the normal law with the variable's
                pooled measured mean and variance in that slice, or N(0, 1) as released.
            name: how tables call the task.

        Raises:
            ValueError: if the sources do not fit the graph, have fewer than two slices, measure some entry nowhere, or hold a value
                that is not finite at a measured entry; or if an option is unknown.
        """
        if objective not in ("all", "leave_one_out"):
            raise ValueError(f"the objective must be 'all' or 'leave_one_out', but it is {objective!r}")
        if fill not in ("marginal", "standard_normal"):
            raise ValueError(f"hidden entries are filled by 'marginal' or 'standard_normal', but the choice is {fill!r}")
        _check(graph, sources)
        topological_order(graph.first)
        topological_order(graph.intra)
        self.name, self.objective, self.fill = name, objective, fill
        self.graph, self.truth, self.sources = graph, truth, sources
        self.statistics = statistics(sources)
        self._validation = None if validation is None else statistics(validation)
        self._parents, self._degrees = regressors(graph), in_degrees(graph)

    @property
    def slices(self) -> int:
        """The number of slices T."""
        return self.sources.slices

    @property
    def train(self) -> Distilled:
        """All sources' trajectories, one source after the other, with not-a-number at hidden entries."""
        x = self.sources.values.flatten(1, 2)
        return Distilled(x, x.new_zeros(*x.shape[:2], 0), x.new_ones(x.shape[:2]))

    @property
    def reference(self) -> Dbn:
        """The true networks."""
        return self.truth

    def source_of(self, budget: int) -> Int[Tensor, " m"]:
        """The source whose row each unit started as: the budget is spread evenly, remainders to the first sources."""
        return (torch.arange(budget, device=self.sources.values.device) % self.sources.values.shape[1]).sort().values

    def start(self, budget: int, generator: torch.Generator) -> Distilled:
        """Noisy rows of the sources, drawn without replacement and spread evenly over sources, hidden entries filled.

        Raises:
            ValueError: if the budget is below one or a source has too few trajectories for its share.
        """
        values = self.sources.values
        replicates, sources, available = values.shape[:3]
        share = -(-budget // sources)
        if not 1 <= share <= available:
            raise ValueError(f"a budget of {budget} needs {share} trajectories of each source, but a source has {available}")
        keys = torch.rand((replicates, sources, available), dtype=values.dtype, device=generator.device, generator=generator)
        rows = keys.to(values).topk(share, dim=-1).indices
        drawn = values.gather(2, rows[..., None, None].expand(-1, -1, -1, *values.shape[3:]))
        belongs = self.source_of(budget)
        position = torch.arange(budget, device=belongs.device) - torch.searchsorted(belongs, belongs)
        x = drawn[:, belongs, position]
        x = torch.where(x.isnan(), self._fill(budget, generator), x)
        return Distilled(x, x.new_zeros(replicates, budget, 0), x.new_ones(replicates, budget))

    def _fill(self, budget: int, generator: torch.Generator) -> Float[Tensor, "R m T p"]:
        replicates, _, _, slices, variables = self.sources.values.shape
        shape = (replicates, budget, slices, variables)
        noise = torch.randn(shape, dtype=self.sources.values.dtype, device=generator.device, generator=generator)
        noise = noise.to(self.sources.values)
        if self.fill == "standard_normal":
            return noise
        # Sources count equally here: this is only a place to begin.
        seen = self.statistics.observed
        times = seen.sum(-2)
        mean = (seen * self.statistics.mean).sum(-2) / times
        off = (self.statistics.mean - mean.unsqueeze(-2)) * seen
        variance = (self.statistics.covariance.diagonal(dim1=-2, dim2=-1) + off**2).sum(-2) / times
        return mean.view(-1, 1, slices, variables) + variance.sqrt().view(-1, 1, slices, variables) * noise

    def fit(self, distilled: Distilled, generator: torch.Generator | None = None) -> Dbn:
        """Maximum likelihood for the known graph; differentiable in the trajectories and their weights.

        Raises:
            ValueError: if the set has another shape than the sources' trajectories, too few trajectories for the graph, or
                collinear ones.
        """
        if distilled.x.shape[-2:] != self.sources.values.shape[-2:]:
            expected = tuple(self.sources.values.shape[-2:])
            raise ValueError(f"a trajectory here has shape (T, p) = {expected}, but the set's have {tuple(distilled.x.shape[-2:])}")
        check_rank(self._degrees, distilled.budget, self.slices)
        return fit_moments(trajectory_moments(distilled.x, distilled.w), self._parents)

    def risk(self, model: Dbn, split: Split = "train") -> Float[Tensor, "*R"]:
        """Negative log-likelihood per trajectory in nats: of the sources' measurements, or expected under the truth (``"test"``).

        Raises:
            ValueError: if the split is unknown, or is ``"validation"`` and the task has no such data.
        """
        if split == "test":
            return -expected_log_likelihood(model, self.truth, self.slices)
        data = self._measured(split)
        return -observed_log_likelihood(model, data, self.slices).sum(-1) / data.size.sum(-1)

    def _measured(self, split: Split) -> Statistics:
        """What was measured of a split's trajectories."""
        if split not in ("train", "validation"):
            raise ValueError(f"the split must be 'train', 'validation' or 'test', but it is {split!r}")
        data = self.statistics if split == "train" else self._validation
        if data is None:
            raise ValueError("this merge task has no validation data: give it held-out trajectories of the sources")
        return data

    def held_out(self, share: float) -> list[Fold]:
        """Each fold of the sources' trajectories held out once, as validation data; a fold holds about this share of each source.

        Raises:
            ValueError: if the folds are too small.
        """
        folds, tasks = round(1 / share), []
        for number in range(max(folds, 1)):
            task = copy.copy(self)
            task.sources, held = fold(self.sources, number, folds)
            task.statistics, task._validation = statistics(task.sources), statistics(held)
            tasks.append(Fold(task, "validation"))
        return tasks

    def _risk_without(self, model: Dbn, source: int) -> Float[Tensor, "*R"]:
        keep = [k for k in range(self.statistics.size.shape[-1]) if k != source]
        others = type(self.statistics)(*(part[:, keep] for part in self.statistics))
        return -observed_log_likelihood(model, others, self.slices).sum(-1) / others.size.sum(-1)

    def blocks(self, distilled: Distilled) -> Sequence[Block]:
        """One block with the training risk, or one per source with the risk of the other sources, per trajectory of theirs."""
        if self.objective == "all":
            return whole_set(self, distilled)
        belongs = self.source_of(distilled.budget)
        present = belongs.unique().tolist()
        return [
            Block((belongs == k).nonzero().squeeze(-1), lambda model, k=k: self._risk_without(model, k))  # type: ignore[misc]
            for k in present
        ]


def _check(graph: Graph, sources: Sources) -> None:
    replicates, count, _, slices, variables = sources.values.shape
    if graph.intra.shape != (replicates, variables, variables):
        raise ValueError(
            f"the graph has {graph.intra.shape[0]} replicates of {graph.intra.shape[-1]} variables, but the sources have "
            f"{replicates} of {variables}"
        )
    if count < 2:
        raise ValueError(f"a merge needs at least 2 sources, but there is {count}")
    if slices < 2:
        raise ValueError(f"a transition needs at least 2 slices, but the sources have {slices}")
    if not bool(sources.observed.any(1).all()):
        raise ValueError(
            "some variable is hidden by every source in some slice: each entry has to be measured by at least one source"
        )
    if not bool(sources.values.isfinite().logical_or(~sources.observed.unsqueeze(2)).all()):
        raise ValueError("a measured entry of some source is not a finite number")
