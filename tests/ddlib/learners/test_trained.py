import pytest
import torch
from hypothesis import given, settings
from hypothesis import strategies as st

from ddlib.learners import Network, TrainedNetwork, Training, ridge
from ddlib.problem import Distilled
from tests.ddlib.worlds import any_set, class_data, generator, random_data, seeds


def learner(optimiser="adam", steps=4, penalty=0.1, **network):
    return TrainedNetwork(Network((3,), "tanh", **network), Training(steps, 0.1, optimiser), penalty)


@pytest.mark.parametrize("optimiser", ["sgd", "adam"])
@pytest.mark.parametrize("mean", [True, False])
@given(seeds)
@settings(max_examples=3)
def test_the_whole_fit_has_the_gradient_of_its_values(optimiser, mean, seed):
    parts = [part.requires_grad_() for part in any_set(class_data(seed), 4, seed)]
    model = learner(optimiser, mean=mean)
    assert torch.autograd.gradcheck(lambda *parts: model.fit(Distilled(*parts), generator(1)), parts)


@given(seeds, st.sampled_from([0.3, 3.0]))
@settings(max_examples=5)
def test_without_hidden_layers_a_long_training_is_ridge_regression(seed, penalty):
    data = random_data(seed)
    data = data._replace(x=data.x / torch.linalg.matrix_norm(data.x, 2).view(1, 1, 1))
    linear = TrainedNetwork(Network((), bias=False, mean=False), Training(150, 1 / (1 + penalty), "sgd"), penalty)
    with torch.no_grad():
        torch.testing.assert_close(linear.fit(data), ridge(data, penalty), rtol=1e-6, atol=1e-8)


def test_the_objective_is_the_loss_and_the_decay_and_training_lowers_it():
    data, model = class_data(0), learner(steps=50)
    theta = model.initial(data, generator(2))
    torch.testing.assert_close(model.objective(theta, data), model.network.loss(theta, data) + 0.05 * theta.square().sum(-1))
    assert (model.objective(model.fit(data, generator(2)), data) < 0.5 * model.objective(theta, data)).all()


def test_learns_to_tell_classes_apart():
    data = class_data(3, (20, 20, 20))
    model = TrainedNetwork(Network((16,)), Training(150, 0.03))
    scores = model.predict(model.fit(data), data.x)
    assert scores.shape == (1, 60, 3)
    assert (scores.argmax(-1) == data.y.argmax(-1)).double().mean() > 0.9


def test_each_fit_draws_fresh_weights_and_seed_zero_without_a_generator():
    data, model, draw = class_data(0), learner(), generator(0)
    first, second = model.fit(data, draw), model.fit(data, draw)
    assert torch.equal(model.fit(data), first) and (first != second).all()


def test_a_leading_axis_is_a_batch_of_networks():
    data, model = class_data(0, replicates=2), learner()
    many = Distilled(*(torch.stack([part, 2 * part, part + 1]) for part in data))
    both = model.fit(many, generator(5))
    start = model.initial(many, generator(5))
    for k in range(3):
        one = Distilled(*(part[k] for part in many))
        alone = model.training.run(lambda theta, one=one: model.objective(theta, one), start[k])
        torch.testing.assert_close(both[k], alone)
    assert model.predict(both, data.x).shape == (3, 2, 24, 3)


@pytest.mark.parametrize("penalty", [-1.0, float("nan"), float("inf")])
def test_a_decay_that_makes_no_sense_is_refused(penalty):
    with pytest.raises(ValueError, match="weight decay must be 0 or a positive number"):
        TrainedNetwork(penalty=penalty)
