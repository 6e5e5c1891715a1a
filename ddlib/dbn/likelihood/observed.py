r"""The observed-data likelihood of sources with hidden entries and known noise, and its maximisation by EM.

A source that measures the entries o of a trajectory :math:`x \sim N(\mu, \Sigma)` with noise variances :math:`D` sees
:math:`y \sim N(\mu_o, C)`, :math:`C = \Sigma_{oo} + D_o`. One Cholesky factor per source and replicate serves all its trajectories.
Hidden entries are kept as rows of the identity in C, so that sources with different patterns share one batch.
"""

from __future__ import annotations

import math
from typing import Any, NamedTuple

import torch
from jaxtyping import Float
from torch import Tensor
from torch.autograd.function import once_differentiable

from ddlib.dbn.model.moments import fit_moments, gaussian_moments, regressors
from ddlib.dbn.model.network import Dbn, Gaussian, Graph, joint
from ddlib.dbn.sources import Statistics

__all__ = ["Em", "em", "expected_trajectories", "independent_start", "law_log_likelihood", "measured", "observed_log_likelihood"]


def measured(law: Gaussian, sources: Statistics) -> tuple[Tensor, Tensor, Tensor]:
    """Cholesky factor of C, mean deviation of the data, and their second moment about the model's mean, per source.

    Raises:
        ValueError: if the measurements have no density under the law.

    >>> seen = torch.tensor([[[1.0, 0.0]]])  # the second entry is hidden
    >>> sources = Statistics(torch.ones(1, 1), 0.5 * seen, torch.zeros(1, 1, 2, 2), seen, 3.0 * seen)
    >>> measured(Gaussian(torch.zeros(1, 2), torch.eye(2)[None]), sources)[0]
    tensor([[[[2., 0.],
              [0., 1.]]]])
    """
    seen = sources.observed
    diagonal = torch.where(seen > 0, sources.noise, 1.0)
    covariance = law.covariance.unsqueeze(-3) * (seen.unsqueeze(-1) * seen.unsqueeze(-2)) + torch.diag_embed(diagonal)
    off = (sources.mean - law.mean.unsqueeze(-2)) * seen
    second = sources.covariance + off.unsqueeze(-1) * off.unsqueeze(-2)
    root, failed = torch.linalg.cholesky_ex(covariance)
    if bool((failed > 0).any()):
        raise ValueError("the law of the measurements is singular under this network: a variance is zero or not a number")
    return root, off, second


def likelihood(sources: Statistics, root: Tensor, inverse: Tensor, second: Tensor) -> Float[Tensor, "*R K"]:
    """Log-likelihood from the Cholesky factor of C, its inverse and the second moment, summed over each source's trajectories."""
    constant = sources.observed.sum(-1) * math.log(2 * math.pi)
    determinant = 2 * root.diagonal(dim1=-2, dim2=-1).log().sum(-1)
    return -0.5 * sources.size * (constant + determinant + (inverse * second).sum((-2, -1)))


class _LawLikelihood(torch.autograd.Function):
    r"""The log-likelihood under a law, with its gradient in closed form: twice as fast in a batch as back through Cholesky.

    .. math::

        \frac{\partial}{\partial \mu_o} = N_k C_k^{-1} (\bar y_k - \mu_o), \qquad
        \frac{\partial}{\partial \Sigma_{oo}} = -\tfrac{N_k}{2} (C_k^{-1} - C_k^{-1} M_k C_k^{-1})
    """

    @staticmethod
    def forward(ctx: Any, mean: Tensor, covariance: Tensor, sources: Statistics) -> Tensor:
        root, off, second = measured(Gaussian(mean, covariance), sources)
        inverse = torch.cholesky_inverse(root)
        ctx.save_for_backward(inverse, off, second)
        ctx.sources = sources
        return likelihood(sources, root, inverse, second)

    @staticmethod
    @once_differentiable
    def backward(ctx: Any, grad: Tensor) -> tuple[Tensor, Tensor, None]:
        inverse, off, second = ctx.saved_tensors
        seen = ctx.sources.observed
        weight = grad * ctx.sources.size
        mean = (weight.unsqueeze(-1) * seen * (inverse @ off.unsqueeze(-1)).squeeze(-1)).sum(-2)
        inner = inverse - inverse @ second @ inverse
        return mean, -0.5 * torch.einsum("...ki,...kij,...kj->...ij", seen * weight.unsqueeze(-1), inner, seen), None


