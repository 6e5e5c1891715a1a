r"""The merged estimate: maximum observed-data likelihood of the saturated linear-Gaussian DBN, by accelerated EM.

Saturated: within a slice every variable depends on all before it in some order, which is every covariance, and on all variables of
the slice before,

.. math:: x_1 \sim N(\mu_1, \Sigma_1), \qquad x_t \mid x_{t-1} \sim N(c + F x_{t-1}, Q), \quad t = 2 \ldots T,

with the same transition at all visits. So the order means nothing, and no structure is assumed but that the next visit depends on
the past through the present one. In units in which every column has variance one, the M-step adds λ to the variances of the
expected moments (first slice, and slice pairs), which maximises the penalised likelihood

.. math:: \sum_i \log p(y_i) - \tfrac{N\lambda}{2}\bigl[\operatorname{tr}\Sigma_1^{-1}
    + (T-1) \operatorname{tr} Q^{-1}(I + FF^\top)\bigr] :

a prior as heavy as Nλ patients whose columns vary independently, each by its own standard deviation. By default Nλ = 2. Its bias
vanishes as 2 / N, below the sampling error. Where records are incomplete or noisy and columns many, plain maximum likelihood
(Nλ = 0) is drawn to estimates with an almost singular Q, from which this keeps it. λ is never below
10⁻⁶, so that collinear columns leave a maximum.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import NamedTuple

import torch
from jaxtyping import Float
from torch import Tensor

from ddlib.dbn.estimators.accelerated import accelerate, network_chart
from ddlib.dbn.model.moments import Moments, fit_moments, gaussian_moments, regressors
from ddlib.dbn.model.network import Dbn, Gaussian, Graph
from ddlib.merge.expectation import expect
from ddlib.merge.patterns import Group

PRIOR = 2.0
"""Weight of the prior in patients, Nλ."""
LEAST_RIDGE = 1e-6
"""The smallest λ."""


class Fit(NamedTuple):
    """A merged estimate.

    Attributes:
        model: the network, with a replicate axis of length one.
        likelihood: log-likelihood of each group in nats.
        path: what is maximised, per patient, before each cycle of EM steps.
        converged: whether the last cycle gained less than the tolerance.
    """

    model: Dbn
    likelihood: Float[Tensor, " G"]
    path: Float[Tensor, " cycles"]
    converged: bool


def saturated(variables: int) -> Graph:
    """The graph with every edge: each variable depends on those before it, and on all of the slice before."""
    everything = torch.ones(1, variables, variables, dtype=torch.bool)
    return Graph(everything.tril(-1), everything.tril(-1), everything)


def _jitter(moments: Moments, ridge: float) -> Moments:
    """Moments with ``ridge`` added to every variance."""
    first, pair = (torch.eye(len(c[0]), dtype=c.dtype) for c in (moments.first_covariance, moments.pair_covariance))
    return moments._replace(
        first_covariance=moments.first_covariance + ridge * first, pair_covariance=moments.pair_covariance + ridge * pair
    )


def penalty(model: Dbn, slices: int, ridge: float) -> Float[Tensor, " R"]:
    """What the objective takes off the log-likelihood per patient."""
    identity = torch.eye(model.variance.shape[-1], dtype=model.variance.dtype)
    first = ((identity - model.first_weights) ** 2).sum(-1) / model.first_variance
    later = (((identity - model.intra) ** 2).sum(-1) + (model.inter**2).sum(-1)) / model.variance
    return 0.5 * ridge * (first.sum(-1) + (slices - 1) * later.sum(-1))


def independent_start(groups: list[Group], slices: int, ridge: float) -> Dbn:
    """A network without edges whose means and variances are those of the measurements, noise removed.

    A variance is kept at a tenth of the measured one or above.
    """
    count = total = square = error = torch.zeros_like(groups[0].mean)
    for group in groups:
        count = count + group.size * group.observed
        total = total + group.size * group.mean
        square = square + group.size * (group.covariance.diagonal() + group.mean**2)
        seen = group.size * group.observed
        for chunk in group.gaps:
            measured = len(chunk.values) * group.observed - torch.bincount(chunk.place[chunk.valid], minlength=len(count))
            seen, total, square = seen + measured, total + chunk.values.sum(0), square + (chunk.values**2).sum(0)
            count = count + measured
        error = error + seen * group.noise
    shaped = [part.view(slices, -1) for part in (count, total, square, error)]
    mean, variance = _moments(*(part.sum(0) for part in shaped))
    law = Gaussian(mean.repeat(slices).unsqueeze(0), torch.diag(variance.repeat(slices)).unsqueeze(0))
    nothing = Graph(*(torch.zeros_like(mask) for mask in saturated(len(mean))))
    return fit_moments(_jitter(gaussian_moments(law, slices), ridge), regressors(nothing))


def _moments(count: Tensor, total: Tensor, square: Tensor, error: Tensor) -> tuple[Tensor, Tensor]:
    mean = total / count
    spread = square / count - mean**2
    return mean, torch.maximum(spread - error / count, 0.1 * spread).clamp(min=1e-6)


def fit(
    groups: list[Group],
    slices: int,
    tolerance: float = 1e-3,
    cycles: int = 400,
    ridge: float = LEAST_RIDGE,
    watch: Callable[[int, float], None] | None = None,
    start: Dbn | None = None,
) -> Fit:
    """Fit the saturated network to patients with any pattern of missing entries.

    Args:
        groups: the patients.
        slices: the number of slices T.
        tolerance: it stops when a cycle of three EM steps gains less, in nats of log-likelihood over all patients. What matters
            statistically are differences of about one.
        cycles: at most so many.
        ridge: λ.
        watch: called with the cycle and the objective per patient.
        start: where to begin; a network without edges when not given.

    Raises:
        ValueError: if a fit is singular, which takes ``ridge`` = 0.
    """
    begin = independent_start(groups, slices, ridge) if start is None else start
    variables = begin.variance.shape[-1]
    parents = regressors(saturated(variables))
    patients = sum(group.patients for group in groups)
    seen = 0

    def step(model: Dbn) -> tuple[Dbn, Tensor]:
        nonlocal seen
        law, likelihood = expect(model, groups, slices)
        objective = likelihood.sum() / patients - penalty(model, slices, ridge)
        if watch is not None:
            watch(seen // 3, float(objective))
        seen += 1
        return fit_moments(_jitter(gaussian_moments(law, slices), ridge), parents), objective

    model, path, converged = accelerate(step, begin, network_chart(variables), tolerance / patients, cycles)
    return Fit(model, expect(model, groups, slices)[1], path.flatten(), bool(converged.all()) and converged.numel() > 0)
