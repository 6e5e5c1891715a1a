r"""The law of a trajectory: visits, hospitals, levels and a Markov part.

In units in which every column has variance one, the value of column j of patient i of hospital k at visit t, and the patient's
value of a static column s, are

.. math::

    x_{ijt} = e_{ijt} + v_{jt} + h_{kj} + \ell_{ij}, \qquad s_{i} = \nu + h_{k} + \ell^s_{i} .

- *e* is the Markov part: :math:`e_1 \sim N(m, P)`, and from one visit to the next, :math:`g_t` steps later,
  :math:`e \leftarrow c + F e + u`, :math:`u \sim N(0, Q)`, as many times as there are steps: its memory decays with the gap.
- *v* and *h* are the effects of visits and of hospitals: what a visit's mean differs by from the Markov part's, and a hospital
  from all. They are normal with mean zero and variances that the records decide (:mod:`ddlib.merge.model.effects`).
- :math:`(\ell^s, \ell) \sim N(0, G G^\top)` is what stays with a patient: the static columns, and a level of each other column.
  G is lower triangular, static columns first; without levels its last block is zero, and static columns still move the others.

The covariance is that of the Markov part, plus the level's for every pair of visits. Entries are the visits one after the other,
each with its p columns, and then the q static columns: D = T·p + q.
"""

from __future__ import annotations

import math
import statistics
from typing import NamedTuple

import torch
from jaxtyping import Float
from torch import Tensor

__all__ = ["Parameters", "Shape", "law", "means", "moved", "size", "start"]


class Shape(NamedTuple):
    """The sizes of a model, and which parts it has.

    Attributes:
        variables: the number of columns that change, p.
        fixed: the number of static columns, q.
        steps: base steps between successive visits; T − 1 of them.
        sources: the number of hospitals K.
        level: whether patients have levels.
        visits, hospitals: whether visits and hospitals have effects.

    >>> shape = Shape(variables=2, fixed=1, steps=(1, 2), sources=3)
    >>> shape.number, shape.entries
    (3, 7)
    """

    variables: int
    fixed: int
    steps: tuple[int, ...]
    sources: int
    level: bool = False
    visits: bool = False
    hospitals: bool = False

    @property
    def number(self) -> int:
        """The number of visits T."""
        return len(self.steps) + 1

    @property
    def entries(self) -> int:
        """The number of entries of a complete patient, D."""
        return self.number * self.variables + self.fixed


class Parameters(NamedTuple):
    """The parameters of a law.

    Attributes:
        first: mean of the Markov part's first visit, m.
        first_root: lower-triangular root of its covariance P.
        intercept, step: of one step, c and F.
        root: lower-triangular root of Q.
        level: G.
        fixed: means of the static columns, ν.
        visits: effects of visits.
        hospitals: effects of hospitals, static columns last.

    >>> shape = Shape(variables=2, fixed=1, steps=(1,), sources=3)
    >>> at = start(torch.zeros(5), torch.ones(5), shape)
    >>> at.step.shape, at.level.shape, at.visits.shape, at.hospitals.shape
    (torch.Size([2, 2]), torch.Size([3, 3]), torch.Size([2, 2]), torch.Size([3, 3]))
    """

    first: Float[Tensor, " p"]
    first_root: Float[Tensor, "p p"]
    intercept: Float[Tensor, " p"]
    step: Float[Tensor, "p p"]
    root: Float[Tensor, "p p"]
    level: Float[Tensor, "q+p q+p"]
    fixed: Float[Tensor, " q"]
    visits: Float[Tensor, "T p"]
    hospitals: Float[Tensor, "K p+q"]


