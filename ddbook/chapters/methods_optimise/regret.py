"""What each set loses when its task's learner is trained anew on it, and controls that tell methods from their settings."""

from __future__ import annotations

import math
from collections.abc import Mapping
from dataclasses import replace

import pandas as pd
import torch
from jaxtyping import Float
from torch import Tensor

from ddbook.chapters.methods_optimise.experiment import GIVEN, LINEAR, LinearWorld, Run
from ddlib.learners import Network
from ddlib.lens import relative_regret, scores, untrained
from ddlib.problem import Distilled, regret
from ddlib.tasks import EmpiricalTask

Runs = Mapping[str, Mapping[str, Run]]


def lost(task: EmpiricalTask, distilled: Distilled) -> Float[Tensor, " R"]:
    """:func:`ddlib.lens.relative_regret`; what rounding makes negative is zero."""
    return relative_regret(task, distilled).clamp(min=0).cpu()


def table(world: LinearWorld, runs: Runs) -> pd.DataFrame:
    """The share of the learnable that each method's sets lose.

    Returns:
        One row per task, method and seed, with ``regret`` and, for the ridge regressions, the relative parameter ``error``.
    """
    rows = []
    for key, task in world.tasks.items():
        for name, run in runs[key].items():
            found = _rows(key, name, lost(task, run.distilled))
            if key == "ridge":
                found = found.assign(error=world.family.parameter_error(world.family.fit(run.distilled)).cpu().numpy())
            rows.append(found)
    return pd.concat(rows, ignore_index=True)


def controls(world: LinearWorld, runs: Runs) -> pd.DataFrame:
    """The regret of variants that change one thing.

    ``first_order_points`` descends the risk of the ridge regressions with the labels kept, as the zeroth-order method does;
    ``first_order_weights`` also learns weights, for the classifier; ``gradient_matching_normal`` draws its coefficients from
    N(0, I). ``<name>_reweighted`` are the sets of the methods that choose or average rows with the other convention for weights:
    rows that stand for themselves count as n/m rows each, cluster means, which stand for their clusters, as one.
    ``unrolled_promise`` is what unrolling believes that its sets lose: the regret of the model after its own few steps.

    Returns:
        One row per task, method and seed, with ``regret``.
    """
    first, matching = world.method("first_order"), world.method("gradient_matching")
    kept = world.run(replace(first, learn=("x",)), world.family).distilled
    free = world.run(replace(first, learn=("x", "y", "w")), world.classifier).distilled
    normal = world.run(replace(matching, network=standard_normal(world)), world.family).distilled
    rows = [
        _rows("ridge", "first_order_points", lost(world.family, kept)),
        _rows("logistic", "first_order_weights", lost(world.classifier, free)),
    ]
    for key, task in world.tasks.items():
        rows.append(_rows(key, "gradient_matching_normal", lost(task, normal)))
        for name in GIVEN[:4]:
            rows.append(_rows(key, f"{name}_reweighted", lost(task, reweighted(world, runs[key][name].distilled))))
        rows.append(_rows(key, "unrolled_promise", _promise(world, task, runs[key]["unrolled"].distilled)))
    return pd.concat(rows, ignore_index=True)


def standard_normal(world: LinearWorld) -> Network:
    """The linear model with initial coefficients from N(0, I)."""
    return replace(LINEAR, scale=math.sqrt(world.data.x.shape[-1]))


def reweighted(world: LinearWorld, distilled: Distilled) -> Distilled:
    """Weights of one where there were others, and weights of n/m where all were one."""
    one = bool((distilled.w == 1).all())
    return distilled._replace(w=torch.full_like(distilled.w, world.data.budget / distilled.budget if one else 1.0))


def _promise(world: LinearWorld, task: EmpiricalTask, distilled: Distilled) -> Float[Tensor, " R"]:
    reached = scores(world.method("unrolled"), replace(task, replicates=1), distilled, world.generator()).detach()
    return ((reached - task.risk(task.reference)) / regret(task, untrained(task))).cpu()


def _rows(key: str, name: str, values: Tensor) -> pd.DataFrame:
    return pd.DataFrame({"task": key, "method": name, "seed": range(len(values)), "regret": values.numpy()})
