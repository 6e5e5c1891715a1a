"""What a table of synthetic patients is not for, in the words of page, report and file alike."""

from __future__ import annotations

__all__ = ["NO_INFERENCE"]

NO_INFERENCE = (
    "Take no standard error, confidence interval or p-value from the synthetic table: its rows were made from estimates, so that "
    "more rows are no more evidence, and a p-value falls without limit as rows are added."
)
"""Raghunathan, Reiter and Rubin (2003) have the rules for several synthetic tables that carry the uncertainty of the estimates."""
