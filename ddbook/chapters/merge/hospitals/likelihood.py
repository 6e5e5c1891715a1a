"""Estimates of the records' likelihood: EM, EM carried exactly, with a light prior, stopped early, and with static levels."""

from __future__ import annotations

import time

import pandas as pd
import torch

from ddbook.chapters.merge.hospitals.records import hold_out, patterns
from ddbook.chapters.merge.hospitals.study import Study, timed
from ddlib.closed_forms import carry
from ddlib.dbn.estimators.levels import level_joint, level_maximum_likelihood
from ddlib.dbn.estimators.regularised import ITERATIONS, stopped_path
from ddlib.dbn.estimators.static import fit_rows, law_moments, unseen_slice
from ddlib.dbn.likelihood.observed import observed_log_likelihood
from ddlib.dbn.methods.sufficient import rows_moments, sufficient_rows
from ddlib.dbn.model.moments import fit_moments, regressors
from ddlib.dbn.model.network import Dbn
from ddlib.methods.composed import pick


def likelihood_rows(study: Study, levels: bool = True) -> pd.DataFrame:
    """EM, EM carried exactly, with a light prior, stopped early, and with several visits the network with static levels.

    Args:
        study: the splits.
        levels: whether to fit the network with levels; it takes longest.
    """
    law, seconds = timed(lambda: study.law(study.em.model))
    measured = int(study.split.measured.values.isfinite().sum() / study.replicates)
    rows = [study.row(law, "em", 0, measured, seconds, converged=study.em.converged.cpu().numpy())]
    carried, stored = carried_exactly(study)
    rows.append(study.row(study.law(carried), "limit", 0, stored))
    law, seconds = timed(lambda: study.law(study.em_prior.model))
    rows.append(study.row(law, "em_prior", 0, measured, seconds, converged=study.em_prior.converged.cpu().numpy()))
    law, seconds = timed(lambda: study.law(stopped_early(study)))
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
    (:func:`ddlib.dbn.methods.sufficient.sufficient_rows`), for one visit p + 1 rows.
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
