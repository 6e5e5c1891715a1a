"""The experiment of chapter 13: what is compared, and the numbers of its goals."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np
import pandas as pd
from jaxtyping import Float

from ddbook.chapters.merge.four.calibration import calibration
from ddbook.chapters.merge.four.cohort import Cohort
from ddbook.chapters.merge.four.completing import Boosting, MultipleImputation
from ddbook.chapters.merge.four.disclosed import disclosure_table
from ddbook.chapters.merge.four.distillation import FOREST, LOGISTIC, NEAREST, Updates, distilled_sets
from ddbook.chapters.merge.four.joint import CompletedRegression, JointLaw
from ddbook.chapters.merge.four.measures import measured
from ddbook.chapters.merge.four.missing import shifted_rows
from ddbook.chapters.merge.four.nested import PICKED, Judged, Plan, Recalibrated, nested, without_each
from ddbook.chapters.merge.four.rows import Federated, OwnRecords, Prevalence, common_columns, with_indicators
from ddbook.chapters.merge.four.tables import kept_table
from ddlib.statistics import Number, quoted

DISTILLED = "first_order_joint"
"""The method whose set the goals are about, chosen by a trial with another seed."""
PAIRS = ((PICKED, "common"), (PICKED, "indicators"), (PICKED, "own"), ("indicators", "common"), ("indicators", "own"))
"""Rows and what they are compared with."""


def plan_of(replicates: int, outer: int, inner: int, forms: int, imputations: int, seed: int) -> Plan:
    """All rows of the chapter.

    Args:
        replicates, outer, inner: repeats, folds, and folds inside the training folds.
        forms: how many forms of the joint law: without offsets of the hospitals, with them, with categories as intervals.
        imputations: completed tables of multiple imputation.
        seed: of all.
    """
    pooled = (common_columns(False), common_columns(), with_indicators())
    plain = (Prevalence(), OwnRecords(), *pooled, Federated(), Boosting(), MultipleImputation(draws=imputations))
    laws = (JointLaw("joint_plain", offsets=False), JointLaw("joint"), JointLaw("joint_intervals", intervals=True))
    return Plan(plain, (*laws[:forms], CompletedRegression()), replicates, outer, inner, seed)


def left_out(cohort: Cohort, plan: Plan) -> dict[str, Float[np.ndarray, "1 n"]]:
    """Scores of each hospital's patients by what was learned at the others."""
    rows = (Prevalence(), common_columns(), with_indicators(), Boosting())
    merge = Recalibrated(CompletedRegression(), plan.inner)
    return {name: score[None] for name, score in without_each(cohort, (*rows, merge), plan.seed).items()}


def shift_table(cohort: Cohort, plan: Plan, column: str, largest: float) -> pd.DataFrame:
    """Measures of the regression on completed patients against five shifts of one column's missing values."""
    deltas = np.linspace(-largest, largest, 5).tolist()
    judged = nested(cohort, plan._replace(plain=shifted_rows(column, deltas), merges=()))
    lines = []
    for delta, score in zip(deltas, judged.scores.values(), strict=True):
        for measure in ("within", "log_loss"):
            found = measured(measure, score, cohort.disease, cohort.hospital)
            lines.append({"column": column, "delta": delta, "measure": measure} | found._asdict())
    return pd.DataFrame(lines)


def distil_all(
    cohort: Cohort, plan: Plan, judged: Judged, budgets: Sequence[int], updates: Updates
) -> tuple[pd.DataFrame, pd.DataFrame, pd.DataFrame]:
    """What distilled patients keep, how near they are to real ones, and the settings of every trial."""
    found = distilled_sets(cohort, plan, budgets, updates)
    kept = kept_table(cohort, found.scores, judged.scores["prevalence"])
    trials = {kind: made for kind, made in found.trials.items() if kind[1]}
    near = disclosure_table(cohort, plan, {kind: [trial.distilled for trial in made] for kind, made in trials.items()})
    settings = [
        {"method": method, "budget": budget, "fold": fold, "seconds": trial.seconds} | dict(trial.settings)
        for (method, budget), made in trials.items()
        for fold, trial in enumerate(made)
    ]
    return kept, near, pd.DataFrame(settings)


def goal_numbers(cohort: Cohort, judged: Judged, kept: pd.DataFrame, hospitals: Sequence[str], budget: int) -> dict[str, Number]:
    """What the chapter's goals are judged by, each with its interval."""

    def difference(measure: str, theirs: str, people: np.ndarray) -> Number:
        ours, other = (judged.scores[name][:, people] for name in (PICKED, theirs))
        return quoted(measured(measure, ours, cohort.disease[people], cohort.hospital[people], other))

    every, last = np.arange(cohort.size), np.flatnonzero(cohort.hospital == len(hospitals) - 1)
    found = {
        "within_over_common": difference("within", "common", every),
        "log_loss_over_common": difference("log_loss", "common", every),
        "within_over_indicators": difference("within", "indicators", every),
        "log_loss_over_indicators": difference("log_loss", "indicators", every),
        "auc_over_own": difference("auc", "own", every),
        "brier_over_own": difference("brier", "own", every),
        "long_beach_auc_over_own": difference("auc", "own", last),
        "long_beach_log_loss_over_own": difference("log_loss", "own", last),
    }
    for k, hospital in enumerate(hospitals):
        people = cohort.hospital == k
        slope = calibration(judged.scores[PICKED][:, people], cohort.disease[people]).slope
        found[f"slope_{hospital.lower().replace(' ', '_')}"] = quoted(slope)
    row = kept[(kept.method == DISTILLED) & (kept.budget == budget)].set_index("learner")
    n = len(judged.scores[PICKED])
    for name, learner, column in (
        ("kept_spare", LOGISTIC, "spare"),
        ("forest_lead", FOREST, "lead"),
        ("nearest_lead", NEAREST, "lead"),
    ):
        value, low, high = row.loc[learner, [column, f"{column}_low", f"{column}_high"]].to_numpy(dtype=float)
        found[name] = Number(float(value), float(low), float(high), n)
    return found
