from dataclasses import dataclass, field
from types import SimpleNamespace

import numpy as np
import pytest
import torch
from hypothesis import given, settings
from sklearn.kernel_ridge import KernelRidge as SklearnKernelRidge
from sklearn.neighbors import KNeighborsClassifier

from ddlib import transfer
from ddlib.learners import RBF, KernelRidge, NearestNeighbour, Network, RandomForest, SoftmaxRegression, TrainedNetwork, Training
from ddlib.methods import FirstOrder, KCenter, KMeans, RandomRows
from ddlib.problem import ClosedForm, Distilled
from ddlib.tasks import ClassificationTask, Splits
from ddlib.transfer import Made, Recipe, efficiency, make, retrained_risk, transfer_table
from tests.ddlib.worlds import class_data, generator, seeds

NETWORK = TrainedNetwork(Network((4,)), Training(3, 0.1))
RIDGE = KernelRidge(RBF(2.0), 0.1)


def splits(seed=0, replicates=2):
    return Splits(*(class_data(seed + part, (10, 8, 7), replicates=replicates) for part in range(3)))


def task(learner, seed=0):
    return ClassificationTask(splits(seed), learner)


@dataclass(frozen=True)
class Counting:
    """A learner that counts its fits and says of every row what the generator says, or always the first class."""

    deterministic: bool
    calls: list = field(default_factory=list)
    name: str = "counting"

    def fit(self, data, generator=None):
        self.calls.append(data)
        return torch.zeros(2, dtype=torch.long) if self.deterministic else torch.randint(3, (2,), generator=generator)

    def predict(self, model, x):
        return torch.eye(3, dtype=torch.float64)[model].unsqueeze(-2).expand(-1, x.shape[-2], -1)


class TestEfficiency:
    def test_is_zero_for_random_rows_one_for_all_the_data_and_negative_below(self):
        random, full = torch.tensor([0.4, 0.5]).double(), torch.tensor([0.1, 0.2]).double()
        assert efficiency(random, random, full).tolist() == [0, 0]
        assert efficiency(full, random, full).tolist() == [1, 1]
        risk = torch.tensor([0.55, 0.125]).double()
        torch.testing.assert_close(efficiency(risk, random, full), torch.tensor([-0.5, 1.25]).double())

    @given(seeds)
    @settings(max_examples=20)
    def test_does_not_depend_on_the_unit_or_the_zero_of_the_risk(self, seed):
        full, gain, risk = torch.rand(3, 4, generator=generator(seed), dtype=torch.float64)
        random = full + gain + 0.1
        rescaled = efficiency(*(3 * value - 7 for value in (risk, random, full)))
        torch.testing.assert_close(rescaled, efficiency(risk, random, full))

    @pytest.mark.parametrize("random", [0.1, 0.05])
    def test_is_refused_where_random_rows_are_as_good_as_all_the_data(self, random):
        full = torch.tensor([0.1, 0.1]).double()
        with pytest.raises(ValueError, match="random rows do as well as all the data"):
            efficiency(full, torch.tensor([0.4, random]).double(), full)


class TestMake:
    def test_takes_the_time_of_the_whole_distillation(self, monkeypatch):
        clock = [100.0]

        class Slow(ClosedForm):
            name = "slow"

            def choose(self, task, budget, generator):
                clock[0] += 7
                return task.start(budget, generator)

        monkeypatch.setattr(transfer, "time", SimpleNamespace(perf_counter=lambda: clock[0]))
        assert make(Recipe(Slow(), task(RIDGE)), 6, generator()).seconds == 7

    def test_says_which_learner_the_set_is_made_for_and_hands_out_the_methods_set(self):
        made = make(Recipe(RandomRows(), task(RIDGE)), 6, generator(3))
        assert made.made_for == "kernel ridge"
        assert all(torch.equal(*pair) for pair in zip(made.distilled, task(RIDGE).start(6, generator(3)), strict=True))
        assert made.seconds > 0

    def test_makes_as_many_updates_as_the_recipe_says(self):
        begun, moved = (make(Recipe(FirstOrder(0.05, 4), task(RIDGE), steps), 6, generator()).distilled for steps in (0, 4))
        assert begun.x.shape == moved.x.shape and not torch.equal(begun.x, moved.x)
        learner = task(RIDGE)
        loss = [learner.training_loss(learner.fit(distilled)) for distilled in (begun, moved)]
        assert (loss[1] < loss[0]).all()


