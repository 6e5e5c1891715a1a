"""The experiment of chapter 07: every way of merging on the same patient-level splits of real records."""

from __future__ import annotations

import time
from collections.abc import Callable, Mapping
from dataclasses import dataclass, replace
from functools import cached_property
from typing import Any

import numpy as np
import pandas as pd
import torch
from jaxtyping import Bool, Float, Int
from torch import Tensor

from ddlib.dbn.forecast import carried_forward_error, held_out_log_likelihood, next_visit_error, outcome_score
from ddlib.dbn.hospitals.records import Records, Split, as_sources, complete_patients, patterns, split
from ddlib.dbn.hospitals.task import RecordsTask
from ddlib.dbn.hospitals.twins import Twins
from ddlib.dbn.levels import level_joint, level_maximum_likelihood
from ddlib.dbn.model import Dbn, Gaussian, Graph, joint
from ddlib.dbn.moments import fit_moments, regressors
from ddlib.dbn.observed import Em, observed_log_likelihood
from ddlib.dbn.regularised import ITERATIONS, pick, stopped_path
from ddlib.dbn.rivals import RIVALS, RIVALS_IGNORING_NOISE
from ddlib.dbn.sources import Sources
from ddlib.dbn.static import (
    Transition,
    chained_slice,
    estimate,
    fit_rows,
    law_moments,
    repeated_slice,
    unseen_slice,
    visit_graph,
)
from ddlib.dbn.sufficient import rows_moments, sufficient_rows
from ddlib.methods.carry import carry

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

    def _maximum(self, records: Records) -> Em:
        return estimate(self.graph, patterns(records).statistics, self.slices, self.tolerance, self.cycles)

    def task(self, leave_one_out: bool = False) -> RecordsTask:
        """The merge task, with all hospitals in the risk or in Algorithm 1's leave-one-source-out form."""
        objective = "leave_one_out" if leave_one_out else "all"
        return RecordsTask(self.graph, self.split.measured, self.split.test, self.complete.model, objective)  # type: ignore[arg-type]

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


def _timed(work: Callable[[], Law]) -> tuple[Law, float]:
    began = time.perf_counter()
    law = work()
    return law, time.perf_counter() - began


def references(study: Study, budget: int, unbudgeted: bool = True) -> pd.DataFrame:
    """What no merge can have: as many clean complete patients as the budget, all patients complete and clean; and a naive forecast.

    Args:
        study: the splits.
        budget: the number of patients.
        unbudgeted: whether to give the rows that do not depend on it.
    """
    subset = complete_patients(study.split.complete, budget)
    fitted = fit_rows(subset, subset.new_ones(subset.shape[:2]), regressors(study.graph))
    rows = [study.row(study.law(fitted), "clean_subset", budget, subset[0].numel())]
    if unbudgeted:
        rows.append(study.row(study.law(study.complete.model), "clean_all"))
    if unbudgeted and study.slices > 1:
        error = carried_forward_error(study.split.test.values).cpu().numpy()
        heads = {"noise": study.noise, "method": "carried_forward", "budget": 0, "seed": np.arange(len(error))}
        rows.append(pd.DataFrame(heads).assign(rmse=error))
    return pd.concat(rows, ignore_index=True)


def likelihood_rows(study: Study, levels: bool = True) -> pd.DataFrame:
    """EM, EM carried exactly, EM stopped early, and with several visits the network with static levels.

    Args:
        study: the splits.
        levels: whether to fit the network with levels; it takes longest.
    """
    law, seconds = _timed(lambda: study.law(study.em.model))
    measured = int(study.split.measured.values.isfinite().sum() / study.replicates)
    rows = [study.row(law, "em", 0, measured, seconds, converged=study.em.converged.cpu().numpy())]
    carried, stored = carried_exactly(study)
    rows.append(study.row(study.law(carried), "limit", 0, stored))
    law, seconds = _timed(lambda: study.law(stopped_early(study)))
    rows.append(study.row(law, "em_stopped", 0, measured, seconds))
    if levels and study.slices > 2:
        rows.append(_level_row(study, measured))
    return pd.concat(rows, ignore_index=True)


def _level_row(study: Study, measured: int) -> pd.DataFrame:
    began = time.perf_counter()
    found = level_maximum_likelihood(
        study.graph, patterns(study.split.measured).statistics, study.slices, tolerance=study.tolerance, cycles=study.cycles
    )
    seconds = time.perf_counter() - began
    converged = found.converged.cpu().numpy()
    return study.row(level_joint(found.model, study.slices), "em_levels", 0, measured, seconds, converged=converged)


