import itertools

import numpy as np
import pandas as pd
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from ddbook.chapters.digits.report import (
    accuracy,
    costs,
    interval,
    interval_numbers,
    means,
    numbers,
    slug,
    winners,
    with_efficiency,
    worst_rank,
)
from ddlib.statistics import estimate, paired_difference

LEARNERS = ["tree, small", "line"]
METHODS = ["random", "k_means", "ours"]
BUDGETS = [10, 50]
SEEDS = range(3)

RISKS = {  # tree, line
    ("random", 10): (0.50, 0.40),
    ("k_means", 10): (0.30, 0.20),
    ("ours", 10): (0.20, 0.40),
    ("random", 50): (0.40, 0.30),
    ("k_means", 50): (0.20, 0.15),
    ("ours", 50): (0.10, 0.10),
    ("full", 900): (0.10, 0.10),
}


def raw(risks=RISKS, seeds=SEEDS):
    """A table as transfer_table makes it: the risks above, one percent more for each seed, in no order."""
    rows = []
    for ((method, budget), values), seed in itertools.product(risks.items(), seeds):
        place = list(risks).index((method, budget))
        for learner, risk in zip(LEARNERS, values, strict=True):
            row = {"method": method, "budget": budget, "made_for": f"{method}'s learner", "learner": learner, "seed": seed}
            rows.append(row | {"risk": risk + seed / 100, "stored_numbers": 7 * budget + place, "seconds": place + 0.123})
    return pd.DataFrame(rows).sample(frac=1.0, random_state=0).reset_index(drop=True)


@pytest.fixture
def table():
    return with_efficiency(raw())


@pytest.mark.parametrize(
    ("name", "expected"),
    [("1-NN", "1_nn"), ("kernel ridge, NTK", "kernel_ridge_ntk"), ("network, Adam", "network_adam"), (" (a) ", "a"), ("x", "x")],
)
def test_a_slug_is_lower_case_letters_and_digits(name, expected):
    assert slug(name) == expected


class TestEfficiency:
    def test_is_taken_on_the_same_seed_learner_and_budget(self, table):
        chosen = table[table.method == "ours"].groupby(["budget", "learner"]).efficiency
        expected = {(10, "tree, small"): 3 / 4, (10, "line"): 0.0, (50, "tree, small"): 1.0, (50, "line"): 1.0}
        for key, values in chosen:
            np.testing.assert_allclose(values, [expected[key]] * 3, atol=1e-12)
        assert table[table.method == "random"].efficiency.abs().max() == 0
        np.testing.assert_allclose(table.accuracy, 1 - table.risk)

    def test_is_missing_for_all_the_data_alone(self, table):
        assert (table.efficiency.isna() == (table.method == "full")).all()

    def test_rows_keep_their_order_and_their_columns(self, table):
        pd.testing.assert_frame_equal(table.drop(columns=["accuracy", "efficiency"]), raw())

    @pytest.mark.parametrize("random", [0.10, 0.05])
    def test_is_missing_where_random_rows_do_as_well_as_all_the_data(self, random):
        table = raw()
        here = (table.learner == "line") & (table.seed == 1) & (table.budget == 50)
        table.loc[here & (table.method == "random"), "risk"] = random + 0.01
        gains = with_efficiency(table).efficiency
        assert (gains.isna() == (here | (table.method == "full"))).all()

    def test_is_negative_below_random_rows(self):
        table = raw(RISKS | {("ours", 10): (0.7, 0.4)})
        worse = with_efficiency(table).query("method == 'ours' and budget == 10 and learner == 'tree, small'")
        np.testing.assert_allclose(worse.efficiency, -0.5)


def test_accuracies_come_in_the_order_of_the_seeds(table):
    np.testing.assert_allclose(accuracy("k_means", 10, "line").values(table), [0.80, 0.79, 0.78])


