"""One distillation step and one EM iteration of the merge built from pgmpy calls, for ``dbn_against_pgmpy.py``.

pgmpy has no gradient, no EM for continuous variables and no tied slices, so a step is put together from its maximum-likelihood fit
of linear Gaussian networks (of the first slice, and of pairs of slices), the joint Gaussian of the unrolled network, and its
posterior of unmeasured nodes. Each comes in two forms: on the patients' rows, and on their sufficient statistics, where NumPy does
what pgmpy does only on rows.
"""

from __future__ import annotations

from typing import Any

import networkx as nx  # type: ignore[import-untyped]
import numpy as np
import pandas as pd
from pgmpy.factors.continuous import LinearGaussianCPD
from pgmpy.models import LinearGaussianBayesianNetwork
from pgmpy.parameter_estimator import LinearGaussianMLE
from scipy.linalg import cho_factor, cho_solve, helmert
from scipy.stats import multivariate_normal

from ddlib.dbn import MergeTask
from ddlib.problem import Distilled

Law = tuple[np.ndarray, np.ndarray]
"""Mean and covariance of a trajectory, slices one after the other."""


class Source:
    """What one source measured: its rows, and their mean and covariance."""

    def __init__(self, task: MergeTask, replicate: int, source: int) -> None:
        values, observed, noise = (part[replicate, source].numpy() for part in task.sources)
        self.seen = np.flatnonzero(observed)
        self.rows = values.reshape(len(values), -1)[:, self.seen]
        self.noise = noise.reshape(-1)[self.seen]
        self.mean, self.covariance = self.rows.mean(0), np.cov(self.rows.T, bias=True)

    def law(self, law: Law) -> Law:
        """Of the measurements."""
        return law[0][self.seen], law[1][np.ix_(self.seen, self.seen)] + np.diag(self.noise**2)

    def likelihood_from_rows(self, law: Law) -> float:
        """Per trajectory."""
        return float(multivariate_normal.logpdf(self.rows, *self.law(law)).mean())

    def likelihood(self, law: Law) -> float:
        """Per trajectory, from the sufficient statistics."""
        mean, covariance = self.law(law)
        factor = cho_factor(covariance, lower=True, check_finite=False)
        second = self.covariance + np.outer(self.mean - mean, self.mean - mean)
        square = np.trace(cho_solve(factor, second, check_finite=False))
        return float(-0.5 * (len(mean) * np.log(2 * np.pi) + square) - np.log(np.diag(factor[0])).sum())

    def expectation(self, law: Law) -> Law:
        """Mean and covariance of the complete trajectories given the measurements, over all patients."""
        mean, covariance = self.law(law)
        cross = law[1][self.seen]
        gain = cho_solve(cho_factor(covariance, lower=True, check_finite=False), cross, check_finite=False).T
        return law[0] + gain @ (self.mean - mean), law[1] - gain @ cross + gain @ self.covariance @ gain.T


