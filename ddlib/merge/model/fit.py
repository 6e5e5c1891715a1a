r"""The maximum of the penalised observed-data likelihood, by L-BFGS in coordinates around an anchor.

The coordinates (:func:`ddlib.merge.model.law.moved`) are those in which complete patients have about the identity as information,
so that the quasi-Newton method begins with a good metric; the anchor is moved to the best point once in a while. Effects of visits
and hospitals are normal with given variances, which add
:math:`-\tfrac12 \sum v_{jt}^2 / \kappa^2 - \tfrac12 \sum h_{kj}^2 / \omega^2` to the log-likelihood.

The intervals of a column with two values say nothing of its scale. Its variance is one at each visit by convention, as in probit
regression: :math:`\tfrac{w}{2} (\sigma^2 - 1 - \log \sigma^2)` per patient and visit is added to what is minimised.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import NamedTuple

import numpy as np
import torch
from jaxtyping import Float
from scipy.optimize import minimize
from torch import Tensor

from ddlib.merge.model.law import Parameters, Shape, law, means, moved, size, start
from ddlib.merge.model.likelihood import log_likelihood
from ddlib.merge.model.patterns import Group
from ddlib.merge.model.prior import Scale, penalty
from ddlib.merge.model.truncated import truncated

__all__ = ["PRIOR", "Fit", "Variances", "fit", "independent_start"]

PRIOR = 2.0
"""Weight of the prior in patients, Nλ."""
_LEAST_RIDGE = 1e-6
"""The smallest λ."""
UNIT_WEIGHT = 0.1
"""w, the weight of the convention about columns with two values, in patients per patient."""
_STRETCH = 40
"""Iterations before the anchor is moved."""
_PATIENCE = 5
"""Iterations over which the gain has to fall below the tolerance."""
_WORST = 1e10
"""The objective where a law is singular."""


class Variances(NamedTuple):
    """Variances of the effects, in units in which every column has variance one; without effects where zero.

    Attributes:
        visits: κ².
        hospitals: ω².

    >>> Variances(visits=0.1)
    Variances(visits=0.1, hospitals=0.0)
    """

    visits: float = 0.0
    hospitals: float = 0.0


_NO_EFFECTS = Variances()
"""Neither visits nor hospitals differ."""


class Fit(NamedTuple):
    """A merged estimate.

    Attributes:
        at: its parameters, in units in which every column has variance one.
        shape: of the model.
        variances: of the effects.
        ridge: λ.
        likelihood: log-likelihood of each group in nats.
        path: the objective in nats, before each iteration.
        converged: whether the last iterations gained less than the tolerance.
        unit: entries whose variance is one by convention.

    >>> shape = Shape(variables=1, fixed=0, steps=(), sources=1)
    >>> at = start(torch.zeros(1), torch.ones(1), shape)
    >>> found = Fit(at, shape, Variances(), 1e-6, torch.tensor([-3.6]), [3.7, 3.6], converged=True)
    >>> found.at.first, found.path[-1]
    (tensor([0.]), 3.6)
    """

    at: Parameters
    shape: Shape
    variances: Variances
    ridge: float
    likelihood: Float[Tensor, " G"]
    path: list[float]
    converged: bool
    unit: tuple[int, ...] = ()

    def patient(self) -> tuple[Float[Tensor, "K D"], Float[Tensor, "D D"]]:
        """The means of a complete patient of each hospital, and the covariance."""
        with torch.no_grad():
            return means(self.at, self.shape), law(self.at, self.shape)


class _Enough(Exception):
    """Raised by the callback when the gain is small."""


def independent_start(groups: Sequence[Group], shape: Shape) -> Parameters:
    """Parameters whose means and variances are those of the measurements, noise removed; no variance below a tenth of that.

    A value that is only known to lie in an interval counts with its moments under the standard normal law.

    >>> from ddlib.merge.model.patterns import group_patients
    >>> rows, exact = torch.tensor([[1.0], [2.0], [3.0]]).double(), torch.zeros(1).double()
    >>> groups = group_patients(rows, exact, torch.tensor([0]), source=0)
    >>> at = independent_start(groups, Shape(variables=1, fixed=0, steps=(), sources=1))
    >>> round(float(at.first), 3), round(float(at.first_root**2), 3)
    (2.0, 0.667)
    """
    count = torch.zeros(shape.entries, dtype=groups[0].mean.dtype)
    total, square, error = count.clone(), count.clone(), count.clone()
    for group in groups:
        seen = torch.full_like(group.mean, float(group.size))
        first, second = group.size * group.mean, group.size * (group.covariance.diagonal() + group.mean**2)
        for chunk in group.gaps:
            seen = seen + len(chunk.values) - torch.bincount(chunk.place[chunk.valid], minlength=len(seen))
            first, second = first + chunk.values.sum(0), second + (chunk.values**2).sum(0)
            place = chunk.place[:, : chunk.lower.shape[1]]
            place, lower, upper = (part[chunk.bounded] for part in (place, chunk.lower, chunk.upper))
            seen = seen + torch.bincount(place, minlength=len(seen))
            cut = truncated(torch.zeros_like(lower), torch.ones_like(lower), lower, upper)
            first, second = first.index_add(0, place, cut.mean), second.index_add(0, place, cut.mean.square() + cut.variance)
        for sums, part in ((count, seen), (total, first), (square, second), (error, seen * group.noise)):
            sums.index_add_(0, group.entries, part)
    p, moving = shape.variables, shape.number * shape.variables
    pooled = [torch.cat([sums[:moving].view(-1, p).sum(0), sums[moving:]]) for sums in (count, total, square, error)]
    n, mean = pooled[0].clamp(min=1), pooled[1] / pooled[0].clamp(min=1)
    spread = pooled[2] / n - mean**2
    variance = torch.maximum(spread - pooled[3] / n, 0.1 * spread).clamp(min=1e-6)
    entries = torch.cat([torch.arange(p).repeat(shape.number), torch.arange(p, p + shape.fixed)])
    return start(mean[entries], variance[entries], shape)


def fit(
    groups: Sequence[Group],
    shape: Shape,
    ridge: float = _LEAST_RIDGE,
    variances: Variances = _NO_EFFECTS,
    begin: Parameters | None = None,
    tolerance: float = 1e-2,
    iterations: int = 1000,
    watch: Callable[[int, float], None] | None = None,
    unit: Sequence[int] = (),
    scale: Scale | None = None,
) -> Fit:
    """Fit the model to patients with any pattern of missing entries.

    Args:
        groups: the patients.
        shape: of the model; whether it has effects is decided by their variances.
        ridge: λ.
        variances: of the effects of visits and hospitals.
        begin: where to begin; :func:`independent_start` when not given.
        tolerance: it stops when five iterations gain less, in nats of log-likelihood over all patients. What matters statistically
            are differences of about one.
        iterations: at most so many.
        watch: called with the iteration and the objective per patient.
        unit: entries whose variance is one by convention.
        scale: of the prior; one when not given.

    Raises:
        ValueError: if the measurements have no density where the search begins.

    >>> from ddlib.merge.model.patterns import group_patients
    >>> rows, exact = torch.tensor([[1.0], [2.0], [3.0]]).double(), torch.zeros(1).double()
    >>> groups = group_patients(rows, exact, torch.tensor([0]), source=0)
    >>> found = fit(groups, Shape(variables=1, fixed=0, steps=(), sources=1))
    >>> round(float(found.at.first), 3), round(float(law(found.at, found.shape)), 3)
    (2.0, 0.667)
    """
    shape = shape._replace(visits=variances.visits > 0 and shape.number > 1, hospitals=variances.hospitals > 0)
    anchor = independent_start(groups, shape) if begin is None else _without(begin, shape)
    patients = sum(group.patients for group in groups)
    path: list[float] = []
    found = _Objective(groups, shape, ridge, variances, patients, list(unit), scale)
    while len(path) < iterations:
        anchor, values, enough = _stretch(found, anchor, min(_STRETCH, iterations - len(path)), tolerance, watch, len(path))
        path += values
        if enough:
            break
    with torch.no_grad():
        likelihood = log_likelihood(means(anchor, shape), law(anchor, shape), groups)
    return Fit(anchor, shape, variances, ridge, likelihood, path, enough, tuple(unit))


def _without(at: Parameters, shape: Shape) -> Parameters:
    """The parameters with what the shape does not have set to zero, and levels begun where they are new."""
    q = shape.fixed
    level = at.level.clone()
    if not shape.level:
        level[q:, q:] = 0
    elif not bool(level[q:, q:].any()):
        level[q:, q:] = torch.diag(at.first_root.diagonal()) * 0.5
    visits = at.visits if shape.visits else torch.zeros_like(at.visits)
    hospitals = at.hospitals if shape.hospitals else torch.zeros_like(at.hospitals)
    return at._replace(level=level, visits=visits, hospitals=hospitals)


class _Objective(NamedTuple):
    """What is minimised, per patient."""

    groups: Sequence[Group]
    shape: Shape
    ridge: float
    variances: Variances
    patients: int
    unit: list[int]
    scale: Scale | None

    def __call__(self, at: Parameters) -> Tensor:
        covariance = law(at, self.shape)
        likelihood = log_likelihood(means(at, self.shape), covariance, self.groups).sum()
        scale = covariance.diagonal()[self.unit]
        prior = 0.5 * UNIT_WEIGHT * self.patients * (scale - 1 - scale.log()).sum()
        if self.shape.visits:
            prior = prior + 0.5 * at.visits.square().sum() / self.variances.visits
        if self.shape.hospitals:
            prior = prior + 0.5 * at.hospitals.square().sum() / self.variances.hospitals
        return (prior - likelihood) / self.patients + penalty(at, self.shape, self.ridge, self.scale)


def _stretch(
    objective: _Objective,
    anchor: Parameters,
    iterations: int,
    tolerance: float,
    watch: Callable[[int, float], None] | None,
    done: int,
) -> tuple[Parameters, list[float], bool]:
    """Some iterations around an anchor: the best parameters, the objective in nats after each, whether it is enough."""
    values: list[float] = []
    best: tuple[float, np.ndarray] = np.inf, np.zeros(size(objective.shape))

    def evaluate(u: np.ndarray) -> tuple[float, np.ndarray]:
        nonlocal best
        point = torch.from_numpy(u).requires_grad_()
        try:
            value = objective(moved(anchor, point, objective.shape))
        except (ValueError, torch.linalg.LinAlgError):
            return _WORST, np.zeros_like(u)
        if not bool(torch.isfinite(value)):
            return _WORST, np.zeros_like(u)
        (gradient,) = torch.autograd.grad(value, point)
        reached = float(value.detach())
        if reached < best[0]:
            best = reached, u.copy()
        return reached, gradient.numpy()

    def callback(_: np.ndarray) -> None:
        values.append(best[0] * objective.patients)
        if watch is not None:
            watch(done + len(values), best[0])
        if len(values) > _PATIENCE and values[-1 - _PATIENCE] - values[-1] < tolerance:
            raise _Enough

    begin = np.zeros(size(objective.shape))
    if not np.isfinite(evaluate(begin)[0]) or best[0] >= _WORST:
        raise ValueError("the law of the measurements is singular where the search begins")
    enough = False
    try:
        options = {"maxiter": iterations, "maxcor": 30, "ftol": 0, "gtol": 0}
        ended = minimize(evaluate, begin, jac=True, method="L-BFGS-B", callback=callback, options=options)
        enough = ended.status != 1  # the line search finds nothing better
    except _Enough:
        enough = True
    with torch.no_grad():
        return moved(anchor, torch.from_numpy(best[1]), objective.shape), values, enough
