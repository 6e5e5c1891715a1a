"""Every public learner on another device and in another precision, and what a step of its training waits for."""

from __future__ import annotations

import inspect
from dataclasses import replace

import pytest
import torch

import ddlib.learners
from ddlib.learners import (
    NTK,
    RBF,
    BayesianLinear,
    KernelRidge,
    Linear,
    ModuleLearner,
    NearestNeighbour,
    Network,
    RandomFeatures,
    RandomForest,
    RegressionForest,
    SoftmaxRegression,
    TrainedNetwork,
    Training,
    least_absolute,
    logistic,
    ridge,
)
from ddlib.learners.check import no_negative_weight
from tests.accelerator import DEVICE, accelerator, moved
from tests.ddlib.devices import agrees, everywhere
from tests.ddlib.worlds import class_data, random_data

NUMBERS, CLASSES = random_data(0, 12), class_data(0, (4, 4, 4))
SMALL = Training(3, 0.1)


class Steady(torch.nn.Module):
    """A module that draws nothing: torch's own layers draw from the global generator, which is theirs."""

    def __init__(self):
        super().__init__()
        self.weight = torch.nn.Parameter(torch.tensor([[0.5], [0.1], [-0.3]]))

    def forward(self, x):
        return x @ self.weight


LEARNERS = [
    *(KernelRidge(kernel, 0.1, name=f"kernel ridge {type(kernel).__name__}") for kernel in (RBF(2.0), NTK(), Linear())),
    KernelRidge(RBF(2.0), 0.1, relative=True, name="kernel ridge, relative"),
    BayesianLinear(),
    RegressionForest(trees=2),
    TrainedNetwork(Network((4,), "tanh"), SMALL, 0.1),
    ModuleLearner(Steady, "squared", SMALL),
    RandomFeatures(Network((4,), "tanh"), draws=2),
    TrainedNetwork(Network((4,)), replace(SMALL, optimiser="sgd"), name="network, sgd"),
    NearestNeighbour(),
    RandomForest(trees=2),
    SoftmaxRegression(),
    SoftmaxRegression(soft=True, name="logistic, soft"),
]
OF_CLASSES = (NearestNeighbour, RandomForest, SoftmaxRegression)


def test_no_public_learner_is_left_out():
    public = [getattr(ddlib.learners, name) for name in ddlib.learners.__all__]
    assert {kind for kind in public if inspect.isclass(kind) and hasattr(kind, "predict") and hasattr(kind, "fit")} == {
        type(learner) for learner in LEARNERS
    }


@everywhere
@pytest.mark.parametrize("learner", LEARNERS, ids=lambda learner: learner.name)
def test_every_learner(learner, dtype, draws):
    def compute(data, draw):
        return learner.predict(learner.fit(data, draw), data.x)

    agrees(compute, CLASSES if isinstance(learner, OF_CLASSES) else NUMBERS, dtype, draws)


@everywhere
@pytest.mark.parametrize("fit", [least_absolute, lambda data: ridge(data, 0.0), lambda data: ridge(data, 1.0)])
def test_linear_fits(fit, dtype, draws):
    agrees(lambda data, draw: fit(data), NUMBERS, dtype, draws)
    agrees(lambda data, draw: logistic(data._replace(y=data.y.sign()), 1.0), NUMBERS, dtype, draws)


@pytest.mark.parametrize("optimiser", ["adam", "sgd"])
def test_a_step_of_training_waits_for_nothing(optimiser):
    learner = TrainedNetwork(Network((4,)), Training(3, 0.1, optimiser=optimiser), 0.1)
    assert not agrees(lambda data, draw: learner.fit(data, draw), NUMBERS)


def test_weights_are_looked_at_once_on_an_accelerator_and_again_when_they_have_changed():
    with accelerator() as waits:
        data = moved(NUMBERS, DEVICE)

        def waited(weights):
            waits.clear()
            no_negative_weight(data._replace(w=weights))
            return waits.total()

        assert [waited(data.w), waited(data.w), waited(data.w.expand(3, -1, -1)), waited(data.w[:, :4])] == [1, 0, 0, 0]
        data.w.mul_(2)
        assert [waited(data.w), waited(data.w)] == [1, 0]
        data.w[0, 0] = -1
        for weights in (data.w, data.w, data.w.expand(3, -1, -1)):
            with pytest.raises(ValueError, match="weights must be 0 or more, but one is -1"):
                waited(weights)
        assert waited(data.w[:, 1:]) == 2  # of what they are a part of, one is negative


def test_weights_on_the_cpu_are_looked_at_every_time():
    data = random_data(0)
    no_negative_weight(data)
    data.w.numpy()[0, 0] = -1  # which no version tells
    with pytest.raises(ValueError, match="one is -1"):
        no_negative_weight(data)


def test_data_of_single_precision_on_the_cpu_give_models_of_it():
    data = moved(NUMBERS, dtype=torch.float32)
    assert BayesianLinear().fit(data).mean.dtype == ridge(data, 1.0).dtype == torch.float32
