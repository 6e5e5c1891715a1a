"""What chapter 07 says of its scores: tables, the numbers that sentences quote, and sentences about data that may be absent."""

from __future__ import annotations

import html
from collections.abc import Callable, Sequence

import numpy as np
import pandas as pd
import torch
from jaxtyping import Bool, Int
from torch import Tensor

from ddbook.chapters.merge.hospitals.lags import Lags
from ddbook.kit.looks import label
from ddlib.datasets import ChecksumError, DataUnavailableError, Visits
from ddlib.statistics import Number

METHODS = (
    "clean_all",
    "em",
    "em_prior",
    "em_stopped",
    "em_levels",
    "limit",
    "first_order",
    "first_order_prior",
    "first_order_stopped",
    "first_order_loo",
    "zeroth_order",
    "clean_subset",
    "available_case",
    "available_case_repaired",
    "mean_imputation",
    "chained_equations",
    "federated",
    "carried_forward",
)
"""The rows of the tables, in their order."""
METRICS = {
    "test_ll": "log-likelihood",
    "rmse": "next-visit error",
    "outcome_ll": "outcome: log-likelihood",
    "r_squared": "outcome: R²",
}
LOWER_IS_BETTER = ("rmse",)
IGNORED = "_noise_ignored"


def ordered(scores: pd.DataFrame) -> list[str]:
    """The rows that are there, in the order of :data:`METHODS`, each with the noise known before ignored."""
    there = set(scores.method)
    return [name for plain in METHODS for name in (plain, plain + IGNORED) if name in there]


def values(scores: pd.DataFrame, method: str, noise: float, column: str, budget: int | None = None) -> np.ndarray:
    """A row's scores in the order of the splits; at the smallest budget unless one is given."""
    part = scores[(scores.method == method) & (scores.noise == noise)]
    part = part[part.budget == (part.budget.min() if budget is None else budget)]
    return part.sort_values("seed")[column].to_numpy(dtype=float)


def cell(found: np.ndarray) -> str:
    """Median and range over splits; how many splits failed, if some did.

    >>> cell(np.array([1.0, 2.0, 3.0]))
    '2 (1 to 3)'
    >>> cell(np.array([1.0, np.nan]))
    'failed in 1 of 2'
    """
    failed = int((~np.isfinite(found)).sum())
    if not found.size or failed == found.size:
        return "failed" if found.size else "–"
    if failed:
        return f"failed in {failed} of {found.size}"
    return f"{np.median(found):.4g}" + (f" ({found.min():.3g} to {found.max():.3g})" if found.size > 1 else "")


def summary(scores: pd.DataFrame, metrics: Sequence[str]) -> pd.DataFrame:
    """Median and range over splits: one row per method and budget, one column per noise and measure."""
    columns = [(noise, metric) for noise in sorted(scores.noise.unique()) for metric in metrics]
    rows = {}
    for method in ordered(scores):
        for budget in sorted(scores[scores.method == method].budget.unique()):
            name = label(method) + (f", {budget} patients" if budget else "")
            cells = []
            for noise, metric in columns:
                found = values(scores, method, noise, metric, budget)
                absent = method == "carried_forward" and metric != "rmse"
                cells.append("–" if absent or not found.size else cell(found))
            rows[name] = cells
    heads = pd.MultiIndex.from_tuples([(f"noise {noise:g} sd", METRICS[metric]) for noise, metric in columns])
    splits = scores.seed.nunique()
    return pd.DataFrame.from_dict(rows, orient="index", columns=heads).rename_axis(f"median (range) over {splits} splits")


def wins(scores: pd.DataFrame, ours: str, theirs: str, noise: float, metric: str) -> tuple[int, int]:
    """In how many splits one row is better than another, and of how many; a failed row is never better."""
    a, b = (values(scores, method, noise, metric) for method in (ours, theirs))
    sign = -1 if metric in LOWER_IS_BETTER else 1
    a, b = (np.where(np.isfinite(x), sign * x, -np.inf) for x in (a, b))
    return int((a > b).sum()), int(a.size)


