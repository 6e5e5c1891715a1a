"""Do intervals from the merge tool's tables hold the truth as often as they say?

Three hospitals, of which one lacks one column and one another, so that every pair of columns is together somewhere; visits at the
times 0, 1, 3 and 4; cells missing here and there, and half of the patients of one hospital lack the last visit. In each simulated
merge a mean, a correlation (Fisher's z) and a slope, at the first visit and at the last, are estimated from completed tables
(Rubin's rules), from synthetic tables (the rules for synthetic data) and, as an oracle, from the complete records. Prints the share
of 95 % intervals that hold the truth, which a thousand merges tell to ± 1.4 %, and their mean width. Then the same with one column
whose logarithm is normal, which the model takes for normal: the truth is that of the process, from a million patients.

The model knows more of the last visit than an analysis of that visit alone, because all transitions are alike: what it draws there
is better than the analysis takes it to be. Rubin's rules are then conservative (Meng 1994), as they are wherever the imputer's
model is right and assumes more; those for synthetic tables, in which only the model speaks, are not. That it is this, and no defect
of the draws, shows in ``law``, the imputer's own interval from a hundred draws of the law itself, and in two columns: ``scatter``
is the standard deviation of the estimates over the merges and ``error`` their mean standard error. The imputer's are equal, so that
its intervals hold the truth as often as they say; those of completed tables are not where the analysis looks at the last visit.

Run it with ``python benchmarks/merge_coverage.py``: about a second for each merge on one core; ``--merges 100`` is a quick look.
"""

from __future__ import annotations

import argparse
import time
import warnings
from concurrent.futures import ProcessPoolExecutor
from typing import Literal, NamedTuple

import numpy as np
import pandas as pd
import torch

from ddlib.dbn.model.network import Gaussian
from ddlib.merge import combine, merge
from ddlib.merge.completion import completed_tables, drawn_tables
from ddlib.merge.posterior import drawn_laws

COLUMNS, TIMES = ("a", "b", "c"), (0, 1, 3, 4)
STEP = np.array([[0.7, 0.1, 0.0], [0.0, 0.6, 0.1], [0.1, 0.0, 0.5]])
INNOVATION = np.array([[0.5, 0.2, 0.1], [0.2, 0.6, 0.1], [0.1, 0.1, 0.7]])
HIDDEN = (("c",), ("a",), ())
QUANTITIES = tuple(
    f"{name}, {when} visit" for when in ("first", "last") for name in ("mean of c", "correlation of a, b", "slope of c on b")
)
COMPLETED, SYNTHETIC, DRAWN = 10, 20, 100
WAYS = ("completed", "synthetic", "law", "oracle")


class Results(NamedTuple):
    """Estimates and variances of the quantities: of one table."""

    estimates: np.ndarray
    variances: np.ndarray


def process(patients: int, draw: np.random.Generator, skewed: bool) -> np.ndarray:
    """Complete records (patients, visits, columns) of a stationary process."""
    covariance = INNOVATION.copy()
    for _ in range(200):
        covariance = STEP @ covariance @ STEP.T + INNOVATION
    now = draw.normal(size=(patients, 3)) @ np.linalg.cholesky(covariance).T
    visits = []
    for when in range(TIMES[-1] + 1):
        if when in TIMES:
            visits.append(now)
        now = now @ STEP.T + draw.normal(size=(patients, 3)) @ np.linalg.cholesky(INNOVATION).T
    values = np.stack(visits, axis=1)
    if skewed:
        values[..., 1] = np.exp(0.7 * values[..., 1])
    return values


def analysis(records: np.ndarray) -> Results:
    """The quantities of patients' complete values (n, visits, 3) at the first and the last visit."""
    first, last = _at(records[:, 0]), _at(records[:, -1])
    return Results(*(np.concatenate(parts) for parts in zip(first, last, strict=True)))


def _at(values: np.ndarray) -> Results:
    """The quantities of columns a, b, c (n, 3) at one visit."""
    n = len(values)
    a, b, c = (values - values.mean(0)).T
    slope = (b @ c) / (b @ b)
    left = ((c - slope * b) ** 2).sum() / (n - 2) / (b @ b)
    z = np.arctanh(a @ b / np.sqrt((a @ a) * (b @ b)))
    return Results(np.array([values[:, 2].mean(), z, slope]), np.array([c @ c / (n - 1) / n, 1 / (n - 3), left]))


def hospitals(records: np.ndarray, draw: np.random.Generator, offset: float) -> dict[str, pd.DataFrame]:
    """The complete records as three hospitals' tables with gaps, and offsets with mean zero over those who measure a column."""
    tables = {}
    offsets = offset * draw.normal(size=(3, 3))
    measured = np.array([[name not in hidden for name in COLUMNS] for hidden in HIDDEN])
    offsets -= (offsets * measured).sum(0) / measured.sum(0)
    for place, part in enumerate(np.split(records, 3)):
        n = len(part)
        frame = pd.DataFrame((part + offsets[place]).reshape(-1, 3), columns=list(COLUMNS))
        frame[draw.random(frame.shape) < 0.15] = np.nan
        frame.insert(0, "time", np.tile(TIMES, n))
        frame.insert(0, "id", np.repeat(np.arange(1, n + 1), len(TIMES)))
        if place == 2:
            frame = frame[(frame.time < TIMES[-1]) | (frame.id % 2 == 0)]
        tables[f"hospital {place + 1}"] = frame.drop(columns=list(HIDDEN[place]))
    return tables


