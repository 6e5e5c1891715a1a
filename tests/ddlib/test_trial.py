import subprocess
import sys
from dataclasses import dataclass, field
from types import SimpleNamespace

import numpy as np
import pytest
import torch
from hypothesis import given as given_values
from hypothesis import settings
from hypothesis import strategies as st
from sklearn.kernel_ridge import KernelRidge as SklearnKernelRidge
from sklearn.neighbors import KNeighborsClassifier

from ddlib.learners import RBF, KernelRidge, NearestNeighbour, Network, RandomForest, SoftmaxRegression, TrainedNetwork, Training
from ddlib.methods import FirstOrder, KCenter, KMeans, RandomRows
from ddlib.problem import Chosen, Distilled, Info, distil
from ddlib.settings import is_setting
from ddlib.tasks import ClassificationTask, Splits
from ddlib.trial import curve, efficiency, fresh_scores, given, log_spaced, retrained_risk, run_trial, tidy, transfer_table
from ddlib.trial import run as trial
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

    @given_values(seeds)
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


class Clock(SimpleNamespace):
    """Stands still, unless somebody says how long something took."""

    now = 100.0

    def perf_counter(self):
        return self.now


@dataclass(frozen=True)
class Slow:
    """Begins at rows of the data and doubles them in each update; both take their time."""

    clock: Clock
    name: str = "slow"

    def init(self, task, budget, generator):
        self.clock.now += 7
        return Chosen(task.start(budget, generator))

    def update(self, task, state, generator):
        self.clock.now += 2
        doubled = state.distilled._replace(x=2 * state.distilled.x)
        return Chosen(doubled), Info(doubled.x.sum((1, 2)))


def equal(one, two):
    return all(torch.equal(*pair) for pair in zip(one, two, strict=True))