def test_means_have_the_order_that_is_asked_for(table):
    found = means(table, 10, ["ours", "random"], ["line", "tree, small"])
    assert list(found.index) == ["ours", "random"] and list(found.columns) == ["line", "tree, small"]
    np.testing.assert_allclose(found, [[0.59, 0.79], [0.59, 0.49]])
    np.testing.assert_allclose(means(table, 10, ["ours"], LEARNERS, "efficiency"), [[0.75, 0.0]], atol=1e-12)


class TestRanks:
    def test_the_winner_has_the_highest_mean_on_each_learner(self, table):
        assert winners(table, 10, METHODS, LEARNERS).to_dict() == {"tree, small": "ours", "line": "k_means"}
        assert winners(table, 50, METHODS, LEARNERS).to_dict() == {"tree, small": "ours", "line": "ours"}
        assert winners(table, 10, ["random", "k_means"], LEARNERS).unique().tolist() == ["k_means"]

    def test_the_worst_rank_is_taken_over_learners_and_ties_share_the_better_one(self, table):
        assert worst_rank(table, 10, METHODS, LEARNERS).to_dict() == {"random": 3, "k_means": 2, "ours": 2}  # 2 = 2 on line
        assert worst_rank(table, 50, METHODS, LEARNERS).to_dict() == {"random": 3, "k_means": 2, "ours": 1}
        assert worst_rank(table, 10, METHODS, ["line"]).to_dict() == {"random": 2, "k_means": 1, "ours": 2}

    def test_the_first_of_those_that_tie_wins(self):
        table = with_efficiency(raw(RISKS | {("ours", 10): (0.3, 0.2)}))
        assert winners(table, 10, ["ours", "k_means"], LEARNERS).unique().tolist() == ["ours"]
        assert winners(table, 10, ["k_means", "ours"], LEARNERS).unique().tolist() == ["k_means"]

    @given(st.lists(st.integers(10, 480), min_size=3, max_size=3), st.integers(1, 5))
    @settings(max_examples=40)
    def test_rounding_breaks_no_tie(self, wrong, moved):
        """Two sets with as many of 500 cases wrong in all, though not seed by seed."""
        other = [wrong[0] + moved, wrong[1] - moved, wrong[2]]
        counts = {"first": wrong, "second": other}
        rows = [{"method": m, "budget": 10, "learner": "line", "accuracy": 1 - k / 500} for m, each in counts.items() for k in each]
        table = pd.DataFrame(rows)
        assert worst_rank(table, 10, list(counts), ["line"]).tolist() == [1, 1]
        for order in (["first", "second"], ["second", "first"]):
            assert winners(table, 10, order, ["line"]).tolist() == [order[0]]


