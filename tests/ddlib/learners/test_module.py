"""Torch modules as learners: what they compute is what the module computes, one by one or side by side."""

import copy
import warnings

import pytest
import torch
from torch import nn

from ddlib.distilled import Distilled
from ddlib.learners import ModuleLearner, ModuleNetwork, Network, RandomFeatures, TrainedNetwork, Training
from ddlib.losses import cross_entropy
from ddlib.methods import DistributionMatching, FirstOrder, GradientMatching, KernelInducing, TrajectoryMatching, Unrolled
from ddlib.problem import distil
from ddlib.protocols import Parametric
from ddlib.tasks import ClassificationTask, RegressionTask, class_labels, split
from tests.ddlib.worlds import generator


def perceptron():
    return nn.Sequential(nn.Linear(3, 4), nn.Tanh(), nn.Linear(4, 2)).double()


def convnet():
    return nn.Sequential(
        nn.Conv2d(1, 4, 3, padding=1), nn.GroupNorm(2, 4), nn.ReLU(), nn.AvgPool2d(2), nn.Flatten(), nn.Linear(4 * 9, 2)
    ).double()


def rows(seed=0, n=7, replicates=3):
    x = torch.randn(replicates, n, 3, generator=generator(seed), dtype=torch.float64)
    w = 0.1 + torch.rand(replicates, n, generator=generator(seed + 1), dtype=torch.float64)
    return Distilled(x, class_labels((x[..., 0] > 0).long(), 2), w)


def images(seed=0, n=40):
    """Two classes of images: bright above, or bright below."""
    label = torch.arange(n) % 2
    x = 0.3 * torch.randn(n, 1, 6, 6, generator=generator(seed), dtype=torch.float64)
    x[label == 0, :, :3] += 1
    x[label == 1, :, 3:] += 1
    return split(x, class_labels(label), (20, 10, 10), 2, generator(seed))


def by_hand(build, theta, x):
    """The module itself, with these weights."""
    module = build()
    nn.utils.vector_to_parameters(theta, module.parameters())
    return module(x)


@pytest.mark.parametrize("batched", [True, False, None])
def test_outputs_features_and_loss_are_the_modules_own(batched):
    network, data = ModuleNetwork(perceptron, cross_entropy, batched=batched), rows()
    theta = network.initial(data, generator())
    assert isinstance(network, Parametric) and theta.shape == (3, 26) and (theta[0] != theta[1]).any()
    for r in range(3):
        outputs = by_hand(perceptron, theta[r], data.x[r])
        torch.testing.assert_close(network.predict(theta, data.x)[r], outputs)
        module = perceptron()
        nn.utils.vector_to_parameters(theta[r], module.parameters())
        torch.testing.assert_close(network.features(theta, data.x)[r], module[:2](data.x[r]))
        each = nn.functional.cross_entropy(outputs, data.y[r].argmax(-1), reduction="none")
        torch.testing.assert_close(network.loss(theta, data)[r], (data.w[r] * each).sum() / data.w[r].sum())


@pytest.mark.parametrize("batched", [True, False])
def test_more_axes_in_front_broadcast(batched):
    network, data = ModuleNetwork(perceptron, batched=batched), rows()
    many = Distilled(*(part.expand(5, *part.shape) for part in data))
    theta = network.initial(many, generator())
    assert theta.shape == (5, 3, 26) and network.features(theta, data.x).shape == (5, 3, 7, 4)
    torch.testing.assert_close(network.loss(theta, data)[4], network.loss(theta[4], data))
    one = Distilled(*(part[:1] for part in data))
    torch.testing.assert_close(network.predict(theta, one.x)[2, 1], by_hand(perceptron, theta[2, 1], one.x[0]))


def test_the_same_network_as_a_module_and_as_ours_has_the_same_gradients_weights_and_training():
    ours, module, data = Network((4,), "tanh"), ModuleNetwork(perceptron, lambda f, y: 0.5 * (f - y).square().sum(-1)), rows()
    theta = ours.initial(data, generator())
    layers = ours.layers(theta, 3)
    flat = torch.cat([part for layer in layers for part in (layer.weight[:, :-1].mT.flatten(1), layer.weight[:, -1])], -1)
    torch.testing.assert_close(ours.loss(theta, data), module.loss(flat, data))
    for mine, other in zip(ours.weights(theta, data), module.weights(flat, data), strict=True):
        torch.testing.assert_close(mine[:, :-1], other)  # ours have the biases as a last row
    first = TrainedNetwork(ours, Training(5, 0.1, "sgd")).training.run(lambda t: ours.loss(t, data), theta)
    second = Training(5, 0.1, "sgd").run(lambda t: module.loss(t, data), flat)
    torch.testing.assert_close(ours.predict(first, data.x), module.predict(second, data.x))