class TestRun:
    @pytest.fixture
    def slow(self, monkeypatch):
        clock = Clock()
        monkeypatch.setattr(trial, "time", clock)
        return run_trial(Slow(clock), task(RIDGE), 6, 5, generator(3), watch=[1, 4, 9])

    def test_takes_the_time_of_the_whole_distillation_and_at_each_watched_step(self, slow):
        assert slow.seconds == 7 + 5 * 2
        assert slow.clock == {0: 7, 1: 9, 4: 15}

    def test_keeps_the_start_the_end_and_the_watched_sets(self, slow):
        start = task(RIDGE).start(6, generator(3))
        assert equal(slow.start, start) and equal(slow.watched[0], start)
        assert {step: float(reached.x[0, 0, 0] / start.x[0, 0, 0]) for step, reached in slow.watched.items()} == {0: 1, 1: 2, 4: 16}
        assert torch.equal(slow.distilled.x, 32 * start.x)

    def test_counts_the_updates_and_keeps_what_they_say(self, slow):
        assert slow.steps == len(slow.history) == 5
        assert torch.equal(slow.history[-1].surrogate, slow.distilled.x.sum((1, 2)))

    def test_hands_out_what_distil_does_and_says_for_what_it_was_made(self):
        made = run_trial(FirstOrder(0.05, 4), task(RIDGE), 6, 4, generator(2), log_spaced(4, 3))
        assert equal(made.distilled, distil(FirstOrder(0.05, 4), task(RIDGE), 6, 4, generator(2))[0])
        assert (made.method, made.made_for) == ("first_order", "kernel ridge") and made.seconds > 0
        assert not any(value.requires_grad for reached in made.watched.values() for value in reached)

    def test_the_budget_that_was_asked_for_and_the_units_that_came_of_it_are_two_settings(self):
        @dataclass(frozen=True)
        class Half:
            name: str = "half"

            def init(self, task, budget, generator):
                return Chosen(task.start(budget // 2, generator))

        found = run_trial(Half(), task(RIDGE), 8, 0, generator()).settings
        assert (found["trial.budget"], found["trial.units"]) == (8, 4)

    def test_a_closed_form_is_at_its_end_at_once(self):
        made = run_trial(RandomRows(), task(RIDGE), 6, 0, generator(3))
        assert equal(made.start, made.distilled) and list(made.watched) == [0]

    @pytest.mark.parametrize(
        ("changed", "columns"),
        [
            ({"method": KMeans(restarts=5)}, {"method.restarts"}),
            ({"task": ClassificationTask(splits(), KernelRidge(RBF(2.0), 0.2))}, {"task.learner.penalty"}),
            ({"task": task(RIDGE, seed=9)}, {"task.splits", "trial.start"}),
            ({"budget": 4}, {"trial.budget", "trial.units", "trial.start"}),
            ({"steps": 2}, {"trial.steps"}),
            ({"generator": generator(8)}, {"trial.generator", "trial.start"}),
        ],
        ids=lambda value: "-".join(sorted(value)),
    )
    def test_notes_every_setting(self, changed, columns):
        usual = {"method": KMeans(), "task": task(RIDGE), "budget": 6, "steps": 0}
        one = run_trial(**usual, generator=generator(3)).settings
        two = run_trial(**{**usual, "generator": generator(3), **changed}).settings
        assert {column for column in {*one, *two} if one.get(column) != two.get(column)} == columns


@given_values(st.integers(0, 5000), st.integers(1, 40))
@settings(max_examples=50)
def test_steps_spaced_on_a_logarithmic_axis_go_from_the_start_to_the_end(steps, points):
    found = log_spaced(steps, points)
    assert found[:2] == [0, 1] and found == sorted(set(found)) and len(found) <= points + 1
    assert points == 1 or found[-1] == max(steps, 1)


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


def test_fresh_scores_are_means_of_each_column_over_the_same_models():
    judge = task(NETWORK)
    rows, both = judge.start(6, generator()), ("validation", "test")
    found = fresh_scores(judge, rows, generator(5), lambda model: {split: judge.risk(model, split) for split in both}, fits=4)
    for split in both:
        torch.testing.assert_close(found[split], retrained_risk(judge, rows, generator(5), 4, split))


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
    sets = {(m.name, b): run_trial(m, tasks[0], b, 0, generator(b)) for m in methods for b in (3, 7)}
    sets["full", 25] = given(tasks[0].train)
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

    def test_rows_hold_the_settings_of_the_method_and_of_who_learned(self, world):
        _, _, table = world
        assert (table[table.method == "k_means"]["method.restarts"] == KMeans().restarts).all()
        assert table[table.method != "k_means"]["method.restarts"].isna().all()
        assert (table[table.learner == "kernel ridge"]["learner.kernel.length"] == 2).all()
        assert (table[table.learner == "network"]["learner.training.steps"] == 3).all()
        assert list(table.columns[:8]) == ["method", "budget", "made_for", "learner", "seed", "risk", "stored_numbers", "seconds"]
        assert all(map(is_setting, table.columns[8:]))

    def test_the_same_seed_gives_the_same_table(self, world):
        tasks, sets, table = world
        assert transfer_table(sets, tasks, generator(1), fits=2).equals(table)


class TestRows:
    def test_there_is_one_per_replicate_and_what_was_tried_stands_before_the_scores(self):
        found = tidy({"risk": torch.tensor([0.5, 0.25])}, {"method": "ours", "budget": 3}, {"seconds": 2.0, "method.lr": 0.1})
        assert list(found.columns) == ["method", "budget", "seed", "risk", "seconds", "method.lr"]
        assert found.seed.tolist() == [0, 1] and found.risk.tolist() == [0.5, 0.25] and (found["method.lr"] == 0.1).all()

    @pytest.mark.parametrize(("taken", "part"), [("risk", "about"), ("risk", "more"), ("method", "more"), ("seed", "more")])
    def test_no_column_is_replaced_by_another_of_its_name(self, taken, part):
        columns = {"scores": {"risk": torch.zeros(2)}, "about": {"method": "ours"}, "more": {"seconds": 1.0}}
        columns[part] = columns[part] | {taken: 1}
        with pytest.raises(ValueError, match=taken):
            tidy(**columns)

    def test_rows_without_scores_and_curves_without_watched_sets_are_refused(self):
        data = class_data(0, (10,), replicates=2)
        with pytest.raises(ValueError, match="scores"):
            tidy({}, {"method": "ours"})
        with pytest.raises(ValueError, match="watch"):
            curve(given(data), lambda reached: {"size": reached.w.sum(-1)}, {})
        made = run_trial(RandomRows(), task(RIDGE), 6, 0, generator(3))
        with pytest.raises(ValueError, match="7"):
            curve(made, lambda reached: {"size": reached.w.sum(-1)}, {}, steps=[7])
        with pytest.raises(ValueError, match="step"):
            curve(made, lambda reached: {"size": reached.w.sum(-1)}, {"step": 3})

    def test_replicates_that_are_more_than_seeds_keep_their_own_names(self):
        about = {"world": ["a", "a", "b", "b"], "seed": [0, 1, 0, 1]}
        assert tidy({"risk": torch.arange(4.0)}, about)[["world", "seed"]].to_dict("list") == about

    def test_a_curve_has_one_row_per_watched_step_and_replicate(self):
        judge = task(RIDGE)
        made = run_trial(FirstOrder(0.05, 4), judge, 6, 4, generator(), watch=[2, 4])
        found = curve(made, lambda reached: {"risk": judge.risk(judge.fit(reached))}, {"method": made.method})
        assert list(found.columns) == ["method", "seed", "step", "risk"]
        assert found.step.tolist() == [0, 0, 2, 2, 4, 4] and found.seed.tolist() == [0, 1] * 3
        last = judge.risk(judge.fit(made.distilled))
        np.testing.assert_array_equal(found.risk[-2:], last)


def test_everything_but_tables_does_without_pandas():
    code = "import sys; sys.modules['pandas'] = None; import ddlib.trial, ddlib.settings; print(ddlib.trial.log_spaced(9, 3))"
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    assert done.stdout.split() == ["[0,", "1,", "3,", "9]"]
