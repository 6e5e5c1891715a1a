r"""The expected regret of maximum likelihood from n complete, clean trajectories: exact, and to first order.

To first order it is dim(θ) / (2n). Exactly, take one variable with q parents and N independent rows whose parents are Gaussian.
Least squares leaves :math:`N\hat v / v \sim \chi^2_{N-q-1}`, independent of the coefficients, and the squared error of a
prediction at a fresh row, beyond the noise, is :math:`v\,[\tfrac1N + (1 + \tfrac1N)\tfrac{q}{N-q-2}]` on average (the inverse
Wishart's mean). The expected Kullback–Leibler divergence of the fitted from the true conditional law is therefore

.. math::

    \rho(N, q) = \tfrac12 \Bigl[\psi\bigl(\tfrac{N-q-1}{2}\bigr) + \ln\tfrac2N
    + \tfrac{N}{N-q-3} \bigl(1 + \tfrac1N\bigr) \bigl(1 + \tfrac{q}{N-q-2}\bigr) - 1\Bigr]
    = \frac{q + 2}{2N} + O(N^{-2}),

finite from N = q + 4 rows. Regret adds up over variables and slices. The first slice, and each transition that has parameters of
its own, offers n independent rows: the sum is exact for T = 2 and for untied transitions (an unrolled network, which has one
slice). A transition that is tied over T − 1 > 1 slices is fitted to n (T − 1) rows which depend on each other within a
trajectory; ρ at that number of rows is then an approximation.
"""

from __future__ import annotations

import torch
from jaxtyping import Float, Int
from torch import Tensor

from ddlib.dbn.model.network import Graph

LEAST = 0.5
"""Rows beyond q + 3 from which on the expected regret is given; with whole numbers, from q + 4 rows."""


def family_regret(rows: float | Float[Tensor, "#*R"], parents: Int[Tensor, "*R"]) -> Float[Tensor, "*R"]:
    """Expected regret ρ of one variable's regression per fresh row, in nats; infinite below q + 4 rows.

    Args:
        rows: the number N of independent rows.
        parents: the number q of parents of each variable.
    """
    q = parents.to(torch.float64)
    count = torch.as_tensor(rows, dtype=torch.float64, device=q.device)
    free = (count - q - 3).clamp(min=LEAST)  # any positive number where the answer is infinite
    spread = torch.digamma((free + 2) / 2) + torch.log(2 / count)
    error = count / free * (1 + 1 / count) * (1 + q / (free + 1))
    return torch.where(count - q - 3 >= LEAST, 0.5 * (spread + error - 1), torch.inf)


def complete_regret(graph: Graph, trajectories: float | Float[Tensor, " R"], slices: int) -> Float[Tensor, " R"]:
    """Expected regret, in nats per trajectory, of the fit to complete clean trajectories; exact for one and two slices.

    Args:
        graph: the known graphs; unrolled (:mod:`ddbook.chapters.merge.limit.untied`) if the transitions are not tied.
        trajectories: the number n, or one for each graph.
        slices: the number of slices T.
    """
    count = torch.as_tensor(trajectories, dtype=torch.float64, device=graph.first.device).reshape(-1, 1)
    first = family_regret(count, graph.first.sum(-1)).sum(-1)
    if slices == 1:
        return first
    later = graph.intra.sum(-1) + graph.inter.sum(-1)
    return first + (slices - 1) * family_regret(count * (slices - 1), later).sum(-1)


def effective_trajectories(graph: Graph, regret: Float[Tensor, " R"], slices: int) -> Float[Tensor, " R"]:
    """How many complete, clean trajectories leave this regret on average: :func:`complete_regret` solved for n.

    Args:
        graph: the known graphs.
        regret: of each graph's network, in nats per trajectory. Without regret the answer is infinite; a regret above every
            finite expectation gives the smallest n that has one.
        slices: the number of slices T.
    """
    first, later = (mask.sum(-1).to(torch.float64) + 3 + LEAST for mask in (graph.first, torch.cat([graph.intra, graph.inter], -1)))
    needed = torch.maximum(first, later / (slices - 1)) if slices > 1 else first
    low = needed.amax(-1).log()
    high = torch.full_like(low, 1e12).log()
    for _ in range(100):  # halving the interval of ln n
        middle = 0.5 * (low + high)
        above = complete_regret(graph, middle.exp(), slices) > regret
        low, high = torch.where(above, middle, low), torch.where(above, high, middle)
    return torch.where(regret > 0, high.exp(), torch.inf)
