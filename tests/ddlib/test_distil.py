"""A run: its object, going on from a state, callbacks, horizons, batches, and replicates that know nothing of each other."""

from dataclasses import replace

import pytest
import torch

from ddlib.augmentations import Scale, Shift, alike
from ddlib.learners import BayesianLinear, KernelRidge, Network, SoftmaxRegression, TrainedNetwork, Training
from ddlib.lens import cloud, faithfulness
from ddlib.methods import (
    DerivativeFree,
    DistributionMatching,
    FirstOrder,
    GradientMatching,
    Implicit,
    KernelInducing,
    RandomRows,
    TrajectoryMatching,
    Unrolled,
    ZerothOrder,
)
from ddlib.problem import Distilled, distil
from ddlib.tasks import ClassificationTask, EmpiricalTask, IntervalTask, JointTask, LogisticTask, RegressionTask, RidgeTask, Splits
from tests.ddlib.products import METHODS, on_batches, refusal
from tests.ddlib.worlds import any_set, class_data, generator, random_data, split_tasks

NETWORK = TrainedNetwork(Network((4,), "tanh"), Training(4, 0.1), penalty=0.01)


def classes(learner=NETWORK, seed=0, replicates=1):
    return ClassificationTask(Splits(*(class_data(seed + part, replicates=replicates) for part in range(3))), learner)


def same(first, second):
    return all(torch.equal(a, b) for a, b in zip(first, second, strict=True))


def test_a_run_unpacks_and_says_why_it_stopped():
    run = distil(FirstOrder(), RidgeTask(random_data(0)), 3, 4, generator())
    chosen, history = run
    assert chosen is run.distilled is run[0] and history is run.history is run[1] and len(run) == 2
    assert len(history) == 4 and run.stopped == "all steps are done" and run.state.step == 4


def test_a_callback_stops_a_run():
    values = []

    def below(step, distilled, surrogate):
        values.append(surrogate)
        return step == 3

    run = distil(FirstOrder(), RidgeTask(random_data(0)), 3, 10, generator(), callback=below)
    assert len(run.history) == 3 and "callback stopped it after 3 of 10 steps" in run.stopped
    assert values[0] is None and all(a is b.surrogate for a, b in zip(values[1:], run.history, strict=True))


METHODS_THAT_GO_ON = [
    FirstOrder(horizon=8),
    Unrolled(horizon=8, training=Training(3, 0.1), warm=True, learn_rate=True),
    GradientMatching(horizon=8, restart=3, network=Network((3,))),
    DistributionMatching(horizon=8, network=Network((3,)), batch=2),
    TrajectoryMatching(horizon=8),
    KernelInducing(horizon=8, batch=5),
    ZerothOrder(),
]


@pytest.mark.parametrize("method", METHODS_THAT_GO_ON, ids=lambda method: method.name)
def test_two_runs_in_a_row_are_one_long_run_to_the_last_bit(method):
    task, draw = classes(), generator(5)
    whole = distil(method, task, 3, 8, generator(5))
    first = distil(method, task, 3, 3, draw)
    second = distil(method, task, 3, 5, draw, state=first.state)
    assert same(whole.distilled, second.distilled)
    surrogates = [info.surrogate for info in (*first.history, *second.history)]
    assert same([info.surrogate for info in whole.history], surrogates)


@pytest.mark.parametrize("method", METHODS, ids=lambda method: method.name)
def test_a_run_goes_on_from_a_file_to_the_last_bit(method, tmp_path):
    """But for a search whose state is an object of nevergrad's."""
    task = next(task for task in (RidgeTask(random_data(0)), classes()) if refusal(method, task, 3) is None)
    draw = generator(1)
    first = distil(method, task, 3, 2, draw)
    if method.name == "derivative_free":
        with pytest.raises(ValueError, match="picklability"):
            torch.save(first.state, tmp_path / "run.pt")
        return
    torch.save({"state": first.state, "draws": draw.get_state()}, tmp_path / "run.pt")
    on = distil(method, task, 3, 2, draw, state=first.state).distilled
    kept = torch.load(tmp_path / "run.pt", weights_only=False)
    assert same(on, distil(method, task, 3, 2, generator(2).set_state(kept["draws"]), state=kept["state"]).distilled)


