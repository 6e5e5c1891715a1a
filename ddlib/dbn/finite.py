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
from jaxtyping import Float
from torch import Tensor

from ddlib.dbn.model import Graph


def family_regret(rows: float, parents: Float[Tensor, "*R"]) -> Float[Tensor, "*R"]:
    """Expected regret ρ of one variable's regression per fresh row, in nats; infinite below q + 4 rows.

    Args:
        rows: the number N of independent rows.
        parents: the number q of parents of each variable.
    """
    q = parents.to(torch.float64)
    free = (rows - q - 3).clamp(min=0.5)  # any positive number where the answer is infinite
    spread = torch.digamma((free + 2) / 2) + torch.log(torch.tensor(2.0 / rows, dtype=torch.float64))
    error = rows / free * (1 + 1 / rows) * (1 + q / (free + 1))
    return torch.where(rows - q - 3 > 0.5, 0.5 * (spread + error - 1), torch.inf)


def complete_regret(graph: Graph, trajectories: float, slices: int) -> Float[Tensor, " R"]:
    """Expected regret, in nats per trajectory, of the fit to complete clean trajectories; exact for one and two slices.

    Args:
        graph: the known graphs; unrolled (:mod:`ddlib.dbn.untied`) if the transitions are not tied.
        trajectories: the number n.
        slices: the number of slices T.
    """
    first = family_regret(trajectories, graph.first.sum(-1)).sum(-1)
    if slices == 1:
        return first
    later = graph.intra.sum(-1) + graph.inter.sum(-1)
    return first + (slices - 1) * family_regret(trajectories * (slices - 1), later).sum(-1)