class TestRetrainedRisk:
    @pytest.mark.parametrize("learner", [NETWORK, RandomForest(3)], ids=lambda learner: learner.name)
    def test_is_the_mean_over_models_of_fresh_seeds(self, learner):
        judge, stream = task(learner), generator(5)
        rows = judge.start(6, generator())
        each = torch.stack([judge.risk(judge.fit(rows, stream), "test") for _ in range(4)])
        assert len(each.unique(dim=0)) > 1
        torch.testing.assert_close(retrained_risk(judge, rows, generator(5), fits=4), each.mean(0))

    @pytest.mark.parametrize(("deterministic", "fits"), [(True, 1), (False, 5)])
    def test_fits_again_only_where_something_is_drawn(self, deterministic, fits):
        learner = Counting(deterministic)
        judge = task(learner)
        retrained_risk(judge, judge.train, generator(), fits=5)
        assert len(learner.calls) == fits

    @pytest.mark.parametrize("learner", [RIDGE, NearestNeighbour(), SoftmaxRegression()], ids=lambda learner: learner.name)
    def test_a_deterministic_learner_has_one_risk_for_any_number_of_fits(self, learner):
        judge = task(learner)
        rows = judge.start(6, generator())
        once, often = (retrained_risk(judge, rows, generator(seed), fits) for seed, fits in ((1, 1), (2, 7)))
        assert torch.equal(once, often) and torch.equal(once, judge.risk(judge.fit(rows), "test"))

    @pytest.mark.parametrize("split", ["train", "validation", "test"])
    def test_is_taken_on_the_split_that_is_asked_for(self, split):
        judge = task(Counting(deterministic=True))
        first = (judge.splits.part(split).y.argmax(-1) == 0).double().mean(-1)
        torch.testing.assert_close(retrained_risk(judge, judge.train, generator(), split=split), 1 - first)

    def test_keeps_no_graph(self):
        judge = task(RIDGE)
        rows = judge.start(6, generator())
        assert not retrained_risk(judge, rows._replace(x=rows.x.requires_grad_()), generator()).requires_grad

    @pytest.mark.parametrize("learner", [RIDGE, NETWORK], ids=lambda learner: learner.name)
    @pytest.mark.parametrize("fits", [0, -1])
    def test_without_a_fit_is_refused(self, learner, fits):
        judge = task(learner)
        with pytest.raises(ValueError, match=f"at least 1 retrained model, but fits is {fits}"):
            retrained_risk(judge, judge.train, generator(), fits)


def sklearn_errors(sets: Distilled, cases: Distilled, classify) -> list[float]:
    """The share of wrong classes by a function of one replicate's points, labels and new cases."""
    wrong = []
    for r in range(sets.replicates):
        said = classify(sets.x[r].numpy(), sets.y[r].numpy(), cases.x[r].numpy())
        wrong.append(float((said != cases.y[r].argmax(-1).numpy()).mean()))
    return wrong


def ridge_classes(x, y, new):
    return SklearnKernelRidge(alpha=0.1, kernel="rbf", gamma=1 / (2 * 2.0**2)).fit(x, y).predict(new).argmax(-1)


def nearest_classes(x, y, new):
    return KNeighborsClassifier(1).fit(x, y.argmax(-1)).predict(new)


@pytest.fixture(scope="module")
def world():
    tasks = [task(RIDGE), task(NearestNeighbour()), task(NETWORK)]
    methods = [RandomRows(), KMeans(), KCenter()]
    sets = {(m.name, b): make(Recipe(m, tasks[0]), b, generator(b)) for m in methods for b in (3, 7)}
    sets["full", 25] = Made(tasks[0].train, 0.0, "")
    return tasks, sets, transfer_table(sets, tasks, generator(1), fits=2)


class TestTable:
    def test_has_one_row_per_set_learner_and_replicate(self, world):
        tasks, sets, table = world
        rows = {(*key, judge.name, seed) for key in sets for judge in tasks for seed in range(2)}
        assert set(table[["method", "budget", "learner", "seed"]].itertuples(index=False, name=None)) == rows
        assert len(table) == len(rows) and table.index.is_unique
        assert table.risk.between(0, 1).all()

    @pytest.mark.parametrize(("learner", "classify"), [("kernel ridge", ridge_classes), ("1-NN", nearest_classes)])
    @pytest.mark.parametrize("method", ["random", "k_center", "full"])  # their weights are one
    def test_risks_are_scikit_learns(self, world, learner, classify, method):
        tasks, sets, table = world
        for budget in [25] if method == "full" else [3, 7]:
            rows = table.query("method == @method and budget == @budget and learner == @learner").sort_values("seed")
            expected = sklearn_errors(sets[method, budget].distilled, tasks[0].splits.test, classify)
            np.testing.assert_allclose(rows.risk, expected, atol=1e-12)

    def test_weights_reach_the_learner(self, world):
        tasks, sets, table = world
        distilled, cases = sets["k_means", 7].distilled, tasks[0].splits.test
        rows = table.query("method == 'k_means' and budget == 7 and learner == 'kernel ridge'").sort_values("seed")
        for r, risk in enumerate(rows.risk):
            fitted = SklearnKernelRidge(alpha=0.1, kernel="rbf", gamma=1 / 8)
            fitted.fit(distilled.x[r].numpy(), distilled.y[r].numpy(), sample_weight=distilled.w[r].numpy())
            wrong = fitted.predict(cases.x[r].numpy()).argmax(-1) != cases.y[r].argmax(-1).numpy()
            assert risk == pytest.approx(wrong.mean(), abs=1e-12)
        assert not (distilled.w == 1).all()

    def test_counts_what_a_set_stores_and_shares_its_cost_among_replicates(self, world):
        _, sets, table = world
        for (method, budget), made in sets.items():
            rows = table.query("method == @method and budget == @budget")
            weight = 1 if method == "k_means" else 0  # three numbers of x, three of y, and a weight where it is not one
            assert (rows.stored_numbers == budget * (6 + weight)).all()
            assert (rows.seconds == made.seconds / 2).all() and (rows.made_for == made.made_for).all()

    def test_is_taken_on_the_split_that_is_asked_for(self, world):
        tasks, sets, _ = world
        table = transfer_table({("full", 25): sets["full", 25]}, tasks[:1], generator(), 1, "validation")
        expected = sklearn_errors(tasks[0].train, tasks[0].splits.validation, ridge_classes)
        np.testing.assert_allclose(table.risk, expected, atol=1e-12)

    def test_the_same_seed_gives_the_same_table(self, world):
        tasks, sets, table = world
        assert transfer_table(sets, tasks, generator(1), fits=2).equals(table)