def test_without_a_horizon_the_step_size_falls_over_the_run():
    task = RidgeTask(random_data(0))
    assert same(
        distil(FirstOrder(), task, 3, 20, generator()).distilled, distil(FirstOrder(horizon=20), task, 3, 20, generator())[0]
    )
    first = distil(FirstOrder(horizon=20), task, 3, 10, generator())
    on = distil(FirstOrder(), task, 3, 10, generator(), state=first.state).distilled
    assert same(on, distil(FirstOrder(horizon=20), task, 3, 10, generator(), state=first.state)[0])


def parted(task, scale):
    """The same task with the second replicate's units multiplied."""

    def other(data):
        return data._replace(x=torch.cat([data.x[:1], scale * data.x[1:]]))

    if isinstance(task, EmpiricalTask):
        return replace(task, data=other(task.data))
    return replace(task, splits=Splits(*(other(data) for data in task.splits)))


TWO = [
    RidgeTask(Distilled(*(torch.cat(parts) for parts in zip(random_data(0), random_data(1), strict=True))), 2),
    *(task for task in split_tasks(0) if not isinstance(task, IntervalTask)),
]


@pytest.mark.parametrize("task", TWO, ids=lambda task: task.name)
@pytest.mark.parametrize("method", METHODS, ids=lambda method: method.name)
def test_the_set_of_a_replicate_does_not_depend_on_the_other_replicates(method, task):
    """Data of another replicate that are ten times as large change nothing here."""
    if refusal(method, task, 3) is not None or refusal(method, parted(task, 10.0), 3) is not None:
        return
    first, second = (distil(method, parted(task, scale), 3, 2, generator()).distilled for scale in (1.0, 10.0))
    for one, other in zip(first, second, strict=True):
        torch.testing.assert_close(one[0], other[0], rtol=1e-6, atol=1e-9)


@pytest.mark.parametrize(
    "task",
    [RidgeTask(random_data(3)), RidgeTask(random_data(3), 2), RegressionTask(Splits(*[random_data(3)] * 3), BayesianLinear())],
)
def test_the_risk_on_minibatches_is_right_on_average(task):
    draw, model = generator(), task.fit(any_set(random_data(3), 4, 0, task.train.replicates))
    (whole,) = task.blocks(task.train)
    drawn = torch.stack([task.minibatch(5, draw).blocks(task.train)[0].risk(model) for _ in range(3000)])
    standard = drawn.std(0) / 3000**0.5
    assert ((drawn.mean(0) - whole.risk(model)).abs() < 4 * standard).all()
    torch.testing.assert_close(task.risk(task.minibatch(5, draw).reference), task.risk(task.reference))


def test_the_list_of_methods_with_a_batch_has_all_of_them():
    assert {type(method) for method in on_batches(8, 3)} == {type(method) for method in METHODS if hasattr(method, "batch")}


@pytest.mark.parametrize("method", on_batches(8, 3), ids=lambda method: method.name)
def test_on_batches_too_the_surrogate_on_all_data_falls(method):
    """What a method without a surrogate minimises is the training risk."""
    task = classes(KernelRidge()) if isinstance(method, FirstOrder | ZerothOrder) else classes()
    if isinstance(method, Implicit):
        task = replace(task, learner=SoftmaxRegression(), loss="cross_entropy")
    if isinstance(method, DerivativeFree):
        task = RidgeTask(random_data(3))
    steps = 60 if isinstance(method, ZerothOrder) else 30
    run, start = distil(method, task, 3, steps, generator()), method.init(task, 3, generator()).distilled
    surrogate = getattr(method, "surrogate", lambda task, chosen, draw: task.risk(task.fit(chosen, draw)))
    before, after = (torch.stack([surrogate(task, s, generator(n)) for n in range(8)]).mean() for s in (start, run.distilled))
    assert after < before and run.distilled.x.isfinite().all()


