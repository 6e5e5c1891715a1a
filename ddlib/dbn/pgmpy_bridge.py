"""The same networks in pgmpy, as an independent oracle and a format that others read. pgmpy is imported when first used.

pgmpy's own dynamic networks are discrete, so a network is unrolled into a ``LinearGaussianBayesianNetwork`` whose nodes are called
``x3_0`` (variable 3, slice 0), with ``y3_0`` for its noisy measurement.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import numpy as np
import torch
from jaxtyping import Float
from torch import Tensor

from ddlib.dbn.model.network import Dbn, Graph
from ddlib.extras import needed

if TYPE_CHECKING:
    import pandas as pd

__all__ = ["fit", "frame", "node", "pair_frame", "unroll"]


def node(variable: int, time: int, kind: str = "x") -> str:
    """The name of a node; slices count from 0.

    >>> node(3, 0), node(3, 0, "y")
    ('x3_0', 'y3_0')
    """
    return f"{kind}{variable}_{time}"


def frame(trajectories: Float[Tensor, "n T p"], kind: str = "x") -> pd.DataFrame:
    """Trajectories of one replicate as a table with one column per node of the unrolled network.

    >>> list(frame(torch.zeros(5, 2, 2)))
    ['x0_0', 'x1_0', 'x0_1', 'x1_1']
    """
    pd = needed("pandas", "pgmpy")
    _, slices, variables = trajectories.shape
    columns = [node(i, t, kind) for t in range(slices) for i in range(variables)]
    return pd.DataFrame(trajectories.detach().cpu().flatten(1).numpy(), columns=columns)


def pair_frame(trajectories: Float[Tensor, "n T p"]) -> pd.DataFrame:
    """All transitions of one replicate as rows of a two-slice table: slice t − 1 is called 0, slice t is called 1.

    >>> pair_frame(torch.zeros(5, 3, 1)).shape
    (10, 2)
    """
    pairs = torch.stack([trajectories[:, :-1], trajectories[:, 1:]], dim=2).flatten(0, 1)
    return frame(pairs)


def unroll(model: Dbn, graph: Graph, replicate: int, slices: int, noise: float | None = None) -> Any:
    """One replicate as pgmpy's ``LinearGaussianBayesianNetwork`` over all slices.

    Args:
        model: the networks.
        graph: their graphs: an edge is kept even where its weight is zero.
        replicate: which one.
        slices: the number of slices T.
        noise: standard deviation of the measurements; when given, each variable gets a child ``y`` that measures it.

    >>> from ddlib.dbn import random_networks
    >>> graph, model = random_networks(1, 2, torch.Generator().manual_seed(0))
    >>> sorted(unroll(model, graph, 0, slices=2).nodes)
    ['x0_0', 'x0_1', 'x1_0', 'x1_1']
    """
    pgmpy, factors = needed("pgmpy.models", "pgmpy"), needed("pgmpy.factors.continuous", "pgmpy")

    cpds = []
    for t in range(slices):
        for i in range(model.variance.shape[-1]):
            parents, weights = _parents(model, graph, replicate, i, t)
            intercept = (model.intercept if t else model.first_intercept)[replicate, i].item()
            deviation = (model.variance if t else model.first_variance)[replicate, i].sqrt().item()
            cpds.append(factors.LinearGaussianCPD(node(i, t), [intercept, *weights], deviation, parents))
            if noise is not None:
                cpds.append(factors.LinearGaussianCPD(node(i, t, "y"), [0.0, 1.0], noise, [node(i, t)]))
    network = pgmpy.LinearGaussianBayesianNetwork()
    network.add_nodes_from(cpd.variable for cpd in cpds)
    network.add_edges_from((parent, cpd.variable) for cpd in cpds for parent in cpd.evidence)
    network.add_cpds(*cpds)
    return network


def _parents(model: Dbn, graph: Graph, replicate: int, child: int, time: int) -> tuple[list[str], list[float]]:
    intra, weights = (graph.intra, model.intra) if time else (graph.first, model.first_weights)
    within = intra[replicate, child].nonzero().flatten().tolist()
    before = graph.inter[replicate, child].nonzero().flatten().tolist() if time else []
    values = [weights[replicate, child, j].item() for j in within] + [model.inter[replicate, child, j].item() for j in before]
    return [node(j, time) for j in within] + [node(j, time - 1) for j in before], values


def fit(graph: Graph, replicate: int, trajectories: Float[Tensor, "n T p"]) -> Dbn:
    """pgmpy's maximum-likelihood fit of one replicate: the first slice on its own table, the transition on the two-slice table.

    Returns:
        The estimate, with a replicate axis of length one.

    >>> from ddlib.dbn import mle, random_networks, sample
    >>> generator = torch.Generator().manual_seed(0)
    >>> graph, model = random_networks(1, 2, generator)
    >>> rows = sample(model, 50, 3, generator)
    >>> torch.allclose(fit(graph, 0, rows[0]).inter, mle(graph, rows).inter)
    True
    """
    pgmpy, estimators = needed("pgmpy.models", "pgmpy"), needed("pgmpy.parameter_estimator", "pgmpy")

    variables = trajectories.shape[-1]
    found = Dbn(*(torch.zeros(1, *[variables] * (2 if name in _MATRICES else 1), dtype=torch.float64) for name in Dbn._fields))

    def learn(time: int, table: Any) -> None:
        network = pgmpy.LinearGaussianBayesianNetwork()
        network.add_nodes_from(table.columns)
        intra = graph.intra if time else graph.first
        edges = [(node(j, time), node(i, time)) for i, j in intra[replicate].nonzero().tolist()]
        if time:
            edges += [(node(j, 0), node(i, 1)) for i, j in graph.inter[replicate].nonzero().tolist()]
        network.add_edges_from(edges)
        network.fit(table, estimators.LinearGaussianMLE(std_estimator="mle"))
        for i in range(variables):
            cpd = network.get_cpds(node(i, time))
            (found.intercept if time else found.first_intercept)[0, i] = float(cpd.beta[0])
            (found.variance if time else found.first_variance)[0, i] = float(np.square(cpd.std))
            for name, weight in zip(cpd.evidence, cpd.beta[1:], strict=True):
                j, slice_ = (int(part) for part in name[1:].split("_"))
                target = found.first_weights if not time else found.intra if slice_ else found.inter
                target[0, i, j] = float(weight)

    learn(0, frame(trajectories[:, :1]))
    learn(1, pair_frame(trajectories))
    return found


_MATRICES = ("first_weights", "intra", "inter")
