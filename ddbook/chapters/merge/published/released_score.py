r"""The released score of a network: the likelihood of the sources' rows, with their hidden cells filled in by the network itself.

A hidden cell is filled by its conditional mean given the measured cells of its row, and the row then counts as complete. With the
precision matrix K of two slices and d the deviation from the mean, zero at the hidden cells h, the conditional mean is

.. math:: \hat x_h = \mu_h - K_{hh}^{-1} K_{h \cdot} d .

This is not the likelihood of what was measured: it adds the density of the hidden cells at their own prediction, and so rewards a
network for small variances of what it does not see. Noise of the measurements is not modelled.

With more than two slices the pairs of successive slices are filled one after the other, each from what was filled before; the first
pair counts whole, of the others the later slice.

*Swapped.* dbnR hands the filled columns back in the network's order (a node's depth first, then its column), and the released
script takes them to be in the order of the columns. So with several hidden variables some get the values of others. That the
published runs can be repeated number by number only with this exchange shows that they were made with it.
"""

from __future__ import annotations

import math
from typing import NamedTuple

import torch
from jaxtyping import Float, Int
from torch import Tensor

from ddlib.dbn.model.network import Dbn
from ddlib.dbn.sources import Sources, statistics


class Incomplete(NamedTuple):
    """What the score needs of the sources; D = T·p cells, slices one after the other.

    Attributes:
        size: rows per source.
        mean, covariance: of the measured cells (divisor n); zero at hidden ones.
        hidden: the hidden variables of each slice, as many in all of them.
    """

    size: Float[Tensor, "R K"]
    mean: Float[Tensor, "R K D"]
    covariance: Float[Tensor, "R K D D"]
    hidden: Int[Tensor, "R K T h"]

    def without(self, source: int) -> Incomplete:
        """All sources but one."""
        keep = [k for k in range(self.size.shape[-1]) if k != source]
        return Incomplete(*(part[:, keep] for part in self))


def incomplete(sources: Sources) -> Incomplete:
    """Statistics of sources for :func:`released_log_likelihood`.

    Raises:
        ValueError: if not every source hides equally many variables in every slice.
    """
    missing = ~sources.observed
    counts = missing.sum(-1).unique()
    if len(counts) > 1:
        raise ValueError(f"each source has to hide equally many variables in each slice, but these hide {counts.tolist()}")
    found = statistics(sources)
    hidden = missing.to(torch.int8).argsort(dim=-1, descending=True, stable=True)[..., : int(counts)]
    return Incomplete(found.size, found.mean, found.covariance, hidden)


class _Pair(NamedTuple):
    """The law of two successive slices under a network; q = 2p cells."""

    mean: Float[Tensor, "*R q"]
    within: Float[Tensor, "*R q q"]
    variance: Float[Tensor, "*R q"]
    depth: Int[Tensor, "*R q"]

    def precision(self, first: int = 0) -> Float[Tensor, "*R q q"]:
        """Of the density of the cells from the first on, given those before."""
        lines = self.within[..., first:, :]
        return lines.mT @ (lines / self.variance[..., first:].unsqueeze(-1))


def released_log_likelihood(model: Dbn, sources: Incomplete, swapped: bool = True) -> Float[Tensor, "*R K"]:
    """Log-likelihood of each source's filled rows in nats, summed over rows.

    Args:
        model: networks, shape (R, ...); further axes in front broadcast.
        sources: from :func:`incomplete`.
        swapped: fill the hidden cells in the order in which dbnR returns them, as released; else each with its own value.
    """
    variables, slices = model.variance.shape[-1], sources.hidden.shape[-2]
    pair = _pair(model)
    batch = torch.broadcast_shapes(pair.mean.shape[:-1], sources.size.shape[:1])
    mean = sources.mean.expand(*batch, *sources.mean.shape[1:]).clone()
    spread = sources.covariance.expand(*batch, *sources.covariance.shape[1:]).clone()
    whole, later = pair.precision(), pair.precision(variables)
    total = mean.new_zeros(())
    for t in range(slices - 1):
        window = slice(t * variables, (t + 2) * variables)
        first, last = (sources.hidden[..., t + i, :] + i * variables for i in range(2))
        cells = torch.cat([first, last], dim=-1) if t == 0 else last
        _fill(pair, whole, mean[..., window], spread[..., window, window.start :], cells, swapped)
        spread[..., window.stop :, window] = spread[..., window, window.stop :].mT
        off = mean[..., window] - pair.mean.unsqueeze(-2)
        counted, scale = (whole, pair.variance) if t == 0 else (later, pair.variance[..., variables:])
        squares = torch.einsum("...de,...kde->...k", counted, spread[..., window, window])
        squares = squares + ((off @ counted) * off).sum(-1)
        total = total - 0.5 * sources.size * ((2 * math.pi * scale).log().sum(-1, keepdim=True) + squares)
    return total


