"""Repeated nested cross-validation: every row sees the same folds, and all that is learned or chosen is so in training folds."""

from __future__ import annotations

import time
from collections.abc import Callable, Mapping, Sequence
from typing import NamedTuple

import numpy as np
from jaxtyping import Float, Int

from ddbook.chapters.merge.four.cohort import Cohort
from ddbook.chapters.merge.four.folds import folds, splits
from ddbook.chapters.merge.four.penalised import Recalibration, log_losses
from ddbook.chapters.merge.four.rows import Row, Score

RECALIBRATED = "_recalibrated"
"""The end of the name of a row whose scores are recalibrated."""
PICKED, AVERAGED = "picked", "averaged"
"""The recalibrated row with the least loss in inner folds, and the mean of all recalibrated scores."""
Say = Callable[[str], None]


class Plan(NamedTuple):
    """What is compared, and how.

    Attributes:
        plain: rows whose scores are taken as they are.
        merges: rows that are recalibrated too; one of them is picked, and all are averaged.
        repeats, outer, inner: how often the patients are dealt out, to how many folds, and to how many inside the training folds.
        seed: of all folds and fits.
    """

    plain: tuple[Row, ...]
    merges: tuple[Row, ...]
    repeats: int = 10
    outer: int = 5
    inner: int = 5
    seed: int = 0


class Judged(NamedTuple):
    """Scores of patients who were held out.

    Attributes:
        scores: of every row, on the logit scale.
        picked: the merge that was picked in each repeat and fold.
        seconds: of each row's fits, those in inner folds included.
    """

    scores: Mapping[str, Float[np.ndarray, "R n"]]
    picked: list[list[str]]
    seconds: Mapping[str, float]


class Inner(NamedTuple):
    """A row's scores of training patients who were held out in inner folds."""

    score: Float[np.ndarray, " n"]
    fold: Int[np.ndarray, " n"]


def nested(cohort: Cohort, plan: Plan, say: Say = lambda text: None) -> Judged:
    """Every row's scores of every patient, once for each repeat.

    Args:
        cohort: the patients.
        plan: what is compared.
        say: called as the work goes on.
    """
    names = [row.name for row in (*plan.plain, *plan.merges)]
    names += [row.name + RECALIBRATED for row in plan.merges] + ([PICKED, AVERAGED] if plan.merges else [])
    scores = {name: np.full((plan.repeats, cohort.size), np.nan) for name in names}
    seconds = {row.name: 0.0 for row in (*plan.plain, *plan.merges)}
    picked: list[list[str]] = []
    for repeat in range(plan.repeats):
        picked.append([])
        for number, (rows, out) in enumerate(splits(cohort, plan.outer, seed_of(plan, repeat))):
            seed = seed_of(plan, repeat, number)
            found, best = _one_fold(cohort.take(rows), cohort.take(out), plan, seed, seconds)
            picked[-1].append(best)
            for name, score in found.items():
                scores[name][repeat, out] = score
            say(f"repeat {repeat + 1} of {plan.repeats}, fold {number + 1} of {plan.outer}: {best or 'done'}")
    return Judged(scores, picked, seconds)


def seed_of(plan: Plan, *place: int) -> int:
    """A seed for each place, whatever the order of the work."""
    return int(np.random.SeedSequence((plan.seed, *place)).generate_state(1)[0])


def _one_fold(
    train: Cohort, test: Cohort, plan: Plan, seed: int, seconds: dict[str, float]
) -> tuple[dict[str, Float[np.ndarray, " m"]], str]:
    """The scores of the patients who are held out, and the name of the merge that was picked; times are added."""

    found: dict[str, Float[np.ndarray, " m"]] = {}
    inner: dict[str, Inner] = {}
    for row in (*plan.plain, *plan.merges):
        began = time.perf_counter()
        found[row.name] = row.fit(train, seed)(test)
        if row in plan.merges:
            inner[row.name] = inner_scores(row, train, plan.inner, seed)
        seconds[row.name] += time.perf_counter() - began
    if not inner:
        return found, ""
    recalibrated = {name: recalibration(part, train)(found[name], test.hospital) for name, part in inner.items()}
    losses = {name: inner_loss(part, train) for name, part in inner.items()}
    best = min(losses, key=losses.__getitem__)
    found |= {name + RECALIBRATED: score for name, score in recalibrated.items()}
    found |= {PICKED: recalibrated[best], AVERAGED: np.mean(list(recalibrated.values()), axis=0)}
    return found, best


def inner_scores(row: Row, train: Cohort, count: int, seed: int) -> Inner:
    """A row's scores of training patients, each held out once."""
    fold, score = folds(train, count, seed), np.full(train.size, np.nan)
    for number in range(count):
        out = np.flatnonzero(fold == number)
        score[out] = row.fit(train.take(np.flatnonzero(fold != number)), seed)(train.take(out))
    return Inner(score, fold)


def recalibration(inner: Inner, train: Cohort, rows: np.ndarray | None = None) -> Recalibration:
    """The recalibration that training patients ask for, or some of them."""
    chosen = np.arange(train.size) if rows is None else rows
    return Recalibration(inner.score[chosen], train.disease[chosen], train.hospital[chosen], train.hospitals)


def inner_loss(inner: Inner, train: Cohort) -> float:
    """The mean log loss of recalibrated scores of training patients, each recalibrated by the other inner folds."""
    score = np.full(train.size, np.nan)
    for number in np.unique(inner.fold):
        out, rest = np.flatnonzero(inner.fold == number), np.flatnonzero(inner.fold != number)
        score[out] = recalibration(inner, train, rest)(inner.score[out], train.hospital[out])
    return float(log_losses(score, train.disease).mean())


class Recalibrated(NamedTuple):
    """A merge, recalibrated by inner folds, as a row of its own: for hospitals that are left out.

    Attributes:
        row: the merge.
        inner: folds.
    """

    row: Row
    inner: int = 5

    @property
    def name(self) -> str:
        return self.row.name + RECALIBRATED

    def fit(self, train: Cohort, seed: int) -> Score:
        """Learn from patients, and recalibrate."""
        adjusted = recalibration(inner_scores(self.row, train, self.inner, seed), train)
        score = self.row.fit(train, seed)
        return lambda cohort: adjusted(score(cohort), cohort.hospital)


def without_each(cohort: Cohort, rows: Sequence[Row], seed: int) -> dict[str, Float[np.ndarray, " n"]]:
    """Scores of each hospital's patients by rows that were fitted to the other hospitals alone."""
    scores = {row.name: np.full(cohort.size, np.nan) for row in rows}
    for k in np.unique(cohort.hospital).tolist():
        rest, out = np.flatnonzero(cohort.hospital != k), np.flatnonzero(cohort.hospital == k)
        for row in rows:
            scores[row.name][out] = row.fit(cohort.take(rest), seed)(cohort.take(out))
    return scores
