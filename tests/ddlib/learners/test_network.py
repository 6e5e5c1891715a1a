import itertools
import math

import pytest
import torch
from hypothesis import given
from hypothesis import strategies as st

from ddlib.learners import Network
from ddlib.problem import Distilled
from tests.ddlib.worlds import any_set, class_data, generator, random_data, seeds

networks = st.builds(
    Network, st.sampled_from([(), (4,), (5, 3)]), st.sampled_from(["relu", "tanh"]), st.booleans(), st.booleans(), st.just(1.0)
)


def module(network: Network, inputs: int, outputs: int) -> torch.nn.Sequential:
    """The same function class by torch, with random weights of its own and biases that are not zero."""
    units = [inputs, *network.widths, outputs]
    layers: list[torch.nn.Module] = []
    for a, b in itertools.pairwise(units):
        layers += [torch.nn.Linear(a, b, network.bias, dtype=torch.float64), torch.nn.ReLU()]
        if network.activation == "tanh":
            layers[-1] = torch.nn.Tanh()
    return torch.nn.Sequential(*layers[:-1])


def flat(sequential: torch.nn.Sequential) -> torch.Tensor:
    """Torch's weights in the order that the network promises: of each layer the weights, input by input, then the biases."""
    linear = [layer for layer in sequential if isinstance(layer, torch.nn.Linear)]
    parts = [[layer.weight.T.flatten(), *([] if layer.bias is None else [layer.bias])] for layer in linear]
    return torch.cat(list(itertools.chain(*parts))).detach()


@given(networks, seeds, st.booleans())
def test_computes_what_torchs_layers_compute(network, seed, scalar):
    torch.manual_seed(seed)
    data = any_set(random_data(seed) if scalar else class_data(seed), 7, seed)
    pair = Distilled(*(torch.cat([part, 2 * part]) for part in data))
    outputs = 1 if scalar else 3
    modules = [module(network, 3, outputs) for _ in range(2)]
    theta = torch.stack([flat(m) for m in modules])
    expected = torch.stack([m(x) for m, x in zip(modules, pair.x, strict=True)])
    assert theta.shape[-1] == sum(a * b for a, b in network.sizes(3, outputs))
    torch.testing.assert_close(network.predict(theta, pair.x), expected)
    hidden = torch.stack([m[:-1](x) for m, x in zip(modules, pair.x, strict=True)])
    torch.testing.assert_close(network.features(theta, pair.x), hidden)
    for r in range(2):
        error = torch.nn.functional.mse_loss(expected[r], pair.y[r].view(7, outputs), reduction="none").sum(-1)
        loss = (pair.w[r] @ error) / 2 / (pair.w[r].sum() if network.mean else 1)
        torch.testing.assert_close(network.loss(theta, pair)[r], loss)


def test_layers_are_views_of_the_vector():
    network = Network((4, 2))
    theta = torch.arange(2 * network.initial(random_data(0), generator()).shape[-1], dtype=torch.float64).view(2, -1)
    layers = network.layers(theta, 3)
    assert [tuple(layer.weight.shape) for layer in layers] == [(2, 4, 4), (2, 5, 2), (2, 3, 1)]
    assert torch.equal(torch.cat([layer.weight.flatten(1) for layer in layers], -1), theta)
    assert all(layer.weight.untyped_storage().data_ptr() == theta.untyped_storage().data_ptr() for layer in layers)


@pytest.mark.parametrize(("activation", "gain"), [("relu", 2.0), ("tanh", 1.0)])
@pytest.mark.parametrize("bias", [True, False])
@pytest.mark.parametrize("scale", [1.0, 0.3])
def test_the_initial_weights_have_hes_spread_and_no_bias(activation, gain, bias, scale):
    network = Network((300,), activation, bias, scale=scale)
    data = any_set(class_data(0, d=40), 5, 0)
    theta = network.initial(data._replace(w=data.w.expand(6, 1, 5)), generator())
    assert theta.shape == (6, 1, sum(a * b for a, b in network.sizes(40, 3)))
    first, last = network.layers(theta, 40)
    for layer, expected in ((first, math.sqrt(gain / 40)), (last, math.sqrt(1 / 300))):
        weight = layer.weight[..., :-1, :] if bias else layer.weight
        assert weight.std().item() == pytest.approx(scale * expected, rel=0.05)
        assert abs(weight.mean().item()) < 0.1 * scale * expected
        if bias:
            assert (layer.weight[..., -1, :] == 0).all()


def test_initial_weights_differ_between_replicates_and_scale_is_a_factor():
    data = Distilled(*(torch.cat([part, part]) for part in random_data(0)))
    theta = Network((4,)).initial(data, generator(3))
    assert theta.shape == (2, 4 * 4 + 5) and (theta[0] != theta[1]).any()
    assert torch.equal(theta, Network((4,)).initial(data, generator(3)))
    torch.testing.assert_close(Network((4,), scale=0.5).initial(data, generator(3)), 0.5 * theta)


def test_without_hidden_layers_it_is_the_linear_model():
    data, theta = random_data(1), torch.randn(1, 3, generator=generator(), dtype=torch.float64)
    network = Network((), bias=False, mean=False)
    residual = data.y[0] - data.x[0] @ theta[0]
    torch.testing.assert_close(network.loss(theta, data)[0], residual @ residual / 2)
    assert torch.equal(network.features(theta, data.x), data.x)


@pytest.mark.parametrize(
    ("options", "message"),
    [
        ({"widths": (3, 0)}, "every hidden layer needs at least 1 unit"),
        ({"activation": "sigmoid"}, "must be 'relu' or 'tanh'"),
        ({"scale": 0.0}, "scale of the initial weights must be positive"),
        ({"scale": float("nan")}, "scale of the initial weights must be positive"),
    ],
)
def test_clear_errors(options, message):
    with pytest.raises(ValueError, match=message):
        Network(**options)
