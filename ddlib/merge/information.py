r"""What the patients' records say about the merged estimate: identifiability, effective number of patients, standard errors.

Take coordinates u of the saturated network around the estimate in which a *complete, clean* patient has the identity as Fisher
information:

.. math::

    \mu_1 + L_1 a, \quad L_1 (I + \sqrt2\, B) L_1^\top, \qquad
    c + F x + \tfrac{1}{\sqrt{T-1}} L_Q\, G R^{-1} (1, x)^\top, \quad L_Q \bigl(I + \sqrt{\tfrac{2}{T-1}}\, B'\bigr) L_Q^\top,

with B, B' symmetric of orthonormal coordinates and :math:`RR^\top` the mean of :math:`(1, x_{t-1})(1, x_{t-1})^\top` over
:math:`t = 2 \ldots T`. The information J of an average patient *as measured* then has eigenvalues between 0 and 1: the share that
the measurements keep in each direction. The smallest is zero where the estimate is not identified. A patient whose records keep J
is worth :math:`\dim / \operatorname{tr} J^{-1}` complete clean ones: with N of them maximum likelihood has the same expected loss,
:math:`\operatorname{tr} J^{-1} / 2N` nats per patient. (:mod:`ddlib.dbn.likelihood.information` does the same for any graph, in its
own parameters and by automatic differentiation, which takes longer.)
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import NamedTuple

import torch
from jaxtyping import Float
from scipy.linalg.blas import dsyrk
from torch import Tensor

from ddlib.dbn.likelihood.information import IDENTIFIED
from ddlib.dbn.model.network import Dbn, Gaussian, joint, transition_map
from ddlib.merge.patterns import Group

MOST_PARAMETERS = 1600
"""Beyond so many, the dense matrix J takes longer than all the rest."""
MOST_PATTERNS = 64
"""Patterns that are sampled of a group of patients, at most."""
_EFFORT = 4e10
"""Multiplications that J may take, if that is more than one pattern per group."""


class Coordinates(NamedTuple):
    """A network in reduced form: how the law moves with u.

    Attributes:
        first_mean, first_root: mean and root of the covariance of the first visit.
        intercept, step, root: of the transition c + F x + L_Q e.
        regressor: the inverse of R.
    """

    first_mean: Float[Tensor, " p"]
    first_root: Float[Tensor, "p p"]
    intercept: Float[Tensor, " p"]
    step: Float[Tensor, "p p"]
    root: Float[Tensor, "p p"]
    regressor: Float[Tensor, "p+1 p+1"]


class Information(NamedTuple):
    """What the records allow.

    Attributes:
        parameters: the number of free parameters.
        kept: eigenvalues of J, ascending, from 0 (not identified) to 1 (as from complete clean records).
        vectors: its eigenvectors, as columns.
        patients: the number of patients N.
        patterns: how many patterns of measured entries it was computed from.
        changes: derivatives of the covariance of a trajectory with respect to each coordinate.
    """

    parameters: int
    kept: Float[Tensor, " d"]
    vectors: Float[Tensor, "d d"]
    patients: int
    patterns: int
    changes: Float[Tensor, "d D D"]

    @property
    def identified(self) -> bool:
        """Whether every direction is determined by the records."""
        return bool(self.kept[0] > IDENTIFIED)

    @property
    def effective(self) -> float:
        """The number of complete clean patients with the same expected loss; zero where the estimate is not identified."""
        return self.patients * self.parameters / float((1 / self.kept).sum()) if self.identified else 0.0

    def standard_error(self, gradient: Float[Tensor, " d"]) -> float:
        """The standard error of a quantity with this gradient in u; infinite where the records do not determine it."""
        along = (gradient @ self.vectors) ** 2
        lost = self.kept <= IDENTIFIED
        if bool((along[lost] > 1e-6 * along.sum()).any()):
            return float("inf")
        return float((along[~lost] / self.kept[~lost]).sum() / self.patients) ** 0.5


def coordinates(model: Dbn, visits: int) -> Coordinates:
    """The reduced form of one network (with a replicate axis of length one) for T visits."""
    identity = torch.eye(model.variance.shape[-1], dtype=model.variance.dtype)
    first = torch.linalg.inv(identity - model.first_weights[0])
    step, total = (part[0] for part in transition_map(model))
    law = joint(model, visits)
    variables = len(identity)
    means = law.mean[0].view(visits, variables)[:-1]
    blocks = law.covariance[0].view(visits, variables, visits, variables)
    second = sum((blocks[t, :, t] for t in range(visits - 1)), torch.zeros_like(identity)) / (visits - 1)
    ones = torch.cat([torch.ones_like(means[:, :1]), means], dim=-1)
    regressor = ones.mT @ ones / (visits - 1)
    regressor[1:, 1:] += second
    return Coordinates(
        (first @ model.first_intercept[0]),
        first * model.first_variance[0].sqrt(),
        total @ model.intercept[0],
        step,
        total * model.variance[0].sqrt(),
        torch.linalg.inv(torch.linalg.cholesky(regressor)),
    )


def law_at(at: Coordinates, u: Float[Tensor, " d"], visits: int) -> Gaussian:
    """The law of a trajectory at the coordinates u; the estimate's own at zero."""
    mean, root, moved, shock = _split(at, u.unsqueeze(0), visits)
    wide = len(at.first_mean)
    identity = torch.eye(wide, dtype=u.dtype)
    intercept, step = at.intercept + moved[0, :, 0], at.step + moved[0, :, 1:]
    innovation = at.root @ (identity + shock[0]) @ at.root.mT
    means = [at.first_mean + mean[0]]
    rows = [[at.first_root @ (identity + root[0]) @ at.first_root.mT]]
    for _ in range(1, visits):
        means.append(intercept + step @ means[-1])
        rows.append([*(step @ earlier for earlier in rows[-1]), step @ rows[-1][-1] @ step.mT + innovation])
    return Gaussian(torch.cat(means), _symmetric(rows))


