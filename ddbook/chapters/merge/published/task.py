"""The released setting of the merge: structure and parameters learned from S, hidden cells filled in when the sources are scored.

Re-implemented from its description (the release has no licence, and none of its code is here). The learner is
:class:`~ddlib.dbn.estimators.dmmhc.DynamicMmhc`, the score :mod:`ddbook.chapters.merge.published.released_score`.
"""

from __future__ import annotations

from collections.abc import Sequence

import torch
from jaxtyping import Float
from torch import Tensor

from ddbook.chapters.merge.published.released_score import Incomplete, incomplete, released_log_likelihood
from ddlib.dbn.estimators.dmmhc import DynamicMmhc
from ddlib.dbn.model.moments import Moments, mean_log_likelihood, trajectory_moments
from ddlib.dbn.model.network import Dbn
from ddlib.dbn.sources import Sources
from ddlib.problem import Block, Distilled, Split

LEARNER = DynamicMmhc()
"""The learner of the released experiments: dbnR's defaults."""


def as_rows(x: Float[Tensor, "*R m T p"]) -> Distilled:
    """Rows without labels, each of weight one."""
    return Distilled(x, x.new_zeros(*x.shape[:-2], 0), x.new_ones(x.shape[:-2]))


class PublishedMerge:
    """Merging K hospitals as released: a unit is a complete row of two slices, whatever the number of slices of the data.

    The training risk is minus the released score of the sources' rows, *summed* over rows; block j, the rows that began as rows of
    source j, is updated for the sum over the other sources. The test risk is minus the log-likelihood of the test rows, summed over
    rows too: so are the published figures.

    Attributes:
        sources: what the hospitals hold.
        truth: the networks that the data follow.
        test: clean, complete test rows.
        swapped: whether filled cells are exchanged as in the release (:mod:`ddbook.chapters.merge.published.released_score`).
    """

    def __init__(
        self,
        truth: Dbn,
        sources: Sources,
        test: Float[Tensor, "R n T p"],
        swapped: bool = True,
        name: str = "published_merge",
    ) -> None:
        """State the task.

        Args:
            truth: the networks that the data follow: the reference.
            sources: the training data.
            test: clean, complete rows.
            swapped: exchange filled cells as in the release.
            name: how tables call the task.

        Raises:
            ValueError: if not every source hides equally many variables in every slice, or the test rows have another shape.
        """
        if test.shape[-2:] != sources.values.shape[-2:]:
            raise ValueError(f"test rows of shape {tuple(test.shape[-2:])} do not fit sources' {tuple(sources.values.shape[-2:])}")
        self.name, self.truth, self.sources, self.test, self.swapped = name, truth, sources, test, swapped
        self.learner = LEARNER
        whole = incomplete(sources)
        self._scored: list[Incomplete] = [*(whole.without(k) for k in range(sources.values.shape[1])), whole]
        self._test: Moments = trajectory_moments(test)

    @property
    def slices(self) -> int:
        """The number of slices T of the data."""
        return self.sources.slices

    @property
    def train(self) -> Distilled:
        """All sources' rows cut to two slices, with not-a-number at hidden cells."""
        return as_rows(self.sources.values[..., :2, :].flatten(1, 2))

    @property
    def reference(self) -> Dbn:
        """The networks that the data follow."""
        return self.truth

    def first_rows(self, budget: int) -> Float[Tensor, "R K s 2 p"]:
        """The first two slices of the first rows of each source, as many of each, with not-a-number at hidden cells.

        Raises:
            ValueError: if the budget is no multiple of the number of sources, or a source has too few rows.
        """
        count, available = self.sources.values.shape[1:3]
        share, rest = divmod(budget, count)
        if rest or not 1 <= share <= available:
            raise ValueError(f"a budget is a multiple of the {count} sources, at most {count * available}, but it is {budget}")
        return self.sources.values[:, :, :share, :2]

    def start(self, budget: int, generator: torch.Generator) -> Distilled:
        """The first rows of each source, with draws from N(0, 1) at hidden cells: so the released runs begin.

        Raises:
            ValueError: as :meth:`first_rows`.
        """
        rows = self.first_rows(budget)
        noise = torch.randn(rows.shape, dtype=rows.dtype, device=generator.device, generator=generator).to(rows.device)
        return as_rows(torch.where(rows.isnan(), noise, rows).flatten(1, 2))

    def fit(self, distilled: Distilled, generator: torch.Generator | None = None) -> Dbn:
        """Structure and parameters from the set; weights are not used, and there is no gradient.

        Raises:
            ValueError: if a variable is constant or there are too few units.
        """
        batch = distilled.x.shape[:-3]
        with torch.no_grad():
            _, model = self.learner.fit(distilled.x.flatten(0, -4))
        return Dbn(*(part.unflatten(0, batch) for part in model))

    def risk(self, model: Dbn, split: Split = "train") -> Float[Tensor, "*R"]:
        """Minus the log-likelihood summed over rows: of all sources' filled rows, or of the test rows (``"test"``).

        Raises:
            ValueError: if the split is ``"validation"``, which the release does not have, or unknown.
        """
        if split == "test":
            return -self.test.shape[-3] * mean_log_likelihood(model, self._test, self.slices)
        if split != "train":
            raise ValueError(f"the released setting has the splits 'train' and 'test', but the split is {split!r}")
        return self._risk(model, -1)

    def _risk(self, model: Dbn, left_out: int) -> Float[Tensor, "*R"]:
        return -released_log_likelihood(model, self._scored[left_out], self.swapped).sum(-1)

    def blocks(self, distilled: Distilled) -> Sequence[Block]:
        """One block per source: the units that began as its rows, with the summed risk of the other sources."""
        count = self.sources.values.shape[1]
        belongs = torch.arange(distilled.budget, device=distilled.w.device) * count // distilled.budget
        return [
            Block((belongs == k).nonzero().squeeze(-1), lambda model, k=k: self._risk(model, k))  # type: ignore[misc]
            for k in range(count)
        ]
