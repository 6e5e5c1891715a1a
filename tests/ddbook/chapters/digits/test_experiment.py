import math
import re

import pytest
import torch

from ddbook.chapters.digits.chosen import ADAM, CLOSED, FEW, MATCHED, METHODS, OWN, SGD, STEP_SIZES, STEPS
from ddbook.chapters.digits.experiment import Digits, make
from ddbook.chapters.digits.judge import retrain_all
from ddbook.kit import looks
from ddlib import datasets
from ddlib.tasks import class_labels

SMALL = (120, 20)
LITTLE = 1e-6  # one update of each method


@pytest.fixture(scope="module")
def digits():
    return Digits(2, SMALL)


@pytest.fixture(scope="module")
def sets(digits):
    """Every method's set of 12 points, two updates where there are any."""
    return {name: made(digits, name) for name in METHODS}


def made(digits, name, budget=12, stream=5):
    recipe = digits.recipe(name, budget, LITTLE)
    return make(recipe._replace(steps=2 * recipe.steps), budget, digits.generator(stream)).distilled


def same(one, two):
    return all(torch.equal(*pair) for pair in zip(one, two, strict=True))


class TestSplits:
    def test_are_centred_images_with_their_labels_and_no_image_twice(self, digits):
        images = datasets.digits()
        torch.testing.assert_close(digits.splits.train.x.mean(1), torch.zeros(2, 64).double(), rtol=0, atol=1e-14)
        labels, found = class_labels(images.label, 10), []
        number = {tuple(pixels): k for k, pixels in enumerate((16 * images.x).int().tolist())}
        for part, size in zip(digits.splits, (*SMALL, 400), strict=True):
            assert part.x.shape == (2, size, 64) and part.y.shape == (2, size, 10) and (part.w == 1).all()
            grey = 16 * (part.x + digits.mean)
            torch.testing.assert_close(grey, grey.round(), rtol=0, atol=1e-12)
            found.append(torch.tensor([[number[tuple(pixels)] for pixels in row] for row in grey.round().int().tolist()]))
            assert torch.equal(part.y, labels[found[-1]])
        assert all(torch.equal(*pair) for pair in zip(found, digits.rows, strict=True))
        assert all(len(set(rows.tolist())) == sum(SMALL) + 400 for rows in torch.cat(found, -1))

    def test_come_from_the_seed_alone_and_differ_between_replicates(self, digits):
        again, other = Digits(2, SMALL), Digits(2, SMALL, seed=1)
        assert all(same(*pair) for pair in zip(digits.splits, again.splits, strict=True)) and torch.equal(digits.mean, again.mean)
        for part, elsewhere in zip(digits.rows[:2], other.rows[:2], strict=True):
            assert not torch.equal(part, elsewhere) and not torch.equal(part[0], part[1])
        assert torch.equal(digits.rows.test, other.rows.test) and torch.equal(*digits.rows.test)

    def test_streams_of_random_numbers_differ(self, digits):
        first, again, second, other = (
            torch.rand(4, generator=d.generator(k)) for d, k in ((digits, 1), (digits, 1), (digits, 2), (Digits(seed=1), 1))
        )
        assert torch.equal(first, again) and not torch.equal(first, second) and not torch.equal(first, other)

    @pytest.mark.parametrize("sizes", [(1300, 98), (0, 40), (100, 0)])
    def test_sizes_that_the_open_images_cannot_fill_are_refused(self, sizes):
        with pytest.raises(ValueError, match=re.escape(f"sizes are {sizes}, but training and validation need an image each")):
            Digits(1, sizes).check([10], 1.0)

    @pytest.mark.parametrize("sizes", [(), (100,), (100, 40, 60)])
    def test_sizes_of_other_than_two_parts_are_refused(self, sizes):
        with pytest.raises(ValueError, match="sizes must be those of training and validation data"):
            Digits(1, sizes)

    @pytest.mark.parametrize("replicates", [0, -1, 1.5])
    def test_less_than_a_replicate_is_refused(self, replicates):
        with pytest.raises(ValueError, match=f"replicates must be a whole number of at least 1, but it is {replicates}"):
            Digits(replicates)


class TestCheck:
    def test_lets_through_what_every_method_can_make(self, digits):
        labels = digits.splits.train.y.argmax(-1)
        fewest = min(int(row.bincount(minlength=10).min()) for row in labels)
        assert digits.check([10, 10 * fewest], 0.01) is None
        most = 10 * fewest
        for name in ("herding", "k_center", "k_means"):
            assert make(digits.recipe(name, most), most, digits.generator(1)).distilled.budget == most
        with pytest.raises(ValueError, match=f"the rarest has {fewest}; give 10 to {most}"):
            digits.check([10, most + 1], 1.0)

    @pytest.mark.parametrize("budgets", [[], [10, 20, 10]])
    def test_no_budget_or_one_twice_is_refused(self, digits, budgets):
        with pytest.raises(ValueError, match="at least one budget and none twice"):
            digits.check(budgets, 1.0)

    @pytest.mark.parametrize("budget", [9, 0, -10, 121])
    def test_a_budget_that_does_not_fit_the_classes_is_refused(self, digits, budget):
        with pytest.raises(ValueError, match=f"budgets has {budget}: every digit needs a point"):
            digits.check([10, budget], 1.0)

    def test_training_data_that_lack_a_digit_are_refused(self):
        with pytest.raises(ValueError, match="9 training images lack a digit: raise the first of sizes"):
            Digits(1, (9, 10)).check([10], 1.0)

    @pytest.mark.parametrize("effort", [0, -1.0, math.nan, math.inf, -math.inf])
    def test_an_effort_that_is_no_positive_number_is_refused(self, digits, effort):
        for refuse in (lambda: digits.check([10], effort), lambda: digits.recipe("unrolled", 10, effort)):
            with pytest.raises(ValueError, match=f"the effort must be a positive number, but it is {effort}"):
                refuse()


