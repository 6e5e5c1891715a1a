"""Sentences of chapters 11 and 12 that depend on what was run at all: a part that was left out says so."""

from __future__ import annotations

from collections.abc import Iterable, Sequence

import numpy as np
import pandas as pd

from ddbook.chapters.tails.opposite.plans import SLOW
from ddbook.chapters.tails.opposite.report import OURS, called, median
from ddbook.chapters.tails.opposite.retrained import OURS as OUR_PROGRAM
from ddbook.chapters.tails.opposite.retrained import THEIRS
from ddbook.chapters.tails.opposite.setting import Setting
from ddbook.kit.tails.words import label


def solver_sentence(error: Sequence[float], seconds: Sequence[float]) -> str:
    """What SciPy's solver needs and leaves, from one number per problem that it can solve."""
    if not len(error):
        return "All problems of this run have time, and the classical solver is for boundary-value problems without it."
    least, most = 1000 * min(seconds), 1000 * max(seconds)
    return (
        f"For the problems without time SciPy's solver takes {least:.0f} to {most:.0f} ms for one α and leaves a relative error of "
        f"at most {max(error):.0e}. It uses no measurement."
    )


def slow_sentence(scores: pd.DataFrame, problems: Sequence[str], setting: Setting, methods: Iterable[str] = SLOW) -> str:
    """Errors and times of the methods that train networks while they search.

    Args:
        scores: of chapter 11.
        problems: on which they ran.
        setting: with the only budget that they ran at, which is its first, and their updates and inner trainings.
        methods: these methods.
    """
    if not problems:
        return "**Methods that train networks as they search** (I3) were left out of this run."
    budget, spans = setting.budget, []
    for method in methods:
        errors = [median(scores, problem=name, method=method, learner="network", budget=budget) for name in problems]
        seconds = scores[(scores.method == method) & (scores.budget == budget)].seconds_set.max()
        span = f"{min(errors):.2g}" if len(errors) == 1 else f"{min(errors):.2g} to {max(errors):.2g}"
        spans.append(f"{called(method)} {span} ({seconds:.2g} s for a set)")
    own = scores[(scores.method == OURS) & (scores.budget == budget)].seconds_set.max()
    where = ", ".join(label(name) for name in problems)
    return (
        f"**Methods that train networks as they search** (I3) ran with {budget} points on {where}, for {setting.slow_updates} "
        f"updates, or {setting.trainings} inner trainings of Algorithm 2, which begins at rows of D as published, where the others "
        f"begin on the other tail. Median errors: {'; '.join(spans)}; kernel matching takes up to {own:.2g} s. "
        "With so little computing these are not their best; they are what this run's profile affords."
    )


def retrained_sentence(retrained: pd.DataFrame) -> str:
    """How many of DeepXDE's errors lie between the least and the largest of ours, and how far they are from our medians."""
    if retrained.empty:
        return "In this run no row was trained again."
    inside, ratios = 0, []
    for _, rows in retrained.groupby(["problem", "method"]):
        ours = rows[rows.program == OUR_PROGRAM].error.to_numpy()
        theirs = float(rows[rows.program == THEIRS].error.iloc[0])
        inside += int(ours.min() <= theirs <= ours.max())
        ratios.append(theirs / float(np.median(ours)))
    return (
        f"Of {len(ratios)} rows, DeepXDE's error lies between the least and the largest of our fresh networks in {inside}; it is "
        f"{min(ratios):.2f} to {max(ratios):.2f} times our median."
    )


def even_sentence(even: Sequence[float], plain: Sequence[float]) -> str:
    """From how many networks on a set is worth its price, over problems; infinite where one network takes longer than a PINN.

    Args:
        even: with a distilled set.
        plain: with Sobol points that the teacher labels.
    """
    reached = [value for value in even if np.isfinite(value)]
    if not reached:
        return "In this run a network on points takes longer than a PINN on every problem, so that no number of them is enough."
    where = "" if len(reached) == len(even) else f", which is so on {len(reached)} of {len(even)} problems"
    cheap = [value for value in plain if np.isfinite(value)]
    return (
        f"In this run that is from {min(reached):.1f} to {max(reached):.1f} networks on{where}; for Sobol points with the "
        f"teacher's labels, which need no distillation, from {min(cheap):.1f} to {max(cheap):.1f}."
    )