def derivatives(at: Coordinates, visits: int) -> Gaussian:
    """Derivatives of :func:`law_at` at zero, one per coordinate: the same recursion, differentiated."""
    wide = len(at.first_mean)
    count = 2 * wide * (wide + 1) + wide
    mean, root, moved, shock = _split(at, torch.eye(count, dtype=at.first_mean.dtype), visits)
    d_intercept, d_step = moved[..., 0], moved[..., 1:]
    d_innovation = at.root @ shock @ at.root.mT
    base, innovation = [at.first_root @ at.first_root.mT], at.root @ at.root.mT
    level, d_means = at.first_mean, [mean]
    d_rows = [[at.first_root @ root @ at.first_root.mT]]
    for _ in range(1, visits):
        d_means.append(d_intercept + d_step @ level + d_means[-1] @ at.step.mT)
        level = at.intercept + at.step @ level
        turned = d_step @ (base[-1] @ at.step.mT)
        d_block = turned + turned.mT + at.step @ d_rows[-1][-1] @ at.step.mT + d_innovation
        d_rows.append([*(d_step @ old + at.step @ d_old for old, d_old in zip(base, d_rows[-1], strict=True)), d_block])
        base = [*(at.step @ old for old in base), at.step @ base[-1] @ at.step.mT + innovation]
    return Gaussian(torch.cat(d_means, dim=-1), _symmetric(d_rows))


def _split(at: Coordinates, u: Float[Tensor, "m d"], visits: int) -> tuple[Tensor, Tensor, Tensor, Tensor]:
    """Changes of the first mean, of the first covariance (as √2 B), of (c, F), and of the innovations (as B')."""
    wide = len(at.first_mean)
    half = wide * (wide + 1) // 2
    a, b, g, h = u.split([wide, half, wide * (wide + 1), half], dim=-1)
    share = (visits - 1) ** -0.5
    moved = share * at.root @ g.unflatten(-1, (wide, wide + 1)) @ at.regressor
    return a @ at.first_root.mT, _orthonormal(b, wide), moved, share * _orthonormal(h, wide)