def _power(at: Parameters, steps: int) -> tuple[Tensor, Tensor, Tensor]:
    """The transition over several steps: c, F and Q of all of them together, by doubling."""
    covariance = at.root @ at.root.mT
    one = at.intercept, at.step, covariance
    if steps == 1:
        return one
    half = _power(at, steps // 2)
    both = _then(half, half)
    return _then(both, one) if steps % 2 else both


def _then(first: tuple[Tensor, Tensor, Tensor], second: tuple[Tensor, Tensor, Tensor]) -> tuple[Tensor, Tensor, Tensor]:
    c, f, q = second
    return c + f @ first[0], f @ first[1], f @ first[2] @ f.mT + q


def means(at: Parameters, shape: Shape) -> Float[Tensor, "K D"]:
    """The means of a complete patient of each hospital; without the effects of hospitals these are the same.

    >>> shape = Shape(variables=1, fixed=0, steps=(1, 2), sources=1)
    >>> at = start(torch.ones(3), torch.ones(3), shape)  # F is 0.3
    >>> means(at._replace(intercept=torch.zeros(1)), shape)
    tensor([[1.0000, 0.3000, 0.0270]])
    """
    transitions = {steps: _power(at, steps) for steps in set(shape.steps)}
    path = [at.first]
    for steps in shape.steps:
        intercept, step, _ = transitions[steps]
        path.append(intercept + step @ path[-1])
    common = (torch.stack(path) + at.visits).flatten()
    moving, fixed = at.hospitals.split([shape.variables, shape.fixed], dim=-1)
    return torch.cat([common + moving.repeat(1, shape.number), at.fixed + fixed], dim=-1)


def law(at: Parameters, shape: Shape) -> Float[Tensor, "D D"]:
    """The covariance of a complete patient.

    >>> shape = Shape(variables=1, fixed=0, steps=(1, 2), sources=1)
    >>> law(start(torch.zeros(3), torch.ones(3), shape), shape)
    tensor([[1.0000, 0.3000, 0.0270],
            [0.3000, 1.0000, 0.0900],
            [0.0270, 0.0900, 1.0000]])
    """
    transitions = {steps: _power(at, steps) for steps in set(shape.steps)}
    block = at.first_root @ at.first_root.mT
    rows, row = [block], block
    for steps in shape.steps:
        _, step, noise = transitions[steps]
        block = step @ block @ step.mT + noise
        row = torch.cat([step @ row, block], dim=-1)
        rows.append(row)
    wide = shape.variables * shape.number
    lower = torch.cat([torch.nn.functional.pad(row, (0, wide - row.shape[-1])) for row in rows])
    place = torch.arange(wide) // shape.variables
    markov = torch.where(place.unsqueeze(-1) >= place, lower, lower.mT)
    both = at.level @ at.level.mT
    q = shape.fixed
    repeated = both[q:, q:].repeat(shape.number, shape.number)
    cross = both[q:, :q].repeat(shape.number, 1)
    return torch.cat([torch.cat([markov + repeated, cross], dim=1), torch.cat([cross.mT, both[:q, :q]], dim=1)])


def start(mean: Float[Tensor, " D"], variance: Float[Tensor, " D"], shape: Shape) -> Parameters:
    """Parameters to begin at: independent columns, with a memory of three tenths over the median gap between visits.

    (Over a step it would be next to nothing where visits are several steps apart, and so would its gradient.) Levels have three
    tenths of the variance.

    Args:
        mean, variance: of each entry, noise removed; the same at all visits.
        shape: of the model.

    >>> at = start(torch.zeros(3), torch.full((3,), 4.0), Shape(variables=1, fixed=0, steps=(1, 1), sources=1, level=True))
    >>> at.level.square(), at.first_root.square()
    (tensor([[1.2000]]), tensor([[2.8000]]))
    """
    p, q = shape.variables, shape.fixed
    spread = variance[:p].sqrt()
    share = 0.3 if shape.level else 0.0
    zero = torch.zeros(p, p, dtype=mean.dtype)
    identity = torch.eye(p, dtype=mean.dtype)
    memory = 0.3 ** (1 / max(1.0, statistics.median_low(shape.steps))) if shape.steps else 0.3
    return Parameters(
        first=mean[:p],
        first_root=torch.diag(spread) * (1 - share) ** 0.5,
        intercept=(1 - memory) * mean[:p],
        step=memory * identity,
        root=torch.diag(spread) * ((1 - share) * (1 - memory**2)) ** 0.5,
        level=torch.block_diag(torch.diag(variance[len(variance) - q :].sqrt()), zero + torch.diag(spread) * share**0.5),
        fixed=mean[len(mean) - q :],
        visits=mean.new_zeros(shape.number, p),
        hospitals=mean.new_zeros(shape.sources, p + q),
    )


def _masks(shape: Shape) -> dict[str, Tensor]:
    """Which entries of each parameter are free."""
    p, q, several = shape.variables, shape.fixed, shape.number > 1
    triangle = torch.ones(p, p, dtype=torch.bool).tril()
    level = torch.ones(p + q, p + q, dtype=torch.bool).tril()
    level[q:, q:] &= shape.level
    return {
        "first": torch.ones(p, dtype=torch.bool),
        "first_root": triangle,
        "intercept": torch.full((p,), several),
        "step": torch.full((p, p), several),
        "root": triangle & several,
        "level": level,
        "fixed": torch.ones(q, dtype=torch.bool),
        "visits": torch.full((shape.number, p), shape.visits),
        "hospitals": torch.full((shape.sources, p + q), shape.hospitals),
    }


def size(shape: Shape) -> int:
    """The number of free parameters.

    >>> size(Shape(variables=1, fixed=0, steps=(1, 1), sources=1))  # m, P, c, F and Q
    5
    """
    return sum(int(mask.sum()) for mask in _masks(shape).values())


def moved(anchor: Parameters, u: Float[Tensor, " P"], shape: Shape) -> Parameters:
    r"""The parameters at coordinates u around an anchor, in which a complete patient has about the identity as information.

    .. math::

        m + L a, \quad L \to L \exp_\triangle(B), \quad c + L_Q g, \quad F + L_Q G L^{-1}, \quad L_Q \to L_Q \exp_\triangle(B'),

    with :math:`L L^\top = P`, :math:`L_Q L_Q^\top = Q` and :math:`\exp_\triangle(B)` the unit matrix plus a lower triangle whose
    diagonal is an exponential; what belongs to transitions is smaller by the root of their number.

    >>> shape = Shape(variables=1, fixed=0, steps=(), sources=1)
    >>> anchor = start(torch.zeros(1), torch.full((1,), 4.0), shape)
    >>> moved(anchor, torch.tensor([1.0, 0.0]), shape).first  # by a standard deviation
    tensor([2.])
    """
    padded = torch.cat([u, u.new_zeros(1)])
    raw, begin = {}, 0
    for name, mask in _masks(shape).items():
        place = begin + mask.flatten().cumsum(0).view(mask.shape) - 1
        raw[name] = padded[torch.where(mask, place, len(u))]
        begin += int(mask.sum())
    share = max(1, len(shape.steps)) ** -0.5
    root = anchor.root * share
    q = shape.fixed
    level = anchor.level + raw["level"]
    if q:
        level = torch.cat([torch.cat([anchor.level[:q, :q] @ _triangle(raw["level"][:q, :q]), level[:q, q:]], dim=1), level[q:]])
    return Parameters(
        anchor.first + anchor.first_root @ raw["first"],
        anchor.first_root @ _triangle(raw["first_root"]),
        anchor.intercept + root @ raw["intercept"],
        anchor.step + torch.linalg.solve_triangular(anchor.first_root, root @ raw["step"], upper=False, left=False),
        anchor.root @ _triangle(raw["root"] * share),
        level,
        anchor.fixed + anchor.level[:q, :q] @ raw["fixed"],
        anchor.visits + 0.5 * raw["visits"],
        anchor.hospitals + 0.5 * raw["hospitals"],
    )


def _triangle(entries: Float[Tensor, "p p"]) -> Float[Tensor, "p p"]:
    """The unit matrix plus the entries below the diagonal, and on it the exponential of the entries over √2."""
    return entries.tril(-1) + torch.diag((entries.diagonal() / math.sqrt(2)).exp())