def test_a_seed_gives_the_same_weights_and_leaves_torchs_own_random_numbers_alone():
    learner, data = ModuleLearner(perceptron, training=Training(2)), rows()
    torch.manual_seed(1)
    before = torch.rand(2)
    torch.manual_seed(1)
    first = learner.fit(data, generator(3))
    assert torch.equal(torch.rand(2), before)
    assert torch.equal(first, learner.fit(data, generator(3))) and not torch.equal(first, learner.fit(data, generator(4)))


@pytest.mark.parametrize(
    ("layer", "word"), [(nn.BatchNorm1d(4), "batch normalisation"), (nn.Dropout(0.5), "dropout")], ids=["norm", "dropout"]
)
def test_what_cannot_run_side_by_side_runs_one_by_one_and_says_so_once(layer, word):
    learner = ModuleLearner(lambda: nn.Sequential(nn.Linear(3, 4), layer, nn.Linear(4, 2)).double(), training=Training(3))
    with pytest.warns(UserWarning, match=word):
        model = learner.fit(rows(), generator())
    with warnings.catch_warnings():
        warnings.simplefilter("error")
        assert torch.equal(model, learner.fit(rows(), generator()))
        first, second = (learner.predict(model, rows().x) for _ in range(2))
    assert torch.equal(first, second) and first.isfinite().all()


def test_a_module_that_vmap_cannot_run_runs_all_the_same():
    class Wayward(nn.Module):
        def __init__(self):
            super().__init__()
            self.linear = nn.Linear(3, 2, dtype=torch.float64)

        def forward(self, x):
            return self.linear(x) * (1.0 if x.sum().item() > 0 else 2.0)

    network, data = ModuleNetwork(Wayward), rows()
    theta = network.initial(data, generator())
    with pytest.warns(UserWarning, match="vmap"):
        outputs = network.predict(theta, data.x)
    torch.testing.assert_close(outputs[1], by_hand(Wayward, theta[1], data.x[1]))


def test_a_module_without_a_linear_layer_names_its_features():
    def build():
        return nn.Sequential(nn.Conv2d(1, 2, 6), nn.Flatten())

    network = ModuleNetwork(build, head="1")
    theta = network.initial(images().train.to(torch.float32), generator())
    assert network.features(theta, images().train.x.float()).shape == (2, 20, 2)
    with pytest.raises(ValueError, match=r"head='\.\.\.'"):
        ModuleNetwork(build).features(theta, images().train.x.float())


LEARNER = ModuleLearner(convnet, "cross_entropy", Training(20, 0.05), name="ConvNet")
METHODS = [
    Unrolled(0.1, training=Training(3, 0.1)),
    Unrolled(0.1, training=Training(3, 0.1), learn_rate=True),
    FirstOrder(0.1),
    GradientMatching(0.1, network=LEARNER.network, distance="cosine"),
    DistributionMatching(0.1, network=LEARNER.network),
    TrajectoryMatching(
        0.1, network=LEARNER.network, expert=Training(6, 0.1), student=Training(2, 0.1), stride=2, latest=2, relative=False
    ),
    KernelInducing(0.05, learner=RandomFeatures(LEARNER.network, draws=2)),
]


@pytest.mark.parametrize("method", METHODS, ids=lambda method: method.name)
def test_methods_distil_images_with_a_convolutional_network(method):
    """The surrogate falls, images keep their shape, and the set serves the network better than none."""
    task = ClassificationTask(images(), LEARNER, "cross_entropy")
    run = distil(method, task, 4, 6, generator())
    assert run.distilled.x.shape == (2, 4, 1, 6, 6) and run.distilled.x.isfinite().all()
    assert not torch.equal(run.distilled.x, method.init(task, 4, generator()).distilled.x)
    assert (task.risk(task.fit(run.distilled, generator()), "test") < 0.5).all()


def test_a_learner_of_rows_sees_images_as_rows():
    flat = ClassificationTask(images(), TrainedNetwork(Network((8,)), Training(20)))
    set_, _ = distil(GradientMatching(network=Network((8,))), flat, 4, 2, generator())
    assert set_.unit == (1, 6, 6) and flat.risk(flat.fit(set_), "test").shape == (2,)
    assert flat.fit(set_).shape == (2, 36 * 8 + 8 + 8 * 2 + 2)


