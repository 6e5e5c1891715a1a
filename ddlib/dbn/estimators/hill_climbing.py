r"""Structure search: greedy hill climbing on the Gaussian BIC, for many data sets in one batch.

With parents :math:`P`, variable i of n rows has the maximised log-likelihood less a penalty for its slopes, intercept and variance,

.. math::

    \mathrm{BIC}_i(P) = -\tfrac n2 \bigl(\log 2\pi \sigma^2_{i|P} + 1\bigr) - \tfrac{\log n}{2} (|P| + 2), \qquad
    \sigma^2_{i|P} = \Sigma_{ii} - \Sigma_{iP} \Sigma_{PP}^{-1} \Sigma_{Pi},

so covariances are all that the search reads. (The *extended* BIC charges each edge 2γ log p more, a prior under which graphs of all
sizes are about equally probable: Foygel and Drton 2010. And the likelihood may be taken at the *unbiased* variance, of divisor
n − \|P\| − 1, as the R package bnlearn does: then parent number k + 1 costs
:math:`\tfrac12 \log n - \tfrac12 + \tfrac n2 \log \tfrac{n-k-1}{n-k-2}` instead of :math:`\tfrac12 \log n`.)

The search begins without edges and takes, move after move, the addition, deletion or reversal of one edge that raises the sum over
variables most, until none does (Koller and Friedman 2009, section 18.4.3). Edges may be restricted to given ones, for instance to a
skeleton that tests have found (:mod:`ddlib.dbn.estimators.skeleton`). All data sets move in step, and only variables whose parents
changed are scored again. A move is legal if the graph stays acyclic: the numbers of directed paths between any two variables tell,
and one edge more or less changes them by the product of a column and a row (King and Sagert 2002).
"""

from __future__ import annotations

import math
from typing import NamedTuple

import torch
from jaxtyping import Bool, Float, Int
from torch import Tensor

__all__ = ["hill_climb"]

TIE = 1e-9
"""By so much per place the gain of adding an edge within a slice is lowered, in the order of parents, then children: equal gains,
such as those of an edge in either direction at the start, are told apart in the same way everywhere (and as bnlearn does)."""
_COLLINEAR = 1e-10
"""A candidate with a smaller share of its variance left, given the parents, is not added."""


class _Data(NamedTuple):
    """What a search reads.

    Attributes:
        correlation: of the k variables, padded by the identity for q stand-ins (K = k + q).
        rows: their number n.
        cost: what the first, the second, ... parent of a variable costs in the score.
        allowed: the edges that may be added, or all.
    """

    correlation: Float[Tensor, "R K K"]
    rows: Float[Tensor, " R"]
    cost: Float[Tensor, "R q"]
    allowed: Bool[Tensor, "R p K"] | None


class _Climb(NamedTuple):
    """Where the searches are. A gain is minus infinity where there is nothing to gain it by.

    Attributes:
        places: the parents of each variable; an empty place s holds the stand-in k + s, which is uncorrelated with everything.
        turned: where in the flattened ``add`` the gain of the reversed edge stands, for each place.
        add: gain of adding an edge from variable j to i of the same slice at [i, j], cycles not considered.
        before, earlier: the largest gain of adding a parent of the slice before, and that parent.
        delete: gain of emptying a place.
        leads: the number of directed paths from variable i to j at [i, j], one for i = j, modulo 2⁶⁴.
        grow, parent: the largest gain of adding a parent without closing a cycle, and that parent.
    """

    places: Int[Tensor, "R p q"]
    turned: Int[Tensor, "R p q"]
    add: Float[Tensor, "R p p"]
    before: Float[Tensor, "R p"]
    earlier: Int[Tensor, "R p"]
    delete: Float[Tensor, "R p q"]
    leads: Int[Tensor, "R p p"]
    grow: Float[Tensor, "R p"]
    parent: Int[Tensor, "R p"]


class _Move(NamedTuple):
    """The best move of each search: add or delete the edge from parent to child, or reverse it."""

    gain: Float[Tensor, " R"]
    child: Int[Tensor, " R"]
    parent: Int[Tensor, " R"]
    reverse: Bool[Tensor, " R"]


