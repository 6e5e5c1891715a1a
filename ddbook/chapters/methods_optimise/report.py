"""Numbers for the prose, and the tables of all methods."""

from __future__ import annotations

import math

import pandas as pd
import torch
from numpy.typing import ArrayLike
from scipy import stats

from ddbook.chapters.methods_optimise.checks import CELLS, Solved
from ddbook.chapters.methods_optimise.experiment import AWARE, BLIND, GIVEN, OWN, LinearWorld
from ddbook.chapters.methods_optimise.faithful import BY_DEFINITION, CLOUDS, METHODS, MISMATCH, Probes
from ddbook.chapters.methods_optimise.limits import unit_weight_limit
from ddbook.chapters.methods_optimise.regret import AS_RUN, SHARES, Runs
from ddbook.kit import looks
from ddlib.lens import kendall, ridge_lower_bound, ridge_regret_bound
from ddlib.statistics import Estimate, Number, estimate, median_coverage, paired_difference, quoted

MARGIN = 0.1
"""A method has settled if the last quadrupling of its steps changes what it loses by less: by a tenth of that."""

LEAST = 1e-12
"""Smaller losses are rounding, and count as this where losses are divided."""

TWICE = ("herding", "kernel_inducing_labels")
"""The methods whose surrogate is another's: distribution matching's, and that of kernel inducing points."""

SURROGATES = tuple(name for name in METHODS if name not in (*BY_DEFINITION, *TWICE))
"""The methods with a surrogate that is neither the risk by definition nor another's."""

PATH = ("ridge", "kernel_inducing_labels")
"""Task and method of the worked path."""

BOTH = tuple(name for name in (*BLIND, *GIVEN) if name not in OWN)
"""The methods that make one set for both tasks."""

HEADS = {"τ": "cloud", "cosine": "cosine"}
"""Columns of the table of methods that are means of those of the correlations."""

ITERATIVE = tuple(name for name in (*BLIND, *AWARE) if name != "implicit")
"""The methods that are run for several lengths."""


def correlation(values: ArrayLike) -> Estimate:
    """A mean of correlations, whose interval cannot leave [-1, 1].

    >>> correlation([0.9, 1.0]).high
    1.0
    """
    found = estimate(values)
    return found._replace(low=max(-1.0, found.low), high=min(1.0, found.high)) if found.n > 1 else found


def spread(replicates: int) -> str:
    """What the lines around a median of so many values are called.

    >>> spread(5), spread(6)
    ('ranges', '95 % intervals')
    """
    return "95 % intervals" if median_coverage(replicates) >= 0.95 else "ranges"