class TestNumbers:
    def test_are_those_of_their_method_learner_and_budget(self, table):
        found = numbers(table, [50, 10], METHODS, LEARNERS)
        assert (found["budget_small"].value, found["budget_large"].value) == (10, 50)
        for place, budget in (("small", 10), ("large", 50)):
            for method in METHODS:
                for column, name in enumerate(("tree_small", "line")):
                    here, base = (0.99 - RISKS[m, budget][column] for m in (method, "k_means"))  # the middle one of three seeds
                    number, difference = (found[f"{method}_{kind}{name}_{place}"] for kind in ("", "minus_k_means_"))
                    assert number.value == pytest.approx(here) and number.n == 3 and number.low < here < number.high
                    assert tuple(difference[:3]) == pytest.approx([here - base] * 3)  # the same on every seed
                at = list(RISKS).index((method, budget))
                assert found[f"stored_{method}_{place}"].value == 7 * budget + at
                assert found[f"seconds_{method}_{place}"][::4] == (at + 0.123, "s")
        assert found["full_tree_small"].value == pytest.approx(0.89) and found["full_line"].n == 3
        assert (found["winners_small"].value, found["winners_large"].value) == (2, 1)
        assert [found[f"worst_rank_{method}_small"].value for method in METHODS] == [3, 2, 2]

    def test_differences_are_paired_on_seeds(self):
        table = raw()
        table.loc[(table.method == "ours") & (table.seed == 2) & (table.budget == 10), "risk"] += 0.06
        found = numbers(with_efficiency(table), BUDGETS, METHODS, LEARNERS)["ours_minus_k_means_tree_small_small"]
        assert tuple(found[:4]) == pytest.approx(tuple(paired_difference([0.10, 0.10, 0.04], [0, 0, 0])))

    def test_of_one_seed_have_no_interval(self):
        found = numbers(with_efficiency(raw(seeds=[0])), BUDGETS, METHODS, LEARNERS)
        assert all(number.low is None and number.high is None for number in found.values())
        assert found["ours_line_large"].n == 1

    def test_of_one_budget_are_both_the_smallest_and_the_largest(self, table):
        found = numbers(table, [10], METHODS, LEARNERS)
        pairs = [(name, name.removesuffix("small") + "large") for name in found if name.endswith("_small")]
        pairs = [pair for pair in pairs if pair[1] in found]
        assert len(pairs) > 20 and all(found[small] == found[large] for small, large in pairs)

    def test_an_interval_is_that_of_the_mean(self):
        assert interval([0.1, 0.2, 0.4])[:4] == tuple(estimate([0.1, 0.2, 0.4]))


def judged():
    """The table of the interval task: 100 × method + budget + seed, scores ten times the errors."""
    rows = []
    for place, method in enumerate(["full", "exact", "exact_unweighted", "random", "first_order_squared", "first_order_interval"]):
        for budget in {0: [300], 1: [12], 2: [12]}.get(place, [6, 12]):
            for seed in SEEDS:
                value = 100.0 * place + budget + seed * (1 + place)
                row = {"method": method, "budget": budget, "seed": seed, "rmse": value, "coverage": value / 1000}
                rows.append(row | {"width": 1.0, "score": 10 * value, "stored_numbers": 5})
    return pd.DataFrame(rows).sample(frac=1.0, random_state=1)


@pytest.mark.parametrize("budget", [6, 12])
def test_numbers_of_the_interval_task_are_those_of_one_budget(budget):
    found = interval_numbers(judged(), budget)
    assert (found["interval_budget"].value, found["exact_points"].value) == (budget, 12)
    for place, method in enumerate(["full", "exact", "exact_unweighted", "random", "first_order_squared", "first_order_interval"]):
        value = 100 * place + {0: 300, 1: 12, 2: 12}.get(place, budget) + 1 + place  # the middle one of three seeds
        assert found[f"rmse_{method}"].value == pytest.approx(value) and found[f"rmse_{method}"].n == 3
        assert found[f"coverage_{method}"].value == pytest.approx(value / 1000)
        assert found[f"score_{method}"].value == pytest.approx(10 * value)
    difference = paired_difference([0, 5, 10], [100, 106, 112])
    assert tuple(found["rmse_difference"][:4]) == pytest.approx(tuple(difference))
    assert tuple(found["score_difference"][:3]) == pytest.approx([10 * value for value in difference[:3]])


class TestCosts:
    def test_are_one_row_per_method_and_two_columns_per_budget(self, table):
        found = costs(table, [50, 10], ["ours", "random"])
        assert list(found.index) == ["ours", "random"]
        assert list(found.columns) == [
            "made with",
            "stored numbers, 50 points",
            "stored numbers, 10 points",
            "seconds, 50 points",
            "seconds, 10 points",
        ]
        assert found.loc["ours"].tolist() == ["ours's learner", 355, 72, 5.12, 2.12]
        assert found.loc["random"].tolist() == ["–", 353, 70, 3.12, 0.12]

    def test_count_each_set_once(self, table):
        assert costs(table, [10], METHODS)["stored numbers, 10 points"].tolist() == [70, 71, 72]
