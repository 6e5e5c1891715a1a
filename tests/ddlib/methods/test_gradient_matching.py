import math
from dataclasses import replace

import pytest
import torch
from hypothesis import given, settings
from hypothesis import strategies as st

from ddlib.learners import Network, Training
from ddlib.methods import GradientMatching, factor
from ddlib.problem import Distilled, distil
from ddlib.tasks import EmpiricalTask
from tests.ddlib.worlds import any_set, class_data, generator, random_data, seeds


def linear(d=3, **options):
    """Weights from N(0, I) in the linear model."""
    return GradientMatching(network=Network((), bias=False, mean=False, scale=math.sqrt(d)), **options)


def cubature(d=3):
    """Weights whose second moments are exactly those of N(0, I): the surrogate, a quadratic in them, has its exact mean."""
    axes = math.sqrt(d) * torch.eye(d, dtype=torch.float64)
    return torch.cat([axes, -axes]).unsqueeze(1)


def moments(data):
    rows = data.x * data.w.unsqueeze(-1)
    return rows.mT @ data.x, (rows.mT @ data.y.unsqueeze(-1)).squeeze(-1)


def spectrum_left(data, budget):
    return torch.linalg.eigvalsh(moments(data)[0])[..., : max(data.x.shape[-1] - budget, 0)].square().sum(-1)


@given(seeds, st.integers(1, 6))
@settings(max_examples=20)
def test_in_the_linear_model_the_mean_matches_sufficient_statistics(seed, budget):
    data, chosen = random_data(seed), any_set(random_data(seed), budget, seed)
    (a, b), (ours_a, ours_b) = moments(data), moments(chosen)
    expected = (ours_a - a).square().sum((-2, -1)) + (ours_b - b).square().sum(-1)
    exact = linear().surrogate(EmpiricalTask(data), chosen, generator(), cubature())
    torch.testing.assert_close(exact, expected)
    sampled = linear(draws=20_000).surrogate(EmpiricalTask(data), chosen, generator())
    torch.testing.assert_close(sampled, expected, rtol=0.05, atol=0)


@given(seeds, st.integers(1, 4), st.sampled_from([0.1, 1.0, 10.0]))
@settings(max_examples=30)
def test_no_set_goes_below_the_discarded_spectrum(seed, budget, scale):
    data = random_data(seed, d=4)
    chosen = any_set(data, budget, seed)
    chosen = chosen._replace(x=scale * chosen.x)
    value = linear(4).surrogate(EmpiricalTask(data), chosen, generator(), cubature(4))
    assert (value >= spectrum_left(data, budget) * (1 - 1e-12)).all()


@given(seeds, st.integers(1, 3))
@settings(max_examples=10)
def test_principal_directions_reach_the_bound(seed, budget):
    """With labels that lie along the first principal direction, no label is lost with the small ones."""
    data = random_data(seed)
    values, vectors = torch.linalg.eigh(moments(data)[0])
    data = data._replace(y=(data.x @ vectors[..., -1:]).squeeze(-1))
    x = (vectors * values.sqrt().unsqueeze(-2)).mT[:, -budget:]
    best = Distilled(x, (x @ vectors[..., -1:]).squeeze(-1), torch.ones_like(x[..., 0]))
    value = linear().surrogate(EmpiricalTask(data), best, generator(), cubature())
    torch.testing.assert_close(value, spectrum_left(data, budget), rtol=1e-9, atol=1e-20 * values.max().item() ** 2)


@given(seeds)
@settings(max_examples=10)
def test_the_r_factor_is_a_perfect_match(seed):
    data = random_data(seed)
    data = data._replace(w=torch.rand(data.w.shape, generator=generator(seed), dtype=torch.float64) + 0.1)
    value = linear(draws=5).surrogate(EmpiricalTask(data), factor(data), generator())
    assert (value < 1e-24 * moments(data)[0].square().sum((-2, -1))).all()


def by_hand(network, theta, data, chosen, cosine, per_class=True):
    """Class by class, layer by layer, unit by unit."""
    total = torch.zeros((), dtype=torch.float64)
    label, mine = data.y[0].argmax(-1), chosen.y[0].argmax(-1)
    for c in range(3) if per_class else [None]:
        if c is not None and not (mine == c).any():
            continue
        gradients = []
        for rows, which in ((chosen, mine), (data, label)):
            kept = [i for i in range(rows.budget) if c is None or which[i] == c]
            loss, weight = torch.zeros((), dtype=torch.float64), 0.0
            layers = [layer.weight.detach().clone().requires_grad_() for layer in network.layers(theta, 3)]
            for i in kept:
                h = rows.x[0, i]
                for matrix in layers[:-1]:
                    h = torch.relu(h @ matrix[:-1] + matrix[-1])
                error = rows.y[0, i] - (h @ layers[-1][:-1] + layers[-1][-1])
                loss, weight = loss + rows.w[0, i] * error @ error / 2, weight + rows.w[0, i]
            gradients.append(torch.autograd.grad(loss / weight if network.mean else loss, layers))
        for ours, theirs in zip(*gradients, strict=True):
            if not cosine:
                total += (ours - theirs).square().sum()
                continue
            for unit in range(ours.shape[-1]):
                total += 1 - torch.nn.functional.cosine_similarity(ours[:, unit], theirs[:, unit], 0, 1e-300)
    return total