def hill_climb(
    covariance: Float[Tensor, "R k k"],
    rows: Float[Tensor, " R"],
    variables: int,
    most_parents: int = 3,
    extra: float = 0.0,
    tolerance: float = 1e-6,
    allowed: Bool[Tensor, "R p k"] | None = None,
    unbiased: bool = False,
) -> Bool[Tensor, "R p k"]:
    """Parents of the first p of k variables; the others come earlier in time and have none.

    Args:
        covariance: of each data set (divisor n).
        rows: the number n behind each covariance.
        variables: the number p; among these the graph is acyclic.
        most_parents: the largest in-degree q; a data set of n rows has at most n − 2 parents anyway.
        extra: what each edge costs beyond the BIC's ½ log n.
        tolerance: a move has to raise the score by more than this.
        allowed: the edges that may be added; all when not given.
        unbiased: take the likelihood at the unbiased variance.

    Raises:
        ValueError: if a variable is constant or not finite, no parents are allowed, or n is below q + 2 where all edges may be
            added.

    >>> covariance = torch.tensor([[[1.0, 0.0, 0.0], [0.0, 1.0, 0.9], [0.0, 0.9, 1.0]]])  # the third is of the slice before
    >>> hill_climb(covariance, torch.tensor([100.0]), variables=2).int()
    tensor([[[0, 0, 0],
             [0, 0, 1]]], dtype=torch.int32)
    """
    data = _checked(covariance, rows, most_parents, extra, allowed, unbiased)
    climb = _begin(data, variables, most_parents)
    found = torch.zeros_like(climb.places)
    alive = torch.arange(len(rows), device=rows.device)
    while len(alive):
        move = _best(climb)
        going = move.gain > tolerance
        if int(going.sum()) < 0.85 * len(alive):  # leaving copies the others, so searches that have ended wait for more of them
            found[alive] = climb.places
            alive = alive[going]
            climb, move = _Climb(*(part[going] for part in climb)), _Move(*(part[going] for part in move))
            going = going[going]
        _toggle(climb, data, alive, torch.arange(len(alive), device=alive.device), move.child, move.parent, going)
        back = (move.reverse & going).nonzero().squeeze(-1)
        if len(back):  # the edge has been deleted; now it is added the other way round
            _toggle(climb, data, alive[back], back, move.parent[back], move.child[back], going[back])
    edges = torch.zeros(*found.shape[:2], data.correlation.shape[-1], dtype=torch.bool, device=found.device)
    return edges.scatter(-1, found, True)[..., : covariance.shape[-1]]


def _checked(covariance: Tensor, rows: Tensor, most_parents: int, extra: float, allowed: Tensor | None, unbiased: bool) -> _Data:
    scale = covariance.diagonal(dim1=-2, dim2=-1).sqrt()
    if most_parents < 1:
        raise ValueError(f"a structure search allows at least 1 parent, but most_parents is {most_parents}")
    if not bool(((scale > 0) & (scale < math.inf)).all()):
        raise ValueError("a structure search needs variables that vary: a variance is zero or not a finite number")
    if allowed is None and bool((rows < most_parents + 2).any()):
        raise ValueError(
            f"a search with up to {most_parents} parents needs {most_parents + 2} rows, but a data set has {int(rows.min())}"
        )
    correlation = torch.nn.functional.pad(covariance / (scale.unsqueeze(-1) * scale.unsqueeze(-2)), (0, most_parents) * 2)
    correlation.diagonal(dim1=-2, dim2=-1).fill_(1.0)
    if allowed is not None:
        allowed = torch.nn.functional.pad(allowed, (0, most_parents))
    rows = rows.to(covariance.dtype)
    freedom = rows.unsqueeze(-1) - 1 - torch.arange(most_parents, device=rows.device)
    cost = (0.5 * rows.log() + extra).unsqueeze(-1).expand_as(freedom)
    if unbiased:
        cost = cost + 0.5 * (rows.unsqueeze(-1) * (freedom / (freedom - 1)).log() - 1)
    cost = torch.where(freedom > 1, cost, torch.inf)
    return _Data(correlation, rows, cost, allowed)


def _begin(data: _Data, variables: int, most: int) -> _Climb:
    """The graphs without edges."""
    replicates, width = data.correlation.shape[:2]
    device = data.correlation.device
    each = torch.arange(replicates, device=device).repeat_interleave(variables)
    child = torch.arange(variables, device=device).repeat(replicates)
    places = (width - most + torch.arange(most, device=device)).repeat(len(child), 1)
    scores = _scores(data, each, child, places, variables)
    leads = torch.eye(variables, dtype=torch.int64, device=device).repeat(replicates, 1)
    _, add, before, earlier, _ = scores
    parts = (places, *scores, leads, *_grow(add, leads, before, earlier))
    return _Climb(*(part.unflatten(0, (replicates, variables)) for part in parts))


def _grow(
    add: Float[Tensor, "n p"], leads: Int[Tensor, "n p"], before: Float[Tensor, " n"], earlier: Int[Tensor, " n"]
) -> tuple[Tensor, Tensor]:
    """The best addition to each of some variables: an edge from a variable that it leads to would close a cycle."""
    within, parent = add.masked_fill(leads != 0, -torch.inf).max(-1)
    return torch.maximum(within, before), torch.where(before > within, earlier, parent)


