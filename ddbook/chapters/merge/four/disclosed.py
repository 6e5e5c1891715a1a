"""How near distilled patients come to those they were made of, beside how near they come to patients who were held out."""

from __future__ import annotations

from collections.abc import Mapping, Sequence

import numpy as np
import pandas as pd
import torch

from ddbook.chapters.merge.four.cohort import Cohort
from ddbook.chapters.merge.four.folds import splits
from ddbook.chapters.merge.four.nested import Plan, seed_of
from ddbook.chapters.merge.four.task import columns_of
from ddlib.distilled import Distilled
from ddlib.merge.disclosure import distances, membership


def disclosure_table(cohort: Cohort, plan: Plan, sets: Mapping[tuple[str, int], Sequence[Distilled]]) -> pd.DataFrame:
    """Median distances to the nearest distilled patient, and the membership test, for each fold.

    Distances are in standard deviations of the measured cells, per measured cell (:mod:`ddlib.merge.disclosure`).

    Args:
        cohort: the patients.
        plan: the repeats and folds that the sets were made in.
        sets: of each method and budget, in the order of repeats and folds.
    """
    columns = torch.from_numpy(columns_of(cohort))
    spread = torch.from_numpy(np.nanstd(columns_of(cohort), axis=0))
    folds = [rows for repeat in range(plan.repeats) for rows in splits(cohort, plan.outer, seed_of(plan, repeat))]
    lines = []
    for (method, budget), made in sets.items():
        for fold, ((train, test), distilled) in enumerate(zip(folds, made, strict=True)):
            inside, outside = (distances(columns[rows], distilled.x[0], spread).min(1).values for rows in (train, test))
            auc, error = membership(inside, outside)
            lines.append(
                {"method": method, "budget": budget, "fold": fold, "fitted": float(inside.median())}
                | {"held_out": float(outside.median()), "auc": auc, "error": error}
            )
    return pd.DataFrame(lines)
