"""Verdicts follow the numbers: across a threshold they turn, and what is missing never passes."""

from typing import get_args

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from scipy import stats

from ddbook.press.claims import Claim, Results, State, judge, worse_than_recorded
from tests.ddbook.press.claims.world import CLAIM, finished_run, number


def verdict(folder, *statistics, **fields):
    claim = Claim.model_validate(CLAIM | ({"statistics": list(statistics)} if statistics else {}) | fields)
    return judge(claim, Results(folder, "the run"))


@pytest.mark.parametrize(
    ("a", "state"),
    [
        ([3.0, 3.1, 2.9], "reproduced"),  # the interval of the difference lies above 0
        ([1.0, 5.0, 1.0], "inconclusive"),  # its mean does, its lower end does not
        ([0.0, 2.0, 0.5], "inconclusive"),  # its mean does not, its upper end does
        ([0.0, 0.1, -0.1], "not reproduced"),
    ],
)
def test_a_verdict_turns_where_the_numbers_cross_the_threshold(tmp_path, a, state):
    finished_run(tmp_path, {"a": a, "b": [1.0, 1.0, 1.1]})
    assert verdict(tmp_path).state == state


@given(
    values=st.lists(st.floats(-5, 5), min_size=3, max_size=8),
    threshold=st.floats(-5, 5),
)
def test_at_least_and_at_most_never_both_hold_beyond_the_threshold(tmp_path_factory, values, threshold):
    folder = tmp_path_factory.mktemp("runs")
    finished_run(folder, {"a": values})
    up, down = (
        verdict(
            folder, {"label": "score of a", "table": "scores", "value": "score", "rows": "method == 'a'", side: threshold}
        ).state
        for side in ("at_least", "at_most")
    )
    mean, half = np.mean(values), stats.t.ppf(0.975, len(values) - 1) * np.std(values, ddof=1) / np.sqrt(len(values))
    if mean - half > threshold + 1e-9:
        assert (up, down) == ("reproduced", "not reproduced")
    if mean + half < threshold - 1e-9:
        assert (up, down) == ("not reproduced", "reproduced")
    assert {up, down} != {"reproduced"} or np.ptp(values) < 1e-9


def test_a_ratio_is_the_geometric_mean_of_paired_ratios(tmp_path):
    finished_run(tmp_path, {"a": [1.0, 2.0, 8.0], "b": [2.0, 4.0, 16.0]})
    statistic = {
        "label": "a over b",
        "table": "scores",
        "value": "score",
        "rows": "method == 'a'",
        "over": "method == 'b'",
        "factor": ["method.type"],
        "at_most": 0.6,
    }
    judged = verdict(tmp_path, statistic)
    assert judged.state == "reproduced"
    assert judged.findings[0].estimate.value == pytest.approx(0.5)
    assert judged.findings[0].estimate.high == pytest.approx(0.5)


def test_several_queries_are_added_seed_by_seed(tmp_path):
    finished_run(tmp_path, {"a": [1.0, 2.0], "b": [10.0, 20.0], "c": [100.0, 200.0]})
    queries = ["method == 'b'", "method == 'c'"]
    statistic = {
        "label": "b + c − a",
        "table": "scores",
        "value": "score",
        "rows": queries,
        "minus": "method == 'a'",
        "factor": ["method.type"],
        "at_least": 0,
    }
    assert verdict(tmp_path, statistic, seeds=2).findings[0].estimate.value == pytest.approx((109 + 218) / 2)


def test_a_published_figure_is_matched_inside_the_prediction_interval(tmp_path):
    values = [1.0, 2.0, 3.0, 4.0]
    finished_run(tmp_path, {"a": values})
    half = stats.t.ppf(0.975, 3) * np.std(values, ddof=1) * np.sqrt(1 + 1 / 4)
    for published, state in (
        (2.5 + half - 0.01, "reproduced"),
        (2.5 + half + 0.01, "not reproduced"),
        (2.5 - half - 0.01, "not reproduced"),
    ):
        statistic = {"label": "score of a", "table": "scores", "value": "score", "rows": "method == 'a'", "published": published}
        assert verdict(tmp_path, statistic | {"widest": 2 * half + 0.01}).state == state
        wide = verdict(tmp_path, statistic | {"widest": 2 * half - 0.01})
        assert wide.state == ("inconclusive" if state == "reproduced" else state)  # noise buys no match, and no figure outside


