"""Folds over patients: each has its share of every hospital's ill and healthy patients, and equal records stay together."""

from __future__ import annotations

from collections.abc import Iterator

import numpy as np
from jaxtyping import Int

from ddbook.chapters.merge.four.cohort import Cohort


def folds(cohort: Cohort, count: int, seed: int) -> Int[np.ndarray, " n"]:
    """The fold of each patient.

    The patients of a hospital with the same diagnosis are dealt out in a random order, each group beginning where the one before
    ended, so that neither the groups nor the folds differ in size by more than one. A patient whose record stands twice goes with
    the first of them.
    """
    generator = np.random.default_rng(seed)
    found = np.zeros(cohort.size, dtype=int)
    first = np.flatnonzero(_first(cohort))
    dealt = 0
    for k in range(cohort.hospitals):
        for disease in (0, 1):
            own = first[(cohort.hospital[first] == k) & (cohort.disease[first] == disease)]
            found[generator.permutation(own)] = (dealt + np.arange(len(own))) % count
            dealt += len(own)
    place = {number: fold for number, fold in zip(cohort.same[first].tolist(), found[first].tolist(), strict=True)}
    return np.array([place[number] for number in cohort.same.tolist()], dtype=int)


def _first(cohort: Cohort) -> np.ndarray:
    """Which patients are the first with their record."""
    found = np.zeros(cohort.size, dtype=bool)
    found[np.unique(cohort.same, return_index=True)[1]] = True
    return found


def splits(cohort: Cohort, count: int, seed: int) -> Iterator[tuple[np.ndarray, np.ndarray]]:
    """Training and test rows of each fold in turn."""
    fold = folds(cohort, count, seed)
    for number in range(count):
        yield np.flatnonzero(fold != number), np.flatnonzero(fold == number)
