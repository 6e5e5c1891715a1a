"""What chapter 06 reports: which networks a claim is about, the tables, and the numbers that its sentences quote."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np
import pandas as pd

from ddbook.chapters.merge.limit.experiment import at_smallest
from ddbook.chapters.merge.limit.figures import label_with_count
from ddbook.kit.looks import label
from ddbook.kit.scores import interval_name, quoted_median, shown
from ddlib.dbn.likelihood.information import IDENTIFIED
from ddlib.statistics import Estimate, Number, estimate, quoted

NATS = "nats per trajectory"
GOAL = 1.05
ORDER = (
    "clean_all",
    "em",
    "limit",
    "first_order",
    "first_order_loo",
    "zeroth_order",
    "clean_subset",
    "available_case",
    "available_case_repaired",
    "chained_equations",
    "federated",
    "mean_imputation",
    "available_case_noisy",
    "available_case_repaired_noisy",
    "federated_noisy",
    "mean_imputation_noisy",
)
"""The rows of the first figure, from top to bottom."""


def ratios(scores: pd.DataFrame, yardsticks: pd.DataFrame) -> pd.DataFrame:
    """First-order regret over EM's on the same network with the same knowledge.

    Networks that the measurements do not identify are left out, because all points of a ridge of the likelihood are equally good to
    both; so are those on which EM has not converged, because the likelihood rises towards a variance of zero.
    """
    first = scores[scores.method == "first_order"]
    em = scores[scores.method == "em"][["condition", "seed", "regret", "train_risk", "converged"]]
    both = first.merge(em, on=["condition", "seed"], suffixes=("", "_em"))
    kept = yardsticks[["condition", "seed", "kept"]] if "kept" in yardsticks else yardsticks[["condition", "seed"]].assign(kept=1.0)
    both = both.merge(kept, on=["condition", "seed"])
    both = both[(both.kept.fillna(1.0) > IDENTIFIED) & both.converged_em.astype(bool)]
    return both.assign(ratio=both.regret / both.regret_em, excess=both.train_risk - both.train_risk_em)


def left_out(scores: pd.DataFrame, yardsticks: pd.DataFrame) -> pd.DataFrame:
    """How many networks of each condition :func:`ratios` leaves out."""
    total = scores[scores.method == "em"].groupby("condition", sort=False).seed.nunique()
    inside = ratios(scores, yardsticks).groupby("condition").seed.nunique().reindex(total.index).fillna(0).astype(int)
    return pd.DataFrame({"networks": total, "left out": total - inside})


def _cell(values: np.ndarray) -> str:
    good = values[np.isfinite(values)]
    if not good.size:
        return "fails on all"
    return shown(estimate(good, "median")) + (
        f"; fails on {values.size - good.size} of {values.size}" if good.size < values.size else ""
    )


def summary(scores: pd.DataFrame, conditions: Sequence[str], methods: Sequence[str]) -> pd.DataFrame:
    """Median regret at the smallest budget with its interval, one row per method and one column per condition."""
    scores = at_smallest(scores)
    cells = {
        condition: {
            label_with_count(method, scores): _cell(
                scores[(scores.condition == condition) & (scores.method == method)].regret.to_numpy()
            )
            for method in methods
        }
        for condition in conditions
    }
    return pd.DataFrame(cells).rename_axis(f"regret, {NATS}: median ({interval_name(scores.seed.nunique())})")


def limits_table(yardsticks: pd.DataFrame) -> pd.DataFrame:
    """Medians of what the data allow, one row per condition; a dash where there is none, ∞ where they do not determine it."""
    columns = {
        "dimension": "parameters",
        "kept": "least information kept",
        "bound": "Cramér–Rao regret",
        "effective": "effective clean patients",
        "clean_bound": "dim/(2n)",
        "finite": "finite-n form",
        "clean_all": "all clean rows",
        "entropy": "entropy",
    }
    groups = yardsticks.groupby("condition", sort=False)
    found = groups[list(columns)].median().rename(columns=columns).map(_short)
    lost = (yardsticks.kept <= IDENTIFIED).groupby(yardsticks.condition, sort=False).sum()
    found["not identified"] = [f"{few} of {many}" for few, many in zip(lost, groups.size(), strict=True)]
    found.loc[groups.kept.count() == 0, "not identified"] = "–"
    return found.rename_axis("medians over networks")


def _short(value: float) -> str:
    if not np.isfinite(value):
        return "–" if np.isnan(value) else "∞"
    return f"{value:.0f}" if abs(value) >= 100 else f"{value:.3g}"


def _median(values: np.ndarray, unit: str = "") -> Number:
    return quoted_median(estimate(values[np.isfinite(values)], "median"), unit)


def numbers(scores: pd.DataFrame, yardsticks: pd.DataFrame) -> dict[str, Number]:
    """Medians of regret at the smallest budget and of the bound per condition; over all budgets how far from EM, and converged."""
    found: dict[str, Number] = {"networks": Number(scores.seed.nunique())}
    each = ratios(scores, yardsticks)
    found["worst_ratio"] = Number(float(each.ratio.max()), n=len(each))
    found["far_from_em"] = Number(int(((each.ratio - 1).abs() > GOAL - 1).sum()), n=len(each))
    found["largest_excess"] = Number(float(each.excess.max()), n=len(each), unit=NATS)
    found["share_within_goal"] = Number(float((each.ratio <= GOAL).mean()), n=len(each))
    found["left_out"] = Number(int(left_out(scores, yardsticks)["left out"].sum()))
    descents = scores[scores.method == "first_order"].converged.astype(bool)
    found["descents"], found["descents_converged"] = Number(len(descents)), Number(int(descents.sum()), n=len(descents))
    scores = at_smallest(scores)
    for condition in scores.condition.unique():
        name = condition.lower().replace(" ", "_").replace(".", "").replace("=", "").replace(",", "")
        part, marks = scores[scores.condition == condition], yardsticks[yardsticks.condition == condition]
        for method in part.method.unique():
            values = part[part.method == method].regret.to_numpy()
            found[f"{name}_{method}_fails"] = Number(int((~np.isfinite(values)).sum()), n=values.size)
            if np.isfinite(values).any():
                found[f"{name}_{method}"] = _median(values, NATS)
        for column in ("bound", "effective", "clean_bound", "kept", "hamming", "edges", "noise"):
            if column in marks and np.isfinite(marks[column]).any():
                found[f"{name}_{column}"] = _median(marks[column].dropna().to_numpy())
    return found


def mean_ratio(ours: np.ndarray, theirs: np.ndarray) -> Estimate:
    """Geometric mean of paired ratios with its 95 % interval, for quantities with long tails; finite ratios only."""
    with np.errstate(divide="ignore", invalid="ignore"):
        logs = np.log(ours / theirs)
    found = estimate(logs[np.isfinite(logs)])
    value, low, high = (float(np.exp(end)) for end in found[:3])
    return Estimate(value, low, high, found.n)


def against_maximum(scores: pd.DataFrame, base: str = "em") -> dict[str, Number]:
    """Regret against the base method's on the same networks, per condition and method.

    The geometric mean of the ratios and the median difference, with 95 % intervals, and on how many networks it is lower.
    """
    found: dict[str, Number] = {}
    for condition, part in scores.groupby("condition", sort=False):
        name = str(condition).lower().replace(" ", "_")
        table = part.pivot_table(index="seed", columns="method", values="regret")
        for method in table.columns.drop(base):
            found[f"{name}_{method}_over_{base}"] = quoted(mean_ratio(table[method].to_numpy(), table[base].to_numpy()))
            found[f"{name}_{method}_minus_{base}"] = _median((table[method] - table[base]).to_numpy(), NATS)
            found[f"{name}_{method}_better"] = Number(int((table[method] < table[base]).sum()), n=len(table))
    return found


def scarce_table(scores: pd.DataFrame, base: str = "em") -> pd.DataFrame:
    """What :func:`against_maximum` finds, one row per method: ratio, median difference and wins, for each condition."""
    columns: dict[tuple[str, str], dict[str, str]] = {}
    for condition, part in scores.groupby("condition", sort=False):
        table = part.pivot_table(index="seed", columns="method", values="regret")
        for method in (m for m in part.method.unique() if m != base):
            ratio = mean_ratio(table[method].to_numpy(), table[base].to_numpy())
            wins = f"{int((table[method] < table[base]).sum())} of {len(table)}"
            cells = {
                "ratio": f"{ratio.value:.2f}" + (f" ({ratio.low:.2f}–{ratio.high:.2f})" if ratio.n > 1 else ""),
                "median difference": _cell((table[method] - table[base]).to_numpy()),
                "better on": wins,
            }
            for name, cell in cells.items():
                columns.setdefault((str(condition), name), {})[label(method)] = cell
    interval = interval_name(scores.seed.nunique())
    return pd.DataFrame(columns).rename_axis(f"against EM: geometric mean (95 % interval), median ({interval})")


def level_numbers(scores: pd.DataFrame) -> dict[str, Number]:
    """Median regret of each method at the largest levels."""
    part = scores[scores.level == scores.level.max()]
    found = {f"level_{m}": _median(rows.regret.to_numpy(), NATS) for m, rows in part.groupby("method") if m != "best_network"}
    return found | {"largest_level": Number(float(part.level.iloc[0]))}


def slice_numbers(yardsticks: pd.DataFrame) -> dict[str, Number]:
    """How many draws with pairs never together are not identified, with the fewest slices and with more."""
    part = yardsticks[yardsticks.hiding == "never_together"]
    fewest = part.slices == part.slices.min()
    lost = part.kept <= IDENTIFIED
    return {
        "fewest_slices": Number(int(part.slices.min())),
        "unidentified_two": Number(int(lost[fewest].sum())),
        "draws_two": Number(int(fewest.sum())),
        "unidentified_more": Number(int(lost[~fewest].sum())),
        "draws_more": Number(int((~fewest).sum())),
    }


def noise_numbers(scores: pd.DataFrame) -> dict[str, Number]:
    """EM's median regret by what is known of the noise, at the largest noise where it was also ignored."""
    largest = scores[scores.knowledge == "ignored"].noise_sd.max()
    part = scores[(scores.noise_sd == largest) & (scores.method == "em")]
    found = {f"{knowledge}_em": _median(rows.regret.to_numpy(), NATS) for knowledge, rows in part.groupby("knowledge")}
    return found | {"largest_noise": Number(float(largest))}