@pytest.mark.parametrize(
    ("thresholds", "state"),  # the interval reaches from 2.75 to 3.25
    [
        ((2, 2.5), "reproduced"),
        ((2, 5), "partly"),
        ((2, 3), "partly"),
        ((2, 3, 5), "partly"),
        ((4, 5), "not reproduced"),
        ((3, 5), "not reproduced"),
        ((3, 3.1), "inconclusive"),
    ],
)
def test_several_statistics_have_one_verdict(tmp_path, thresholds, state):
    finished_run(tmp_path, {"a": [3.0, 3.1, 2.9], "b": [1.0, 1.0, 1.1]})
    one = {"label": "score of a", "table": "scores", "value": "score", "rows": "method == 'a'"}
    assert verdict(tmp_path, *({**one, "at_least": threshold} for threshold in thresholds)).state == state


@pytest.mark.parametrize(("margin", "state"), [(0.3, "reproduced"), (0.2, "inconclusive"), (0.01, "inconclusive")])
def test_both_ends_are_the_margin_of_an_equivalence(tmp_path, margin, state):
    finished_run(tmp_path, {"a": [3.0, 3.1, 2.9], "b": [1.0, 1.0, 1.1]})
    one = {"label": "score of a", "table": "scores", "value": "score", "rows": "method == 'a'"}
    assert verdict(tmp_path, one | {"at_least": 3 - margin, "at_most": 3 + margin}).state == state


def test_what_cannot_be_judged_from_here_shows_its_numbers_all_the_same(tmp_path):
    finished_run(tmp_path, {"a": [3.0, 3.1, 2.9], "b": [1.0, 1.0, 1.1]})
    judged = verdict(tmp_path, undecidable="the learner is ours")
    assert (judged.state, judged.why) == ("cannot be judged from here", "the learner is ours")
    assert judged.findings[0].state == "reproduced"
    assert verdict(tmp_path, undecidable="the learner is ours", chapter="05_other").state == "cannot be judged from here"
    (sentence,) = worse_than_recorded([judged], {"better": "not reproduced"})
    assert "the learner is ours" in sentence


def test_a_median_of_few_seeds_has_no_interval_to_judge_by(tmp_path):
    one = {"label": "score", "table": "scores", "value": "score", "rows": "method == 'a'", "middle": "median", "at_least": 0}
    finished_run(tmp_path, {"a": [1.0, 2.0, 3.0, 4.0, 5.0]})
    assert "median of 5 seeds has a range" in verdict(tmp_path, one).why
    finished_run(tmp_path, {"a": [1.0, 2.0, 3.0, 4.0, 5.0, 6.0]})
    assert verdict(tmp_path, one).state == "reproduced"