def _orthonormal(entries: Float[Tensor, "m h"], variables: int) -> Float[Tensor, "m p p"]:
    """Symmetric matrices √2 B: their half squared Frobenius norm is the squared length of the entries."""
    i, j = torch.tril_indices(variables, variables)
    full = entries.new_zeros(len(entries), variables, variables)
    full[:, i, j] = entries * torch.where(i == j, entries.new_tensor(2.0).sqrt(), 1.0)
    return torch.where(torch.eye(variables, dtype=torch.bool), full, full + full.mT)


def _symmetric(rows: list[list[Tensor]]) -> Tensor:
    """The whole matrix from the blocks on and below its diagonal."""
    visits = len(rows)
    return torch.cat(
        [torch.cat([rows[t][s] if s <= t else rows[s][t].mT for s in range(visits)], dim=-1) for t in range(visits)], dim=-2
    )


def information(model: Dbn, groups: Sequence[Group], visits: int) -> Information | None:
    """Eigenvalues of J for one network and its patients; None for more than ``MOST_PARAMETERS`` parameters.

    Where patients have gaps, patterns are sampled: see :func:`sampled_patterns`.
    """
    at = coordinates(model, visits)
    variables = len(at.first_mean)
    parameters = 2 * variables * (variables + 1) + variables
    if parameters > MOST_PARAMETERS:
        return None
    law = law_at(at, at.first_mean.new_zeros(parameters), visits)
    means, changes = derivatives(at, visits)
    size = len(law.mean)
    affordable = int(_EFFORT / (parameters * (parameters + 4 * size) * size**2 / 2) / len(groups))
    room = min(max(1, affordable), MOST_PATTERNS)
    patients = sum(group.patients for group in groups)
    total = law.mean.new_zeros(parameters, parameters)
    count = 0
    for group in groups:
        patterns = sampled_patterns(group, room)
        count += len(patterns)
        for seen, number in patterns:
            total += number / patients * _inner(law, means, changes, seen, group.noise)
    kept, vectors = torch.linalg.eigh(total)
    return Information(parameters, kept.clamp(min=0), vectors, patients, count, changes)


def sampled_patterns(group: Group, room: int) -> list[tuple[Float[Tensor, " D"], float]]:
    """Patterns of measured entries of a group's patients, at most ``room``, and how many patients each stands for.

    They are those of patients evenly spread over the group as sorted by the number of their gaps.
    """
    patients = group.patients
    number = min(room, patients)
    ranks = ((torch.arange(number) + 0.5) * patients / number).long()
    share, complete = patients / number, int((ranks < group.size).sum())
    found = [(group.observed, share * complete)] if complete else []
    start = group.size
    for chunk in group.gaps:
        for rank in ranks[(ranks >= start) & (ranks < start + len(chunk.values))].tolist():
            gaps = chunk.place[rank - start][chunk.valid[rank - start]]
            found.append((group.observed.index_fill(0, gaps, 0.0), share))
        start += len(chunk.values)
    return found


def _inner(
    law: Gaussian,
    means: Float[Tensor, "d D"],
    changes: Float[Tensor, "d D D"],
    seen: Float[Tensor, " D"],
    noise: Float[Tensor, " D"],
) -> Float[Tensor, "d d"]:
    """Information of one patient of whom the entries ``seen`` are measured."""
    index = seen.nonzero().squeeze(-1)
    root = torch.linalg.cholesky(law.covariance[index][:, index] + torch.diag(noise[index]))
    inverse = torch.zeros(len(index), len(seen), dtype=root.dtype).index_copy(1, index, torch.linalg.inv(root))
    i, j = torch.tril_indices(len(index), len(index))
    weight = torch.where(i == j, torch.tensor(0.5, dtype=root.dtype).sqrt(), 1.0)
    white = torch.empty(len(means), len(index) + len(i), dtype=root.dtype)
    white[:, : len(index)] = means @ inverse.mT
    for start in range(0, len(means), 128):  # only so many at a time, for memory's sake
        part = inverse @ changes[start : start + 128] @ inverse.mT
        white[start : start + 128, len(index) :] = part.flatten(1)[:, i * len(index) + j] * weight
    lower = torch.from_numpy(dsyrk(1.0, white.numpy().T, trans=1, lower=1))  # half the work of white @ white.mT
    return lower.tril() + lower.tril(-1).mT
