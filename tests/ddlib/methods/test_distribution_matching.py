import pytest
import torch
from hypothesis import given, settings
from hypothesis import strategies as st
from sklearn.neighbors import NearestCentroid

from ddlib.learners import NearestNeighbour, Network
from ddlib.methods import DistributionMatching
from ddlib.methods.joined import joined
from ddlib.problem import Distilled, distil
from ddlib.tasks import EmpiricalTask, class_labels
from tests.ddlib.worlds import any_set, class_data, generator, random_data, seeds

SIZES = (9, 4, 6)


def weighted(seed, replicates=1):
    data = class_data(seed, SIZES, replicates=replicates)
    return data._replace(w=torch.rand(data.w.shape, generator=generator(seed), dtype=torch.float64) + 0.1)


def class_means(data):
    """One point per class."""
    label, rows = data.y.argmax(-1), []
    for c in range(3):
        share = data.w * (label == c)
        rows.append((share.unsqueeze(-1) * data.x).sum(1) / share.sum(-1, keepdim=True))
    y = class_labels(torch.arange(3), 3).expand(data.replicates, 3, 3)
    return Distilled(torch.stack(rows, 1), y, torch.ones_like(y[..., 0]))


@given(seeds, st.integers(1, 3))
@settings(max_examples=20)
def test_with_linear_features_class_means_are_optimal(seed, copies):
    data = weighted(seed, replicates=2)
    means, task = class_means(data), EmpiricalTask(data, 2)
    several = Distilled(*(part.repeat_interleave(copies, 1) for part in means))
    shift = torch.randn(means.x.shape, generator=generator(seed), dtype=torch.float64)
    moved = several._replace(x=several.x + shift.repeat_interleave(copies, 1))
    for weight in (1.0, 3.0):
        value = DistributionMatching().surrogate(task, several._replace(w=weight * several.w), generator())
        torch.testing.assert_close(value, torch.zeros(2).double(), rtol=0, atol=1e-24)
    torch.testing.assert_close(DistributionMatching().surrogate(task, moved, generator()), shift.square().sum((1, 2)))


def test_descent_reaches_the_class_means():
    data = weighted(0, replicates=2)
    chosen, history = distil(DistributionMatching(lr=0.3, horizon=400), EmpiricalTask(data, 2), 3, 400, generator())
    order = chosen.y.argmax(-1).argsort(-1).unsqueeze(-1)
    torch.testing.assert_close(chosen.x.take_along_dim(order, 1), class_means(data).x, rtol=0, atol=1e-4)
    assert (history[-1].surrogate < 1e-8).all()


def test_the_means_serve_the_nearest_mean_and_nothing_of_second_order():
    data, new = class_data(1, (20, 20, 20)), class_data(2, (40, 40, 40)).x
    oracle = NearestCentroid().fit(data.x[0].numpy(), data.y[0].argmax(-1).numpy())
    learner, means = NearestNeighbour(), class_means(data)
    ours = learner.predict(learner.fit(means), new)[0].argmax(-1)
    assert (ours.numpy() == oracle.predict(new[0].numpy())).all()
    wider = data._replace(x=means.x[:, data.y[0].argmax(-1)] + 3 * (data.x - means.x[:, data.y[0].argmax(-1)]))
    value = DistributionMatching().surrogate(EmpiricalTask(data), wider, generator())
    assert (value < 1e-24).all()  # three times the spread, and yet no difference


def by_hand(network, theta, data, chosen):
    """Class by class and row by row."""
    total = torch.zeros((), dtype=torch.float64)
    for c in range(3):
        means = []
        for rows in (chosen, data):
            kept = [i for i in range(rows.budget) if rows.y[0, i].argmax() == c]
            h = [rows.w[0, i] * network.features(theta, rows.x[0, i : i + 1])[0] for i in kept]
            means.append(sum(h) / sum(rows.w[0, i] for i in kept) if kept else None)
        if means[0] is not None:
            total += (means[0] - means[1]).square().sum()
    return total


@pytest.mark.parametrize("activation", ["relu", "tanh"])
@pytest.mark.parametrize("budget", [2, 7])
def test_agrees_with_plain_loops_over_networks_classes_and_rows(activation, budget):
    network, data = Network((5, 4), activation), weighted(3)
    task, draws = EmpiricalTask(data), 3
    chosen = task.start(budget, generator(1))  # with two points a class is missing
    chosen = chosen._replace(x=chosen.x + 0.3, w=torch.arange(1.0, budget + 1).double().unsqueeze(0))
    thetas = network.initial(data._replace(w=data.w.expand(draws, *data.w.shape)), generator(4))
    expected = torch.stack([by_hand(network, theta[0], data, chosen) for theta in thetas]).mean()
    method = DistributionMatching(network=network, draws=draws)
    torch.testing.assert_close(method.surrogate(task, chosen, generator(4)), expected.view(1))


@pytest.mark.parametrize("network", [Network(()), Network((4,), "tanh")], ids=["linear", "random"])
@pytest.mark.parametrize("budget", [2, 5])
def test_the_surrogate_has_the_gradient_of_its_values(network, budget):
    task, method = EmpiricalTask(weighted(3)), DistributionMatching(network=network)
    start = task.start(budget, generator(1))
    parts = [part.clone().requires_grad_() for part in (start.x, start.w)]
    assert torch.autograd.gradcheck(lambda x, w: method.surrogate(task, start._replace(x=x, w=w), generator()), parts)


@given(seeds)
@settings(max_examples=10)
def test_scalar_labels_are_one_more_column(seed):
    data, chosen = random_data(seed), any_set(random_data(seed), 4, seed)
    scale = data.y.std(-1, correction=0, keepdim=True)
    ours, theirs = joined(chosen, scale), joined(data, scale)
    mean = (chosen.w.unsqueeze(-1) * ours).sum(1) / chosen.w.sum(-1, keepdim=True)
    expected = (mean - theirs.mean(1)).square().sum(-1)
    torch.testing.assert_close(DistributionMatching().surrogate(EmpiricalTask(data), chosen, generator()), expected)


def test_every_update_has_fresh_networks():
    task = EmpiricalTask(weighted(0))
    method, draw = DistributionMatching(network=Network((4,))), generator()
    chosen = task.start(3, generator())
    assert method.surrogate(task, chosen, draw) != method.surrogate(task, chosen, draw)


def test_no_network_at_all_is_refused():
    with pytest.raises(ValueError, match="at least 1 random network"):
        DistributionMatching(draws=0)
