import pytest
import torch
from hypothesis import given, settings
from hypothesis import strategies as st

from ddlib.dbn.likelihood.observed import em, expected_trajectories, independent_start, observed_log_likelihood
from ddlib.dbn.model.generate import random_networks, sample
from ddlib.dbn.model.moments import mle
from ddlib.dbn.model.network import Dbn, joint
from ddlib.dbn.sources import draw_sources, random_pattern, statistics
from tests.ddlib.dbn.world import difference, generator, world

SLICES = 3


def density(model, sources, r, k):
    """Log-likelihood of one source row by row, with torch's normal law."""
    law = joint(model, SLICES)
    seen = sources.observed[r, k].flatten()
    covariance = law.covariance[r][seen][:, seen] + torch.diag(sources.noise[r, k].flatten()[seen] ** 2)
    normal = torch.distributions.MultivariateNormal(law.mean[r][seen], covariance)
    return normal.log_prob(sources.values[r, k].flatten(1)[:, seen]).sum()


def test_likelihood_is_the_density_of_each_measured_row():
    _, truth, sources = world()
    found = observed_log_likelihood(truth, statistics(sources), SLICES)
    for r in range(2):
        for k in range(3):
            torch.testing.assert_close(found[r, k], density(truth, sources, r, k), rtol=1e-11, atol=1e-9)


def test_e_step_averages_each_rows_posterior():
    _, truth, sources = world(trajectories=20)
    law = joint(truth, SLICES)
    found, _ = expected_trajectories(truth, statistics(sources), SLICES)
    for r in range(2):
        means, spread = [], torch.zeros_like(law.covariance[r])
        for k in range(3):
            seen = sources.observed[r, k].flatten()
            inner = law.covariance[r][seen][:, seen] + torch.diag(sources.noise[r, k].flatten()[seen] ** 2)
            gain = law.covariance[r][:, seen] @ torch.linalg.inv(inner)
            means.append(law.mean[r] + (sources.values[r, k].flatten(1)[:, seen] - law.mean[r][seen]) @ gain.T)
            spread += (law.covariance[r] - gain @ law.covariance[r][seen]) / 3
        rows = torch.cat(means)
        torch.testing.assert_close(found.mean[r], rows.mean(0), rtol=1e-10, atol=1e-10)
        torch.testing.assert_close(found.covariance[r], spread + rows.T.cov(correction=0), rtol=1e-10, atol=1e-10)


@given(
    seed=st.integers(0, 2**31 - 1),
    variables=st.integers(2, 5),
    slices=st.integers(2, 4),
    noise=st.floats(0.0, 1.0),
    hidden=st.sampled_from([0.0, 0.2, 0.4]),
)
@settings(max_examples=25, deadline=None)
def test_em_never_lowers_the_likelihood(seed, variables, slices, noise, hidden):
    draw = generator(seed)
    graph, truth = random_networks(2, variables, draw)
    pattern = random_pattern(2, 4, slices, variables, draw, hidden=hidden)
    sources = statistics(draw_sources(truth, pattern, 30, draw, noise))
    path = em(graph, sources, slices, iterations=40).path
    assert path.diff(dim=0).min() > -1e-9


def test_without_hiding_and_noise_em_is_the_clean_fit():
    graph, truth, sources = world()
    everything = torch.ones_like(sources.observed)
    complete = draw_sources(truth, everything, 50, generator(1), noise=0.0)
    found = em(graph, statistics(complete), SLICES)
    assert found.converged.all()
    assert difference(found.model, mle(graph, complete.values.flatten(1, 2))) < 1e-8


def test_em_equals_brute_force():
    graph, truth, _ = world(variables=3)
    every_pair = ~torch.eye(3, dtype=torch.bool).view(1, 3, 1, 3).expand(2, 3, SLICES, 3)
    data = statistics(draw_sources(truth, every_pair, 1000, generator(1)))
    found = em(graph, data, SLICES, tolerance=1e-14)
    masks = (1, graph.first, 1, 1, graph.intra, graph.inter, 1)
    # Another start and other coordinates: the log of each variance.
    free = [torch.zeros_like(part, requires_grad=True) for part in found.model]

    def model():
        parts = [part * mask for part, mask in zip(free, masks, strict=True)]
        parts[2], parts[6] = parts[2].exp(), parts[6].exp()
        return Dbn(*parts)

    def loss():
        optimiser.zero_grad()
        value = -observed_log_likelihood(model(), data, SLICES).sum() / data.size.sum(-1).mean()
        value.backward()
        return value

    optimiser = torch.optim.LBFGS(free, max_iter=2000, tolerance_grad=1e-11, tolerance_change=1e-15, line_search_fn="strong_wolfe")
    optimiser.step(loss)
    brute = observed_log_likelihood(model(), data, SLICES).sum(-1) / data.size.sum(-1)
    torch.testing.assert_close(found.path[-1], brute.detach(), rtol=0, atol=1e-9)
    assert difference(found.model, Dbn(*(part.detach() for part in model()))) < 1e-4


def test_em_starts_from_the_measured_moments_without_the_noise():
    graph, truth, _ = world()
    pattern = world().sources.observed
    data = statistics(draw_sources(truth, pattern, 20_000, generator(1), noise=0.6))
    start = independent_start(graph, data, SLICES)
    law = joint(truth, SLICES)
    exact = law.covariance.diagonal(dim1=-2, dim2=-1)[:, :4]
    assert ((start.first_variance - exact).abs() / exact).max() < 0.1  # with the noise it is off by 0.36
    assert (start.first_intercept - law.mean[:, :4]).abs().max() < 0.1
    assert all((part == 0).all() for part in (start.first_weights, start.intra, start.inter))


def test_em_finds_the_truth_as_data_grow():
    graph, truth, _ = world()
    pattern = world().sources.observed
    found = em(graph, statistics(draw_sources(truth, pattern, 100_000, generator(1))), SLICES)
    assert difference(found.model, truth) < 0.05


def test_likelihood_with_extra_axes_and_its_gradient():
    graph, truth, sources = world()
    data = statistics(sources)
    x = torch.stack([sample(truth, 10, SLICES, generator(k)) for k in range(3)])
    many = observed_log_likelihood(mle(graph, x), data, SLICES)
    for k in range(3):
        torch.testing.assert_close(many[k], observed_log_likelihood(mle(graph, x[k]), data, SLICES))
    small = x[0, :, :8].clone().requires_grad_()
    assert torch.autograd.gradcheck(lambda x: observed_log_likelihood(mle(graph, x), data, SLICES).sum(-1) / 300, small)


def test_a_singular_law_is_refused():
    _, truth, sources = world()
    noiseless = statistics(sources._replace(noise=torch.zeros_like(sources.noise)))
    with pytest.raises(ValueError, match="singular"):
        observed_log_likelihood(truth._replace(variance=0 * truth.variance), noiseless, SLICES)