def test_a_task_that_cannot_stand_on_some_of_its_units_says_so():
    class Whole:
        def __getattr__(self, name):
            if name == "minibatch":
                raise AttributeError(name)
            return getattr(RidgeTask(random_data(0)), name)

    with pytest.raises(TypeError, match=r"has no minibatch\(size, generator\): leave the batch out"):
        FirstOrder(batch=3).looked_at(Whole(), generator())


def test_a_risk_in_chunks_is_the_same_risk():
    for whole in (classes(KernelRidge()), RegressionTask(Splits(*(random_data(s) for s in range(3))), KernelRidge(), "absolute")):
        pieces = replace(whole, chunk=5)
        torch.testing.assert_close(pieces.risk(whole.reference, "test"), whole.risk(whole.reference, "test"))
        torch.testing.assert_close(pieces.training_loss(whole.reference), whole.training_loss(whole.reference))


def test_a_class_that_one_stage_lacks_is_no_error():
    """Two of three classes are in the training data; all three are tested."""
    lacking = class_data(0, (8, 8, 0))
    task = ClassificationTask(Splits(lacking, class_data(1), class_data(2)), NETWORK)
    for method in METHODS:
        if refusal(method, task, 4) is None:
            chosen = distil(method, task, 4, 2, generator()).distilled
            assert chosen.budget <= 4 and chosen.x.isfinite().all(), method.name
            assert task.risk(task.fit(chosen), "test").isfinite().all()


def test_learned_step_sizes_lower_the_loss_and_are_handed_out():
    task = RegressionTask(
        Splits(*(random_data(s) for s in range(3))), TrainedNetwork(Network((), scale=1e-6), Training(3, 1e-4, "sgd"))
    )
    fixed, free = (
        Unrolled(0.1, schedule="constant", training=Training(3, 1e-4, "sgd"), learn_rate=learned) for learned in (False, True)
    )
    runs = [distil(method, task, 5, 60, generator()) for method in (fixed, free)]
    assert runs[1].history[-1].surrogate < 0.9 * runs[0].history[-1].surrogate
    (size,) = free.step_sizes(runs[1].state)
    assert size > 2e-4 and fixed.step_sizes(runs[0].state).item() == 1e-4
    theta = task.initial(generator())
    model = Training(3, size.item(), "sgd").run(lambda t: task.objective(t, runs[1].distilled), theta)
    torch.testing.assert_close(
        task.training_loss(model), torch.stack([info.surrogate for info in runs[1].history]).amin(0), rtol=1e-4, atol=0
    )


def test_augmentation_changes_both_sets_alike_and_is_differentiable():
    sets = [any_set(class_data(0), 4, seed) for seed in (0, 0)]
    changed = alike(Scale(2.0), sets, generator())
    assert torch.equal(changed[0].x, changed[1].x) and not torch.equal(changed[0].x, sets[0].x)
    x = torch.arange(5.0, dtype=torch.float64).view(1, 1, 5).requires_grad_()
    moved = {tuple(Shift(1, axes=1)(x, generator(seed)).flatten().tolist()) for seed in range(20)}
    assert moved == {(0, 1, 2, 3, 4), (1, 2, 3, 4, 0), (0, 0, 1, 2, 3)}
    for method in (GradientMatching(augment=Scale(2.0)), DistributionMatching(augment=Scale(2.0))):
        plain = replace(method, augment=None)
        first, second = (distil(m, classes(), 3, 3, generator()).distilled for m in (method, plain))
        assert not torch.equal(first.x, second.x) and first.x.isfinite().all()


@pytest.mark.parametrize(
    "task",
    [
        classes(),
        classes(KernelRidge()),
        IntervalTask(Splits(*(random_data(s) for s in range(3)))),
        JointTask((RidgeTask(random_data(0)),)),
    ],
    ids=lambda task: task.name,
)
def test_faithfulness_of_a_methods_own_risk_is_one_on_any_task(task):
    sets = cloud(task, [task.start(4, generator(seed)) for seed in range(3)], generator())

    class Risk:
        name = "risk"

        def surrogate(self, task, distilled, draws):
            return task.risk(task.fit(distilled))

    assert faithfulness(Risk(), task, sets, generator()) == pytest.approx(1)


