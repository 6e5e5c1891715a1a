"""The released setting of the merge: structure and parameters learned from S, hidden cells imputed when the sources are scored.

Re-implemented from its description (the release has no licence, and none of its code is here). What the description leaves open is
our reconstruction: the graph is found by :func:`~ddlib.dbn.estimators.structure.learn_graph`, the parameters by maximum likelihood,
and a hidden cell is imputed at its conditional mean (:mod:`ddbook.chapters.merge.published.imputed_likelihood`).
"""

from __future__ import annotations

from collections.abc import Sequence

import torch
from jaxtyping import Float
from torch import Tensor

from ddbook.chapters.merge.published.imputed_likelihood import Incomplete, imputed_log_likelihood, incomplete
from ddlib.dbn.estimators.structure import learn_graph
from ddlib.dbn.model.moments import Moments, fit_moments, mean_log_likelihood, regressors, trajectory_moments
from ddlib.dbn.model.network import Dbn, Graph
from ddlib.dbn.sources import Sources
from ddlib.dbn.task.merge_task import MergeTask
from ddlib.problem import Block, Distilled, Split


def learn_network(trajectories: Float[Tensor, "R m T p"], most_parents: int = 3, gamma: float = 0.0) -> tuple[Graph, Dbn]:
    """Structure by greedy search on the Gaussian BIC, then maximum-likelihood parameters.

    Args:
        trajectories: complete, of at least two slices.
        most_parents: the largest in-degree.
        gamma: γ of the extended BIC; 0 is the BIC.

    Raises:
        ValueError: if a variable is constant or there are too few trajectories for the in-degree.
    """
    moments = trajectory_moments(trajectories)
    rows, slices = trajectories.shape[-3:-1]
    graph = learn_graph(moments, rows, rows * (slices - 1), most_parents, gamma)
    return graph, fit_moments(moments, regressors(graph))


class PublishedMerge:
    """Merging K hospitals as released: a unit is a complete row of two slices, whatever the number of slices of the data.

    The training risk is minus the log-likelihood of the sources' rows, *summed* over rows, with imputed hidden cells; block j, the
    rows that began as rows of source j, is updated for the sum over the other sources. The test risk is minus the log-likelihood of
    the test rows, summed over rows too: so are the published figures.

    Attributes:
        sources: what the hospitals hold.
        truth: the networks that the data follow.
        test: clean, complete test rows.
    """

    def __init__(
        self,
        truth: Dbn,
        sources: Sources,
        test: Float[Tensor, "R n T p"],
        most_parents: int = 3,
        gamma: float = 1.0,
        name: str = "published_merge",
    ) -> None:
        """State the task.

        Args:
            truth: the networks that the data follow: the reference.
            sources: the training data.
            test: clean, complete rows.
            most_parents: the largest in-degree of a learned network.
            gamma: γ of the extended BIC of the structure search; 0 is the BIC.
            name: how tables call the task.

        Raises:
            ValueError: if the sources are not fit to be merged (see :class:`~ddlib.dbn.task.merge_task.MergeTask`), or the test
                rows have another shape.
        """
        if test.shape[-2:] != sources.values.shape[-2:]:
            raise ValueError(f"test rows of shape {tuple(test.shape[-2:])} do not fit sources' {tuple(sources.values.shape[-2:])}")
        self.name, self.truth, self.sources, self.test = name, truth, sources, test
        self.most_parents, self.gamma = most_parents, gamma
        nothing = Graph(*(torch.zeros_like(truth.intra, dtype=torch.bool) for _ in range(3)))
        two_slices = Sources(sources.values[..., :2, :], sources.observed[..., :2, :], sources.noise[..., :2, :])
        self._rows = MergeTask(nothing, truth, two_slices, fill="standard_normal")
        whole = incomplete(sources)
        count = sources.values.shape[1]
        self._scored: list[Incomplete] = [*(whole.without(k) for k in range(count)), whole]
        self._test: Moments = trajectory_moments(test)

    @property
    def slices(self) -> int:
        """The number of slices T of the data."""
        return self.sources.slices

    @property
    def train(self) -> Distilled:
        """All sources' rows cut to two slices, with not-a-number at hidden entries."""
        return self._rows.train

    @property
    def reference(self) -> Dbn:
        """The networks that the data follow."""
        return self.truth

    def source_of(self, budget: int) -> Tensor:
        """The source whose row each unit started as."""
        return self._rows.source_of(budget)

    def start(self, budget: int, generator: torch.Generator) -> Distilled:
        """The first two slices of noisy rows of the sources, spread evenly over sources, hidden entries N(0, 1).

        Raises:
            ValueError: if the budget is below one or a source has too few rows for its share.
        """
        return self._rows.start(budget, generator)

    def fit(self, distilled: Distilled, generator: torch.Generator | None = None) -> Dbn:
        """Structure and parameters from the set (:func:`learn_network`); weights are not used, and there is no gradient.

        Raises:
            ValueError: if a variable is constant or there are too few units for the in-degree.
        """
        batch = distilled.x.shape[:-3]
        with torch.no_grad():
            _, model = learn_network(distilled.x.flatten(0, -4), self.most_parents, self.gamma)
        return Dbn(*(part.unflatten(0, batch) for part in model))

    def risk(self, model: Dbn, split: Split = "train") -> Float[Tensor, "*R"]:
        """Minus the log-likelihood summed over rows: of all sources' imputed rows, or of the test rows (``"test"``).

        Raises:
            ValueError: if the split is ``"validation"``, which the release does not have, or unknown.
        """
        if split == "test":
            return -self.test.shape[-3] * mean_log_likelihood(model, self._test, self.slices)
        if split != "train":
            raise ValueError(f"the released setting has the splits 'train' and 'test', but the split is {split!r}")
        return self._risk(model, -1)

    def _risk(self, model: Dbn, left_out: int) -> Float[Tensor, "*R"]:
        return -imputed_log_likelihood(model, self._scored[left_out]).sum(-1)

    def blocks(self, distilled: Distilled) -> Sequence[Block]:
        """One block per source: the units that began as its rows, with the summed risk of the other sources."""
        belongs = self.source_of(distilled.budget)
        return [
            Block((belongs == k).nonzero().squeeze(-1), lambda model, k=k: self._risk(model, k))  # type: ignore[misc]
            for k in belongs.unique().tolist()
        ]
