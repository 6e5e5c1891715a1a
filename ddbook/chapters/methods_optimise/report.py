"""Numbers for the prose, and the table of all methods."""

from __future__ import annotations

import pandas as pd
from numpy.typing import ArrayLike

from ddbook.chapters.methods_optimise.checks import CELLS, Solved
from ddbook.chapters.methods_optimise.experiment import AWARE, BLIND, GIVEN, LinearWorld
from ddbook.chapters.methods_optimise.faithful import Probes, stages
from ddbook.chapters.methods_optimise.limits import ridge_regret_bound, unit_weight_limit
from ddbook.chapters.methods_optimise.regret import Runs
from ddbook.kit import looks
from ddlib.lens import ridge_lower_bound
from ddlib.statistics import Estimate, Number, estimate, quoted

CLEAR = 0.1
"""A difference of two correlations that counts."""


def correlation(values: ArrayLike) -> Estimate:
    """A mean of correlations, whose interval cannot leave [-1, 1].

    >>> correlation([0.9, 1.0]).high
    1.0
    """
    found = estimate(values)
    return found._replace(low=max(-1.0, found.low), high=min(1.0, found.high)) if found.n > 1 else found


def settings(world: LinearWorld, probes: Probes) -> dict[str, Number]:
    """Sizes of the experiment."""
    counts = {
        "patients": world.data.budget,
        "columns": world.data.x.shape[-1],
        "family_size": len(world.family_penalties),
        "starts": world.replicates,
        "budget": world.budget,
        "steps": world.steps,
        "unrolled_steps": world.unrolled_steps,
        "ridge_penalty": world.ridge_penalty,
        "sizes": len(probes.perturbations),
        "smallest_size": min(probes.perturbations),
        "largest_size": max(probes.perturbations),
    }
    return {name: Number(value) for name, value in counts.items()}


def faithfulness_numbers(measured: pd.DataFrame) -> dict[str, Number]:
    """Correlations and cosines of each method on each task, and how far the correlation moves from one task to the other.

    Args:
        measured: as :func:`ddbook.chapters.methods_optimise.faithful.compare` makes it.
    """
    found = {}
    for (key, name), rows in measured.groupby(["task", "method"]):
        for column, short in (("cloud", "tau"), ("path", "path"), ("early", "early"), ("cosine", "cosine")):
            if rows[column].notna().all():
                found[f"{short}_{key}_{name}"] = quoted(correlation(rows[column]))
    means = measured.pivot_table(index="method", columns="task", values="cloud")
    moves = (means["ridge"] - means["logistic"]).abs()
    return found | {"largest_move": Number(float(moves.max())), "cloud_sets": Number(float(measured.sets.median()))}


def path_numbers(measured: pd.DataFrame, steps: int) -> dict[str, Number]:
    """The own path against the cloud, for each task and stage.

    How many methods it makes look more and less faithful by more than :data:`CLEAR`, the lowest and the highest mean, and the
    median over methods of the range over starts, beside that over clouds.
    """
    found = {"early_steps": Number(stages(steps)["early"][-1])}
    for key, rows in measured[measured.task != "single"].groupby("task"):
        for stage in ("path", "early"):
            walked = rows.dropna(subset=stage)
            if walked.empty:
                continue
            by_method = walked.groupby("method")
            means = by_method[stage].mean()
            gaps = means - by_method.cloud.mean()
            span = by_method[["cloud", stage]].max() - by_method[["cloud", stage]].min()
            found |= {
                f"{stage}_methods_{key}": Number(len(means)),
                f"{stage}_flatters_{key}": Number(int((gaps > CLEAR).sum())),
                f"{stage}_slanders_{key}": Number(int((gaps < -CLEAR).sum())),
                f"{stage}_lowest_{key}": Number(float(means.min())),
                f"{stage}_highest_{key}": Number(float(means.max())),
                f"{stage}_span_{key}": Number(float(span[stage].median())),
                f"cloud_span_{key}": Number(float(span.cloud.median())),
            }
    return found