def numbers(scores: pd.DataFrame, prefix: str, metrics: Sequence[str]) -> dict[str, Number]:
    """Medians over splits of every row that failed in none, and in how many splits one row is better than another.

    Names end in ``_low`` for the smallest noise and in ``_high`` for the largest.
    """
    splits = scores.seed.nunique()
    found = {f"{prefix}_splits": Number(splits), f"{prefix}_budget": Number(smallest_budget(scores))}
    for end, noise in (("low", scores.noise.min()), ("high", scores.noise.max())):
        found[f"{prefix}_noise_{end}"] = Number(float(noise), unit="sd")
        for method in ordered(scores):
            for metric in metrics:
                column = values(scores, method, noise, metric)
                if column.size and np.isfinite(column).all():
                    found[f"{prefix}_{method}_{metric}_{end}"] = Number(float(np.median(column)), n=splits)
        for ours, theirs in PAIRS:
            if {ours, theirs} <= set(scores.method):
                better, _ = wins(scores, ours, theirs, noise, metrics[0])
                found[f"{prefix}_{ours}_above_{theirs}_{end}"] = Number(better, n=splits)
    return found


PAIRS = (
    ("em", "available_case_repaired"),
    ("em", "chained_equations"),
    ("first_order", "em"),
    ("first_order", "clean_subset"),
    ("first_order_loo", "em"),
    ("first_order_stopped", "em"),
    ("first_order_stopped", "clean_subset"),
    ("em_prior", "em"),
    ("em_prior", "available_case_repaired"),
    ("first_order_prior", "em_prior"),
    ("first_order_prior", "clean_subset"),
    ("em_stopped", "em"),
    ("em_levels", "em"),
)
"""What is compared split by split."""


def smallest_budget(scores: pd.DataFrame) -> int:
    """The smallest number of distilled patients."""
    return int(scores[scores.method == "first_order"].budget.min())


def findings(scores: pd.DataFrame, metric: str) -> str:
    """What the medians of one table say, as a Markdown list, one item per noise."""
    return "\n".join(_finding(scores[scores.noise == noise], noise, metric) for noise in sorted(scores.noise.unique()))


def _finding(scores: pd.DataFrame, noise: float, metric: str) -> str:
    own = [m for m in ordered(scores) if not m.startswith("clean") and m != "carried_forward"]
    found = {method: values(scores, method, noise, metric) for method in own}
    middle = {method: float(np.median(each)) for method, each in found.items() if np.isfinite(each).all()}
    best = max(middle, key=lambda method: middle[method])
    top = float(np.median(values(scores, "clean_all", noise, metric)))
    failed = ", ".join(label(method) for method in own if method not in middle)
    return (
        f"- **Noise {noise:g} sd.** Median {METRICS[metric]} of held-out patients, in nats: {top:.2f} if the same patients had "
        f"been measured completely and without added noise; {middle['em']:.2f} for {label('em')}; {middle[best]:.2f} for the best "
        f"median of all rows that read only what the hospitals measured ({label(best)})."
        + (f" Failed in at least one split: {failed}." if failed else "")
    )


def wins_table(scores: pd.DataFrame, metrics: Sequence[str]) -> pd.DataFrame:
    """In how many splits one row is better than another, for each noise and measure."""
    columns = [(noise, metric) for noise in sorted(scores.noise.unique()) for metric in metrics]
    rows = {}
    for ours, theirs in PAIRS:
        if {ours, theirs} <= set(scores.method):
            counts = [wins(scores, ours, theirs, noise, metric) for noise, metric in columns]
            rows[f"{label(ours)} better than {label(theirs)}"] = [f"{better} of {many}" for better, many in counts]
    heads = pd.MultiIndex.from_tuples([(f"noise {noise:g} sd", METRICS[metric]) for noise, metric in columns])
    return pd.DataFrame.from_dict(rows, orient="index", columns=heads).rename_axis("splits")


def lag_sentence(lags: Lags) -> str:
    """How the correlations of the data and of both models compare over the longest distance in time."""
    data, network, levels = (float(part[-1]) for part in lags)
    return (
        f"The correlation of a value with itself falls from {float(lags.data[0]):.2f} at the next visit to {data:.2f} "
        f"after {len(lags.data)} visits; the network says {network:.2f}, with static levels {levels:.2f}."
    )