def law_log_likelihood(law: Gaussian, sources: Statistics) -> Float[Tensor, "*R K"]:
    """:func:`observed_log_likelihood` for any law of trajectories.

    >>> seen = torch.tensor([[[1.0, 0.0]]])  # the second entry is hidden
    >>> sources = Statistics(torch.ones(1, 1), 0.5 * seen, torch.zeros(1, 1, 2, 2), seen, 0.0 * seen)
    >>> law_log_likelihood(Gaussian(torch.zeros(1, 2), torch.eye(2)[None]), sources).round(decimals=4)
    tensor([[-1.0439]])
    """
    found: Tensor = _LawLikelihood.apply(law.mean, law.covariance, sources)
    return found


def observed_log_likelihood(model: Dbn, sources: Statistics, slices: int) -> Float[Tensor, "*R K"]:
    r"""Log-likelihood of each source's measurements in nats, summed over its trajectories.

    .. math:: -\tfrac{N_k}{2}\left[n_k \log 2\pi + \log\det C_k + \operatorname{tr} C_k^{-1} M_k\right],

    with :math:`M_k` the second moment of the measurements about the model's mean.

    Args:
        model: networks, shape (R, ...); further axes in front broadcast.
        sources: sufficient statistics.
        slices: the number of slices T.

    Its gradient can be taken once, not twice.

    Raises:
        ValueError: if the measurements have no density under the model.

    >>> from ddlib.dbn import draw_sources, log_likelihood, random_networks, statistics
    >>> generator = torch.Generator().manual_seed(0)
    >>> _, model = random_networks(1, 2, generator)
    >>> sources = draw_sources(model, torch.ones(1, 1, 3, 2, dtype=torch.bool), 20, generator, noise=0.0)
    >>> whole = log_likelihood(model, sources.values[:, 0]).sum(-1)  # all is measured, without noise
    >>> torch.allclose(observed_log_likelihood(model, statistics(sources), 3), whole)
    True
    """
    return law_log_likelihood(joint(model, slices), sources)


def expected_trajectories(model: Dbn, sources: Statistics, slices: int) -> tuple[Gaussian, Float[Tensor, "*R K"]]:
    r"""E-step: mean and covariance of the complete trajectories given the measurements, averaged over all trajectories.

    Per source, :math:`E[x \mid y] = \mu + G(y - \mu_o)` with :math:`G = \Sigma_{\cdot o} C^{-1}` and posterior covariance
    :math:`\Sigma - G \Sigma_{o \cdot}`.

    Returns:
        The expected moments, and the log-likelihood of each source under the model that was given.

    >>> from ddlib.dbn import draw_sources, random_networks, statistics
    >>> generator = torch.Generator().manual_seed(0)
    >>> _, model = random_networks(1, 2, generator)
    >>> sources = statistics(draw_sources(model, torch.ones(1, 1, 3, 2, dtype=torch.bool), 20, generator, noise=0.0))
    >>> torch.allclose(expected_trajectories(model, sources, 3)[0].mean, sources.mean[:, 0])
    True
    """
    law = joint(model, slices)
    root, off, second = measured(law, sources)
    inverse = torch.cholesky_inverse(root)
    cross = law.covariance.unsqueeze(-3) * sources.observed.unsqueeze(-2)
    gain = cross @ inverse
    shift = (gain @ off.unsqueeze(-1)).squeeze(-1)
    # Moments about the model's mean, averaged with the sources' sizes.
    about = law.covariance.unsqueeze(-3) - gain @ cross.mT + gain @ second @ gain.mT
    share = sources.size / sources.size.sum(-1, keepdim=True)
    move = (share.unsqueeze(-1) * shift).sum(-2)
    covariance = (share[..., None, None] * about).sum(-3) - move.unsqueeze(-1) * move.unsqueeze(-2)
    return Gaussian(law.mean + move, covariance), likelihood(sources, root, inverse, second)


