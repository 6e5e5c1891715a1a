"""Two halves of the same patients, each lacking one column of a pair: what the records cannot say, and what is said of it."""

from __future__ import annotations

import html
import itertools
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any, NamedTuple

import pandas as pd
import torch
from jaxtyping import Float
from torch import Tensor

from ddbook.chapters.merge.tables.hospitals import as_table
from ddlib import datasets
from ddlib.datasets import ChecksumError, DataUnavailableError
from ddlib.dbn.model.generate import random_networks, sample
from ddlib.merge import merge
from ddlib.merge.model.fit import PRIOR
from ddlib.settings import checksum, settings

STAND_IN = (180, 8)
"""Patients and columns of the simulated records that stand in for missing ones."""


class Records(NamedTuple):
    """Patients without a gap.

    Attributes:
        name: what they are called.
        columns: names.
        values: of n patients at T visits.
    """

    name: str
    columns: tuple[str, ...]
    values: Float[Tensor, "n T p"]

    @property
    def covariance(self) -> Float[Tensor, "T p T p"]:
        """Covariances of all entries over all patients: the truth that halves of them are compared with."""
        visits, p = self.values.shape[1:]
        return self.values.flatten(1).T.cov(correction=0).unflatten(1, (visits, p)).unflatten(0, (visits, p))

    def truth(self, pair: tuple[int, int]) -> float:
        """The correlation of two columns within a visit, as the merge's report means it: over the visits' average."""
        return _correlation(self.covariance, *pair)


def load_records(visits: int) -> tuple[Records, str]:
    """The complete patients of the CDISC pilot trial, or simulated ones and a notice for the page, as HTML, that says so.

    Args:
        visits: how many, from screening on.
    """
    try:
        found = datasets.cdisc_visits(visits)
    except (DataUnavailableError, ChecksumError) as error:
        notice = f"Simulated patients stand in for those of the CDISC pilot trial: {error}. Everything else is complete."
        box = '<div class="admonition warning"><p class="admonition-title">Data not available</p><p>'
        return _stand_in(visits), f"{box}{html.escape(notice)}</p></div>"
    return Records("CDISC", found.variables, found.values[found.values.isfinite().flatten(1).all(1)]), ""


def _stand_in(visits: int) -> Records:
    patients, variables = STAND_IN
    draw = torch.Generator().manual_seed(0)
    values = sample(random_networks(1, variables, draw)[1], patients, visits, draw)[0]
    return Records("simulated", tuple(f"x{i}" for i in range(1, variables + 1)), values)


@dataclass(frozen=True)
class Merging:
    """The merge tool: a convention, and bounds."""

    prior: float = PRIOR
    name = "merge"

    def say(self, halves: Sequence[pd.DataFrame], pair: tuple[str, str]) -> tuple[float, float, float]:
        """Correlation and its bounds."""
        report = merge(dict(zip(("north", "south"), halves, strict=True)), "patient", "visit", prior=self.prior, rows=100).report
        (stated,) = [one for one in report["never_together"] if set(one["columns"]) == set(pair)]
        low, high = stated["bounds"]
        return stated["correlation"], low, high


@dataclass(frozen=True)
class OneVisit:
    """Independence given the other columns of the same visit: each half's correlations with them, multiplied through."""

    name = "one_visit"

    def say(self, halves: Sequence[pd.DataFrame], pair: tuple[str, str]) -> tuple[float, float, float]:
        """Correlation, without bounds."""
        off = [half.groupby("visit").transform(lambda values: values - values.mean()).drop(columns="patient") for half in halves]
        common = [name for name in off[0] if name not in pair]
        both = pd.concat(off)
        inner = torch.tensor(both[common].cov().to_numpy())
        first, second = (next(half for half in off if name in half) for name in pair)
        with_first = torch.tensor(first[[*common, pair[0]]].cov().to_numpy())
        with_second = torch.tensor(second[[*common, pair[1]]].cov().to_numpy())
        product = with_first[:-1, -1] @ torch.linalg.solve(inner, with_second[:-1, -1])
        return float(product / (with_first[-1, -1] * with_second[-1, -1]).sqrt()), float("nan"), float("nan")


@dataclass(frozen=True)
class Zero:
    """No relation, which is what filling gaps with means comes to."""

    name = "zero"

    def say(self, halves: Sequence[pd.DataFrame], pair: tuple[str, str]) -> tuple[float, float, float]:
        """Zero."""
        return 0.0, float("nan"), float("nan")


def deal(columns: int, number: int, replicate: int) -> list[tuple[int, int]]:
    """The pairs of columns of one halving: all pairs are dealt, in random order, before one comes again.

    >>> sorted(deal(3, 2, 0) + deal(3, 2, 1)[:1])
    [(0, 1), (0, 2), (1, 2)]
    """
    pairs = list(itertools.combinations(range(columns), 2))
    order = torch.randperm(len(pairs), generator=torch.Generator().manual_seed(0)).tolist()
    return [pairs[order[i % len(pairs)]] for i in range(replicate * number, replicate * number + min(number, len(pairs)))]


def halve(records: Records, pairs: list[tuple[int, int]], seed: int) -> pd.DataFrame:
    """One halving: a row for each pair and each way of saying what no patient of either half shows, with its settings.

    Args:
        records: the patients.
        pairs: of columns; for each, one half loses the first and the other the second.
        seed: of the halving.
    """
    order = torch.randperm(len(records.values), generator=torch.Generator().manual_seed(seed))
    parts = order.tensor_split(2)
    given = {"task.records": checksum(records.values), "task.visits": records.values.shape[1]}
    rows: list[dict[str, Any]] = []
    for place, pair in enumerate(pairs):
        names = records.columns[pair[0]], records.columns[pair[1]]
        truth = records.truth(pair)
        halves = []
        for part, lost in zip(parts, pair, strict=True):
            has = torch.arange(len(records.columns)) != lost
            halves.append(as_table(records.values[part], records.columns, has, first=1 + int(part is parts[1]) * len(order)))
        for way in (Merging(), OneVisit(), Zero()):
            value, low, high = way.say(halves, names)
            row = {"seed": seed, "records": records.name, "place": place, "pair": "–".join(names), "way": way.name}
            held = float("nan") if way.name != "merge" else float(low <= truth <= high)
            row |= {"truth": truth, "said": value, "low": low, "high": high, "held": held}
            rows.append(row | {"squared": (value - truth) ** 2} | given | settings(way, "method"))
    return pd.DataFrame(rows)


def _correlation(covariance: Float[Tensor, "T p T p"], first: int, second: int) -> float:
    """The covariance of two columns within a visit over the root of their variances, each averaged over the visits."""
    within = torch.einsum("titj->ij", covariance)
    return float(within[first, second] / (within[first, first] * within[second, second]).sqrt())