def test_a_series_and_a_regression_with_a_loss_of_ones_own():
    x = torch.randn(60, 2, 12, generator=generator(), dtype=torch.float64)
    parts = split(x, x.mean((1, 2)), (0.5, 0.25, 0.25), 2, generator())
    learner = ModuleLearner(
        lambda: nn.Sequential(nn.Conv1d(2, 3, 3), nn.Flatten(), nn.Linear(30, 1)).double(), training=Training(80)
    )
    task = RegressionTask(parts, learner, lambda f, y: torch.nn.functional.huber_loss(f, y, reduction="none").sum(-1))
    run = distil(FirstOrder(0.05, keep="last"), task, 4, 5, generator())
    assert run.distilled.x.shape == (2, 4, 2, 12)
    f = learner.predict(task.reference, parts.test.x).squeeze(-1)
    expected = torch.nn.functional.huber_loss(f, parts.test.y, reduction="none").mean(-1)
    torch.testing.assert_close(task.risk(task.reference, "test"), expected)


def test_a_batch_of_a_fit_is_a_step_on_some_units():
    data = rows(n=400)
    whole = ModuleLearner(perceptron, "cross_entropy", Training(150, 0.05))
    some = ModuleLearner(perceptron, "cross_entropy", Training(150, 0.05), batch=32)
    losses = [learner.network.loss(learner.fit(data, generator()), data) for learner in (whole, some)]
    assert (losses[0] != losses[1]).all() and (losses[1] < 0.25).all()


def test_frozen_parameters_and_buffers_belong_to_each_function_and_stay():
    class Fourier(nn.Module):
        def __init__(self):
            super().__init__()
            self.register_buffer("directions", torch.randn(3, 5))
            self.frozen, self.head = nn.Linear(5, 4).requires_grad_(False), nn.Linear(4, 2)

        def forward(self, x):
            return self.head(self.frozen((x @ self.directions).cos()))

    learner, data = ModuleLearner(Fourier, training=Training(10, 0.1), penalty=0.5), rows()
    start, end = learner.initial(data, generator(1)), learner.fit(data, generator(1))
    held = 3 * 5 + 5 * 4 + 4
    assert start.shape == (3, 10 + held) and not torch.equal(start[0, 10:], start[1, 10:])
    assert torch.equal(start[:, 10:], end[:, 10:]) and (start[:, :10] != end[:, :10]).all()
    torch.testing.assert_close(
        learner.objective(start, data) - learner.network.loss(start, data), 0.25 * start[:, :10].square().sum(-1)
    )


def test_features_are_what_the_linear_layer_sees_that_is_called_last():
    class Backwards(nn.Module):
        def __init__(self):
            super().__init__()
            self.out, self.hidden = nn.Linear(7, 2, dtype=torch.float64), nn.Linear(3, 7, dtype=torch.float64)

        def forward(self, x):
            return self.out(self.hidden(x).relu())

    network = ModuleNetwork(Backwards)
    assert network.features(network.initial(rows(), generator()), rows().x).shape == (3, 7, 7)


def test_the_columns_of_weights_are_the_outputs_of_layers():
    network = ModuleNetwork(lambda: nn.Sequential(nn.ConvTranspose1d(2, 3, 4), nn.Flatten(), nn.Linear(27, 2)).double())
    data = Distilled(torch.zeros(1, 5, 2, 6).double(), torch.zeros(1, 5, 2).double(), torch.ones(1, 5).double())
    theta = network.initial(data, generator())
    assert [matrix.shape[1:] for matrix in network.weights(theta, data)] == [(8, 3), (27, 2)]
    module = nn.ConvTranspose1d(2, 3, 4, bias=False).double()
    first = network.weights(theta, data)[0][0]
    module.weight.data = first.mT.view(3, 2, 4).transpose(0, 1)
    torch.testing.assert_close(module.weight.flatten(), theta[0, :24])


LAYERS = [
    *(nn.Conv1d(4, 8, 3, groups=groups) for groups in (1, 2, 4)),
    *(nn.ConvTranspose1d(4, 8, 3, groups=groups) for groups in (1, 2, 4)),
    *(nn.ConvTranspose1d(8, 4, 1, groups=groups) for groups in (1, 2, 4)),
    nn.ConvTranspose2d(4, 2, (3, 2), groups=2),
    nn.Conv2d(4, 2, (3, 2), groups=2),
    nn.Conv3d(2, 4, 2, groups=2),
    nn.ConvTranspose3d(4, 4, 2, groups=2),
    nn.utils.parametrizations.weight_norm(nn.ConvTranspose1d(4, 8, 3, groups=2)),
    nn.Linear(4, 3),
]


