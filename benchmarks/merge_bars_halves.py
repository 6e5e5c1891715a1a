"""Two halves of real patients, each lacking one column of a pair: ``merge_bars.py halves``.

Patients with all cells are dealt at random to two hospitals, and for each pair of columns the first hospital loses one of the pair
and the second the other, so that nobody has both. The merge's correlation of the two within a visit, averaged over the visits, is
compared with that of all patients with all cells. Everything is on the scale of the loaders: logarithms of all analytes but albumin
and haemoglobin. CDISC: ten analytes at screening and weeks 2, 4, 6 and 8. Cirrhosis: six laboratory values at years 0 to 3.

For comparison, from the complete records: zero for every pair, and the correlation that the others explain if the two are
independent given the other columns of the same visit, or of all visits. How far apart the bounds of all covariances with the same
margins lie has a closed form: with the conditional covariances :math:`S_a, S_b` (T × T) of the two given the others, and
:math:`W = \\operatorname{diag}(1 / T \\sigma_{a,t} \\sigma_{b,t})`, it is :math:`2 \\lVert S_b^{1/2} W S_a^{1/2} \\rVert_*` (sum of
the singular values), because the block :math:`S_a^{1/2} K S_b^{1/2}` is possible for every contraction K. What is left of a
regression on q others is too small in a sample of n, by the factor (n − 1 − q) / (n − 1), which is .75 for CDISC; it is divided by
that.

``--simulated`` takes patients of the law that a merge of all records finds, as many as there are, for real ones. What the margins
allow is then known, and so is what else a bound should do: hold the least and the greatest value that they allow, each in 95 % of
merges, because either may be the truth.
"""

from __future__ import annotations

import argparse
import itertools
from typing import Any, NamedTuple

import numpy as np
import pandas as pd
from merge_bars_table import Bar, show
from merge_worlds import Array, merged_law, to_frame

from ddlib.datasets import cdisc_visits, pbc_visits
from ddlib.merge import merge

RECORDS = {"cdisc": (cdisc_visits, 5, 0.16), "pbcseq": (pbc_visits, 4, 0.20)}
"""Loader, number of visits, and the bar of the root mean square error."""


def options(parser: argparse.ArgumentParser) -> None:
    parser.add_argument("--records", nargs="+", choices=list(RECORDS), default=list(RECORDS))
    parser.add_argument("--halvings", "--seeds", type=int, default=5)
    parser.add_argument("--pairs", type=int, default=15, help="pairs of columns, drawn at random; 0 for all (45 and 15)")
    parser.add_argument("--simulated", action="store_true", help="patients of a known law, other ones for each halving")
    parser.add_argument("--worst", type=int, default=3, help="how many of the worst pairs to print")


class Pair(NamedTuple):
    """What the complete records say of two columns.

    Attributes:
        truth: correlation within a visit, averaged over visits.
        same_visit, all_visits: the same if they were independent given the other columns.
        reach: how far from the last of these the other moments allow it to be.
    """

    truth: float
    same_visit: float
    all_visits: float
    reach: float


def run(given: argparse.Namespace) -> None:
    for name in given.records:
        loader, visits, bar = RECORDS[name]
        table = loader(visits)
        values = table.values[table.values.isfinite().flatten(1).all(1)].numpy()
        measure(name, values, table.variables, bar, given)


def measure(name: str, values: Array, variables: tuple[str, ...], bar: float, given: argparse.Namespace) -> None:
    """Print the table of one set of records."""
    pairs = list(itertools.combinations(range(len(variables)), 2))
    if 0 < given.pairs < len(pairs):
        pairs = [pairs[i] for i in np.random.default_rng(0).permutation(len(pairs))[: given.pairs]]
    mean, covariance = (fitted if given.simulated else moments)(values, variables)
    known = {pair: examine(covariance, *pair, None if given.simulated else len(values)) for pair in pairs}
    rows = []
    for seed in range(given.halvings):
        records = drawn(mean, covariance, len(values), seed) if given.simulated else values
        rows += halving(records, variables, known, seed)
    table = pd.DataFrame(rows)
    table["off"] = table.estimate - table.truth
    errors = table.groupby("halving").off.apply(lambda off: float(np.sqrt((off**2).mean())))
    listed = ", ".join(f"{error:.3f}" for error in errors)
    print(f"{name}: {len(values)} patients, {values.shape[1]} visits, {len(pairs)} pairs, {given.halvings} halvings: rms {listed}")
    print(_worst(table, given.worst).to_string(float_format="{:+.2f}".format), flush=True)

    def control(text: str, value: Any) -> Bar:
        return Bar(f"{name}: {text}", float(np.sqrt(np.mean(np.square(value)))))

    truth, same, every = (np.array([getattr(pair, field) for pair in known.values()]) for field in Pair._fields[:3])
    show(
        [
            Bar(f"{name}: mean rms error of the correlation", float(errors.mean()), bar),
            control("rms error of zero", truth),
            control("rms error of independence given the same visit", truth - same),
            control("rms error of independence given all visits", truth - every),
            *_bounds(name, table, 2 * float(np.mean([pair.reach for pair in known.values()])), len(values)),
            *(_ends(name, table) if given.simulated else []),
        ]
    )


def moments(values: Array, _: tuple[str, ...]) -> tuple[Array, Array]:
    """Mean (T, p) and covariance (T, p, T, p) of the records."""
    return values.mean(0), np.cov(values.reshape(len(values), -1).T).reshape(values.shape[1:] * 2)


