"""Real records as a study: the table, its hospitals, the random splits of its patients, and how a law is scored on them."""

from __future__ import annotations

import time
from collections.abc import Callable
from dataclasses import dataclass
from functools import cached_property
from typing import Any

import numpy as np
import pandas as pd
import torch
from jaxtyping import Bool, Float, Int
from torch import Tensor

from ddbook.chapters.merge.hospitals.records import Records, Split, patterns, split
from ddbook.chapters.merge.hospitals.task import Objective, RecordsTask
from ddlib.dbn.estimators.static import Transition, estimate, visit_graph
from ddlib.dbn.likelihood.forecast import held_out_log_likelihood, next_visit_error, outcome_score
from ddlib.dbn.likelihood.observed import Em
from ddlib.dbn.model.network import Dbn, Gaussian, Graph, joint

Law = Gaussian


@dataclass(frozen=True, eq=False)
class Study:
    """One table of records, its hospitals, and the random splits of its patients.

    Attributes:
        values: the records, one trajectory per patient; not-a-number where nothing was measured.
        hospital: the hospital of each patient.
        measured: which variables each hospital measures.
        replicates: the number of splits.
        seed: of all randomness; studies that differ only in the noise have the same splits and the same start.
        noise: standard deviation of the noise that is added to what hospitals measure, in standardised units; known to methods.
        transition: what a variable depends on at the visit before.
        test_share: share of the patients that is held out.
        prior: weight of the light prior, in patients.
        tolerance, cycles: where EM stops: in nats per patient and cycle, and after so many cycles in any case.
    """

    values: Float[Tensor, "n T p"]
    hospital: Int[Tensor, " n"]
    measured: Bool[Tensor, "H p"]
    replicates: int = 5
    seed: int = 0
    noise: float = 0.0
    transition: Transition = "own"
    test_share: float = 0.2
    prior: float = 2.0
    tolerance: float = 1e-6
    cycles: int = 60

    @property
    def slices(self) -> int:
        """The number of visits T."""
        return self.values.shape[1]

    def generator(self, stream: int) -> torch.Generator:
        """A stream of random numbers of its own: 0 for the splits, others for the methods."""
        return torch.Generator(self.values.device).manual_seed(1_000_003 * self.seed + stream)

    @cached_property
    def split(self) -> Split:
        """The training and test patients."""
        return split(self.values, self.hospital, self.measured, self.replicates, self.generator(0), self.noise, self.test_share)

    @cached_property
    def graph(self) -> Graph:
        """The stated graph."""
        transition = self.transition if self.slices > 1 else "none"
        return visit_graph(self.replicates, self.values.shape[-1], transition, self.values.device)

    @cached_property
    def complete(self) -> Em:
        """The estimate from the same training patients with nothing hidden and no noise; natural gaps stay gaps."""
        return self._maximum(self.split.complete)

    @cached_property
    def em(self) -> Em:
        """EM on what the hospitals measured, with the noise known."""
        return self._maximum(self.split.measured)

    @cached_property
    def em_prior(self) -> Em:
        """The same with the light prior."""
        return self._maximum(self.split.measured, self.prior)

    def _maximum(self, records: Records, prior: float = 0.0) -> Em:
        return estimate(self.graph, patterns(records).statistics, self.slices, self.tolerance, self.cycles, prior)

    def task(self, objective: Objective = "all", prior: float = 0.0) -> RecordsTask:
        """The merge task, with all hospitals in the risk or in Algorithm 1's leave-one-source-out form."""
        return RecordsTask(self.graph, self.split.measured, self.split.test, self.complete.model, objective, prior)

    def law(self, model: Dbn) -> Law:
        """The law of a whole trajectory under a network."""
        return joint(model, self.slices)

    def row(self, law: Law, method: str, budget: int = 0, stored: int = 0, seconds: float = 0.0, **more: Any) -> pd.DataFrame:
        """Scores on held-out patients, one row per split; not-a-number in splits where the law is not one."""
        sane = (law.mean.isfinite().all(-1) & law.covariance.isfinite().all(-1).all(-1)).view(-1, 1)
        unit = torch.eye(law.mean.shape[-1], dtype=law.mean.dtype, device=law.mean.device)
        safe = Law(torch.where(sane, law.mean, 0.0), torch.where(sane.unsqueeze(-1), law.covariance, unit))
        test = self.split.test
        scores = {"test_ll": held_out_log_likelihood(safe, patterns(test).statistics)}
        if self.slices > 1:
            scores["rmse"] = next_visit_error(safe, test.values)
        else:
            outcome = outcome_score(safe, test.values.squeeze(-2))
            scores |= {"outcome_ll": outcome.log_likelihood, "r_squared": outcome.r_squared}
        frame = pd.DataFrame(
            {name: torch.where(sane.squeeze(-1), v, torch.nan).detach().cpu().numpy() for name, v in scores.items()}
        )
        heads = {"noise": self.noise, "method": method, "budget": budget, "seed": np.arange(len(frame))}
        return pd.DataFrame(heads).join(frame).assign(stored_numbers=stored, seconds=seconds, **more)


def timed(work: Callable[[], Law]) -> tuple[Law, float]:
    """A law, and the seconds that it took."""
    began = time.perf_counter()
    law = work()
    return law, time.perf_counter() - began
