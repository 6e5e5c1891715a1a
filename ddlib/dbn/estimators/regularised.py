r"""Estimates below the converged maximum when data are scarce, chosen by the observed-data likelihood of held-out patients.

With few patients the maximum of the observed-data likelihood overfits: hidden pairs and variances near zero are fitted to noise.
Two remedies have one number to choose: EM stopped after so many iterations, and the likelihood with a ridge of κ pseudo-patients
on the weights (:mod:`ddlib.dbn.estimators.ridge`). The number is chosen per replicate by cross-validation over patients: each
source's patients are split into folds, and the log-likelihood of what was measured of the held-out patients is summed (Stone 1974).
Then all patients are used with the number chosen. Nothing but the sources' own measurements is needed.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import NamedTuple

import torch
from jaxtyping import Float, Int
from torch import Tensor

from ddlib.dbn.estimators.ridge import ridge, ridge_maximum
from ddlib.dbn.likelihood.observed import expected_trajectories, independent_start, observed_log_likelihood
from ddlib.dbn.model.moments import fit_moments, gaussian_moments, regressors
from ddlib.dbn.model.network import Dbn, Graph
from ddlib.dbn.sources import Sources, Statistics, fold, statistics
from ddlib.methods.composed import pick

__all__ = ["ITERATIONS", "RIDGES", "RIDGE_CYCLES", "Chosen", "Path", "cross_validate", "ridge_path", "stopped_path"]

RIDGES = (0.1, 0.2, 0.5, 1.0, 2.0, 5.0, 20.0, 100.0)
"""Numbers κ of pseudo-patients; there is always a ridge, because without one the likelihood may have no maximum."""
RIDGE_CYCLES = 150
"""Cycles of accelerated EM for each, at most: enough for estimates to be compared on held-out patients."""
ITERATIONS = (2, 3, 5, 8, 12, 20, 30, 50, 80, 120, 200, 400)
"""Of early-stopped EM."""
Path = Callable[[Graph, Statistics, int], Sequence[Dbn]]
"""A path of estimates, one per candidate number."""


class Chosen(NamedTuple):
    """An estimate and the number that was chosen for it.

    Attributes:
        model: from all patients.
        choice: index of the candidate, per replicate.
        held_out: log-likelihood of held-out patients, in nats per trajectory, one row per candidate.

    >>> from ddlib.dbn import draw_sources, random_networks, random_pattern
    >>> generator = torch.Generator().manual_seed(0)
    >>> graph, truth = random_networks(1, 3, generator)
    >>> sources = draw_sources(truth, random_pattern(1, 3, 4, 3, generator), 50, generator)
    >>> cross_validate(graph, sources, lambda *given: stopped_path(*given, iterations=(1, 3)), folds=2).held_out.shape
    torch.Size([2, 1])
    """

    model: Dbn
    choice: Int[Tensor, " R"]
    held_out: Float[Tensor, "c R"]


def stopped_path(graph: Graph, sources: Statistics, slices: int, iterations: Sequence[int] = ITERATIONS) -> list[Dbn]:
    """EM's estimates after some numbers of iterations, from :func:`ddlib.dbn.likelihood.observed.independent_start`.

    >>> from ddlib.dbn import draw_sources, random_networks, random_pattern, statistics
    >>> generator = torch.Generator().manual_seed(0)
    >>> graph, truth = random_networks(1, 3, generator)
    >>> sources = statistics(draw_sources(truth, random_pattern(1, 3, 4, 3, generator), 50, generator))
    >>> len(stopped_path(graph, sources, 4, iterations=(1, 2, 4)))
    3
    """
    model, parents, path = independent_start(graph, sources, slices), regressors(graph), []
    for iteration in range(1, max(iterations) + 1):
        law, _ = expected_trajectories(model, sources, slices)
        model = fit_moments(gaussian_moments(law, slices), parents)
        if iteration in iterations:
            path.append(model)
    return path


def ridge_path(graph: Graph, sources: Statistics, slices: int, patients: Sequence[float] = RIDGES, cycles: int = 150) -> list[Dbn]:
    """Maxima of the likelihood with ridges of so many pseudo-patients: strongest first, each from the one before.

    >>> from ddlib.dbn import draw_sources, random_networks, random_pattern, statistics
    >>> generator = torch.Generator().manual_seed(0)
    >>> graph, truth = random_networks(1, 3, generator)
    >>> sources = statistics(draw_sources(truth, random_pattern(1, 3, 4, 3, generator), 50, generator))
    >>> strong, weak = ridge_path(graph, sources, 4, patients=(100.0, 1.0), cycles=20)
    >>> bool(strong.inter.norm() < weak.inter.norm())
    True
    """
    found: dict[float, Dbn] = {}
    model: Dbn | None = None
    for number in sorted(patients, reverse=True):
        strength = ridge(graph, sources, slices, number / sources.size.sum(-1))
        model = found[number] = ridge_maximum(graph, sources, slices, strength, tolerance=1e-8, start=model, cycles=cycles).model
    return [found[number] for number in patients]


def _held_out(model: Dbn, data: Statistics, slices: int) -> Float[Tensor, " R"]:
    return observed_log_likelihood(model, data, slices).sum(-1)


def cross_validate(graph: Graph, sources: Sources, path: Path, folds: int = 5) -> Chosen:
    """Choose along a path by held-out patients, and estimate from all of them.

    Args:
        graph: the known graphs.
        sources: the measurements.
        path: the candidates.
        folds: each is held out once.

    Raises:
        ValueError: if the folds are too small.

    >>> from ddlib.dbn import draw_sources, random_networks, random_pattern
    >>> generator = torch.Generator().manual_seed(0)
    >>> graph, truth = random_networks(1, 3, generator)
    >>> sources = draw_sources(truth, random_pattern(1, 3, 4, 3, generator), 50, generator)
    >>> chosen = cross_validate(graph, sources, lambda *given: stopped_path(*given, iterations=(1, 3)), folds=2)
    >>> chosen.choice.shape, chosen.model.inter.shape
    (torch.Size([1]), torch.Size([1, 3, 3]))
    """
    parts = [fold(sources, number, folds) for number in range(folds)]
    training = [statistics(rest) for rest, _ in parts] + [statistics(sources)]
    # All folds and all patients in one batch.
    together = Statistics(*(torch.cat(each) for each in zip(*training, strict=True)))
    models = path(Graph(*(mask.repeat(folds + 1, 1, 1) for mask in graph)), together, sources.slices)
    batches = [[Dbn(*each) for each in zip(*(part.chunk(folds + 1) for part in model), strict=True)] for model in models]
    held = [statistics(part) for _, part in parts]
    scores = [torch.stack([_held_out(*pair, sources.slices) for pair in zip(batch[:-1], held, strict=True)]) for batch in batches]
    held_out = torch.stack(scores).sum(1) / (sources.values.shape[1] * sources.values.shape[2])
    choice = held_out.argmax(0)
    return Chosen(pick([batch[-1] for batch in batches], choice), choice, held_out)
