"""Four learners for one set of rows, and one small change of the released learner.

What was distilled for one learner is judged under the others: a greedy search on the extended BIC, all edges with a shrunk
covariance, and the true graph.

*Moderated variances* (Smyth 2004). With few rows a searched network has residual variances that are far too small in some
variables, and the likelihood of new rows pays for it. Each variance is averaged with the mean over all variables, which counts as
so many rows more; edges and weights stay as they are.
"""

from __future__ import annotations

from collections.abc import Callable

import numpy as np
import torch
from jaxtyping import Float
from sklearn.covariance import ledoit_wolf
from torch import Tensor

from ddbook.chapters.merge.published.task import LEARNER
from ddlib.dbn.estimators.structure import learn_graph
from ddlib.dbn.model.moments import Moments, fit_moments, regressors, trajectory_moments
from ddlib.dbn.model.network import Dbn, Graph

PSEUDO_ROWS = 5
"""So many rows does the mean of all variances count as."""
MOST_PARENTS = 6
"""Of the greedy search."""

Learner = Callable[[Float[Tensor, "R m 2 p"], Graph], Dbn]
"""What a set of rows, and the true graph, are made into."""


def released(rows: Float[Tensor, "R m 2 p"], graph: Graph) -> Dbn:
    """The learner of the release."""
    return LEARNER.fit(rows)[1]


def moderated(rows: Float[Tensor, "R m 2 p"], graph: Graph, pseudo_rows: float = PSEUDO_ROWS) -> Dbn:
    """The learner of the release, with moderated variances."""
    found, model = LEARNER.fit(rows)

    def averaged(variance: Tensor, parents: Tensor) -> Tensor:
        freedom = rows.shape[1] - 1 - parents
        return (freedom * variance + pseudo_rows * variance.mean(-1, keepdim=True)) / (freedom + pseudo_rows)

    later = found.intra.sum(-1) + found.inter.sum(-1)
    first = averaged(model.first_variance, found.first.sum(-1))
    return model._replace(first_variance=first, variance=averaged(model.variance, later))


def greedy(rows: Float[Tensor, "R m 2 p"], graph: Graph) -> Dbn:
    """Greedy search on the extended BIC with γ = 1 (Foygel and Drton 2010), then maximum likelihood."""
    moments, number = trajectory_moments(rows), rows.shape[1]
    most = max(1, min(MOST_PARENTS, number // 3))
    return fit_moments(moments, regressors(learn_graph(moments, number, number, most, gamma=1.0)))


def saturated(rows: Float[Tensor, "R m 2 p"], graph: Graph) -> Dbn:
    """All edges, on the covariance of Ledoit and Wolf."""
    pairs, variables = rows.flatten(-2), rows.shape[-1]
    covariance = torch.as_tensor(np.stack([ledoit_wolf(each.cpu().numpy())[0] for each in pairs])).to(rows)
    mean = pairs.mean(1)
    now = [*range(variables, 2 * variables), *range(variables)]
    moments = Moments(mean[:, :variables], covariance[:, :variables, :variables], mean[:, now], covariance[:, now][:, :, now])
    return fit_moments(moments, regressors(every_edge(rows.shape[0], variables, rows.device)))


def true_graph(rows: Float[Tensor, "R m 2 p"], graph: Graph) -> Dbn:
    """Maximum likelihood on the graph that the data follow."""
    return fit_moments(trajectory_moments(rows), regressors(graph))


LEARNERS: dict[str, Learner] = {"released": released, "greedy": greedy, "saturated": saturated, "graph": true_graph}
LABELS = {
    "released": "the authors' learner (distilled for it)",
    "greedy": "greedy search, extended BIC",
    "saturated": "all edges, shrunk covariance",
    "graph": "the true graph",
}


def every_edge(replicates: int, variables: int, device: torch.device | str = "cpu") -> Graph:
    """The graph with all edges: with two slices its networks are all Gaussian laws of a row."""
    full = torch.ones(replicates, variables, variables, dtype=torch.bool, device=device)
    return Graph(full.tril(-1), full.tril(-1), full)


def alive(model: Dbn) -> Graph:
    """The edges of a network that are not zero."""
    return Graph(model.first_weights != 0, model.intra != 0, model.inter != 0)