def _fill(pair: _Pair, precision: Tensor, mean: Tensor, spread: Tensor, cells: Int[Tensor, "R K h"], swapped: bool) -> None:
    """Writes the filled cells' mean, and their covariance with all cells from the window on, into views of both.

    Args:
        pair: the law.
        precision: its precision.
        mean: of the window's cells, (*R, K, q).
        spread: their covariance with the cells from the window on, (*R, K, q, D); zero at what is not filled yet.
        cells: which of the window to fill.
        swapped: in the order of the network.
    """
    cells = cells.expand(*mean.shape[:-1], -1)
    count, width = cells.shape[-1], mean.shape[-1]
    rows = precision.unsqueeze(-3).expand(*mean.shape, width).gather(-2, cells.unsqueeze(-1).expand(*cells.shape, width))
    block = rows.gather(-1, cells.unsqueeze(-2).expand(*cells.shape, count))
    off = (mean - pair.mean.unsqueeze(-2)).scatter(-1, cells, 0.0)
    gain = -torch.cholesky_solve(rows, torch.linalg.cholesky(block)).scatter(
        -1, cells.unsqueeze(-2).expand(*cells.shape, count), 0.0
    )
    value = pair.mean.unsqueeze(-2).expand(mean.shape).gather(-1, cells) + (gain @ off.unsqueeze(-1)).squeeze(-1)
    if swapped:
        depth = pair.depth.unsqueeze(-2).expand(mean.shape).gather(-1, cells)
        order = depth.argsort(dim=-1, stable=True)
        value, gain = value.gather(-1, order), gain.gather(-2, order.unsqueeze(-1).expand(gain.shape))
    mean.scatter_(-1, cells, value)
    across = gain @ spread
    inner = across[..., :width] @ gain.mT
    across.scatter_(-1, cells.unsqueeze(-2).expand(*cells.shape, count), inner)
    spread.scatter_(-2, cells.unsqueeze(-1).expand(across.shape), across)
    columns = across[..., :width].mT
    spread[..., :width].scatter_(-1, cells.unsqueeze(-2).expand(columns.shape), columns)


def _pair(model: Dbn) -> _Pair:
    """The law of the first two slices."""
    variables = model.variance.shape[-1]
    weights = model.variance.new_zeros(*model.variance.shape[:-1], 2 * variables, 2 * variables)
    weights[..., :variables, :variables] = model.first_weights
    weights[..., variables:, variables:] = model.intra
    weights[..., variables:, :variables] = model.inter
    within = torch.eye(2 * variables, dtype=weights.dtype, device=weights.device) - weights
    intercept = torch.cat([model.first_intercept, model.intercept], dim=-1)
    mean = torch.linalg.solve(within, intercept)
    return _Pair(mean, within, torch.cat([model.first_variance, model.variance], dim=-1), _depth(weights != 0))


def _depth(edges: Tensor) -> Int[Tensor, "*R q"]:
    """The length of the longest path that ends at each node, edges being [child, parent]."""
    depth = torch.zeros(edges.shape[:-1], dtype=torch.int64, device=edges.device)
    for _ in range(edges.shape[-1]):
        further = (edges * (depth.unsqueeze(-2) + 1)).amax(-1)
        if torch.equal(further, depth):
            break
        depth = further
    return depth
