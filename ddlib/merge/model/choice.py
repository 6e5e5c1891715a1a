"""What the model contains: decided by the records, not by taste.

Effects of visits and of hospitals are on where their variances, by restricted maximum likelihood, are above zero. Whether patients
have levels is decided by patients who were held out: the model with levels is taken where it gives them a likelihood that is higher
by a nat.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import NamedTuple

import torch
from jaxtyping import Bool, Float, Int
from torch import Tensor

from ddlib.merge.model.effects import evidence, variances
from ddlib.merge.model.fit import Fit, Variances, fit
from ddlib.merge.model.law import Shape
from ddlib.merge.model.likelihood import log_likelihood
from ddlib.merge.model.patterns import Group, group_patients
from ddlib.merge.model.prior import Scale
from ddlib.merge.model.scores import scores
from ddlib.merge.model.truncated import truncated
from ddlib.merge.model.unscored import Unscored, unscored

__all__ = ["ChosenModel", "Rows", "choose", "groups_of"]

_LOOSE = Variances(0.25, 0.25)
"""Variances of the effects in the fits that only serve to choose."""
_ROUGH = 20.0
"""Tolerance of the fits that only serve to choose, in that of the last one."""
_FOLDS = 3
"""Parts of the patients; each is held out once where the table is small, one of them where it is large."""
_MANY = 30_000
"""Cells from which one part is enough."""
_WORTH = 1.0
"""Nats of log-likelihood of the patients who were held out that levels have to gain."""
_MOST_WORK = 6e4
"""Squared numbers of intervals, over all patients, above which they are scores; a fit takes half a minute there."""
_FEWEST = 12
"""Patients below which nothing is held out, and there are no levels."""


class Rows(NamedTuple):
    """The patients of all hospitals, in units in which every column has variance one.

    Attributes:
        values: of each hospital's patients, not-a-number where there is no number.
        noise: variance of the measurement noise of each hospital's entries.
        visit: the number of each entry's visit; −1 for static columns.
        limits: of each hospital's patients, the lower and upper ones of cells that are known to lie in an interval; infinite where
            a cell is missing, of no account where it has a number. None if there are no such cells.
        cuts: the thresholds of each entry that is a category, none for others; may be left out where there are no limits.

    >>> values = torch.tensor([[0.0, 1.0], [1.0, torch.nan], [2.0, 1.5]]).double()
    >>> rows = Rows([values], noise=torch.zeros(1, 2).double(), visit=torch.arange(2))
    >>> rows.patients
    3
    """

    values: list[Float[Tensor, "n D"]]
    noise: Float[Tensor, "K D"]
    visit: Int[Tensor, " D"]
    limits: list[tuple[Float[Tensor, "n D"], Float[Tensor, "n D"]]] | None = None
    cuts: tuple[tuple[float, ...], ...] = ()

    @property
    def unit(self) -> tuple[int, ...]:
        """The entries whose intervals leave their variance open: those with one threshold."""
        return () if self.limits is None else tuple(place for place, own in enumerate(self.cuts) if len(own) == 1)

    @property
    def patients(self) -> int:
        """The number of patients N."""
        return sum(map(len, self.values))


class ChosenModel(NamedTuple):
    """The model that was chosen, fitted, and why.

    Attributes:
        fit: to all patients.
        groups: these.
        latent: where categories were taken for scores, because there are too many of them, the way back to latent values.
        held_out: nats of log-likelihood that levels gain for patients who were held out; not-a-number where that was not tried.

    >>> values = torch.tensor([[0.0, 1.0], [1.0, torch.nan], [2.0, 1.5]]).double()
    >>> rows = Rows([values], noise=torch.zeros(1, 2).double(), visit=torch.arange(2))
    >>> chosen = choose(rows, Shape(variables=1, fixed=0, steps=(1,), sources=1), 2.0, 0.01, 100, lambda text, share: None)
    >>> chosen.held_out  # there are too few patients to hold some out
    nan
    """

    fit: Fit
    groups: list[Group]
    latent: Unscored | None
    held_out: float

    def law(
        self, centre: Float[Tensor, "K D"], covariance: Float[Tensor, "D D"]
    ) -> tuple[Float[Tensor, "K D"], Float[Tensor, "D D"]]:
        """A law of the fit, its scores exchanged for latent values."""
        return (centre, covariance) if self.latent is None else (self.latent.means(centre), self.latent.covariance(covariance))


def groups_of(rows: Rows, keep: Sequence[Tensor] | None = None) -> list[Group]:
    """The patients in groups; only those that are to be kept, if that is given for each hospital.

    >>> values = torch.tensor([[0.0, 1.0], [1.0, torch.nan], [2.0, 1.5]]).double()
    >>> rows = Rows([values], noise=torch.zeros(1, 2).double(), visit=torch.arange(2))
    >>> [group.patients for group in groups_of(rows)]
    [3]
    >>> [group.patients for group in groups_of(rows, [torch.tensor([True, False, True])])]
    [2]
    """
    found = []
    for k, values in enumerate(rows.values):
        which = slice(None) if keep is None else keep[k]
        limits = None if rows.limits is None else (rows.limits[k][0][which], rows.limits[k][1][which])
        if len(values[which]):
            found += group_patients(values[which], rows.noise[k], rows.visit, k, limits)
    return found


def choose(
    rows: Rows, shape: Shape, prior: float, tolerance: float, iterations: int, say: Callable[[str, float], None]
) -> ChosenModel:
    """Choose the model's parts and fit it.

    Args:
        rows: the patients.
        shape: sizes of the model.
        prior: weight of the prior in patients.
        tolerance, iterations: of each fit.
        say: called with what is being done, and the share of the work that is done.

    Raises:
        ValueError: if the measurements have no density where the search begins.

    >>> values = torch.tensor([[0.0, 1.0], [1.0, torch.nan], [2.0, 1.5]]).double()
    >>> rows = Rows([values], noise=torch.zeros(1, 2).double(), visit=torch.arange(2))
    >>> chosen = choose(rows, Shape(variables=1, fixed=0, steps=(1,), sources=1), 2.0, 0.01, 100, lambda text, share: None)
    >>> chosen.fit.shape.visits, chosen.fit.shape.level
    (False, False)
    """
    points = _as_points(rows)
    scored = _work(rows) > _MOST_WORK
    rows = points if scored else rows
    groups, plain, scale = groups_of(rows), groups_of(points), _scale(points, rows, shape)

    def fitted(
        what: str,
        share: float,
        level: bool,
        sizes: Variances,
        part: list[Group],
        begin: Fit | None = None,
        rough: float = 1.0,
    ) -> Fit:
        def watch(step: int, objective: float) -> None:
            say(f"{what}: step {step}, {objective:.3f} nats per patient", share)

        patients = sum(group.patients for group in part)
        where = None if begin is None or (begin.shape.level and not level) else begin.at  # what levels held must be found anew
        accuracy = rough * tolerance
        here = shape._replace(level=level)
        return fit(part, here, prior / patients, sizes, where, accuracy, iterations, watch, rows.unit, scale)

    possible = shape.number > 2 and rows.patients >= _FEWEST
    first = fitted("fitting", 0.05, possible, _LOOSE, plain, rough=_ROUGH)
    sizes = variances(evidence(first, plain))
    gain = float("nan")
    if possible:
        gain = _held_out(
            points, lambda level, part: fitted("choosing by held-out patients", 0.3, level, sizes, part, first, _ROUGH)
        )
    level = possible and gain > _WORTH
    chosen = fitted("fitting what was chosen", 0.5, level, sizes, groups, first, _ROUGH)
    final = fitted("fitting what was chosen", 0.55, level, variances(evidence(chosen, groups)), groups, chosen)
    latent = unscored(final.patient()[0].mean(0), rows.cuts) if scored else None
    return ChosenModel(final, groups, latent, gain)


def _scale(points: Rows, rows: Rows, shape: Shape) -> Scale:
    """How much columns vary within a visit of a hospital, and from one visit to the next."""
    p, visits = shape.variables, shape.number
    about, steps = [], []
    for values, noise in zip(points.values, points.noise, strict=True):
        moving = values[:, : p * visits].view(-1, visits, p)
        centred = moving - moving.nanmean(0)
        square = centred.square() - noise[: p * visits].view(visits, p)
        about.append(torch.where(moving.isnan().logical_not().sum(0) > 1, square, torch.nan).flatten(0, 1))
        steps.append(centred.diff(dim=1).square().flatten(0, 1))
    plain = torch.cat(about).nanmean(0).nan_to_num(1.0).clamp(1e-3, 1.0)
    error = _error(rows, shape)
    if visits == 1:
        return Scale(plain, plain, error)
    pace = torch.cat(steps).nanmean(0).nan_to_num(1.0).clamp(min=1e-6)
    return Scale(plain, torch.minimum(pace, plain), error)


def _error(rows: Rows, shape: Shape) -> Float[Tensor, " p"]:
    """The error variances with which columns are known of which there are intervals only, on average over the cells."""
    p = shape.variables
    error = torch.zeros(p, dtype=rows.values[0].dtype)
    if rows.limits is None:
        return error
    lower, upper = (torch.cat(ends)[:, : p * shape.number].reshape(-1, p) for ends in zip(*rows.limits, strict=True))
    for j, (low, high) in enumerate(zip(lower.T, upper.T, strict=True)):
        known = low.isfinite() | high.isfinite()
        if bool(known.any()) and bool((low < high)[known].all()):
            ends, count = torch.unique(torch.stack([low[known], high[known]], dim=-1), dim=0, return_counts=True)
            variance = truncated(torch.zeros_like(ends[:, 0]), torch.ones_like(ends[:, 0]), *ends.T).variance
            error[j] = count.sum() / (count * (1 / variance - 1)).sum()
    return error


def _within(rows: Rows, hospital: int) -> Bool[Tensor, "n D"]:
    """Which cells of a hospital's patients are known to lie in an interval."""
    if rows.limits is None:
        return torch.zeros_like(rows.values[hospital], dtype=torch.bool)
    lower, upper = rows.limits[hospital]
    return (lower < upper) & (lower.isfinite() | upper.isfinite())


