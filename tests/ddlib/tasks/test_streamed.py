"""Data that are read as they are needed: the same risks as on data that are held, and every batched method distils from them."""

import pytest
import torch
from torch.utils.data import DataLoader, Dataset, TensorDataset

from ddlib.learners import KernelRidge, Network, TrainedNetwork, Training
from ddlib.lens import cloud, faithfulness, gradient_cosine, scores, stacked
from ddlib.methods import FirstOrder, GradientMatching, Herding, RandomRows, TrajectoryMatching
from ddlib.problem import distil
from ddlib.tasks import ClassificationTask, JointTask, RegressionTask, Sources, Splits, StreamedTask, as_data, class_labels
from tests.ddlib.products import on_batches
from tests.ddlib.worlds import generator

LEARNER = TrainedNetwork(Network((8,), "tanh"), Training(60, 0.05))


class Counting(Dataset):
    """Two classes of little images, made when they are read; it counts how often."""

    def __init__(self, count=500):
        self.count, self.read = count, 0

    def __len__(self):
        return self.count

    def __getitem__(self, number):
        self.read += 1
        draw = torch.Generator().manual_seed(number)
        label = number % 2
        return torch.randn(1, 4, 4, generator=draw) + 2 * label - 1, label


def task(learner=LEARNER, replicates=2):
    parts = Sources(Counting(), Counting(90), DataLoader(Counting(70), batch_size=4))
    return StreamedTask(ClassificationTask, parts, learner, classes=2, replicates=replicates, chunk=32)


def in_memory(items):
    pairs = [items[number] for number in range(len(items))]
    return as_data(torch.stack([x for x, _ in pairs]), class_labels([y for _, y in pairs]))


def test_a_risk_is_that_of_the_same_data_in_memory():
    streamed = task()
    data = [in_memory(items) for items in (Counting(), Counting(90), Counting(70))]
    held = ClassificationTask(Splits(*data), LEARNER)
    model = streamed.fit(streamed.start(6, generator()))
    for part in ("train", "validation", "test"):
        torch.testing.assert_close(streamed.risk(model, part), held.risk(model, part))
    torch.testing.assert_close(streamed.training_loss(model), held.training_loss(model))
    assert streamed.risk(streamed.reference, "test").max() < 0.1


@pytest.mark.parametrize("method", [*on_batches(16, 16), RandomRows()], ids=lambda method: method.name)
def test_methods_read_only_their_batches(method):
    streamed = task()
    run = (
        distil(method, streamed, 4, 3, generator())
        if not isinstance(method, RandomRows)
        else distil(method, streamed, 4, 0, generator())
    )
    assert run.distilled.x.shape == (2, 4, 1, 4, 4) and run.distilled.x.isfinite().all()
    assert 0 < streamed.sources.train.read < 5000
    assert streamed.risk(streamed.fit(run.distilled), "test").shape == (2,)


SCORED = [method for method in on_batches(16, 16) if hasattr(method, "surrogate")]


@pytest.mark.parametrize("method", SCORED, ids=lambda method: method.name)
def test_sets_are_scored_on_batches_that_are_common_to_all(method):
    """Two draws read two batches, however many sets there are; experts read one in each step."""
    streamed = task(replicates=1)
    start = streamed.start(4, generator())
    streamed.sources.train.read = 0
    values = scores(method, streamed, stacked([start, start._replace(x=-start.x), start]), generator(), draws=2).detach()
    assert values.isfinite().all() and not torch.isclose(values[0], values[1])
    read, experts = streamed.sources.train.read, isinstance(method, TrajectoryMatching)
    assert read == 2 * 16 or (experts and read % 16 == 0 and read < 2 * 16 * (method.expert.steps + 4))


def test_without_a_batch_the_risk_is_scored_on_all_data_as_it_is_in_memory():
    x = torch.randn(60, 3, generator=generator(), dtype=torch.float64)
    rows = TensorDataset(x, x.sum(-1))
    learner = TrainedNetwork(Network((), bias=False), Training(150, 0.1))
    streamed = StreamedTask(RegressionTask, Sources(rows, rows, rows), learner, chunk=13)
    held = RegressionTask(Splits(*[as_data(x, x.sum(-1))] * 3), learner)
    sets = cloud(streamed, [held.start(4, generator(seed)) for seed in range(3)], generator())
    for ours, theirs in zip(sets, cloud(held, [held.start(4, generator(seed)) for seed in range(3)], generator()), strict=True):
        torch.testing.assert_close(ours, theirs)
    torch.testing.assert_close(*(scores(FirstOrder(), one, sets, generator()) for one in (streamed, held)))
    assert faithfulness(FirstOrder(), streamed, sets, generator(), draws=1) == 1
    cosine = gradient_cosine(FirstOrder(batch=1000), streamed, sets, generator(), draws=1)
    assert cosine.shape == (sets.replicates,) and cosine.median() > 0.9


@pytest.mark.parametrize("method", [GradientMatching(), Herding()], ids=lambda method: method.name)
def test_a_method_that_looks_at_all_data_at_once_is_not_scored(method):
    streamed = task(replicates=1)
    with pytest.raises(TypeError, match=r"give the method a batch.*or choose one that has it, such as FirstOrder\(batch=256\)"):
        scores(method, streamed, streamed.start(4, generator()), generator())


def test_regression_reads_numbers():
    x = torch.randn(80, 3, generator=generator())
    rows = TensorDataset(x, x.sum(-1))
    streamed = StreamedTask(RegressionTask, Sources(rows, rows, rows), TrainedNetwork(Network(()), Training(100, 0.1)))
    assert streamed.risk(streamed.reference, "test").item() < 0.01


def test_what_cannot_be_streamed_is_refused_with_a_way_out():
    with pytest.raises(TypeError, match="give the method a batch"):
        distil(GradientMatching(), task(), 4, 1, generator())
    with pytest.raises(TypeError, match="take a ModuleLearner or a TrainedNetwork"):
        task(KernelRidge())
    with pytest.raises(TypeError, match="dataset with a length"):
        StreamedTask(ClassificationTask, Sources(iter([]), iter([]), iter([])), LEARNER, classes=2)
    with pytest.raises(TypeError, match="write ClassificationTask or RegressionTask"):
        StreamedTask("classification", Sources(Counting(), Counting(), Counting()), LEARNER)
    with pytest.raises(ValueError, match="have 500 units"):
        task().start(501, generator())
    with pytest.raises(TypeError, match="a joint task holds them: give a ClassificationTask"):
        JointTask((task(),))
