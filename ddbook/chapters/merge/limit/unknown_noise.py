r"""Noise of unknown size: EM with one more M-step, for a variance that all measured entries share.

With :math:`y = x_o + \varepsilon`, :math:`\varepsilon \sim N(0, \sigma^2 I)` and C the covariance of y, the expected noise given
the measurements has the second moment :math:`\sigma^2 I - \sigma^4 C^{-1} + \sigma^4 C^{-1} M C^{-1}`, M the second moment of y
about its mean. The M-step sets :math:`\sigma^2` to the mean of its diagonal over all measured entries. The noise is told from the
process by time: it does not carry over to the next slice. Where this is too little, as for a variable that does not depend on the
slice before, only its other edges tell.
"""

from __future__ import annotations

from typing import NamedTuple

import torch
from jaxtyping import Float
from torch import Tensor

from ddlib.dbn.estimators.accelerated import Chart, accelerate, network_chart
from ddlib.dbn.likelihood.observed import expected_trajectories, independent_start, measured
from ddlib.dbn.model.moments import fit_moments, gaussian_moments, regressors
from ddlib.dbn.model.network import Dbn, Graph, joint
from ddlib.dbn.sources import Statistics


class NoisyDbn(NamedTuple):
    """A network and the variance of the noise on each measured entry."""

    network: Dbn
    noise: Float[Tensor, " R"]


class NoiseEstimate(NamedTuple):
    """The result of EM with unknown noise.

    Attributes:
        model: the network.
        deviation: the noise's standard deviation.
        converged: whether the likelihood has stopped rising.
    """

    model: Dbn
    deviation: Float[Tensor, " R"]
    converged: Tensor


def with_noise(sources: Statistics, variance: Float[Tensor, " R"] | float) -> Statistics:
    """The same measurements, taken to have this noise variance on every entry: zero to ignore the noise."""
    size = torch.as_tensor(variance, dtype=sources.mean.dtype, device=sources.mean.device).reshape(-1, 1, 1)
    return sources._replace(noise=size.expand_as(sources.mean).clone())


def _noise_step(model: Dbn, sources: Statistics, slices: int) -> Float[Tensor, " R"]:
    root, _, second = measured(joint(model, slices), sources)
    inverse = torch.cholesky_inverse(root)
    variance = sources.noise
    excess = (inverse @ second @ inverse - inverse).diagonal(dim1=-2, dim2=-1)
    expected = sources.observed * (variance + variance**2 * excess)
    count = (sources.size.unsqueeze(-1) * sources.observed).sum((-2, -1))
    return (sources.size.unsqueeze(-1) * expected).sum((-2, -1)) / count


def maximum_likelihood_with_noise(
    graph: Graph, sources: Statistics, slices: int, begin: float = 0.1, tolerance: float = 1e-12, cycles: int = 4000
) -> NoiseEstimate:
    """The maximum of the observed-data likelihood over networks and one common noise variance.

    Args:
        graph: the known graphs.
        sources: sufficient statistics; their noise variances are not looked at.
        slices: the number of slices T.
        begin: the noise variance to begin at, as a share of the smallest measured variance.
        tolerance: in nats per trajectory, for a cycle of three EM steps.
        cycles: at most so many.

    Raises:
        ValueError: if the share is not in (0, 1).
    """
    if not 0 < begin < 1:
        raise ValueError(f"the noise begins at a share of the measured variance above 0 and below 1, but it is {begin}")
    parents, total = regressors(graph), sources.size.sum(-1)
    spread = torch.where(sources.observed > 0, sources.covariance.diagonal(dim1=-2, dim2=-1), torch.inf)

    def step(model: NoisyDbn) -> tuple[NoisyDbn, Tensor]:
        told = with_noise(sources, model.noise)
        law, likelihood = expected_trajectories(model.network, told, slices)
        network = fit_moments(gaussian_moments(law, slices), parents)
        return NoisyDbn(network, _noise_step(model.network, told, slices)), likelihood.sum(-1) / total

    chart = network_chart(graph.intra.shape[-1])
    both = Chart(
        lambda model: torch.cat([chart.flatten(model.network), model.noise.log().unsqueeze(-1)], dim=-1),
        lambda vector: NoisyDbn(chart.restore(vector[:, :-1]), vector[:, -1].exp()),
    )
    first = begin * spread.amin((-2, -1))
    start = NoisyDbn(independent_start(graph, with_noise(sources, first), slices), first)
    found, _, converged = accelerate(step, start, both, tolerance, cycles)
    return NoiseEstimate(found.network, found.noise.sqrt(), converged)
