import pytest
import torch

from ddbook.chapters.methods_optimise.experiment import OWN, every
from ddbook.chapters.methods_optimise.own import ClassMatching, LogisticNetwork
from ddlib.learners import logistic_objective
from ddlib.lens import scores
from ddlib.methods import DistributionMatching
from ddlib.problem import Distilled
from ddlib.tasks import LogisticTask, RidgeTask, as_data
from tests.ddbook.chapters.methods_optimise.world import small


def test_the_loss_is_the_classifier_s_without_its_penalty():
    world, dice = small(), torch.Generator().manual_seed(0)
    points = world.single.start(5, dice)
    theta = torch.randn(1, 10, generator=dice, dtype=torch.float64)
    network = world.method("gradient_matching", key="logistic").network
    torch.testing.assert_close(network.loss(theta, points), logistic_objective(theta, world.classifier.read(points), 0.0))


def test_a_mean_loss_is_divided_by_the_summed_weights():
    points = Distilled(torch.ones(1, 2, 1), torch.tensor([[0.0, 1.0]]), torch.tensor([[1.0, 3.0]]))
    summed, mean = (LogisticNetwork((), bias=False, mean=mean, threshold=0.5) for mean in (False, True))
    theta = torch.tensor([[0.7]])
    torch.testing.assert_close(mean.loss(theta, points), summed.loss(theta, points) / 4)


def test_with_points_of_both_classes_class_matching_is_the_library_s_on_class_labels():
    dice = torch.Generator().manual_seed(1)
    x, label = torch.randn(9, 3, generator=dice, dtype=torch.float64), torch.tensor([0, 1, 1] * 3)
    points = Distilled(x[None, :4], label[None, :4].double(), torch.ones(1, 4).double())
    ours = ClassMatching(threshold=0.5).surrogate(RidgeTask(as_data(x, label.double())), points, dice)
    hot = torch.nn.functional.one_hot(label).double()
    task = RidgeTask(as_data(x, label.double()))
    classed = task.data._replace(y=hot[None])
    shown = type("Shown", (), {"train": classed})()
    theirs = DistributionMatching().surrogate(shown, points._replace(y=hot[None, :4]), dice)
    torch.testing.assert_close(ours, theirs)


def test_a_set_without_a_class_is_no_better_for_it():
    task = LogisticTask(as_data(torch.tensor([[-1.0], [-3.0], [4.0], [6.0]]), torch.tensor([0.0, 0.0, 1.0, 1.0])))
    method = ClassMatching(threshold=float(task.threshold))
    both = Distilled(torch.tensor([[[-2.0], [4.0]]]), torch.tensor([[0.0, 1.0]]), torch.ones(1, 2))
    one = both._replace(y=torch.zeros(1, 2))
    assert method.surrogate(task, both, torch.Generator()) < method.surrogate(task, one, torch.Generator())


@pytest.mark.parametrize("name", OWN)
def test_a_label_counts_by_its_side_of_the_threshold_alone(name):
    world = small()
    sets = world.family.start(world.budget, world.generator())
    louder = sets._replace(y=torch.where(sets.y > world.classifier.threshold, sets.y + 5, sets.y - 5))
    own, squared = (
        [
            scores(world.method(name, key=key), world.single, every(some, slice(0, 1)), world.generator(), 1)
            for some in (sets, louder)
        ]
        for key in ("logistic", "ridge")
    )
    torch.testing.assert_close(*own)
    assert not torch.allclose(*squared)
