import itertools

import numpy as np
import pandas as pd
import pytest

from ddbook.chapters.digits import report
from ddbook.kit.looks import label
from ddlib.statistics import best_set, crossed, estimate, paired_difference
from tests.ddbook.chapters.digits.tables import BUDGETS, DRAWS, IMAGES, LEARNERS, METHODS, RIGHT, judged, right

OWN = {"kernel_inducing_labels": LEARNERS[0], "unrolled": LEARNERS[1]}


@pytest.fixture
def table():
    return judged()


@pytest.fixture
def found(table):
    return report.differences(table, BUDGETS, METHODS, LEARNERS)


@pytest.fixture
def carried(table):
    return report.transfer(table, BUDGETS, [*OWN], OWN)


def share(method, budget, learner):
    """The middle one of three draws."""
    return (RIGHT[method, budget][LEARNERS.index(learner)] - 1) / IMAGES


@pytest.mark.parametrize(
    ("name", "expected"),
    [("1-NN", "1_nn"), ("kernel ridge, NTK", "kernel_ridge_ntk"), ("network, Adam", "network_adam"), (" (a) ", "a"), ("x", "x")],
)
def test_a_slug_is_lower_case_letters_and_digits(name, expected):
    assert report.slug(name) == expected


class TestRight:
    def test_comes_in_the_order_of_the_draws(self, table):
        values = report.right(table, "k_means", 10, "1-NN")
        assert values.shape == (3, IMAGES)
        np.testing.assert_array_equal(values.sum(1), [30, 29, 28])

    def test_of_rows_that_are_not_there_is_refused(self, table):
        with pytest.raises(ValueError, match="no rows of alchemy with 10 points on 1-NN"):
            report.right(table, "alchemy", 10, "1-NN")


class TestDifferences:
    def test_are_paired_on_draws_and_images(self, found):
        assert len(found) == len(BUDGETS) * len(LEARNERS) * len(METHODS)
        for row in found.itertuples():
            assert row.accuracy == pytest.approx(share(row.method, row.budget, row.learner)) and row.n == 3
            assert row.difference == pytest.approx(row.accuracy - share("k_means", row.budget, row.learner))
        same = found[found.method == "k_means"]
        assert (same[["difference", "difference_low", "difference_high"]] == 0).all(axis=None)

    def test_have_the_intervals_of_the_library(self, table, found):
        own, base = (report.right(table, method, 10, "1-NN") for method in ("unrolled", "k_means"))
        row = found.query("method == 'unrolled' and budget == 10 and learner == '1-NN'").iloc[0]
        assert (row.accuracy, row.low, row.high, row.n) == crossed(own)
        assert (row.difference, row.difference_low, row.difference_high, row.n) == crossed(own - base)

    def test_mark_what_cannot_be_told_from_the_best(self, table, found):
        for (budget, learner), rows in found.groupby(["budget", "learner"]):
            values = np.stack([report.right(table, method, budget, learner) for method in rows.method])
            assert rows.tied.tolist() == best_set(values)
        first = found.query("budget == 10 and learner == 'kernel ridge, RBF'").set_index("method").tied
        assert first["kernel_inducing_labels"] and not first["random"]

    def test_are_listed_for_the_page_with_a_star_for_the_best(self, found):
        page = report.listed(found, 10, METHODS, LEARNERS)
        assert list(page.index) == [label(method) for method in METHODS] and list(page.columns) == LEARNERS
        cell = page.loc[label("kernel_inducing_labels"), LEARNERS[0]]
        assert cell.startswith("+20.0 [") and cell.endswith("] ★")
        assert page.loc[label("random"), LEARNERS[0]].startswith("-20.0 [") and "★" not in page.loc[label("random"), LEARNERS[0]]


