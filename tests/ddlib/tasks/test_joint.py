"""One set for several tasks, and units with several labels."""

import pytest
import torch

from ddlib.learners import KernelRidge, Network, TrainedNetwork, Training
from ddlib.lens import scores, stacked
from ddlib.methods import FirstOrder, Unrolled
from ddlib.problem import distil
from ddlib.serving import serves_many, serving, singly
from ddlib.tasks import ClassificationTask, JointTask, RegressionTask, RidgeTask, Splits, split
from tests.ddlib.worlds import any_set, class_data, generator, random_data

NETWORK = TrainedNetwork(Network((4,), "tanh"), Training(4, 0.1), penalty=0.01)


def classes(learner=NETWORK):
    return ClassificationTask(Splits(*(class_data(seed) for seed in range(3))), learner)


class Alone(RidgeTask):
    """A task for the sets of its own replicates alone."""

    serves = False


def test_a_joint_task_serves_many_sets_if_all_its_tasks_do():
    both = [RidgeTask(random_data(0), name=f"ridge {penalty}", penalties=(penalty,)) for penalty in (0.1, 10.0)]
    able, inner = JointTask(tuple(both)), JointTask((both[0], Alone(random_data(0), name="alone")), name="inner")
    assert serves_many(able) and serving(able, 5).train.replicates == 5
    for joint, named in ((inner, "alone"), (JointTask((both[0], inner), name="outer"), "inner")):
        assert not serves_many(joint)
        with pytest.raises(
            ValueError, match=f"^{named} has a fixed number of replicates, so that {joint.name} cannot serve 5 sets"
        ):
            serving(joint, 5)
        sets = stacked([joint.start(4, generator(seed)) for seed in range(3)])
        one_by_one = torch.cat([joint.risk(joint.fit(one)) for one in singly(joint, sets)])
        torch.testing.assert_close(scores(FirstOrder(), joint, sets, generator()), one_by_one)
    with pytest.raises(ValueError, match="alone has a fixed number of replicates: compare"):
        serving(inner.tasks[1], 5)


def test_several_yes_or_no_labels():
    x = torch.randn(120, 3, generator=generator(), dtype=torch.float64)
    parts = split(x, (x > 0).double(), (60, 30, 30), 2, generator())
    learner = TrainedNetwork(Network((16,)), Training(100, 0.05))
    task = RegressionTask(parts, learner, "binary_cross_entropy")
    chosen = distil(FirstOrder(0.05, learn=("x", "y")), task, 6, 3, generator()).distilled
    assert chosen.label == (3,) and task.risk(task.fit(chosen), "test").shape == (2,)
    f = task.predict(task.reference, parts.test.x)
    expected = torch.nn.functional.binary_cross_entropy_with_logits(f, parts.test.y, reduction="none").sum(-1).mean(-1)
    torch.testing.assert_close(task.risk(task.reference, "test"), expected)


def test_a_joint_task_adds_risks_and_gradients():
    kernel, network = classes(KernelRidge()), classes()
    joint, chosen = JointTask((kernel, network), (1.0, 3.0)), any_set(kernel.train, 4, 0)
    models = joint.fit(chosen, generator())
    expected = kernel.risk(models[0], "test") + 3 * network.risk(models[1], "test")
    torch.testing.assert_close(joint.risk(models, "test"), expected)
    (block,) = joint.blocks(chosen)
    torch.testing.assert_close(block.risk(models), kernel.training_loss(models[0]) + 3 * network.training_loss(models[1]))
    both = JointTask((kernel, classes(KernelRidge(penalty=1.0))))
    run = distil(FirstOrder(0.1), both, 4, 10, generator())
    assert (run.history[-1].surrogate < run.history[0].surrogate).all()


def test_a_joint_task_of_trained_learners_is_unrolled():
    """With one task in it twice, the step is that of the task alone."""
    alone, twice = classes(), JointTask((classes(), classes()), (0.25, 0.75))
    training = Training(3, 0.1, "sgd")
    theta = alone.initial(generator())
    two = torch.cat([theta, theta], -1)
    end = training.run(lambda t: twice.objective(t, any_set(alone.train, 3, 0)), two)
    single = training.run(lambda t: alone.objective(t, any_set(alone.train, 3, 0)), theta)
    torch.testing.assert_close(end, torch.cat([single, single], -1))
    torch.testing.assert_close(twice.risk(end), alone.risk(single))
    assert distil(Unrolled(training=training), twice, 3, 2, generator()).distilled.budget == 3