def fitted(values: Array, variables: tuple[str, ...]) -> tuple[Array, Array]:
    """The same of the law that a merge of all records finds."""
    halves = {str(k): to_frame(values[k::2], variables, 1000 * k) for k in range(2)}
    return merged_law(merge(halves, "id", "time", rows=10), variables, values.shape[1])


def drawn(mean: Array, covariance: Array, patients: int, seed: int) -> Array:
    """Patients (n, T, p) of a law."""
    root = np.linalg.cholesky(covariance.reshape(mean.size, -1))
    return mean + (np.random.default_rng(1000 + seed).normal(size=(patients, mean.size)) @ root.T).reshape(-1, *mean.shape)


def examine(covariance: Array, a: int, b: int, patients: int | None) -> Pair:
    """What a covariance (T, p, T, p) says of a pair: of so many complete records, or of a law."""
    visits, columns = covariance.shape[:2]
    others = [j for j in range(columns) if j not in (a, b)]
    own, other = [a, b], np.arange(visits)[:, None] * columns + others
    flat = covariance.reshape(visits * columns, -1)
    scale = np.sqrt([covariance[t, a, t, a] * covariance[t, b, t, b] for t in range(visits)])

    def explained(given: Array, at: Array) -> Array:
        return flat[np.ix_(at, given)] @ np.linalg.solve(flat[np.ix_(given, given)], flat[np.ix_(given, at)])

    same = [float(explained(other[t], t * columns + np.array(own))[0, 1]) for t in range(visits)]
    at = np.concatenate([np.arange(visits) * columns + j for j in own])
    known = explained(other.ravel(), at)
    left = flat[np.ix_(at, at)] - known
    root_a, root_b = (np.linalg.cholesky(left[part, part]) for part in (slice(visits), slice(visits, None)))
    lost = 1.0 if patients is None else 1 - other.size / (patients - 1)
    free = np.linalg.svd(root_b.T @ np.diag(1 / (visits * scale)) @ root_a, compute_uv=False).sum()
    truth = np.mean([covariance[t, a, t, b] for t in range(visits)] / scale)
    every = np.mean(known[:visits, visits:].diagonal() / scale)
    return Pair(float(truth), float(np.mean(same / scale)), float(every), float(free / lost))


def halving(values: Array, variables: tuple[str, ...], known: dict[tuple[int, int], Pair], seed: int) -> list[dict[str, Any]]:
    """One row for each pair: what the merge of two random halves says."""
    order = np.random.default_rng(seed).permutation(len(values))
    halves = [to_frame(values[part], variables, 1000 * k) for k, part in enumerate(np.array_split(order, 2))]
    rows = []
    for (a, b), pair in known.items():
        lacking = {"first": halves[0].drop(columns=variables[a]), "second": halves[1].drop(columns=variables[b])}
        merged = merge(lacking, "id", "time", rows=10)
        covariance = merged_law(merged, (variables[a], variables[b]), values.shape[1])[1]
        within = [covariance[t, :, t] for t in range(values.shape[1])]
        estimate = np.mean([one[0, 1] / np.sqrt(one[0, 0] * one[1, 1]) for one in within])
        low, high, error = _stated(merged.report, {variables[a], variables[b]})
        row = {"pair": f"{variables[a]}–{variables[b]}", "halving": seed, "truth": pair.truth, "estimate": float(estimate)}
        ends = {"least": pair.all_visits - pair.reach, "greatest": pair.all_visits + pair.reach}
        rows.append(row | ends | {"low": low, "high": high, "standard_error": error})
    return rows


def _stated(report: dict[str, Any], names: set[str]) -> tuple[float, float, float]:
    """Bounds and standard error that a report states for a pair; nan where it states none."""
    stated: dict[str, Any] = next((one for one in report["never_together"] if set(one["columns"]) == names), {})
    low, high = stated.get("bounds") or (np.nan, np.nan)
    return low, high, np.nan if stated.get("standard_error") is None else stated["standard_error"]


def _worst(table: pd.DataFrame, number: int) -> pd.DataFrame:
    by_pair = table.groupby("pair")[["truth", "estimate", "off"]].mean()
    return by_pair.loc[by_pair.off.abs().sort_values(ascending=False).index[:number]]


def _bounds(name: str, table: pd.DataFrame, allowed: float, patients: int) -> list[Bar]:
    """Bars of the bounds; sampling error is that of two correlations of half of the patients, one at each end."""
    held = width = inside = None
    stated = table[table.low.notna()]
    if len(stated):
        held = float(((stated.low <= stated.truth) & (stated.truth <= stated.high)).mean())
        width = float((stated.high - stated.low).mean())
    with_error = table[table.standard_error.notna()]
    if len(with_error):
        inside = float((with_error.off.abs() <= 2 * with_error.standard_error).mean())
    note = "" if len(stated) == len(table) else f"stated in {len(stated)} of {len(table)} merges"
    sampling = 2 * 1.96 / np.sqrt(patients / 2)
    return [
        Bar(f"{name}: share of bounds that hold the truth", held, 0.95, least=True, note=note),
        Bar(
            f"{name}: mean width of the bounds",
            width,
            allowed + sampling,
            note=f"the margins allow {allowed:.2f}, + sampling error",
        ),
        Bar(f"{name}: share of truths within two standard errors", inside, note=f"stated in {len(with_error)} merges"),
    ]


def _ends(name: str, table: pd.DataFrame) -> list[Bar]:
    """How often bounds hold the least and the greatest value that the law allows: either may be the truth."""
    held = {"least": table.low <= table.least, "greatest": table.greatest <= table.high}
    return [Bar(f"{name}: share that hold the {end} value", float(share.mean()), 0.95, least=True) for end, share in held.items()]