class TestTransfer:
    def test_is_the_gain_for_each_learner_of_which_one_is_at_home(self, table, carried):
        assert len(carried) == len(OWN) * len(BUDGETS) * len(LEARNERS)
        for row in carried.itertuples():
            assert row.value == pytest.approx(
                share(row.method, row.budget, row.learner) - share("k_means", row.budget, row.learner)
            )
            assert row.home == (row.learner == OWN[row.method])
        ahead = report.right(table, "unrolled", 10, "1-NN") - report.right(table, "k_means", 10, "1-NN")
        row = carried.query("method == 'unrolled' and budget == 10 and learner == '1-NN'").iloc[0]
        assert (row.value, row.low, row.high, row.n) == crossed(ahead)

    def test_a_forest_alone_does_not_make_a_loss_for_the_others(self):
        """Of the learners away from home one gains and one loses more: each is settled for itself, and no mean hides either."""
        counts = RIGHT | {("k_means", 10): (20, 20, 30), ("unrolled", 10): (32, 30, 2)}
        carried = report.transfer(judged(counts), [10], ["unrolled"], OWN).set_index("learner")
        assert carried.settled.all() and carried.value["1-NN"] < -0.5 and carried.value[LEARNERS[0]] > 0.2

    def test_is_settled_after_a_correction_for_the_number_of_learners(self):
        noise = np.linspace(-1, 1, 6)
        error = noise.std(ddof=1) / np.sqrt(6)
        values = noise[:, None] + error * np.array([50.0, 3.0] + [0.0] * 18)[:, None, None]  # by Student's t
        assert report._settled(values) == [True] + [False] * 19
        assert crossed(values[1]).low > 0 and report._settled(values[1:2]) == [True]

    def test_no_difference_at_all_is_not_settled(self, table):
        assert not report.transfer(table, [10], ["k_means"], {"k_means": LEARNERS[0]}).settled.any()


class TestNumbers:
    def test_are_those_of_their_method_learner_and_budget(self, table, found, carried):
        every = report.numbers(table, found, carried, BUDGETS, LEARNERS)
        assert (every["budget_small"].value, every["budget_large"].value) == (10, 50)
        for (place, budget), method, learner in itertools.product(zip(("small", "large"), BUDGETS, strict=True), METHODS, LEARNERS):
            here, name = share(method, budget, learner), report.slug(learner)
            ahead = every[f"{method}_minus_k_means_{name}_{place}"]
            assert every[f"{method}_{name}_{place}"].value == pytest.approx(here)
            assert ahead.value == pytest.approx(100 * (here - share("k_means", budget, learner))) and ahead.unit == "points"
        assert every["full_1_nn"].value == pytest.approx(37 / 40) and every["full_1_nn"].n == 3
        assert every["full_error"].value == pytest.approx(5) and every["full_error"].unit == "points"
        for method, gap in (("k_means", -12.5), ("solved_labels", -10), ("kernel_inducing_labels", -2.5)):
            assert every[f"{method}_minus_full_large"].value == pytest.approx(gap)
        assert every["points_minus_labels_small"].value == pytest.approx(12.5)

    def test_count_the_settled_gains_and_losses_away_from_home(self, table, found, carried):
        every = report.numbers(table, found, carried, BUDGETS, LEARNERS)
        away = carried.query("method == 'kernel_inducing_labels' and budget == 10 and not home and settled").value
        assert every["kernel_inducing_labels_losses_small"].value == (away < 0).sum() == 2
        assert every["kernel_inducing_labels_gains_small"].value == (away > 0).sum() == 0

    def test_count_the_methods_that_cannot_be_told_from_the_best(self, table, found, carried):
        every = report.numbers(table, found, carried, BUDGETS, LEARNERS)
        few = found[found.budget == 10].pivot(index="method", columns="learner", values="tied")
        assert every["tied_1_nn_small"].value == few["1-NN"].sum()
        assert every["tied_everywhere_small"].value == few.all(axis=1).sum() < few.any(axis=1).sum()

    def test_an_interval_is_that_of_the_mean(self):
        assert report.interval([0.1, 0.2, 0.4])[:4] == tuple(estimate([0.1, 0.2, 0.4]))


NAMES = ["full", "exact", "exact_unweighted", "random", "k_means"]
DESCENTS = list(itertools.product(["first_order_squared", "first_order_interval"], ["k_means", "random"]))


