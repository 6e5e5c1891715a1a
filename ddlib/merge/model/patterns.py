r"""Patients grouped by what was measured of them, so that few factorisations serve all of them.

Patients who share a pattern of measured entries share one Cholesky factor of :math:`C = \Sigma_{oo} + D_o`. With cells missing here
and there almost every patient has a pattern of their own; each of them is therefore assigned to a *base*, a pattern that holds
theirs: a frequent pattern, or else everything that the source measures at the visits that the patient has, or at all visits. What
the base has and the patient lacks is a short list of *gaps*. The base's inverse then serves the patient too (see
:mod:`ddlib.merge.model.likelihood`), at a cost that is cubic in the number of gaps only.
"""

from __future__ import annotations

from typing import NamedTuple

import numpy as np
import torch
from jaxtyping import Bool, Float, Int
from torch import Tensor

_CHUNK = 4_000_000
"""Numbers that one chunk of patients with gaps may hold in each intermediate result (32 MB)."""
_NARROW = 1e-4
"""An interval that is narrower, in units of the column, is taken for the number in its middle."""
_WORTH, _OVERHEAD = 1.5, 3e5
"""A pattern becomes a base where its patients' gaps would cost this many times the base's own factorisation, and some more."""


class Gaps(NamedTuple):
    """Patients of one base who lack some of its entries, or of whom some are only known to lie in an interval.

    Attributes:
        values: their measurements of the base's entries; zero at gaps.
        place: where among these the gaps are, those with an interval first; padded with the first of them.
        valid: which of them are gaps and not padding.
        lower, upper: the limits of the first w gaps, infinite where there are none; w is zero for patients without intervals.
    """

    values: Float[Tensor, "n d"]
    place: Int[Tensor, "n g"]
    valid: Bool[Tensor, "n g"]
    lower: Float[Tensor, "n w"]
    upper: Float[Tensor, "n w"]

    @property
    def bounded(self) -> Bool[Tensor, "n w"]:
        """Which of the first w gaps have an interval."""
        return (self.lower > -torch.inf) | (self.upper < torch.inf)


class Group(NamedTuple):
    """The patients of one base, which measures d of the D entries that a complete patient has.

    Attributes:
        source: the number of the source that they are of.
        entries: which those are.
        noise: variance of their measurement noise.
        size: how many patients have no gaps.
        mean, covariance: of their measurements (divisor n).
        gaps: the other patients, in chunks.
    """

    source: int
    entries: Int[Tensor, " d"]
    noise: Float[Tensor, " d"]
    size: int
    mean: Float[Tensor, " d"]
    covariance: Float[Tensor, "d d"]
    gaps: tuple[Gaps, ...]

    @property
    def patients(self) -> int:
        """How many patients the group has."""
        return self.size + sum(len(chunk.values) for chunk in self.gaps)


def group_patients(
    values: Float[Tensor, "n D"],
    variance: Float[Tensor, " D"],
    visit: Int[Tensor, " D"],
    source: int,
    limits: tuple[Float[Tensor, "n D"], Float[Tensor, "n D"]] | None = None,
) -> list[Group]:
    """The groups of one source's patients.

    Args:
        values: their measurements, not-a-number where there is no number; each patient has at least one cell.
        variance: of the measurement noise of each entry.
        visit: the number of each entry's visit.
        source: the number of the source.
        limits: lower and upper ones of the cells that are not numbers, infinite where there are none.
    """
    infinite = torch.full_like(values, torch.inf)
    lower, upper = limits or (-infinite, infinite)
    values = torch.where(values.isnan() & (upper - lower < _NARROW), 0.5 * (lower + upper), values)
    seen = ~values.isnan()
    bounded = ~seen & ((lower > -torch.inf) | (upper < torch.inf))
    patterns, belongs = _choose((seen | bounded).numpy(), visit.numpy())
    filled = torch.where(seen, values, 0.0)
    groups = []
    for number, pattern in enumerate(patterns):
        rows = torch.from_numpy(np.flatnonzero(belongs == number))
        index = torch.from_numpy(np.flatnonzero(pattern))
        part = _Cells(*(cells[rows][:, index] for cells in (filled, ~seen, bounded, lower, upper)))
        complete, some = ~part.missing.any(-1), part.bounded.any(-1)
        whole = part.values[complete]
        mean = whole.mean(0) if len(whole) else filled.new_zeros(len(index))
        centred = whole - mean
        covariance = centred.mT @ centred / max(len(whole), 1)
        chunks = [chunk for which in (~complete & ~some, some) for chunk in _chunks(_Cells(*(cells[which] for cells in part)))]
        groups.append(Group(source, index, variance[index], len(whole), mean, covariance, tuple(chunks)))
    return groups


