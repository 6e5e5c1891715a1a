r"""How much the sources' measurements say about the parameters of a known graph: Fisher information and its consequences.

A source that measures the entries o of a trajectory with noise of known size sees :math:`y \sim N(\mu_o(\theta), C(\theta))`, so
the information of one of its trajectories about the free parameters is (Kay 1993, section 3.9)

.. math::

    I_{ab} = \partial_a \mu_o^\top C^{-1}\, \partial_b \mu_o + \tfrac12 \operatorname{tr}\bigl(C^{-1}\, \partial_a C\; C^{-1}\,
    \partial_b C\bigr),

with the derivatives by forward-mode automatic differentiation of the network's exact law. Regret is a Kullback–Leibler
divergence, whose Hessian at the truth is the information :math:`I_{\text{full}}` of a complete, clean trajectory. An estimator
that is efficient for :math:`I_{\text{obs}} = \sum_k N_k I_k` therefore has the regret

.. math:: \tfrac12 \operatorname{tr}\bigl(I_{\text{full}}\, I_{\text{obs}}^{-1}\bigr) + o(1/N),

the Cramér–Rao regret: the smallest that a regular estimator reaches as the number of trajectories grows.
"""

from __future__ import annotations

from typing import NamedTuple

import torch
from jaxtyping import Float
from torch import Tensor

from ddlib.dbn.model.network import Dbn, Gaussian, Graph, joint, select
from ddlib.dbn.sources import Statistics

__all__ = ["IDENTIFIED", "Limits", "dimension", "fisher_information", "limits"]

IDENTIFIED = 1e-8
"""A direction of which the measurements keep a smaller share of the complete information counts as not identified."""


class Limits(NamedTuple):
    """What the measurements allow, per network.

    Attributes:
        dimension: the number of free parameters.
        kept: the smallest share of the complete-data information that the measurements keep in any direction of the parameters: one
            for complete clean data, zero (up to rounding) where the network is locally not identified. It is the smallest
            eigenvalue of the observed information relative to the complete one, so it does not depend on units or coordinates.
        bound: the Cramér–Rao regret in nats per trajectory; infinite where the network is not identified.
        effective: the number of complete, clean trajectories with the same regret, dim / (2 · bound).

    >>> at_best = Limits(*torch.tensor([[4.0], [1.0], [0.02], [100.0]]))
    >>> at_best.dimension / (2 * at_best.bound) == at_best.effective
    tensor([True])
    """

    dimension: Float[Tensor, " R"]
    kept: Float[Tensor, " R"]
    bound: Float[Tensor, " R"]
    effective: Float[Tensor, " R"]


def directions(graph: Graph, slices: int, dtype: torch.dtype = torch.float64) -> Dbn:
    """Unit steps along each free parameter of one graph: intercepts, weights of edges, variances.

    Args:
        graph: one graph, with a replicate axis of length one.
        slices: the number of slices T; a network of one slice has no transition.
        dtype: of the steps.

    Returns:
        The steps, one per free parameter along the first axis of each part.
    """
    everywhere = torch.ones_like(graph.intra[..., 0])
    later = everywhere if slices > 1 else ~everywhere
    free = Dbn(everywhere, graph.first, everywhere, later, graph.intra & later[..., None], graph.inter & later[..., None], later)
    place = [part.reshape(-1).nonzero().squeeze(-1) for part in free]
    total, offset, steps = sum(len(p) for p in place), 0, []
    for part, where in zip(free, place, strict=True):
        step = torch.zeros(total, part.numel(), dtype=dtype, device=part.device)
        step[offset + torch.arange(len(where), device=part.device), where] = 1.0
        offset += len(where)
        steps.append(step.view(total, *part.shape))
    return Dbn(*steps)


def _inner(law: Gaussian, change: Gaussian, seen: Float[Tensor, " D"], noise: Float[Tensor, " D"]) -> Float[Tensor, "d d"]:
    """Information of one trajectory of which the entries ``seen`` are measured with this noise variance."""
    index = seen.nonzero().squeeze(-1)
    covariance = law.covariance[0][index][:, index] + torch.diag(noise[index])
    root = torch.linalg.cholesky(covariance)
    moved = torch.linalg.solve_triangular(root, change.covariance[:, 0][:, index][:, :, index], upper=False)
    moved = torch.linalg.solve_triangular(root, moved.mT, upper=False).flatten(1)
    shift = torch.linalg.solve_triangular(root, change.mean[:, 0][:, index].mT, upper=False)
    return shift.mT @ shift + 0.5 * moved @ moved.mT


