"""One fixed test set: digits of test units become draws and units, and rivals are compared on them."""

import numpy as np
import pandas as pd
import pytest

from ddbook.press.claims import Claim, Results, judge
from ddbook.press.claims.rivals import loss_of
from ddlib.statistics import crossed
from tests.ddbook.press.claims.world import CLAIM, finished_run

RIGHT = {
    "a": ["0111011101", "1111011101", "0111011111", "0111111101"],
    "b": ["0001010001", "0001010011", "0001010001", "0000010001"],
}
"""Of two methods on four training draws which of ten images are right; no draw begins with a 1 only."""
UNITS = {"label": "right", "table": "scores", "value": "right", "rows": "method == 'a'", "units": True, "at_least": 0.2}
MINUS = UNITS | {"minus": "method == 'b'", "factor": ["method.type"]}


def write(folder, right=RIGHT, **more):
    place = finished_run(folder, {"a": [1.0]})
    rows = [
        {"method": method, "seed": seed, "right": text, "method.type": method, **more}
        for method, texts in right.items()
        for seed, text in enumerate(texts)
    ]
    table = pd.DataFrame(rows).sample(frac=1, random_state=0)  # in no order
    table.to_csv(place / "results" / "scores.csv", index=False)
    return place / "results" / "scores.csv"


def verdict(folder, *statistics, **fields):
    return judge(Claim.model_validate(CLAIM | {"statistics": list(statistics)} | fields), Results(folder, "the run"))


def array(method):
    return np.array([[float(digit) for digit in text] for text in RIGHT[method]])


def test_digits_are_estimated_over_draws_and_units(tmp_path):
    write(tmp_path)
    judged = verdict(tmp_path, UNITS)
    assert judged.findings[0].estimate == pytest.approx(crossed(array("a")))
    assert judged.state == "reproduced"


def test_a_difference_is_paired_draw_by_draw_and_unit_by_unit(tmp_path):
    write(tmp_path)
    assert verdict(tmp_path, MINUS).findings[0].estimate == pytest.approx(crossed(array("a") - array("b")))


def test_the_same_column_as_a_number_is_another_statistic(tmp_path):
    write(tmp_path, right={"a": ["10", "11", "10"]})
    assert verdict(tmp_path, UNITS).findings[0].estimate.value == pytest.approx(4 / 6)
    assert verdict(tmp_path, UNITS | {"units": False}).findings[0].estimate.value == pytest.approx(31 / 3)


@pytest.mark.parametrize(
    ("right", "why"),
    [
        ({"a": ["0101", "010", "0101"]}, "equally many"),
        ({"a": ["0121", "0101", "0101"]}, "a digit 0 or 1"),
        ({"a": ["", "0101", "0101"]}, "a digit 0 or 1"),
        ({"a": ["0101", "0111"]}, "2 seeds where 3"),
    ],
)
def test_other_texts_are_refused(tmp_path, right, why):
    write(tmp_path, right=right)
    judged = verdict(tmp_path, UNITS)
    assert (judged.state, why in judged.why) == ("not testable", True)


def test_a_table_without_the_column_says_so(tmp_path):
    finished_run(tmp_path, {"a": [1.0, 2.0, 3.0]})
    assert "no column right" in verdict(tmp_path, UNITS).why


RIVALS = {
    "label": "least loss",
    "table": "scores",
    "value": "score",
    "rows": "budget == 10",
    "rivals": "method",
    "judges": "learner",
    "factor": ["method.type"],
    "at_least": 0.1,
}
MEANS = np.array([[0.9, 0.5], [0.8, 0.9], [0.85, 0.6]])
"""Of three methods under two learners: the first loses most with 0.4, the second with 0.1, the third with 0.3."""


def write_rivals(folder, means=MEANS, spread=0.01, drop=()):
    values = means[..., None] + spread * np.random.default_rng(0).normal(size=(*means.shape, 4))
    rows = [
        {"method": f"m{m}", "learner": f"l{j}", "seed": s, "budget": 10, "score": values[m, j, s], "method.type": f"M{m}"}
        for m, j, s in np.ndindex(values.shape)
    ]
    rows += [row | {"budget": 20, "score": 0.0} for row in rows]
    place = finished_run(folder, {"a": [1.0]})
    kept = [row for place, row in enumerate(rows) if place not in drop]
    pd.DataFrame(kept).to_csv(place / "results" / "scores.csv", index=False)
    return values


def test_the_most_versatile_rival_still_loses_something(tmp_path):
    values = write_rivals(tmp_path)
    judged = verdict(tmp_path, RIVALS | {"at_least": 0.05})
    value, low, high, n = judged.findings[0].estimate
    assert (value, low, high, n) == pytest.approx(loss_of(values[..., None]))
    assert value == pytest.approx(0.1, abs=0.02)  # what the second loses to the first under the first learner
    assert (judged.state, low < value < high, n) == ("reproduced", True, 4)


def test_one_rival_that_is_best_everywhere_refutes_the_claim(tmp_path):
    write_rivals(tmp_path, np.add(MEANS, [[0.5, 0.5], [0, 0], [0, 0]]))
    judged = verdict(tmp_path, RIVALS)
    assert (judged.state, judged.findings[0].estimate.value) == ("not reproduced", 0.0)


def test_noise_leaves_it_open(tmp_path):
    write_rivals(tmp_path, spread=0.3)
    assert verdict(tmp_path, RIVALS).state == "inconclusive"


@pytest.mark.parametrize(
    ("change", "why"),
    [
        ({"rows": "budget >= 10"}, "narrow the rows"),
        ({"rows": "budget == 10 and method == 'm0'"}, "two of both"),
        ({"value": "scor"}, "no column scor"),
        ({"judges": "judge"}, "no column judge"),
    ],
)
def test_rivals_that_cannot_be_compared_are_refused(tmp_path, change, why):
    write_rivals(tmp_path)
    judged = verdict(tmp_path, RIVALS | change)
    assert (judged.state, why in judged.why) == ("not testable", True)


def test_a_rival_without_a_judge_is_refused(tmp_path):
    write_rivals(tmp_path, drop=(0,))
    assert "lacks a row" in verdict(tmp_path, RIVALS).why
