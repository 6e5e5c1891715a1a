import contextlib
import math

import pytest
import torch

from ddlib.dbn.model.generate import INTRA_WEIGHTS, LEVEL, RADIUS, SELF_WEIGHTS, WEAKEST, random_graphs, random_networks, sample
from ddlib.dbn.model.moments import (
    expected_log_likelihood,
    fit_moments,
    gaussian_moments,
    log_likelihood,
    mean_log_likelihood,
    mle,
    regressors,
    trajectory_moments,
)
from ddlib.dbn.model.network import Dbn, entropy, joint, select, spectral_radius, topological_order
from tests.ddlib.dbn.world import difference, generator, world


def test_joint_is_the_textbook_formula():
    _, truth, _ = world()
    slices, variables = 3, 4
    law = joint(truth, slices)
    for r in range(2):
        size = slices * variables
        weights, variance, intercept = torch.zeros(size, size, dtype=torch.float64), [], []
        for t in range(slices):
            now = slice(t * variables, (t + 1) * variables)
            weights[now, now] = truth.intra[r] if t else truth.first_weights[r]
            if t:
                weights[now, (t - 1) * variables : t * variables] = truth.inter[r]
            variance.append(truth.variance[r] if t else truth.first_variance[r])
            intercept.append(truth.intercept[r] if t else truth.first_intercept[r])
        total = torch.linalg.inv(torch.eye(size, dtype=torch.float64) - weights)
        torch.testing.assert_close(law.covariance[r], total @ torch.diag(torch.cat(variance)) @ total.T, rtol=1e-12, atol=1e-12)
        torch.testing.assert_close(law.mean[r], total @ torch.cat(intercept), rtol=1e-12, atol=1e-12)


def test_log_likelihood_is_the_joint_density():
    _, truth, _ = world()
    x = sample(truth, 7, 3, generator(1))
    law = joint(truth, 3)
    normal = torch.distributions.MultivariateNormal(law.mean.unsqueeze(1), law.covariance.unsqueeze(1))
    torch.testing.assert_close(log_likelihood(truth, x), normal.log_prob(x.flatten(2)), rtol=1e-11, atol=1e-10)
    whole = mean_log_likelihood(truth, trajectory_moments(x), 3)
    torch.testing.assert_close(whole, log_likelihood(truth, x).mean(-1), rtol=1e-12, atol=1e-11)


def test_entropy_and_divergence_are_those_of_the_joint_gaussian():
    _, truth, _ = world()
    _, other, _ = world(5)
    p, q = (torch.distributions.MultivariateNormal(*joint(model, 3)) for model in (truth, other))
    torch.testing.assert_close(entropy(truth, 3), p.entropy(), rtol=1e-12, atol=1e-10)
    divergence = -entropy(truth, 3) - expected_log_likelihood(other, truth, 3)
    torch.testing.assert_close(divergence, torch.distributions.kl_divergence(p, q), rtol=1e-10, atol=1e-10)


def test_the_truth_reaches_the_ceiling_and_nothing_else_does():
    graph, truth = random_networks(20, 10, generator())
    regret = -entropy(truth, 5) - expected_log_likelihood(truth, truth, 5)
    assert regret.abs().max() < 1e-10
    estimate = mle(graph, sample(truth, 50, 5, generator(1)))
    assert (-entropy(truth, 5) - expected_log_likelihood(estimate, truth, 5) > 0).all()


def test_samples_follow_the_joint_law():
    _, truth, _ = world()
    x = sample(truth, 100_000, 3, generator(1)).flatten(2)
    law = joint(truth, 3)
    deviation = law.covariance.diagonal(dim1=-2, dim2=-1).sqrt()
    assert ((x.mean(1) - law.mean) / deviation).abs().max() < 5 / math.sqrt(100_000)
    found = torch.stack([part.T.cov() for part in x])
    assert ((found - law.covariance) / deviation.unsqueeze(-1) / deviation.unsqueeze(-2)).abs().max() < 0.03


