r"""Patients grouped by what was measured of them, so that few factorisations serve all of them.

Patients who share a pattern of measured entries share one Cholesky factor of :math:`C = \Sigma_{oo} + D_o`. With cells missing here
and there almost every patient has a pattern of their own; each of them is therefore assigned to a *base*, a pattern that holds
theirs: a frequent pattern, or else everything that the source measures at the visits that the patient has, or at all visits. What
the base has and the patient lacks is a short list of *gaps*. The base's inverse then serves the patient too (see
:mod:`ddlib.merge.expectation`), at a cost that is cubic in the number of gaps only.
"""

from __future__ import annotations

from typing import NamedTuple

import numpy as np
import torch
from jaxtyping import Bool, Float, Int
from torch import Tensor

CHUNK = 4_000_000
"""Numbers that one chunk of patients with gaps may hold in each intermediate result (32 MB)."""
WORTH = 1.5
"""A pattern becomes a base where its patients' gaps would cost this many times the base's own factorisation, or more."""


class Gaps(NamedTuple):
    """Patients of one base who lack some of its entries.

    Attributes:
        values: their measurements; zero at gaps and at whatever the base does not measure.
        place: where the gaps are; padded with the first of them.
        valid: which of them are gaps and not padding.
    """

    values: Float[Tensor, "n D"]
    place: Int[Tensor, "n g"]
    valid: Bool[Tensor, "n g"]


class Group(NamedTuple):
    """The patients of one base; D = T·p entries, slices one after the other.

    Attributes:
        source: the number of the source that they are of.
        observed: one at the base's entries, zero elsewhere.
        noise: variance of the measurement noise.
        size: how many patients have no gaps.
        mean, covariance: of their measurements (divisor n); zero at entries that the base does not have.
        gaps: the other patients, in chunks.
    """

    source: int
    observed: Float[Tensor, " D"]
    noise: Float[Tensor, " D"]
    size: int
    mean: Float[Tensor, " D"]
    covariance: Float[Tensor, "D D"]
    gaps: tuple[Gaps, ...]

    @property
    def patients(self) -> int:
        """How many patients the group has."""
        return self.size + sum(len(chunk.values) for chunk in self.gaps)


def group_patients(values: Float[Tensor, "n T p"], noise: Float[Tensor, " p"], source: int) -> list[Group]:
    """The groups of one source's patients.

    Args:
        values: their measurements, not-a-number where missing; each patient has at least one.
        noise: standard deviation of the measurement noise of each variable.
        source: the number of the source.
    """
    flat = values.flatten(1)
    seen = ~flat.isnan()
    patterns, belongs = _choose(seen.numpy(), values.shape[1])
    variance = (noise**2).repeat(values.shape[1])
    filled = torch.where(seen, flat, 0.0)
    groups = []
    for number, pattern in enumerate(patterns):
        rows = torch.from_numpy(np.flatnonzero(belongs == number))
        base = torch.from_numpy(pattern)
        missing = base & ~seen[rows]
        complete = ~missing.any(-1)
        whole = filled[rows[complete]]
        mean = whole.mean(0) if len(whole) else filled.new_zeros(filled.shape[1])
        centred = whole - mean
        covariance = centred.mT @ centred / max(len(whole), 1)
        chunks = _chunks(filled[rows[~complete]], missing[~complete])
        groups.append(Group(source, base.to(flat.dtype), variance, len(whole), mean, covariance, tuple(chunks)))
    return groups


def _choose(seen: Bool[np.ndarray, "n D"], slices: int) -> tuple[list[np.ndarray], Int[np.ndarray, " n"]]:
    """The bases of one source, and which of them each patient has: the first in the list of those that hold its pattern."""
    measured = np.asarray(seen.any(0))
    visits = np.repeat(seen.reshape(len(seen), slices, -1).any(-1), seen.shape[1] // slices, axis=1) & measured
    belongs = np.full(len(seen), -1)
    bases: list[np.ndarray] = []

    def settle(target: np.ndarray, always: bool) -> None:
        """Give the patients who have no base yet one of the patterns in ``target``, where that is worth it."""
        free = np.flatnonzero(belongs < 0)
        if not len(free):
            return
        kind, example = _kinds(target[free])
        gaps = measured.sum() - target[free[example]].sum(1)
        for number in np.flatnonzero(always | (np.bincount(kind) * gaps.astype(float) ** 3 > WORTH * float(seen.shape[1]) ** 3)):
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


def _chunks(values: Float[Tensor, "n D"], missing: Bool[Tensor, "n D"]) -> list[Gaps]:
    """Patients with gaps, those with similarly many together."""
    counts = missing.sum(-1)
    order = counts.argsort()
    chunks, start = [], 0
    while start < len(order):
        least = int(counts[order[start]])
        width = max(least + 2, int(1.3 * least))
        fits = int((counts[order[start:]] <= width).sum())
        stop = start + max(1, min(fits, CHUNK // max(width**2, values.shape[1])))
        rows = order[start:stop]
        most = int(counts[rows[-1]])
        valid, index = missing[rows].to(torch.int8).sort(dim=-1, descending=True, stable=True)
        kept = valid[:, :most] > 0
        chunks.append(Gaps(values[rows], torch.where(kept, index[:, :most], index[:, :1]), kept))
        start = stop
    return chunks
