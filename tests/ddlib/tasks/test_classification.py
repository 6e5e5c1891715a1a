import math

import pytest
import torch
from hypothesis import given, settings
from sklearn.metrics import accuracy_score

from ddlib.learners import RBF, KernelRidge, NearestNeighbour, Network, SoftmaxRegression, TrainedNetwork, Training
from ddlib.problem import Distilled, regret
from ddlib.tasks import ClassificationTask, IntervalTask
from ddlib.tasks.splits import Splits
from tests.ddlib.worlds import class_data, generator, random_data, seeds

LEARNERS = [
    KernelRidge(RBF(2.0), 0.1),
    SoftmaxRegression(),
    NearestNeighbour(),
    TrainedNetwork(Network((4,)), Training(30, 0.05), 0.01),
]


def weighted_splits(seed=0):
    parts = []
    for part in range(3):
        data = class_data(seed + part, replicates=2)
        parts.append(data._replace(w=torch.rand(data.w.shape, generator=generator(seed + part), dtype=torch.float64) + 0.1))
    return Splits(*parts)


@pytest.mark.parametrize("learner", LEARNERS, ids=lambda learner: learner.name)
@pytest.mark.parametrize("split", ["train", "validation", "test"])
def test_the_risk_is_one_minus_scikit_learns_accuracy(learner, split):
    splits = weighted_splits()
    task = ClassificationTask(splits, learner)
    model, data = task.fit(task.start(5, generator(1)), generator(2)), splits.part(split)
    predicted = learner.predict(model, data.x).argmax(-1)
    for r in range(2):
        accuracy = accuracy_score(data.y[r].argmax(-1), predicted[r], sample_weight=data.w[r].numpy())
        assert task.risk(model, split)[r].item() == pytest.approx(1 - accuracy, abs=1e-12)


@given(seeds)
@settings(max_examples=10)
def test_the_losses_are_their_formulas_on_the_training_data(seed):
    splits, learner = weighted_splits(seed), SoftmaxRegression(0.1)
    data = splits.train
    model = learner.fit(data) + 0.3
    score = learner.predict(model, data.x)
    squared = ClassificationTask(splits, learner).training_loss(model)
    entropy = ClassificationTask(splits, learner, "cross_entropy").training_loss(model)
    for r in range(2):
        total = sum(float(data.w[r, i]) * float((score[r, i] - data.y[r, i]).square().sum()) for i in range(24))
        assert squared[r].item() == pytest.approx(total / data.w[r].sum().item())
        each = torch.nn.functional.cross_entropy(score[r], data.y[r].argmax(-1), reduction="none")
        assert entropy[r].item() == pytest.approx(((data.w[r] @ each) / data.w[r].sum()).item())


@pytest.mark.parametrize("loss", ["squared", "cross_entropy"])
def test_many_models_are_judged_at_once_as_one_by_one(loss):
    task = ClassificationTask(weighted_splits(), LEARNERS[1], loss)
    models = torch.randn(3, 2, 12, generator=generator(), dtype=torch.float64)
    for judge in (task.training_loss, task.risk):
        torch.testing.assert_close(judge(models), torch.stack([judge(model) for model in models]))


def test_what_methods_descend_is_the_loss_on_all_units():
    task = ClassificationTask(weighted_splits(), LEARNERS[0])
    chosen = task.start(5, generator())
    (block,) = task.blocks(chosen)
    model = task.fit(chosen)
    assert block.rows.tolist() == list(range(5))
    assert torch.equal(block.risk(model), task.training_loss(model)) and (block.risk(model) != task.risk(model)).any()


def test_the_reference_is_learned_from_the_training_data_alone():
    splits = weighted_splits()
    task = ClassificationTask(splits, LEARNERS[1])
    torch.testing.assert_close(task.reference, LEARNERS[1].fit(splits.train))
    assert (regret(task, task.reference, "test") == 0).all() and task.train is splits.train and task.name == "logistic"
    assert torch.equal(task.start(3, generator()).y.argmax(-1).sort(-1).values, torch.arange(3).expand(2, 3))


def test_an_objective_is_the_learners_own_and_training_begins_where_the_learner_says():
    splits, network = weighted_splits(), LEARNERS[3]
    linear, trained = ClassificationTask(splits, LEARNERS[1]), ClassificationTask(splits, network)
    assert torch.equal(linear.initial(generator()), torch.zeros(2, 12).double())
    assert torch.equal(trained.initial(generator(3)), network.network.initial(splits.train, generator(3)))
    chosen = trained.start(4, generator())
    for task in (linear, trained):
        model = task.initial(generator(1)) + 0.1
        assert torch.equal(task.objective(model, chosen), task.learner.objective(model, chosen))
    assert (linear.objective(linear.fit(chosen), chosen) < linear.objective(linear.initial(generator()), chosen)).all()


@pytest.mark.parametrize("learner", [LEARNERS[0], LEARNERS[2]], ids=lambda learner: learner.name)
def test_learners_without_an_objective_say_so(learner):
    task = ClassificationTask(weighted_splits(), learner)
    with pytest.raises(ValueError, match=f"{learner.name} minimises no objective"):
        task.objective(task.reference, task.train)
    with pytest.raises(ValueError, match=f"{learner.name} minimises no objective"):
        task.initial(generator())


def test_data_that_are_no_classes_are_refused():
    splits, numbers = weighted_splits(), random_data(0)
    with pytest.raises(ValueError, match="one column per class"):
        ClassificationTask(splits._replace(test=numbers), LEARNERS[0])
    with pytest.raises(ValueError, match="one column per class"):
        ClassificationTask(splits._replace(validation=numbers._replace(y=numbers.y.unsqueeze(-1))), LEARNERS[0])
    with pytest.raises(ValueError, match="must be one of 'squared'"):
        ClassificationTask(splits, LEARNERS[0], "hinge")


@pytest.mark.parametrize("part", ["train", "validation", "test"])
def test_spoilt_data_are_refused_in_every_part(part):
    splits, numbers = weighted_splits(), Splits(*(random_data(seed) for seed in range(3)))
    for kind, good in ((lambda s: ClassificationTask(s, LEARNERS[0]), splits), (IntervalTask, numbers)):
        x, y, w = good.part(part)
        with pytest.raises(ValueError, match="hold NaN or infinity"):
            kind(good._replace(**{part: Distilled(x * math.nan, y, w)}))
        with pytest.raises(ValueError, match="weights must be 0 or more"):
            kind(good._replace(**{part: Distilled(x, y, -w)}))