def settings(world: LinearWorld, probes: Probes) -> dict[str, Number]:
    """Sizes of the experiment."""
    counts = {
        "patients": world.data.budget,
        "columns": world.data.x.shape[-1],
        "family_size": len(world.family_penalties),
        "starts": world.replicates,
        "budget": world.budget,
        "steps": world.steps,
        "quarter_steps": max(world.steps // SHARES[-1], 1),
        "fewest_steps": max(world.steps // SHARES[0], 1),
        "unrolled_steps": world.unrolled_steps,
        "ridge_penalty": world.ridge_penalty,
        "sizes": len(probes.perturbations),
        "smallest_size": min(probes.perturbations),
        "largest_size": max(probes.perturbations),
        "surrogates": len(SURROGATES),
    }
    return {name: Number(value) for name, value in counts.items()}


def faithfulness_numbers(measured: pd.DataFrame) -> dict[str, Number]:
    """Correlations of each method on each task and in each cloud, the worked path's, and how far they move between the tasks.

    ``move_<cloud>_<method>`` is the mean paired difference between the two tasks, and ``moves_clear_<cloud>`` the number of
    :data:`SURROGATES` in which it is not zero, by intervals that hold for all of them at once (Bonferroni).
    ``mismatch_<cloud>_<method>`` is the same with the regressions' surrogate on either task, and ``own_<cloud>_<method>`` what the
    classifier's own loss, or its classes, add on the classifier. ``order_<cloud>_<task>`` is Kendall's correlation between the
    order of the surrogates in that cloud and in the common one, ``shift_<cloud>`` the largest change of a mean.

    Args:
        measured: as :func:`ddbook.chapters.methods_optimise.faithful.compare` makes it.
    """
    found = {"cloud_sets": Number(float(measured.sets.median()))}
    for (key, name), rows in measured.groupby(["task", "method"]):
        found[f"tau_{key}_{name}"] = quoted(correlation(rows.cloud))
        found |= {f"tau_{column}_{key}_{name}": quoted(correlation(rows[column])) for column in CLOUDS[1:]}
    for column in CLOUDS:
        wide = measured.pivot(index=["method", "seed"], columns="task", values=column)
        moves = {name: paired_difference(wide.ridge[name], wide.logistic[name]) for name in SURROGATES}
        found |= {f"move_{column}_{name}": quoted(move) for name, move in moves.items()}
        found[f"moves_clear_{column}"] = Number(sum(differs(move, len(moves)) for move in moves.values()))
        for name in OWN:
            found[f"mismatch_{column}_{name}"] = quoted(paired_difference(wide.ridge[name], wide[MISMATCH][name]))
            found[f"own_{column}_{name}"] = quoted(paired_difference(wide.logistic[name], wide[MISMATCH][name]))
    means = measured.groupby(["task", "method"])[list(CLOUDS)].mean()
    for column in CLOUDS[1:]:
        found[f"shift_{column}"] = Number(float((means[column] - means.cloud).abs().max()))
        for key in ("ridge", "logistic"):
            both = means.loc[key].loc[list(SURROGATES)]
            found[f"order_{column}_{key}"] = Number(kendall(_tensor(both[column]), _tensor(both.cloud)))
    walked = measured[(measured.task == PATH[0]) & (measured.method == PATH[1])]
    found |= {f"mean_{column}": quoted(correlation(walked[column].dropna())) for column in ("path", "path_log")}
    worked = walked.iloc[0]
    for column in ("cloud", "path", "path_log"):
        if pd.notna(worked[column]):
            found[f"worked_{column}"] = Number(float(worked[column]))
    return found


def differs(found: Estimate, among: int) -> bool:
    """Whether a mean is not zero, by an interval that holds for so many means at once (Bonferroni).

    >>> differs(estimate([1.0, 1.1, 0.9]), 1), differs(estimate([1.0, 1.1, 0.9]), 1000)
    (True, False)
    """
    if found.n < 2:
        return False
    wider = stats.t.ppf(1 - 0.025 / among, found.n - 1) / stats.t.ppf(0.975, found.n - 1)
    return bool(abs(found.value) > wider * (found.high - found.value))


def regret_numbers(world: LinearWorld, regrets: pd.DataFrame) -> dict[str, Number]:
    """Regrets (medians), parameter errors, and the certified limits of both.

    Args:
        world: the tasks.
        regrets: as :func:`ddbook.chapters.methods_optimise.regret.table` makes it.

    Raises:
        ArithmeticError: if a set goes below a limit.
    """
    found = {}
    for (key, name, variant), rows in regrets.groupby(["task", "method", "variant"]):
        ending = "" if variant == AS_RUN else f"_{str(variant).replace(' ', '_')}"
        found[f"regret_{key}_{name}{ending}"] = quoted(estimate(rows.regret, "median"))
    shown = regrets[regrets.variant == AS_RUN]
    ridge, logistic = (shown[shown.task == key] for key in ("ridge", "logistic"))
    for name, rows in ridge.groupby("method"):
        found[f"error_{name!s}"] = quoted(estimate(rows.error, "median"))
    bounds = {
        "error_bound": float(ridge_lower_bound(world.family.reference, world.budget)[0]),
        "regret_bound": ridge_regret_bound(world.family, world.budget),
        "unit_weight_limit": unit_weight_limit(world.classifier, world.budget),
    }
    unit = logistic[~logistic.method.isin(["exact", "k_means"])]
    for name, values in (("error_bound", ridge.error), ("regret_bound", ridge.regret), ("unit_weight_limit", unit.regret)):
        if values.min() < bounds[name] - 1e-9:
            raise ArithmeticError(f"a set reached {values.min()}, below the certified {name} of {bounds[name]}")
    pairs = shown[shown.method.isin(BY_DEFINITION)].pivot(index=["task", "seed"], columns="method", values="regret")
    more = {
        "implicit_difference": float((pairs.first_order - pairs.implicit).abs().max()),
        "unit_weight_limit_one": unit_weight_limit(world.classifier, 1),
        "logistic_gap": max(float(logistic[logistic.method == "first_order"].regret.max()) - bounds["unit_weight_limit"], 0.0),
    }
    if bounds["regret_bound"] > 0:
        more["first_over_bound"] = found["regret_ridge_first_order"].value / bounds["regret_bound"]
    return found | {name: Number(value) for name, value in (bounds | more).items()}


def effort_numbers(tried: pd.DataFrame) -> dict[str, Number]:
    """What the last quadrupling of the steps makes of the loss (a ratio), and how many methods have settled on each task.

    Args:
        tried: as :func:`ddbook.chapters.methods_optimise.regret.effort` makes it.
    """
    found: dict[str, Number] = {}
    lengths = sorted(tried.steps.unique())
    for key, rows in tried.groupby("task"):
        changes = {name: change(rows[rows.method == name]) for name in ITERATIVE}
        found |= {f"change_{key}_{name}": quoted(value) for name, value in changes.items()}
        found[f"settled_{key}"] = Number(sum(settled(value) for value in changes.values()))
        first = rows[rows.method == "first_order"]
        for place, steps in (("fewest", lengths[0]), ("quarter", lengths[-2] if len(lengths) > 1 else lengths[-1])):
            found[f"{place}_{key}_first_order"] = quoted(estimate(first[first.steps == steps].regret, "median"))
    return found | {"effort_methods": Number(len(ITERATIVE)), "margin": Number(MARGIN)}


def change(rows: pd.DataFrame) -> Estimate:
    """What a method loses with the most steps over what it loses with a quarter of them (geometric mean of paired ratios)."""
    wide = rows.pivot(index="seed", columns="steps", values="regret").sort_index(axis=1).clip(lower=LEAST).map(math.log)
    logs = paired_difference(wide.iloc[:, -1], wide.iloc[:, -2 if wide.shape[1] > 1 else -1])
    return Estimate(math.exp(logs.value), math.exp(logs.low), math.exp(logs.high), logs.n)


def settled(found: Estimate) -> bool:
    """Whether the interval of a ratio lies inside the margin."""
    return found.n > 1 and found.low > 1 - MARGIN and found.high < 1 + MARGIN


def check_numbers(spread: pd.DataFrame, solved: Solved, quantised: pd.DataFrame) -> dict[str, Number]:
    """What the verification of the closed forms found.

    Args:
        spread: as :func:`ddbook.chapters.methods_optimise.checks.same_means` makes it.
        solved: as :func:`ddbook.chapters.methods_optimise.checks.trajectory_matching` makes it.
        quantised: as :func:`ddbook.chapters.methods_optimise.checks.quantisation` makes it.
    """
    found = {"dm_surrogate": spread.surrogate.max(), "dm_sets": len(spread)}
    for key in ("ridge", "logistic"):
        found |= {
            f"dm_least_{key}": spread[key].min(),
            f"dm_largest_{key}": spread[key].max(),
            f"dm_means_{key}": spread[key].iloc[0],
        }
    same = solved.table.N == solved.table.M
    found |= {
        "tm_settings": len(solved.table),
        "tm_others": int((~same).sum()),
        "tm_surrogate": solved.table.surrogate.max(),
        "tm_minimiser": solved.table.minimiser_error.max(),
        "tm_ridge_same": solved.table.ridge_error[same].max(),
        "tm_ridge_least": solved.table.ridge_error[~same].min(),
        "tm_ridge_largest": solved.table.ridge_error[~same].max(),
    }
    off = (quantised.found / quantised.exact - 1).abs()
    found |= {"quantise_cells": CELLS, "quantise_points": quantised.points.max()}
    found |= {f"quantise_{law}": off[quantised.law == law].max() for law in ("uniform", "normal")}
    return {name: Number(float(value)) for name, value in found.items()}


def method_table(measured: pd.DataFrame, regrets: pd.DataFrame, tried: pd.DataFrame, runs: Runs) -> pd.DataFrame:
    """One row per method: on each task its correlation, mean cosine, loss (median) and its change by the last quadrupling of steps.

    Time and stored numbers come last.
    """
    means = measured.groupby(["task", "method"])[["cloud", "cosine"]].mean()
    medians = regrets[regrets.variant == AS_RUN].groupby(["task", "method"]).regret.median()
    rows = []
    for name in ("exact", *AWARE, *BLIND, *GIVEN):
        row = {"method": looks.label(name)}
        for key in ("ridge", "logistic"):
            known = (key, name) in means.index
            row[f"τ, {key}"] = f"{float(means.cloud[key, name]):.2f}" if known else "–"
            row[f"cosine, {key}"] = f"{float(means.cosine[key, name]):.2f}" if known else "–"
            row[f"lost, {key}"] = f"{float(medians[key, name]):.2%}"
            own = tried[(tried.task == key) & (tried.method == name)]
            row[f"last 4 × steps, {key}"] = "–" if own.empty else f"× {change(own).value:.2g}"
        row["ms, ridge"] = f"{runs['ridge'][name].milliseconds:.2f}"
        row["ms, logistic"] = "same" if name in BOTH else f"{runs['logistic'][name].milliseconds:.2f}"
        row["stored"] = str(runs["ridge"][name].distilled.stored_numbers)
        rows.append(row)
    mismatched = regrets[regrets.variant == MISMATCH].groupby("method").regret.median()
    for name in OWN:
        row = {"method": looks.label(name, remark=without_classes(name)), "lost, logistic": f"{float(mismatched[name]):.2%}"}
        row |= {f"{head}, logistic": f"{float(means[column][MISMATCH, name]):.2f}" for head, column in HEADS.items()}
        rows.append(row)
    return pd.DataFrame(rows).set_index("method").fillna("–")


def without_classes(name: str) -> str:
    """What sets a surrogate of the regressions apart when the classifier is given it."""
    return ", no classes" if name == "distribution_matching" else ", the squared loss, given to the classifier"


def cloud_table(measured: pd.DataFrame) -> pd.DataFrame:
    """One row per surrogate: its mean correlation on each task, in each of the clouds."""
    means = measured.groupby(["task", "method"])[list(CLOUDS)].mean()
    heads = {"cloud": "common", "left_out": "own path left out", "even": "one weight per origin", "rows": "random rows only"}
    found = {
        f"{head}, {key}": [f"{float(means[column][key, name]):.2f}" for name in SURROGATES]
        for key in ("ridge", "logistic")
        for column, head in heads.items()
    }
    return pd.DataFrame(found, index=pd.Index([looks.label(name) for name in SURROGATES], name="method"))


def _tensor(values: pd.Series) -> torch.Tensor:
    return torch.tensor(values.to_numpy(copy=True))