def _work(rows: Rows) -> float:
    """What intervals cost: for each patient, the square of their number."""
    return sum(float(_within(rows, k).sum(1).double().square().sum()) for k in range(len(rows.values)))


def _as_points(rows: Rows) -> Rows:
    """The patients with scores in the place of intervals."""
    if rows.limits is None:
        return rows
    within = torch.cat([_within(rows, k) for k in range(len(rows.values))])
    lower, upper = (torch.cat(ends) for ends in zip(*rows.limits, strict=True))
    values = torch.where(within, scores(lower, upper, within, rows.cuts), torch.cat(rows.values))
    return rows._replace(values=list(values.split([len(part) for part in rows.values])), limits=None)


def _held_out(rows: Rows, fitted: Callable[[bool, list[Group]], Fit]) -> float:
    """What levels gain in log-likelihood for the patients who were held out."""
    generator = torch.Generator().manual_seed(0)
    part = [torch.randperm(len(values), generator=generator) % _FOLDS for values in rows.values]
    gain = 0.0
    for fold in range(_FOLDS if rows.patients * len(rows.visit) < _MANY else 1):
        kept, out = (groups_of(rows, [belongs != fold for belongs in part]), groups_of(rows, [belongs == fold for belongs in part]))
        with_levels, without = (_score(fitted(level, kept), out) for level in (True, False))
        gain += with_levels - without
    return gain


def _score(found: Fit, groups: list[Group]) -> float:
    return float(log_likelihood(*found.patient(), groups).sum())
