r"""Dynamic max-min hill climbing: the hybrid learner of the R package dbnR, which the paper's released experiments use.

Tests first, a score then (Tsamardinos, Brown and Aliferis 2006; for dynamic networks Trabelsi et al. 2013), twice:

1. *within a slice*: the skeleton of the first slice's variables, then hill climbing on the BIC inside it;
2. *between slices*: the same for each slice's variables and those of the slice before; within a slice no edge is considered, and
   edges lead forward in time.

The edges within the first slice are copied to every later one: the network has the same edges within all slices, learned from the
first slice alone, whether or not the later ones have them. Parameters are then fitted by least squares, with unbiased residual
variances of n − \|P\| − 1 degrees of freedom.

dbnR's default for the skeleton is semi-interleaved HITON-PC with Student's t test at level 0.05, not the max-min algorithm of the
name (:mod:`ddlib.dbn.estimators.skeleton`), and its score takes the likelihood at the unbiased variance
(:mod:`ddlib.dbn.estimators.hill_climbing`).
"""

from __future__ import annotations

from dataclasses import dataclass

import torch
from jaxtyping import Float
from torch import Tensor

from ddlib.dbn.estimators.skeleton import hiton_pc
from ddlib.dbn.estimators.structure import both_parts, learn_graph
from ddlib.dbn.model.moments import Moments, check_rank, fit_moments, in_degrees, regressors, trajectory_moments
from ddlib.dbn.model.network import Dbn, Graph

__all__ = ["DynamicMmhc"]


@dataclass(frozen=True)
class DynamicMmhc:
    """Dynamic max-min hill climbing, with the defaults of dbnR.

    Attributes:
        significance: the level α of each test.
        largest_set: tests are given sets of at most so many variables; of any size when not given.
        most_parents: the largest in-degree in each of the two searches; any when not given.
        gamma: γ of the extended BIC; 0 is the BIC.
        unbiased: take likelihoods at the unbiased variance in the score, and fit such variances; otherwise those of divisor n.
        slices: how many slices of a trajectory are read, from the first on; all when not given.

    >>> from ddlib.dbn import random_networks, sample
    >>> generator = torch.Generator().manual_seed(0)
    >>> graph, model = random_networks(1, 3, generator)
    >>> learned, network = DynamicMmhc().fit(sample(model, 400, 2, generator))
    >>> bool((learned.first == learned.intra).all()), network.inter.shape
    (True, torch.Size([1, 3, 3]))
    """

    significance: float = 0.05
    largest_set: int | None = None
    most_parents: int | None = None
    gamma: float = 0.0
    unbiased: bool = True
    slices: int | None = 2

    def fit(self, trajectories: Float[Tensor, "R m T p"]) -> tuple[Graph, Dbn]:
        """Structure and parameters, learned anew from each replicate.

        Raises:
            ValueError: if a variable is constant, there are fewer than 4 trajectories or 2 slices, or a variable has too many
                parents for them.
        """
        read = trajectories[..., : self.slices, :]
        moments, (rows, slices) = trajectory_moments(read), read.shape[-3:-1]
        graph = self.learn(moments, rows, rows * (slices - 1))
        check_rank(in_degrees(graph), rows, slices)
        model = fit_moments(moments, regressors(graph))
        if not self.unbiased:
            return graph, model
        later = graph.intra.sum(-1) + graph.inter.sum(-1)
        return graph, model._replace(
            first_variance=_unbiased(model.first_variance, rows, graph.first.sum(-1)),
            variance=_unbiased(model.variance, rows * (slices - 1), later),
        )

    def learn(self, moments: Moments, rows: float | Tensor, pair_rows: float | Tensor) -> Graph:
        """The structure alone.

        Args:
            moments: of the first slice and of the pairs, shape (R, ...).
            rows: the number of trajectories behind the first.
            pair_rows: the number of pairs behind the second; both a number, or one per replicate.

        Raises:
            ValueError: if a variable is constant, or a number of rows is below 4.
        """
        allowed = self.skeleton(moments, rows, pair_rows)
        most = self.most_parents
        if most is None:
            most = max(1, *(int(part.sum(-1).max()) for part in allowed))
        found = learn_graph(moments, rows, pair_rows, most, self.gamma, allowed=allowed, unbiased=self.unbiased)
        return found._replace(intra=found.first.clone())

    def skeleton(self, moments: Moments, rows: float | Tensor, pair_rows: float | Tensor) -> Graph:
        """The neighbours within the first slice, and from slice to slice."""
        covariance, counts = both_parts(moments, rows, pair_rows)
        if bool((counts < 4).any()):
            raise ValueError(f"structures are learned from 4 rows or more, but a data set has {int(counts.min())}")
        replicates, variables = moments.first_mean.shape
        pairs = torch.zeros_like(covariance, dtype=torch.bool)
        pairs[:replicates, :variables, :variables] = True
        pairs[replicates:, :variables, variables:] = pairs[replicates:, variables:, :variables] = True
        found = hiton_pc(covariance, counts, pairs, self.significance, self.largest_set)
        first, inter = found[:replicates, :variables, :variables], found[replicates:, :variables, variables:]
        return Graph(first, torch.zeros_like(first), inter)


def _unbiased(variance: Float[Tensor, "R p"], rows: int, parents: Tensor) -> Tensor:
    """A variance of divisor n with the divisor n − |P| − 1."""
    return variance * rows / (rows - 1 - parents)
