"""Scores agree with plain numpy on any table that pairs, and refuse every table that does not."""

import numpy as np
import pandas as pd
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from scipy import stats

from ddbook.kit.scores import NoRows, Score, ScoreError, grid, quoted_median, select, shown
from ddlib.statistics import estimate

FINITE = st.floats(-1e3, 1e3)
POSITIVE = st.floats(1e-3, 1e3)


@st.composite
def shuffled(draw, numbers=FINITE, problems=2):
    """The scores of two methods as an array (method, problem, seed), and as the rows of a table in any order."""
    shape = (2, problems, draw(st.integers(1, 7)))
    size = 2 * problems * shape[2]
    scores = np.array(draw(st.lists(numbers, min_size=size, max_size=size))).reshape(shape)
    rows = [("ab"[m], f"problem {p}", s, scores[m, p, s]) for m, p, s in np.ndindex(shape)]
    return scores, pd.DataFrame(draw(st.permutations(rows)), columns=["method", "problem", "seed", "score"])


def at(method, problem=0):
    return {"method": method, "problem": f"problem {problem}"}


def student(values):
    """Mean and 95 % interval of one sample; not a number for the ends if there is one value."""
    mean, n = np.mean(values), len(values)
    half = stats.t.ppf(0.975, n - 1) * np.std(values, ddof=1) / np.sqrt(n) if n > 1 else np.nan
    return mean, mean - half, mean + half


@given(shuffled())
@settings(max_examples=40)
def test_a_paired_difference_is_that_of_the_arrays(case):
    scores, table = case
    found = Score("score", at("a"), minus=at("b")).evaluate(table)
    assert found[:3] == pytest.approx(student(scores[0, 0] - scores[1, 0]), rel=1e-9, abs=1e-9, nan_ok=True)
    assert found.n == scores.shape[2]


@given(shuffled(POSITIVE))
@settings(max_examples=40)
def test_ratios_have_a_geometric_mean_or_a_median(case):
    scores, table = case
    ratios = scores[0, 0] / scores[1, 0]
    geometric = Score("score", at("a"), over=at("b"), statistic="geometric_mean").evaluate(table)
    assert geometric[:3] == pytest.approx(tuple(np.exp(student(np.log(ratios)))), rel=1e-9, nan_ok=True)
    median = Score("score", at("a"), over=at("b"), statistic="median").evaluate(table)
    assert median == pytest.approx(estimate(ratios, "median"), nan_ok=True)


@given(shuffled(POSITIVE))
@settings(max_examples=40)
def test_each_repetition_is_averaged_over_what_it_is_paired_across(case):
    scores, table = case
    difference = Score("score", {"method": "a"}, minus={"method": "b"}, across=("problem",))
    assert difference.values(table).to_numpy() == pytest.approx((scores[0] - scores[1]).mean(0))
    ratio = Score("score", {"method": "a"}, over={"method": "b"}, across=("problem",), statistic="geometric_mean")
    assert ratio.values(table).to_numpy() == pytest.approx(stats.gmean(scores[0] / scores[1], axis=0))
    assert ratio.evaluate(table).value == pytest.approx(stats.gmean(scores[0] / scores[1], axis=None))


@given(shuffled())
@settings(max_examples=40)
def test_several_conditions_are_added_pair_by_pair(case):
    scores, table = case
    found = Score("score", [at("a"), at("b", 1)], minus=[at("b"), at("a", 1)]).values(table)
    assert found.to_numpy() == pytest.approx(scores[0, 0] + scores[1, 1] - (scores[1, 0] + scores[0, 1]))


@given(st.lists(st.lists(FINITE, min_size=1, max_size=5), min_size=1, max_size=5), st.sampled_from(["mean", "median"]))
@settings(max_examples=40)
def test_repeats_count_once(groups, repeats):
    table = pd.DataFrame([(seed, value) for seed, values in enumerate(groups) for value in values], columns=["seed", "score"])
    found = Score("score", repeats=repeats).values(table).to_numpy()
    assert found == pytest.approx([getattr(np, repeats)(values) for values in groups])
    if len(table) > len(groups):
        with pytest.raises(ScoreError, match="same seed"):
            Score("score").evaluate(table)


TABLE = pd.DataFrame(
    {
        "method": ["first_order", "first_order", "em", "em"],
        "budget": [10, 10, 0, 0],
        "seed": [0, 1, 0, 1],
        "score": [1.0, 2.0, 4.0, -4.0],
        "text": list("abcd"),
    }
)
OURS, THEIRS = {"method": "first_order"}, {"method": "em"}