@pytest.mark.parametrize("layer", LAYERS, ids=str)
def test_a_column_of_the_weights_has_what_its_output_unit_depends_on(layer):
    """In any layer, with groups or without: no more, no less, and each weight once."""
    layer.bias = None
    inputs = getattr(layer, "in_channels", 4)
    axes = 0 if isinstance(layer, nn.Linear) else len(layer.kernel_size)
    network = ModuleNetwork(lambda: copy.deepcopy(nn.Sequential(layer, nn.Flatten(), nn.Softmax(-1))))
    units = torch.randn(1, 2, inputs, *(4,) * axes, generator=generator())
    data = Distilled(units, torch.zeros(1, 2), torch.ones(1, 2))
    theta = network.initial(data, generator())
    (columns,) = network.weights(torch.arange(theta.shape[-1], dtype=torch.float64)[None], data)
    free = theta[0].requires_grad_()
    outputs = torch.func.functional_call(
        layer, dict(zip(dict(layer.named_parameters()), split_like(layer, free), strict=True)), units[0]
    )
    assert columns.shape[-1] == outputs.shape[1]
    for number, column in enumerate(columns[0].mT.long().tolist()):
        (slope,) = torch.autograd.grad(outputs[:, number].square().sum(), free, retain_graph=True)
        assert set(column) <= set(slope.nonzero().flatten().tolist())
        assert len(set(column)) == len(column) == layer.weight.numel() // outputs.shape[1]


def split_like(layer, theta):
    sizes = [part.numel() for part in layer.parameters()]
    return [part.view_as(like) for part, like in zip(theta.split(sizes), layer.parameters(), strict=True)]


@pytest.mark.parametrize("kind", [nn.Conv1d, nn.ConvTranspose1d])
def test_the_cosine_distance_of_a_grouped_layer_is_that_of_its_own_output_units(kind):
    """Two gradients of one layer, cut by hand: a group of outputs sees a group of inputs."""
    network = ModuleNetwork(lambda: nn.Sequential(kind(4, 6, 3, groups=2, bias=False), nn.Flatten()))
    data = Distilled(torch.zeros(1, 2, 4, 5), torch.zeros(1, 2), torch.ones(1, 2))
    size = network.initial(data, generator()).shape[-1]
    ours, theirs = torch.randn(2, 1, size, generator=generator(), dtype=torch.float64)
    weights = [part.view(kind(4, 6, 3, groups=2).weight.shape) for part in (ours, theirs)]
    units = []
    for output in range(6):
        group, place = divmod(output, 3)
        of = (lambda w, g=group, p=place: w[2 * g : 2 * g + 2, p]) if kind is nn.ConvTranspose1d else (lambda w, o=output: w[o])
        units.append(1 - torch.cosine_similarity(*(of(weight).flatten() for weight in weights), dim=0))
    distance = GradientMatching(network=network, distance="cosine")._apart(ours, theirs, data)
    torch.testing.assert_close(distance, torch.stack(units).sum()[None])


class InPlace(nn.Linear):
    def forward(self, x):
        x -= 1.0
        return super().forward(x)


class Pair(nn.Linear):
    def forward(self, x):
        return super().forward(x), x


def shared(module=nn.Linear(3, 2)):  # noqa: B008
    return module


@pytest.mark.parametrize(
    ("build", "error", "sentence"),
    [
        (lambda: InPlace(3, 2), ValueError, "write x = x - 1"),
        (lambda: Pair(3, 2), TypeError, "one row of numbers per unit"),
        (lambda: nn.LazyLinear(2), ValueError, "lazy layers"),
        (nn.ReLU, ValueError, "no parameter to train"),
        (lambda: nn.Sequential(nn.Linear(3, 4), nn.InstanceNorm1d(4, track_running_stats=True)), ValueError, "statistics|shape"),
        (lambda: nn.Sequential(nn.utils.parametrizations.spectral_norm(nn.Linear(3, 4))), ValueError, "such as GroupNorm"),
        (shared, TypeError, "the same module twice"),
        (lambda: nn.Conv2d(1, 2, 3), ValueError, r"x\[:, None\]"),
        (lambda: "module", TypeError, "must return a torch module"),
    ],
)
def test_a_module_that_cannot_be_a_function_of_its_weights_is_refused(build, error, sentence):
    data = rows().to(torch.float32)
    with pytest.raises(error, match=sentence):
        ModuleLearner(build, training=Training(1)).fit(data, generator())
    assert torch.equal(data.x, rows().x.float())


def test_randomness_that_is_no_layer_is_seeded_too():
    class Noisy(nn.Linear):
        def forward(self, x):
            return super().forward(nn.functional.dropout(x, 0.5, self.training))

    learner, data = ModuleLearner(lambda: Noisy(3, 2), training=Training(5, 0.1)), rows().to(torch.float32)
    with pytest.warns(UserWarning, match="global random numbers"):
        first = learner.fit(data, generator(2))
    assert torch.equal(first, learner.fit(data, generator(2)))
    assert torch.equal(learner.predict(first, data.x), learner.predict(first, data.x))


def test_several_outputs_for_labels_that_are_numbers_are_refused():
    data = rows()._replace(y=rows().y[..., 0])
    with pytest.raises(ValueError, match="give it one, or make rows by class_labels"):
        ModuleLearner(perceptron, training=Training(1)).fit(data)
