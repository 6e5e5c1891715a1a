"""Simulated twins of real records: the same patients, gaps and hospitals, with values drawn from a network fitted to the records.

A twin from the network is Markov, a twin from the network with static levels is not; all else is the same, so that what differs
between them is owed to the levels.
"""

from __future__ import annotations

from typing import NamedTuple

import torch
from jaxtyping import Float
from torch import Tensor

from ddbook.chapters.merge.hospitals.records import Records, patterns
from ddlib.dbn.estimators.levels import LevelDbn, level_maximum_likelihood
from ddlib.dbn.estimators.static import estimate, visit_graph
from ddlib.dbn.model.generate import sample
from ddlib.dbn.model.network import Dbn


class Twins(NamedTuple):
    """Records in standardised units, and two simulated twins of them."""

    real: Float[Tensor, "n T p"]
    markov: Float[Tensor, "n T p"]
    levels: Float[Tensor, "n T p"]


class Fitted(NamedTuple):
    """A network, and a network with static levels, fitted to the same complete records.

    Attributes:
        network: each variable on its own last value.
        levels: the same with a level per patient and variable.
        scaled: the records in standardised units.
    """

    network: Dbn
    levels: LevelDbn
    scaled: Float[Tensor, "n T p"]


def fit_both(values: Float[Tensor, "n T p"], tolerance: float = 1e-6, cycles: int = 80) -> Fitted:
    """Fit both networks to all patients, nothing hidden; natural gaps stay gaps.

    Args:
        values: the records, not-a-number where nothing was measured.
        tolerance, cycles: where EM stops, in nats per patient and cycle, and after so many cycles in any case.

    Raises:
        ValueError: if there are fewer than three visits: with two, level and network are hard to tell apart.
    """
    slices, variables = values.shape[1:]
    if slices < 3:
        raise ValueError(f"static levels need at least 3 visits to be told from the network, but there are {slices}")
    mean = values.nanmean((0, 1))
    scaled = (values - mean) / (values - mean).square().nanmean((0, 1)).sqrt()
    records = Records(scaled.unsqueeze(0), torch.zeros(1, len(scaled), dtype=torch.long, device=scaled.device))
    found, graph = patterns(records).statistics, visit_graph(1, variables, "own", scaled.device)
    network = estimate(graph, found, slices, tolerance, cycles).model
    levels = level_maximum_likelihood(graph, found, slices, tolerance=tolerance, cycles=cycles).model
    return Fitted(network, levels, scaled)


def draw_twins(fitted: Fitted, generator: torch.Generator) -> Twins:
    """A twin of every patient under either network, with the gaps of the patient's records.

    Args:
        fitted: both networks and the records (:func:`fit_both`).
        generator: the source of randomness.
    """
    patients, slices, variables = fitted.scaled.shape
    markov = sample(fitted.network, patients, slices, generator)[0]
    shape = (patients, 1, variables)
    level = torch.randn(shape, dtype=markov.dtype, device=generator.device, generator=generator).to(markov)
    levels = sample(fitted.levels.network, patients, slices, generator)[0] + level * fitted.levels.level[0].sqrt()
    seen = fitted.scaled.isfinite()
    return Twins(fitted.scaled, *(torch.where(seen, drawn, torch.nan) for drawn in (markov, levels)))