def of_law(law: Gaussian) -> np.ndarray:
    """The quantities of a law of patients (visits · 3)."""
    mean, covariance = law.mean.numpy(), law.covariance.numpy()
    found = []
    for begin in (0, len(mean) - len(COLUMNS)):
        within = covariance[begin:, begin:]
        z = np.arctanh(within[0, 1] / np.sqrt(within[0, 0] * within[1, 1]))
        found += [mean[begin + 2], z, within[1, 2] / within[1, 1]]
    return np.array(found)


def intervals(seed: int, patients: int, skewed: bool, offset: float = 0.0) -> np.ndarray:
    """Lower and upper limits, estimates and standard errors (ways, 4, quantities) of one merge."""
    warnings.simplefilter("ignore")
    torch.set_num_threads(1)
    draw = np.random.default_rng(seed)
    records = process(3 * patients, draw, skewed)
    merged = merge(hospitals(records, draw, offset), "id", "time", rows=10, join="never")
    done = completed_tables(merged.panel, merged.estimate, "id", "time", COMPLETED, seed).tables
    drawn = drawn_tables(merged.panel, merged.estimate, "id", "time", SYNTHETIC, seed=seed)
    limits = []
    ways: list[tuple[list[pd.DataFrame], Literal["completed", "synthetic"]]] = [(done, "completed"), (drawn, "synthetic")]
    for tables, kind in ways:
        results = [analysis(table[list(COLUMNS)].to_numpy().reshape(-1, len(TIMES), len(COLUMNS))) for table in tables]
        stacked = np.stack([result.estimates for result in results]), np.stack([result.variances for result in results])
        found = combine(*stacked, kind, complete_df=3 * patients - 2)
        limits.append((found.low, found.high, found.estimate, found.error))
    laws = drawn_laws(merged.panel, merged.estimate, DRAWN, torch.Generator().manual_seed(seed))
    imputer = np.stack([of_law(merged.estimate.scales.law(drawn.law, len(TIMES))) for drawn in laws])
    oracle = analysis(records)
    for estimate, error in ((imputer.mean(0), imputer.std(0, ddof=1)), (oracle.estimates, oracle.variances**0.5)):
        limits.append((estimate - 1.96 * error, estimate + 1.96 * error, estimate, error))
    return np.array(limits)


def coverage(merges: int, patients: int, skewed: bool, offset: float, workers: int, first: int = 0) -> pd.DataFrame:
    """The share of intervals that hold the truth, and their mean width, for each way and quantity."""
    truth = analysis(process(1_000_000, np.random.default_rng(2**32), skewed)).estimates
    seeds = range(first, first + merges)
    arguments = ([patients] * merges, [skewed] * merges, [offset] * merges)
    if workers > 1:
        with ProcessPoolExecutor(workers) as pool:
            found = np.stack(list(pool.map(intervals, seeds, *arguments, chunksize=4)))
    else:
        found = np.stack([intervals(seed, patients, skewed, offset) for seed in seeds])
    return summary(found, truth)


def summary(found: np.ndarray, truth: np.ndarray) -> pd.DataFrame:
    """What many merges (merges, ways, 4, quantities) say."""
    held = ((found[:, :, 0] <= truth) & (truth <= found[:, :, 1])).mean(0)
    width = (found[:, :, 1] - found[:, :, 0]).mean(0)
    scatter, error = found[:, :, 2].std(0, ddof=1), found[:, :, 3].mean(0)
    rows = []
    for place, way in enumerate(WAYS):
        for number, quantity in enumerate(QUANTITIES):
            row = {"quantity": quantity, "tables": way, "coverage": held[place, number], "width": width[place, number]}
            rows.append(row | {"scatter": scatter[place, number], "error": error[place, number]})
    frame = pd.DataFrame(rows)
    frame["width / oracle"] = frame.width / frame.groupby("quantity").width.transform("last")
    return frame.sort_values("quantity", kind="stable").reset_index(drop=True)


def main() -> None:
    parser = argparse.ArgumentParser()
    parser.add_argument("--merges", type=int, default=1000)
    parser.add_argument("--patients", type=int, default=100, help="of each hospital")
    parser.add_argument("--offset", type=float, default=0.0, help="standard deviation of the hospitals' offsets")
    parser.add_argument("--workers", type=int, default=1)
    parser.add_argument("--only", choices=["right", "wrong"], help="only the right model, or only the wrong one")
    options = parser.parse_args()
    for skewed in (False, True):
        if options.only != ("right" if skewed else "wrong"):
            began = time.time()
            print("a skewed margin fitted as normal:" if skewed else "the model is right:")
            found = coverage(options.merges, options.patients, skewed, options.offset, options.workers)
            print(found.to_string(index=False, float_format=lambda value: f"{value:.3f}"))
            print(f"{options.merges} merges in {time.time() - began:.0f} s\n", flush=True)


if __name__ == "__main__":
    main()
