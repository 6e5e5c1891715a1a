"""The structure of a dynamic network learned from moments, its score, and how far two structures are apart."""

from __future__ import annotations

import math

import torch
from jaxtyping import Bool, Float, Int
from torch import Tensor

from ddlib.dbn.estimators.hill_climbing import hill_climb
from ddlib.dbn.model.moments import Moments, fit_moments, regressors
from ddlib.dbn.model.network import Graph

__all__ = ["bic", "learn_graph", "structural_hamming_distance"]


def learn_graph(
    moments: Moments,
    rows: float | Tensor,
    pair_rows: float | Tensor,
    most_parents: int = 3,
    gamma: float = 0.0,
    tolerance: float = 1e-6,
    allowed: Graph | None = None,
    unbiased: bool = False,
) -> Graph:
    """Structures by :func:`~ddlib.dbn.estimators.hill_climbing.hill_climb`: the first slices and the transitions are searched in
    one batch.

    In the transition the variables of slice t have parents in slice t (without cycles) and in slice t − 1; edges never point back
    in time, and the edges within slice t − 1 are left out of it.

    Args:
        moments: of the first slice and of the pairs, shape (R, ...).
        rows: the number of trajectories behind the first.
        pair_rows: the number of pairs behind the second; both a number, or one per replicate.
        most_parents: the largest in-degree, parents in both slices counted together.
        gamma: γ of the extended BIC; 0 is the BIC.
        tolerance: a move has to raise the score by more than this.
        allowed: the edges that may be learned; all when not given.
        unbiased: take the likelihood at the unbiased variance.

    Raises:
        ValueError: as :func:`~ddlib.dbn.estimators.hill_climbing.hill_climb` does.

    >>> from ddlib.dbn import joint, random_networks
    >>> from ddlib.dbn.model.moments import gaussian_moments
    >>> graph, model = random_networks(1, 3, torch.Generator().manual_seed(0))
    >>> learned = learn_graph(gaussian_moments(joint(model, 5), 5), rows=1000, pair_rows=4000)
    >>> torch.equal(learned.inter, graph.inter)
    True
    """
    covariance, counts = both_parts(moments, rows, pair_rows)
    replicates, variables = moments.first_mean.shape
    extra = 2 * gamma * math.log(variables)
    mask = hill_climb(covariance, counts, variables, most_parents, extra, tolerance, _places(allowed), unbiased)
    later = mask[replicates:]
    return Graph(mask[:replicates, :, :variables], later[..., :variables], later[..., variables:])


def both_parts(moments: Moments, rows: float | Tensor, pair_rows: float | Tensor) -> tuple[Tensor, Tensor]:
    """Covariances (2R, 2p, 2p) and numbers of rows (2R,) of the first slices and then of the pairs, as one batch.

    A first slice has no slice before it: it gets one that is uncorrelated with everything, so never a parent.
    """
    replicates, variables = moments.first_mean.shape
    first = torch.nn.functional.pad(moments.first_covariance, (0, variables) * 2)
    first.diagonal(dim1=-2, dim2=-1)[:, variables:] = 1.0
    counts = [torch.as_tensor(n, dtype=first.dtype, device=first.device).expand(replicates) for n in (rows, pair_rows)]
    return torch.cat([first, moments.pair_covariance]), torch.cat(counts)


def _places(graph: Graph | None) -> Bool[Tensor, "2R p 2p"] | None:
    """The edges of a graph as masks of the two parts."""
    if graph is None:
        return None
    first = torch.cat([graph.first, torch.zeros_like(graph.first)], dim=-1)
    return torch.cat([first, torch.cat([graph.intra, graph.inter], dim=-1)])


def bic(moments: Moments, graph: Graph, rows: float | Tensor, pair_rows: float | Tensor, gamma: float = 0.0) -> Float[Tensor, " R"]:
    """The score that :func:`learn_graph` climbs on, first slice and transition added.

    >>> from ddlib.dbn import joint, random_networks
    >>> from ddlib.dbn.model.moments import gaussian_moments
    >>> graph, model = random_networks(1, 3, torch.Generator().manual_seed(0))
    >>> moments, empty = gaussian_moments(joint(model, 5), 5), Graph(*(torch.zeros_like(mask) for mask in graph))
    >>> bool(bic(moments, graph, 1000, 4000) > bic(moments, empty, 1000, 4000))
    True
    """
    fitted = fit_moments(moments, regressors(graph))
    variables = fitted.variance.shape[-1]
    total = torch.zeros_like(fitted.variance[..., 0])
    parts = ((fitted.first_variance, graph.first, rows), (fitted.variance, torch.cat([graph.intra, graph.inter], -1), pair_rows))
    for variance, mask, number in parts:
        n = torch.as_tensor(number, dtype=variance.dtype, device=variance.device)
        edges = mask.sum((-2, -1))
        total = total - 0.5 * n * (variables * (1 + math.log(2 * math.pi)) + variance.log().sum(-1))
        total = total - 0.5 * n.log() * (edges + 2 * variables) - 2 * gamma * math.log(variables) * edges
    return total


def structural_hamming_distance(graph: Graph, other: Graph) -> Int[Tensor, " R"]:
    """How many edges differ over all three parts; a reversed edge counts once (Tsamardinos, Brown and Aliferis 2006, for DAGs).

    >>> nothing, edge = torch.zeros(1, 2, 2, dtype=torch.bool), torch.tensor([[[False, True], [False, False]]])
    >>> structural_hamming_distance(Graph(edge, edge, nothing), Graph(edge.mT, nothing, nothing))
    tensor([2])
    """

    def within(ours: Tensor, theirs: Tensor) -> Tensor:
        differs = ours != theirs
        return (differs | differs.mT).triu(1).sum((-2, -1))

    return within(graph.first, other.first) + within(graph.intra, other.intra) + (graph.inter != other.inter).sum((-2, -1))
