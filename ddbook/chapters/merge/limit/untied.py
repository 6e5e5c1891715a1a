r"""Untied transitions: T − 1 of them with parameters of their own, as one static network over T·p variables.

Unrolled, a DBN is a Gaussian network in which variable i of slice t has the same parents in every later slice. Whether its
parameters are the same as well is what tying means. The unrolled network has one slice of T·p variables, so the exact law, the
likelihood, EM's E-step and the Fisher information serve it as they are; only the fit leaves out the pooling over slices.
"""

from __future__ import annotations

import torch
from jaxtyping import Float
from torch import Tensor

from ddlib.dbn.estimators.accelerated import accelerate, network_chart
from ddlib.dbn.estimators.static import first_slice_moments
from ddlib.dbn.likelihood.observed import Em, expected_trajectories, independent_start, observed_log_likelihood
from ddlib.dbn.model.generate import INTRA_WEIGHTS
from ddlib.dbn.model.moments import check_rank, fit_moments, in_degrees, mean_log_likelihood, regressors
from ddlib.dbn.model.network import Dbn, Graph, joint, spectral_radius
from ddlib.dbn.sources import Sources, Statistics
from ddlib.dbn.task.merge_task import MergeTask
from ddlib.problem import Distilled, Split


def unrolled_graph(graph: Graph, slices: int) -> Graph:
    """The static graph over T·p variables, slices one after the other."""
    p = graph.first.shape[-1]
    first = graph.first.new_zeros(graph.first.shape[0], slices * p, slices * p)
    for t in range(slices):
        now = slice(t * p, (t + 1) * p)
        first[:, now, now] = graph.first if t == 0 else graph.intra
        if t > 0:
            first[:, now, (t - 1) * p : t * p] = graph.inter
    nothing = torch.zeros_like(first)
    return Graph(first, nothing, nothing)


def unrolled(models: list[Dbn]) -> Dbn:
    """The static network of a first slice and T − 1 transitions, one network for each; the first one has the first slice."""
    p, slices = models[0].variance.shape[-1], len(models) + 1
    start = models[0]
    weights = start.variance.new_zeros(start.variance.shape[0], slices * p, slices * p)
    weights[:, :p, :p] = start.first_weights
    for t, model in enumerate(models, start=1):
        now = slice(t * p, (t + 1) * p)
        weights[:, now, now] = model.intra
        weights[:, now, (t - 1) * p : t * p] = model.inter
    intercept = torch.cat([start.first_intercept, *(model.intercept for model in models)], dim=-1)
    variance = torch.cat([start.first_variance, *(model.variance for model in models)], dim=-1)
    nothing = torch.zeros_like(weights)
    return Dbn(intercept, weights, variance, torch.zeros_like(intercept), nothing, nothing, torch.ones_like(variance))


def drifting(model: Dbn, slices: int, generator: torch.Generator, drift: float = 0.5) -> list[Dbn]:
    """T − 1 transitions around a network's: each weight times its own U(1 − drift, 1 + drift), intercepts so that means stay.

    Raises:
        ValueError: if the drift is not in [0, 1).
        RuntimeError: if some transition is unstable.
    """
    if not 0 <= drift < 1:
        raise ValueError(f"the drift of the weights must be at least 0 and below 1, but it is {drift}")
    level = joint(model, 1).mean.unsqueeze(-1)

    def jitter(weights: Tensor) -> Tensor:
        uniform = torch.rand(weights.shape, dtype=weights.dtype, device=generator.device, generator=generator).to(weights)
        return weights * (1 + drift * (2 * uniform - 1))

    found = []
    for _ in range(slices - 1):
        intra, inter = jitter(model.intra), jitter(model.inter)
        here = model._replace(intra=intra, inter=inter, intercept=(level - (intra + inter) @ level).squeeze(-1))
        if bool((spectral_radius(here) > 1 + INTRA_WEIGHTS[1]).any()):
            raise RuntimeError("a drifting transition is far from stable: take a smaller drift")
        found.append(here)
    return found