def patients():
    """The table of the interval task; the sets differ in error, and in how many of 40 patients they cover."""
    rows = []
    for place, (method, begin) in enumerate([*((name, "") for name in NAMES), *DESCENTS]):
        for budget in {0: [300], 1: [12], 2: [12]}.get(place, [6, 12]):
            for draw in DRAWS:
                value, inside = 100.0 * place + budget + draw * (1 + place), 4 * place + draw
                row = {"method": method, "begin": begin, "budget": budget, "seed": draw, "rmse": value, "coverage": inside / IMAGES}
                rows.append(row | {"width": 1.0, "score": 10 * value, "covered": right(inside)})
    return pd.DataFrame(rows).sample(frac=1.0, random_state=1)


@pytest.mark.parametrize("budget", [6, 12])
def test_numbers_of_the_interval_task_are_those_of_one_budget(budget):
    every = report.interval_numbers(patients(), budget)
    assert (every["interval_budget"].value, every["exact_points"].value) == (budget, 12)
    for place, (method, begin) in enumerate([*((name, "") for name in NAMES), *DESCENTS]):
        name = f"{method}_from_{begin}" if begin else method
        value = 100 * place + {0: 300, 1: 12, 2: 12}.get(place, budget) + 1 + place  # the middle one of three draws
        assert every[f"rmse_{name}"].value == pytest.approx(value) and every[f"rmse_{name}"].n == 3
        assert every[f"coverage_{name}"].value == pytest.approx((4 * place + 1) / IMAGES)
        assert every[f"score_{name}"].value == pytest.approx(10 * value)
    ours, theirs = ([100 * place + budget + draw * (1 + place) for draw in DRAWS] for place in (6, 5))
    assert tuple(every["rmse_difference"][:4]) == pytest.approx(tuple(paired_difference(ours, theirs)))
    assert every["coverage_difference"].value == pytest.approx(4 / IMAGES)
    for begin in ("k_means", "random"):  # two places on, by the order of the sets
        assert every[f"score_difference_{begin}"].value == pytest.approx(10 * 202)


def test_the_table_of_the_interval_task_has_a_row_for_each_set():
    page = report.interval_table(patients(), 12)
    assert len(page) == 7 and page.loc["all patients", "interval score"] == "3010.00"
    assert page.loc["12 points for the mean, from random rows", "error of the mean"] == "619.000"


def test_the_trap_is_quoted_at_its_end_for_each_arm_and_step_size():
    counts = {"warm": 10, "cold": 30, "cold_long": 34}
    rows = [
        {"arm": arm, "step_size": size, "step": step, "seed": draw, "inside": 0.9, "right": right(count + step + draw)}
        for (arm, count), size, step, draw in itertools.product(counts.items(), (0.1, 0.2, 0.4), (0, 1, 3), DRAWS)
    ]
    rows = [row | {"right": right(20)} if row["step"] == 1 and row["arm"] == "warm" else row for row in rows]
    every = report.trap_numbers(pd.DataFrame(rows).sample(frac=1.0, random_state=2))
    assert [every[f"trap_step_{place}"].value for place in ("small", "middle", "large")] == [0.1, 0.2, 0.4]
    assert every["warm_retrained_large"].value == pytest.approx(14 / 40) and every["warm_inside_small"].value == 0.9
    assert every["warm_costs_middle"].value == pytest.approx(50) and every["warm_costs_middle"].unit == "points"
    assert every["trap_early"].value == 1 and every["warm_costs_middle_early"].value == pytest.approx(100 * 12 / 40)
    assert every["trap_begins"].value == pytest.approx(31 / 40)


def test_costs_are_one_row_per_method_and_two_columns_per_budget(table):
    page = report.costs(table, [50, 10], ["unrolled", "random"])
    assert list(page.index) == [label("unrolled"), label("random")]
    assert page["made with"].tolist() == ["unrolled's learner", "–"] and page.updates.tolist() == [5, 5]
    assert list(page.columns[2:]) == [f"{what}, {budget} points" for what in ("stored numbers", "seconds") for budget in (50, 10)]
    assert page["stored numbers, 50 points"].tolist() == [350, 350] and page["seconds, 10 points"].tolist() == [0.12, 0.12]
