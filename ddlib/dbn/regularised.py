r"""Estimates below the converged maximum when data are scarce, chosen by the observed-data likelihood of held-out patients.

With few patients the maximum of the observed-data likelihood overfits: hidden pairs and variances near zero are fitted to noise.
Two remedies have one number to choose: EM stopped after so many iterations, and the likelihood with a ridge of κ pseudo-patients
on the weights (:mod:`ddlib.dbn.ridge`). The number is chosen per replicate by cross-validation over patients: each source's
patients are split into folds, and the log-likelihood of what was measured of the held-out patients is summed (Stone 1974). Then
all patients are used with the number chosen. Nothing but the sources' own measurements is needed.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import NamedTuple

import torch
from jaxtyping import Float, Int
from torch import Tensor

from ddlib.dbn.model import Dbn, Graph
from ddlib.dbn.moments import fit_moments, gaussian_moments, regressors
from ddlib.dbn.observed import expected_trajectories, independent_start, observed_log_likelihood
from ddlib.dbn.ridge import ridge, ridge_maximum
from ddlib.dbn.sources import Sources, Statistics, statistics

RIDGES = (0.0, 0.0003, 0.001, 0.003, 0.01, 0.03, 0.1)
"""Pseudo-patients as shares of all patients."""
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
    """

    model: Dbn
    choice: Int[Tensor, " R"]
    held_out: Float[Tensor, "c R"]


def fold(sources: Sources, number: int, folds: int) -> tuple[Sources, Sources]:
    """All patients but those of one fold, and those of it; the patients of a source take turns.

    Raises:
        ValueError: if there are fewer than two folds, or a fold or its rest has fewer than two patients of a source.
    """
    patients = sources.values.shape[2]
    if folds < 2 or patients // folds < 2 or patients - -(-patients // folds) < 2:
        raise ValueError(
            f"{folds} folds of {patients} patients a source leave too few: take 2 folds or more of at least 2 patients"
        )
    held = torch.arange(patients, device=sources.values.device) % folds == number
    return sources._replace(values=sources.values[:, :, ~held]), sources._replace(values=sources.values[:, :, held])


def stopped_path(graph: Graph, sources: Statistics, slices: int, iterations: Sequence[int] = ITERATIONS) -> list[Dbn]:
    """EM's estimates after some numbers of iterations, from :func:`ddlib.dbn.observed.independent_start`."""
    model, parents, path = independent_start(graph, sources, slices), regressors(graph), []
    for iteration in range(1, max(iterations) + 1):
        law, _ = expected_trajectories(model, sources, slices)
        model = fit_moments(gaussian_moments(law, slices), parents)
        if iteration in iterations:
            path.append(model)
    return path


def ridge_path(graph: Graph, sources: Statistics, slices: int, shares: Sequence[float] = RIDGES, cycles: int = 150) -> list[Dbn]:
    """Maxima of the likelihood with some ridges, found from the strongest to the weakest, each started at the one before."""
    found: dict[float, Dbn] = {}
    model: Dbn | None = None
    for share in sorted(shares, reverse=True):
        strength = ridge(graph, sources, slices, share)
        model = found[share] = ridge_maximum(graph, sources, slices, strength, tolerance=1e-8, start=model, cycles=cycles).model
    return [found[share] for share in shares]


def pick(path: Sequence[Dbn], choice: Int[Tensor, " R"]) -> Dbn:
    """Each replicate's candidate."""
    each = torch.arange(len(choice), device=choice.device)
    return Dbn(*(torch.stack(parts)[choice, each] for parts in zip(*path, strict=True)))


def cross_validate(graph: Graph, sources: Sources, path: Path, folds: int = 5) -> Chosen:
    """Choose along a path by held-out patients, and estimate from all of them.

    Args:
        graph: the known graphs.
        sources: the measurements.
        path: the candidates.
        folds: each is held out once.

    Raises:
        ValueError: if the folds are too small.
    """
    scores: list[Tensor] = []
    for number in range(folds):
        rest, held = (statistics(part) for part in fold(sources, number, folds))
        models = path(graph, rest, sources.slices)
        scores.append(torch.stack([observed_log_likelihood(model, held, sources.slices).sum(-1) for model in models]))
    patients = sources.values.shape[1] * sources.values.shape[2]
    held_out = torch.stack(scores).sum(0) / patients
    choice = held_out.argmax(0)
    return Chosen(pick(path(graph, statistics(sources), sources.slices), choice), choice, held_out)