class TestRecipes:
    def test_there_is_one_for_every_method_and_nothing_else(self, digits):
        assert len(set(METHODS)) == len(METHODS) and set(METHODS) == set(CLOSED) | set(STEPS) == set(OWN)
        assert set(STEP_SIZES) == set(STEPS) and set(OWN.values()) <= set(digits.tasks)
        for name in METHODS:
            recipe = digits.recipe(name, 10)
            assert recipe.method.name == name and recipe.steps == STEPS.get(name, 0)
            assert recipe.task in digits.tasks.values()
            if name in STEPS:
                assert recipe.task.name == OWN[name]

    def test_the_matching_methods_look_at_the_network_of_the_learner_that_is_called_theirs(self, digits):
        matching = [name for name in STEPS if "matching" in name]
        assert len(matching) == 4
        for name in matching:
            recipe = digits.recipe(name, 10)
            assert recipe.method.network == MATCHED == SGD.network == digits.tasks[OWN[name]].learner.network
        assert digits.recipe("unrolled", 10).method.training == ADAM.training == digits.tasks[OWN["unrolled"]].learner.training

    def test_every_method_has_a_look_of_its_own(self):
        names = [*METHODS, "full"]
        assert len({looks.look(name)["label"] for name in names}) == len(names)

    @pytest.mark.parametrize("name", STEPS)
    def test_the_step_size_is_that_of_few_points_or_of_many_or_the_one_given(self, digits, name):
        few, many = STEP_SIZES[name]
        rates = [
            digits.recipe(name, budget, lr=lr).method.lr for budget, lr in ((10, None), (FEW, None), (FEW + 1, None), (10, 0.7))
        ]
        assert rates == [few, few, many, 0.7]

    @pytest.mark.parametrize("name", STEPS)
    def test_the_effort_scales_the_updates_and_the_horizon_of_the_step_size(self, digits, name):
        twice, least = digits.recipe(name, 10, 2.0), digits.recipe(name, 10, LITTLE)
        assert (twice.steps, least.steps) == (2 * STEPS[name], 1)
        assert getattr(twice.method, "horizon", twice.steps) == twice.steps

    def test_an_unknown_method_is_refused_with_the_known_ones(self, digits):
        with pytest.raises(ValueError, match=r"no method is called 'alchemy': choose among random, .*unrolled"):
            digits.recipe("alchemy", 10)


@pytest.mark.parametrize("name", METHODS)
class TestSets:
    def test_have_the_budget_finite_numbers_and_every_class(self, sets, name):
        distilled = sets[name]
        assert distilled.x.shape == (2, 12, 64) and distilled.y.shape == (2, 12, 10) and distilled.w.shape == (2, 12)
        assert all(part.isfinite().all() for part in distilled) and (distilled.w > 0).all()
        assert [set(row.tolist()) for row in distilled.y.argmax(-1)] == [set(range(10))] * 2

    def test_are_bitwise_the_same_for_the_same_seed(self, digits, sets, name):
        assert same(sets[name], made(digits, name))

    def test_differ_between_splits(self, sets, name):
        assert not torch.equal(sets[name].x[0], sets[name].x[1])


@pytest.mark.parametrize("name", STEPS)
def test_updates_leave_the_k_means_set_that_descent_begins_at(digits, sets, name):
    begun = made(digits, "k_means")
    assert not torch.equal(sets[name].x, begun.x)
    assert (sets[name].x - begun.x).abs().max() < 1  # two small steps


@pytest.mark.parametrize("name", ["random", "herding", "k_center", "solved_labels_random"])
def test_sets_of_rows_are_rows_of_the_training_data(digits, sets, name):
    assert (sets[name].x[:, :, None] == digits.splits.train.x[:, None]).all(-1).any(-1).all()


@pytest.mark.parametrize("name", ["solved_labels", "solved_labels_random", "kernel_inducing_labels"])
def test_solved_labels_are_better_for_kernel_ridge_than_the_labels_of_the_rows(digits, sets, name):
    task = digits.recipe(name, 12).task
    base = sets["random" if name == "solved_labels_random" else "k_means"]
    loss = [task.training_loss(task.fit(distilled)) for distilled in (sets[name], base)]
    assert (loss[0] < loss[1]).all()


def test_all_methods_at_all_budgets_and_the_data_are_made(monkeypatch, digits):
    some = ["random", "k_means", "solved_labels_random", "kernel_inducing", "unrolled"]
    monkeypatch.setattr("ddbook.chapters.digits.experiment.METHODS", some)
    found = digits.make_all([10, 13], LITTLE)
    assert set(found) == {(name, m) for name in some for m in (10, 13)} | {("full", 120)}
    assert all(found[key].distilled.budget == key[1] for key in found)
    assert found["full", 120].distilled is digits.splits.train and found["full", 120].seconds == 0
    for name, source in {"kernel_inducing": "k_means", "unrolled": "k_means"}.items():
        assert same(found[name, 13].start, found[source, 13].distilled)
    assert torch.equal(found["solved_labels_random", 13].distilled.x, found["random", 13].distilled.x)
    mean = retrain_all(digits, found).groupby(["method", "budget"]).accuracy.mean()
    assert mean["full", 120] > mean["k_means", 10] > 0.5  # chance is 0.1


def test_the_learners_are_judged_on_the_same_splits_under_names_of_their_own(digits):
    assert len(digits.tasks) == 7 and all(task.name == name for name, task in digits.tasks.items())
    assert all(task.splits is digits.splits for task in digits.tasks.values())
    assert {name for name, task in digits.tasks.items() if task.loss == "cross_entropy"} == {"logistic"}