def fisher_information(
    graph: Graph, model: Dbn, observed: Float[Tensor, "K D"], noise: Float[Tensor, "K D"], slices: int
) -> Float[Tensor, "K d d"]:
    """Information of one trajectory of each kind of measurement about one network's free parameters.

    Args:
        graph: one graph, with a replicate axis of length one.
        model: its parameters, likewise.
        observed: which entries of a trajectory each kind measures, one or zero.
        noise: variance of the measurement noise.
        slices: the number of slices T.

    Raises:
        ValueError: if there is more than one network.

    >>> from ddlib.dbn import random_networks
    >>> graph, model = random_networks(1, 2, torch.Generator().manual_seed(0))
    >>> everything = torch.ones(1, 6, dtype=torch.float64)
    >>> fisher_information(graph, model, everything, 0 * everything, slices=3).shape[-1] == dimension(graph).item()
    True
    """
    if model.variance.shape[0] != 1:
        raise ValueError(f"the information is of one network at a time, but {model.variance.shape[0]} were given: select one")

    def change(step: Dbn) -> tuple[Gaussian, Gaussian]:
        law, moved = torch.func.jvp(lambda at: joint(at, slices), (model,), (step,))[:2]
        return law, moved

    law = joint(model, slices)
    _, changes = torch.func.vmap(change, chunk_size=64)(directions(graph, slices, model.variance.dtype))
    return torch.stack([_inner(law, changes, seen, size) for seen, size in zip(observed, noise, strict=True)])


def limits(graph: Graph, model: Dbn, sources: Statistics, slices: int) -> Limits:
    """Identifiability, Cramér–Rao regret and effective number of clean trajectories of each network's sources.

    Args:
        graph: the known graphs.
        model: the networks at which the information is taken: the truth, or an estimate.
        sources: their sizes, hidden entries and noise; the measurements themselves play no part.
        slices: the number of slices T.

    >>> from ddlib.dbn import draw_sources, random_networks, statistics
    >>> generator = torch.Generator().manual_seed(0)
    >>> graph, truth = random_networks(1, 2, generator)
    >>> everything = torch.ones(1, 2, 3, 2, dtype=torch.bool)  # two sources that measure all, without noise
    >>> found = limits(graph, truth, statistics(draw_sources(truth, everything, 50, generator, noise=0.0)), 3)
    >>> found.kept.round(decimals=4), found.effective.round(decimals=4)
    (tensor([1.], dtype=torch.float64), tensor([100.], dtype=torch.float64))
    """
    rows = []
    for r in range(model.variance.shape[0]):
        complete = torch.ones_like(sources.observed[r, :1])
        seen = torch.cat([complete, sources.observed[r]])
        noise = torch.cat([0 * complete, sources.noise[r]])
        part = Graph(*(mask[r : r + 1] for mask in graph))
        full, *each = fisher_information(part, select(model, [r]), seen, noise, slices)
        root = torch.linalg.cholesky(full)
        total = torch.einsum("k,kab->ab", sources.size[r], torch.stack(each))
        relative = torch.linalg.solve_triangular(root, torch.linalg.solve_triangular(root, total, upper=False).mT, upper=False)
        eigenvalues = torch.linalg.eigvalsh(0.5 * (relative + relative.mT)).clamp(min=0)
        kept = eigenvalues[0] / sources.size[r].sum()
        bound = 0.5 * (1 / eigenvalues).sum() if kept > IDENTIFIED else eigenvalues.new_tensor(torch.inf)
        dimension = eigenvalues.new_tensor(float(len(full)))
        rows.append(torch.stack([dimension, kept, bound, dimension / (2 * bound)]))
    return Limits(*torch.stack(rows).unbind(-1))


def dimension(graph: Graph, slices: int = 2) -> Float[Tensor, " R"]:
    """The number of free parameters of each graph: intercept, variance and edges of each variable, in the first slice and later.

    >>> nothing = torch.zeros(1, 3, 3, dtype=torch.bool)
    >>> dimension(Graph(nothing, nothing, torch.eye(3, dtype=torch.bool)[None]))
    tensor([15.], dtype=torch.float64)
    """
    parts = graph if slices > 1 else graph[:1]
    edges = torch.stack([mask.sum((-2, -1)) for mask in parts]).sum(0)
    return (edges + 2 * min(slices, 2) * graph.first.shape[-1]).to(torch.float64)
