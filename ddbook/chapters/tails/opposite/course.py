"""The descent of kernel matching, step by step."""

from __future__ import annotations

import numpy as np
import pandas as pd

from ddbook.chapters.tails.opposite.experiment import Made, score
from ddbook.chapters.tails.opposite.lessons import FULL, Lessons
from ddbook.chapters.tails.opposite.plans import matching
from ddbook.chapters.tails.opposite.setting import Setting
from ddbook.kit.tails.draws import draws_for
from ddlib.problem import Distilled
from ddlib.trial import run_trial


def course(lessons: Lessons, setting: Setting, points: int = 5) -> list[tuple[int, Distilled]]:
    """The set of kernel matching along its descent, from the first points to the last; of the setting's first budget."""
    updates, generator = setting.updates, draws_for(lessons.task, setting.seed, "sets")
    watch = {round(step) for step in np.linspace(0, updates, points)}
    method = matching(lessons.teacher, updates).method
    trial = run_trial(method, lessons.task, setting.budget, updates, generator, watch=watch)
    return sorted(trial.watched.items())


def course_scores(lessons: Lessons, setting: Setting) -> pd.DataFrame:
    """The error of fresh plain networks along the descent of kernel matching: one row per step and seed."""
    sets = [Made(f"{step}", FULL, distilled, 0.0) for step, distilled in course(lessons, setting)]
    scores = score(lessons.task, sets, "network", setting)
    return scores.assign(step=scores.method.astype(int))[["problem", "step", "seed", "error", "labels"]]