def _choose(seen: Bool[np.ndarray, "n D"], visit: Int[np.ndarray, " D"]) -> tuple[list[np.ndarray], Int[np.ndarray, " n"]]:
    """The bases of one source, and which of them each patient has: the first in the list of those that hold its pattern."""
    measured = np.asarray(seen.any(0))
    numbers, place = np.unique(visit, return_inverse=True)
    visits = np.stack([seen[:, visit == number].any(1) for number in numbers], axis=1)[:, place] & measured
    belongs = np.full(len(seen), -1)
    bases: list[np.ndarray] = []

    def settle(target: np.ndarray, always: bool) -> None:
        """Give the patients who have no base yet one of the patterns in ``target``, where that is worth it."""
        free = np.flatnonzero(belongs < 0)
        if not len(free):
            return
        kind, example = _kinds(target[free])
        own = target[free[example]].sum(1).astype(float)
        cost = np.bincount(kind) * (measured.sum() - own) ** 3
        for number in np.flatnonzero(always | (cost > _WORTH * own**3 + _OVERHEAD)):
            belongs[free[kind == number]] = len(bases)
            bases.append(target[free[example[number]]].copy())

    settle(seen, always=False)
    settle(visits, always=False)
    settle(np.broadcast_to(measured, seen.shape), always=True)
    return bases, belongs


def _kinds(patterns: Bool[np.ndarray, "n D"]) -> tuple[Int[np.ndarray, " n"], Int[np.ndarray, " kinds"]]:
    """Which rows are equal: the number of each row's kind, and the first row of each kind."""
    numbers: dict[bytes, int] = {}
    kind = np.array([numbers.setdefault(row.tobytes(), len(numbers)) for row in np.packbits(patterns, axis=1)])
    return kind, np.unique(kind, return_index=True)[1]


class _Cells(NamedTuple):
    """Patients' entries of a base: numbers, which are missing, which of these have an interval, and its ends."""

    values: Float[Tensor, "n d"]
    missing: Bool[Tensor, "n d"]
    bounded: Bool[Tensor, "n d"]
    lower: Float[Tensor, "n d"]
    upper: Float[Tensor, "n d"]


def _chunks(cells: _Cells) -> list[Gaps]:
    """Patients with gaps, those with similarly many together."""
    counts = cells.missing.sum(-1)
    order = counts.argsort()
    chunks, start = [], 0
    while start < len(order):
        least = int(counts[order[start]])
        width = max(least + 2, int(1.3 * least))
        fits = int((counts[order[start:]] <= width).sum())
        stop = start + max(1, min(fits, _CHUNK // max(width**2, cells.values.shape[1])))
        rows = order[start:stop]
        most = int(counts[rows[-1]])
        kind = cells.missing[rows].to(torch.int8) + cells.bounded[rows]
        valid, index = kind.sort(dim=-1, descending=True, stable=True)
        kept, first = valid[:, :most] > 0, index[:, : int((valid > 1).sum(-1).max())]
        limits = (part[rows].gather(1, first) for part in (cells.lower, cells.upper))
        lower, upper = (
            torch.where(valid[:, : first.shape[1]] > 1, limit, sign * torch.inf)
            for limit, sign in zip(limits, (-1, 1), strict=True)
        )
        chunks.append(Gaps(cells.values[rows], torch.where(kept, index[:, :most], index[:, :1]), kept, lower, upper))
        start = stop
    return chunks