def _best(climb: _Climb) -> _Move:
    """The legal move with the largest gain; a gain of minus infinity if there is none."""
    variables, most = climb.places.shape[1:]
    turned = climb.turned.flatten(1)
    delete = climb.delete.flatten(1)
    reverse = delete + climb.add.flatten(1).gather(1, turned)
    only_way = climb.leads.flatten(1).gather(1, turned) == 1  # with another path, the reversed edge would close a cycle
    gain, at = torch.cat([climb.grow, delete, torch.where(only_way, reverse, -torch.inf)], dim=1).max(1, keepdim=True)
    place = (at - variables).clamp(min=0) % (variables * most)
    grows = at < variables
    child = torch.where(grows, at, place // most)
    parent = torch.where(grows, climb.parent.gather(1, child), climb.places.flatten(1).gather(1, place))
    return _Move(*(part.squeeze(1) for part in (gain, child, parent, at >= variables * (1 + most))))


def _toggle(climb: _Climb, data: _Data, which: Tensor, where: Tensor, child: Tensor, parent: Tensor, going: Tensor) -> None:
    """Add the edge from parent to child where it is absent, delete it where it is present, in place and where ``going`` is true.

    Args:
        climb: the searches.
        data: of all searches, those that have ended included.
        which: indices of the searches into the data.
        where: their indices into ``climb``.
        child, parent: the edges.
        going: which searches move.
    """
    variables, most = climb.places.shape[1:]
    candidates = data.correlation.shape[-1] - most
    old = climb.places[where, child]
    hit = old == parent.unsqueeze(-1)
    present = hit.any(-1)
    empty = (old >= candidates).to(torch.uint8).argmax(-1, keepdim=True)
    grown = old.scatter(-1, empty, parent.unsqueeze(-1))
    stand_in = candidates + torch.arange(most, device=old.device)
    places = torch.where(present.unsqueeze(-1), torch.where(hit, stand_in, old), grown)
    places = torch.where(going.unsqueeze(-1), places, old)
    scores = _scores(data, which, child, places, variables)
    for part, new in zip(climb, (places, *scores), strict=False):
        part[where, child] = new
    # Paths through the edge: from all that lead to the parent, on to all that the child leads to.
    sign = torch.where(present, -1, 1) * (going & (parent < variables))
    into = climb.leads[where, :, parent.clamp(max=variables - 1)] * sign.unsqueeze(-1)
    changed = (into != 0).scatter(-1, child.unsqueeze(-1), True)
    n, row = changed.nonzero(as_tuple=True)
    search = where[n]
    leads = torch.addcmul(climb.leads[search, row], into[n, row].unsqueeze(-1), climb.leads[search, child[n]])
    climb.leads[search, row] = leads
    climb.grow[search, row], climb.parent[search, row] = _grow(
        climb.add[search, row], leads, climb.before[search, row], climb.earlier[search, row]
    )


def _scores(
    data: _Data, which: Int[Tensor, " n"], child: Int[Tensor, " n"], places: Int[Tensor, "n q"], variables: int
) -> tuple[Tensor, ...]:
    r"""What each addition or deletion of one parent adds to a variable's score: the entries of :class:`_Climb` for one child.

    Gauss–Jordan elimination of the parents' rows and the child's row, which an identity in the stand-ins' columns accompanies,
    leaves the inverse of the parents' block there, minus the slopes in the child's row, and the covariance of the child's residual
    with every variable. Adding j multiplies the residual variance v by 1 − ρ², ρ the partial correlation given the parents;
    deleting parent s with slope w multiplies it by :math:`1 + w^2 / (\Sigma_{PP}^{-1})_{ss} v`.
    """
    most, width = places.shape[-1], data.correlation.shape[-1]
    candidates = width - most
    rows = data.rows[which].unsqueeze(-1)
    taken = places < candidates
    number = taken.sum(-1, keepdim=True)
    next_cost, last_cost = (data.cost[which].gather(-1, at.clamp(0, most - 1)) for at in (number, number - 1))
    index = torch.cat([places, child.unsqueeze(-1)], dim=-1)
    both = data.correlation[which.unsqueeze(-1), index]
    both[..., candidates:] = torch.eye(most + 1, most, dtype=both.dtype, device=both.device)
    left = torch.ones_like(both[:, 0])
    for s in range(most):
        at = places[:, s : s + 1]
        column = both.gather(-1, at.unsqueeze(-1).expand(-1, most + 1, 1))
        pivot = both[:, s] / column[:, s]
        left = torch.addcmul(left, both[:, s], pivot, value=-1)
        column[:, s] -= 1
        both = torch.addcmul(both, column, pivot.unsqueeze(-2), value=-1)
    variance = left.gather(-1, child.unsqueeze(-1))
    own = both[:, most]
    share = own.square().div_(left * variance).masked_fill_(left < _COLLINEAR, 0.0).clamp_(max=1 - 1e-12)
    add = share.neg_().log1p_().mul_(-0.5 * rows).sub_(next_cost).scatter_(-1, index, -torch.inf)
    add.masked_fill_(number == most, -torch.inf)
    if data.allowed is not None:
        add.masked_fill_(~data.allowed[which, child], -torch.inf)
    within = add[:, :variables] - TIE * (child.unsqueeze(-1) + variables * torch.arange(variables, device=child.device))
    inverse = both[:, :most, candidates:].diagonal(dim1=-2, dim2=-1)
    delete = last_cost - 0.5 * rows * torch.log1p(own[:, candidates:].square() / (inverse * variance))
    delete = torch.where(taken, delete, -torch.inf)
    if candidates > variables:
        before, earlier = add[:, variables:candidates].max(-1)
    else:
        before, earlier = torch.full_like(rows[:, 0], -torch.inf), torch.zeros_like(child)
    turned = torch.where(places < variables, places * variables + child.unsqueeze(-1), (child * (variables + 1)).unsqueeze(-1))
    return turned, within, before, variables + earlier, delete