def draw_untied_sources(truth: Dbn, pattern: Tensor, trajectories: int, generator: torch.Generator, noise: float = 0.3) -> Sources:
    """As :func:`ddlib.dbn.sources.draw_sources`, from an unrolled network."""
    law, (replicates, sources, slices, variables) = joint(truth, 1), pattern.shape
    shape = (replicates, sources, trajectories, slices * variables)
    draw = torch.randn(shape, dtype=law.mean.dtype, device=generator.device, generator=generator).to(law.mean)
    root = torch.linalg.cholesky(law.covariance).mT.unsqueeze(1)
    clean = (law.mean[:, None, None, :] + draw @ root).unflatten(-1, (slices, variables))
    error = torch.randn(clean.shape, dtype=clean.dtype, device=generator.device, generator=generator).to(clean)
    values = torch.where(pattern.unsqueeze(2), clean + noise * error, torch.nan)
    return Sources(values, pattern, torch.full(pattern.shape, noise, dtype=clean.dtype, device=clean.device))


def untied_maximum_likelihood(graph: Graph, sources: Statistics, slices: int, tolerance: float = 1e-12, cycles: int = 4000) -> Em:
    """The maximum of the observed-data likelihood with untied transitions: an unrolled network, by accelerated EM.

    Args:
        graph: the known graphs, of the DBN.
        sources: sufficient statistics of the sources.
        slices: the number of slices T.
        tolerance: in nats per trajectory, for a cycle of three EM steps.
        cycles: at most so many.
    """
    parents, total = regressors(unrolled_graph(graph, slices)), sources.size.sum(-1)

    def step(model: Dbn) -> tuple[Dbn, Tensor]:
        law, likelihood = expected_trajectories(model, sources, 1)
        return fit_moments(first_slice_moments(law.mean, law.covariance), parents), likelihood.sum(-1) / total

    begin = unrolled([independent_start(graph, sources, slices)] * (slices - 1))
    chart = network_chart(begin.variance.shape[-1])
    return Em(*accelerate(step, begin, chart, tolerance, cycles))


class UntiedMerge(MergeTask):
    """The merge when the truth's transitions differ: the model learned from S, the risk and the reference are unrolled networks."""

    def __init__(self, graph: Graph, network: Dbn, unrolled_truth: Dbn, sources: Sources, tied: bool = False) -> None:
        """State the task.

        Args:
            graph: the known graphs, of the DBN.
            network: a network with tied transitions, for what is common to all merge tasks.
            unrolled_truth: the true, unrolled networks.
            sources: the training data.
            tied: the learner fits one transition to all slices; otherwise one to each.
        """
        super().__init__(graph, network, sources, name="merge_untied")
        self.unrolled_truth, self.tied = unrolled_truth, tied
        unrolled_mask = unrolled_graph(graph, self.slices)
        self._static, self._most = regressors(unrolled_mask), in_degrees(unrolled_mask)[0]

    @property
    def reference(self) -> Dbn:
        """The true networks, unrolled."""
        return self.unrolled_truth

    def fit(self, distilled: Distilled, generator: torch.Generator | None = None) -> Dbn:
        """Maximum likelihood of each transition on its own, or of one transition for all, unrolled."""
        if self.tied:
            return unrolled([super().fit(distilled)] * (self.slices - 1))
        check_rank((self._most, 0), distilled.budget, self.slices)
        share = (distilled.w / distilled.w.sum(-1, keepdim=True)).unsqueeze(-1)
        rows = distilled.x.flatten(-2)
        mean = (share * rows).sum(-2)
        centred = rows - mean.unsqueeze(-2)
        return fit_moments(first_slice_moments(mean, centred.mT @ (share * centred)), self._static)

    def risk(self, model: Dbn, split: Split = "train") -> Float[Tensor, "*R"]:
        """As of the merge task, of unrolled networks."""
        if split == "test":
            law = joint(self.unrolled_truth, 1)
            return -mean_log_likelihood(model, first_slice_moments(law.mean, law.covariance), 1)
        data = self._measured(split)
        return -observed_log_likelihood(model, data, 1).sum(-1) / data.size.sum(-1)
