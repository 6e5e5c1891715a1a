r"""The merge task on real records: the same learner and the same training risk, but no true network to compare with.

The test risk is the negative log-likelihood, in nats per patient, of what was measured of held-out patients, whatever their gaps.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import Literal

import torch
from jaxtyping import Float, Int
from torch import Tensor

from ddbook.chapters.merge.hospitals.records import Records, hold_out, patterns, some_sources
from ddlib.dbn.estimators.ridge import penalty
from ddlib.dbn.estimators.static import fit_rows, light_prior
from ddlib.dbn.likelihood.observed import observed_log_likelihood
from ddlib.dbn.model.moments import in_degrees, regressors
from ddlib.dbn.model.network import Dbn, Graph
from ddlib.dbn.sources import Statistics
from ddlib.problem import Block, Distilled, Split, whole_set
from ddlib.protocols import Fold

Objective = Literal["all", "leave_one_out"]


class RecordsTask:
    """Merging real hospitals into one set of complete trajectories, of one visit or more.

    Attributes:
        reference: the model that regret is measured against: an estimate from the same patients with nothing hidden.
        statistics: the measured records' sufficient statistics.
        slices: the number of visits T.
    """

    def __init__(
        self,
        graph: Graph,
        measured: Records,
        test: Records,
        reference: Dbn,
        objective: Objective = "all",
        prior: float = 0.0,
        name: str = "records",
    ) -> None:
        """State the task.

        Args:
            graph: the stated graphs.
            measured: what the hospitals hold of the training patients.
            test: held-out patients.
            reference: the model that regret is measured against.
            objective: all hospitals in the risk, or, as in Algorithm 1, for each part of S the other hospitals.
            prior: weight in patients of a ridge on the network's weights (:mod:`ddlib.dbn.estimators.ridge`), in the risk of all
                hospitals.
            name: how tables call the task.

        Raises:
            ValueError: if the objective is unknown, or the prior is negative.
        """
        if objective not in ("all", "leave_one_out"):
            raise ValueError(f"the objective must be 'all' or 'leave_one_out', but it is {objective!r}")
        self.name, self.objective, self.reference = name, objective, reference
        self.graph, self.measured, self.slices = graph, measured, measured.values.shape[-2]
        self._found, self._test = patterns(measured), patterns(test).statistics
        self.statistics = self._found.statistics
        self.prior, self._strength = prior, light_prior(graph, self.statistics, self.slices, prior)
        self._parents, self._degrees = regressors(graph), in_degrees(graph)

    @property
    def train(self) -> Distilled:
        """The training patients as measured, with not-a-number at gaps."""
        x = self.measured.values
        return Distilled(x, x.new_zeros(*x.shape[:2], 0), x.new_ones(x.shape[:2]))

    def hospital_of(self, budget: int) -> Int[Tensor, " m"]:
        """The hospital that each unit's row comes from: the budget is spread evenly, remainders to the first hospitals."""
        present = self._found.hospital.unique()
        return present[(torch.arange(budget, device=present.device) % len(present)).sort().values]

    def start(self, budget: int, generator: torch.Generator) -> Distilled:
        """Measured rows, spread evenly over hospitals; gaps are drawn from the normal law of what was measured of the variable.

        Raises:
            ValueError: if a hospital has too few patients for its share.
        """
        values, hospital = self.measured.values, self.measured.hospital
        belongs = self.hospital_of(budget)
        keys = torch.rand(values.shape[:2], dtype=values.dtype, device=generator.device, generator=generator).to(values)
        chosen = []
        for number in belongs.unique().tolist():
            share = int((belongs == number).sum())
            here = hospital == number
            if share > int(here.sum(-1).min()):
                raise ValueError(f"a budget of {budget} needs {share} patients of each hospital, but one has fewer")
            chosen.append(torch.where(here, keys, -1.0).topk(share, dim=-1).indices)
        index = torch.cat(chosen, dim=-1)
        x = values.gather(1, index[..., None, None].expand(-1, -1, *values.shape[2:]))
        mean = values.nanmean((1, 2), keepdim=True)
        spread = (values - mean).square().nanmean((1, 2), keepdim=True).sqrt()
        noise = torch.randn(x.shape, dtype=x.dtype, device=generator.device, generator=generator).to(x)
        x = torch.where(x.isnan(), mean + spread * noise, x)
        return Distilled(x, x.new_zeros(*x.shape[:2], 0), x.new_ones(x.shape[:2]))

    def fit(self, distilled: Distilled, generator: torch.Generator | None = None) -> Dbn:
        """Maximum likelihood for the stated graph; differentiable in the trajectories and their weights.

        Raises:
            ValueError: if there are too few trajectories for the graph, or collinear ones.
        """
        first, later = self._degrees
        rows = distilled.budget
        if rows < first + 2 or (self.slices > 1 and rows * (self.slices - 1) < later + 2):
            raise ValueError(f"{rows} patients of {self.slices} visits are too few for a graph of in-degrees {first} and {later}")
        return fit_rows(distilled.x, distilled.w, self._parents)

    def _per_patient(self, model: Dbn, data: Statistics) -> Float[Tensor, "*R"]:
        return -observed_log_likelihood(model, data, self.slices).sum(-1) / data.size.sum(-1)

    def risk(self, model: Dbn, split: Split = "train") -> Float[Tensor, "*R"]:
        """Negative log-likelihood of the hospitals' measurements or of the held-out patients', in nats per patient.

        The prior belongs to the training risk.

        Raises:
            ValueError: if the split is neither ``"train"`` nor ``"test"``.
        """
        if split not in ("train", "test"):
            raise ValueError(f"the split must be 'train' or 'test', but it is {split!r}")
        if split == "test":
            return self._per_patient(model, self._test)
        return self._per_patient(model, self.statistics) + penalty(model, self._strength, self.slices)

    def held_out(self, share: float) -> list[Fold]:
        """One fold: this share of the training patients, as the test patients of the task on the others."""
        rest, held = hold_out(self.measured, share)
        return [Fold(RecordsTask(self.graph, rest, held, self.reference, self.objective, self.prior, self.name), "test")]

    def blocks(self, distilled: Distilled) -> Sequence[Block]:
        """One block with the training risk, or one per hospital with the risk of the other hospitals."""
        if self.objective == "all":
            return whole_set(self, distilled)
        belongs = self.hospital_of(distilled.budget)
        others = {k: some_sources(self._found, self._found.hospital != k) for k in belongs.unique().tolist()}
        return [
            Block((belongs == k).nonzero().squeeze(-1), lambda model, data=data: self._per_patient(model, data))  # type: ignore[misc]
            for k, data in others.items()
        ]