def regret_numbers(world: LinearWorld, regrets: pd.DataFrame, controls: pd.DataFrame) -> dict[str, Number]:
    """Regrets (medians), parameter errors, and the certified limits of both.

    Args:
        world: the tasks.
        regrets: as :func:`ddbook.chapters.methods_optimise.regret.table` makes it.
        controls: as :func:`ddbook.chapters.methods_optimise.regret.controls` makes it.

    Raises:
        ArithmeticError: if a set goes below a limit.
    """
    found = {}
    for (key, name), rows in pd.concat([regrets, controls]).groupby(["task", "method"]):
        found[f"regret_{key}_{name}"] = quoted(estimate(rows.regret, "median"))
    for name, rows in regrets[regrets.task == "ridge"].groupby("method"):
        found[f"error_{name!s}"] = quoted(estimate(rows.error, "median"))
    bounds = {
        "error_bound": float(ridge_lower_bound(world.family.reference, world.budget)[0]),
        "regret_bound": ridge_regret_bound(world.family, world.budget),
        "unit_weight_limit": unit_weight_limit(world.classifier, world.budget),
    }
    ridge = regrets[regrets.task == "ridge"]
    unit = regrets[(regrets.task == "logistic") & ~regrets.method.isin(["exact", "k_means"])]
    for name, values in (("error_bound", ridge.error), ("regret_bound", ridge.regret), ("unit_weight_limit", unit.regret)):
        if values.min() < bounds[name] - 1e-9:
            raise ArithmeticError(f"a set reached {values.min()}, below the certified {name} of {bounds[name]}")
    first = {key: regrets[(regrets.task == key) & (regrets.method == "first_order")].regret for key in world.tasks}
    implicit = {key: regrets[(regrets.task == key) & (regrets.method == "implicit")].regret for key in world.tasks}
    apart = max(float(abs(first[key].to_numpy() - implicit[key].to_numpy()).max()) for key in world.tasks)
    over = max(float(first["logistic"].max()) - bounds["unit_weight_limit"], 0.0)
    return found | {name: Number(value) for name, value in (bounds | {"implicit_difference": apart, "logistic_gap": over}).items()}


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
    found |= {
        "tm_settings": len(solved.table),
        "tm_surrogate": solved.table.surrogate.max(),
        "tm_minimiser": solved.table.minimiser_error.max(),
        "tm_ridge_least": solved.table.ridge_error.min(),
        "tm_ridge_largest": solved.table.ridge_error.max(),
    }
    off = (quantised.found / quantised.exact - 1).abs()
    found |= {"quantise_cells": CELLS, "quantise_points": quantised.points.max()}
    found |= {f"quantise_{law}": off[quantised.law == law].max() for law in ("uniform", "normal")}
    return {name: Number(float(value)) for name, value in found.items()}


def method_table(measured: pd.DataFrame, regrets: pd.DataFrame, runs: Runs) -> pd.DataFrame:
    """One row per method: correlation over the cloud, mean cosine, regret (median) and time on each task, and stored numbers."""
    means = measured.groupby(["task", "method"])[["cloud", "cosine"]].mean()
    medians = regrets.groupby(["task", "method"]).regret.median()
    rows = []
    for name in ("exact", *AWARE, *BLIND, *GIVEN):
        row = {"method": looks.label(name)}
        for key in ("ridge", "logistic"):
            known = (key, name) in means.index
            row[f"τ, {key}"] = f"{float(means.cloud[key, name]):.2f}" if known else "–"
            row[f"cosine, {key}"] = f"{float(means.cosine[key, name]):.2f}" if known else "–"
            row[f"lost, {key}"] = f"{float(medians[key, name]):.2%}"
        row["ms, ridge"] = f"{runs['ridge'][name].milliseconds:.2f}"
        row["ms, logistic"] = "same" if name in (*BLIND, *GIVEN) else f"{runs['logistic'][name].milliseconds:.2f}"
        row["stored"] = str(runs["ridge"][name].distilled.stored_numbers)
        rows.append(row)
    return pd.DataFrame(rows).set_index("method")