def test_networks_keep_to_the_documented_ranges():
    graph, truth = random_networks(100, 10, generator(3))
    radius = spectral_radius(truth)
    assert radius.min() >= RADIUS[0] and radius.max() <= RADIUS[1]
    intra, inter = truth.intra[graph.intra].abs(), truth.inter[graph.inter].abs()
    assert intra.min() >= INTRA_WEIGHTS[0] and intra.max() <= INTRA_WEIGHTS[1]
    assert inter.min() >= WEAKEST and inter.max() <= SELF_WEIGHTS[1]
    assert (graph.inter.sum((-2, -1)) == 10).all() and (graph.inter.diagonal(dim1=-2, dim2=-1).sum(-1) == 5).all()
    assert (truth.intra[~graph.intra] == 0).all() and (truth.inter[~graph.inter] == 0).all()
    level = joint(truth, 4).mean.unflatten(-1, (4, 10))
    assert level.min() >= LEVEL[0] - 1e-9 and level.max() <= LEVEL[1] + 1e-9
    torch.testing.assert_close(level[:, 0], level[:, 3])


def test_every_edge_matters():
    graph, truth = random_networks(3, 6, generator(4))
    moments = gaussian_moments(joint(truth, 5), 5)
    for name in ("intra", "inter"):
        for r, i, j in getattr(graph, name).nonzero().tolist():
            mask = getattr(graph, name).clone()
            mask[r, i, j] = False
            best = fit_moments(moments, regressors(graph._replace(**{name: mask})))
            loss = -entropy(truth, 5)[r] - expected_log_likelihood(best, truth, 5)[r]
            assert loss > 0.02  # nats per trajectory: what EM's regret on 5000 trajectories is


def test_same_seed_same_networks():
    first, second = random_networks(3, 5, generator(9)), random_networks(3, 5, generator(9))
    assert all(torch.equal(a, b) for one, two in zip(first, second, strict=True) for a, b in zip(one, two, strict=True))


def test_first_weights_are_a_tensor_of_their_own():
    _, truth = random_networks(1, 5, generator(0))
    assert torch.equal(truth.first_weights, truth.intra) and truth.first_weights.data_ptr() != truth.intra.data_ptr()


def test_the_last_attempt_counts():
    def accepted(attempts):
        count = 0
        for seed in range(40):
            with contextlib.suppress(RuntimeError):
                random_networks(1, 10, generator(seed), attempts=attempts)
                count += 1
        return count

    assert 0 < accepted(0) < accepted(1) < 40
    with pytest.raises(RuntimeError, match="refused in each of 1 attempts"):
        random_networks(100, 10, generator(), attempts=0)


def test_topological_order_puts_parents_first():
    mask = random_graphs(20, 8, generator()).intra
    order = topological_order(mask)
    sorted_mask = torch.stack([mask[r][order[r]][:, order[r]] for r in range(20)])
    assert not sorted_mask.triu().any()


def test_extra_axes_give_what_a_loop_gives():
    _, truth, _ = world()
    factors = torch.tensor([0.5, 1.0, 0.9], dtype=torch.float64)
    models = [truth._replace(inter=truth.inter * f) for f in factors]
    many = Dbn(*(torch.stack(parts) for parts in zip(*models, strict=True)))
    for k, model in enumerate(models):
        torch.testing.assert_close(joint(many, 3).covariance[k], joint(model, 3).covariance)
        torch.testing.assert_close(expected_log_likelihood(many, truth, 3)[k], expected_log_likelihood(model, truth, 3))
    assert difference(select(truth, [1]), Dbn(*(part[1:] for part in truth))) == 0


@pytest.mark.parametrize(
    ("wrong", "message"),
    [
        (lambda truth: joint(truth, 0), "at least 1 slice"),
        (lambda truth: random_networks(1, 1, generator()), "at least 2 variables"),
        (lambda truth: topological_order(torch.ones(1, 2, 2, dtype=torch.bool)), "acyclic"),
        (lambda truth: trajectory_moments(torch.zeros(1, 4, 1, 2)), "at least 2 slices"),
    ],
)
def test_clear_errors(wrong, message):
    with pytest.raises(ValueError, match=message):
        wrong(world()[1])


def test_a_cycle_is_found_anywhere():
    mask = torch.zeros(2, 4, 4, dtype=torch.bool)
    mask[1, 1, 2] = mask[1, 2, 3] = mask[1, 3, 1] = True
    with pytest.raises(ValueError, match="acyclic"):
        topological_order(mask)
