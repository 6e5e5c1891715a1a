"""The experiment of chapter 07: every way of merging on the same patient-level splits of real records."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import replace

import numpy as np
import pandas as pd

from ddbook.chapters.merge.hospitals.likelihood import stopped_early
from ddbook.chapters.merge.hospitals.records import as_sources, complete_patients
from ddbook.chapters.merge.hospitals.study import Study, timed
from ddbook.chapters.merge.hospitals.twins import Twins
from ddlib.dbn.estimators.static import chained_slice, fit_rows, repeated_slice
from ddlib.dbn.likelihood.forecast import carried_forward_error
from ddlib.dbn.model.moments import regressors
from ddlib.dbn.model.network import Dbn, Graph
from ddlib.dbn.rivals import RIVALS, RIVALS_IGNORING_NOISE
from ddlib.dbn.sources import Sources


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
            law, seconds = timed(lambda name=name, rival=rival: study.law(_merged(study, rows, name, rival)))  # type: ignore[misc]
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
    """A few rows that are quick to compute: complete records, EM, with a prior, stopped if asked for, moments, mean imputation."""
    rows = as_sources(study.split.measured, study.measured)
    laws = {
        "clean_all": study.law(study.complete.model),
        "em": study.law(study.em.model),
        "em_prior": study.law(study.em_prior.model),
    }
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