def carried_exactly(study: Study) -> tuple[Dbn, int]:
    """EM's estimate refitted from the fewest weighted rows that carry it, and how many numbers these are.

    For several visits p + 1 first-slice rows and 2p + 1 transition rows with one weight per kind
    (:func:`ddlib.dbn.sufficient.sufficient_rows`), for one visit p + 1 rows.
    """
    moments = law_moments(study.law(study.em.model), study.slices)
    parents = regressors(study.graph)
    if study.slices == 1:
        rows = carry(moments.first_mean, moments.first_covariance).unsqueeze(-2)
        return fit_rows(rows, rows.new_ones(rows.shape[:2]), parents), rows[0].numel()
    found = sufficient_rows(moments, float(study.split.measured.values.shape[1]), study.slices)
    return fit_moments(rows_moments(found), parents), found.first[0].numel() + found.pairs[0].numel() + 2


STOPS = ITERATIONS[:9]


def stopped_early(study: Study, held_share: float = 0.25) -> Dbn:
    """EM stopped after a number of iterations that is chosen on training patients held out for that, then run on all of them.

    Nothing but the hospitals' measurements is used: the choice is by the observed-data likelihood of a quarter of the training
    patients, and then all training patients are used.
    """
    rest_records, judged_records = hold_out(study.split.measured, held_share)
    slices = max(study.slices, 2)
    parts = (rest_records, judged_records, study.split.measured)
    rest, judged, everyone = (patterns(part).statistics for part in parts)
    if study.slices == 1:
        rest, judged, everyone = (unseen_slice(part) for part in (rest, judged, everyone))
    path = stopped_path(study.graph, rest, slices, STOPS)
    scores = torch.stack([observed_log_likelihood(model, judged, slices).sum(-1) for model in path])
    return pick(stopped_path(study.graph, everyone, slices, STOPS), scores.argmax(0))


def hold_out(records: Records, share: float) -> tuple[Records, Records]:
    """Records without some of their patients, and these; the order of the patients in a split is random."""
    held = round(share * records.values.shape[1])
    values, hospital = records.values, records.hospital
    return (
        records._replace(values=values[:, held:], hospital=hospital[:, held:]),
        records._replace(values=values[:, :held], hospital=hospital[:, :held]),
    )


QUICK = ("available_case_repaired", "mean_imputation", "federated")


def rival_rows(study: Study) -> pd.DataFrame:
    """The other ways of merging (:mod:`ddlib.dbn.rivals`), with the known noise subtracted; the quick ones also with it ignored."""
    rows = as_sources(study.split.measured, study.measured)
    kinds: list[tuple[str, Mapping[str, Callable[[Graph, Sources], Dbn]]]] = [("", RIVALS)]
    if study.noise > 0:
        kinds.append(("_noise_ignored", {name: RIVALS_IGNORING_NOISE[name] for name in QUICK}))
    frames = []
    for ending, rivals in kinds:
        for name, rival in rivals.items():
            law, seconds = _timed(lambda name=name, rival=rival: study.law(_merged(study, rows, name, rival)))  # type: ignore[misc]
            frames.append(study.row(law, name + ending, seconds=seconds))
    return pd.concat(frames, ignore_index=True)


def _merged(study: Study, rows: Sources, name: str, rival: Callable[[Graph, Sources], Dbn]) -> Dbn:
    if study.slices > 1:
        return rival(study.graph, rows)
    if name == "chained_equations":
        return chained_slice(study.graph, rows, "subtracted" if rival is RIVALS[name] else "ignored")
    return rival(study.graph, repeated_slice(rows))


FEW = ("available_case_repaired", "mean_imputation")


def few_rows(study: Study, stopped: bool = True) -> pd.DataFrame:
    """A few rows that are quick to compute: complete records, EM, EM stopped if asked for, repaired moments, mean imputation."""
    rows = as_sources(study.split.measured, study.measured)
    laws = {"clean_all": study.law(study.complete.model), "em": study.law(study.em.model)}
    if stopped:
        laws["em_stopped"] = study.law(stopped_early(study))
    laws |= {name: study.law(_merged(study, rows, name, RIVALS[name])) for name in FEW}
    return pd.concat([study.row(law, name) for name, law in laws.items()], ignore_index=True)


def by_visits(study: Study, numbers: list[int]) -> pd.DataFrame:
    """How a few ways of merging fare with more visits, on the patients without any gap in so many visits.

    Complete cases, so that the hospitals differ in nothing but what they hide; the column ``patients`` counts who is left.

    Args:
        study: whose records hold at least the largest number of visits.
        numbers: of visits.
    """
    frames = []
    for slices in numbers:
        whole = study.values[:, :slices].isfinite().flatten(1).all(1)
        part = replace(study, values=study.values[whole, :slices], hospital=study.hospital[whole])
        frames.append(few_rows(part).assign(slices=slices, patients=int(whole.sum())))
    return pd.concat(frames, ignore_index=True)


def on_twins(study: Study, twins: Twins) -> pd.DataFrame:
    """A few rows on the records and on their simulated twins: column ``records``."""
    studies = {name: replace(study, values=values) for name, values in twins._asdict().items()}
    return pd.concat([few_rows(one, stopped=False).assign(records=name) for name, one in studies.items()], ignore_index=True)