def provenance(found: Visits, patients: int) -> str:
    """Where a table comes from, on which terms, and how much of it is used, as Markdown."""
    units = ", ".join(f"{name} ({unit})" for name, unit in zip(found.variables, found.units, strict=True))
    measured = float(found.values.isfinite().to(found.values.dtype).mean())
    return (
        f"*{found.source.title}.* Source: <{found.source.url}>; {found.source.citation}. Licence: {found.source.licence}. "
        f"{patients} patients, {len(found.visits)} visits ({found.visits[0]} to {found.visits[-1]}); {measured:.0%} of all "
        f"values exist. Variables: {units}."
    )


def hospitals_table(found: Visits, hospital: Int[Tensor, " n"], measured: Bool[Tensor, "H p"]) -> pd.DataFrame:
    """Who makes up each hospital, and what it does not measure."""
    rows = {}
    for number in range(len(measured)):
        here = hospital == number
        sites = sorted({site for site, is_here in zip(found.sites, here.tolist(), strict=True) if is_here})
        hidden = [name for name, seen in zip(found.variables, measured[number].tolist(), strict=True) if not seen]
        gaps = 1 - float(found.values[here].isfinite().to(torch.float64).mean())
        rows[f"hospital {number + 1}"] = [", ".join(sites), int(here.sum()), ", ".join(hidden), f"{gaps:.0%}"]
    return pd.DataFrame.from_dict(rows, orient="index", columns=["sites", "patients", "does not measure", "natural gaps"])


def load_or_explain(load: Callable[[], Visits], what: str) -> tuple[Visits | None, str]:
    """The data, or nothing and a notice for the page, as HTML, that says why and how to have them."""
    try:
        return load(), ""
    except (DataUnavailableError, ChecksumError) as error:
        notice = f"The part of this chapter on {what} was not run: {error}. Everything else on this page is complete."
        return None, (
            f'<div class="admonition warning"><p class="admonition-title">Data not available</p><p>{html.escape(notice)}</p></div>'
        )


def twins_table(scores: pd.DataFrame) -> pd.DataFrame:
    """Held-out log-likelihood of a few rows on the records and on their twins: median and range over splits."""
    heads = {"markov": "twin, Markov", "levels": "twin, static levels", "real": "the records"}
    noise = float(scores.noise.iloc[0])
    columns = {
        head: {label(method): cell(values(scores[scores.records == name], method, noise, "test_ll")) for method in ordered(scores)}
        for name, head in heads.items()
    }
    return pd.DataFrame(columns).rename_axis(f"log-likelihood, noise {noise:g} sd: median (range)")


def twins_sentence(scores: pd.DataFrame) -> str:
    """In how many splits EM is above corrected moments, on each of the three, and which twin is nearer to the records."""
    heads = {"markov": "on the Markov twin", "levels": "on the twin with static levels", "real": "on the records themselves"}
    noise = float(scores.noise.iloc[0])
    told, counts = [], {}
    for name, head in heads.items():
        counts[name], many = wins(scores[scores.records == name], "em", "available_case_repaired", noise, "test_ll")
        told.append(f"in {counts[name]} of {many} splits {head}")
    levels, markov = (abs(counts[name] - counts["real"]) for name in ("levels", "markov"))
    verdict = (
        "The twin with static levels is nearer to the records in this than the Markov twin."
        if levels < markov
        else "The twin with static levels is no nearer to the records in this than the Markov twin: levels alone do not explain it."
    )
    return f"{label('em')} is above {label('available_case_repaired')} {', '.join(told)}. {verdict}"


def convergence(scores: pd.DataFrame) -> str:
    """In how many splits each kind of EM had converged when it ended, for each noise."""
    if "converged" not in scores:
        return ""
    part = scores[scores.converged.notna()]
    told = [
        f"{label(str(method))}, noise {noise:g} sd: {int(found.astype(bool).sum())} of {len(found)}"
        for (method, noise), found in part.groupby(["method", "noise"], sort=False).converged
    ]
    return f"Splits in which EM had converged within its cycles. {'; '.join(told)}."
