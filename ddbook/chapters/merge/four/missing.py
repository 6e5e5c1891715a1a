"""What is not known of cells that nobody measured: a shift of one column's missing values, and the worst cases."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np
import pandas as pd

from ddbook.chapters.merge.four.cohort import UNITS, Cohort, encoded_names
from ddbook.chapters.merge.four.joint import CompletedRegression, Completion


def shifted_rows(column: str, deltas: Sequence[float]) -> tuple[CompletedRegression, ...]:
    """The regression on completed patients for each shift of one column's missing values, in standard deviations."""
    return tuple(CompletedRegression(f"{column}_{delta:+g}", column, delta) for delta in deltas)


def worst_cases(cohort: Cohort, columns: Sequence[str], hospitals: Sequence[str]) -> pd.DataFrame:
    """The mean of columns in each hospital: what the merge expects, and the least and greatest that the records allow.

    At worst every missing value is the smallest, or the largest, that any hospital measured (Manski 2003).

    Args:
        cohort: the patients.
        columns: measurements that are numbers.
        hospitals: their names.
    """
    complete, lines = Completion(cohort).in_units(cohort), []
    for name in columns:
        values = cohort.values[:, cohort.names.index(name)]
        centre, spread = UNITS[name]
        expected = centre + spread * complete[:, encoded_names(cohort.names).index(name)]
        ends = np.nanmin(values), np.nanmax(values)
        for k, hospital in enumerate(hospitals):
            own = values[cohort.hospital == k]
            low, high = (float(np.where(np.isnan(own), end, own).mean()) for end in ends)
            seen = int((~np.isnan(own)).sum())
            mean = float(np.nanmean(own)) if seen else np.nan
            lines.append(
                {"column": name, "hospital": hospital, "patients": len(own), "measured": seen, "mean_measured": mean}
                | {"expected": float(expected[cohort.hospital == k].mean()), "low": low, "high": high}
            )
    return pd.DataFrame(lines)
