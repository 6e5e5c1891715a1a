r"""Expectation–maximisation with squared extrapolation (SQUAREM, Varadhan and Roland 2008, scheme S3).

With M the EM map, a cycle from :math:`\theta_0` computes

.. math::

    r = M(\theta_0) - \theta_0, \quad v = M(M(\theta_0)) - M(\theta_0) - r, \quad \alpha = -\|r\| / \|v\|, \quad
    \theta' = \theta_0 - 2\alpha r + \alpha^2 v

and goes on from :math:`M(\theta')` where the likelihood of :math:`\theta'` is at least that of :math:`M(\theta_0)`, else from
:math:`M(M(\theta_0))`: so the likelihood never falls. Variances are extrapolated on the log scale. The fixed points are EM's;
where EM takes a thousand iterations, this takes a hundred.
"""

from __future__ import annotations

import math
from collections.abc import Callable
from typing import Any, NamedTuple

import torch
from jaxtyping import Float
from torch import Tensor

from ddlib.dbn.likelihood.observed import Em, expected_trajectories, independent_start
from ddlib.dbn.model.moments import fit_moments, gaussian_moments, regressors
from ddlib.dbn.model.network import Dbn, Graph
from ddlib.dbn.sources import Statistics

__all__ = ["Chart", "EmMap", "accelerate", "maximum_likelihood", "network_chart"]

_LONGEST = 256.0
"""The largest extrapolation −α."""
EmMap = Callable[[Any], tuple[Any, Float[Tensor, " R"]]]
"""Maps parameters to the next ones and the log-likelihood of the given ones."""


class Chart(NamedTuple):
    """Coordinates in which parameters are extrapolated.

    Attributes:
        flatten: from parameters to one vector per replicate.
        restore: back.

    >>> logarithm = Chart(torch.log, torch.exp)
    >>> logarithm.restore(logarithm.flatten(torch.ones(1, 2)))
    tensor([[1., 1.]])
    """

    flatten: Callable[..., Float[Tensor, "R P"]]
    restore: Callable[..., Any]


def network_chart(variables: int) -> Chart:
    """The coordinates of a network: intercepts, weights, log variances.

    >>> zero, one = torch.zeros(1, 1, 1), torch.ones(1, 1, 1)
    >>> network_chart(1).flatten(Dbn(zero[0], zero, one[0], zero[0], zero, 0.5 * one, one[0]))
    tensor([[0.0000, 0.0000, 0.0000, 0.0000, 0.0000, 0.5000, 0.0000]])
    """
    vector, matrix = (variables,), (variables, variables)
    shapes = (vector, matrix, vector, vector, matrix, matrix, vector)
    sizes = [math.prod(shape) for shape in shapes]

    def flatten(model: Dbn) -> Tensor:
        logged = model._replace(first_variance=model.first_variance.log(), variance=model.variance.log())
        return torch.cat([part.flatten(1) for part in logged], dim=-1)

    def restore(coordinates: Tensor) -> Dbn:
        parts = [part.unflatten(-1, shape) for part, shape in zip(coordinates.split(sizes, dim=-1), shapes, strict=True)]
        model = Dbn(*parts)
        return model._replace(first_variance=model.first_variance.exp(), variance=model.variance.exp())

    return Chart(flatten, restore)


def accelerate(step: EmMap, start: Any, chart: Chart, tolerance: float = 1e-13, cycles: int = 4000) -> tuple[Any, Tensor, Tensor]:
    """Run an EM map until no replicate's log-likelihood rises by more than the tolerance in a cycle of three EM steps.

    Args:
        step: the EM map.
        start: where to begin.
        chart: in which coordinates to extrapolate.
        tolerance: of the log-likelihood that the map returns.
        cycles: at most so many.

    Returns:
        The parameters, the log-likelihood before each cycle, and whether each replicate has converged.

    >>> def halve(x):  # its fixed point is 2, which has the highest value
    ...     return 1 + x / 2, -(x - 2).square().sum(-1)
    >>> end, values, converged = accelerate(halve, torch.zeros(1, 1), Chart(lambda x: x, lambda x: x))
    >>> end, len(values)
    (tensor([[2.]]), 3)
    """
    here = start
    path: list[Tensor] = []
    for _ in range(cycles):
        once, before = step(here)
        converged = before - path[-1] < tolerance if path else torch.zeros_like(before, dtype=torch.bool)
        path.append(before)
        if len(path) > 1 and bool(converged.all()):
            break
        twice, after = step(once)
        begin, first, second = chart.flatten(here), chart.flatten(once), chart.flatten(twice)
        move, bend = first - begin, second - 2 * first + begin
        least = max(1e-300, torch.finfo(bend.dtype).tiny)
        length = (move.norm(dim=-1) / bend.norm(dim=-1).clamp(min=least)).clamp(1.0, _LONGEST).unsqueeze(-1)
        leap = begin + 2 * length * move + length**2 * bend
        try:
            landed, reached = step(chart.restore(leap))
        except ValueError:  # some replicate leapt out of the model: none leaps this time
            here = twice
            continue
        good = (reached >= after).unsqueeze(-1)
        here = chart.restore(torch.where(good, chart.flatten(landed), second))
    return here, torch.stack(path), converged


def maximum_likelihood(
    graph: Graph, sources: Statistics, slices: int, tolerance: float = 1e-13, start: Dbn | None = None, cycles: int = 4000
) -> Em:
    """The maximum of the observed-data likelihood of a known graph: :func:`ddlib.dbn.likelihood.observed.em`, accelerated.

    Args:
        graph: the known graphs.
        sources: sufficient statistics of the sources.
        slices: the number of slices T.
        tolerance: in nats per trajectory, for a cycle of three EM steps.
        start: where to begin; EM's independent start when not given.
        cycles: at most so many.

    Raises:
        ValueError: if a fit is singular.

    >>> from ddlib.dbn import draw_sources, random_networks, random_pattern, statistics
    >>> generator = torch.Generator().manual_seed(0)
    >>> graph, truth = random_networks(1, 3, generator)
    >>> sources = statistics(draw_sources(truth, random_pattern(1, 3, 4, 3, generator), 50, generator))
    >>> bool(maximum_likelihood(graph, sources, 4, tolerance=1e-6).converged.all())
    True
    """
    parents, total = regressors(graph), sources.size.sum(-1)

    def step(model: Dbn) -> tuple[Dbn, Tensor]:
        law, likelihood = expected_trajectories(model, sources, slices)
        return fit_moments(gaussian_moments(law, slices), parents), likelihood.sum(-1) / total

    begin = independent_start(graph, sources, slices) if start is None else start
    return Em(*accelerate(step, begin, network_chart(graph.intra.shape[-1]), tolerance, cycles))