@pytest.mark.parametrize(
    ("score", "table", "why"),
    [
        (Score("score"), TABLE[:0], "no rows"),
        (Score("scor", OURS), TABLE, "did you mean 'score'"),
        (Score("score", {"metod": "em"}), TABLE, "did you mean 'method'"),
        (Score("score", "metod == 'em'"), TABLE, "did you mean 'method'"),
        (Score("score", {"method": "frist_order"}), TABLE, "did you mean 'first_order'"),
        (Score("score", {"method": ["em", "emm"]}), TABLE, "did you mean 'em'"),
        (Score("score", OURS, by=("draw",)), TABLE, "no column draw"),
        (Score("score", {"method": "em", "budget": 10}), TABLE, "no rows with"),
        (Score("score", {"budget": range(11)}), TABLE, "one value, or some in a list"),
        (Score("score", {"budget": np.array([0, 10])}), TABLE, "one value, or some in a list"),
        (Score("score", {"budget": [[0, 10]]}), TABLE, "one value, or some in a list"),
        (Score("score", {"budget": []}), TABLE, "one value, or some in a list"),
        (Score("score", "method == 'emm'"), TABLE, "misspelt"),
        (Score("score", "score + 1"), TABLE, "no condition"),
        (Score("score", "method =="), TABLE, "cannot be asked"),
        (Score("score", [], minus=OURS), TABLE, "one at least"),
        (Score("text", OURS), TABLE, "not finite"),
        (Score("score", OURS), TABLE.replace(2.0, np.inf), "not finite"),
        (Score("score"), TABLE, "same seed"),
        (Score("score", OURS, minus=THEIRS), TABLE[:3], "one side"),
        (Score("score", OURS, over=THEIRS), TABLE, "not positive"),
        (Score("score", OURS, over=THEIRS), TABLE.replace(4.0, 0.0), "not positive"),
        (Score("score", THEIRS, statistic="geometric_mean"), TABLE, "not positive"),
        (Score("score", by=("seed",), across=("method",)), TABLE[:3], "lacks a row"),
        (Score("score", by=("seed",), across=("method",)), TABLE.iloc[[0, 3]], "lacks a row"),
    ],
)
def test_what_cannot_be_scored_is_refused_with_its_reason(score, table, why):
    with pytest.raises(ScoreError, match=why):
        score.evaluate(table)


CONTRADICTIONS = [{"minus": OURS, "over": THEIRS}, {"minus": OURS, "statistic": "geometric_mean"}, {"by": ()}]
CONTRADICTIONS += [{"statistic": name} for name in ("medain", "geometric mean", "", None)]
CONTRADICTIONS += [{"repeats": name} for name in ("max", "", "geometric_mean")]
CONTRADICTIONS += [{"by": "seed"}, {"across": "method"}, {"by": ("seed", "seed")}, {"across": ("method", "seed")}]


@pytest.mark.parametrize("fields", CONTRADICTIONS, ids=repr)
def test_a_contradiction_is_refused_before_any_table(fields):
    with pytest.raises(ScoreError):
        Score("score", **fields)


def test_a_grid_has_a_dash_for_what_was_not_run_and_refuses_what_is_misspelt():
    def cell(method, budget):
        return shown(Score("score", {"method": method, "budget": budget}, statistic="median").evaluate(TABLE))

    page = grid(["first_order", "em"], {"all": 0, "ten": 10}, cell)
    assert page.loc["first_order"].to_dict() == {"all": "–", "ten": "1.5 (1 to 2)"}
    assert page.loc["em"].to_dict() == {"all": "0 (-4 to 4)", "ten": "–"}
    with pytest.raises(NoRows):
        select(TABLE, {"method": "em", "budget": 10})
    with pytest.raises(ScoreError, match="did you mean"):
        grid(["firstorder"], {"all": 0}, cell)
    with pytest.raises(ScoreError, match="misspelt"):
        grid(["firstorder"], {"all": 0}, lambda method, _: str(len(select(TABLE, f"method == '{method}'"))))


GAPS = pd.DataFrame({"method": list("aab"), "lam": [0.5, 2.0, np.nan], "score": [1.0, 2.0, 3.0]})


@pytest.mark.parametrize(
    ("query", "rows"),
    [
        ("lam < 1", None),
        ("not lam < 1", None),
        ("lam == lam.max()", None),
        ("method == 'b' and 0 < lam < 3", None),
        ("method == 'a' and lam < 1", [0]),
        ("method == 'b' or lam < 1", [0, 2]),
        ("lam.notna() and lam < 1", [0]),
        ("lam.isna()", [2]),
        ("method == 'b'", [2]),
    ],
)
def test_a_row_for_which_a_missing_number_leaves_a_query_open_is_not_dropped(query, rows):
    if rows is None:
        with pytest.raises(ScoreError, match="lacks a number"):
            select(GAPS, query)
    else:
        pd.testing.assert_frame_equal(select(GAPS, query), GAPS.iloc[rows])


@pytest.mark.parametrize(("n", "has_interval"), [(1, False), (5, False), (6, True)])
def test_a_median_is_quoted_with_an_interval_only_where_that_covers(n, has_interval):
    number = quoted_median(estimate(np.arange(n), "median"), "nats")
    assert (number.low is not None, number.value, number.n, number.unit) == (has_interval, (n - 1) / 2, n, "nats")
