"""The descent of kernel matching, step by step."""

from __future__ import annotations

import numpy as np
import pandas as pd

from ddbook.chapters.tails.opposite.experiment import Made, score
from ddbook.chapters.tails.opposite.lessons import FULL, Lessons
from ddbook.chapters.tails.opposite.plans import matching
from ddbook.kit.tails.draws import draws_for
from ddlib.problem import Distilled
from ddlib.trial import run_trial


def course(lessons: Lessons, budget: int, seed: int, updates: int, points: int = 5) -> list[tuple[int, Distilled]]:
    """The set of kernel matching along its descent, from the first points to the last."""
    watch = {round(step) for step in np.linspace(0, updates, points)}
    method, generator = matching(lessons.teacher, updates).method, draws_for(lessons.task, seed, "sets")
    return sorted(run_trial(method, lessons.task, budget, updates, generator, watch).watched.items())


def course_scores(
    lessons: Lessons, budget: int, seed: int, updates: int, precision: str = "float32", steps: int = 2000
) -> pd.DataFrame:
    """The error of fresh plain networks along the descent of kernel matching: one row per step and seed."""
    each = course(lessons, budget, seed, updates)
    made = [Made(f"{step}", FULL, found, 0.0) for step, found in each]
    found = score(lessons.task, made, "network", seed, precision, steps)
    return found.assign(step=found.method.astype(int))[["problem", "step", "seed", "error", "labels"]]