@pytest.mark.parametrize(
    ("change", "why"),
    [
        ({"seeds": 4}, "3 seeds where 4 are needed"),
        ({"chapter": "05_other"}, "no finished run of 05_other"),
        ({"statistics": [{"label": "error", "number": "error", "at_most": 1}]}, "error is not finite"),
        ({"statistics": [{"label": "half", "number": "half", "at_most": 1}]}, "an end of the interval of half"),
        ({"statistics": [CLAIM["statistics"][0] | {"rows": "score + 1"}]}, "is no condition"),
        ({"statistics": [CLAIM["statistics"][0] | {"value": "method"}]}, "not finite"),
        ({"statistics": [{"label": "gone", "number": "gone", "at_most": 1}]}, "gone was not recorded"),
        ({"statistics": [{"label": "bare", "number": "bare", "at_most": 1}]}, "bare has no interval"),
        ({"statistics": [CLAIM["statistics"][0] | {"table": "other"}]}, "no other.csv"),
        ({"statistics": [CLAIM["statistics"][0] | {"rows": "method == 'z'"}]}, "no rows with"),
        ({"statistics": [CLAIM["statistics"][0] | {"rows": "metod == 'z'"}]}, "cannot be asked"),
        ({"statistics": [CLAIM["statistics"][0] | {"value": "scor"}]}, "no column scor"),
        ({"statistics": [CLAIM["statistics"][0] | {"seed": ["draw"]}]}, "no column draw"),
    ],
)
def test_what_is_missing_is_not_testable_and_says_why(tmp_path, change, why):
    finished_run(
        tmp_path,
        {"a": [3.0, 3.1, 2.9], "b": [1.0, 1.0, 1.1]},
        {"error": number(None), "bare": number(0.5, n=3), "half": number(0.5, 0.1, None, 3)},
    )
    judged = verdict(tmp_path, **change)
    assert judged.state == "not testable"
    assert why in judged.why


def test_one_missing_statistic_makes_the_claim_untestable(tmp_path):
    finished_run(tmp_path, {"a": [3.0, 3.1, 2.9], "b": [1.0, 1.0, 1.1]})
    judged = verdict(tmp_path, CLAIM["statistics"][0], {"label": "gone", "number": "gone", "at_most": 1})
    assert (judged.state, judged.findings[0].state) == ("not testable", "reproduced")


def test_an_infinite_score_is_not_testable(tmp_path):
    finished_run(tmp_path, {"a": [3.0, float("inf"), 2.9], "b": [1.0, 1.0, 1.1]})
    assert "not finite" in verdict(tmp_path).why


RATIO = {
    "label": "a over b",
    "table": "scores",
    "value": "score",
    "rows": "method == 'a'",
    "over": "method == 'b'",
    "factor": ["method.type"],
    "across": ["problem"],
    "at_most": 1,
}
ROWS = [
    f"{method},{seed},{problem},{score},{method}"
    for method, score in (("a", 1.0), ("b", 2.0))
    for seed in range(3)
    for problem in ("one", "two")
]


def write_rows(folder, rows):
    place = finished_run(folder, {"a": [1.0]})
    (place / "results" / "scores.csv").write_text("\n".join(["method,seed,problem,score,method.type", *rows]))


@pytest.mark.parametrize(
    ("row", "why"),
    [
        ("b,2,two,2.0,b", ""),
        ("b,2,two,,b", "not finite"),
        ("b,2,two,inf,b", "not finite"),
        ("b,2,two,-2.0,b", "not positive"),
        ("b,2,three,2.0,b", "on one side"),
        ("c,2,two,2.0,c", "on one side"),
    ],
)
def test_what_is_lacking_on_one_of_several_problems_never_drops_out_unseen(tmp_path, row, why):
    write_rows(tmp_path, [*ROWS[:-1], row])
    judged = verdict(tmp_path, RATIO)
    assert judged.state == ("not testable" if why else "reproduced")
    assert why in judged.why


def test_a_seed_that_lacks_a_problem_on_both_sides_is_seen(tmp_path):
    write_rows(tmp_path, [row for row in ROWS if ",2,two," not in row])
    assert "lacks a row" in verdict(tmp_path, RATIO).why


def test_a_tie_is_neither_better_nor_worse(tmp_path):
    finished_run(tmp_path, {"a": [1.0, 1.0, 1.0], "b": [1.0, 1.0, 1.0]})
    common = {"label": "a and b", "table": "scores", "value": "score", "rows": "method == 'a'", "factor": ["method.type"]}
    for extra in (
        {"minus": "method == 'b'", "at_least": 0},
        {"minus": "method == 'b'", "at_most": 0},
        {"over": "method == 'b'", "at_most": 1},
    ):
        assert verdict(tmp_path, common | extra).state == "not reproduced"