def test_a_task_of_ones_own_is_judged_set_by_set():
    """One that serves a fixed number of sets gives the same ranks as the library's, which serves many."""

    class Own:
        name = "own"
        train = random_data(0)

        def fit(self, distilled, draws=None):
            return RidgeTask(random_data(0)).fit(distilled)

        def risk(self, model, split="train"):
            return RidgeTask(random_data(0)).risk(model)

    many = RidgeTask(random_data(0))
    sets = cloud(many, [many.start(4, generator(seed)) for seed in range(3)], generator())
    ours, theirs = (faithfulness(KernelInducing(), task, sets, generator(), draws=1) for task in (many, Own()))
    assert ours == pytest.approx(theirs)


def test_a_set_is_saved_loaded_moved_and_joined(tmp_path):
    chosen = any_set(class_data(0), 3, 0)
    chosen.save(tmp_path / "set.pt")
    torch.save(chosen, tmp_path / "pickled.pt")
    assert same(Distilled.load(tmp_path / "set.pt"), chosen) and same(Distilled.load(tmp_path / "pickled.pt"), chosen)
    assert same(torch.load(tmp_path / "pickled.pt", weights_only=True), chosen)
    assert {part.dtype for part in chosen.to(torch.float32)} == {torch.float32}
    assert same(Distilled(*(part[:, 3:] for part in Distilled.cat([chosen, chosen]))), chosen)
    (tmp_path / "text.pt").write_text("no set")
    torch.save([1, 2], tmp_path / "list.pt")
    for name in ("text.pt", "list.pt"):
        with pytest.raises(ValueError, match=r"Distilled\.save"):
            Distilled.load(tmp_path / name)
    with pytest.raises(ValueError, match="same replicates, units and labels"):
        Distilled.cat([chosen, any_set(random_data(0), 3, 0)])


def test_random_rows_of_float32_data_stay_float32():
    task = RidgeTask(random_data(0).to(torch.float32))
    assert {part.dtype for part in distil(RandomRows(), task, 3, 0, generator()).distilled} == {torch.float32}


def test_a_saved_view_holds_no_more_than_it_shows(tmp_path):
    """The rest of the data that a set was cut out of must not be in the file."""
    big = any_set(class_data(0), 1000, 0)
    Distilled(*(part[:, :2] for part in big)).save(tmp_path / "set.pt")
    assert (tmp_path / "set.pt").stat().st_size < 5000
    assert Distilled.load(tmp_path / "set.pt").x.untyped_storage().nbytes() == 6 * 8


def test_on_minibatches_the_logistic_task_reads_labels_as_on_all_data():
    task = LogisticTask(random_data(0))
    assert torch.equal(task.minibatch(3, generator()).threshold, LogisticTask(random_data(0)).threshold)


def test_a_start_takes_rows_that_weigh_something_first():
    data = random_data(0)._replace(w=(torch.arange(20) % 2).double()[None])
    assert (RidgeTask(data).start(10, generator()).w == 1).all()


def test_a_learner_that_drops_the_replicates_or_is_no_tensor_is_refused():
    class Wrong:
        name = "wrong"

        def fit(self, data, draws=None):
            return None

        def predict(self, model, x):
            return x[0, :, :3]

    task = classes(Wrong(), replicates=2)
    with pytest.raises(ValueError, match="one score for each class"):
        task.risk(None)
    Wrong.predict = lambda self, model, x: x.numpy()
    with pytest.raises(TypeError, match="must return a torch tensor"):
        task.risk(None)


def test_what_is_no_number_is_not_right():
    class Lost:
        name = "lost"
        fit = staticmethod(lambda data, draws=None: None)
        predict = staticmethod(lambda model, x: torch.full((*x.shape[:2], 3), torch.nan))

    assert classes(Lost()).risk(None).item() == 1
