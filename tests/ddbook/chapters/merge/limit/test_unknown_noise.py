"""EM that estimates the noise too."""

import torch

from ddbook.chapters.merge.limit.unknown_noise import maximum_likelihood_with_noise, with_noise
from ddlib.dbn.likelihood.observed import observed_log_likelihood
from ddlib.dbn.sources import draw_sources, statistics
from tests.ddlib.dbn.world import generator, world


def test_the_noise_is_estimated_and_the_likelihood_is_at_a_maximum_in_it():
    graph, truth, _ = world(variables=4, slices=4)
    pattern = torch.ones(2, 3, 4, 4, dtype=torch.bool)
    data = statistics(draw_sources(truth, pattern, 1000, generator(3), noise=0.5))
    found = maximum_likelihood_with_noise(graph, data, 4)
    assert found.converged.all()
    assert (found.deviation - 0.5).abs().max() < 0.1

    def likelihood(deviation):
        return observed_log_likelihood(found.model, with_noise(data, deviation**2), 4).sum(-1) / 3000

    slope = (likelihood(found.deviation + 1e-4) - likelihood(found.deviation - 1e-4)) / 2e-4
    assert slope.abs().max() < 1e-4