@pytest.mark.parametrize("distance", ["squared", "cosine"])
@pytest.mark.parametrize("mean", [True, False])
@pytest.mark.parametrize("per_class", [True, False])
@pytest.mark.parametrize("budget", [2, 7])
def test_agrees_with_plain_loops_over_classes_and_units(distance, mean, per_class, budget):
    network, data = Network((4, 3), mean=mean), class_data(1)
    method = GradientMatching(network=network, distance=distance, per_class=per_class, draws=2)
    task = EmpiricalTask(data)
    chosen = task.start(budget, generator(1))  # with two points a class is missing
    chosen = chosen._replace(x=chosen.x + 0.3, w=chosen.w * torch.arange(1.0, budget + 1))
    theta = method.remember(task, generator(2))
    expected = torch.stack([by_hand(network, one[0], data, chosen, distance == "cosine", per_class) for one in theta]).mean()
    torch.testing.assert_close(method.surrogate(task, chosen, generator(2)), expected.view(1))
    torch.testing.assert_close(method.surrogate(task, chosen, generator(5), theta), expected.view(1))


@pytest.mark.parametrize("distance", ["squared", "cosine"])
def test_the_surrogate_has_the_gradient_of_its_values(distance):
    task, method = EmpiricalTask(class_data(1)), GradientMatching(network=Network((4,), "tanh"), distance=distance)
    start = task.start(4, generator())
    parts = [part.clone().requires_grad_() for part in (start.x, start.w)]
    assert torch.autograd.gradcheck(lambda x, w: method.surrogate(task, start._replace(x=x, w=w), generator()), parts)


def test_a_cosine_does_not_see_lengths():
    task, network = EmpiricalTask(class_data(1)), Network((4,), mean=False)
    chosen = task.start(5, generator())
    cosine, squared = (GradientMatching(network=network, distance=distance) for distance in ("cosine", "squared"))
    longer = chosen._replace(w=7 * chosen.w)
    torch.testing.assert_close(cosine.surrogate(task, longer, generator()), cosine.surrogate(task, chosen, generator()))
    assert (squared.surrogate(task, longer, generator()) != squared.surrogate(task, chosen, generator())).all()


def test_batches_are_rows_of_each_class_by_default_as_many_as_the_smallest_has():
    data = class_data(2, (9, 4, 6), replicates=2)
    for batch, count in ((None, 4), (3, 3), (100, 100)):
        ours, theirs = GradientMatching(batch=batch)._groups(data, data, generator())
        assert theirs.w.shape == (3, 2, count)
        assert (theirs.y.argmax(-1) == torch.arange(3).view(3, 1, 1)).all()
        assert torch.equal(ours.w.sum((1, 2)), torch.tensor([18.0, 8.0, 12.0]).double())
        for r in range(2):
            if batch is None:
                assert len(theirs.x[:, r].flatten(0, 1).unique(dim=0)) == 3 * count  # no row twice
            elif batch == 100:  # drawn with replacement, every row of a class as likely
                assert len(theirs.x[:, r].flatten(0, 1).unique(dim=0)) == 19
            assert all((row == data.x[r]).all(-1).any() for row in theirs.x[:, r].flatten(0, 1))


def test_networks_are_trained_on_the_set_until_they_are_fresh_again():
    training = Training(2, 0.01, "sgd")
    task, draw = EmpiricalTask(class_data(0)), generator()
    method = GradientMatching(restart=3, training=training, network=Network((4,)))
    state = method.init(task, 3, draw)
    for step in range(1, 7):
        before = state.memory
        state, _ = method.update(task, state, draw)
        trained = training.run(lambda theta, s=state.current: method.network.loss(theta, s), before)
        assert torch.allclose(state.memory, trained, rtol=1e-12, atol=0) == (step % 3 != 0)
        assert not state.memory.requires_grad


def test_descent_lowers_the_distance():
    task = EmpiricalTask(class_data(0))
    for distance in ("squared", "cosine"):
        method = GradientMatching(0.1, 60, network=Network((8,), "tanh"), distance=distance, draws=4, keep="last")
        start, end = (distil(method, task, 3, steps, generator())[0] for steps in (0, 60))
        judge = replace(method, draws=64)
        before, after = (judge.surrogate(task, chosen, generator(9)) for chosen in (start, end))
        assert (after < 0.8 * before).all()


@pytest.mark.parametrize("options", [{"draws": 0}, {"restart": 0}, {"batch": 0}, {"distance": "l1"}])
def test_clear_errors(options):
    with pytest.raises(ValueError, match=r"must be at least 1|whole number of at least 1|must be 'squared' or 'cosine'"):
        GradientMatching(**options)