@pytest.mark.parametrize(
    ("name", "content"),
    [("results/scores.csv", ""), ("results/scores.csv", 'a,"b\n'), ("results/numbers.json", "{"), ("results/numbers.json", "[]")],
)
def test_a_damaged_file_is_named_in_the_verdict(tmp_path, name, content):
    place = finished_run(tmp_path, {"a": [1.0, 2.0, 3.0]}, {"error": number(0.5)})
    (place / name).write_text(content)
    judged = verdict(
        tmp_path,
        {"label": "one", "table": "scores", "value": "score", "rows": "method == 'a'", "at_least": 0},
        {"label": "two", "number": "error", "at_most": 1},
        seeds=0,
    )
    assert judged.state == "not testable"
    assert "run the chapter again" in judged.why


def test_a_damaged_record_of_a_run_is_named_where_its_parameters_count(tmp_path):
    (finished_run(tmp_path, {"a": [3.0, 3.1, 2.9], "b": [1.0, 1.0, 1.1]}) / "run.json").write_text("{}")
    assert "is no record of a run" in verdict(tmp_path, requires={"replicates": 3}).why


def test_an_exact_number_needs_no_seeds(tmp_path):
    finished_run(tmp_path, {}, {"error": number(1e-14)})
    for limit, state in ((1e-10, "reproduced"), (1e-16, "not reproduced")):
        assert verdict(tmp_path, {"label": "error", "number": "error", "at_most": limit}, seeds=0).state == state


@pytest.mark.parametrize(
    ("requires", "why"),
    [
        ({"replicates": 3}, ""),
        ({"replicates": 4}, "replicates is 3 in this run and has to be 4 or more"),
        ({"replicates": {"at_most": 3}}, ""),
        ({"replicates": {"at_most": 2}}, "replicates is 3 in this run and has to be 2 or less"),
        ({"share": {"at_most": 2}}, "share is None"),
        ({"epochs": [1, 2]}, ""),
        ({"epochs": [1, 3]}, "epochs is [1, 2] in this run and has to be [1, 3]"),
        ({"share": 0.5}, "share is None"),
    ],
)
def test_a_run_on_too_small_a_scale_is_no_test(tmp_path, requires, why):
    finished_run(tmp_path, {"a": [3.0, 3.1, 2.9], "b": [1.0, 1.0, 1.1]}, epochs=[1, 2])
    judged = verdict(tmp_path, requires=requires)
    assert judged.state == ("not testable" if why else "reproduced")
    assert why in judged.why


def test_only_a_worse_verdict_is_a_loss(tmp_path):
    finished_run(tmp_path, {"a": [1.0, 5.0, 1.0], "b": [1.0, 1.0, 1.1]})
    open_ = [verdict(tmp_path)]
    states = get_args(State)
    place = states.index("inconclusive")
    for recorded in states[:place]:
        assert worse_than_recorded(open_, {"better": recorded}) == [f"better is inconclusive and was {recorded}"]
    for recorded in states[place:]:
        assert worse_than_recorded(open_, {"better": recorded}) == []
    assert worse_than_recorded(open_, {}) == []
    lost = [verdict(tmp_path, seeds=9)]
    (sentence,) = worse_than_recorded(lost, {"better": "not reproduced"})
    assert "better is not testable and was not reproduced: 3 seeds" in sentence


def test_several_rows_of_one_seed_count_once_and_only_where_the_ledger_says_how(tmp_path):
    place = finished_run(tmp_path, {"a": [1.0, 2.0]})
    with (place / "results" / "scores.csv").open("a") as stream:
        stream.write("a,0,3.0\n")
    statistic = {"label": "score", "table": "scores", "value": "score", "rows": "method == 'a'", "at_least": 0}
    assert "same seed" in verdict(tmp_path, statistic, seeds=2).why
    found = verdict(tmp_path, statistic | {"repeats": "mean"}, seeds=2).findings[0].estimate
    assert (found.n, found.value) == (2, 2.0)