class Em(NamedTuple):
    """The result of EM.

    Attributes:
        model: the estimate.
        path: log-likelihood per trajectory before each iteration, one row per iteration.
        converged: whether the last increase was below the tolerance, per replicate.

    >>> from ddlib.dbn import draw_sources, random_networks, random_pattern, statistics
    >>> generator = torch.Generator().manual_seed(0)
    >>> graph, truth = random_networks(1, 3, generator)
    >>> sources = statistics(draw_sources(truth, random_pattern(1, 3, 4, 3, generator), 50, generator))
    >>> bool((em(graph, sources, 4, iterations=5).path.diff(dim=0) > 0).all())  # the likelihood rises
    True
    """

    model: Dbn
    path: Float[Tensor, "iterations R"]
    converged: Tensor


def independent_start(graph: Graph, sources: Statistics, slices: int) -> Dbn:
    """A network without edges whose means and variances are those of the measurements, noise removed: where EM begins.

    A variance is kept at a tenth of the measured one or above.

    >>> from ddlib.dbn import draw_sources, random_networks, random_pattern, statistics
    >>> generator = torch.Generator().manual_seed(0)
    >>> graph, truth = random_networks(1, 3, generator)
    >>> sources = statistics(draw_sources(truth, random_pattern(1, 3, 4, 3, generator), 50, generator))
    >>> independent_start(graph, sources, 4).inter.abs().max()
    tensor(0., dtype=torch.float64)
    """
    counts = sources.size.unsqueeze(-1) * sources.observed
    total = counts.sum(-2).clamp(min=1.0)
    mean = (counts * sources.mean).sum(-2) / total
    off = (sources.mean - mean.unsqueeze(-2)) * sources.observed
    measured = sources.covariance.diagonal(dim1=-2, dim2=-1) + off**2
    spread = (counts * measured).sum(-2) / total
    noise = (counts * sources.noise).sum(-2) / total
    variance = torch.maximum(spread - noise, 0.1 * spread).clamp(min=1e-6)
    law = Gaussian(mean, torch.diag_embed(variance))
    nothing = Graph(*(torch.zeros_like(mask) for mask in graph))
    return fit_moments(gaussian_moments(law, slices), regressors(nothing))


def em(
    graph: Graph,
    sources: Statistics,
    slices: int,
    tolerance: float = 1e-10,
    iterations: int = 5000,
    start: Dbn | None = None,
) -> Em:
    r"""Maximum observed-data likelihood of a known graph: expectation–maximisation (Dempster, Laird, Rubin 1977).

    The E-step is :func:`expected_trajectories`, the M-step :func:`ddlib.dbn.model.moments.fit_moments` on the expected moments. It
    stops when no replicate's log-likelihood per trajectory rises by more than ``tolerance``.

    Args:
        graph: the known graphs.
        sources: sufficient statistics of the sources.
        slices: the number of slices T.
        tolerance: in nats per trajectory.
        iterations: at most so many; 0 returns the start.
        start: where to begin; :func:`independent_start` when not given.

    Raises:
        ValueError: if a fit is singular.

    >>> from ddlib.dbn import draw_sources, mle, random_networks, statistics
    >>> generator = torch.Generator().manual_seed(0)
    >>> graph, truth = random_networks(1, 2, generator)
    >>> sources = draw_sources(truth, torch.ones(1, 1, 3, 2, dtype=torch.bool), 20, generator, noise=0.0)
    >>> found = em(graph, statistics(sources), 3)  # all is measured, without noise: plain maximum likelihood
    >>> torch.allclose(found.model.inter, mle(graph, sources.values[:, 0]).inter)
    True
    """
    parents = regressors(graph)
    model = independent_start(graph, sources, slices) if start is None else start
    total = sources.size.sum(-1)
    path: list[Tensor] = []
    converged = torch.zeros_like(total, dtype=torch.bool)
    for _ in range(iterations):
        law, likelihood = expected_trajectories(model, sources, slices)
        path.append(likelihood.sum(-1) / total)
        if len(path) > 1:
            converged = path[-1] - path[-2] < tolerance
            if bool(converged.all()):
                break
        model = fit_moments(gaussian_moments(law, slices), parents)
    return Em(model, torch.stack(path) if path else total.new_zeros(0, len(total)), converged)
