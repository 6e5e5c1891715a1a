"""What each set loses when its task's learner is trained anew on it, and variants that tell methods from their settings."""

from __future__ import annotations

import math
from collections.abc import Mapping
from dataclasses import replace
from typing import Any

import pandas as pd
import torch
from jaxtyping import Float
from torch import Tensor

from ddbook.chapters.methods_optimise.experiment import AWARE, BLIND, GIVEN, OWN, LinearWorld, Run
from ddbook.chapters.methods_optimise.faithful import MISMATCH
from ddlib.lens import relative_regret, scores, untrained
from ddlib.problem import Distilled, regret
from ddlib.settings import settings, settings_last
from ddlib.tasks import EmpiricalTask
from ddlib.trial import tidy

Runs = Mapping[str, Mapping[str, Run]]

AS_RUN = "as run"
"""The variant that the map shows."""

SHARES = (16, 4)
"""The shorter runs of :func:`effort` have the steps divided by these."""


def lost(task: EmpiricalTask, distilled: Distilled) -> Float[Tensor, " R"]:
    """:func:`ddlib.lens.relative_regret`; what rounding makes negative is zero."""
    return relative_regret(task, distilled).clamp(min=0).cpu()


def table(world: LinearWorld, runs: Runs) -> pd.DataFrame:
    """The share of the learnable that each method's sets lose, as run and in variants that change one thing.

    ``labels kept`` is the first-order method with points alone free, as the zeroth-order method has it; ``weights learned`` has
    points, labels and weights free, for the classifier; ``normal start`` is gradient matching with coefficients from N(0, I).
    ``other weights`` are the sets of the methods that choose or average rows with the other convention for weights: rows that stand
    for themselves count as n/m rows each, cluster means, which stand for their clusters, as one. ``own steps`` is what unrolling
    believes that its sets lose: the regret of the model after its own few steps. ``mismatch``, for the classifier, are the sets
    that the methods of :data:`OWN` make with the squared loss, or without classes, as for the regressions.

    Returns:
        One row per task, method, variant and seed, with ``regret`` and, for the ridge regressions, the relative parameter
        ``error``. Settings come last: of the trial, of the task that judges, and of the set's weights.
    """
    rows = []
    for key, task in world.tasks.items():
        judged = _Judge(world, key, task)
        rows += [judged.rows(name, run) for name, run in runs[key].items()]
        rows += [judged.rows(name, run, variant) for name, variant, run in _variants(world, key, task)]
        rows += [judged.rows(name, runs["ridge"][name], MISMATCH) for name in OWN if key == "logistic"]
        rows += [judged.reweighted(name, runs[key][name]) for name in GIVEN[:4]]
        rows.append(judged.promise(runs[key]["unrolled"]))
    return settings_last(pd.concat(rows, ignore_index=True))


def effort(world: LinearWorld, runs: Runs) -> pd.DataFrame:
    """What the sets of the iterative methods lose after runs of several lengths, each with a schedule of its own.

    Implicit differentiation, here the first-order method once more, is left out.

    Returns:
        One row per task, method, steps and seed; the longest runs are those of the map.
    """
    rows = []
    for steps in sorted({max(world.steps // share, 1) for share in SHARES} | {world.steps}):
        shorter = replace(world, steps=steps)
        for key, task in world.tasks.items():
            judged = _Judge(world, key, task)
            for name in (*BLIND, *AWARE):
                if name == "implicit":
                    continue
                made_for = world.family if name in BLIND else task
                run = runs[key][name] if steps == world.steps else shorter.run(shorter.method(name, key=key), made_for)
                rows.append(judged.rows(name, run).assign(steps=steps))
    return settings_last(pd.concat(rows, ignore_index=True))


class _Judge:
    """A task of the map, and the rows that it gives."""

    def __init__(self, world: LinearWorld, key: str, task: EmpiricalTask) -> None:
        self.world, self.key, self.task = world, key, task

    def rows(self, name: str, run: Run, variant: str = AS_RUN) -> pd.DataFrame:
        """A run's sets, after the task's learner was trained anew on them."""
        return self._tidy(name, variant, run, run.distilled, "as made")

    def reweighted(self, name: str, run: Run) -> pd.DataFrame:
        """The same sets with the other convention for weights."""
        other = reweighted(self.world, run.distilled)
        return self._tidy(name, "other weights", run, other, "1 each" if bool((other.w == 1).all()) else "n/m each")

    def promise(self, run: Run) -> pd.DataFrame:
        """Unrolled sets, judged by the model after the steps that were unrolled."""
        once = replace(self.task, replicates=1)
        reached = scores(self.world.method("unrolled"), once, run.distilled, self.world.generator()).detach()
        values = ((reached - self.task.risk(self.task.reference)) / regret(self.task, untrained(self.task))).cpu()
        return self._frame("unrolled", "own steps", {"regret": values}, self._noted(run, "the steps that were unrolled", "as made"))

    def _tidy(self, name: str, variant: str, run: Run, distilled: Distilled, weights: str) -> pd.DataFrame:
        found = {"regret": lost(self.task, distilled)}
        if self.key == "ridge":
            family = self.world.family
            found["error"] = family.parameter_error(family.fit(distilled)).cpu()
        return self._frame(name, variant, found, self._noted(run, "the task's learner", weights))

    def _noted(self, run: Run, learned_by: str, weights: str) -> dict[str, Any]:
        return {**run.settings, **settings(self.task, "judge"), "judge.learned_by": learned_by, "set.weights": weights}

    def _frame(self, name: str, variant: str, found: Mapping[str, Tensor], noted: Mapping[str, Any]) -> pd.DataFrame:
        return tidy(found, {"task": self.key, "method": name, "variant": variant}, noted)


def _variants(world: LinearWorld, key: str, task: EmpiricalTask) -> list[tuple[str, str, Run]]:
    """Methods with one thing changed: name, variant and run."""
    first, matching = world.method("first_order"), world.method("gradient_matching", key=key)
    found = [("first_order", "labels kept", world.run(replace(first, learn=("x",)), task))]
    if key == "logistic":
        found.append(("first_order", "weights learned", world.run(replace(first, learn=("x", "y", "w")), task)))
    normal = replace(matching, network=replace(matching.network, scale=math.sqrt(world.data.x.shape[-1])))
    return [*found, ("gradient_matching", "normal start", world.run(normal, world.family))]


def reweighted(world: LinearWorld, distilled: Distilled) -> Distilled:
    """Weights of one where there were others, and weights of n/m where all were one."""
    one = bool((distilled.w == 1).all())
    return distilled._replace(w=torch.full_like(distilled.w, world.data.budget / distilled.budget if one else 1.0))