class Replicate:
    """One replicate; what is the same in every step is made once, outside the timing.

    Variable i in slice t is the node t·p + i, and its measurement T·p higher: whole numbers are pgmpy's fastest names.
    """

    def __init__(self, task: MergeTask, chosen: Distilled, replicate: int) -> None:
        self.slices, self.variables = task.sources.values.shape[-2:]
        self.chosen = chosen.x[replicate].numpy()
        self.estimator = LinearGaussianMLE(std_estimator="mle")
        first, intra, inter = (mask[replicate].nonzero().tolist() for mask in task.graph)
        nothing: list[list[int]] = []
        self.first, self.pair = self._network(1, first, intra, inter), self._network(2, nothing, intra, inter)
        self.whole = self._network(self.slices, first, intra, inter)
        self.cpds = [_cpd(node, self.whole.get_parents(node)) for node in self.whole.nodes()]
        self.whole.add_cpds(*self.cpds)
        self.place = np.argsort(list(nx.topological_sort(self.whole)))
        self.sources = [Source(task, replicate, k) for k in range(task.sources.values.shape[1])]
        self.measured = [self._with_measurements(source) for source in self.sources]
        self.tables = [pd.DataFrame(source.rows, columns=source.seen + len(self.cpds)) for source in self.sources]
        # Rows with mean zero and the identity as covariance, from which rows with any moments are made.
        self.white = [helmert(d + 1).T * (d + 1) ** 0.5 for d in (self.variables, 2 * self.variables)]

    def _network(self, slices: int, first: list[list[int]], intra: list[list[int]], inter: list[list[int]]) -> Any:
        p, network = self.variables, LinearGaussianBayesianNetwork()
        network.add_nodes_from(range(slices * p))
        network.add_edges_from((j, i) for i, j in first)
        for now in range(p, slices * p, p):
            network.add_edges_from((now + j, now + i) for i, j in intra)
            network.add_edges_from((now - p + j, now + i) for i, j in inter)
        return network

    def _with_measurements(self, source: Source) -> Any:
        """The whole network, with the same parameters, and a child of each entry that the source measures."""
        network = self.whole.__class__(self.whole.edges())
        network.add_nodes_from(self.whole.nodes())
        network.add_edges_from((entry, entry + len(self.cpds)) for entry in source.seen.tolist())
        errors = [_cpd(v + len(self.cpds), [v], [0.0, 1.0], e) for v, e in zip(source.seen.tolist(), source.noise, strict=True)]
        network.add_cpds(*self.cpds, *errors)
        return network

    def learn(self, first: np.ndarray, pairs: np.ndarray) -> None:
        """Maximum likelihood from rows of the first slice and rows (slice t − 1, slice t), by pgmpy's estimator."""
        start = self.estimator.fit(self.first, pd.DataFrame(first)).parameters_
        later = self.estimator.fit(self.pair, pd.DataFrame(pairs)).parameters_[self.variables :]
        for learned, cpd in zip(start + later * (self.slices - 1), self.cpds, strict=True):
            cpd.beta, cpd.std = learned.beta, learned.std

    def learn_from_set(self) -> None:
        """The fit of a distillation step."""
        pairs = np.concatenate([self.chosen[:, :-1], self.chosen[:, 1:]], axis=-1)
        self.learn(self.chosen[:, 0], pairs.reshape(-1, 2 * self.variables))

    def law(self) -> Law:
        """pgmpy's joint Gaussian."""
        mean, covariance = self.whole.to_joint_gaussian()
        return mean[self.place], covariance[np.ix_(self.place, self.place)]

    def step(self, rows: bool = False) -> float:
        """A distillation step without its gradient: the risk of the network learned from S."""
        self.learn_from_set()
        law = self.law()
        each = [source.likelihood_from_rows(law) if rows else source.likelihood(law) for source in self.sources]
        return -sum(each) / len(each)

    def iteration(self, rows: bool = False) -> None:
        """An EM iteration: afterwards the network has the next parameters."""
        if rows:
            each = [self._expectation_from_rows(k) for k in range(len(self.sources))]
        else:
            law = self.law()
            each = [source.expectation(law) for source in self.sources]
        means = np.stack([mean for mean, _ in each])
        mean, p = means.mean(0), self.variables
        covariance = sum(covariance for _, covariance in each) / len(each) + np.cov(means.T, bias=True)
        starts = range(0, (self.slices - 1) * p, p)
        pair_means = np.stack([mean[t : t + 2 * p] for t in starts])
        within = sum(covariance[t : t + 2 * p, t : t + 2 * p] for t in starts) / len(starts)
        first = self._rows(0, mean[:p], covariance[:p, :p])
        self.learn(first, self._rows(1, pair_means.mean(0), within + np.cov(pair_means.T, bias=True)))

    def _expectation_from_rows(self, source: int) -> Law:
        names, means, covariance = self.measured[source].predict_probability(self.tables[source])
        place = np.argsort(names)
        return means.mean(0)[place], (covariance + np.cov(means.T, bias=True))[np.ix_(place, place)]

    def _rows(self, which: int, mean: np.ndarray, covariance: np.ndarray) -> np.ndarray:
        """Rows with exactly this mean and covariance: pgmpy fits nothing else."""
        return mean + self.white[which] @ np.linalg.cholesky(covariance).T


def _cpd(node: int, parents: list[int], beta: list[float] | None = None, deviation: float = 1.0) -> Any:
    return LinearGaussianCPD(node, [0.0] * (1 + len(parents)) if beta is None else beta, deviation, parents)
